"""What every layer has: its place in θ, a forward pass, local Jacobians, a backward pass."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from chainrule.errors import ConfigError
from chainrule.jacobians import Jacobian
from chainrule.parameters import Array
from chainrule.tables import is_finite

Arrays = Mapping[str, Array]

Pool = dict[tuple[Any, ...], Any]
"""Arrays kept between minibatches, by what they are for."""


class Layer(ABC):
    """A map from (cases, inputs) to (cases, size), with parameters that are views into θ.

    A layer is made without knowing its neighbours; a `Network` connects it, which fixes its
    inputs, its name and its place in θ.

    Args:
        name: unique in the network; by default the type and the position, as ``dense_1``.
        learning_rate: private to this layer; None for the network's.

    Attributes:
        inputs: the width of x, once connected.
        size: the width of the output, once connected.
        explicit: multiply by dense Jacobians in the backward pass.
        buffers: the arrays kept between minibatches; None while every pass makes its arrays
            anew.
        delta: δ = ∂L/∂z of the last backward pass, (cases, size).
    """

    type: ClassVar[str]

    def __init__(self, *, name: str | None = None, learning_rate: float | None = None) -> None:
        if learning_rate is not None and not (is_finite(learning_rate) and learning_rate >= 0):
            raise ConfigError(
                f"a learning rate is a finite number of at least 0, found {learning_rate!r}"
            )
        if not isinstance(name, str | None):
            raise ConfigError(f"a layer's name is a text, found {name!r}")
        self.name = name or ""
        self.learning_rate = learning_rate
        self.inputs: int = 0
        self.size: int = 0
        self.explicit = False
        self.buffers: Pool | None = None
        self.delta: Array | None = None
        self._bound = False
        self._values: Arrays = {}
        self._gradients: Arrays = {}

    def __repr__(self) -> str:
        """Such as ``Dense dense_1: 4 → 3``."""
        return f"{type(self).__name__} {self.name}: {self.inputs or '?'} → {self.size or '?'}"

    @property
    def bound(self) -> bool:
        """Whether the layer belongs to a network."""
        return self._bound

    @abstractmethod
    def connect(self, inputs: int) -> None:
        """Fix the width of the input.

        Raises:
            ConfigError: the layer cannot take this width.
        """

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of the parameters by name, in their order in θ."""
        return {}

    def draw(self, name: str, rng: np.random.Generator) -> Array:
        """The first values of the parameter ``name``."""
        raise NotImplementedError(f"{type(self).__name__} has no parameter {name}")

    def bind(self, values: Arrays, gradients: Arrays) -> None:
        """Take the views into θ and into the gradient vector."""
        self._bound = True
        self._values = values
        self._gradients = gradients

    @abstractmethod
    def evaluate(self, x: Array, values: Arrays) -> tuple[Array, Array]:
        """The layer's function at any parameters, complex ones included; keeps nothing.

        Returns:
            z, before the activation (for softmax: the logits), and the output.
        """

    @abstractmethod
    def forward_pass(self, x: Array) -> Array:
        """The output for x, (cases, inputs); keeps what the backward pass needs."""

    @abstractmethod
    def jacobians(self) -> dict[str, Jacobian]:
        """The local Jacobians at the last forward pass, by what they are taken from."""

    @abstractmethod
    def backward_pass(self, J: Array, *, to_input: bool = True) -> Array | None:
        """One step of the chain rule.

        Args:
            J: of the loss with respect to this layer's output, (cases, size).
            to_input: whether J with respect to the input is wanted.

        Returns:
            J with respect to x, (cases, inputs): what is passed upstream; None if unwanted.
        """

    @abstractmethod
    def backward_from_delta(self, delta: Array, *, to_input: bool = True) -> Array | None:
        """The backward pass from δ = ∂L/∂z on, where the loss was computed from z."""
