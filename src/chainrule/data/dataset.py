"""Data sets of cases with targets, and their split into training, validation and test data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.core import html
from chainrule.core.arrays import Array, as_numbers, weights_of_cases
from chainrule.core.errors import ShapeError, printable
from chainrule.core.notation import counted, cut, input_name, subscript
from chainrule.core.sequences import are_sequences

if TYPE_CHECKING:
    from chainrule.data.readers.cases import LabelType
    from chainrule.data.standardization import Standardization
    from chainrule.data.tables.encoding import TableEncoding

Digests = tuple[Array, Array, Array]
"""A number of 64 bits for every training, validation and test case: three arrays, (cases,)."""

FEW = 8
"""How many cases a notebook shows of a data set."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """A set of cases (examples): an array of inputs and an array of targets.

    The first axis of both arrays counts the cases.

    Attributes:
        x: inputs, (cases, features); for images also (cases, height, width[, channels]) or
            (cases, channels, height, width); for sequences (cases, steps, features).
        t: targets, (cases,) class numbers or (cases, outputs) float values; with one target for
            each step of a sequence, (cases, steps) class numbers or (cases, steps, outputs)
            float values.
        weights: how much each case counts, (cases,), numbers of at least 0 of which only the
            ratios matter; a case of weight 0 is left out. None where all cases count the same.

    Raises:
        ShapeError: ``x`` and ``t`` differ in length, or one of them is a single number or holds
            entries that are not real numbers; or a weight is negative or not finite, or there is
            not one for each case.

    Example:
        >>> import numpy as np
        >>> len(Dataset(x=np.zeros((5, 2)), t=np.zeros(5, dtype=int)))
        5
    """

    x: Array
    t: Array
    weights: Array | None = None

    def __post_init__(self) -> None:
        for what in ("x", "t"):
            array = as_numbers(getattr(self, what), what, "biuf")
            if array.ndim == 0:
                raise ShapeError(f"{what} holds cases, found a single number")
            object.__setattr__(self, what, array)  # lists become arrays
        if len(self.x) != len(self.t):
            raise ShapeError(f"x has {len(self.x)} cases and t has {len(self.t)}")
        if self.weights is not None:
            object.__setattr__(self, "weights", weights_of_cases(self.weights, len(self.x)))

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} cases: {self._shapes()})"

    def _shapes(self) -> str:
        weighted = "" if self.weights is None else ", weights"
        return f"x {self.x.shape} {self.x.dtype}, t {self.t.shape}{weighted}"

    @html.never_fails
    def _repr_html_(self) -> str:
        return html.piece(
            f"Dataset of {counted(len(self), 'case')}",
            html.lines(self._shapes()),
            _cases(self.x, self.t, None, None, None) if self.x.ndim <= 2 else "",
        )

    @property
    def arrays(self) -> tuple[Array, ...]:
        """``x``, ``t`` and, where the cases have them, ``weights``."""
        return (self.x, self.t) if self.weights is None else (self.x, self.t, self.weights)

    def take(self, cases: Array) -> Dataset:
        """A new data set of the cases with the given indices, in the given order."""
        weights = None if self.weights is None else self.weights[cases]
        return Dataset(self.x[cases], self.t[cases], weights)


PART_WORDS = {"train": "training", "validation": "validation", "test": "test"}
"""What the parts of the data are called in a sentence, by their names in `DataSplit`."""

PARTS = tuple(PART_WORDS)
"""The names of the parts."""


@dataclass(frozen=True, eq=False)
class DataSplit:
    """Training, validation and test data, with a description of all three.

    It unpacks into its three parts: ``train, validation, test = data``. A part that gets none of
    the cases is an empty `Dataset`.

    Attributes:
        train: the cases whose gradients update the parameters.
        validation: the cases on which the network is evaluated during training.
        test: the cases held out for the evaluation after training.
        classes: the names of the classes in the order of their numbers, or None where the
            targets are values.
        image_shape: the shape of one image, (height, width) or (height, width, channels),
            whether or not ``x`` holds the images as flat rows and whatever its channel order;
            None if the inputs are not images.
        channels_first: whether the numbers of a colour image in ``x`` are in the order
            (channels, height, width), which convolution needs, instead of
            (height, width, channels).
        feature_names: the names of the inputs, or None if the source gives none.
        one_unit: whether the inputs are coordinates of points, in one unit, which pictures draw
            to one scale.
        source: where the data come from, as text for messages.
        scaling: the standardisation already applied to ``x`` of every part, or None.
        sequence_shape: the shape of one sequence, (steps, features); None if the inputs are not
            sequences.
        notes: sentences that tell the user something about the data.
        doubts: sentences on what is suspicious about the data, the worst first, each with the
            setting that settles it; see `chainrule.data.suspicions`.
        encoding: how the columns of a table became inputs, or None.
        digests: those of the cases of each part, in their order; None if a generator made them.
            See `chainrule.data.digests`.
        label_type: the type of the classes' labels in the source: ``text``, ``int``, ``float`` or
            ``bool``; predictions have it too.
        target_names: the names of the values or labels, one for each column of the targets; None
            if the source gives none, or if the targets are classes.
        target_scaling: the scaling already applied to the targets of every part, or None.
        multi_label: whether a case may have several labels at once; ``t`` then has a column of
            0 and 1 for each label.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    classes: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    channels_first: bool = False
    feature_names: tuple[str, ...] | None = None
    source: str = ""
    scaling: Standardization | None = None
    sequence_shape: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    encoding: TableEncoding | None = None
    digests: Digests | None = None
    label_type: LabelType = "text"
    target_names: tuple[str, ...] | None = None
    target_scaling: Standardization | None = None
    multi_label: bool = False
    one_unit: bool = False

    @property
    def has_targets_of_steps(self) -> bool:
        """Whether the inputs are sequences and every step of a sequence has its own target."""
        return self.sequence_shape is not None and are_sequences(self.train.t)

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(part)) for part in self)
        source = cut(printable(self.source or "data"), 90)
        return f"DataSplit({source}; training, validation, test: {sizes})"

    @html.never_fails
    def _repr_html_(self) -> str:
        return html.piece(
            f"Data: {cut(self.source, 120)}" if self.source else "Data",
            html.table(*_parts(self)),
            self._first_cases(),
            html.lines(*(*self.notes, *self.doubts)[:3]),
        )

    def _first_cases(self) -> str:
        """The first training cases in their own units: images, or rows of a table."""
        part = self.train.take(np.arange(min(len(self.train), FEW)))
        x, t = part.x, part.t
        if self.target_scaling is not None:
            t = self.target_scaling.undo(t)
        if self.scaling is not None:
            x = self.scaling.undo(x)
        if not len(part) or self.sequence_shape is not None:
            return ""
        if self.image_shape is None:
            return _cases(x, t, self.classes, self.feature_names, self.target_names)
        names = [self.classes[int(k)] for k in t] if self.classes and t.ndim == 1 else [""] * FEW
        return html.images(self.pictures(x), names)

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.train, self.validation, self.test))

    def pictures(self, x: Array) -> Array:
        """The inputs ``x`` as images for a plot, with the colour channels on the last axis.

        Args:
            x: inputs of any of the three parts, (cases, ...).

        Returns:
            (cases, height, width) or (cases, height, width, channels).
        """
        assert self.image_shape is not None, "the inputs are images"
        if not self.channels_first:
            return x.reshape(-1, *self.image_shape)
        height, width, channels = self.image_shape
        return x.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)


def class_counts(t: Array, classes: int) -> Array:
    """How many cases, or steps of sequences, have each class, (classes,).

    Args:
        t: class numbers, of which a negative one is none; or one-hot rows.
        classes: how many classes there are.

    Example:
        >>> class_counts(np.array([0, 2, 2, -1]), 3)
        array([1, 0, 2])
    """
    numbers = t[t >= 0] if t.dtype.kind in "iu" else t.argmax(axis=-1).reshape(-1)
    return np.bincount(numbers.reshape(-1), minlength=classes)[:classes]


def _parts(data: DataSplit) -> tuple[list[str], list[list[str]]]:
    """A notebook's table of the parts: their cases, and those of each class or label."""
    rows = [["all", *(f"{len(part):,}" for part in data)]]
    if data.classes is not None:
        names, counts = data.classes, [class_counts(p.t, len(data.classes)) for p in data]
    elif data.multi_label and data.target_names is not None:
        names, counts = data.target_names, [part.t.sum(axis=0, dtype=int) for part in data]
    else:
        names, counts = (), [np.empty(0)] * 3
    rows += [[name, *map(str, of)] for name, *of in zip(names, *counts, strict=True)]
    return ["cases", "training", "validation", "test"], rows


def _cases(
    x: Array,
    t: Array,
    classes: Sequence[str] | None,
    names: Sequence[str] | None,
    targets: Sequence[str] | None,
) -> str:
    """A notebook's table of the first cases: their first inputs, then their targets."""
    x, t = (array[:FEW].reshape(len(array[:FEW]), -1) for array in (x, t))
    shown = range(min(x.shape[1], html.MOST_COLUMNS - 3))
    more = ["…"] * (len(shown) < x.shape[1])
    if classes is not None:
        numbers = t[:, 0] if t.shape[1] == 1 else t.argmax(axis=1)
        called, last = ["class"], [[classes[int(k)]] for k in numbers]
    else:
        several = [f"t{subscript(k + 1)}" for k in range(t.shape[1])]
        called = list(targets or (several if len(several) > 1 else ["t"]))[:2]
        last = [[f"{value:.4g}" for value in target[:2]] for target in t]
    rows = [
        [*(f"{case[k]:.4g}" for k in shown), *more, *of_case]
        for case, of_case in zip(x, last, strict=True)
    ]
    headings = [*(input_name(k, names) for k in shown), *more, *called]
    return html.table(headings, rows, words=0)
