"""Shut a process in, from the inside: files, system calls, resources, rights.

Everything here is one-way: a process that has done it cannot undo it, nor can what it runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .syscalls import filter_calls

LIBC = ctypes.CDLL(None, use_errno=True)

_RESTRICT_SELF, _ADD_RULE, _CREATE_RULESET = 446, 445, 444
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_WRITE = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 14  # write, remove, make; truncate
_ALL_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_NEWEST_RIGHTS = (1 << 16) - 1
_NO_NEW_PRIVILEGES, _DIE_WITH_PARENT, _DUMPABLE = 38, 1, 4
_NEW_NAMESPACES = {
    "processes": 0x20000000,
    "network": 0x40000000,
    "messages": 0x08000000,
    "names": 0x04000000,
}
_NEW_USER = 0x10000000
_VERSION_3 = 0x20080522


def landlock_version() -> int:
    """The version of the kernel's Landlock; 0 where there is none."""
    return max(0, int(LIBC.syscall(_CREATE_RULESET, None, 0, 1)))


class Landlock:
    """Files that may be read, and a folder that may be written in; nothing else can be opened.

    Args:
        readable: files and folders, with what is in them.
        listed: folders of which only the names in them may be seen.
        writable: folders in which everything may be done but making links and devices.

    Raises:
        OSError: the kernel has no Landlock.
    """

    def __init__(
        self, readable: Iterable[str], listed: Iterable[str], writable: Iterable[str]
    ) -> None:
        self.version = landlock_version()
        if not self.version:
            raise OSError("the kernel has no Landlock")
        self._all = _ALL_RIGHTS.get(self.version, _NEWEST_RIGHTS)
        network = 3 if self.version >= 4 else 0
        scoped = 3 if self.version >= 6 else 0
        size = 24 if self.version >= 6 else 16 if self.version >= 4 else 8
        attributes = struct.pack("=QQQ", self._all, network, scoped)[:size]
        self.ruleset = _checked(LIBC.syscall(_CREATE_RULESET, attributes, size, 0), "Landlock")
        for path in readable:
            self._allow(path, _READ_FILE | _READ_DIR)
        for path in listed:
            self._allow(path, _READ_DIR)
        for path in writable:
            self._allow(path, _READ_FILE | _READ_DIR | _WRITE)
        self._allow("/dev/null", _READ_FILE | 1 << 1)

    def _allow(self, path: str, rights: int) -> None:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            return  # a place that this machine does not have
        try:
            if not os.path.isdir(path):
                rights &= _READ_FILE | 1 << 1 | 1 << 14
            rule = struct.pack("=Qi", rights & self._all, opened)
            _checked(LIBC.syscall(_ADD_RULE, self.ruleset, 1, rule, 0), path)
        finally:
            os.close(opened)

    def restrict(self) -> None:
        """Hold this process to it, for good; ``no_new_privileges`` comes first."""
        _checked(LIBC.syscall(_RESTRICT_SELF, self.ruleset, 0), "Landlock")
        os.close(self.ruleset)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def without(folder: str, names: Sequence[str]) -> Iterator[str]:
    """What is in a folder, but for some names."""
    with contextlib.suppress(OSError):
        yield from (entry.path for entry in os.scandir(folder) if entry.name not in names)


def new_namespaces() -> list[str]:
    """Leave the machine's network, processes and messages for own ones; what could be left.

    The next child is the first of the new processes: this process itself stays outside.
    """
    everything = sum(_NEW_NAMESPACES.values())
    user, group = os.getuid(), os.getgid()
    if LIBC.unshare(everything) == 0:
        return list(_NEW_NAMESPACES)
    if LIBC.unshare(everything | _NEW_USER) == 0:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            Path("/proc/self", name).write_text(text)
        return list(_NEW_NAMESPACES)
    return []


def become_nobody(user: int) -> None:
    """Take on a user that owns nothing; its number must be nobody else's."""
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def limit(limits: Mapping[str, Any], processes: int | None) -> None:
    """Set the limits of resources; no core is dumped.

    Args:
        limits: ``seconds`` of processor time, ``memory_mb`` besides what is in use, ``file_mb``
            of every file.
        processes: the most threads; None where others of this user would be counted.
    """
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    wanted = {
        resource.RLIMIT_AS: used + int(limits["memory_mb"] * 2**20),
        resource.RLIMIT_CPU: int(limits["seconds"]) + 2,
        resource.RLIMIT_FSIZE: int(limits["file_mb"] * 2**20),
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if processes is not None:
        wanted[resource.RLIMIT_NPROC] = processes
    for which, most in wanted.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def drop_rights() -> None:
    """Give up all capabilities, and the means to gain any."""
    LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    header, nothing = struct.pack("=Ii", _VERSION_3, 0), struct.pack("=6I", *[0] * 6)
    _checked(LIBC.capset(header, nothing), "capset")


def hide() -> None:
    """Let no process of the same user look into this one or its forks."""
    LIBC.prctl(_DUMPABLE, 0, 0, 0, 0)


def die_with_parent() -> None:
    """Be killed when the parent ends."""
    LIBC.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)


def forbid_calls() -> None:
    """Put the filter of system calls on this process."""
    filter_calls(LIBC)
