"""The filter of system calls: no new process, no network, no signals to others; threads may be.

A filter is a small program of the kernel's packet-filter machine (classic BPF). It looks at the
number of every system call and, for a few, at an argument. What is not on the list fails with
"operation not permitted".
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterable, Sequence

_BOTH = {
    # name: number on x86_64, number on aarch64 (the kernel's generic table)
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    "lseek": (8, 62),
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "mincore": (27, 232),
    "msync": (26, 227),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "dup": (32, 23),
    "dup3": (292, 24),
    "pipe2": (293, 59),
    "flock": (73, 32),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "ftruncate": (77, 46),
    "fadvise64": (221, 223),
    "sendfile": (40, 71),
    "copy_file_range": (326, 285),
    "openat": (257, 56),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "mkdirat": (258, 34),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "readlinkat": (267, 78),
    "utimensat": (280, 88),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "sched_getparam": (143, 121),
    "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125),
    "sched_get_priority_min": (147, 126),
    "nanosleep": (35, 101),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "gettimeofday": (96, 169),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "times": (100, 153),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getgroups": (115, 158),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "uname": (63, 160),
    "sysinfo": (99, 179),
    "getrusage": (98, 165),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "rseq": (334, 293),
    "set_tid_address": (218, 96),
    "membarrier": (324, 283),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "ppoll": (271, 73),
    "pselect6": (270, 72),
    "epoll_create1": (291, 20),
    "epoll_ctl": (233, 21),
    "epoll_pwait": (281, 22),
    "eventfd2": (290, 19),
    "wait4": (61, 260),
    "waitid": (247, 95),
}
"""What any code may call, besides the calls of `_CONDITIONS`."""

_OLD = {
    "open": 2,
    "stat": 4,
    "lstat": 6,
    "access": 21,
    "pipe": 22,
    "select": 23,
    "poll": 7,
    "dup2": 33,
    "getdents": 78,
    "mkdir": 83,
    "rmdir": 84,
    "unlink": 87,
    "rename": 82,
    "readlink": 89,
    "time": 201,
    "epoll_create": 213,
    "epoll_wait": 232,
    "eventfd": 284,
    "arch_prctl": 158,
    "creat": 85,
    "alarm": 37,
    "pause": 34,
    "getpgrp": 111,
}
"""Older forms of them, which only x86_64 has."""

_CLONE_THREAD = 0x10000
_NAME_OF_THREAD = (15, 16)  # PR_SET_NAME, PR_GET_NAME
_FCNTL = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)  # neither owners of signals nor leases
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, how much is there

_CONDITIONS: dict[str, tuple[tuple[int, int], int, Sequence[int]]] = {
    # name: numbers, which argument, its permitted values ("own" ones are added in `program`)
    "prctl": ((157, 167), 0, _NAME_OF_THREAD),
    "fcntl": ((72, 25), 1, _FCNTL),
    "ioctl": ((16, 29), 1, _IOCTL),
    "prlimit64": ((302, 261), 0, (0,)),
    "kill": ((62, 129), 0, ()),
    "tgkill": ((234, 131), 0, ()),
}
_OF_ONESELF = ("kill", "tgkill", "prlimit64")
"""Calls whose first argument may be the process itself."""

_CLONE = (56, 220)
_CLONE3 = 435
_NEWEST = 450
"""Of calls newer than this the C library is told that they do not exist, so that it uses older
ones."""

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_NOT_PERMITTED, _NO_SUCH_CALL = 0x00050001, 0x00050026
_LOAD, _IF_EQUAL, _IF_GREATER, _IF_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

Instruction = tuple[int, int, int, int]
"""Code, how far to jump where it is true, where it is false, and a number."""


def program(machine: str, own: int) -> list[Instruction]:
    """The filter for a machine.

    Args:
        machine: ``x86_64`` or ``aarch64``.
        own: the number of the process itself, to which it may send signals.

    Raises:
        OSError: there is no table for the machine.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(f"no table of system calls for {machine}")
    column, architecture = _ARCHITECTURES[machine]
    found: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    old = _OLD.values() if machine == "x86_64" else ()
    for number in (*(pair[column] for pair in _BOTH.values()), *old):
        found += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    for name, (numbers, argument, values) in _CONDITIONS.items():
        permitted = (*values, own) if name in _OF_ONESELF else values
        found += _where_argument(numbers[column], argument, permitted)
    found += [
        (_IF_EQUAL, 0, 4, _CLONE[column]),
        (_LOAD, 0, 0, _ARGUMENTS_AT),
        (_IF_BIT, 0, 1, _CLONE_THREAD),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NOT_PERMITTED),
        (_IF_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
        (_IF_GREATER, 0, 1, _NEWEST),
        (_RETURN, 0, 0, _NO_SUCH_CALL),
        (_RETURN, 0, 0, _NOT_PERMITTED),
    ]
    return found


def _where_argument(number: int, argument: int, values: Iterable[int]) -> list[Instruction]:
    """Allow a call where the lower half of one of its arguments is among some values."""
    tests: list[Instruction] = [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)]
    for value in values:
        tests += [(_IF_EQUAL, 0, 1, value), (_RETURN, 0, 0, _ALLOW)]
    tests.append((_RETURN, 0, 0, _NOT_PERMITTED))
    return [(_IF_EQUAL, 0, len(tests), number), *tests]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def filter_calls(libc: ctypes.CDLL) -> None:
    """Put the filter on this process, for good.

    Raises:
        OSError: the kernel or the machine has no such filters.
    """
    found = program(platform.machine(), os.getpid())
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in found)
    buffer = ctypes.create_string_buffer(packed)
    handed = _Program(len(found), ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(22, 2, ctypes.byref(handed), 0, 0):
        raise OSError(ctypes.get_errno(), "seccomp")
