"""The largest number of each square of an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.layers import MaxPool2D

from .layer import Array, Layer, fitting, images, rows, shaped


class MaxPoolLayer(Layer):
    """y[n, c, i, j] = the largest of x[n, c, i·size …, j·size …] in a square of size × size.

    Squares lie side by side; rows and columns that fill none are left out. The gradient goes to
    the largest, of equal ones to the first in row order, as in PyTorch.

    Args:
        size: of the squares.

    Raises:
        ConfigError: a size that is none.

    Example:
        >>> pool = MaxPoolLayer(2)
        >>> pool.forward([[[[1, 5, 2, 0], [3, 4, 2, 1]]]])
        array([[[[5., 2.]]]])
        >>> pool.backward([[[[10, 20]]]])
        array([[[[ 0., 10., 20.,  0.],
                 [ 0.,  0.,  0.,  0.]]]])
    """

    def __init__(self, size: int = 2) -> None:
        self._pool = MaxPool2D(size)

    def __repr__(self) -> str:
        """Such as ``MaxPoolLayer(2)``."""
        return f"MaxPoolLayer({self.size})"

    @property
    def size(self) -> int:
        """Of the squares."""
        return self._pool.window_size[0]

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, (batch, channels, ⌊height / size⌋, ⌊width / size⌋).

        Args:
            x: (batch, channels, height, width).

        Raises:
            ShapeError: x is no images.
            ConfigError: they are smaller than a square.
        """
        x = images(x)
        if x.shape[1:] != self._pool.input_shape:
            pool = self.in_library()
            pool.connect(x.shape[1:])
            self._pool = pool
        return np.array(shaped(self._pool.forward_pass(rows(x)), self._pool))

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x, (batch, channels, height, width): y_grad where the largest stood, else 0."""
        pool = self._pool
        y_grad = fitting(y_grad, None if pool.z is None else shaped(pool.z, pool))
        upstream = pool.backward_from_delta(rows(y_grad))
        assert upstream is not None
        return upstream.reshape(-1, *pool.input_shape)

    def in_library(self) -> MaxPool2D:
        """A layer of the library like this one, for a network."""
        return MaxPool2D(self.size)

    def move_into(self, pool: MaxPool2D) -> None:
        """From now on remember passes in ``pool``, a layer of the library in a network."""
        self._pool = pool

    def lives_in(self, pool: MaxPool2D) -> bool:
        """Whether passes are remembered there."""
        return self._pool is pool
