"""Convolution with filters of its own at each place: NumPy functions, Jacobians, and the layer.

z[n, f, i, j] = Σ_{c,p,q} W[i, j, f, c, p, q] x[n, c, s i + p, s j + q] with stride s, x padded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.filtered import ByBiases, ByImages, ByWeights, Filtered
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.im2col import (
    as_rows,
    filter_matrix,
    im2col,
    images,
    into,
    maps,
    padded,
    padded_zeros,
    within,
)
from chainrule.nn.layers.base import Arrays
from chainrule.nn.parameters import sum_of_rows

# In NumPy, one batch of small matrix products for each row of places.


def apply_filters(x: Array, W: Array, windows: Windows) -> Array:
    """Apply each place's filters to the values under its window, without biases.

    Args:
        x: images, (cases, channels, height, width).
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, filters, down, across).
    """
    patches, filters = im2col(x, windows), W.shape[2]
    shape = (len(x), filters, windows.down, windows.across)
    z = np.empty(shape, np.result_type(x, W))
    for i in range(windows.down):
        product = _columns(patches, i) @ _matrices(W[i]).transpose(0, 2, 1)
        z[:, :, i, :] = product.transpose(1, 2, 0)
    return z


def input_gradient(delta: Array, W: Array, windows: Windows) -> Array:
    """∂L/∂x from δ = ∂L/∂z, (cases, channels, height, width).

    Args:
        delta: (cases, filters, down, across).
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.
    """
    found = padded_zeros(len(delta), windows, np.result_type(delta, W))
    inner = (windows.channels, windows.rows, windows.columns)
    for i in range(windows.down):
        product = delta[:, :, i, :].transpose(2, 0, 1) @ _matrices(W[i])
        parts = product.reshape(windows.across, len(delta), *inner).transpose(1, 2, 3, 4, 0)
        for target, q in _row_of_places(found, windows, i):
            target += parts[:, :, :, q]
    return np.ascontiguousarray(within(found, windows))


def weight_gradient(x: Array, delta: Array, windows: Windows, out: Array | None = None) -> Array:
    """∂L/∂W from δ = ∂L/∂z, summed over cases, (down, across, filters, channels, rows, columns).

    Args:
        x: images, (cases, channels, height, width).
        delta: (cases, filters, down, across).
        windows: where the filters stand.
        out: receives the result if given.
    """
    patches = im2col(x, windows)
    shape = (windows.down, windows.across, delta.shape[1])
    inner = (windows.channels, windows.rows, windows.columns)
    found = np.empty((*shape, *inner), np.result_type(x, delta)) if out is None else out
    for i in range(windows.down):
        product = delta[:, :, i, :].transpose(2, 1, 0) @ _columns(patches, i)
        found[i] = product.reshape(*shape[1:], *inner)
    return found


def _matrices(W: Array) -> Array:
    """The filters of a row of places as matrices, (across, filters, values under a window)."""
    return W.reshape(*W.shape[:2], -1)


def _columns(patches: Array, i: int) -> Array:
    """The values under the windows of row i of places, (across, cases, values under a window)."""
    row = patches[:, i].swapaxes(0, 1)
    return row.reshape(*row.shape[:2], prod(row.shape[2:]))  # -1 would fail for 0 cases


def _row_of_places(x: Array, windows: Windows, i: int) -> Iterator[tuple[Array, int]]:
    """For each window column q: a view (cases, channels, rows, across) of its values, and q."""
    top, step = i * windows.stride[0], windows.stride[1]
    for q in range(windows.columns):
        columns = slice(q, q + (windows.across - 1) * step + 1, step)
        yield x[:, :, top : top + windows.rows, columns], q


# The Jacobians.


class LocalInput(ByImages):
    """∂z/∂x: each row has a filter of its place at the position of the window.

    Args:
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.
        count: the number of cases.
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂x), which is `input_gradient` for δ = g."""
        return as_rows(input_gradient(maps(g, self.windows), self.W, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂x) v: the filters applied to v."""
        return as_rows(apply_filters(images(v, self.windows), self.W, self.windows))

    def _dense(self) -> Array:
        return np.broadcast_to(filter_matrix(self.W, self.windows), self.dense_shape).copy()


class LocalWeights(ByWeights):
    """∂z/∂W: for each output the inputs under its window, in the columns of its place and filter.

    For the arguments see `ByWeights`.
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂W), summed over cases, in the shape of W: `weight_gradient` for δ = g."""
        x, delta = images(self.x, self.windows), maps(g, self.windows)
        return weight_gradient(x, delta, self.windows, out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂W) v: filters v, in the shape of W, applied to x."""
        return as_rows(apply_filters(images(self.x, self.windows), v, self.windows))

    def _dense(self) -> Array:
        down, across, filters = self.shape[:3]
        dense = np.zeros((len(self.x), filters, down, across, *self.shape), self.x.dtype)
        f, i, j = np.ogrid[:filters, :down, :across]
        patches = im2col(images(self.x, self.windows), self.windows)
        dense[:, f, i, j, i, j, f] = patches[:, None]
        return dense.reshape(self.dense_shape)


class LocalBiases(ByBiases):
    """∂z/∂b: a permutation, because b has the places before the filters, and z after them.

    For the arguments see `ByBiases`.
    """

    __slots__ = ()

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g (∂z/∂b): the sum of g over cases, (down, across, filters)."""
        total = maps(sum_of_rows(g)[None], self.windows)[0]
        return into(total.transpose(1, 2, 0), out)

    def jvp(self, v: Array) -> Array:
        """(∂z/∂b) v: v, (down, across, filters), in the order of z, repeated for every case."""
        return np.tile(v.transpose(2, 0, 1).reshape(-1), (self.count, 1))

    def _dense(self) -> Array:
        down, across, filters = self.shape
        own = np.zeros((filters, down, across, down, across, filters), self.dtype)
        f, i, j = np.ogrid[:filters, :down, :across]
        own[f, i, j, i, j, f] = 1
        return np.broadcast_to(own.reshape(self.dense_shape[1:]), self.dense_shape).copy()


# The layer.


class LocallyConnected2D(Filtered):
    """z[n, f, i, j] = b[i, j, f] + Σ_{c,p,q} W[i, j, f, c, p, q] x[n, c, s i + p, s j + q].

    W has the shape (down, across, filters, channels, height, width): ``W[i, j]`` is what a
    `Conv2D` has for all places. b has the shape (down, across, filters): biases are no more
    shared than weights are. For the arguments see `Filtered`.
    """

    by_images: ClassVar[type[ByImages]] = LocalInput
    by_weights: ClassVar[type[ByWeights]] = LocalWeights
    by_biases: ClassVar[type[ByBiases]] = LocalBiases
    type: ClassVar[str] = "locally_connected2d"
    axes: ClassVar[Mapping[str, str]] = {
        "W": "(down, across, filters, channels, height, width)",
        "b": "(down, across, filters)",
    }
    formula: ClassVar[str] = "W ∗ x + b, W and b of each place"
    formula_without_bias: ClassVar[str] = "W ∗ x, W of each place"

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """W (down, across, filters, channels, height, width) and b (down, across, filters)."""
        places = self.output_shape[1:]
        shapes: dict[str, tuple[int, ...]] = {
            "W": (*places, self.filters, self.input_shape[0], *self.filter_size)
        }
        return {**shapes, "b": (*places, self.filters)} if self.bias else shapes

    @property
    def largest_product(self) -> int:
        """The multiplications per case in the product of one place."""
        return super().largest_product // int(self.windows.places)

    def _apply(self, x: Array, values: Arrays) -> Array:
        if self._is_for_loops(x, *values.values()):
            z = np.empty((len(x), self.outputs), x.dtype)
            self._loops().forward(self._padded(x), values["W"], values.get("b"), z)
            return z
        z = apply_filters(images(x, self.windows), values["W"], self.windows)
        if self.bias:
            z = z + values["b"].transpose(2, 0, 1)
        return as_rows(z)

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """See `Filtered.backward_from_delta`."""
        if self.explicit or not self._is_for_loops(self.x, delta, self.W):
            return super().backward_from_delta(delta, to_input=to_input)
        self.delta = delta
        loops, delta = self._loops(), np.ascontiguousarray(delta)
        x = self._padded(self.x)
        loops.weights(x, delta, self.W_grad, self.b_grad if self.bias else None)
        if not to_input:
            return None
        padded_gradient = np.empty_like(x)
        loops.images(delta, self.W, padded_gradient)
        inside = within(padded_gradient.reshape(len(x), *self.windows.padded_image), self.windows)
        return as_rows(inside, self.context.input_gradient(self.name, self.inputs, delta))

    def _loops(self) -> Any:
        # Imported here, because Numba takes long to load.
        from chainrule.nn.images.kernels.local import Local

        return Local(self.windows, self.filters)

    def _padded(self, x: Array) -> Array:
        """Rows of images with their padding."""
        return np.ascontiguousarray(as_rows(padded(images(x, self.windows), self.windows)))
