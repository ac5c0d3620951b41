"""Arrays that layers keep between minibatches, or make anew where nothing is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.layers.base import Layer, Shape


def kept(layer: Layer, what: str, shape: Shape, dtype: np.dtype[Any]) -> Array:
    """An array of the layer's own, the same one in every pass where kept.

    Args:
        layer: whose; its ``buffers`` are where it is kept.
        what: it is for.
        shape: of the array.
        dtype: of the numbers.
    """
    if layer.buffers is None:
        return np.empty(shape, dtype)
    key = (layer.name, what, shape, dtype.char)
    if key not in layer.buffers:
        layer.buffers[key] = np.empty(shape, dtype)
    found: Array = layer.buffers[key]
    return found


def kept_upstream(layer: Layer, J: Array) -> Array:
    """Where J upstream is written: an array that layers of one width share, but never J itself.

    Args:
        layer: whose input it belongs to.
        J: what the layer's backward pass was given, (cases, outputs).
    """
    if layer.buffers is None:
        return np.empty((len(J), layer.inputs), J.dtype)
    owner = "" if layer.alone_upstream else layer.name
    for turn in ((), ("other",)):
        key = ("upstream", len(J), layer.inputs, owner, *turn)
        if key not in layer.buffers:
            layer.buffers[key] = np.empty((len(J), layer.inputs), J.dtype)
        if layer.buffers[key] is not J:
            break
    found: Array = layer.buffers[key]
    return found
