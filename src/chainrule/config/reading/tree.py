"""What a configuration says, and where it says it.

Both readers produce a `Tree`: plain values, and beside them the place of every key and every
value. The schema checks the values alone; whoever finds one wrong asks the tree for its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chainrule.core.errors import ConfigError, Problem
from chainrule.core.limits import MAX_CONFIG_VALUES, MOST_PROBLEMS
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
        problems: what the reader found wrong and could read past.
        partial: whether something is left out because it could not be read, so that what seems
            to be missing may be there.
        words: how the form of the file calls a key, by the names of the key's parent and its
            own; for keys that are not written anywhere.
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
        """Refuse what has more values, or more that is wrong, than any configuration.

        Raises:
            ConfigError: it is too long; with what was found wrong until here.
        """
        if len(self.problems) > MOST_PROBLEMS:
            raise ConfigError(self.problems)
        if len(self.values) > MAX_CONFIG_VALUES:
            last = next(reversed(self.values.values()), Place(self.source))
            message = f"more than {MAX_CONFIG_VALUES:,} values; no configuration has so many"
            problem = Problem(message, last.source, last.line, last.column)
            raise ConfigError([problem, *self.problems])

    def place(self, path: KeyPath, *, of_key: bool = False) -> Place:
        """The place of the value at ``path``, or of the nearest thing around it.

        Args:
            path: need not exist.
            of_key: the place of the key rather than of its value.
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
        """How the form of the file spells ``key`` inside ``parent``."""
        return self.words.get((named_parent((*parent, key)), key), key)


def named_parent(path: KeyPath) -> str:
    """The nearest key above the last step of ``path``, ``""`` at the root."""
    return next((step for step in reversed(path[:-1]) if isinstance(step, str)), "")


def dotted(path: KeyPath) -> str:
    """A path as it is written in Python mappings' messages.

    Example:
        >>> dotted(("network", "layers", 1, "size"))
        'network.layers[1].size'
    """
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
