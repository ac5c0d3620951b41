"""Layers that feed each other over one θ: what a network is before anything goes through it.

The two passes are `chainrule.nn.network`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Self

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array, assign
from chainrule.core.errors import ConfigError, printable, unknown
from chainrule.core.randomness import stream
from chainrule.nn.building import (
    checked_layers,
    connect,
    default_loss,
    layers_from_config,
    network_options,
    shape_of_input,
)
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import sizes_text
from chainrule.nn.losses import Loss, loss_function
from chainrule.nn.parameters import Layout, Parameters
from chainrule.nn.penalties import (
    PenaltyLike,
    PenaltySetting,
    PenaltyTerm,
    PlacedPenalty,
    penalty_setting,
    placed,
)
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss

DTYPES = ("float64", "float32")


class Layered:
    """The layers, how they are wired, and their parameters; see `Network` for the arguments.

    Attributes:
        layers: the layers, in order; a dense one has ``W``, ``b``, ``W_grad``, ``b_grad``.
        wiring: which layers feed which, and the order in which they run.
        input: the number of inputs; ``input_shape`` is the shape of one case.
        parameters: θ as `Parameters`; ``theta`` is its vector.
        gradients: ∂L/∂θ of the last backward pass, of the same layout.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input: int | Sequence[int],
        loss: str | Mapping[str, Any] | Loss | None = None,
        learning_rate: float | None = None,
        penalty: PenaltyLike | None = None,
        dtype: str = "float64",
        explicit_jacobians: bool = False,
        seed: int = 0,
    ) -> None:
        if dtype not in DTYPES:
            raise ConfigError(unknown("dtype", dtype, DTYPES))
        if learning_rate is not None and not (is_finite(learning_rate) and learning_rate >= 0):
            raise ConfigError(f"learning_rate is finite and at least 0, found {learning_rate!r}")
        self.layers = checked_layers(layers)
        if loss is None:
            ends_in_softmax = any(layer.gives_distribution for layer in self.layers[-1:])
            loss = default_loss(ends_in_softmax=ends_in_softmax)
        self.loss_function = loss_function(loss)
        self.learning_rate = learning_rate
        setting = penalty_setting(penalty)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.input_shape = shape_of_input(input)
        self.input = prod(self.input_shape)
        self.wiring, self.from_logits = connect(self.layers, self.input_shape, self.loss_function)
        self._sum_over_steps()
        self.explicit_jacobians = explicit_jacobians
        self._lay_out()
        self.penalty = setting
        self._draw(seed)

    def _sum_over_steps(self) -> None:
        """Where the output is a sequence, the loss is that of its steps, added up."""
        shape = self.layers[-1].output_shape
        if len(shape) == 2:
            self.loss_function = SequenceLoss(self.loss_function, shape[0])
            if self.from_logits is not None:
                self.from_logits = SequenceFromLogits(self.from_logits)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], seed: int = 0) -> Self:
        """The network that the ``network:`` part of a configuration describes.

        Args:
            config: the mapping, with ``input`` given; see the README's table of keys.
            seed: of the first weights.

        Raises:
            ConfigError: an unknown key or value, or parts that do not make a network.

        Example:
            >>> from chainrule.nn.network import Network
            >>> network = Network.from_config({
            ...     "input": 2, "loss": "mse", "layers": [{"size": 3}, {"size": 1}]})
            >>> [type(layer).__name__ for layer in network.layers]
            ['Dense', 'Dense']
        """
        options = network_options(config)
        return cls(layers_from_config(options.pop("layers")), seed=seed, **options)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.layers[-1].outputs

    @property
    def theta(self) -> Array:
        """All parameters as one vector; to change it is to change the network."""
        return self.parameters.vector

    @theta.setter
    def theta(self, value: Array) -> None:
        assign(self.theta, value, "theta")

    @property
    def explicit_jacobians(self) -> bool:
        """Whether the backward pass multiplies by the dense matrices."""
        return self._explicit

    @explicit_jacobians.setter
    def explicit_jacobians(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise ConfigError(f"explicit_jacobians is true or false, found {value!r}")
        self._explicit = value
        for layer in self.layers:
            layer.explicit = self._explicit

    @property
    def penalty(self) -> PenaltySetting | None:
        """What is added to the loss for large parameters; assign what ``penalty=`` takes.

        It is on the layers that have no penalty of their own.
        """
        return self._penalty_setting

    @penalty.setter
    def penalty(self, value: PenaltyLike | None) -> None:
        self._penalty_setting = penalty_setting(value)
        own = {layer.name: layer.penalty for layer in self.layers if layer.penalty is not None}
        self._penalty: PlacedPenalty = placed(self._penalty_setting, self.parameters.layout, own)

    @property
    def penalised(self) -> tuple[PenaltyTerm, ...]:
        """Which penalty is on which stretch of θ at which rate, the layers' own included."""
        return self._penalty.terms

    def penalty_rates(self, name: str) -> Mapping[str, float]:
        """The rates of the penalties on a parameter by type; those of 0 are left out.

        Args:
            name: the parameter's full name, such as ``dense_1.W``.

        Example:
            >>> from chainrule.nn import Dense
            >>> from chainrule.nn.network import Network
            >>> layers = [Dense(2), Dense(1, penalty={"type": "L2", "rate": 0.5})]
            >>> network = Network(layers, input=3, penalty={"L1": 0.1, "L2": 0.2})
            >>> network.penalty_rates("dense_1.W"), network.penalty_rates("dense_1.b")
            ({'L1': 0.1, 'L2': 0.2}, {})
            >>> network.penalty_rates("dense_2.W")
            {'L2': 0.5}
        """
        return self._penalty.rates[name]

    def __repr__(self) -> str:
        shapes = (f"{layer.name} {sizes_text(layer.output_shape)}" for layer in self.layers)
        chain = " → ".join([sizes_text(self.input_shape), *shapes])
        size = self.parameters.layout.size
        return printable(f"Network({chain}; {size} parameters, {self.dtype})")

    def _lay_out(self) -> None:
        """Make θ and its gradient, and give each layer its views."""
        layout = Layout({layer.name: layer.shapes() for layer in self.layers})
        try:
            self.parameters = Parameters(layout, dtype=self.dtype)
            self.gradients = Parameters(layout, dtype=self.dtype)
        except (MemoryError, ValueError):
            raise ConfigError(f"{layout.size:.3g} parameters do not fit into memory") from None
        self._bind()

    def _bind(self) -> None:
        for layer in self.layers:
            layer.bind(self.parameters.layer(layer.name), self.gradients.layer(layer.name))

    def _draw(self, seed: int) -> None:
        """The first values of θ."""
        for layer in self.layers:
            for name, view in self.parameters.layer(layer.name).items():
                view[...] = layer.draw(name, stream(seed, "parameters", layer.name, name))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy's views belong to the copy's θ, which copying alone would not see to."""
        self.__dict__.update(state)
        self._bind()

    def rates(self, default: float) -> dict[str, float]:
        """The learning rate of every parameter by full name.

        Args:
            default: where neither the layer nor the network has a rate.
        """
        network_rate = default if self.learning_rate is None else self.learning_rate
        return {
            f"{layer.name}.{name}": network_rate
            if layer.learning_rate is None
            else layer.learning_rate
            for layer in self.layers
            for name in layer.shapes()
        }
