"""Shares memory with others: by name, by file, between processes."""

import mmap
from multiprocessing import shared_memory


def attack():
    done = []
    try:
        shared_memory.SharedMemory("note", create=True, size=4096)
        done.append("by name")
    except OSError:
        pass
    try:
        with open("SOLUTION", "rb") as file:
            done.append(str(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)[:20]))
    except OSError:
        pass
    return "; ".join(done)
