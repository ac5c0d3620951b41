"""Labels as a file has them, before they are class numbers or values.

A file's label column may hold names, class numbers or values; which, is known only when the
loss is, and the list of classes only when all files of a run are read. So a reader gives
`Labels`, which remember where each one stands; `encoding` makes targets of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Place = Callable[[int, str], Problem]


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a file's cases.

    Attributes:
        values: numbers, (cases,) or (cases, outputs), or the texts of a file's cells.
        place: makes the `Problem` that a message about one case becomes: with the line and
            column where the file has any.
        path: the file, if they come from one.
        names: the names of the classes 0, 1, ..., where the source itself lists them.
        are_names: whether they are names whatever they look like, as those of folders are.
    """

    values: Array | list[str]
    place: Place
    path: Path | None = None
    names: tuple[str, ...] | None = None
    are_names: bool = False

    def __len__(self) -> int:
        return len(self.values)

    @property
    def are_text(self) -> bool:
        """Whether some label is no number."""
        return isinstance(self.values, list)

    @property
    def look_like_classes(self) -> bool:
        """Whether they are names, whole numbers or one-hot rows."""
        if isinstance(self.values, list):
            return True
        if self.values.ndim > 1:
            return is_one_hot(self.values)
        return bool((self.values == np.floor(self.values)).all())

    def distinct(self) -> tuple[list[str], Array]:
        """The different labels as words, and for each case the number of its word."""
        if isinstance(self.values, list):
            words = {word: k for k, word in enumerate(dict.fromkeys(self.values))}
            return list(words), np.array([words[v] for v in self.values], dtype=np.intp)
        numbers, which = np.unique(self._flat(), return_inverse=True)
        return [as_word(v) for v in numbers], which.reshape(-1)

    def _flat(self) -> Array:
        """Numbers, one a case; one-hot rows become the place of their 1."""
        values = np.asarray(self.values)
        if values.ndim == 1:
            return values
        if is_one_hot(values):
            places: Array = np.argmax(values, axis=1)
            return places
        odd = [k for k, row in enumerate(values) if not is_one_hot(row[None])]
        raise DataError(
            self.place(odd[0], "a target row of classes must hold one 1 and otherwise 0")
        )


def as_word(value: Any) -> str:
    """A class as its name: whole numbers without a decimal point.

    Example:
        >>> as_word(2.0), as_word(0.5), as_word(" setosa ")
        ('2', '0.5', 'setosa')
    """
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def is_one_hot(rows: Array) -> bool:
    """Whether every row, (cases, classes), holds one 1 and otherwise 0."""
    zero_or_one = ((rows == 0) | (rows == 1)).all()
    return rows.shape[1] > 1 and bool(zero_or_one and (rows.sum(axis=1) == 1).all())


def commands_terminal(name: str) -> bool:
    r"""Whether a name, which is going to be printed, holds control characters.

    Example:
        >>> commands_terminal("iris setosa"), commands_terminal("\x1b[2J")
        (False, True)
    """
    return _CONTROL.search(name) is not None


def name_as_text(name: str) -> str:
    r"""A folder's name as the name of a class: what is no text in it is written as escapes.

    A file system takes any bytes; the names of classes are written in UTF-8, and printed.

    Example:
        >>> name_as_text("größer"), name_as_text("caf\udce9"), name_as_text("a\nb")
        ('größer', 'caf\\xe9', 'a\\nb')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(repr(char)[1:-1] if commands_terminal(char) else char for char in text)


def is_numeric(word: str) -> bool:
    """Whether a label is written as a number."""
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word and word.isascii()


def is_whole(word: str) -> bool:
    """Whether a label is written as a whole number."""
    return word.removeprefix("-").isdigit() and word.isascii()
