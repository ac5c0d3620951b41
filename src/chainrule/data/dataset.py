"""Data sets of cases with targets, and their split into training, validation and test data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.core.arrays import Array, as_numbers, weights_of_cases
from chainrule.core.errors import ShapeError, printable
from chainrule.core.sequences import are_sequences

if TYPE_CHECKING:
    from chainrule.data.readers.cases import LabelType
    from chainrule.data.standardization import Standardization
    from chainrule.data.tables.encoding import TableEncoding

Digests = tuple[Array, Array, Array]
"""A number of 64 bits for every training, validation and test case: three arrays, (cases,)."""


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
        weighted = "" if self.weights is None else ", weights"
        shapes = f"x {self.x.shape} {self.x.dtype}, t {self.t.shape}"
        return f"Dataset({len(self)} cases: {shapes}{weighted})"

    @property
    def arrays(self) -> tuple[Array, ...]:
        """``x``, ``t`` and, where the cases have them, ``weights``."""
        return (self.x, self.t) if self.weights is None else (self.x, self.t, self.weights)

    def take(self, cases: Array) -> Dataset:
        """A new data set of the cases with the given indices, in the given order."""
        weights = None if self.weights is None else self.weights[cases]
        return Dataset(self.x[cases], self.t[cases], weights)


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
        parts = f"training, validation, test: {sizes}"
        return printable(f"DataSplit({self.source or 'data'}; {parts})")

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
