"""What the lab's two layers with parameters share: views of a layer of the library."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from chainrule.core.arrays import as_numbers, assign
from chainrule.nn.layers.base import Weighted

from .layer import Array, Layer, descend


class TrainedLayer(Layer):
    """W, b and their gradients, kept by a layer of the library; b is a row, (1, n_o).

    Attributes:
        kept_by: that layer: at first one of its own, later perhaps one of a network.
        w_grad: ``W_grad`` as the lab's text spells it.
    """

    kept_by: Any

    def _turned(self, weights: Array) -> Array:
        """The library's W, or its gradient, as the lab has it: a view."""
        return weights

    @property
    def W(self) -> Array:
        """The weights."""
        return self._turned(self.kept_by.W)

    @W.setter
    def W(self, value: npt.ArrayLike) -> None:
        assign(self.W, value, "W")

    @property
    def b(self) -> Array:
        """The biases."""
        b: Array = self.kept_by.b
        return b[None, :]

    @b.setter
    def b(self, value: npt.ArrayLike) -> None:
        value = as_numbers(value, "b", "biuf")
        assign(self.b, value[None, :] if value.ndim == 1 else value, "b")

    @property
    def W_grad(self) -> Array:
        """∂L/∂W."""
        return self._turned(self.kept_by.W_grad)

    @W_grad.setter
    def W_grad(self, value: npt.ArrayLike) -> None:
        assign(self.W_grad, value, "W_grad")

    w_grad = W_grad

    @property
    def b_grad(self) -> Array:
        """∂L/∂b."""
        b_grad: Array = self.kept_by.b_grad
        return b_grad[None, :]

    @b_grad.setter
    def b_grad(self, value: npt.ArrayLike) -> None:
        assign(self.b_grad, value, "b_grad")

    def update_param(self, lr: float) -> None:
        """W −= lr · W_grad and b −= lr · b_grad."""
        kept = self.kept_by
        descend(kept.W.reshape(-1), kept.W_grad.reshape(-1), lr)
        descend(kept.b, kept.b_grad, lr)

    def move_into(self, layer: Weighted) -> None:
        """From now on keep the parameters in ``layer``, one of the library in a network."""
        layer.W, layer.b = self.kept_by.W, self.kept_by.b
        layer.W_grad, layer.b_grad = self.kept_by.W_grad, self.kept_by.b_grad
        self.kept_by = layer

    def lives_in(self, layer: Weighted) -> bool:
        """Whether the parameters are kept there."""
        return self.kept_by is layer
