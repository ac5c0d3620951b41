"""Files to be read: finding them, and what is reported of one that cannot be read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from chainrule.core.errors import DataError, Problem, nearest
from chainrule.core.limits import BOMB_BYTES, BOMB_RATIO, MAX_DATA_BYTES

FOLDER_HINT = "; for images in one folder a class write folder: instead of file:"

VARIABLE = "CHAINRULE_DATA"
"""The environment variable that names a folder of data."""


def existing_file(path: Path, *, at_most: int = MAX_DATA_BYTES, hint: str = "") -> Path:
    """``path`` itself, if it is a file that can be read.

    Args:
        path: where it should be.
        at_most: the bytes of the largest file that is read.
        hint: what the message adds where it is a folder.

    Raises:
        DataError: if it is missing (with the nearest name in its folder), a folder, a device
            or a pipe, or larger than is read.
    """
    try:
        if path.is_file():
            size = path.stat().st_size
            if size > at_most:
                raise DataError(Problem(f"the file has {_too_many(size, at_most)}", path))
            return path
        if path.is_dir():
            raise DataError(Problem(f"expected a file, but this is a folder{hint}", path))
        if path.exists():
            raise DataError(Problem("expected a file, but this is no ordinary file", path))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    raise DataError(Problem(f"there is no such file{suggestion(path)}", path))


def existing_folder(path: Path) -> Path:
    """``path`` itself, if it is a folder.

    Raises:
        DataError: if it is not, with the nearest name there is.
    """
    try:
        if path.is_dir():
            return path
        if path.exists():
            raise DataError(Problem("expected a folder, but this is a file", path))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, "folder") from None
    raise DataError(Problem(f"there is no such folder{suggestion(path)}", path))


def read_bytes(path: Path, *, at_most: int = MAX_DATA_BYTES) -> bytes:
    """The content of an existing file of ``at_most`` bytes.

    Raises:
        DataError: as `existing_file`, or if it may not be read.
    """
    try:
        return existing_file(path, at_most=at_most).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def decoded(path: Path, content: bytes) -> str:
    """The content of a file as text, its line ends all newlines, without a byte order mark.

    Raises:
        DataError: it is not in UTF-8; with line and column.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", "replace")
        message = f"the byte 0x{content[error.start]:02X} is not text in UTF-8"
        raise DataError(problem_behind(path, before, message)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def problem_behind(path: Path, before: str, message: str) -> Problem:
    """A problem at the character that follows ``before``, the beginning of the file's text."""
    return Problem(message, path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def refuse_bomb(path: Path, packed: int, unpacked: int) -> None:
    """Refuse a file that would unpack to far more than honest files do (a zip bomb).

    Args:
        path: the file.
        packed: its bytes, or those of the part of it that is unpacked.
        unpacked: the bytes that these become, by the file's own account.

    Raises:
        DataError: they are too many, or too many times as many.
    """
    if unpacked > MAX_DATA_BYTES:
        message = f"the file would unpack to {_too_many(unpacked, MAX_DATA_BYTES)}"
        raise DataError(Problem(message, path))
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * max(1, packed):
        message = f"{packed:,} bytes would unpack to {unpacked:,}"
        raise DataError(Problem(f"{message}; refused as a damaged or hostile file", path))


def _too_many(size: int, most: int) -> str:
    """The size of a file, and the largest that is read."""
    if size >= 2**50:
        return f"more than a million GiB; at most {most // 2**30} are read"
    unit, name = (2**30, "GiB") if most >= 2**30 else (2**20, "MiB")
    return f"{size:,} bytes; at most {most:,} ({most // unit} {name}) are read"


def _unreadable(path: Path, error: Exception, what: str = "file") -> DataError:
    """The error itself, if it is a message for the user already, or what the system reported."""
    if isinstance(error, DataError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(Problem(f"the {what} cannot be read ({reason})", path))


def suggestion(path: Path) -> str:
    """What follows "there is no such file": the nearest name, or the missing folder."""
    folder = path.parent
    try:
        if not folder.is_dir():
            return f", nor the folder {folder}"
        guess = nearest(path.name, [entry.name for entry in folder.iterdir()])
    except (OSError, ValueError):
        return ""
    return f"; did you mean {guess!r}?" if guess else ""


def find_data(name: str, *, beside: Path, within: Sequence[str] = ()) -> Path:
    """The file or folder ``name``, from the first place that has it.

    The places are ``data/`` and ``datasets/`` beside the program, the program's own folder, the
    folder that ``CHAINRULE_DATA`` names, and ``shared/data`` beside the repository. In each,
    ``name`` itself comes first, then ``W/name`` for every W of ``within``.

    Args:
        name: of a file or a folder, such as ``xor.dat``.
        beside: the program's folder, such as ``Path(__file__).parent``.
        within: folders it may lie in as well.

    Raises:
        DataError: none of the places has it; the message lists them.
    """
    places = [place / inner for place in _places(beside.resolve()) for inner in ("", *within)]
    for place in places:
        if os.path.exists(place / name):  # which raises nothing, whatever the name
            return place / name
    looked = "\n".join(f"  {place}" for place in places)
    raise DataError(
        f"{name} is not there; put it into {beside / 'data'}, or let the environment variable "
        f"{VARIABLE} name its folder. Looked in:\n{looked}"
    )


def _places(beside: Path) -> Iterator[Path]:
    """The folders to look in, in their order."""
    yield from (beside / "data", beside / "datasets", beside)
    named = os.environ.get(VARIABLE)
    if named:
        yield Path(os.path.expanduser(named))
    for folder in (beside, *beside.parents):
        if (folder / "pyproject.toml").is_file():
            yield folder.parent / "shared" / "data"
            return
