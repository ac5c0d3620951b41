"""Descriptions of networks: each layer's shape, number of parameters and multiplications.

No arrays are created, so that even a network too large for memory can be described.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np

from chainrule.core import html
from chainrule.core.errors import printable
from chainrule.core.notation import in_a_line, sizes_text
from chainrule.nn.building import connected, shape_of_input
from chainrule.nn.graph import INPUT, INPUT_WORD, LayerGraph
from chainrule.nn.layer_types import Layer
from chainrule.nn.layers.base import Shape
from chainrule.nn.parameters import BIASES

HEADINGS = ("layer", "type", "fed by", "output", "weights", "biases", "multiplications")
"""The columns of `Description.rows`, of which the first three hold words."""


class Described(Protocol):
    """What `describe` needs to know of a `chainrule.nn.network.Network`."""

    layers: tuple[Layer, ...]
    graph: LayerGraph
    input_shape: Shape
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class LayerFacts:
    """The description of one layer.

    Attributes:
        name: unique in the network.
        type: the name of its type in a configuration.
        fed_by: the names of the layers that feed it; ``input`` is the network's input.
        output_shape: the shape of its output for one case.
        weights: the number of trained parameters that are not biases.
        biases: the number of biases.
        untrained: the number of values that are not trained, such as running statistics.
        multiplications: the number of multiplications by weights in the forward pass of one case.
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
        """The number of values in θ: weights, biases and what is not trained."""
        return self.weights + self.biases + self.untrained


@dataclass(frozen=True, repr=False)
class Description:
    """The description of a network.

    Attributes:
        input_shape: the shape of one case.
        layers: the layers, in the order of the configuration.
        dtype: the type of the parameters.
    """

    input_shape: Shape
    layers: tuple[LayerFacts, ...]
    dtype: str

    @property
    def weights(self) -> int:
        """The number of weights of all layers."""
        return sum(layer.weights for layer in self.layers)

    @property
    def biases(self) -> int:
        """The number of biases of all layers."""
        return sum(layer.biases for layer in self.layers)

    @property
    def untrained(self) -> int:
        """The number of values of all layers that are not trained."""
        return sum(layer.untrained for layer in self.layers)

    @property
    def parameters(self) -> int:
        """The length of θ."""
        return self.weights + self.biases + self.untrained

    @property
    def bytes(self) -> int:
        """The memory for θ in bytes; its gradient takes as much again."""
        return self.parameters * np.dtype(self.dtype).itemsize

    @property
    def multiplications(self) -> int:
        """The number of multiplications by weights in the forward pass of one case."""
        return sum(layer.multiplications for layer in self.layers)

    def rows(self) -> list[tuple[str, ...]]:
        """A row of texts for the input and for each layer, in the columns `HEADINGS`."""
        first = ("input", "", "", sizes_text(self.input_shape), "", "", "")
        return [first, *map(_row, self.layers)]

    def totals(self) -> list[tuple[str, str]]:
        """What the network takes: names, and numbers with what they count."""
        of = f"{self.weights:,} weights and {self.biases:,} biases"
        rest = f", and {self.untrained:,} that are not trained" if self.untrained else ""
        uses = f"{self.multiplications:,} by weights, a case and forward pass"
        return [
            ("parameters", f"{self.parameters:,}: {of}{rest}"),
            ("bytes", f"{self.bytes:,} in {self.dtype}; the gradient takes as many"),
            ("multiplications", uses),
        ]

    def __repr__(self) -> str:
        return f"Description({self})"

    def __str__(self) -> str:
        """The chain of layers with the shapes of their outputs; of many, the first ones."""
        shapes = (f"{layer.name} {sizes_text(layer.output_shape)}" for layer in self.layers)
        chain = in_a_line([sizes_text(self.input_shape), *shapes], " → ")
        return printable(f"{chain}; {self.parameters:,} parameters, {self.dtype}")

    @html.never_fails
    def _repr_html_(self) -> str:
        totals = (f"{name} {text}" for name, text in self.totals())
        return html.table(HEADINGS, self.rows(), words=3) + html.lines(*totals)


def _row(layer: LayerFacts) -> tuple[str, ...]:
    numbers = (layer.weights, layer.biases, layer.multiplications)
    counts = (f"{number:,}" if number else "–" for number in numbers)
    output = sizes_text(layer.output_shape)
    return (layer.name, layer.type, ", ".join(layer.fed_by), output, *counts)


def describe(network: Described) -> Description:
    """The description of a network.

    Example:
        >>> from chainrule.nn import Dense
        >>> from chainrule import Network
        >>> found = describe(Network([Dense(3), Dense(2)], input=4))
        >>> [(layer.name, layer.parameters) for layer in found.layers]
        [('dense_1', 15), ('dense_2', 8)]
        >>> found.parameters, found.bytes, found.multiplications
        (23, 184, 18)
    """
    return _described(network.layers, network.graph, network.input_shape, str(network.dtype))


def describe_config(network: Mapping[str, Any]) -> Description:
    """The description of the network that a ``network:`` mapping of a configuration defines.

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
