"""A network's forward pass in another library's arrays, layer by layer.

What a layer computes there is written once more, in a table of that library's own functions;
none of the layers' code here is used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chainrule.nn.building import activation_name
from chainrule.nn.layer_types import Add, Concatenate, Layer
from chainrule.nn.network import Network
from chainrule.nn.wiring import INPUT

LayerFunction = Callable[[Any, Any, Mapping[str, Any]], tuple[Any, Any]]
"""z and the output of a layer, given the layer, its x and its parameters by name."""

Layers = Mapping[type[Layer], LayerFunction]


def obstacle_of_layers(network: Network, layers: Layers, activations: Any) -> str | None:
    """The first layer or activation that a library has no function for; None where it has all.

    Args:
        network: any.
        layers: the library's table of layers.
        activations: the classes of activations that it knows.
    """
    for layer in network.layers:
        if type(layer) not in layers:
            return f"it has no layer {type(layer).__name__}"
        phi = getattr(layer, "activation", None)
        if phi is not None and type(phi) not in activations:
            return f"it has no activation {activation_name(layer)}"  # type: ignore[arg-type]
    return None


def logits_and_outputs(
    network: Network,
    x: Any,
    parameters: Mapping[str, Any],
    layers: Layers,
    concatenate: Callable[[Sequence[Any]], Any],
) -> tuple[Any, Any]:
    """The last layer's z and output.

    Args:
        network: whose layers the table has.
        x: inputs, (cases, input).
        parameters: by full name, such as ``dense_1.W``.
        layers: the library's table.
        concatenate: the library's, along axis 1.
    """
    made, z = {INPUT: x}, x
    for k in network.wiring.order:
        layer = network.layers[k]
        own = {name: parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
        fed = [made[source] for source in network.wiring.sources[k]]
        joined = fed[0] if len(fed) == 1 else concatenate(fed)
        z, made[k] = layers[type(layer)](layer, joined, own)
    return z, made[network.wiring.order[-1]]


def add(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    """The sum of stretches of each row."""
    width = layer.outputs
    y = x[:, :width]
    for start in range(width, layer.inputs, width):
        y = y + x[:, start : start + width]
    return y, y


def concatenate_rows(layer: Any, x: Any, own: Mapping[str, Any]) -> tuple[Any, Any]:
    """The numbers of each row in their new order."""
    y = x[:, layer.order]
    return y, y


JOINS: Layers = {Add: add, Concatenate: concatenate_rows}
"""What joins do in any library."""
