"""What every layer of the lab has, and what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule import nn as library
from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import as_numbers
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.training.optimizers import SGD

Array = npt.NDArray[Any]


class Layer(ABC):
    """One step of a network: forward, backward, and an update of what it learns."""

    @abstractmethod
    def forward(self, x: Array) -> Array:
        """The output for x, (cases, n_i); keeps what `backward` needs."""

    @abstractmethod
    def backward(self, y_grad: Array) -> Array:
        """∂L/∂x, given ∂L/∂output at the last forward pass."""

    def update_param(self, lr: float) -> None:
        """One step of gradient descent; a layer without parameters has none to take."""
        checked_rate(lr)

    def update_params(self, lr: float) -> None:
        """`update_param` by its other name."""
        self.update_param(lr)


def floats(x: npt.ArrayLike) -> Array:
    """``x`` in float64, in an array of its own.

    Raises:
        ShapeError: these are no numbers.
    """
    return as_numbers(x, "inputs", "biuf").astype(np.float64)


def images(x: npt.ArrayLike, channels: int | None = None) -> Array:
    """``x`` in float64, in an array of its own, if it is images.

    Args:
        x: (batch, channels, height, width).
        channels: how many there must be; None for any number.

    Raises:
        ShapeError: it is not, or has other channels.
    """
    x = floats(x)
    if x.ndim != 4 or not x.size or channels not in (None, x.shape[1]):
        wanted = "channels" if channels is None else channels
        raise ShapeError(f"x has shape (batch, {wanted}, height, width), found {x.shape}")
    return x


def shape_of_images(x: npt.ArrayLike) -> tuple[int, ...]:
    """(channels, height, width) of ``x``, images as of `images`."""
    shape = np.shape(x)
    if len(shape) != 4:
        raise ShapeError(f"x has shape (batch, channels, height, width), found {shape}")
    return shape[1:]


def rows(x: Array) -> Array:
    """A row a case, as the library takes everything."""
    return x.reshape(len(x), -1)


def shaped(z: Array, layer: library.Layer) -> Array:
    """Rows that ``layer``, of the library, put out, in the shape that they stand for."""
    return z.reshape(len(z), *layer.output_shape)


def whole(name: str, value: int, least: int) -> int:
    """``value``, if it is a whole number.

    Raises:
        ConfigError: it is not, or is below ``least``.
    """
    if not is_whole(value) or value < least:
        raise ConfigError(f"{name} is a whole number of at least {least}, found {value!r}")
    return int(value)


def fitting(y_grad: npt.ArrayLike, output: Array | None) -> Array:
    """``y_grad`` in float64, if it has the shape of the last forward pass's output.

    Raises:
        ShapeError: it has not, or there was no forward pass.
    """
    if output is None:
        raise ShapeError("backward follows forward")
    y_grad = floats(y_grad)
    if y_grad.shape != output.shape:
        raise ShapeError(f"the output has shape {output.shape}, its gradient {y_grad.shape}")
    return y_grad


def descend(theta: Array, gradient: Array, lr: float) -> None:
    """``theta`` −= ``lr`` · ``gradient``, in place, by the library's optimiser.

    Args:
        theta: shape (n,).
        gradient: likewise.
        lr: finite, at least 0.

    Raises:
        ConfigError: a learning rate that is none.
    """
    optimizer = SGD()
    optimizer.bind(theta, gradient, [(slice(0, len(theta)), checked_rate(lr))])
    optimizer.step()


def checked_rate(lr: float) -> float:
    """``lr`` as a learning rate.

    Raises:
        ConfigError: it is not finite, or below 0.
    """
    if not (is_finite(lr) and lr >= 0):
        raise ConfigError(f"a learning rate is finite and at least 0, found {lr!r}")
    return float(lr)
