"""How layers become a chain: what a configuration names, and which chains make sense.

`Network` applies these rules to layers. The reader of configuration files has them as well, in
terms of what is written, where half of it may be wrong; a test keeps the two in step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Sigmoid, activation
from chainrule.errors import ConfigError, Problem, unknown
from chainrule.layers import LAYERS, Dense, Layer, Softmax
from chainrule.losses import FROM_LOGITS, BinaryCrossEntropy, CrossEntropy, FromLogits, Loss
from chainrule.tables import entry_options, name_in

NETWORK_KEYS = (
    "input",
    "loss",
    "learning_rate",
    "penalty",
    "dtype",
    "explicit_jacobians",
    "layers",
)


@dataclass(frozen=True)
class Fault:
    """Why layers and a loss make no network.

    Attributes:
        message: in one sentence.
        layer: the index of the layer at fault; None where it is the loss.
    """

    message: str
    layer: int | None


def connect(layers: Sequence[Layer], inputs: int, loss: Loss) -> FromLogits | None:
    """Name the layers, choose activations left out, fix widths, and check the chain.

    Args:
        layers: from the input to the output; they are changed.
        inputs: the width of the network's input.
        loss: the network's.

    Returns:
        How the loss is computed from the logits, where last layer and loss allow it.

    Raises:
        ConfigError: the chain makes no sense; all reasons at once.
    """
    if isinstance(inputs, bool) or not isinstance(inputs, int | np.integer) or inputs < 1:
        raise ConfigError(f"input must be a whole number of at least 1, found {inputs!r}")
    _complete(layers)
    faults = list(faults_of(layers, loss))
    if faults:
        raise ConfigError([Problem(fault.message) for fault in faults])
    for layer in layers:
        layer.connect(inputs)
        inputs = layer.size
    return FROM_LOGITS.get((_output_function(layers[-1]), type(loss)))


def default_loss(*, ends_in_softmax: bool) -> str:
    """The loss that goes with the output, where none is named."""
    return "cross_entropy" if ends_in_softmax else "mse"


def _complete(layers: Sequence[Layer]) -> None:
    """Fill in names and activations that were left out."""
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    for hidden in dense:
        if hidden.activation is None:
            hidden.activation = activation("linear" if hidden is dense[-1] else "relu")
    counts: dict[str, int] = {}
    for layer in layers:
        counts[layer.type] = counts.get(layer.type, 0) + 1
        number = f"_{counts[layer.type]}" if layer.type != "softmax" else ""
        layer.name = layer.name or layer.type + number


def faults_of(layers: Sequence[Layer], loss: Loss) -> Iterator[Fault]:
    """What keeps completed layers and a loss from making a network, if anything."""
    if not any(isinstance(layer, Dense) for layer in layers):
        yield Fault("a network needs at least one dense layer", None if not layers else 0)
        return
    yield from _layer_faults(layers)
    last = layers[-1]
    if isinstance(loss, CrossEntropy) and not isinstance(last, Softmax):
        yield Fault(
            f"cross_entropy needs outputs that are a distribution, but the last layer is "
            f"{_described(last)}; add a softmax layer behind it, or choose another loss",
            None,
        )
    if isinstance(loss, BinaryCrossEntropy) and _output_function(last) != "sigmoid":
        yield Fault(
            f"binary_cross_entropy needs outputs between 0 and 1, but the last layer is "
            f"{_described(last)}; give it activation sigmoid, or choose another loss",
            None,
        )


def _layer_faults(layers: Sequence[Layer]) -> Iterator[Fault]:
    seen: set[str] = set()
    for k, layer in enumerate(layers):
        if isinstance(layer, Softmax) and k < len(layers) - 1:
            yield Fault("softmax must be the last layer", k)
        if layer.bound:
            yield Fault(f"{layer.name} already belongs to a network", k)
        if layer.name in seen:
            yield Fault(f"two layers have the name {layer.name!r}", k)
        if any(mark in layer.name for mark in "./\\"):
            yield Fault(f"the name {layer.name!r} must not contain a dot or a slash", k)
        seen.add(layer.name)


def _output_function(layer: Layer) -> str:
    """``softmax``, ``sigmoid`` or another word for the function behind the outputs."""
    if isinstance(layer, Dense):
        return "sigmoid" if isinstance(layer.activation, Sigmoid) else "other"
    return layer.type


def activation_name(layer: Dense) -> str:
    """The name of a layer's activation, as a configuration writes it."""
    return "" if layer.activation is None else name_in(ACTIVATIONS, layer.activation)


def _described(layer: Layer) -> str:
    if isinstance(layer, Dense):
        return f"dense with activation {activation_name(layer)}"
    return layer.type


def network_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `Network` that a ``network:`` mapping holds, ``layers`` included.

    Raises:
        ConfigError: an unknown key, or no input or layers.
    """
    problems = [
        Problem(unknown("key of network", key, NETWORK_KEYS))
        for key in config
        if key not in NETWORK_KEYS
    ]
    if config.get("input") is None:
        problems.append(Problem("network needs its number of inputs: input"))
    layers = config.get("layers")
    if not isinstance(layers, Sequence) or isinstance(layers, str) or not layers:
        problems.append(Problem("network needs a list of layers: layers"))
    if problems:
        raise ConfigError(problems)
    return dict(config)


def layers_from_config(entries: Sequence[str | Mapping[str, Any]]) -> list[Layer]:
    """The layers that a configuration's list describes.

    Args:
        entries: each a mapping with ``type`` (dense if left out) and that layer's keys, or
            the word ``softmax``.

    Raises:
        ConfigError: unknown types, keys or values; of all layers at once.
    """
    layers, problems = [], []
    for k, entry in enumerate(entries):
        try:
            layers.append(_layer(entry))
        except ConfigError as error:
            problems += [Problem(f"layers[{k}]: {problem}") for problem in error.problems]
    if problems:
        raise ConfigError(problems)
    return layers


def _layer(entry: str | Mapping[str, Any]) -> Layer:
    options = entry_options("layer", entry)
    kind = options.pop("type", "dense")
    kind = "dense" if kind == "basic_layer" else kind
    if kind not in LAYERS:
        raise ConfigError(unknown("type of layer", kind, LAYERS))
    known = [name for name in signature(LAYERS[kind].__init__).parameters if name != "self"]
    for key in options:
        if key not in known:
            raise ConfigError(unknown(f"key of a {kind} layer", key, known))
    if kind == "dense" and options.get("size") is None:
        raise ConfigError("a dense layer needs its size")
    return LAYERS[kind](**{k: v for k, v in options.items() if v is not None})
