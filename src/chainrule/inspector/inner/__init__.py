"""The arrays within a layer: what it computes besides z, its output and its gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.inner.normalization import back_to_inputs, keep_statistics
from chainrule.inspector.inner.states import back_through_time, keep_states
from chainrule.inspector.record import Record
from chainrule.nn import layer_types as layers


def nothing(record: Record, k: int, values: Array) -> None:
    """Keep nothing: the layer has no such arrays."""


@dataclass(frozen=True)
class Inner:
    """How the inner arrays of a kind of layer are kept, by `Record.keep`.

    Both functions are given the record, the index of the layer and an array. The layer has stored
    what it needs for its backward pass, such as ``layer.mask``.

    Attributes:
        forward: after the layer's forward pass, before its z and output are kept; given its input,
            (cases, inputs).
        back: the whole backward pass of the layer, for one with gradients of inner arrays; None
            for a layer whose δ and gradients are all there is. Given ∂L/∂output, (cases, outputs),
            it keeps the inner gradients, and z's, lets the layer store those of its parameters,
            and returns ∂L/∂input, (cases, inputs).
        keeps_z: whether z is kept by the pass; otherwise ``forward`` keeps what there is of it.
    """

    forward: Callable[[Record, int, Array], None] = nothing
    back: Callable[[Record, int, Array], Array] | None = None
    keeps_z: bool = True


def keep_mask(record: Record, k: int, x: Array) -> None:
    """Keep the mask of a dropout layer: 0 where a number is left out, else 1 / (1 − rate)."""
    layer: Any = record.layer(k)
    mask = np.ones_like(x) if layer.mask is None else layer.mask
    says = "0 where a number is left out; the others are made larger, by 1 / (1 − rate)."
    record.keep(k, "mask", mask, "value", "m", layer.input_shape, says)


def keep_winners(record: Record, k: int, x: Array) -> None:
    """Keep the place of the largest number in each window of a max pool, row by row from 0."""
    layer = record.layer(k)
    record.keep(k, "winners", layer.winners, "value", "argmax", layer.output_shape)


INNER: Mapping[Any, Inner] = {
    layers.Dropout: Inner(keep_mask),
    **dict.fromkeys(
        (layers.Recurrent, layers.LSTM, layers.GRU),
        Inner(keep_states, back_through_time, keeps_z=False),
    ),
    layers.MaxPool2D: Inner(keep_winners),
    layers.BatchNorm: Inner(keep_statistics, back_to_inputs),
    layers.LayerNorm: Inner(keep_statistics, back_to_inputs),
    layers.Layer: Inner(),
}
"""What is kept of each class of layers; the last one is of those that have nothing inside."""


def inner_of(layer: layers.Layer) -> Inner:
    """What is kept of a layer: by its class, or the nearest one that it derives from."""
    return INNER[next(kind for kind in layer.__class__.__mro__ if kind in INNER)]
