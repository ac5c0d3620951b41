"""The largest number of each square of an image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ConfigError, unknown
from chainrule.nn import MaxPool2D

from .layer import Array, Layer, fitting, images, rows, shaped


class EveryLargest(MaxPool2D):
    """A pool that gives every one of several equal maxima the whole gradient.

    Where maxima are equal this is not the derivative; elsewhere it is what `MaxPool2D` gives.
    """

    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """δ where the largest stand, (cases, inputs); squares lie side by side."""
        self.delta = delta
        if not to_input:
            return None
        _, down, across = self.output_shape
        height, width = self.window_size
        covered = np.s_[:, :, : down * height, : across * width]
        x = self.x.reshape(-1, *self.input_shape)
        largest, arriving = (
            a.reshape(-1, *self.output_shape).repeat(height, axis=2).repeat(width, axis=3)
            for a in (self.z, delta)
        )
        upstream = np.zeros_like(x)
        upstream[covered] = np.where(x[covered] == largest, arriving, 0)
        return rows(upstream)


POOLS = {"first": MaxPool2D, "all": EveryLargest}
"""The library's layer, by the rule for equal numbers."""


class MaxPoolLayer(Layer):
    """y[n, c, i, j] = the largest of x[n, c, i·size …, j·size …] in a square of size × size.

    Squares lie side by side; rows and columns that fill none are left out. The gradient goes to
    the largest.

    Args:
        size: of the squares.
        ties: which of equal numbers get it: ``first``, the first in row order, as in PyTorch, or
            ``all``, each of them the whole, which is the rule of the lab that follows.

    Raises:
        ConfigError: a size or a rule that is none.

    Example:
        >>> pool = MaxPoolLayer(2)
        >>> pool.forward([[[[1, 5, 2, 0], [3, 4, 2, 1]]]])
        array([[[[5., 2.]]]])
        >>> pool.backward([[[[10, 20]]]])
        array([[[[ 0., 10., 20.,  0.],
                 [ 0.,  0.,  0.,  0.]]]])
        >>> tied = MaxPoolLayer(2, ties="all")
        >>> _ = tied.forward([[[[5, 5], [3, 5]]]])
        >>> tied.backward([[[[7]]]])
        array([[[[7., 7.],
                 [0., 7.]]]])
    """

    def __init__(self, size: int = 2, *, ties: str = "first") -> None:
        if ties not in POOLS:
            raise ConfigError(unknown("ties", ties, POOLS))
        self.ties = ties
        self._pool = self._new(size)

    def _new(self, size: int) -> MaxPool2D:
        return POOLS[self.ties](size)

    def __repr__(self) -> str:
        """Such as ``MaxPoolLayer(2)``, or ``MaxPoolLayer(2, ties='all')``."""
        ties = "" if self.ties == "first" else f", ties={self.ties!r}"
        return f"MaxPoolLayer({self.size}{ties})"

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
        return self._new(self.size)

    def move_into(self, pool: MaxPool2D) -> None:
        """From now on remember passes in ``pool``, a layer of the library in a network."""
        self._pool = pool

    def lives_in(self, pool: MaxPool2D) -> bool:
        """Whether passes are remembered there."""
        return self._pool is pool
