"""The compact form of a configuration: sections GLOBALS, LAYERS, DATA and TRAINING.

It has short keys of its own for the network (``act``, ``lrate``, ``wreg``). The reader puts their
values where the schema expects them and notes their places; the schema checks the values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.config.advice import LAYER_WORDS, NETWORK_WORDS, SECTIONS, on_key
from chainrule.config.reading.tree import Place, Tree, plain_scalar
from chainrule.core.errors import Problem, nearest, shown, unknown
from chainrule.core.limits import MAX_DEPTH
from chainrule.core.schema import KeyPath
from chainrule.core.vocabulary import SYNONYMS

_WORDS: Mapping[tuple[str, str], str] = {
    (("layers", *path)[-2], path[-1]): word for word, path in LAYER_WORDS.items()
} | {(("network", *path)[-2], path[-1]): word for word, path in NETWORK_WORDS.items()}
_BEGINS: Mapping[str, KeyPath] = {
    name: ("network", "layers") if part == "layers" else (part,) for part, name in SECTIONS.items()
}
_SECTIONS = tuple(_BEGINS)
_OTHER_SECTIONS: Mapping[str, str] = {
    **dict.fromkeys(("network", "global", "general", "parameters", "hyperparameters"), "GLOBALS"),
    **dict.fromkeys(("hidden", "output", "input", "layer", "architecture"), "LAYERS"),
    "dataset": "DATA",
}
"""Names of sections in other programs' files, and the section that is meant."""
# Possessive quantifiers (*+) never backtrack into a run of blanks.
_HEADER = re.compile(r"\s*+([A-Za-z_]++)\s*+(?::\s*+)?(?:(?<=\s)#.*)?\Z")
_MEANINGLESS = re.compile(r"\s*+(#.*)?\Z")
# How files for Python's configparser and its like are written.
_INI_HEADER = re.compile(r"\s*+\[\s*+([A-Za-z_]\w*+)\s*+\]\s*+\Z")
_INI_COMMENT = re.compile(r"(?:\A\s*+|(?<=\s));.*")
_INI_PAIR = re.compile(r"\s*+([A-Za-z_]\w*+)\s*+=\s*+(.*)\Z")
_KEYS = re.compile(r"(?<!\w)([A-Za-z_]\w*+)\s*+:")
_INI = {
    "header": "the name of a section stands without brackets: {}",
    "comment": "a comment begins with # and not with ;",
    "pair": "a key and its value are joined by a colon: {}",
}
_BEGIN_A_LAYER = {"size", "type", "filters", "input"}
"""One of these keys stands on every line of LAYERS."""


def is_compact(text: str) -> bool:
    r"""Whether a text is of the compact form: its first meaningful line is a section's name.

    A name in brackets or after ``;`` comments counts, so that the reader says what is wrong.

    Example:
        >>> is_compact("# my network\nGLOBALS\nloss: mse"), is_compact("network: {}")
        (True, False)
    """
    lines = (_INI_COMMENT.sub("", line) for line in text.split("\n"))
    first = next((line for line in lines if not _MEANINGLESS.match(line)), "")
    if _INI_HEADER.match(first):
        return True
    header = _HEADER.match(first)
    if header is None:
        return False
    # A word alone begins no YAML mapping, so it is a section, if misspelt; "data:" may be YAML.
    return ":" not in first.split("#")[0] or header[1] in _SECTIONS


def read_compact(text: str, source: Path | str | None = None) -> Tree:
    r"""The tree of a compact text; what cannot be read is noted in its ``problems``.

    Example:
        >>> tree = read_compact("LAYERS\ninput: 20\nsize: 5 act: relu")
        >>> tree.value
        {'network': {'layers': [{'size': 5, 'activation': 'relu'}], 'input': 20}}
    """
    reader = _Reader(source)
    for number, line in enumerate(text.split("\n"), start=1):
        if not _MEANINGLESS.match(line):
            reader.line(number, line)
    reader.finish()
    return reader.tree


class _Reader:
    """The tree so far, the current section and the current line.

    Until `finish`, the layers are a mapping with their numbers as keys, as `put` needs it.
    """

    def __init__(self, source: Path | str | None) -> None:
        self.tree = Tree({}, source, values={(): Place(source, 1, 1)}, words=_WORDS)
        self.section: str | None = None
        self.sections: dict[str, int] = {}
        self.layers = 0
        self.number = 0
        self.ini: dict[str, list[tuple[int, int, str]]] = {}

    def place(self, column: int, word: str | None = None) -> Place:
        """A place in the current line."""
        return Place(self.tree.source, self.number, column, word)

    def report(self, column: int, message: str) -> None:
        """Note a problem in the current line."""
        self.tree.problems.append(Problem(message, self.tree.source, self.number, column))

    def line(self, number: int, line: str) -> None:
        """Read a line: a section's name, or pairs of the current section."""
        self.number = number
        self.tree.check_size()
        line = self.without_ini(line)
        if _MEANINGLESS.match(line):
            return
        word = _HEADER.match(line)
        section = word and nearest(word[1], _SECTIONS)
        if word and not section and ":" not in word.group() and self.section == "LAYERS":
            column = word.start(1) + 1  # "softmax" alone, as in YAML
            self.pairs(line, [Pair("type", column, word[1], {(): column})])
        elif word and (section or ":" not in word.group()):
            self.begin(word[1], word.start(1) + 1)
        elif self.section is not None:
            self.pairs(line)

    def without_ini(self, line: str) -> str:
        """The line with its INI syntax replaced and noted; `finish` reports each kind once."""
        may_hold_one = "'" in line or '"' in line or "#" in line or self.section == "DATA"
        comment = (_INI_COMMENT.match if may_hold_one else _INI_COMMENT.search)(line)
        if comment:
            self.note_ini("comment", comment.start() + 1, "")
            line = line[: comment.start()]
        if header := _INI_HEADER.match(line):
            self.begin(header[1], header.start(1) + 1)
            self.note_ini("header", header.start(1), self.section or header[1])
            return ""
        pair = _INI_PAIR.match(line)
        if pair is None or ":" in line:
            return line
        self.note_ini("pair", pair.start(1) + 1, f"{pair[1]}: {pair[2]}")
        return line.replace("=", ":")

    def note_ini(self, kind: str, column: int, meant: str) -> None:
        """Note INI syntax of this kind in the current line, and what to write instead."""
        self.ini.setdefault(kind, []).append((self.number, column, meant))

    def begin(self, word: str, column: int) -> None:
        """Begin a section."""
        name = word.upper()
        if name not in _SECTIONS:
            self.section = _OTHER_SECTIONS.get(word.lower()) or nearest(word, _SECTIONS)
            hint = f"; did you mean {self.section!r}?" if self.section else "."
            known = ", ".join(_SECTIONS)
            self.report(column, f"unknown section {shown(word)}{hint} Known: {known}")
            self.tree.partial = True
            return
        if name in self.sections:
            self.report(column, f"section {name} stands at line {self.sections[name]} already")
        self.sections.setdefault(name, self.number)
        self.section = name
        path = _BEGINS[name]
        self.tree.values.setdefault(path, self.place(column))
        self.put(path)

    def pairs(self, line: str, given: Iterable[Pair] | None = None) -> None:
        """Read the pairs of a line; those before an unreadable place still count."""
        start = len(line) - len(line.lstrip()) + 1
        layer: KeyPath = ("network", "layers", self.layers)
        if self.section == "LAYERS" and given is None and self.continues_a_layer(line):
            self.layers -= 1
            layer = (*layer[:2], self.layers)
            before = self.tree.values[layer].line
            message = f"a layer stands on one line: write this behind line {before}"
            self.report(start, f"{message}, or begin with the size of another layer")
        try:
            for pair in pairs(line) if given is None else given:
                self.tree.check_size()
                path = self.path(pair, layer)
                if path is not None:
                    if path[: len(layer)] == layer:
                        self.tree.values.setdefault(layer, self.place(start))
                    self.tree.values.setdefault(path[:-1], self.place(pair.column))
                    self.add(path, pair)
        except LineError as error:
            self.report(error.column, error.message)
            self.tree.partial = True
        self.layers += layer in self.tree.values

    def continues_a_layer(self, line: str) -> bool:
        """Whether a line of LAYERS seems to continue the layer of the line before."""
        keys = {key.lower() for key in _KEYS.findall(line)}
        own = keys & LAYER_WORDS.keys()
        return bool(self.layers and own and not keys & _BEGIN_A_LAYER and own == keys)

    def path(self, pair: Pair, layer: KeyPath) -> KeyPath | None:
        """The schema's path of a key; an unknown key is reported and read as the likely one."""
        if self.section in ("DATA", "TRAINING"):
            return (self.section.lower(), pair.key)
        own: dict[str, KeyPath] = {w: ("network", *path) for w, path in NETWORK_WORDS.items()}
        part = "network"
        if self.section == "LAYERS":
            part, own = "layers", {w: (*layer, *path) for w, path in LAYER_WORDS.items()}
            own["input"] = ("network", "input")
        key = pair.key
        if key in own:
            return own[key]
        if part == "network" and key == "input":
            self.report(pair.column, "key 'input' belongs to LAYERS, not to GLOBALS")
            return None
        if advice := on_key(key, part, [str(path[-1]) for path in own.values()], compact=True):
            self.report(pair.column, advice)
            return None
        meant = _meant(key, own)
        message = unknown("key", key, own)
        if meant and not nearest(key, own):
            message = f"unknown key {key!r}; did you mean {meant!r}? Known: {', '.join(own)}"
        self.report(pair.column, message)
        return own[meant] if meant and own[meant] not in self.tree.keys else None

    def add(self, path: KeyPath, pair: Pair) -> None:
        """Put a pair's value at ``path``, and note its place and those inside."""
        if path in self.tree.keys:
            first = self.tree.keys[path].line
            message = f"duplicate key {pair.key!r}; it stands at line {first} already"
            self.report(pair.column, message)
            return
        self.tree.keys[path] = self.place(pair.column, pair.key)
        for inner, column in pair.columns.items():
            self.tree.values[path + inner] = self.place(column)
            if inner and isinstance(inner[-1], str):
                self.tree.keys[path + inner] = self.place(column)
        self.put(path[:-1])[path[-1]] = pair.value

    def put(self, path: KeyPath) -> dict[str | int, Any]:
        """The mapping at ``path``, created if it does not exist."""
        inside: dict[str | int, Any] = self.tree.value
        for step in path:
            inside = inside.setdefault(step, {})
        return inside

    def finish(self) -> None:
        """Report INI syntax, make the layers a list, drop a penalty of ``breg: false`` alone."""
        for kind, found in self.ini.items():
            self.number, column, meant = found[0]
            others = [number for number, *_ in found[1:]]
            more = f" (so too in {_lines(others)})" if others else ""
            self.report(column, _INI[kind].format(meant) + more)
        network = self.tree.value.get("network", {})
        if "layers" in network:
            network["layers"] = list(network["layers"].values())
        if network.get("penalty") == {"biases": False}:
            del network["penalty"]


def _meant(key: str, own: Mapping[str, KeyPath]) -> str | None:
    """The known key that an unknown one resembles, in this form or by its name in the schema."""
    by_field: dict[str, str] = {}
    for word, path in own.items():
        by_field.setdefault(str(path[-1]), word)
    if (field := SYNONYMS.get(key, key)) in by_field:
        return by_field[field]
    return nearest(key, own) or by_field.get(nearest(key, by_field) or "")


def _lines(numbers: list[int]) -> str:
    """Line numbers as a text such as ``lines 3, 5 and 8``; at most five are named."""
    named = [str(number) for number in numbers[:5]]
    if len(numbers) > len(named):
        named.append(f"{len(numbers) - len(named)} more")
    *first, last = named
    return f"lines {', '.join(first)} and {last}" if first else f"line {last}"


# One line of the compact form, ``key: value key: value``.
#
# A value is a word, a quoted text, a list ``(1 2)`` or a mapping ``{type: elu alpha: 0.5}``;
# spaces or commas separate, ``#`` begins a comment. A word runs up to the next key, so that
# file names may hold spaces.

_KEY = re.compile(r"([A-Za-z_]\w*)\s*:")
_GAP = re.compile(r"(?:[\s,]|#.*)*")
_SPACE = re.compile(r"\s*")
# Matches up to a key, a comment or a last comma, without backtracking into a run of blanks. The
# outer group is not possessive: Python before 3.11.5 matches such a group wrongly.
_WORD = re.compile(r"(?:[^\s,]++|,(?!\s|\Z)|,?\s++(?![A-Za-z_]\w*\s*:|#|\Z))*")
_ITEM = re.compile(r"[^\s,()\[\]{}]+")
_QUOTED = re.compile(r"'((?:[^']|'')*)'|\"((?:[^\"\\]|\\.)*)\"")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass
class LineError(Exception):
    """A place in a line that cannot be read.

    Attributes:
        column: counted from 1.
        message: what was expected.
    """

    column: int
    message: str


@dataclass(frozen=True)
class Pair:
    """A key with its value.

    Attributes:
        key: in lower case.
        column: of the key, counted from 1.
        value: of plain Python types.
        columns: by path, of the value, at ``()``, and of everything inside it; a key inside has
            the column of its value.
    """

    key: str
    column: int
    value: Any
    columns: dict[KeyPath, int]


def pairs(line: str) -> Iterator[Pair]:
    """The pairs of one line, from left to right.

    Raises:
        LineError: at the first place that is no pair.

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
        """Move past what ``pattern`` matches here, and return that."""
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
        """The value that begins here; ``word`` is the pattern of an unquoted one."""
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
        """A quoted text, without its quotes."""
        match = _QUOTED.match(self.line, self.at)
        if match is None:
            raise LineError(self.at + 1, "a quotation mark is opened and never closed")
        self.at = match.end()
        if match[1] is not None:
            return match[1].replace("''", "'")
        return re.sub(r"\\(.)", r"\1", match[2])

    def closed(self, opening: int) -> bool:
        """Whether the bracket opened at ``opening`` closes here; if so, move past it."""
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
