"""Layers without parameters that make one number of each window: the largest, or the mean."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.nn.images import pooling_numpy as pooling
from chainrule.nn.images.filter_jacobians import as_rows, images, maps
from chainrule.nn.images.geometry import checked_padding, pair, windows_on
from chainrule.nn.images.pooling_jacobians import AveragePooling, MaxPooling
from chainrule.nn.layers.base import Arrays, ParameterFree, Shape

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
    adds_up: ClassVar[bool] = True

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
        upstream = self.context.input_gradient(self.name, self.inputs, delta)
        if self._is_for_loops(delta):
            self._run_back(np.ascontiguousarray(delta), upstream)
            return upstream
        return self._jacobian_x().vjp(delta, upstream)

    @abstractmethod
    def _run_back(self, delta: Array, upstream: Array) -> None:
        """The backward pass in compiled loops."""

    def _is_for_loops(self, x: Array) -> bool:
        """Whether the numbers are real, and many enough."""
        numbers = self.outputs * self.windows.rows * self.windows.columns
        return x.dtype.char in "fd" and numbers >= WORTH_LOOPS

    def _loops(self) -> Any:
        from chainrule.nn.images.kernels.pooling import Pooling  # Numba, only where it is needed
        from chainrule.nn.images.kernels.pooling_kernels import PoolSizes

        w = self.windows
        top, _, left, _ = w.padding
        return Pooling(
            PoolSizes(
                w.channels,
                w.height,
                w.width,
                w.rows,
                w.columns,
                top,
                left,
                w.stride[0],
                w.stride[1],
                w.down,
                w.across,
            )
        )


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
            largest, winners = pooling.largest(images(x, self.windows), self.windows)
            y[...] = as_rows(largest)
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

    def _run_back(self, delta: Array, upstream: Array) -> None:
        self._loops().put_back(delta, self._found, upstream)

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
            y[...] = as_rows(pooling.mean(images(x, self.windows), self.windows))

    def _run_back(self, delta: Array, upstream: Array) -> None:
        self._loops().spread(delta, upstream)

    def _jacobian_x(self) -> AveragePooling:
        return AveragePooling(self.windows, len(self.x), self.x.dtype)
