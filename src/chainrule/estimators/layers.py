"""From the argument ``layers`` of an estimator to the layers of its network."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, shown, unknown
from chainrule.nn.activations import ACTIVATIONS, Activation, Linear
from chainrule.nn.activations import activation as activation_of
from chainrule.nn.building import layers_from_config
from chainrule.nn.layer_types import LAYERS, Dense, Layer, Softmax, arguments_of
from chainrule.nn.network import Network

Entry = dict[str, Any] | Layer

FORMS = (
    "layers are sizes such as 100, each perhaps followed by its activation, and layers in full: "
    "names such as 'flatten', mappings such as {'type': 'dropout', 'rate': 0.5}, or layer objects"
)


def network_layers(
    layers: Any, *, outputs: int, activation: str | Activation | None, softmax: bool
) -> list[Layer]:
    """The layers of a network, the output layer included.

    Args:
        layers: a size, or a list of sizes, activations and layers, as an estimator takes it.
        outputs: how many outputs the targets need.
        activation: of the output layer.
        softmax: whether a softmax follows it.

    Raises:
        ConfigError: ``layers`` is no such list; or a layer's key is unknown or invalid.

    Example:
        >>> network_layers([100, "tanh"], outputs=3, activation="linear", softmax=True)
        [Dense : ? → 100, Dense : ? → 3, Softmax : ? → ?]
    """
    if isinstance(layers, np.ndarray):
        layers = layers.tolist()
    items = [*layers] if isinstance(layers, list | tuple) else [layers]
    entries: list[Entry] = []
    for item in items:
        if _is_activation(item):
            _activate(entries, item)
        else:
            entries.append(_entry(item))
    found = layers_from_config(entries)
    if found and found[-1].gives_distribution:
        return found
    last = found[-1] if found and not _is_size(items[-1]) else None
    if not isinstance(last, Dense) or last.size != outputs or not _may_be(last, activation):
        found.append(Dense(outputs, activation))
    elif last.activation is None and activation is not None:
        last.activation = activation_of(activation)
    return [*found, Softmax()] if softmax else found


def _is_size(item: Any) -> bool:
    """Whether an item is a bare size, or an activation, which follows one."""
    return is_whole(item) or _is_activation(item)


def _may_be(last: Dense, activation: str | Activation | None) -> bool:
    """Whether a layer that was written in full may be the output layer, by its activation."""
    own = last.activation
    return own is None or (activation is not None and own == activation_of(activation))


def _is_activation(item: Any) -> bool:
    """Whether an item is an activation: an object, a name, or a mapping of type and options."""
    name = item.get("type") if isinstance(item, Mapping) else item
    is_name = isinstance(name, str) and name.lower() in ACTIVATIONS
    return isinstance(item, Activation) or is_name


def _entry(item: Any) -> Entry:
    """A layer as `layers_from_config` takes it."""
    if is_whole(item):
        return {"type": "dense", "size": int(item)}
    if isinstance(item, Layer):
        return deepcopy(item)  # a network changes its layers, but no estimator its arguments
    if isinstance(item, Mapping):
        return {"type": "dense", **item}
    if isinstance(item, str):
        if item.lower() in LAYERS:
            return {"type": item.lower()}
        raise ConfigError(unknown("layer or activation", item, [*ACTIVATIONS, *LAYERS]))
    raise ConfigError(f"{FORMS}; found {shown(item)}")


def _activate(entries: list[Entry], item: Any) -> None:
    """Give the activation ``item`` to the layer that it follows."""
    if not entries:
        raise ConfigError(
            f"the activation {shown(item)} has no layer; it follows the layer's size"
        )
    last: Any = entries[-1]
    is_object = isinstance(last, Layer)
    if is_object:
        name, takes = last.type, hasattr(last, "activation")
        has_one = takes and not isinstance(last.activation, Linear | None)
    else:
        name, has_one = str(last["type"]), "activation" in last
        takes = name not in LAYERS or "activation" in arguments_of(LAYERS[name])
    if not takes or has_one:
        why = "already has an activation" if takes else "has no activation of its own"
        raise ConfigError(f"the activation {shown(item)} follows a layer {name}, which {why}")
    if is_object:
        last.activation = item
    else:
        last["activation"] = item


def require_one_target(network: Network, outputs: int) -> None:
    """Refuse a network whose outputs are not those of the targets.

    Raises:
        ConfigError: it gives outputs at every step, or another number of them.
    """
    last = network.layers[-1]
    if last.gives_sequences:
        raise ConfigError(
            "y has one target a case, but the network gives one at every step: write outputs: "
            "'last' in its last layer of sequences"
        )
    if network.outputs != outputs:
        raise ConfigError(
            f"the layers end in {network.outputs} outputs, but y needs {outputs}; the output "
            "layer may be left out of layers"
        )
