"""What a file reader gives: inputs, and labels that are not yet targets.

A file's label column may hold names, class numbers or values: which of them is known only from
the loss, and the list of classes only when all files of a run are read. So a reader gives
`Labels`, which remember where each one stands; `encoding` makes targets of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Shape = tuple[int, ...] | None


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of a file's cases.

    Attributes:
        values: numbers, (cases,) or (cases, outputs), or the texts of a file's cells.
        place: makes a `Problem` of the number of a case and a message about it, with line and
            column where the file has any.
        path: the file, if they come from one.
        names: the names of the classes 0, 1, ..., where the source itself lists them.
        are_names: whether they are names whatever they look like, as those of folders are.
    """

    values: Array | list[str]
    place: Callable[[int, str], Problem]
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
            return bool(one_hot_rows(self.values).all())
        return bool((self.values == np.floor(self.values)).all())

    def distinct(self) -> tuple[list[str], Array]:
        """The different labels as words, and for each case the number of its word."""
        if isinstance(self.values, list):
            words = {word: k for k, word in enumerate(dict.fromkeys(self.values))}
            return list(words), np.array([words[v] for v in self.values], dtype=np.intp)
        numbers, which = np.unique(self._one_a_case(), return_inverse=True)
        return [as_word(v) for v in numbers], which.reshape(-1)

    def _one_a_case(self) -> Array:
        """Numbers, one a case; one-hot rows become the place of their 1."""
        values = np.asarray(self.values)
        if values.ndim == 1:
            return values
        wrong = ~one_hot_rows(values)
        if wrong.any():
            message = "a target row of classes must hold one 1 and otherwise 0"
            raise DataError(self.place(int(np.argmax(wrong)), message))
        places: Array = np.argmax(values, axis=1)
        return places


class Options(NamedTuple):
    """What a reader may need to know of a file; each reader takes what concerns its format.

    Attributes:
        label: the label's column in a text file, ``last`` or ``first``.
        header: whether a text file begins with the columns' names, or ``auto``.
        labels: the file of labels, for formats that keep them in a file of their own.
        features: the network's number of inputs where it is known: the file may lack labels then.
    """

    label: str = "last"
    header: bool | str = "auto"
    labels: Path | None = None
    features: int | None = None


@dataclass(frozen=True, eq=False)
class Cases:
    """The content of one file.

    Attributes:
        x: inputs, (cases, features) or (cases, height, width[, 3]).
        labels: the labels, or None where the file has none.
        image_shape: (height, width) or (height, width, 3) of images.
        feature_names: the inputs' names where the file has a header.
        are_bytes: whether ``x`` holds pixels as uint8, still to be divided by 255.
    """

    x: Array
    labels: Labels | None
    image_shape: Shape = None
    feature_names: tuple[str, ...] | None = None
    are_bytes: bool = False

    def __len__(self) -> int:
        return len(self.x)


# Labels as words


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


def one_hot_rows(rows: Array) -> Array:
    """Which rows of (cases, classes) hold one 1 and otherwise 0."""
    return (rows.shape[1] > 1) & ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)


def commands_terminal(name: str) -> bool:
    r"""Whether a name holds control characters, which a terminal that shows it would obey.

    Example:
        >>> commands_terminal("iris setosa"), commands_terminal("\x1b[2J")
        (False, True)
    """
    return _CONTROL.search(name) is not None


def name_as_text(name: str) -> str:
    r"""A folder's name as the name of a class: bytes that are no text are written as escapes.

    A file system takes any bytes; the names of classes are written in UTF-8, and printed.

    Example:
        >>> name_as_text("größer"), name_as_text("caf\udce9"), name_as_text("a\nb")
        ('größer', 'caf\\xe9', 'a\\nb')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(repr(char)[1:-1] if commands_terminal(char) else char for char in text)


# Where the colours of an image stand. Most files hold the three numbers of a pixel together,
# (height, width, 3), as plots take them; convolution takes one plane for each colour, (3, height,
# width).


def channels_of(shape: Shape) -> str | None:
    """Where images of this shape have their colours, ``last`` or ``first``; None for grey ones.

    Example:
        >>> [channels_of(shape) for shape in ((32, 32, 3), (3, 32, 32), (16, 16), None)]
        ['last', 'first', None, None]
    """
    if shape is None or len(shape) != 3:
        return None
    return "last" if shape[2] in (1, 3) else "first" if shape[0] in (1, 3) else None


def picture_shape(shape: Shape) -> Shape:
    """The shape of an image with its colours last, wherever they stood.

    Example:
        >>> [picture_shape(shape) for shape in ((3, 32, 16), (32, 16, 3), (32, 16))]
        [(32, 16, 3), (32, 16, 3), (32, 16)]
    """
    return (*shape[1:], shape[0]) if shape and channels_of(shape) == "first" else shape


def place_channels(x: Array, shape: Shape, channels: str | None) -> Array:
    """Colour images with their colours where they are wanted; other inputs as they are.

    Args:
        x: (cases, *shape) or the same in rows.
        shape: of an image as it lies in x; None for inputs that are no images.
        channels: ``first``, ``last``, or None for where they stand.

    Returns:
        (cases, channels, height, width) or (cases, height, width, channels), or in rows where
        ``x`` is.

    Example:
        >>> place_channels(np.array([[1, 2, 3, 4, 5, 6]]), (1, 2, 3), "first")
        array([[1, 4, 2, 5, 3, 6]])
    """
    stand = channels_of(shape)
    if stand is None or channels in (None, stand):
        return x
    axes = (0, 3, 1, 2) if channels == "first" else (0, 2, 3, 1)
    moved = np.ascontiguousarray(x.reshape(-1, *(shape or ())).transpose(axes))
    return moved.reshape(len(x), -1) if x.ndim == 2 else moved
