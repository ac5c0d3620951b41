"""The Jacobians of a convolution z = W ∗ x + b with respect to x, W and b."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images import convolution_numpy as convolution
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


class ConvolutionInput(ByImages):
    """∂z/∂x: the filters, written at every place; the same for every case.

    Args:
        W: the filters, (filters, channels, rows, columns).
        windows: where they stand.
        count: the number of cases.

    Example:
        >>> from chainrule.nn.images.geometry import Windows
        >>> W = np.array([[[[1.0, 2.0]]]])
        >>> ConvolutionInput(W, Windows(1, 1, 3, 1, 2), count=1).dense()
        array([[[1., 2., 0.],
                [0., 1., 2.]]])
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes back to what was under its window."""
        return as_rows(
            convolution.input_gradient(maps(g, self.windows), self.W, self.windows), out
        )

    def jvp(self, v: Array) -> Array:
        """W ∗ v."""
        return as_rows(convolution.convolve(images(v, self.windows), self.W, self.windows))

    def _dense(self) -> Array:
        matrix = spread_out(self.W[None, None], self.windows)
        return np.broadcast_to(matrix, self.dense_shape).copy()


class ConvolutionWeights(ByWeights):
    """∂z/∂W: for every output the numbers under its window, at its own filter.

    For the arguments see `ByWeights`.
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """That of W, (filters, channels, rows, columns)."""
        windows = self.windows
        return (self.filters, windows.channels, windows.rows, windows.columns)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g times what was under the windows, summed over cases and places; the shape of W."""
        x, delta = images(self.x, self.windows), maps(g, self.windows)
        return into(convolution.weight_gradient(x, delta, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """v ∗ x for a change v of W."""
        return as_rows(convolution.convolve(images(self.x, self.windows), v, self.windows))

    def _dense(self) -> Array:
        under = columns(images(self.x, self.windows), self.windows)
        own = np.eye(self.filters, dtype=bool)[:, None, None, :, None, None, None]
        return (under[:, None, :, :, None] * own).reshape(self.dense_shape)


class ConvolutionBiases(ByBiases):
    """∂z/∂b: 1 where an output is of the bias's own filter.

    For the arguments see `ByBiases`.

    Example:
        >>> from chainrule.nn.images.geometry import Windows
        >>> J = ConvolutionBiases(1, 2, Windows(1, 1, 2, 1, 1), np.dtype(float))
        >>> J.vjp(np.array([[1.0, 2.0, 3.0, 4.0]]))
        array([3., 7.])
    """

    __slots__ = ()

    @property
    def shape(self) -> tuple[int]:
        """That of b, (filters,)."""
        return (self.filters,)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The sums of g over cases and places, (filters,)."""
        return into(sum_of_rows(maps(g, self.windows).sum(axis=(2, 3))), out)

    def jvp(self, v: Array) -> Array:
        """The change v of b, (filters,), at every place of every case."""
        return np.tile(np.repeat(v, self.windows.places), (self.count, 1))

    def _dense(self) -> Array:
        own = np.repeat(np.eye(self.filters, dtype=self.dtype), self.windows.places, axis=0)
        return np.broadcast_to(own, self.dense_shape).copy()
