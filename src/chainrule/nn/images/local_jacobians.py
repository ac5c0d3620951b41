"""The Jacobians of filters of each place's own with respect to x, W and b."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images import local_numpy as local
from chainrule.nn.images.filter_jacobians import (
    ByBiases,
    ByImages,
    ByWeights,
    as_rows,
    images,
    into,
    maps,
)
from chainrule.nn.images.sliding import columns, spread_out
from chainrule.nn.parameters import sum_of_rows


class LocalInput(ByImages):
    """∂z/∂x: each place's filters, written at that place.

    Args:
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.
        count: the number of cases.
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes back to what was under its window."""
        return as_rows(local.input_gradient(maps(g, self.windows), self.W, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """The filters applied to v."""
        return as_rows(local.apply_filters(images(v, self.windows), self.W, self.windows))

    def _dense(self) -> Array:
        return np.broadcast_to(spread_out(self.W, self.windows), self.dense_shape).copy()


class LocalWeights(ByWeights):
    """∂z/∂W: for every output the numbers under its window, at its own place and filter.

    For the arguments see `ByWeights`.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """That of W, (down, across, filters, channels, rows, columns)."""
        w = self.windows
        return (w.down, w.across, self.filters, w.channels, w.rows, w.columns)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g times what was under each window, summed over the cases; the shape of W."""
        x, delta = images(self.x, self.windows), maps(g, self.windows)
        return local.weight_gradient(x, delta, self.windows, out)

    def jvp(self, v: Array) -> Array:
        """The change v of the filters, applied to x."""
        return as_rows(local.apply_filters(images(self.x, self.windows), v, self.windows))

    def _dense(self) -> Array:
        windows = self.windows
        dense = np.zeros(
            (len(self.x), self.filters, windows.down, windows.across, *self.shape), self.x.dtype
        )
        f, i, j = np.ogrid[: self.filters, : windows.down, : windows.across]
        under = columns(images(self.x, windows), windows)
        dense[:, f, i, j, i, j, f] = under[:, None]
        return dense.reshape(self.dense_shape)


class LocalBiases(ByBiases):
    """∂z/∂b: the identity, with places before filters in b and behind them in z.

    For the arguments see `ByBiases`.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of b, (down, across, filters)."""
        return (self.windows.down, self.windows.across, self.filters)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The sums of g over the cases, (down, across, filters)."""
        total = maps(sum_of_rows(g)[None], self.windows)[0]
        return into(total.transpose(1, 2, 0), out)

    def jvp(self, v: Array) -> Array:
        """The change v of b, (down, across, filters), in every case."""
        return np.tile(v.transpose(2, 0, 1).reshape(-1), (self.count, 1))

    def _dense(self) -> Array:
        down, across, filters = self.shape
        own = np.zeros((filters, down, across, down, across, filters), self.dtype)
        f, i, j = np.ogrid[:filters, :down, :across]
        own[f, i, j, i, j, f] = 1
        return np.broadcast_to(own.reshape(self.dense_shape[1:]), self.dense_shape).copy()
