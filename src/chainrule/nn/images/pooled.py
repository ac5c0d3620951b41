"""Pooling: the largest number or the mean of each window, in NumPy, Jacobians, and the layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.images.filtered import ImageJacobian
from chainrule.nn.images.geometry import Windows, checked_padding, pair, windows_on
from chainrule.nn.images.im2col import (
    as_rows,
    col2im,
    filter_matrix,
    images,
    maps,
    offsets,
    padded,
    under,
)
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape

# In NumPy.


def largest(x: Array, windows: Windows) -> tuple[Array, Array]:
    """The largest number under each window, and which one it is.

    Of equal ones it is the first in row order; padding is never the largest. NaN counts as
    larger than any number, the last of several as in PyTorch. Complex numbers are ordered by
    their real parts.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        Two arrays (cases, channels, down, across): the numbers, and their places p · columns + q
        within the window, as whole numbers of 32 bits.
    """
    image = padded(np.ones((1, 1, windows.height, windows.width), bool), windows)
    x = padded(x, windows)
    best = np.empty((*x.shape[:2], windows.down, windows.across), x.dtype)
    winners = np.full(best.shape, -1, np.int32)
    for k, (p, q) in enumerate(offsets(windows)):
        other, inside = under(x, windows, p, q), under(image, windows, p, q)
        larger = inside & ((winners < 0) | (other.real > best.real) | np.isnan(other))
        np.copyto(best, other, where=larger)
        winners[larger] = k
    return best, winners


def distances_to_ties(x: Array, windows: Windows) -> Array:
    """How far each number under a window is from being as large as the largest, with a sign.

    The largest itself has 1, so that the signs tell which it is; the others are at most 0, and 0
    where they tie. Where all of them are 0, as behind a relu that lets nothing through, they are
    no tie but −1: none of them moves.

    Args:
        x: real images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        (rows · columns, cases, channels, down, across).
    """
    best, winners = largest(x, windows)
    x = padded(x, windows, -np.inf)
    behind = np.array([under(x, windows, p, q) - best for p, q in offsets(windows)])
    behind[(behind == 0) & (best == 0)] = -1
    np.put_along_axis(behind, winners[None], 1, axis=0)
    return behind


def gather(x: Array, winners: Array, windows: Windows) -> Array:
    """The numbers at the places that ``winners`` names: how the largest move as x moves.

    Args:
        x: (cases, channels, height, width).
        winners: see `largest`.
        windows: where they stand.
    """
    x = padded(x, windows)
    found = np.zeros(winners.shape, x.dtype)
    for k, (p, q) in enumerate(offsets(windows)):
        np.copyto(found, under(x, windows, p, q), where=winners == k)
    return found


def scatter(delta: Array, winners: Array, windows: Windows) -> Array:
    """∂L/∂x of the largest numbers: each δ goes to the number that was the largest.

    Args:
        delta: (cases, channels, down, across).
        winners: see `largest`.
        windows: where they stand.

    Returns:
        (cases, channels, height, width).
    """
    zero, places = delta.dtype.type(0), windows.rows * windows.columns
    parts = (np.where(winners == k, delta, zero) for k in range(places))
    return col2im(parts, windows, len(delta), delta.dtype)


def mean(x: Array, windows: Windows) -> Array:
    """The mean of each window; padding counts as zeros, as in PyTorch.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        (cases, channels, down, across).
    """
    x = padded(x, windows)
    total = np.zeros((*x.shape[:2], windows.down, windows.across), x.dtype)
    for p, q in offsets(windows):
        total += under(x, windows, p, q)
    total /= windows.rows * windows.columns
    return total


def spread(delta: Array, windows: Windows) -> Array:
    """∂L/∂x of the means: each δ goes to all numbers of its window in equal parts.

    Args:
        delta: (cases, channels, down, across).
        windows: where they stand.

    Returns:
        (cases, channels, height, width).
    """
    places = windows.rows * windows.columns
    share = delta / delta.dtype.type(places)
    return col2im([share] * places, windows, len(delta), delta.dtype)


# The Jacobians.


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
    numbers = ()
    per_case = ("count", "winners")

    def __init__(self, winners: Array, windows: Windows, dtype: np.dtype[np.generic]) -> None:
        super().__init__(windows, len(winners), windows.channels)
        self.winners = winners
        self.dtype = dtype

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes to the number that was the largest."""
        return as_rows(scatter(maps(g, self.windows), self.winners, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """The v at the numbers that were the largest."""
        return as_rows(gather(images(v, self.windows), self.winners, self.windows))

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
    numbers = ()

    def __init__(self, windows: Windows, count: int, dtype: np.dtype[np.generic]) -> None:
        super().__init__(windows, count, windows.channels)
        self.dtype = dtype

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every g goes to all numbers of its window in equal parts."""
        return as_rows(spread(maps(g, self.windows), self.windows), out)

    def jvp(self, v: Array) -> Array:
        """The means of v."""
        return as_rows(mean(images(v, self.windows), self.windows))

    def _dense(self) -> Array:
        windows = self.windows
        size = windows.rows * windows.columns
        shares = np.eye(windows.channels, dtype=self.dtype) / self.dtype.type(size)
        filters = np.broadcast_to(
            shares[None, None, :, :, None, None],
            (1, 1, *shares.shape, windows.rows, windows.columns),
        )
        return np.broadcast_to(filter_matrix(filters, windows), self.dense_shape).copy()


# The layers.

WORTH_LOOPS = 5_000
"""Numbers under all windows of a case from which compiled loops are worth their start."""


class Pooled(ParameterFree):
    """One number for each window of each channel.

    Rows and columns that fill no window are left out, as in PyTorch.

    Args:
        size: of a window, a number or [height, width].
        stride: from one window to the next, a number or [height, width]; by default the size,
            so that windows lie side by side.
        padding: as of `Conv2D`, but less than the size.
        name: see `Layer`.
        inputs: see `Layer`.

    Attributes:
        windows: where they stand, once connected.
    """

    takes_images: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False

    def __init__(
        self,
        size: int | Sequence[int] = 2,
        *,
        stride: int | Sequence[int] | None = None,
        padding: int | str | Sequence[int] = 0,
        name: str | None = None,
        inputs: str | Sequence[str] | None = None,
    ) -> None:
        super().__init__(name=name, inputs=inputs)
        self.window_size = pair(size, "size", 1)
        self.stride = self.window_size if stride is None else pair(stride, "stride", 1)
        self.padding = checked_padding(padding)
        self.windows: Any = None
        self._found: Any = None

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`."""
        (shape,) = shapes
        name = self.name or type(self).__name__
        windows = windows_on(shape, self.window_size, self.stride, self.padding, name)
        top, bottom, left, right = windows.padding
        if max(top, bottom) >= windows.rows or max(left, right) >= windows.columns:
            raise ConfigError(
                f"{name}: a padding of {self.padding!r} is not less than the size "
                f"{list(self.window_size)}; a window would hold nothing but padding"
            )
        self.windows = windows
        self.input_shape = shape
        self.output_shape = (shape[0], windows.down, windows.across)
        self.size = self.outputs

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The output, (cases, outputs), twice: there is no activation."""
        y = np.empty((len(x), self.outputs), x.dtype)
        self._pool(x, y)
        return y, y

    @abstractmethod
    def _pool(self, x: Array, y: Array) -> Array | None:
        """Write the output to y, and give what the backward pass needs beside the windows."""

    def forward_pass(self, x: Array) -> Array:
        """The output, (cases, outputs)."""
        self.x = x
        self.z = self.context.buffer(self.name, "z", (len(x), self.outputs), x.dtype)
        self._found = self._pool(x, self.z)
        return self.z

    def _input_gradient(self, delta: Array) -> Array:
        input_gradient = self.context.input_gradient(self.name, self.inputs, delta)
        if self._is_for_loops(delta):
            self._run_back(np.ascontiguousarray(delta), input_gradient)
            return input_gradient
        return self._jacobian_x().vjp(delta, input_gradient)

    @abstractmethod
    def _run_back(self, delta: Array, input_gradient: Array) -> None:
        """The backward pass in compiled loops."""

    def _is_for_loops(self, x: Array) -> bool:
        """Whether the numbers are real, and many enough."""
        numbers = self.outputs * self.windows.rows * self.windows.columns
        return x.dtype.char in "fd" and numbers >= WORTH_LOOPS

    def _loops(self) -> Any:
        # Imported here, for Numba takes long to load.
        from chainrule.nn.images.kernels.pooling import Pooling

        return Pooling(self.windows)


class MaxPool2D(Pooled):
    """The largest number of each window; of equal ones the first in row order gets the gradient.

    For the arguments see `Pooled`; padding is never the largest.
    """

    type: ClassVar[str] = "max_pool2d"
    formula: ClassVar[str] = "the largest under each window"

    @property
    def winners(self) -> Array:
        """The place p · columns + q of the largest within each window, of the last forward pass.

        Of shape (cases, channels, down, across).
        """
        return maps(self._found, self.windows)

    def _pool(self, x: Array, y: Array) -> Array:
        if not self._is_for_loops(x):
            best, winners = largest(images(x, self.windows), self.windows)
            y[...] = as_rows(best)
            return as_rows(winners)
        whole = np.dtype(np.int32)
        keeps = y is self.z
        winners = (
            self.context.buffer(self.name, "winners", y.shape, whole)
            if keeps
            else np.empty(y.shape, whole)
        )
        self._loops().largest(np.ascontiguousarray(x), y, winners)
        return winners

    def ties(self, x: Array) -> Array:
        """How far each number under a window is behind the largest; see `Layer.ties`."""
        return distances_to_ties(images(x, self.windows), self.windows)

    def _run_back(self, delta: Array, input_gradient: Array) -> None:
        self._loops().scatter(delta, self._found, input_gradient)

    def _jacobian_x(self) -> MaxPooling:
        return MaxPooling(self.winners, self.windows, self.x.dtype)


class AveragePool2D(Pooled):
    """The mean of each window.

    For the arguments see `Pooled`; padding counts as zeros, as in PyTorch.
    """

    type: ClassVar[str] = "average_pool2d"
    formula: ClassVar[str] = "the mean under each window"

    def _pool(self, x: Array, y: Array) -> None:
        if self._is_for_loops(x):
            self._loops().mean(np.ascontiguousarray(x), y)
        else:
            y[...] = as_rows(mean(images(x, self.windows), self.windows))

    def _run_back(self, delta: Array, input_gradient: Array) -> None:
        self._loops().spread(delta, input_gradient)

    def _jacobian_x(self) -> AveragePooling:
        return AveragePooling(self.windows, len(self.x), self.x.dtype)
