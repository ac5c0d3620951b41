"""Writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from chainrule.errors import ChainruleError, Problem, shown


def as_path(value: object, what: str) -> Path:
    """A caller's path of a file or a folder.

    Args:
        value: a text, or a path.
        what: it is, for messages, such as ``run``.

    Raises:
        ChainruleError: it is neither.
    """
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        raise ChainruleError(f"{what} is the path of a file or folder, found {shown(value)}")
    return Path(os.fspath(value))


def write_whole(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path`` in one step; see `whole_file`.

    Args:
        path: the file; its folder must exist.
        content: bytes, or text to be written as UTF-8.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    with whole_file(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write into that takes its place in one step, at the end.

    A reader sees the old file or the new one. It is written under a temporary name in the same
    folder, flushed to the disk and renamed, and the folder is flushed as well; where anything
    fails it is removed again. What is no ordinary file, such as a pipe or ``/dev/stdout``, is
    written into directly.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    try:
        with _opened(path) as file:
            yield file
    except OSError as error:
        message = f"cannot write this file: {reason(path, error)}"
        raise ChainruleError(Problem(message, path)) from error


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            yield file
        return
    path = Path(os.path.realpath(path))  # a link stays, and what it leads to is written
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: a rename survives a failure of power only then."""
    if os.name == "nt":  # which opens no folder, and has the names in its journal
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that does not know the word
            raise
    finally:
        os.close(opened)


def is_leftover(name: str, of: str) -> bool:
    """Whether ``name`` is that of a temporary file of an interrupted writing of the file ``of``.

    Example:
        >>> is_leftover(".run.json.4711.part", of="run.json"), is_leftover("x.part", of="x")
        (True, False)
    """
    return re.fullmatch(rf"\.{re.escape(of)}\.\d+\.part", name) is not None


def refuse_input(path: Path, *inputs: Path) -> None:
    """Refuse to write to a file that is being read.

    Raises:
        ChainruleError: ``path`` is one of ``inputs``, by whatever name.
    """
    if any(_are_one(path, read) for read in inputs):
        raise ChainruleError(Problem("this is the file that is read; name another", path))


def refuse_files_of(folder: Path, path: Path, inside: Iterable[Path]) -> None:
    """Refuse to write over a file that belongs to a folder's run.

    Raises:
        ChainruleError: ``path`` is one of those ``inside``, by whatever name.
    """
    if any(_are_one(path, file) for file in inside):
        message = f"this file belongs to the run in {folder}; name another"
        raise ChainruleError(Problem(message, path))


def _are_one(path: Path, other: Path) -> bool:
    # os.path.exists raises nothing, whatever the name.
    return os.path.exists(path) and os.path.exists(other) and os.path.samefile(path, other)


def reason(path: Path, error: OSError) -> str:
    """Why ``path`` cannot be written, in words."""
    folder = path.parent
    # The functions of os.path raise nothing, whatever the name.
    if not os.path.exists(folder):
        return f"the folder {str(folder)!r} does not exist"
    if not os.path.isdir(folder):
        return f"{str(folder)!r} is a file, not a folder"
    if os.path.isdir(path):
        return "there is a folder of that name"
    return error.strerror or str(error)
