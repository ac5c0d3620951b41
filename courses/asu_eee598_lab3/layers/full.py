"""The fully connected layer, with W the other way round than the library has it."""

from __future__ import annotations

from itertools import count

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ShapeError
from chainrule.nn import Dense, Network

from .layer import Array, fitting, floats
from .trained import TrainedLayer

_SEEDS = count()


class FullLayer(TrainedLayer):
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
        self.kept_by = Dense(n_o, "linear", weights="glorot_normal")
        seed = next(_SEEDS) if seed is None else seed
        Network([self.kept_by], input=n_i, loss="mse", seed=seed)

    def __repr__(self) -> str:
        """Such as ``FullLayer(4, 3)``."""
        return f"FullLayer({self.kept_by.inputs}, {self.kept_by.size})"

    def _turned(self, weights: Array) -> Array:
        return weights.T

    def forward(self, x: npt.ArrayLike) -> Array:
        """Y, (cases, n_o), for x, (cases, n_i).

        Raises:
            ShapeError: x does not fit.
        """
        x = floats(x)
        if x.ndim != 2 or x.shape[1] != self.kept_by.inputs:
            raise ShapeError(f"x has shape (cases, {self.kept_by.inputs}), found {x.shape}")
        self.kept_by.forward_pass(x)
        # In a Sequential the library's layer applies the relu behind it as well; y is before.
        return np.array(self.kept_by.z)

    def backward(self, y_grad: npt.ArrayLike) -> Array:
        """∂L/∂x, (cases, n_i); leaves ``W_grad`` and ``b_grad``, summed over the cases."""
        upstream = self.kept_by.backward_from_delta(fitting(y_grad, self.kept_by.z))
        assert upstream is not None
        return upstream

    def in_library(self) -> Dense:
        """A layer of the library like this one, for a network."""
        return Dense(self.kept_by.size, "linear", weights="zeros")
