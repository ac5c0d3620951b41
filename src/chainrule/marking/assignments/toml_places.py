"""A TOML file with the place of every key and value, which Python's reader does not tell.

The values are those of `tomllib`. The places come from a second look at the text, which by then is
known to be TOML, so that it only has to find where keys and values begin.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from chainrule.config.reading.tree import Place, Tree, read_text
from chainrule.core.errors import ConfigError, Problem
from chainrule.core.schema import KeyPath

_ERROR = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end.*)\)")
_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL
)
_WORD = re.compile(r"[^\s,\]}#]+(?: \d[^\s,\]}#]*)?")


def read_toml(path: Path) -> Tree:
    """Read a TOML file.

    Raises:
        ConfigError: it is missing, no text, too large, or no TOML; with line and column.
    """
    return parse_toml(read_text(path), path)


def parse_toml(text: str, path: Path | None = None) -> Tree:
    r"""The values of a TOML text and their places.

    Args:
        text: the file's text.
        path: the file, for messages.

    Raises:
        ConfigError: it is no TOML; with line and column.

    Example:
        >>> tree = parse_toml("[part]\nreturns = { loss = 'l' }")
        >>> tree.value, tree.values[("part", "returns", "loss")].column
        ({'part': {'returns': {'loss': 'l'}}}, 20)
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_problem(str(error), text, path)) from None
    except RecursionError:
        raise ConfigError(Problem("values are nested too deeply", path)) from None
    tree = Tree(value, path)
    tree.values[()] = Place(path, 1, 1)
    _Places(text, tree).look()
    return tree


def _problem(message: str, text: str, path: Path | None) -> Problem:
    """What is wrong with a text that is no TOML, as tomllib's message says it."""
    found = _ERROR.fullmatch(message)
    if found is None:
        return Problem(f"this is no TOML: {message}", path)
    lines = text.split("\n")
    line, column = found["line"] or len(lines), found["column"] or len(lines[-1]) + 1
    return Problem(f"this is no TOML: {found['what']}", path, int(line), int(column))


class _Places:
    """Goes through a text that is TOML and notes where keys and values begin."""

    def __init__(self, text: str, tree: Tree) -> None:
        self._text, self._tree, self._at = text, tree, 0
        self._counts: dict[KeyPath, int] = {}

    def look(self) -> None:
        """Note every place of the text."""
        table: KeyPath = ()
        while True:
            self._skip(_BLANK)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        """``[table]`` or ``[[table]]``: the path of what is below it."""
        start, is_list = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if is_list else 1
        path = self._resolved(self._keys())
        self._at += 2 if is_list else 1
        if is_list:
            self._tree.keys.setdefault(path, self._place(start))
            self._counts[path] = self._counts.get(path, -1) + 1
            path = (*path, self._counts[path])
        self._note(path, start)
        self._tree.keys[path] = self._tree.values[path]
        return path

    def _resolved(self, path: KeyPath) -> KeyPath:
        """The path with the number of the present item of each list of tables within it."""
        found: KeyPath = ()
        for k, key in enumerate(path):
            found = (*found, key)
            if k < len(path) - 1 and found in self._counts:
                found = (*found, self._counts[found])
        return found

    def _keys(self) -> KeyPath:
        """A key with dots, as a path."""
        found: list[str] = []
        while True:
            self._skip(_SPACE)
            word = self._skip(_KEY)
            found.append(tomllib.loads(f"k = {word}")["k"] if word[0] in "\"'" else word)
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return tuple(found)
            self._at += 1

    def _pair(self, table: KeyPath) -> None:
        """``key = value``."""
        start = self._at
        path = (*table, *self._keys())
        self._tree.keys[path] = self._place(start)
        self._at += 1  # the sign of equality
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        """A value, with what is within it."""
        self._note(path, self._at)
        opening = self._text[self._at]
        if opening in "\"'":
            self._skip(_STRING)
        elif opening in "[{":
            self._items(path, "]" if opening == "[" else "}")
        else:
            self._skip(_WORD)

    def _items(self, path: KeyPath, closing: str) -> None:
        """The items of a list or of an inline table."""
        self._at += 1
        for k in range(len(self._text)):
            self._skip(_BLANK)
            if self._text[self._at] == closing:
                break
            if closing == "]":
                self._value((*path, k))
            else:
                self._pair(path)
            self._skip(_BLANK)
            if self._text[self._at] == ",":
                self._at += 1
        self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Go behind what the pattern matches here, which is returned."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ConfigError(Problem("this TOML is not understood", *self._here()))
        self._at = found.end()
        return found[0]

    def _here(self) -> tuple[Path | str | None, int | None, int | None]:
        place = self._place(self._at)
        return place.source, place.line, place.column

    def _note(self, path: KeyPath, at: int) -> None:
        self._tree.values[path] = self._place(at)
        self._tree.check_size()

    def _place(self, at: int) -> Place:
        line = self._text.count("\n", 0, at) + 1
        return Place(self._tree.source, line, at - self._text.rfind("\n", 0, at))
