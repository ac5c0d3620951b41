"""What a file reader returns: inputs, and labels that are not yet encoded as targets.

The labels of a file may be class names, class numbers or values to predict. The reader cannot
decide this: it also depends on the loss, and the list of classes is complete only when all files
of a run have been read. A reader therefore returns `Labels`, which keep the position of every
label in its file for error messages; the module `encoding` converts them into targets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Shape = tuple[int, ...] | None

LabelType = Literal["text", "int", "float", "bool"]
"""What the labels of classes are in their source."""


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of all cases of one file or other source.

    Attributes:
        values: an array of numbers, (cases,) or (cases, outputs), or a list of one text per case.
        place: a function that takes the index of a case and a message about its label, and
            returns a `Problem` that includes the line and the column if the file has them.
        path: the file or folder that the labels come from, or None.
        names: the names of the classes 0, 1, ... in this order, if the source lists them.
        are_names: whether every label is a class name even if it looks like a number; true for
            names of folders.
        columns: the names of the columns of rows of numbers, or None.
        are_sets: whether each row of numbers is the set of labels that a case has, 1 for each of
            them, even where every case has a single one.
        type: the type of the labels in the source, if the type of ``values`` does not tell.
        place_in_column: as ``place``, with the index of a column between the two arguments, for
            a source that knows where each column of a row stands.
    """

    values: Array | list[str]
    place: Callable[[int, str], Problem]
    path: Path | None = None
    names: tuple[str, ...] | None = None
    are_names: bool = False
    columns: tuple[str, ...] | None = None
    are_sets: bool = False
    type: LabelType | None = None
    place_in_column: Callable[[int, int, str], Problem] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def are_text(self) -> bool:
        """Whether the labels are texts; readers return an array if all of them are numbers."""
        return isinstance(self.values, list)

    @property
    def look_like_classes(self) -> bool:
        """Whether the labels are texts, whole numbers or one-hot rows, as class labels are."""
        if isinstance(self.values, list):
            return True
        if self.values.ndim > 1:
            return bool(one_hot_rows(self.values).all())
        return bool((self.values == np.floor(self.values)).all())

    def distinct(self) -> tuple[list[str], Array]:
        """The distinct labels as texts, and for each case the index of its label among them.

        Raises:
            DataError: the labels are rows of several numbers, and one row is not one-hot.
        """
        if isinstance(self.values, list):
            words = {word: k for k, word in enumerate(dict.fromkeys(self.values))}
            return list(words), np.array([words[v] for v in self.values], dtype=np.intp)
        numbers, which = np.unique(self._one_number_per_case(), return_inverse=True)
        return [as_word(v) for v in numbers], which.reshape(-1)

    def _one_number_per_case(self) -> Array:
        """One number for each case, (cases,); a one-hot row is replaced by the index of its 1."""
        values = np.asarray(self.values)
        if values.ndim == 1:
            return values
        wrong = ~one_hot_rows(values)
        if wrong.any():
            case = int(np.argmax(wrong))
            raise DataError(self.place(case, _no_class(values, case)))
        places: Array = np.argmax(values, axis=1)
        return places


def _no_class(rows: Array, case: int) -> str:
    """The message for a row that names no single class, and what to choose for such rows."""
    message = "a target row of classes must hold one 1 and otherwise 0"
    if np.isin(rows, (0, 1)).all():
        found = int(np.count_nonzero(rows[case]))
        return (
            f"{message}, found {found or 'no'} 1{'s' * (found != 1)}; where a case may have "
            "several labels, or none, take sigmoid outputs and loss: binary_cross_entropy, "
            "without softmax"
        )
    return f"{message}; where the rows are values to be learned, write target: value"


class Options(NamedTuple):
    """What a reader is told about a file; each reader uses the options that its format needs.

    Attributes:
        labels: the path of the file of labels, for formats that store them in a separate file.
        features: the number of inputs of the network, if it is known. A table with exactly that
            many columns has no labels; otherwise they are its last column.
        part: of an .npz file with several parts of the data, the part to read; None for the test
            data.
    """

    labels: Path | None = None
    features: int | None = None
    part: str | None = None


@dataclass(frozen=True, eq=False)
class Cases:
    """The inputs and the labels that were read from one file or other source.

    Attributes:
        x: inputs, (cases, features) or (cases, *image_shape).
        labels: the labels, or None if there are none.
        image_shape: the shape of one image, (height, width), (height, width, channels) or
            (channels, height, width); None if the inputs are not images.
        feature_names: the names of the inputs, or None if the source gives none.
        are_bytes: whether ``x`` holds pixels as uint8 that have not yet been divided by 255.
        weights: how much each case counts, (cases,), or None; see `Dataset`.
        notes: sentences that tell the user something about what was read or left out.
    """

    x: Array
    labels: Labels | None
    image_shape: Shape = None
    feature_names: tuple[str, ...] | None = None
    are_bytes: bool = False
    weights: Array | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)


# Labels as texts


def as_word(value: Any) -> str:
    """The name of a class as stripped text; a whole number has no decimal point.

    Example:
        >>> as_word(2.0), as_word(0.5), as_word(" setosa ")
        ('2', '0.5', 'setosa')
    """
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    return str(int(number)) if number.is_integer() else f"{number:.15g}"


def is_numeric(word: str) -> bool:
    """Whether a text is a number in ASCII that `float` accepts, without underscores."""
    try:
        float(word)
    except ValueError:
        return False
    return "_" not in word and word.isascii()


def is_whole(word: str) -> bool:
    """Whether a text consists of ASCII digits, with or without a minus sign in front."""
    return word.removeprefix("-").isdigit() and word.isascii()


def one_hot_rows(rows: Array) -> Array:
    """Which rows are one-hot: one entry is 1, the others are 0, and there are at least two.

    Args:
        rows: (cases, classes).

    Returns:
        A boolean array, (cases,).
    """
    return (rows.shape[1] > 1) & ((rows == 0) | (rows == 1)).all(axis=1) & (rows.sum(axis=1) == 1)


def commands_terminal(name: str) -> bool:
    r"""Whether a name holds control characters, which a terminal may execute as commands.

    Example:
        >>> commands_terminal("iris setosa"), commands_terminal("\x1b[2J")
        (False, True)
    """
    return _CONTROL_CHARACTERS.search(name) is not None


def name_as_text(name: str) -> str:
    r"""The name of a class from the name of its folder, with escapes for what is not printable.

    The name of a folder may contain bytes that are not valid UTF-8, and control characters. Class
    names are printed and stored as UTF-8, so both are replaced by escapes such as ``\xe9``.

    Example:
        >>> name_as_text("größer"), name_as_text("caf\udce9"), name_as_text("a\nb")
        ('größer', 'caf\\xe9', 'a\\nb')
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(repr(char)[1:-1] if commands_terminal(char) else char for char in text)


# The channel order of colour images. Most files store images channels-last,
# (height, width, channels), and plots need this order; convolution layers need images
# channels-first, (channels, height, width).


def channels_of(shape: Shape) -> str | None:
    """Which axis of one image holds the colour channels: ``last``, ``first``, or None for neither.

    An axis holds channels if its length is 1 or 3; the last axis is tried before the first. A
    shape without three axes has no channel axis.

    Example:
        >>> [channels_of(shape) for shape in ((32, 32, 3), (3, 32, 32), (16, 16), None)]
        ['last', 'first', None, None]
    """
    if shape is None or len(shape) != 3:
        return None
    return "last" if shape[2] in (1, 3) else "first" if shape[0] in (1, 3) else None


def picture_shape(shape: Shape) -> Shape:
    """The shape of one image after its channel axis, if there is one, is moved to the end.

    Example:
        >>> [picture_shape(shape) for shape in ((3, 32, 16), (32, 16, 3), (32, 16))]
        [(32, 16, 3), (32, 16, 3), (32, 16)]
    """
    return (*shape[1:], shape[0]) if shape and channels_of(shape) == "first" else shape


def place_channels(x: Array, shape: Shape, channels: str | None) -> Array:
    """Colour images in the requested channel order; inputs without channels are unchanged.

    Args:
        x: (cases, *shape), or the same images flattened to rows.
        shape: the shape of one image in ``x``; None if the inputs are not images.
        channels: the requested order, ``first`` or ``last``; None to keep the order of ``x``.

    Returns:
        (cases, channels, height, width) or (cases, height, width, channels); rows of the same
        numbers if ``x`` has rows.

    Example:
        >>> place_channels(np.array([[1, 2, 3, 4, 5, 6]]), (1, 2, 3), "first")
        array([[1, 4, 2, 5, 3, 6]])
    """
    present_order = channels_of(shape)
    if present_order is None or channels in (None, present_order):
        return x
    axes = (0, 3, 1, 2) if channels == "first" else (0, 2, 3, 1)
    moved = np.ascontiguousarray(x.reshape(-1, *(shape or ())).transpose(axes))
    return moved.reshape(len(x), -1) if x.ndim == 2 else moved
