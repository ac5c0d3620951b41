"""The bytes of a pickle, read one after the other: no length is believed before it is compared."""

from __future__ import annotations

import codecs
import struct
import warnings
from pathlib import Path
from typing import NoReturn

from chainrule.core.errors import DataError, Problem

SIZES = {"<H": 2, "<i": 4, "<I": 4, "<Q": 8}
"""Bytes of each form of number."""


class PickleBytes:
    """What the program of a pickle is written in: bytes, lines, numbers, texts.

    Args:
        contents: of the file.
        path: of the file, for messages.

    Attributes:
        at: how many bytes were read.
        opcode_at: the place of the last opcode, for messages.

    Raises:
        DataError: by every method, where the file is cut short or holds something else.
    """

    def __init__(self, contents: bytes, path: Path) -> None:
        self.contents = contents
        self.path = path
        self.at = 0
        self.opcode_at = 0

    def fail(self, message: str) -> NoReturn:
        """End with a message and the place of the opcode."""
        raise DataError(Problem(f"byte {self.opcode_at:,}: {message}", self.path)) from None

    def refuse(self, found: str) -> NoReturn:
        """End because the file holds what plain data have no need of."""
        self.fail(f"found {found}; a data file holds plain data alone, and nothing else is read")

    def byte(self) -> int:
        """The next byte, as a number."""
        if self.at == len(self.contents):
            self.take(1)  # says that it is not there
        self.at += 1
        return self.contents[self.at - 1]

    def take(self, count: int) -> bytes:
        """The next bytes."""
        start, end = self.at, self.at + count
        if count < 0 or end > len(self.contents):
            left = len(self.contents) - start
            self.fail(f"{count:,} bytes are announced, {left:,} are left: the file is cut short")
        self.at = end
        return self.contents[start:end]

    def frame(self) -> None:
        """A frame begins; it must end within the file."""
        length, left = self.number("<Q"), len(self.contents) - self.at
        if length > left:
            self.fail(f"a frame of {length:,} bytes, {left:,} are left: the file is cut short")

    def line(self) -> bytes:
        """The bytes up to the end of the line."""
        end = self.contents.find(b"\n", self.at)
        if end < 0:
            self.fail("a line has no end: the file is cut short")
        return self.take(end + 1 - self.at)[:-1]

    def number(self, form: str) -> int:
        """A number in the machine's form, as ``struct`` names it."""
        return int(struct.unpack(form, self.take(SIZES[form]))[0])

    def number_of_line(self, digits: bytes) -> int:
        """A number written in digits."""
        try:
            return int(digits)
        except ValueError:
            self.fail(f"{digits[:20]!r} is no whole number")

    def escaped(self, quoted: bytes) -> bytes:
        """Bytes that were written in quotes, with escapes."""
        if len(quoted) < 2 or quoted[:1] not in (b"'", b'"') or quoted[-1:] != quoted[:1]:
            self.fail("a text has no quotes")
        try:
            with warnings.catch_warnings(action="ignore"):
                return bytes(codecs.escape_decode(quoted[1:-1])[0])
        except ValueError:
            self.fail("a text has a wrong escape")

    def decoded(self, raw: bytes, encoding: str = "utf-8") -> str:
        """Bytes as a text."""
        try:
            return raw.decode(encoding, "surrogatepass")
        except UnicodeDecodeError:
            self.fail(f"a text is not in {encoding}")
