"""Reading a small text file, or saying what keeps it from being read."""

from __future__ import annotations

import os
import re
from pathlib import Path

from chainrule.core.errors import ConfigError, Problem, nearest
from chainrule.core.limits import MAX_CONFIG_BYTES

_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: no such file, a folder, no text, or larger than any configuration.
    """
    if "\0" in str(path) or ("\n" in str(path) and not os.path.lexists(path)):
        raise ConfigError(f"expected the name of a configuration file, found {str(path)[:60]!r}")
    try:
        if not path.is_file():
            raise ConfigError(_no_file(path))
        with path.open("rb") as file:
            content = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise ConfigError(Problem(f"cannot be read: {error.strerror or error}", path)) from None
    if len(content) > MAX_CONFIG_BYTES:
        most = MAX_CONFIG_BYTES // 1024
        raise ConfigError(Problem(f"is too large for a configuration (over {most} KiB)", path))
    return _decoded(content, path)


def _decoded(content: bytes, path: Path) -> str:
    """UTF-8 without control characters; a mark of the byte order may stand in front."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"this file is not text in UTF-8 (byte 0x{content[error.start]:02x})"
        raise ConfigError(Problem(message, path, line)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if odd := _CONTROL.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        message = f"this file is not text (character U+{ord(odd.group()):04X})"
        raise ConfigError(Problem(message, path, line, column))
    return text


def _no_file(path: Path) -> Problem:
    """Why ``path`` is no file, with the name that may be meant."""
    if path.is_dir():
        inside = [name for name in ("config.yaml",) if (path / name).is_file()]
        hint = f"; did you mean '{path / inside[0]}'?" if inside else ""
        return Problem(f"is a folder; expected a configuration file{hint}", path)
    if path.exists():
        return Problem("is no regular file", path)
    if not path.parent.is_dir():
        return Problem(f"no such file; the folder '{path.parent}' does not exist", path)
    guess = nearest(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    hint = f"; did you mean '{path.with_name(guess)}'?" if guess else ""
    return Problem(f"no such file{hint}", path)
