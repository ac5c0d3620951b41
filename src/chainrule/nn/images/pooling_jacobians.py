"""The Jacobians of pooling with respect to x."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images import pooling_numpy as pooling
from chainrule.nn.images.filter_jacobians import ImageJacobian, as_rows, images, maps
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.sliding import spread_out


class MaxPooling(ImageJacobian):
    """∂y/∂x of the largest: a single 1 for every output, where the largest number was.

    Args:
        winners: its place within each window, (cases, channels, down, across).
        windows: where they stand.
        dtype: of the numbers.

    Example:
        >>> winners = np.array([[[[1]]]])  # the second of the two numbers was the larger
        >>> MaxPooling(winners, Windows(1, 1, 2, 1, 2), np.dtype(float)).dense()
        array([[[0., 1.]]])
    """

    __slots__ = ("dtype", "winners")
    per_case = ("count", "winners")

    def __init__(self, winners: Array, windows: Windows, dtype: np.dtype[np.generic]) -> None:
        super().__init__(windows, len(winners), windows.channels)
        self.winners = winners
        self.dtype = dtype

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes to the number that was the largest."""
        return as_rows(pooling.put_back(maps(g, self.windows), self.winners, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """The v at the numbers that were the largest."""
        return as_rows(pooling.taken(images(v, self.windows), self.winners, self.windows))

    def _dense(self) -> Array:
        windows = self.windows
        top, _, left, _ = windows.padding
        dense = np.zeros((*self.winners.shape, *windows.image), self.dtype)
        n, c, i, j = np.ogrid[tuple(slice(length) for length in self.winners.shape)]
        row = i * windows.stride[0] + self.winners // windows.columns - top
        column = j * windows.stride[1] + self.winners % windows.columns - left
        dense[n, c, i, j, c, row, column] = 1
        return dense.reshape(self.dense_shape)


class AveragePooling(ImageJacobian):
    """∂y/∂x of the mean: equal parts for all numbers of the window; the same for every case.

    Args:
        windows: where they stand.
        count: the number of cases.
        dtype: of the numbers.

    Example:
        >>> AveragePooling(Windows(1, 1, 2, 1, 2), 1, np.dtype(float)).dense()
        array([[[0.5, 0.5]]])
    """

    __slots__ = ("dtype",)

    def __init__(self, windows: Windows, count: int, dtype: np.dtype[np.generic]) -> None:
        super().__init__(windows, count, windows.channels)
        self.dtype = dtype

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes to all numbers of its window in equal parts."""
        return as_rows(pooling.spread(maps(g, self.windows), self.windows), out)

    def jvp(self, v: Array) -> Array:
        """The means of v."""
        return as_rows(pooling.mean(images(v, self.windows), self.windows))

    def _dense(self) -> Array:
        windows = self.windows
        size = windows.rows * windows.columns
        shares = np.eye(windows.channels, dtype=self.dtype) / self.dtype.type(size)
        filters = np.broadcast_to(
            shares[None, None, :, :, None, None],
            (1, 1, *shares.shape, windows.rows, windows.columns),
        )
        return np.broadcast_to(spread_out(filters, windows), self.dense_shape).copy()
