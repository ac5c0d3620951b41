"""The YAML form of a configuration, read into a `Tree`.

The values are built here from the parser's events, not by a YAML constructor. Therefore no code in
the file is ever executed, the place of every key and value is known, and a repeated key is found.
Aliases are refused, because with them a small file can describe a huge value.
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

# A surrogate code point. It is no character by itself, and a file in UTF-8 cannot contain it, but
# an escape such as "\ud800" in a quoted YAML string can.
_SURROGATE = re.compile("[\ud800-\udfff]")

# Patterns of the parser's messages, each with the message that the user sees instead. The first
# pattern that matches is used; {0} and {1} stand for its groups.
_CLEARER_MESSAGES = (
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
        ConfigError: the text is not valid YAML, or it uses a feature that is not supported here:
            an alias, a tag, or more than one document.

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
    """``text``; of a file name, without the surrogates for bytes that are not UTF-8 (PEP 383)."""
    return NAME_BYTES.sub("", text) if path and path[-1] in PATH_KEYS else text


class _Parser(YAML):
    """ruamel.yaml's parser, which here does not import the plug-ins in its package folder."""

    def official_plug_ins(self) -> list[str]:
        """No plug-ins."""
        return []


class _Reader:
    """Builds one tree from the parser's events, by recursive descent."""

    def __init__(self, text: str, source: Path | str | None) -> None:
        self.tree = Tree(None, source)
        self.events: Iterator[Any] = iter(_Parser(typ="safe", pure=True).parse(text))

    def read(self) -> Tree:
        """The tree of the text's only document; its value is None if the text is empty."""
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
        """The error to raise for something in the file that is not accepted, with its place."""
        place = self.place(event)
        return ConfigError(Problem(message, place.source, place.line, place.column))

    def node(self, event: Any, path: KeyPath) -> Any:
        """The value that starts with ``event``; its place is stored in the tree under ``path``."""
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
        if _SURROGATE.search(_without_bytes(event.value, path)):
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
        """A mapping as a dictionary. Keys stay strings; of equal keys, the first one is kept."""
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                raise self.refuse(event, "a key must be a single word")
            if _SURROGATE.search(event.value):
                raise self.refuse(event, "a key holds half a character (\\uD800 to \\uDFFF)")
            key, place = event.value, self.place(event)
            if key in found:
                self.duplicate((*path, key), place)
                # The second value is read and dropped. Its path starts with -1, as no real path
                # does, so that the place of the first value is not overwritten.
                self.node(next(self.events), (-1, *path, key))
                continue
            self.tree.keys[*path, key] = place
            found[key] = self.node(next(self.events), (*path, key))
            if found[key] is None:
                self.tree.values[*path, key] = place  # a missing value takes its key's place
        return found

    def duplicate(self, path: KeyPath, place: Place) -> None:
        """Report a repeated key at its second place; the message names the first place."""
        first = self.tree.keys[path]
        message = f"duplicate key {shown(path[-1])}; it stands at line {first.line} already"
        problem = Problem(message, place.source, place.line, place.column)
        self.tree.problems.append(problem)


def _syntax_problem(error: MarkedYAMLError, source: Path | str | None) -> Problem:
    """The problem that describes a syntax error of the parser, with its line and column."""
    problem = str(error.problem or error.context or "not YAML")
    for pattern, message in _CLEARER_MESSAGES:
        if match := re.search(pattern, problem):
            problem = message.format(*match.groups())
            break
    mark, start = error.problem_mark, error.context_mark
    if start is not None and mark is not None and start.line != mark.line:
        problem += f" (see line {start.line + 1})"
    if mark is None:
        return Problem(problem, source)
    return Problem(problem, source, mark.line + 1, mark.column + 1)
