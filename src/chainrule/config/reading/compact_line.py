"""One line of the compact form: ``key: value key: value``, taken apart with its columns.

A value is a word, a quoted text, a list ``(1 2)`` or a mapping ``{type: elu alpha: 0.5}``;
spaces or commas separate, ``#`` begins a comment. A word runs up to the next key, so that
file names may hold spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chainrule.config.reading.scalars import plain_scalar
from chainrule.config.reading.tree import KeyPath
from chainrule.core.limits import MAX_DEPTH

_KEY = re.compile(r"([A-Za-z_]\w*)\s*:")
_GAP = re.compile(r"(?:[\s,]|#.*)*")
_SPACE = re.compile(r"\s*")
# Up to a key, a comment or a last comma; possessive, so that a run of blanks is read once. The
# group is not: before Python 3.11.5 one that may go back within itself is matched wrongly.
_WORD = re.compile(r"(?:[^\s,]++|,(?!\s|\Z)|,?\s++(?![A-Za-z_]\w*\s*:|#|\Z))*")
_ITEM = re.compile(r"[^\s,()\[\]{}]+")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


class LineError(Exception):
    """A place in a line that cannot be read.

    Attributes:
        column: counted from 1.
        message: what was expected.
    """

    def __init__(self, column: int, message: str) -> None:
        self.column = column
        self.message = message
        super().__init__(message)


@dataclass(frozen=True)
class Pair:
    """A key with its value.

    Attributes:
        key: in lower case.
        column: of the key, counted from 1.
        value: plain.
        columns: of the value, path ``()``, and of everything inside it, by path; the keys of
            mappings have the columns of their values.
    """

    key: str
    column: int
    value: Any
    columns: dict[KeyPath, int]


def pairs(line: str) -> Iterator[Pair]:
    """The pairs of one line, from left to right.

    Raises:
        LineError: what stands there is no pair; those before it have been given.

    Example:
        >>> [(pair.key, pair.value) for pair in pairs("size:100 wr: (-0.1, 0.1)  # first")]
        [('size', 100), ('wr', [-0.1, 0.1])]
    """
    scanner = _Scanner(line)
    while not scanner.at_end():
        yield scanner.pair()


class _Scanner:
    """A position that moves through one line."""

    def __init__(self, line: str) -> None:
        self.line = line.rstrip()
        self.at = 0
        self.columns: dict[KeyPath, int] = {}

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Move past what ``pattern`` matches here, and give it."""
        match = pattern.match(self.line, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def at_end(self) -> bool:
        """Whether nothing but blanks is left of the line."""
        self.skip(_GAP)
        return self.at >= len(self.line)

    def key(self) -> tuple[str, int]:
        """A key and its column; the position moves behind the colon."""
        match = _KEY.match(self.line, self.at)
        if match is None:
            rest = self.line[self.at :]
            raise LineError(self.at + 1, f"expected 'key: value', found {rest[:40]!r}")
        column, self.at = self.at + 1, match.end()
        self.skip(_SPACE)
        return match[1].lower(), column

    def pair(self) -> Pair:
        """The next ``key: value``."""
        key, column = self.key()
        self.columns = {}
        next_key = _KEY.match(self.line, self.at)
        is_word = next_key and not self.line.startswith(("\\", "/"), next_key.end())
        if self.at >= len(self.line) or self.line[self.at] == "#" or is_word:
            raise LineError(column, f"{key!r} has no value")
        return Pair(key, column, self.value((), _WORD), self.columns)

    def value(self, path: KeyPath, word: re.Pattern[str]) -> Any:
        """The value that begins here; ``word`` says how far an unquoted one goes."""
        self.columns[path] = self.at + 1
        if len(path) > MAX_DEPTH:
            raise LineError(self.at + 1, "values are nested too deeply")
        start = self.line[self.at : self.at + 1]
        if start in ("(", "["):
            return self.sequence(path)
        if start == "{":
            return self.mapping(path)
        if start and start in "'\"":
            return self.quoted()
        if text := self.skip(word).rstrip():
            return plain_scalar(text)
        raise LineError(self.at + 1, f"expected a value, found {start!r}")

    def quoted(self) -> str:
        """A text in quotes, without them."""
        match = _QUOTED.match(self.line, self.at)
        if match is None:
            raise LineError(self.at + 1, "a quotation mark is opened and never closed")
        self.at = match.end()
        if match[1] is not None:
            return match[1].replace("''", "'")
        return re.sub(r"\\(.)", r"\1", match[2])

    def closed(self, opening: int) -> bool:
        """Whether the bracket opened at ``opening`` closes here; moves behind it."""
        closing = _CLOSING[self.line[opening]]
        if self.at_end():
            raise LineError(opening + 1, f"{closing!r} is missing; a list stands on one line")
        if self.line[self.at] != closing:
            return False
        self.at += 1
        return True

    def sequence(self, path: KeyPath) -> list[Any]:
        """A list in parentheses."""
        opening, items = self.at, list[Any]()
        self.at += 1
        while not self.closed(opening):
            items.append(self.value((*path, len(items)), _ITEM))
        return items

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        """Pairs in braces."""
        opening, found = self.at, dict[str, Any]()
        self.at += 1
        while not self.closed(opening):
            key, column = self.key()
            if key in found:
                raise LineError(column, f"duplicate key {key!r}")
            found[key] = self.value((*path, key), _ITEM)
        return found
