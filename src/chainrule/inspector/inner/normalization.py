"""The inner arrays of batch and layer normalisation: mean, variance and x̂, and the way back.

With N numbers that share the mean m and the variance v, s = √(v + ε) and x̂ = (x − m) / s, an input
moves the loss in three ways:

    ∂L/∂x = ∂L/∂x̂ / s + ∂L/∂v · 2 (x − m) / N + ∂L/∂m / N

where ∂L/∂x̂ = γ δ, ∂L/∂v = −Σ ∂L/∂x̂ x̂ / (2 s²), and ∂L/∂m = −Σ ∂L/∂x̂ / s with v held fixed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import lengths_of, padded_steps
from chainrule.inspector.record import Record, Role, delta_from
from chainrule.nn.graph import INPUT, INPUT_WORD
from chainrule.nn.layer_types import BatchNorm


@dataclass(frozen=True)
class _Groups:
    """Which numbers of a layer's input, (cases, *shape of a case), share a mean.

    Attributes:
        record: what has been computed so far.
        k: the index of the layer.
        axes: those over which the mean is taken.
        own: the shape of the means of one case; None if the cases share them.
        shape: of all means, with all axes of the input.
        real: 1 at real steps of sequences and 0 at padding, in a shape that broadcasts.
        count: how many numbers share a mean, padding left out.
    """

    record: Record
    k: int
    axes: tuple[int, ...]
    own: tuple[int, ...] | None
    shape: tuple[int, ...]
    real: Array
    count: int

    def keep(self, name: str, values: Array, role: Role, letter: str) -> None:
        """Keep an array with a number for each mean."""
        values = values.ravel() if self.own is None else values
        self.record.keep(self.k, name, values, role, letter, self.own)

    def marked(self, values: Array) -> Array:
        """The values, NaN at padding; those that cases share have none."""
        if self.own is None and values.shape == self.shape:
            return values
        return np.where(np.broadcast_to(self.real > 0, values.shape), values, np.nan)

    def sums(self, values: Array) -> Array:
        """The sum over the numbers of each mean."""
        return values.sum(axis=self.axes, keepdims=True)


def _groups(record: Record, k: int) -> _Groups:
    layer: Any = record.layer(k)
    source = record.network.graph.sources[k][0]
    x = record[f"{INPUT_WORD if source == INPUT else record.layer(source).name}.out"]
    lengths = lengths_of(x) if x.ndim == 3 else None
    real = np.ones((1,) * x.ndim)
    if lengths is not None:
        real = 1.0 - padded_steps(lengths, x.shape[1])[:, :, None]
    first = 2 if x.ndim == 3 else 1
    if isinstance(layer, BatchNorm):
        axes = tuple(axis for axis in range(x.ndim) if axis != first)
        count = x.size // x.shape[first] if lengths is None else int(lengths.sum())
        own = None
    else:
        axes, count, own = tuple(range(first, x.ndim)), prod(x.shape[first:]), x.shape[1:first]
    shape = tuple(1 if axis in axes else length for axis, length in enumerate(x.shape))
    return _Groups(record, k, axes, own, shape, real, count)


def keep_statistics(record: Record, k: int, x: Array) -> None:
    """Keep the mean m, the variance v, its root s, and x̂; NaN at padding."""
    layer, groups = record.layer(k), _groups(record, k)
    found = layer.statistics
    root = np.sqrt(found.variance + layer.epsilon)
    for name, values in {"m": found.mean, "v": found.variance, "s": root}.items():
        groups.keep(name, groups.marked(np.reshape(values, groups.shape)), "value", name)
    standard = groups.marked(found.values.reshape(len(x), *layer.input_shape))
    record.keep(k, "xhat", standard, "value", "x̂", layer.input_shape)


def back_to_inputs(record: Record, k: int, J: Array) -> Array:
    """∂L/∂x, with ∂L/∂x̂, ∂L/∂v and ∂L/∂m kept on the way; 0 at padding."""
    layer, groups = record.layer(k), _groups(record, k)
    delta = delta_from(record, k, J)
    assert delta is not None, "what normalises has an activation number by number"
    right: Array = layer.backward_from_delta(delta)
    standard = np.nan_to_num(record[f"{layer.name}.xhat"]) * groups.real
    root = np.sqrt(np.reshape(layer.statistics.variance, groups.shape) + layer.epsilon)

    gain = layer.gamma
    if isinstance(layer, BatchNorm) and standard.ndim == 4:
        gain = gain[:, None, None]
    by_standard = delta.reshape(standard.shape) * gain * groups.real
    found = [record.right_or_wrong("xhat_J", k, by_standard)]
    record.keep(k, "xhat_J", found[0], "gradient", "∂L/∂x̂", layer.input_shape)

    by_variance = -groups.sums(found[0] * standard) / (2 * root**2)
    found.append(record.right_or_wrong("v_J", k, by_variance))
    groups.keep("v_J", found[1], "gradient", "∂L/∂v")

    by_mean = -groups.sums(found[0]) / root
    found.append(record.right_or_wrong("m_J", k, by_mean))
    groups.keep("m_J", found[2], "gradient", "∂L/∂m")

    if all(
        one is its for one, its in zip(found, (by_standard, by_variance, by_mean), strict=True)
    ):
        return right
    distance = standard * root
    ways = found[0] / root + (found[1] * 2 * distance + found[2]) / groups.count
    return np.reshape(ways * groups.real, right.shape)
