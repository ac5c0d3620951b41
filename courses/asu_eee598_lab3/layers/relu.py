"""The rectifier."""

from __future__ import annotations

import numpy.typing as npt

from chainrule.nn.activations import activation
from chainrule.nn.jacobians import Diagonal

from .layer import Array, Layer, fitting, floats


class ReluLayer(Layer):
    """y = max(0, x), elementwise; its derivative at 0 is 0.

    Example:
        >>> relu = ReluLayer()
        >>> relu.forward([[-1.0, 0.0, 3.0]])
        array([[0., 0., 3.]])
        >>> relu.backward([[5.0, 5.0, 5.0]])
        array([[0., 0., 5.]])
    """

    def __init__(self) -> None:
        self._relu = activation("relu")
        self._x: Array | None = None

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, of the shape of x."""
        self._x = floats(x)
        return self._relu.value(self._x)

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x = y_grad where x > 0, else 0."""
        y_grad = fitting(y_grad, self._x)
        assert self._x is not None
        return Diagonal(self._relu.derivative(self._x)).vjp(y_grad)

    def saw(self, x: Array) -> None:
        """A forward pass on ``x`` was made elsewhere; `backward` goes back through it."""
        self._x = x
