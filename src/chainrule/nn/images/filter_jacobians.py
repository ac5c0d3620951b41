"""What the Jacobians of filters have in common, whether all places share the filters or not."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.jacobians import Jacobian

# Rows of numbers as images, and images as rows.


class ImageJacobian(Jacobian):
    """A Jacobian with respect to images, one matrix a case.

    Args:
        windows: where the layer looks.
        count: the number of cases.
        maps: channels of what comes out.
    """

    __slots__ = ("count", "maps", "windows")
    per_case: ClassVar[tuple[str, ...]] = ("count",)

    def __init__(self, windows: Windows, count: int, maps: int) -> None:
        self.windows = windows
        self.count = count
        self.maps = maps

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, maps · places, channels · height · width)."""
        image = self.windows.channels * self.windows.height * self.windows.width
        return (self.count, self.maps * self.windows.places, image)


def images(rows: Array, windows: Windows) -> Array:
    """Rows (cases, channels · height · width) as (cases, channels, height, width)."""
    return rows.reshape(len(rows), *windows.image)


def maps(rows: Array, windows: Windows) -> Array:
    """Rows (cases, maps · places) as (cases, maps, down, across)."""
    count = rows.shape[1] // windows.places
    return rows.reshape(len(rows), count, windows.down, windows.across)


def as_rows(found: Array, out: Array | None = None) -> Array:
    """(cases, ...) as (cases, numbers), copied into ``out`` where given."""
    rows = found.reshape(len(found), prod(found.shape[1:]))
    return into(rows, out)


def into(found: Array, out: Array | None) -> Array:
    """``found`` itself, or ``out`` with its numbers."""
    if out is None or out is found:
        return found
    out[...] = found
    return out


class ByImages(ImageJacobian):
    """∂z/∂x: the filters, written where they stand; the same for every case.

    Args:
        W: the filters, (..., filters, channels, rows, columns).
        windows: where they stand.
        count: the number of cases.
    """

    __slots__ = ("W",)

    def __init__(self, W: Array, windows: Windows, count: int) -> None:
        super().__init__(windows, count, W.shape[-4])
        self.W = W


class ByWeights(Jacobian):
    """∂z/∂W: for every output the numbers under its window, where its own filter stands.

    Args:
        x: the layer's inputs, (cases, channels · height · width).
        windows: where the filters stand.
        filters: how many at each place.
    """

    __slots__ = ("filters", "windows", "x")
    per_case = ("x",)

    def __init__(self, x: Array, windows: Windows, filters: int) -> None:
        self.x = x
        self.windows = windows
        self.filters = filters

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """That of W."""

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, *shape)."""
        return (len(self.x), self.filters * self.windows.places, *self.shape)


class ByBiases(Jacobian):
    """∂z/∂b: 1 where an output has the bias.

    Args:
        count: the number of cases.
        filters: how many at each place.
        windows: where they stand.
        dtype: of the numbers.
    """

    __slots__ = ("count", "dtype", "filters", "windows")
    per_case = ("count",)

    def __init__(
        self, count: int, filters: int, windows: Windows, dtype: np.dtype[np.generic]
    ) -> None:
        self.count = count
        self.filters = filters
        self.windows = windows
        self.dtype = dtype

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """That of b."""

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, *shape)."""
        return (self.count, self.filters * self.windows.places, *self.shape)
