"""The fully connected layer, with W the other way round than the library has it."""

from __future__ import annotations

from itertools import count

import numpy as np
import numpy.typing as npt

from chainrule.errors import ShapeError
from chainrule.layers import Dense
from chainrule.network import Network
from chainrule.parameters import assign

from .layer import Array, Layer, descend, fitting, floats

_SEEDS = count()


class FullLayer(Layer):
    """y = x Wᵀ + b.

    Args:
        n_i: the width of x.
        n_o: the width of y.
        seed: of the first weights; left out, every layer takes the next of a fixed row, so that
            a script that makes the same layers in the same order gets the same weights.

    Attributes:
        W: (n_o, n_i), at first normal with mean 0 and variance 2 / (n_i + n_o). The library
            keeps (n_i, n_o), and this is its transposed view: change it in place, or assign.
        b: (1, n_o), at first 0; likewise.
        W_grad: ∂L/∂W of the last `backward`, (n_o, n_i).
        b_grad: ∂L/∂b, (1, n_o).

    Raises:
        ConfigError: widths that are none.

    Example:
        >>> layer = FullLayer(2, 1)
        >>> layer.W, layer.b = np.array([[1.0, 10.0]]), np.array([[100.0]])
        >>> layer.forward(np.array([[2, 3]]))
        array([[132.]])
        >>> layer.backward(np.array([[1.0]]))
        array([[ 1., 10.]])
        >>> layer.W_grad
        array([[2., 3.]])
    """

    def __init__(self, n_i: int, n_o: int, *, seed: int | None = None) -> None:
        self._dense = Dense(n_o, "linear", weights="glorot_normal")
        seed = next(_SEEDS) if seed is None else seed
        Network([self._dense], input=n_i, loss="mse", seed=seed)

    def __repr__(self) -> str:
        """Such as ``FullLayer(4, 3)``."""
        return f"FullLayer({self._dense.inputs}, {self._dense.size})"

    @property
    def W(self) -> Array:
        """The weights."""
        return self._dense.W.T

    @W.setter
    def W(self, value: npt.ArrayLike) -> None:
        assign(self.W, np.asarray(value), "W")

    @property
    def b(self) -> Array:
        """The biases."""
        return self._dense.b[None, :]

    @b.setter
    def b(self, value: npt.ArrayLike) -> None:
        value = np.asarray(value)
        assign(self.b, value[None, :] if value.ndim == 1 else value, "b")

    @property
    def W_grad(self) -> Array:
        """∂L/∂W."""
        return self._dense.W_grad.T

    @W_grad.setter
    def W_grad(self, value: npt.ArrayLike) -> None:
        assign(self.W_grad, np.asarray(value), "W_grad")

    @property
    def b_grad(self) -> Array:
        """∂L/∂b."""
        return self._dense.b_grad[None, :]

    @b_grad.setter
    def b_grad(self, value: npt.ArrayLike) -> None:
        assign(self.b_grad, np.asarray(value), "b_grad")

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, (cases, n_o), for x, (cases, n_i).

        Raises:
            ShapeError: x does not fit.
        """
        x = floats(x)
        if x.ndim != 2 or x.shape[1] != self._dense.inputs:
            raise ShapeError(f"x has shape (cases, {self._dense.inputs}), found {x.shape}")
        self._dense.forward_pass(x)
        # In a Sequential the library's layer applies the relu behind it as well; y is before.
        return np.array(self._dense.z)

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x, (cases, n_i); leaves ``W_grad`` and ``b_grad``, summed over the cases."""
        upstream = self._dense.backward_from_delta(fitting(y_grad, self._dense.z))
        assert upstream is not None
        return upstream

    def update_param(self, lr: float) -> None:
        """W −= lr · W_grad and b −= lr · b_grad."""
        dense = self._dense
        descend(dense.W.reshape(-1), dense.W_grad.reshape(-1), lr)
        descend(dense.b, dense.b_grad, lr)

    def in_library(self) -> Dense:
        """A layer of the library like this one, for a network."""
        return Dense(self._dense.size, "linear", weights="zeros")

    def move_into(self, dense: Dense) -> None:
        """From now on keep the parameters in ``dense``, a layer of the library in a network."""
        dense.W, dense.b = self._dense.W, self._dense.b
        dense.W_grad, dense.b_grad = self._dense.W_grad, self._dense.b_grad
        self._dense = dense

    def lives_in(self, dense: Dense) -> bool:
        """Whether the parameters are kept there."""
        return self._dense is dense
