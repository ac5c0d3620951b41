"""Makes system calls by their numbers, past Python."""

import ctypes
import os


def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    own, parent = os.getpid(), os.getppid()
    done = []
    calls = {
        "fork": (57,),
        "vfork": (58,),
        "clone": (56, 17, 0, 0, 0, 0),
        "clone3": (435, 0, 0),
        "execve": (59, b"/bin/sh", None, None),
        "ptrace": (101, 16, parent, 0, 0),
        "process_vm_readv": (310, parent, 0, 0, 0, 0, 0),
        "socket": (41, 2, 1, 0),
        "kill": (62, parent, 9),
        "tkill": (200, parent, 9),
        "rt_sigqueueinfo": (129, parent, 9, 0),
        "pidfd_open": (434, parent, 0),
        "unshare": (272, 0x10000000),
        "setns": (308, 0, 0),
        "mount": (165, b"none", b"/", b"tmpfs", 0, None),
        "chroot": (161, b"/"),
        "bpf": (321, 0, 0, 0),
        "perf_event_open": (298, 0, 0, 0, 0, 0),
        "io_uring_setup": (425, 8, 0),
        "userfaultfd": (323, 0),
        "keyctl": (250, 0, 0, 0, 0, 0),
        "memfd_create": (319, b"x", 0),
        "shmget": (29, 5, 4096, 0o1666),
        "setrlimit": (302, parent, 9, 0, 0),
        "prctl": (157, 1, 0, 0, 0, 0),
        "fcntl owner": (72, 0, 8, parent),
        "symlink": (88, b"/etc/passwd", b"link"),
        "chmod": (90, b".", 0),
        "the other table": (0x40000000 + 57,),
    }
    if os.uname().machine != "x86_64":
        return ""
    for name, (number, *arguments) in calls.items():
        result = libc.syscall(number, *arguments)
        if result == 0 and number in (57, 58, 56) and os.getpid() != own:
            os._exit(0)
        if result >= 0 or ctypes.get_errno() not in (1, 38):
            done.append(f"{name}: {result}, {ctypes.get_errno()}")
    return "; ".join(done)
