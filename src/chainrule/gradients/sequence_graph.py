"""Layers over sequences as graphs, for the second derivation of their gradients.

The recurrence is written out step by step; its derivative is the graph's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule.autodiff import functions as f
from chainrule.autodiff.activations import activate
from chainrule.autodiff.losses import loss_of
from chainrule.autodiff.node import Node
from chainrule.core.arrays import Array
from chainrule.core.sequences import has_target, lengths_of, padded_steps, target_rows
from chainrule.nn.losses import FromLogits, Loss
from chainrule.nn.sequences.losses import SequenceFromLogits, SequenceLoss


def each_step(layer: Any, x: Node, map_of_rows: Callable[[Node], tuple[Node, ...]]) -> list[Node]:
    """What a map of rows makes of every step, as rows of cases; NaN at padding.

    Args:
        layer: whose input is a sequence.
        x: (cases, steps · features).
        map_of_rows: takes (cases · steps, features).
    """
    cases, (steps, features) = x.shape[0], layer.input_shape
    lengths = lengths_of(x.value.reshape(cases, steps, features))
    rows = _numbers(x.reshape((cases, steps, features)), lengths).reshape((-1, features))
    return [
        _marked(y.reshape((cases, steps, -1)), lengths).reshape((cases, -1))
        for y in map_of_rows(rows)
    ]


def recurrent(layer: Any, x: Node, parameters: Mapping[str, Node]) -> Node:
    """The output of a `chainrule.nn.Recurrent`, h(n) = φ(x(n) W + h(n−1) U + b).

    Truncated to k steps, the output of step m is computed anew from the value of h(m − k), which
    is a constant: that is the layer's definition of its truncated gradient.
    """
    cases, (steps, features) = x.shape[0], layer.input_shape
    lengths = lengths_of(x.value.reshape(cases, steps, features))
    numbers = _numbers(x.reshape((cases, steps, features)), lengths)
    fed = [numbers[:, n, :] @ parameters["W"] for n in range(steps)]

    def run(h: Any, first: int, last: int) -> list[Any]:
        """The states after steps first to last, counted from 1, from the state h before."""
        states = []
        for n in range(first, last + 1):
            z = fed[n - 1] + h @ parameters["U"]
            h = activate(z + parameters["b"] if layer.bias else z, layer.activation)
            states.append(h)
        return states

    start = _start(layer, parameters, cases)
    states = run(start, 1, steps)
    k = layer.truncate
    if k is not None and k < steps:
        values = [h.value for h in states]
        states = states[:k] + [
            run(values[m - k - 1], m - k + 1, m)[-1] for m in range(k + 1, steps + 1)
        ]
    by_case = f.concatenate([h.reshape((cases, 1, -1)) for h in states], axis=1)
    if not layer.only_last:
        return _marked(by_case, lengths).reshape((cases, -1))
    last = np.full(cases, steps - 1) if lengths is None else lengths - 1
    return by_case[np.arange(cases), last]


def _start(layer: Any, parameters: Mapping[str, Node], cases: int) -> Any:
    if layer.learns_start:
        return f.broadcast_to(parameters["h0"].reshape((1, -1)), (cases, layer.size))
    return np.broadcast_to(layer.start, (cases, layer.size)).copy()


def loss_over_steps(y: Node, t: Array, loss: Loss | FromLogits) -> Node:
    """The loss of y and t; of sequences the mean over cases of the sum over steps.

    Args:
        y: outputs or logits, (cases, outputs) or (cases, steps · outputs).
        t: prepared targets.
        loss: of the network.
    """
    if not isinstance(loss, SequenceLoss | SequenceFromLogits):
        return loss_of(y, t, loss)
    rows = y.reshape((*t.shape[:2], -1))[has_target(t)]
    return loss_of(rows, target_rows(t), loss.each) * (len(rows) / len(y))


def _numbers(x: Node, lengths: Array | None) -> Node:
    """x with 0 in place of padding."""
    if lengths is None:
        return x
    return f.where(padded_steps(lengths, x.shape[1])[:, :, None], 0.0, x)


def _marked(y: Node, lengths: Array | None) -> Node:
    """y with NaN at padding."""
    if lengths is None:
        return y
    return f.where(padded_steps(lengths, y.shape[1])[:, :, None], np.nan, y)
