"""The values of a configuration with the places where they are written; reads a file's text.

Both readers produce a `Tree`: plain values, and beside them the place of every key and value. The
schema checks the values; the place of one that is wrong is looked up in the tree.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.core.errors import ConfigError, Problem, nearest
from chainrule.core.limits import MAX_CONFIG_BYTES, MAX_CONFIG_VALUES, MOST_PROBLEMS
from chainrule.core.schema import KeyPath


@dataclass(frozen=True)
class Place:
    """Where a key or a value was written.

    Attributes:
        source: a file, or the text of a ``--set`` item, which has no lines.
        line: counted from 1.
        column: counted from 1.
        word: the key as written, where that is not the schema's own word.
    """

    source: Path | str | None = None
    line: int | None = None
    column: int | None = None
    word: str | None = None


@dataclass
class Tree:
    """Plain values and the places they were written in.

    Attributes:
        value: nested dict, list, str, int, float, bool and None; usually a dict.
        source: the file, or None for values that were given as a mapping.
        keys: the place of each key, by its path.
        values: the place of each value, by its path; the root's is ``()``.
        problems: what the reader found wrong without having to stop.
        partial: whether some text could not be read, so that a key may only seem to be missing.
        words: the compact form's own words for keys, by the schema's names of parent and key.
    """

    value: Any
    source: Path | str | None = None
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    partial: bool = False
    words: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_compact(self) -> bool:
        """Whether the file is in the compact form, which has words of its own."""
        return bool(self.words)

    def check_size(self) -> None:
        """Refuse more values, or more problems, than any configuration has.

        Raises:
            ConfigError: with the problems found so far.
        """
        if len(self.problems) > MOST_PROBLEMS:
            raise ConfigError(self.problems)
        if len(self.values) > MAX_CONFIG_VALUES:
            last = next(reversed(self.values.values()), Place(self.source))
            message = f"more than {MAX_CONFIG_VALUES:,} values; no configuration has so many"
            problem = Problem(message, last.source, last.line, last.column)
            raise ConfigError([problem, *self.problems])

    def place(self, path: KeyPath, *, of_key: bool = False) -> Place:
        """The place of the value at ``path``, or of the innermost value around it.

        Args:
            path: need not exist.
            of_key: whether to give the place of the key rather than of its value.
        """
        if of_key and path in self.keys:
            return self.keys[path]
        for end in range(len(path), -1, -1):
            found = self.values.get(path[:end])
            if found:
                return found
        return Place(self.source if self.source is not None else dotted(path) or None)

    def problem(self, path: KeyPath, message: str, *, of_key: bool = False) -> Problem:
        """A problem with the value, or the key, at ``path``."""
        place = self.place(path, of_key=of_key)
        return Problem(message, place.source, place.line, place.column)

    def word(self, path: KeyPath) -> str:
        """What the user calls the value at ``path``, as in ``size`` or ``item 3 of classes``."""
        if not path:
            return "the configuration"
        last = path[-1]
        if isinstance(last, int):
            if path[:-1] == ("network", "layers"):
                return f"layer {last + 1}"
            return f"item {last + 1} of {self.word(path[:-1])}"
        written = self.keys.get(path)
        if written:
            return written.word or last
        return self.words.get((named_parent(path), last), last)

    def value_at(self, path: KeyPath) -> Any:
        """The value at ``path``; raises ``LookupError`` or ``TypeError`` where there is none."""
        value = self.value
        for step in path:
            value = value[step]
        return value

    def spell(self, parent: KeyPath, key: str) -> str:
        """The file's word for ``key`` inside ``parent``."""
        return self.words.get((named_parent((*parent, key)), key), key)


def named_parent(path: KeyPath) -> str:
    """The nearest key above the last step of ``path``, ``""`` at the root."""
    return next((step for step in reversed(path[:-1]) if isinstance(step, str)), "")


def dotted(path: KeyPath) -> str:
    """A path as messages about mappings in Python write it.

    Example:
        >>> dotted(("network", "layers", 1, "size"))
        'network.layers[1].size'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}\Z")
_BASED = re.compile(r"0(?:o[0-7]{1,4000}|x[0-9a-fA-F]{1,3000})\Z")
_FLOAT = re.compile(r"(?=.*[.eE])[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z")
_NAN = (".nan", ".NaN", ".NAN")


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word: a number, a boolean, None, or the word itself.

    Both forms of a configuration and ``--set`` follow the core schema of YAML 1.2
    (https://yaml.org/spec/1.2.2/, section 10.3.2): ``1e-4`` is a number, and only ``true`` and
    ``false`` are booleans, so that ``no`` and ``on`` stay words.

    Example:
        >>> [plain_scalar(word) for word in ("10", "1e-4", "true", "relu", "null")]
        [10, 0.0001, True, 'relu', None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _INFINITY.match(text) or text in _NAN:
        return float(text.replace(".", "", 1))
    return text


_CONTROL = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_text(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        ConfigError: the file is missing, a folder, not text, or too large for a configuration.
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
    """Decode UTF-8, drop a leading byte order mark, and refuse control characters."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"this file is not text in UTF-8 (byte 0x{content[error.start]:02x})"
        if path.suffix == ".safetensors":
            message = (
                "this is a file of arrays, not a configuration; of an exported network predict, "
                "evaluate and export take it in place of a run"
            )
        raise ConfigError(Problem(message, path, line)) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if odd := _CONTROL.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        message = f"this file is not text (character U+{ord(odd.group()):04X})"
        raise ConfigError(Problem(message, path, line, column))
    return text


def _no_file(path: Path) -> Problem:
    """Why ``path`` is no file, with the nearest name in its folder."""
    if path.is_dir():
        inside = path / "config.yaml"
        hint = f"; did you mean '{inside}'?" if inside.is_file() else ""
        return Problem(f"is a folder; expected a configuration file{hint}", path)
    if path.exists():
        return Problem("is no regular file", path)
    if not path.parent.is_dir():
        return Problem(f"no such file; the folder '{path.parent}' does not exist", path)
    guess = nearest(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    hint = f"; did you mean '{path.with_name(guess)}'?" if guess else ""
    return Problem(f"no such file{hint}", path)
