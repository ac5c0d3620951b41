"""A network as the mapping of a configuration that would make it again, without its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from inspect import Parameter
from typing import Any

import numpy as np

from chainrule.core.registry import name_in
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.layer_types import arguments_of
from chainrule.nn.losses import LOSSES
from chainrule.nn.network import Network
from chainrule.nn.sequences.losses import loss_of_a_step

_FOR_TRAINING = ("name", "learning_rate", "penalty", "forget_bias")
"""Arguments of layers, beside those for initial values, that a trained network does not need."""

_ATTRIBUTES = {"size": ("filter_size", "window_size", "size")}
"""The attributes that may hold an argument; the first that is there does."""


def architecture(network: Network) -> dict[str, Any]:
    """The ``network:`` mapping from which `Network.from_config` makes the same layers.

    Parts that no configuration names, such as an activation of the caller's own, stay objects; a
    loss of the caller's own is left out, because predictions do not need it.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(2, "tanh", bias=False), Dense(1)], input=3)
        >>> architecture(network)["layers"][0]
        {'type': 'dense', 'name': 'dense_1', 'size': 2, 'activation': 'tanh', 'bias': False}
    """
    shape = network.input_shape
    found: dict[str, Any] = {
        "input": list(shape) if len(shape) > 1 else shape[0],
        "dtype": str(network.dtype),
        "layers": [layer_mapping(layer) for layer in network.layers],
    }
    loss = loss_of_a_step(network.loss_function)
    if type(loss) in LOSSES.values():
        found["loss"] = _named(loss, LOSSES)
    return found


def layer_mapping(layer: Any) -> dict[str, Any]:
    """A layer as a configuration writes it."""
    found = {"type": layer.type, "name": layer.name}
    left_out = {*_FOR_TRAINING, *layer.initial_values, *layer.starts.values()}
    for key, argument in arguments_of(layer.__class__).items():
        value = None if key in left_out else _value(layer, key, argument)
        if value is not None:
            found[key] = value
    return found


def _value(layer: Any, key: str, argument: Parameter) -> Any:
    """The value of a layer's argument; None if its default is meant."""
    if key == "inputs":
        return list(layer.sources) or None
    if key == "outputs" and hasattr(layer, "only_last"):
        return "last" if layer.only_last else "all"
    if key == "start" and hasattr(layer, "learns_start"):
        given = layer.start.tolist() if np.any(layer.start) else "zeros"
        return "learnt" if layer.learns_start else given
    names = _ATTRIBUTES.get(key, (key,))
    attribute = next((name for name in names if hasattr(layer, name)), None)
    value = argument.default if attribute is None else getattr(layer, attribute)
    if key == "activation":
        return _named(value, ACTIVATIONS)
    return list(value) if isinstance(value, tuple) else value


def _named(part: Any, table: Mapping[str, type[Any]]) -> Any:
    """A part by its name in a table, with its options; itself if it is in no table."""
    if type(part) not in table.values():
        return part
    options = {f.name: getattr(part, f.name) for f in fields(part)} if is_dataclass(part) else {}
    name = name_in(table, part)
    return {"type": name, **options} if options else name
