"""Writes a file completely or not at all, and refuses links in a run's own folder.

A file that a user names may be a link, or a pipe such as ``/dev/stdout``: it is written to. The
files of a run's or a sweep's folder have names that this package chose, and the folder may come
from a stranger. So a link, a pipe or a device in the place of such a file is refused: nothing
outside the folder is read or written, and no pipe can block the program.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import BinaryIO

from chainrule.core.errors import ChainruleError, Problem, shown

_BINARY = getattr(os, "O_BINARY", 0)
"""Without this flag Windows would convert line endings."""


def as_path(value: object, what: str) -> Path:
    """Convert a caller's path of a file or a folder to a `Path`.

    Args:
        value: a text, or a path.
        what: the argument's name, for messages, such as ``run``.

    Raises:
        ChainruleError: ``value`` is neither a text nor a path.
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else b""
    if isinstance(path, bytes) or "\0" in path:
        raise ChainruleError(f"{what} is the path of a file or folder, found {shown(value)}")
    return Path(path)


def require_own(*paths: Path) -> None:
    """Refuse a link, a pipe or a device in the place of a folder's own file.

    A missing file or a folder passes: whoever opens the path reports it.

    Raises:
        ChainruleError: with a problem for each of ``paths`` that is one of these.
    """
    problems = [Problem(message, path) for path in paths if (message := _not_own(path))]
    if problems:
        raise ChainruleError(problems)


def _not_own(path: Path) -> str | None:
    try:
        mode = os.lstat(path).st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    found = "a link" if stat.S_ISLNK(mode) else "no ordinary file"
    return f"this is {found}; only ordinary files of this folder are read and written"


def write_whole(path: Path, content: bytes | str, *, own: bool = False) -> None:
    """Put ``content`` at ``path`` in one step; see `whole_file`.

    Args:
        path: the file; its folder must exist.
        content: bytes, or text to be written as UTF-8.
        own: whether it is a folder's own file.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    with whole_file(path, own=own) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path, *, own: bool = False) -> Iterator[BinaryIO]:
    """A file to write into that appears at ``path`` in one step, at the end.

    It is written under a temporary name in the same folder, flushed to the disk and renamed, and
    the folder is flushed as well: a reader sees the old file or the new one. If anything fails,
    the temporary file is removed. Unless the file is a folder's ``own``, a link is followed and
    kept, and a pipe or a device, such as ``/dev/stdout``, is written directly.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    if own:
        require_own(path)
    is_special = not own and os.path.exists(path) and not os.path.isfile(path)
    target = path if own else Path(os.path.realpath(path))
    with reported(path), open(path, "wb") if is_special else _opened(target) as file:
        yield file


@contextmanager
def reported(path: Path) -> Iterator[None]:
    """Turn an error of the system into a message that says why ``path`` cannot be written."""
    try:
        yield
    except OSError as error:
        message = f"cannot write this file: {reason(path, error)}"
        raise ChainruleError(Problem(message, path)) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    temporary = path.with_name(f".{_short(path.name)}.{os.getpid()}.part")
    with suppress(FileNotFoundError):
        temporary.unlink()  # left by an earlier process with this process's number
    try:
        # "x" makes a new file or fails: it follows no link that somebody has put there.
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def shortened(name: str) -> str:
    """A name cut to at most 230 bytes, so that an ending can be added: file systems allow 255."""
    while len(os.fsencode(name)) > 230:
        name = name[:-1]
    return name


def unused(path: Path, *endings: str) -> Path:
    """``path``, or the first of ``path-2``, ``path-3``, ... of which there is no file yet.

    For a name that the user has not chosen: what an earlier command wrote is kept.

    Args:
        path: without an ending.
        endings: such as ``.png``, with any of which there must be no file.
    """
    for number in count(1):
        found = path if number == 1 else path.with_name(f"{path.name}-{number}")
        if not any(os.path.lexists(f"{found}{ending}") for ending in endings):
            break
    return found


def _short(name: str) -> str:
    """The name, or its hash above 100 bytes: file systems allow 255 bytes, some only 143."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= 100 else sha256(encoded).hexdigest()


@contextmanager
def added_to(path: Path) -> Iterator[BinaryIO]:
    """A folder's own file, opened for appending; it is created if it does not exist.

    Raises:
        ChainruleError: the file cannot be written, or is a link, a pipe or a device.
    """
    require_own(path)
    # The flags refuse a link or a pipe that somebody has put there since the check.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | _BINARY
    with reported(path), open(os.open(path, flags, 0o666), "ab") as file:
        yield file


def _sync_folder(folder: Path) -> None:
    """Flush a folder to the disk: only then does a rename survive a power failure."""
    if os.name == "nt":  # Windows cannot open a folder, and keeps renames in its journal
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without this operation
            raise
    finally:
        os.close(opened)


def is_leftover(name: str, of: str) -> bool:
    """Whether ``name`` is the temporary name that an interrupted writing of the file ``of`` left.

    Example:
        >>> is_leftover(".run.json.4711.part", of="run.json"), is_leftover("x.part", of="x")
        (True, False)
    """
    return re.fullmatch(rf"\.{re.escape(of)}\.\d+\.part", name) is not None


def refuse_input(
    path: Path, *inputs: Path, because: str = "this is the file that is read"
) -> None:
    """Refuse to overwrite a file that is an input, or that must not change for another reason.

    Raises:
        ChainruleError: ``path`` is the same file as one of ``inputs``, under any name.
    """
    # os.path.exists raises no exception, whatever the name.
    there = [file for file in inputs if os.path.exists(path) and os.path.exists(file)]
    if any(os.path.samefile(path, file) for file in there):
        raise ChainruleError(Problem(f"{because}; name another", path))


def reason(path: Path, error: OSError) -> str:
    """Why ``path`` cannot be written, in words."""
    folder = path.parent
    # The functions of os.path raise no exception, whatever the name.
    if not os.path.exists(folder):
        return f"the folder {str(folder)!r} does not exist"
    if not os.path.isdir(folder):
        return f"{str(folder)!r} is a file, not a folder"
    if os.path.isdir(path):
        return "there is a folder of that name"
    return error.strerror or str(error)


@contextmanager
def locked(folder: Path, message: str) -> Iterator[None]:
    """Hold the lock of a folder, which one process has at a time and loses when it ends.

    Args:
        folder: an existing folder.
        message: the error message if another process holds the lock.

    Raises:
        ChainruleError: another process holds the lock.
    """
    try:
        import fcntl
    except ImportError:  # a system without such locks
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ChainruleError(Problem(message, folder)) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(opened)
