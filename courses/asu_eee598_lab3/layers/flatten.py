"""Images as rows, for a full layer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ShapeError
from chainrule.nn import Flatten

from .layer import Array, Layer, fitting, floats, rows


class FlattenLayer(Layer):
    """y[n] = the numbers of x[n] in one row: channel by channel, row by row.

    Example:
        >>> flatten = FlattenLayer()
        >>> flatten.forward([[[[1, 2], [3, 4]]]])
        array([[1., 2., 3., 4.]])
        >>> flatten.backward([[5, 6, 7, 8]]).shape
        (1, 1, 2, 2)
    """

    def __init__(self) -> None:
        self._flatten = Flatten()

    def __repr__(self) -> str:
        """``FlattenLayer()``."""
        return "FlattenLayer()"

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, (batch, channels · height · width).

        Args:
            x: (batch, channels, height, width), or anything with a batch in front.

        Raises:
            ShapeError: x is a single row or number.
        """
        x = floats(x)
        if x.ndim < 2 or not x.size:
            raise ShapeError(f"x has shape (batch, ...), found {x.shape}")
        flatten = self.in_library()
        flatten.connect(x.shape[1:])
        self._flatten = flatten
        return np.array(flatten.forward_pass(rows(x)))

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x: the same numbers in the shape of x."""
        upstream = self._flatten.backward_from_delta(fitting(y_grad, self._flatten.z))
        assert upstream is not None
        return upstream.reshape(-1, *self._flatten.input_shape)

    def in_library(self) -> Flatten:
        """A layer of the library like this one, for a network."""
        return Flatten()

    def move_into(self, flatten: Flatten) -> None:
        """From now on remember passes in ``flatten``, a layer of the library in a network."""
        self._flatten = flatten

    def lives_in(self, flatten: Flatten) -> bool:
        """Whether passes are remembered there."""
        return self._flatten is flatten
