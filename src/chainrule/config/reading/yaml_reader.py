"""The YAML form of a configuration, read into a `Tree`.

The values are built here from the parser's events, not by a YAML constructor. So nothing is ever
executed, the place of every key and value is known, a repeated key is found, and aliases, by which
a small file can describe a huge value, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from chainrule.config.reading.tree import Place, Tree, plain_scalar
from chainrule.core.errors import ConfigError, Problem, shown
from chainrule.core.limits import MAX_DEPTH
from chainrule.core.schema import NAME_BYTES, KeyPath
from chainrule.data.settings import PATH_KEYS

# A lone surrogate of UTF-16: an escape can write it, a file in UTF-8 cannot.
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")

# The parser's messages, and those shown in place of them; the first that matches counts.
_PLAIN_WORDS = (
    (r"found character '\\t'", "a tab cannot indent or separate here; use spaces"),
    (
        r"found character '(.)' that cannot start",
        "a value cannot start with {0}; put it in quotes",
    ),
    (
        r"mapping values are not allowed here",
        "this ':' is one too many, or the lines before it are not 'key: value' (with a space "
        "after the ':') or not indented alike",
    ),
    (
        r"could not find expected ':'",
        "a line above this is not 'key: value', with a space after the ':'",
    ),
    (r"found unexpected end of stream", "a quotation mark is opened and never closed"),
    (r"expected ',' or '([\]}])', but got '<stream end>'", "'{0}' is missing"),
    (r"expected ',' or '([\]}])', but got '(.*)'", "expected ',' or '{0}' before '{1}'"),
    (r"expected the node content, but found '(.*)'", "expected a value before '{0}'"),
    (r"expected <block end>", "this line is not indented as the lines it belongs to"),
    (r"sequence entries are not allowed here", "a '- ' item must start on a line of its own"),
    (r"unknown escape character '(.)'", "'\\{0}' means nothing in double quotes; use single ones"),
)


def read_yaml(text: str, source: Path | str | None = None) -> Tree:
    r"""The tree of a YAML text.

    Raises:
        ConfigError: the text is no YAML, or uses what a configuration has no need of (aliases,
            tags, several documents).

    Example:
        >>> tree = read_yaml("training:\n  epochs: 5")
        >>> tree.value, tree.place(("training", "epochs")).line
        ({'training': {'epochs': 5}}, 2)
    """
    reader = _Reader(text, source)
    try:
        return reader.read()
    except MarkedYAMLError as error:
        raise ConfigError(_syntax_problem(error, source)) from None
    except YAMLError as error:
        message = f"this is not YAML: {str(error).splitlines()[0]}"
        raise ConfigError(Problem(message, source)) from None


def _without_bytes(text: str, path: KeyPath) -> str:
    """The name of a file without bytes that are no text; any other value as it is."""
    return NAME_BYTES.sub("", text) if path and path[-1] in PATH_KEYS else text


class _Parser(YAML):
    """ruamel.yaml's parser without plug-ins: it would import any found in its folder."""

    def official_plug_ins(self) -> list[str]:
        """No plug-ins."""
        return []


class _Reader:
    """Builds one tree; recursive descent over the parser's events."""

    def __init__(self, text: str, source: Path | str | None) -> None:
        self.tree = Tree(None, source)
        self.events: Iterator[Any] = iter(_Parser(typ="safe", pure=True).parse(text))

    def read(self) -> Tree:
        """The tree of the only document; its value is None for an empty text."""
        next(self.events)
        event = next(self.events)
        if isinstance(event, StreamEndEvent):
            return self.tree
        self.tree.value = self.node(next(self.events), ())
        next(self.events)
        event = next(self.events)
        if isinstance(event, DocumentStartEvent):
            raise self.refuse(event, "a second document ('---') starts here; only one is read")
        return self.tree

    def place(self, event: Any) -> Place:
        """Where an event of the parser begins, counted from 1."""
        mark = event.start_mark
        return Place(self.tree.source, mark.line + 1, mark.column + 1)

    def refuse(self, event: Any, message: str) -> ConfigError:
        """The error of a construct that a configuration must not use."""
        place = self.place(event)
        return ConfigError(Problem(message, place.source, place.line, place.column))

    def node(self, event: Any, path: KeyPath) -> Any:
        """The value that begins with ``event``; its place is noted under ``path``."""
        self.tree.values[path] = self.place(event)
        self.tree.check_size()
        if isinstance(event, AliasEvent):
            message = f"aliases (*{event.anchor:.60}) are not read; write the value out"
            raise self.refuse(event, message)
        if len(path) > MAX_DEPTH:
            raise self.refuse(event, "values are nested too deeply")
        tag = str(event.tag or "!")
        if tag not in ("!", "tag:yaml.org,2002:str"):
            raise self.refuse(event, f"tags ({tag:.60}) are not read; write the plain value")
        if isinstance(event, MappingStartEvent):
            return self.mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self.sequence(path)
        if _HALF_CHARACTER.search(_without_bytes(event.value, path)):
            raise self.refuse(
                event, f"{shown(event.value)} holds half a character (\\uD800 to \\uDFFF)"
            )
        quoted = event.style is not None or event.tag is not None
        return event.value if quoted else plain_scalar(event.value)

    def sequence(self, path: KeyPath) -> list[Any]:
        """A list, with the places of its items."""
        items: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return items

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        """A mapping, whose keys are words as written; the first of two equal keys counts."""
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self.refuse(event, "a key must be a single word")
            if _HALF_CHARACTER.search(event.value):
                raise self.refuse(event, "a key holds half a character (\\uD800 to \\uDFFF)")
            key, place = event.value, self.place(event)
            if key in found:
                self.duplicate((*path, key), place)
                self.node(next(self.events), (-1, *path, key))  # read past, under no path
                continue
            self.tree.keys[*path, key] = place
            found[key] = self.node(next(self.events), (*path, key))
            if found[key] is None:
                self.tree.values[*path, key] = place  # an empty value has no place of its own
        return found

    def duplicate(self, path: KeyPath, place: Place) -> None:
        """Note a key that stands there twice, with both places."""
        first = self.tree.keys[path]
        message = f"duplicate key {shown(path[-1])}; it stands at line {first.line} already"
        problem = Problem(message, place.source, place.line, place.column)
        self.tree.problems.append(problem)


def _syntax_problem(error: MarkedYAMLError, source: Path | str | None) -> Problem:
    """A parser's complaint in plain words, at its line and column."""
    problem = str(error.problem or error.context or "not YAML")
    for pattern, words in _PLAIN_WORDS:
        if match := re.search(pattern, problem):
            problem = words.format(*match.groups())
            break
    mark, start = error.problem_mark, error.context_mark
    if start is not None and mark is not None and start.line != mark.line:
        problem += f" (see line {start.line + 1})"
    if mark is None:
        return Problem(problem, source)
    return Problem(problem, source, mark.line + 1, mark.column + 1)
