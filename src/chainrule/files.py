"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from chainrule.errors import ChainruleError, Problem


def write_whole(path: Path, content: bytes | str) -> None:
    """Put ``content`` at ``path`` in one step: a reader sees the old file or the new one.

    It is written under a temporary name in the same folder, flushed to the disk and renamed.

    Args:
        path: the file; its folder must exist.
        content: bytes, or text to be written as UTF-8.

    Raises:
        ChainruleError: the file cannot be written; an older one is untouched.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ChainruleError(
            Problem(f"cannot write this file: {reason(path, error)}", path)
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def reason(path: Path, error: OSError) -> str:
    """Why ``path`` cannot be written, in words."""
    folder = path.parent
    if not folder.exists():
        return f"the folder {str(folder)!r} does not exist"
    if not folder.is_dir():
        return f"{str(folder)!r} is a file, not a folder"
    if path.is_dir():
        return "there is a folder of that name"
    return error.strerror or str(error)
