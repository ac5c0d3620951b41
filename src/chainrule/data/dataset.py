"""Cases and their targets, and the three parts a run works with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from chainrule.errors import ShapeError

if TYPE_CHECKING:
    from chainrule.data.standardization import Standardization

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Cases, one a row, with their targets.

    Attributes:
        x: inputs, (cases, features), or (cases, height, width[, channels]) for images.
        t: targets, (cases,) class numbers or (cases, outputs) float values.

    Raises:
        ShapeError: if ``x`` and ``t`` differ in length.

    Example:
        >>> import numpy as np
        >>> len(Dataset(x=np.zeros((5, 2)), t=np.zeros(5, dtype=int)))
        5
    """

    x: Array
    t: Array

    def __post_init__(self) -> None:
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
    """Training, validation and test data, and what is known about them.

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
        feature_names: the inputs' names where the source gives them.
        source: where the data come from, in words for a reader.
        scaling: the standardisation already applied to ``x`` of every part, or None.
        colours_first: whether the numbers of a colour image are in the order that layers on
            images take, (colours, height, width).
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    classes: tuple[str, ...] | None = None
    image_shape: tuple[int, ...] | None = None
    feature_names: tuple[str, ...] | None = None
    source: str = ""
    scaling: Standardization | None = None
    colours_first: bool = False

    def __repr__(self) -> str:
        sizes = ", ".join(str(len(part)) for part in self)
        return f"DataSplit({self.source or 'data'}; training, validation, test: {sizes})"

    def __iter__(self) -> Iterator[Dataset]:
        return iter((self.train, self.validation, self.test))
