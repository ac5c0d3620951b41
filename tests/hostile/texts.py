"""Hostile texts whose characters are to be learnt."""

from __future__ import annotations

from collections.abc import Iterator

from hostile.configurations_yaml import special_files
from hostile.made import Bytes, Hostile, contents

_TEXT = b"to be or not to be " * 20


TEXTS: dict[str, Bytes] = {
    "nothing": b"",
    "a mark of the byte order": b"\xef\xbb\xbf",
    "one character": b"a",
    "one character again and again": b"a" * 5000,
    "too few for a window": b"to be or not to be",
    "NUL at the end": _TEXT + b"\0",
    "NULs": bytes(10_000),
    "UTF-16": _TEXT.decode().encode("utf-16"),
    "UTF-32": _TEXT.decode().encode("utf-32"),
    "Latin-1": _TEXT + b"\xe9",
    "half a character": _TEXT + "é".encode()[:1],
    "a surrogate": _TEXT + b"\xed\xa0\x80",
    "an overlong blank": _TEXT + b"\xc0\xa0",
    "beyond the last character": _TEXT + b"\xf4\x90\x80\x80",
    "every character there is": lambda: "".join(
        chr(k) for k in range(1, 0x20000) if not 0xD800 <= k < 0xE000
    ).encode(),
    "windows beyond memory": lambda: "".join(
        chr(0x4E00 + k * 7919 % 19_000) for k in range(300_000)
    ).encode(),
    "an image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "an archive": b"PK\x03\x04" + bytes(100),
    "a pickle": b"\x80\x04]\x94.",
    "longer than any novel": lambda: b"ab" * (2**25 + 1),
}


def files() -> Iterator[Hostile]:
    """Texts, and what is no file."""
    yield from contents("characters", "text.txt", TEXTS)
    yield from special_files("characters", "text.txt")
