"""Cases and their targets, and the three parts a run works with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError, printable
from chainrule.core.sequences import are_sequences

if TYPE_CHECKING:
    from chainrule.data.standardization import Standardization


@dataclass(frozen=True, eq=False)
class Dataset:
    """Cases, one a row, with their targets.

    Attributes:
        x: inputs, (cases, features), or (cases, height, width[, channels]) for images.
        t: targets, (cases,) class numbers or (cases, outputs) float values.

    Raises:
        ShapeError: ``x`` and ``t`` differ in length, or hold something else than real numbers.

    Example:
        >>> import numpy as np
        >>> len(Dataset(x=np.zeros((5, 2)), t=np.zeros(5, dtype=int)))
        5
    """

    x: Array
    t: Array

    def __post_init__(self) -> None:
        for what in ("x", "t"):
            array = as_numbers(getattr(self, what), what, "biuf")
            if array.ndim == 0:
                raise ShapeError(f"{what} holds cases, found a single number")
            object.__setattr__(self, what, array)  # lists become arrays
        if len(self.x) != len(self.t):
            raise ShapeError(f"x has {len(self.x)} cases and t has {len(self.t)}")

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Dataset({len(self)} cases: x {self.x.shape} {self.x.dtype}, t {self.t.shape})"

    def take(self, cases: Array) -> Dataset:
        """The cases of the given numbers, in that order (a copy)."""
        return Dataset(self.x[cases], self.t[cases])


@dataclass(frozen=True, eq=False)
class DataSplit:
    """Training, validation and test data, and their description.

    Unpacks into its three parts: ``train, validation, test = data``. A part with fraction 0
    is an empty `Dataset`.

    Attributes:
        train: the cases that change the weights.
        validation: the cases watched during training.
        test: the cases kept for the end.
        classes: the names of the classes in the order of their numbers, or None where the
            targets are values.
        image_shape: (height, width) or (height, width, 3) where the inputs are images, also
            when they are flattened; otherwise None.
        sequence_shape: (steps, features) where the inputs are sequences, (cases, steps,
            features); otherwise None.
        channels_first: whether a colour image has one plane for each colour, (3, height, width),
            as convolution takes it.
        feature_names: the inputs' names where the source gives them.
        source: where the data come from, in words for a reader.
        scaling: the standardisation already applied to ``x`` of every part, or None.
        notes: what a user should know about the data, a sentence each.
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

    @property
    def has_targets_of_steps(self) -> bool:
        """Whether the targets of a case are those of its steps."""
        return self.sequence_shape is not None and are_sequences(self.train.t)

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(part)) for part in self)
        parts = f"training, validation, test: {sizes}"
        return printable(f"DataSplit({self.source or 'data'}; {parts})")

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.train, self.validation, self.test))

    def pictures(self, x: Array) -> Array:
        """Rows of ``x`` as images to be shown, with their colours last.

        Args:
            x: of any part, (cases, ...).

        Returns:
            (cases, height, width) or (cases, height, width, 3).
        """
        assert self.image_shape is not None, "the inputs are images"
        if not self.channels_first:
            return x.reshape(-1, *self.image_shape)
        height, width, channels = self.image_shape
        return x.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
