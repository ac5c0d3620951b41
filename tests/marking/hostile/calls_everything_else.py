"""Makes every system call that is not on the list, also by the numbers of other tables."""

import ctypes
import os
import platform

REFUSED = (1, 38)  # not permitted, no such call
OF_THE_KERNEL = (335, 336)  # end a process that calls them, whatever any filter says


def attack():
    from _sandbox import syscalls

    machine = platform.machine()
    if machine not in syscalls._ARCHITECTURES:
        return ""
    column = syscalls._ARCHITECTURES[machine][0]
    listed = {pair[column] for pair in syscalls._BOTH.values()}
    listed |= {numbers[column] for numbers, _, _ in syscalls._CONDITIONS.values()}
    listed |= {syscalls._CLONE[column], syscalls._CLONE3, *OF_THE_KERNEL}
    listed |= set(syscalls._OLD.values()) if machine == "x86_64" else set()
    libc = ctypes.CDLL(None, use_errno=True)
    done = []
    for number in (*range(600), 2**30 + 1, 2**30 + 57, 2**31 + 1):
        if number not in listed:
            ctypes.set_errno(0)
            found = libc.syscall(number, 0, 0, 0, 0, 0, 0)
            if found != -1 or ctypes.get_errno() not in REFUSED:
                done.append(f"{number}: {os.strerror(ctypes.get_errno())}")
    return "; ".join(done)
