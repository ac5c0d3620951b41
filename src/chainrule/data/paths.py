"""Files that are to be read: what is said of one that is not there."""

from __future__ import annotations

from pathlib import Path

from chainrule.data.arguments import MAX_BYTES
from chainrule.errors import DataError, Problem, nearest


def existing_file(path: Path, *, at_most: int = MAX_BYTES) -> Path:
    """``path`` itself, if it is a file that can be read.

    Args:
        path: where it should be.
        at_most: the bytes of the largest file that is read.

    Raises:
        DataError: if it is missing (with the nearest name in its folder), a folder, a device
            or a pipe, or larger than is read.
    """
    try:
        if path.is_file():
            size = path.stat().st_size
            if size > at_most:
                limit = at_most // 2**30
                raise DataError(
                    Problem(f"the file has {size / 2**30:.1f} GiB; at most {limit} are read", path)
                )
            return path
        found = "is a folder" if path.is_dir() else "is no ordinary file"
        if path.exists():
            raise DataError(
                Problem(f"expected a file, but this {found}{_folder_hint(path)}", path)
            )
    except (OSError, ValueError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(Problem(f"the file cannot be read ({_reason(error)})", path)) from None
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
        if isinstance(error, DataError):
            raise
        raise DataError(Problem(f"the folder cannot be read ({_reason(error)})", path)) from None
    raise DataError(Problem(f"there is no such folder{suggestion(path)}", path))


def read_bytes(path: Path, *, at_most: int = MAX_BYTES) -> bytes:
    """The content of an existing file of ``at_most`` bytes.

    Raises:
        DataError: as `existing_file`, or if it may not be read.
    """
    try:
        return existing_file(path, at_most=at_most).read_bytes()
    except OSError as error:
        raise DataError(Problem(f"the file cannot be read ({_reason(error)})", path)) from None


def suggestion(path: Path) -> str:
    """What to say after "there is no such file": the nearest name, or the missing folder."""
    folder = path.parent
    try:
        if not folder.is_dir():
            return f", nor the folder {folder}"
        guess = nearest(path.name, [entry.name for entry in folder.iterdir()])
    except (OSError, ValueError):
        return ""
    return f"; did you mean {guess!r}?" if guess else ""


def _folder_hint(path: Path) -> str:
    return (
        "; for images in one folder a class write folder: instead of file:"
        if path.is_dir()
        else ""
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
