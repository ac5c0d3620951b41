"""The Jacobians of a convolution z = W ∗ x + b with respect to x, W and b."""

from __future__ import annotations

import numpy as np

from chainrule.image_jacobians.rows import ImageJacobian, as_rows, images, into, maps
from chainrule.jacobians import Jacobian
from chainrule.parameters import Array
from chainrule.windows import convolution
from chainrule.windows.geometry import Windows
from chainrule.windows.sliding import columns, spread_out


class ConvolutionInput(ImageJacobian):
    """∂z/∂x: the filters, written at every place; the same for every case.

    Args:
        W: the filters, (filters, channels, rows, columns).
        windows: where they stand.
        count: the number of cases.

    Example:
        >>> W = np.array([[[[1.0, 2.0]]]])
        >>> ConvolutionInput(W, Windows(1, 1, 3, 1, 2), count=1).dense()
        array([[[1., 2., 0.],
                [0., 1., 2.]]])
    """

    __slots__ = ("W",)

    def __init__(self, W: Array, windows: Windows, count: int) -> None:
        super().__init__(windows, count, len(W))
        self.W = W

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes back to what was under its window."""
        return as_rows(
            convolution.input_gradient(maps(g, self.windows), self.W, self.windows), out
        )

    def jvp(self, v: Array) -> Array:
        """W ∗ v."""
        return as_rows(convolution.convolve(images(v, self.windows), self.W, self.windows))

    def cases(self, chosen: slice) -> ConvolutionInput:
        """See `Jacobian.cases`."""
        return ConvolutionInput(self.W, self.windows, len(range(self.count)[chosen]))

    def _dense(self) -> Array:
        matrix = spread_out(self.W[None, None], self.windows)
        return np.broadcast_to(matrix, self.dense_shape).copy()


class ConvolutionWeights(Jacobian):
    """∂z/∂W: for every output the numbers under its window, at its own filter.

    Args:
        x: the layer's inputs, (cases, channels · height · width).
        windows: where the filters stand.
        filters: how many.
    """

    __slots__ = ("filters", "windows", "x")

    def __init__(self, x: Array, windows: Windows, filters: int) -> None:
        self.x = x
        self.windows = windows
        self.filters = filters

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """That of W, (filters, channels, rows, columns)."""
        windows = self.windows
        return (self.filters, windows.channels, windows.rows, windows.columns)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, filters, channels, rows, columns)."""
        return (len(self.x), self.filters * self.windows.places, *self.shape)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g times what was under the windows, summed over cases and places; the shape of W."""
        x, delta = images(self.x, self.windows), maps(g, self.windows)
        return into(convolution.weight_gradient(x, delta, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """v ∗ x for a change v of W."""
        return as_rows(convolution.convolve(images(self.x, self.windows), v, self.windows))

    def cases(self, chosen: slice) -> ConvolutionWeights:
        """See `Jacobian.cases`."""
        return ConvolutionWeights(self.x[chosen], self.windows, self.filters)

    def _dense(self) -> Array:
        under = columns(images(self.x, self.windows), self.windows)
        own = np.eye(self.filters, dtype=bool)[:, None, None, :, None, None, None]
        return (under[:, None, :, :, None] * own).reshape(self.dense_shape)


class ConvolutionBiases(Jacobian):
    """∂z/∂b: 1 where an output is of the bias's own filter.

    Args:
        count: the number of cases.
        filters: how many.
        windows: where they stand.
        dtype: of the numbers.

    Example:
        >>> J = ConvolutionBiases(1, 2, Windows(1, 1, 2, 1, 1), np.dtype(float))
        >>> J.vjp(np.array([[1.0, 2.0, 3.0, 4.0]]))
        array([3., 7.])
    """

    __slots__ = ("count", "dtype", "filters", "windows")

    def __init__(
        self, count: int, filters: int, windows: Windows, dtype: np.dtype[np.generic]
    ) -> None:
        self.count = count
        self.filters = filters
        self.windows = windows
        self.dtype = dtype

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, filters · places, filters)."""
        return (self.count, self.filters * self.windows.places, self.filters)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The sums of g over cases and places, (filters,)."""
        return into(maps(g, self.windows).sum(axis=(0, 2, 3)), out)

    def jvp(self, v: Array) -> Array:
        """The change v of b, (filters,), at every place of every case."""
        return np.tile(np.repeat(v, self.windows.places), (self.count, 1))

    def cases(self, chosen: slice) -> ConvolutionBiases:
        """See `Jacobian.cases`."""
        count = len(range(self.count)[chosen])
        return ConvolutionBiases(count, self.filters, self.windows, self.dtype)

    def _dense(self) -> Array:
        own = np.repeat(np.eye(self.filters, dtype=self.dtype), self.windows.places, axis=0)
        return np.broadcast_to(own, self.dense_shape).copy()
