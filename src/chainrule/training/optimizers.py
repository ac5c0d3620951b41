"""The optimisers: how a gradient changes θ.

An optimiser is bound to a θ, a gradient vector of the same layout, and the learning rates of
slices of θ. ``step()`` then changes θ in place, once per minibatch. The optimiser's state consists
of ``steps`` and of ``state``, named vectors of θ's length. The table `OPTIMIZERS` holds the
classes by name; the fields of a class are its options.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError
from chainrule.core.registry import from_table

Rates = Sequence[tuple[slice, float]]


@dataclass
class Optimizer(ABC):
    """An update rule with its state.

    Attributes:
        default_rate: the learning rate if the network has none.
        state: the vectors that the rule keeps between steps, by name; rows of one array.
        steps: how many steps were taken.
        rates: slices of θ with their learning rates, as passed to `bind`.
        scale: the factor by which every learning rate is multiplied; a schedule sets it.
    """

    default_rate: ClassVar[float] = 0.1
    state_names: ClassVar[tuple[str, ...]] = ()

    state: dict[str, Array] = field(default_factory=dict, init=False, repr=False)
    steps: int = field(default=0, init=False, repr=False)
    rates: Rates = field(default=(), init=False, repr=False)
    scale: float = field(default=1.0, init=False, repr=False)

    def bind(self, theta: Array, gradient: Array, rates: Rates) -> None:
        """Prepare to update ``theta``, with a state of zeros and no steps taken.

        Args:
            theta: the parameter vector, changed in place by ``step``.
            gradient: the vector from which each step reads the gradient.
            rates: slices of θ with their learning rates, in order; parameters outside of them are
                not trained.
        """
        self.steps = 0
        self.rates = tuple(rates)
        block = np.zeros((len(self.state_names), len(theta)), theta.dtype)
        self.state = dict(zip(self.state_names, block, strict=True))
        scratch = np.empty_like(theta)
        vectors = {"theta": theta, "gradient": gradient, "scratch": scratch, **self.state}
        self._slices = [
            ({name: vector[part] for name, vector in vectors.items()}, rate)
            for part, rate in self.rates
        ]

    def step(self) -> None:
        """Update θ once, with the present content of the gradient vector."""
        self.steps += 1
        for vectors, rate in self._slices:
            self._update(rate * self.scale, **vectors)

    @abstractmethod
    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        """Update a slice of θ, whose parameters all have the same learning rate."""


def _fraction(name: str, value: float) -> None:
    if not (is_finite(value) and 0 <= value < 1):
        raise ConfigError(f"{name} must be at least 0 and below 1, found {value!r}")


@dataclass
class SGD(Optimizer):
    """Stochastic gradient descent: ``theta -= rate * gradient``."""

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        np.multiply(gradient, rate, out=scratch)
        np.subtract(theta, scratch, out=theta)


@dataclass
class Momentum(Optimizer):
    """Stochastic gradient descent with momentum.

    ``velocity = momentum * velocity + gradient``, then ``theta -= rate * velocity``, or with
    Nesterov's momentum ``theta -= rate * (gradient + momentum * velocity)``.

    Source: Sutskever et al., *On the importance of initialization and momentum in deep
    learning* (2013), with the rate applied to the velocity, as PyTorch does.

    Attributes:
        momentum: at least 0, below 1.
        nesterov: use Nesterov's momentum.
    """

    default_rate: ClassVar[float] = 0.05
    state_names: ClassVar[tuple[str, ...]] = ("velocity",)

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        _fraction("momentum", self.momentum)
        if not isinstance(self.nesterov, bool):
            raise ConfigError(f"nesterov must be true or false, found {self.nesterov!r}")

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        velocity = state["velocity"]
        velocity *= self.momentum
        velocity += gradient
        if self.nesterov:
            np.multiply(velocity, self.momentum, out=scratch)
            scratch += gradient
            scratch *= rate
        else:
            np.multiply(velocity, rate, out=scratch)
        theta -= scratch


@dataclass
class Adam(Optimizer):
    """Adam: adaptive moment estimation, with bias correction of both moments.

    ``m = beta1 * m + (1 - beta1) * gradient``, ``v = beta2 * v + (1 - beta2) * gradient**2``,
    ``theta -= rate * m / (1 - beta1**steps) / (sqrt(v / (1 - beta2**steps)) + epsilon)``.

    Source: Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1.

    Attributes:
        beta1: decay rate of the first moment m, at least 0, below 1.
        beta2: decay rate of the second moment v, at least 0, below 1.
        epsilon: added to the denominator so that it is never 0; above 0.
    """

    default_rate: ClassVar[float] = 0.005
    state_names: ClassVar[tuple[str, ...]] = ("m", "v")

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _fraction("beta1", self.beta1)
        _fraction("beta2", self.beta2)
        if not (is_finite(self.epsilon) and self.epsilon > 0):
            raise ConfigError(f"epsilon must be finite and above 0, found {self.epsilon!r}")

    def _update(
        self, rate: float, theta: Array, gradient: Array, scratch: Array, **state: Array
    ) -> None:
        m, v = state["m"], state["v"]
        m *= self.beta1
        m += np.multiply(gradient, 1 - self.beta1, out=scratch)
        v *= self.beta2
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - self.beta2
        v += scratch
        np.sqrt(v, out=scratch)
        scratch /= sqrt(1 - self.beta2**self.steps)
        scratch += self.epsilon
        np.divide(m, scratch, out=scratch)
        scratch *= rate / (1 - self.beta1**self.steps)
        theta -= scratch


OPTIMIZERS: Mapping[str, type[Optimizer]] = {"sgd": SGD, "momentum": Momentum, "adam": Adam}
"""The optimisers by name."""


def optimizer(value: str | Mapping[str, Any]) -> Optimizer:
    """A new optimiser: by name, or by ``type`` with its options.

    Raises:
        ConfigError: the name or an option is unknown, or an option is out of its range.

    Example:
        >>> optimizer({"type": "momentum", "nesterov": True})
        Momentum(momentum=0.9, nesterov=True)
    """
    return from_table("optimizer", OPTIMIZERS, value, numbers=False)


# Clipping the gradient by its norm.


def norm(gradient: Array) -> float:
    """‖g‖₂ over all parameters, without overflow or underflow of the squares.

    Example:
        >>> norm(np.array([3.0, 4.0])), norm(np.array([0.0, -2e300]))
        (5.0, 2e+300)
    """
    with np.errstate(over="ignore"):
        square = float(np.dot(gradient, gradient))
    if isfinite(square) and square > 1e-280:
        return sqrt(square)
    largest = float(np.abs(gradient).max(initial=0))
    if largest == 0 or not isfinite(largest):
        return largest
    scaled = gradient.astype(np.float64) / largest
    return largest * sqrt(float(np.dot(scaled, scaled)))


def clip_norm(gradient: Array, most: float) -> float:
    """Scale the gradient in place so that its norm is at most c: g ← g · min(1, c / ‖g‖).

    The norm is that of the whole gradient vector, penalty included, not of each array by itself.
    `torch.nn.utils.clip_grad_norm_` does the same if the penalty is part of the loss, except that
    it divides by ‖g‖ + 1e-6, so that its result is slightly shorter than c.

    Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*
    (2013), algorithm 1.

    Args:
        gradient: the gradient of all parameters, finite.
        most: c, above 0.

    Returns:
        ‖g‖ before clipping.

    Example:
        >>> g = np.array([3.0, 4.0])
        >>> clip_norm(g, 10.0), clip_norm(g, 1.0), g
        (5.0, 5.0, array([0.6, 0.8]))
    """
    found = norm(gradient)
    if found > most:
        gradient *= most / found
    return found
