"""What one case is for a network: a row of numbers, a sequence, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.errors import ShapeError
from chainrule.data.readers.cases import channels_of, place_channels
from chainrule.data.standardization import Standardization
from chainrule.nn.building import shape_of_input
from chainrule.nn.layer_types import Layer

Sort = Literal["rows", "sequences", "images"]


def sort_of(layers: Sequence[Layer]) -> Sort:
    """What the layers read."""
    if any(layer.takes_sequences for layer in layers):
        return "sequences"
    return "images" if any(layer.takes_images for layer in layers) else "rows"


@dataclass(frozen=True)
class InputForm:
    """What the cases of an estimator are.

    Attributes:
        sort: what its layers read.
        shape: of one case, as the network takes it: (features,), (steps, features) or
            (channels, height, width).
        own: the shape of one case as it was passed, to be passed again.
    """

    sort: Sort
    shape: tuple[int, ...]
    own: tuple[int, ...]

    @classmethod
    def of(cls, x: Array, sort: Sort, stated: Any = None) -> InputForm:
        """The form of the training cases.

        Args:
            x: (cases, ...).
            sort: what the layers read.
            stated: the shape of one case if ``x`` holds it flattened; None for that of ``x``.

        Raises:
            ShapeError: the layers do not read such cases.
        """
        own = x.shape[1:]
        found = own if stated is None else shape_of_input(stated)
        if prod(found) != prod(own):
            raise ShapeError(
                f"input_shape {found} has {prod(found)} numbers a case, but x has {prod(own)}"
            )
        if sort == "rows":
            return cls(sort, (prod(found),), own)
        if sort == "sequences":
            if len(found) != 2:
                raise ShapeError(_no_sequences(x))
            return cls(sort, found, own)
        if len(found) not in (2, 3):
            raise ShapeError(_no_images(x))
        return cls(sort, _with_channels(found), own)

    def cases(self, x: Array) -> Array:
        """Cases as the network takes them, (cases, *shape).

        Raises:
            ShapeError: they have another shape than those of the training.
        """
        if x.shape[1:] != self.own:
            raise ShapeError(
                f"x has cases of shape {x.shape[1:]}, but those of fit had {self.own}"
            )
        if self.sort == "images" and len(self.own) == 3:
            x = place_channels(x, self.own, "first")
        return x.reshape(len(x), *self.shape)

    def scaling(self, x: Array, weights: Array | None) -> Standardization:
        """The mean and deviation of each feature, at all steps or places together.

        Args:
            x: training cases, as `cases` gives them.
            weights: how much each of them counts, or None.
        """
        x, _, weights = cases_that_count(x, x, weights)
        rows = self._rows(x)
        if weights is not None:
            weights = np.repeat(weights, len(rows) // len(x))
        if self.sort == "sequences":  # padding is no number
            there = ~np.isnan(rows).any(axis=1)
            rows, weights = rows[there], None if weights is None else weights[there]
        return Standardization.fit(rows, weights=weights)

    def scaled(self, x: Array, scaling: Standardization | None) -> Array:
        """Cases as `cases` gives them, standardised."""
        if scaling is None:
            return x
        rows = scaling.apply(self._rows(x))
        if self.sort != "images":
            return rows.reshape(x.shape)
        return np.moveaxis(rows.reshape(len(x), *self.shape[1:], self.shape[0]), -1, 1)

    def _rows(self, x: Array) -> Array:
        """A row of features for each case, step or place."""
        if self.sort == "images":
            return np.moveaxis(x, 1, -1).reshape(-1, self.shape[0])
        return x.reshape(-1, self.shape[-1])


def _with_channels(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an image with its channels first."""
    if len(shape) == 2:
        return (1, *shape)
    return (shape[2], *shape[:2]) if channels_of(shape) == "last" else shape


def _no_sequences(x: Array) -> str:
    message = f"the layers read sequences (cases, steps, features), but x has the shape {x.shape}"
    if x.ndim == 2:
        message += "; x[:, :, None] has one feature a step, or pass input_shape=(steps, features)"
    return message


def _no_images(x: Array) -> str:
    message = (
        "the layers read images (cases, height, width) or with channels, but x has the shape "
        f"{x.shape}"
    )
    return message + "; pass input_shape=(channels, height, width)" * (x.ndim == 2)
