"""Finding the files and folders to be read, and the errors for those that cannot be read."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.core.limits import BOMB_BYTES, BOMB_RATIO, MAX_DATA_BYTES, MAX_FILES

FOLDER_HINT = "; for images in one folder a class write folder: instead of file:"

VARIABLE = "CHAINRULE_DATA"
"""The name of the environment variable that holds the path of a folder of data sets."""


def existing_file(path: Path, *, at_most: int = MAX_DATA_BYTES, hint: str = "") -> Path:
    """Check that ``path`` is an ordinary file that is not too large, and return it.

    Args:
        path: the path of the file.
        at_most: the largest size in bytes that is accepted.
        hint: text to add to the message if the path is a folder.

    Raises:
        DataError: nothing exists at the path (the message then suggests the most similar name in
            the folder), it is a folder, a device or a pipe, the file is larger than ``at_most``,
            or the system refuses access.
    """
    try:
        if path.is_file():
            size = path.stat().st_size
            if size > at_most:
                raise DataError(Problem(f"the file has {_size_and_limit(size, at_most)}", path))
            return path
        if path.is_dir():
            raise DataError(Problem(f"expected a file, but this is a folder{hint}", path))
        if path.exists():
            raise DataError(Problem("expected a file, but this is no ordinary file", path))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    raise DataError(Problem(f"there is no such file{suggestion(path)}", path))


def existing_folder(path: Path) -> Path:
    """Check that ``path`` is a folder, and return it.

    Raises:
        DataError: nothing exists at the path (the message then suggests the most similar name),
            it is not a folder, or the system refuses access.
    """
    try:
        if path.is_dir():
            return path
        if path.exists():
            raise DataError(Problem("expected a folder, but this is a file", path))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, "folder") from None
    raise DataError(Problem(f"there is no such folder{suggestion(path)}", path))


def plain_path(path: Path) -> Path:
    """The same path without ``..``, from the current folder if it lies in it, for messages."""
    if ".." not in path.parts:
        return path
    found, here = path.parent.resolve() / path.name, Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found


def files_matching(path: Path) -> list[Path]:
    """The file at a path, or all files that match it if it is a pattern such as ``part-*.csv``.

    Args:
        path: of a file that exists, whatever characters its name has, or a pattern with ``*``,
            ``?`` or ``[...]`` in any of its parts.

    Returns:
        The files in natural order, `natural`; a path that is neither is returned as it is.

    Raises:
        DataError: no file matches the pattern, or more than `MAX_FILES` do.
    """
    if not glob.has_magic(str(path)) or os.path.exists(path):
        return [path]
    found = [Path(name) for name in islice(glob.iglob(str(path)), MAX_FILES + 1)]
    if len(found) > MAX_FILES:
        raise DataError(Problem(f"more than {MAX_FILES:,} files match", path))
    files = sorted((file for file in found if file.is_file()), key=lambda f: natural(str(f)))
    if not files:
        raise DataError(Problem(f"no file matches{_found_instead(path.parent)}", path))
    return files


def _found_instead(folder: Path) -> str:
    """What a folder holds, for the end of a message."""
    if glob.has_magic(str(folder)) or not folder.is_dir():
        return ""
    names = sorted((file.name for file in islice(folder.iterdir(), MAX_FILES)), key=natural)
    if not names:
        return "; the folder is empty"
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return f"; the folder holds {', '.join(shown(name)[1:-1] for name in names[:10])}{more}"


def read_bytes(path: Path, *, at_most: int = MAX_DATA_BYTES) -> bytes:
    """The content of an existing file that has at most ``at_most`` bytes.

    Raises:
        DataError: `existing_file` refuses the path, or the file cannot be read.
    """
    try:
        return existing_file(path, at_most=at_most).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def decoded(path: Path, content: bytes) -> str:
    r"""The content of a file, decoded from UTF-8.

    A byte order mark at the beginning is removed; the line ends ``\r\n`` and ``\r`` become
    ``\n``.

    Raises:
        DataError: the content is not valid UTF-8; the error gives the line and the column.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"the byte 0x{content[error.start]:02X} is not text in UTF-8"
        raise DataError(problem_behind(path, before, message)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def problem_behind(path: Path, before: str, message: str) -> Problem:
    """A problem at the line and column of the first character after the text ``before``."""
    return Problem(message, path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def refuse_bomb(path: Path, packed: int, unpacked: int, *, least: int = BOMB_BYTES) -> None:
    """Refuse a compressed file whose unpacked size is implausibly large (a zip bomb).

    Args:
        path: the path of the file.
        packed: the compressed size in bytes of the file, or of the part that is unpacked.
        unpacked: the size in bytes after unpacking, as stated in the file itself.
        least: no file is refused that unpacks to at most so many bytes.

    Raises:
        DataError: ``unpacked`` exceeds `MAX_DATA_BYTES`, or it exceeds both ``least`` and
            `BOMB_RATIO` times ``packed``.
    """
    if unpacked > MAX_DATA_BYTES:
        message = f"the file would unpack to {_size_and_limit(unpacked, MAX_DATA_BYTES)}"
        raise DataError(Problem(message, path))
    if unpacked > least and unpacked > BOMB_RATIO * max(1, packed):
        message = f"{packed:,} bytes would unpack to {unpacked:,}"
        raise DataError(Problem(f"{message}; refused as a damaged or hostile file", path))


def _size_and_limit(size: int, most: int) -> str:
    """The part of a message that gives the size of a file and the largest size accepted."""
    if size >= 2**50:
        return f"more than a million GiB; at most {most // 2**30} are read"
    unit, name = (2**30, "GiB") if most >= 2**30 else (2**20, "MiB")
    return f"{size:,} bytes; at most {most:,} ({most // unit} {name}) are read"


def _unreadable(path: Path, error: Exception, what: str = "file") -> DataError:
    """The error to raise: ``error`` itself if it is a `DataError`, else one with its reason."""
    if isinstance(error, DataError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(Problem(f"the {what} cannot be read ({reason})", path))


def natural(name: str) -> tuple[list[int | str], str]:
    """The key to sort names by: numbers by their value, letters whether large or small.

    Example:
        >>> sorted(["10", "class 10", "2", "Class 2", "B", "a"], key=natural)
        ['2', '10', 'a', 'B', 'Class 2', 'class 10']
    """
    words: list[int | str] = list(re.split(r"([0-9]+)", name.casefold()))
    words[1::2] = map(int, words[1::2])
    return words, name


def suggestion(path: Path) -> str:
    """Text to append to "there is no such file" or "there is no such folder".

    It names the folder of ``path`` if that does not exist either, or else the most similar name
    in it; it is empty if no name is similar or the folder cannot be read.
    """
    folder = path.parent
    try:
        if not folder.is_dir():
            return f", nor the folder {folder}"
        guess = nearest(path.name, [entry.name for entry in folder.iterdir()])
    except (OSError, ValueError):
        return ""
    return f"; did you mean {guess!r}?" if guess else ""


def find_data(name: str, *, beside: Path, within: Sequence[str] = ()) -> Path:
    """The path of the file or folder ``name``, in the first of several folders that has it.

    The folders are searched in this order: ``data/`` and ``datasets/`` in ``beside``; ``beside``
    itself; the folder that the environment variable ``CHAINRULE_DATA`` names; and
    ``../shared/data`` relative to the root of the repository, which is the nearest folder that
    holds a ``pyproject.toml``, from ``beside`` upwards. In each of them, ``name`` is tried first,
    then ``W/name`` for each W of ``within``.

    Args:
        name: the name of a file or a folder, such as ``xor.dat``.
        beside: the folder of the calling program, such as ``Path(__file__).parent``.
        within: names of subfolders to search as well.

    Raises:
        DataError: no folder has it; the message lists the folders searched.
    """
    places = [place / inner for place in _places(beside.resolve()) for inner in ("", *within)]
    for place in places:
        if os.path.exists(place / name):  # never raises, whatever the name
            return place / name
    looked = "\n".join(f"  {place}" for place in places)
    raise DataError(
        f"{name} is not there; put it into {beside / 'data'}, or let the environment variable "
        f"{VARIABLE} name its folder. Looked in:\n{looked}"
    )


def _places(beside: Path) -> Iterator[Path]:
    """The folders that `find_data` searches, in this order."""
    yield from (beside / "data", beside / "datasets", beside)
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(os.path.expanduser(named))
    for folder in (beside, *beside.parents):
        if (folder / "pyproject.toml").is_file():
            yield folder.parent / "shared" / "data"
            return
