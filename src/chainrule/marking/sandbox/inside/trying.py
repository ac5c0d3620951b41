"""Try from the inside what must not be possible: a tier is what was tried, not what was asked."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path


def held(outside: str, scratch: str, other: int) -> dict[str, bool]:
    """Which things this process cannot do.

    Args:
        outside: a file that exists and that nobody must read or replace.
        scratch: the folder that may be written in.
        other: a process that must get no signal.

    Returns:
        ``reading``, ``writing``, ``network``, ``processes``, ``signals``: whether each is held
        back. ``working`` is whether what must be possible is.
    """
    sockets = [
        (family, kind)
        for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    ]
    return {
        "reading": all(_fails(_read, path) for path in (outside, "/etc/passwd")),
        "writing": all(_fails(_write, path) for path in (outside, f"{outside}.new")),
        "network": all(_fails(_connect, *one) for one in sockets),
        "processes": _fails(_fork) and _fails(_execute),
        "signals": all(_fails(os.kill, number, 0) for number in (other, os.getppid())),
        "working": not _fails(_write_and_read, Path(scratch, "tried")),
    }


def _fails(action: Callable[..., object], *arguments: object) -> bool:
    try:
        action(*arguments)
    except OSError:
        return True
    return False


def _write(path: str) -> None:
    Path(path).write_text("written")


def _connect(family: int, kind: int) -> None:
    socket.socket(family, kind).close()


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write_and_read(path: Path) -> None:
    path.write_text("tried")
    path.read_text()
    path.unlink()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _execute() -> None:
    try:
        os.execv("/does/not/exist", ["nothing"])
    except FileNotFoundError:
        return  # it was looked for: to start a program is permitted
