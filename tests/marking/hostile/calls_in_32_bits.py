"""Asks the kernel as a program of 32 bits does, whose calls have other numbers."""

import ctypes
import mmap
import platform


def attack():
    if platform.machine() != "x86_64":
        return ""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # getpid by interrupt 0x80
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return f"process {ctypes.CFUNCTYPE(ctypes.c_int)(start)()}"
