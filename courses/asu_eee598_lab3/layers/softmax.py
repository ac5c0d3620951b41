"""Softmax, with its own full Jacobian."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ShapeError
from chainrule.nn import Softmax

from .layer import Array, Layer, fitting, floats


class SoftMaxLayer(Layer):
    """y_j = e^(x_j) / Σ_k e^(x_k); the Jacobian of a case is diag(y) − y yᵀ.

    Example:
        >>> softmax = SoftMaxLayer()
        >>> softmax.forward([[0.0, 0.0]])
        array([[0.5, 0.5]])
        >>> softmax.backward([[1.0, 0.0]])
        array([[ 0.25, -0.25]])
    """

    def __init__(self) -> None:
        self._softmax = Softmax()

    def forward(self, x: npt.ArrayLike) -> Array:
        """The distributions, (cases, classes), for x, (cases, classes).

        Raises:
            ShapeError: x is no matrix.
        """
        x = floats(x)
        if x.ndim != 2 or not x.shape[1]:
            raise ShapeError(f"x has shape (cases, classes), found {x.shape}")
        return np.array(self._softmax.forward_pass(x))

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x = y_grad (diag(y) − y yᵀ), case by case."""
        upstream = self._softmax.backward_pass(fitting(y_grad, self._softmax.s))
        assert upstream is not None
        return upstream

    def move_into(self, softmax: Softmax) -> None:
        """From now on remember passes in ``softmax``, a layer of the library in a network."""
        self._softmax = softmax

    def lives_in(self, softmax: Softmax) -> bool:
        """Whether passes are remembered there."""
        return self._softmax is softmax
