"""Pooling, the maximum or mean of each window: NumPy functions, Jacobians, and the layers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.images.filtered import ImageJacobian
from chainrule.nn.images.geometry import (
    Windows,
    checked_padding,
    pair,
    require_image,
    windows_on,
)
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
from chainrule.nn.jacobians import Jacobian
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape

# In NumPy.


def largest(x: Array, windows: Windows) -> tuple[Array, Array]:
    """The maximum under each window, and its position within the window.

    Of equal values the first in row-major order is taken; padding is never the maximum. NaN counts
    as larger than any number; of several NaN the last is taken, as in PyTorch. Complex numbers are
    compared by their real parts.

    Args:
        x: images, (cases, channels, height, width).
        windows: the positions of the windows.

    Returns:
        Two arrays (cases, channels, down, across): the maxima, and their positions p · columns + q
        within the window, as 32-bit integers.
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
    """Each value under a window minus the window's maximum; 1 at the position of the maximum.

    The positive sign marks the maximum; the others are at most 0, and 0 where they tie with it. If
    the maximum is 0, values of 0 get −1 instead: behind a relu they are usually 0 for all small
    changes, and so are no tie.

    Args:
        x: real images, (cases, channels, height, width).
        windows: the positions of the windows.

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
    """The values at the positions in ``winners``; for x = v it is the jvp of the maxima.

    Args:
        x: (cases, channels, height, width).
        winners: see `largest`.
        windows: the positions of the windows.
    """
    x = padded(x, windows)
    found = np.zeros(winners.shape, x.dtype)
    for k, (p, q) in enumerate(offsets(windows)):
        np.copyto(found, under(x, windows, p, q), where=winners == k)
    return found


def scatter(delta: Array, winners: Array, windows: Windows) -> Array:
    """∂L/∂x for maxima: each δ is added at the position of its window's maximum.

    Args:
        delta: (cases, channels, down, across).
        winners: see `largest`.
        windows: the positions of the windows.

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
        windows: the positions of the windows.

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
    """∂L/∂x for means: δ / (rows · columns) is added at every position of its window.

    Args:
        delta: (cases, channels, down, across).
        windows: the positions of the windows.

    Returns:
        (cases, channels, height, width).
    """
    places = windows.rows * windows.columns
    share = delta / delta.dtype.type(places)
    return col2im([share] * places, windows, len(delta), delta.dtype)


# The Jacobians.


class MaxPooling(ImageJacobian):
    """∂y/∂x for maxima: each output's row has a single 1, at the position of the maximum.

    Args:
        winners: its position within each window, (cases, channels, down, across).
        windows: the positions of the windows.
        dtype: the type of the matrix.

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
        """g (∂y/∂x): each g is added at the position of its window's maximum."""
        return as_rows(scatter(maps(g, self.windows), self.winners, self.windows), out)

    def jvp(self, v: Array) -> Array:
        """(∂y/∂x) v: the values of v at the positions of the maxima."""
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
    """∂y/∂x for means: 1 / (rows · columns) for each value of the window, the same for all cases.

    Args:
        windows: the positions of the windows.
        count: the number of cases.
        dtype: the type of the matrix.

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
        """g (∂y/∂x): g / (rows · columns) is added at every position of its window."""
        return as_rows(spread(maps(g, self.windows), self.windows), out)

    def jvp(self, v: Array) -> Array:
        """(∂y/∂x) v: the means of v."""
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
"""Layers with at least this many values under all windows of a case run in compiled loops."""


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
        """z and a, which are the same array (cases, outputs), because there is no activation."""
        y = np.empty((len(x), self.outputs), x.dtype)
        self._pool(x, y)
        return y, y

    @abstractmethod
    def _pool(self, x: Array, y: Array) -> Array | None:
        """Write the output to y, and return what else the backward pass needs, if anything."""

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
        """Whether compiled loops compute this: real values, and enough of them."""
        numbers = self.outputs * self.windows.rows * self.windows.columns
        return x.dtype.char in "fd" and numbers >= WORTH_LOOPS

    def _loops(self) -> Any:
        # Imported here, because Numba takes long to load.
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
        """The position p · columns + q of each window's maximum in the last forward pass.

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
        """See `distances_to_ties` and `Layer.ties`."""
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


# The mean of whole channels.

SUMMED_BY_BLAS = 1024
"""Up to this many places of a channel are added up by BLAS, in a fifth of the time of NumPy's sum,
which loses fewer digits of many numbers."""


@dataclass(eq=False, repr=False)
class ChannelMeans(Jacobian):
    """∂y/∂x for the mean of each channel: 1 / (height · width) for each number of the channel.

    Args:
        count: the number of cases.
        channels: of an image.
        places: height · width.
        dtype: the type of the matrix.

    Example:
        >>> ChannelMeans(1, channels=2, places=2, dtype=np.dtype(float)).dense()
        array([[[0.5, 0.5, 0. , 0. ],
                [0. , 0. , 0.5, 0.5]]])
    """

    count: int
    channels: int
    places: int
    dtype: np.dtype[Any]
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, channels, channels · places)."""
        return (self.count, self.channels, self.channels * self.places)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g / places at every place of its channel."""
        out = np.empty((len(g), self.channels * self.places), g.dtype) if out is None else out
        share = g / g.dtype.type(self.places)
        out.reshape(len(g), self.channels, self.places)[...] = share[:, :, None]
        return out

    def jvp(self, v: Array) -> Array:
        """The mean of each channel of v."""
        rows = v.reshape(-1, self.places)
        if self.places > SUMMED_BY_BLAS:
            return rows.mean(axis=1).reshape(len(v), self.channels)
        means = np.dot(rows, np.ones(self.places, v.real.dtype))
        means /= self.places
        return means.reshape(len(v), self.channels)

    def _dense(self) -> Array:
        of_channel = np.repeat(np.eye(self.channels, dtype=self.dtype), self.places, axis=1)
        of_channel /= self.places
        return np.broadcast_to(of_channel, self.dense_shape).copy()


class GlobalAveragePool2D(ParameterFree):
    """The mean of each channel: from (channels, height, width) to a row of one number a channel.

    Behind the last convolution it takes the place of ``flatten`` and of a large dense layer: what
    follows has as many inputs as there are channels, whatever the size of the image.

    Source: Lin, Chen and Yan, *Network in network* (2014), section 3.2.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> network = Network([GlobalAveragePool2D(), Dense(1)], input=[2, 1, 2])
        >>> network.layers[0].forward_pass(np.array([[1.0, 3.0, 10.0, 30.0]]))
        array([[ 2., 20.]])
    """

    type: ClassVar[str] = "global_average_pool2d"
    formula: ClassVar[str] = "the mean of each channel"
    takes_images: ClassVar[bool] = True
    same_at_every_step: ClassVar[bool] = False

    def connect(self, *shapes: Shape) -> None:
        """See `Layer.connect`.

        Raises:
            ConfigError: the input of a case is no image.
        """
        (shape,) = shapes
        require_image(shape, self.name or type(self).__name__)
        self.input_shape, self.output_shape = shape, shape[:1]
        self.size = self.outputs

    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """z = y, the means, (cases, channels)."""
        y = self._means(x).jvp(x)
        return y, y

    def _means(self, x: Array) -> ChannelMeans:
        channels, height, width = self.input_shape
        return ChannelMeans(len(x), channels, height * width, x.dtype)

    def _jacobian_x(self) -> ChannelMeans:
        return self._means(self.x)

    def _input_gradient(self, delta: Array) -> Array:
        into = self.context.input_gradient(self.name, self.inputs, delta)
        return self._jacobian_x().vjp(delta, into)
