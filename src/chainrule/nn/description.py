"""What a network is made of: shapes, parameters and multiplications, a line a layer.

No parameters are made, so a network that no memory could hold is described like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.nn.building import connected, shape_of_input
from chainrule.nn.graph import INPUT, INPUT_WORD, LayerGraph
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import Shape
from chainrule.nn.parameters import BIASES

if TYPE_CHECKING:
    from chainrule.nn.network import Network


@dataclass(frozen=True)
class LayerFacts:
    """One layer.

    Attributes:
        name: unique in the network.
        type: its word in a configuration.
        fed_by: the names of what feeds it; ``input`` is the network's own.
        output_shape: of one case.
        weights: how many parameters it has that are no biases.
        biases: how many biases.
        untrained: how many numbers that training leaves alone, such as running statistics.
        multiplications: by weights, in the forward pass of one case.
    """

    name: str
    type: str
    fed_by: tuple[str, ...]
    output_shape: Shape
    weights: int
    biases: int
    multiplications: int
    untrained: int = 0

    @property
    def parameters(self) -> int:
        """Weights, biases and what is not trained: its part of θ."""
        return self.weights + self.biases + self.untrained


@dataclass(frozen=True)
class Description:
    """A whole network.

    Attributes:
        input_shape: of one case.
        layers: in the order of the configuration.
        dtype: of the parameters.
    """

    input_shape: Shape
    layers: tuple[LayerFacts, ...]
    dtype: str

    @property
    def weights(self) -> int:
        """Of all layers."""
        return sum(layer.weights for layer in self.layers)

    @property
    def biases(self) -> int:
        """Of all layers."""
        return sum(layer.biases for layer in self.layers)

    @property
    def untrained(self) -> int:
        """Of all layers."""
        return sum(layer.untrained for layer in self.layers)

    @property
    def parameters(self) -> int:
        """The length of θ."""
        return self.weights + self.biases + self.untrained

    @property
    def bytes(self) -> int:
        """What θ takes; its gradient takes as much again."""
        return self.parameters * np.dtype(self.dtype).itemsize

    @property
    def multiplications(self) -> int:
        """By weights, in the forward pass of one case."""
        return sum(layer.multiplications for layer in self.layers)


def describe(network: Network) -> Description:
    """What a network is made of.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule.nn.network import Network
        >>> found = describe(Network([Dense(3), Dense(2)], input=4))
        >>> [(layer.name, layer.parameters) for layer in found.layers]
        [('dense_1', 15), ('dense_2', 8)]
        >>> found.parameters, found.bytes, found.multiplications
        (23, 184, 18)
    """
    return _described(network.layers, network.graph, network.input_shape, str(network.dtype))


def describe_config(network: Mapping[str, Any]) -> Description:
    """The same of the ``network:`` part of a configuration; no parameters are made.

    Args:
        network: the mapping, with ``input`` and ``loss`` given.

    Raises:
        ConfigError: the parts do not make a network; a `ConnectError` where shapes do not fit.

    Example:
        >>> found = describe_config(
        ...     {"input": 10**6, "loss": "mse", "layers": [{"size": 10**9}, {"size": 1}]})
        >>> f"{found.parameters:,}"
        '1,000,002,000,000,001'
    """
    layers, graph = connected(network)
    shape = shape_of_input(network["input"])
    return _described(layers, graph, shape, network.get("dtype") or "float64")


def _described(
    layers: Sequence[Layer], graph: LayerGraph, input_shape: Shape, dtype: str
) -> Description:
    names = {INPUT: INPUT_WORD} | {k: layer.name for k, layer in enumerate(layers)}
    facts = (
        _facts(layer, tuple(names[k] for k in sources))
        for layer, sources in zip(layers, graph.sources, strict=True)
    )
    return Description(input_shape, tuple(facts), dtype)


def _facts(layer: Layer, fed_by: tuple[str, ...]) -> LayerFacts:
    sizes = {name: prod(shape) for name, shape in layer.shapes().items()}
    untrained = sum(sizes.pop(name) for name in layer.untrained)
    biases = sum(sizes.pop(name, 0) for name in BIASES)
    return LayerFacts(
        name=layer.name,
        type=layer.type,
        fed_by=fed_by,
        output_shape=layer.output_shape,
        weights=sum(sizes.values()),
        biases=biases,
        multiplications=sum(sizes.values()) * layer.uses_of_weights,
        untrained=untrained,
    )
