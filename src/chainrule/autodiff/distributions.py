"""Softmax and its logarithm, along the last axis, to full precision.

Where one probability is nearly 1, 1 − s loses its digits and Σ of the others keeps them. So both
ways back treat the largest entry by itself; a mask, constant in pieces, says where it is.
"""

from __future__ import annotations

import numpy as np

from chainrule.autodiff.node import CALL, Node, Operation, apply, register
from chainrule.core.arrays import Array


def _largest(a: Array) -> Array:
    """1 at the first largest real part of every row, 0 elsewhere, in the type of ``a``."""
    mask = np.zeros_like(a)
    np.put_along_axis(mask, a.real.argmax(axis=-1)[..., None], 1, axis=-1)
    return mask


def _check_rows(z: Array) -> None:
    if z.ndim == 0 or z.shape[-1] == 0:
        raise ValueError


def _softmax(z: Array) -> Array:
    _check_rows(z)
    e = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _log_softmax(z: Array) -> Array:
    """Z − z_m − ln(1 + Σ_{j≠m} e^(z_j − z_m)), with z_m the largest."""
    _check_rows(z)
    top = _largest(z)
    below = z - (z * top).sum(axis=-1, keepdims=True)
    others = (np.exp(below) * (1 - top)).sum(axis=-1, keepdims=True)
    return below - np.log1p(others)


def _row_sum(a: Node) -> Node:
    return a.sum(axis=-1, keepdims=True)


def _softmax_back(g: Node, y: Node, z: Node) -> Node:
    """S ⊙ (g − g·s) for g shifted to 0 where s is largest: the rows of the Jacobian sum to 0."""
    g = g - _row_sum(g * Node(_largest(z.value)))
    return y * (g - _row_sum(g * y))


def _log_softmax_back(g: Node, y: Node, z: Node) -> Node:
    """G − s Σg; at the largest, m, it is g_m Σ_{k≠m} s_k − s_m Σ_{k≠m} g_k."""
    top = _largest(z.value)
    at_top, elsewhere = Node(top), Node(1 - top)
    s = apply("softmax", z)
    largest = g * _row_sum(s * elsewhere) - s * _row_sum(g * elsewhere)
    return at_top * largest + elsewhere * (g - s * _row_sum(g))


_ROWS = "rows of at least one number"

SOFTMAX = (
    Operation("softmax", "softmax({0})", CALL, _softmax, (_softmax_back,), expects=_ROWS),
    Operation(
        "log_softmax", "ln softmax({0})", CALL, _log_softmax, (_log_softmax_back,), expects=_ROWS
    ),
)
"""Softmax and log-softmax."""

register(*SOFTMAX)
