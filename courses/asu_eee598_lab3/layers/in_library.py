"""A stack of the lab's layers as layers of the library, and which stacks make sense."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule import nn as library
from chainrule.core.errors import ConfigError

from .conv import ConvLayer
from .flatten import FlattenLayer
from .full import FullLayer
from .layer import Layer
from .maxpool import MaxPoolLayer
from .relu import ReluLayer
from .softmax import SoftMaxLayer

Weighted = library.Dense | library.Conv2D


def library_layers(layers: Sequence[Layer]) -> list[library.Layer]:
    """For each layer of the stack the library's that does its work.

    A relu has no layer of its own: it is the activation of the layer with weights before it. A
    pool or a flatten layer in between changes nothing, since max(relu(x)) = relu(max(x)), and
    the gradients agree as well.

    Args:
        layers: new layers of the library are made for them.

    Returns:
        As many; that of a relu is that of the layer before it.

    Raises:
        ConfigError: the stack makes no sense.
    """
    parts: list[library.Layer] = []
    weighted: Weighted | None = None
    for k, layer in enumerate(layers):
        previous = layers[k - 1] if k else None
        if isinstance(layer, FullLayer | ConvLayer | MaxPoolLayer | FlattenLayer):
            _check_channels(layer, layers[:k])
            parts.append(layer.in_library())
        elif isinstance(layer, ReluLayer) and weighted is not None and _is_linear(weighted):
            weighted.activation = "relu"
            parts.append(parts[-1])
        elif isinstance(layer, SoftMaxLayer) and k == len(layers) - 1 and parts:
            parts.append(library.Softmax())
        else:
            raise ConfigError(_out_of_place(layer, previous))
        if isinstance(parts[-1], Weighted):
            weighted = parts[-1]
    if len({id(layer) for layer in layers}) < len(layers):
        raise ConfigError("a layer stands twice in the stack")
    if not layers or not isinstance(layers[-1], SoftMaxLayer):
        raise ConfigError("a stack ends in a SoftMaxLayer, whose probabilities the loss takes")
    return parts


def _is_linear(part: Weighted) -> bool:
    return type(part.activation).__name__ == "Linear"


def _out_of_place(layer: object, previous: Layer | None) -> str:
    after = "at the beginning" if previous is None else f"after {previous!r}"
    return (
        f"found {type(layer).__name__} {after}; a stack is of ConvLayers, MaxPoolLayers and a "
        "FlattenLayer, for images, and of FullLayers, each perhaps with a ReluLayer behind it, "
        "and a SoftMaxLayer at the end"
    )


def _check_channels(layer: Layer, before: Sequence[Layer]) -> None:
    """A full layer takes what the one before it puts out, and so does a convolution.

    What lies between a convolution and a full layer depends on the images; see `check_fit`.
    """
    for kind in (FullLayer, ConvLayer):
        feeding = next((p for p in reversed(before) if isinstance(p, FullLayer | ConvLayer)), None)
        if isinstance(layer, kind) and isinstance(feeding, kind):
            n_i, n_o = layer.W.shape[1], feeding.W.shape[0]
            if n_i != n_o:
                what = "outputs" if kind is FullLayer else "channels"
                raise ConfigError(f"{layer!r} follows a layer of {n_o} {what}")


def check_fit(layer: Layer, part: library.Layer) -> None:
    """Once the images are known: whether a layer has weights for what comes to it.

    Raises:
        ConfigError: it has not.
    """
    if isinstance(layer, FullLayer | ConvLayer) and isinstance(part, Weighted):
        found = part.input_shape[0]
        if found != layer.W.shape[1]:
            what = "numbers" if isinstance(layer, FullLayer) else "channels"
            raise ConfigError(f"{layer!r} receives {found} {what} a case from images of this size")


def move(layer: Layer, part: library.Layer) -> None:
    """Let a layer of the lab show, and remember passes in, its layer of the library."""
    shown: Any = layer
    if not isinstance(layer, ReluLayer) and not shown.lives_in(part):
        shown.move_into(part)
