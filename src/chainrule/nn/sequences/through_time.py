"""Backpropagation through time: how a change of one step's pre-activation moves all that follow.

All arrays have the steps first, (steps, cases, size), so that each step is one stretch of memory.
With h(n) = φ(z(n)), z(n) = e(n) + h(n−1) U and slopes d(n) = φ'(z(n)):

    forwards   h'(n) = (e'(n) + h'(n−1) U) ⊙ d(n)
    backwards  δ(n) = g(n) ⊙ d(n) + (δ(n+1) Uᵀ) ⊙ d(n)

where e' is a change of e and g the loss's derivative by the outputs h; δ(n) = ∂L/∂z(n).

**Truncated to k steps**, the derivative of an output goes back through k steps, its own counted,
and takes the state before them for a constant. With g(m) alone it is

    δ_m(m) = g(m) ⊙ d(m),   δ_m(n) = (δ_m(n+1) Uᵀ) ⊙ d(n) for m − k < n < m,   0 before,

and δ(n) = Σ_m δ_m(n) over m = n, …, n + k − 1. With k = 1 no step hears of a later one; with
k = steps it is the whole derivative. Unlike cutting the sequence into pieces of k steps, it does
not depend on where the pieces begin.

Source: Williams and Peng, *An efficient gradient-based algorithm for on-line training of recurrent
network trajectories* (1990), who call it BPTT(k).
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array


def carry_back(
    direct: Array, slopes: Array, U: Array, depth: int | None = None, out: Array | None = None
) -> Array:
    """δ(n) for every step, (steps, cases, size).

    Args:
        direct: g(n) ⊙ d(n), what each step's own output says; may be ``out``.
        slopes: d(n) = φ'(z(n)).
        U: (size, size).
        depth: k; None for all steps.
        out: where δ is written.

    Example:
        Two steps of one linear unit with U = 3 and g = 1 at the last alone: δ = (3, 1).

        >>> one = np.ones((2, 1, 1))
        >>> carry_back(np.array([[[0.0]], [[1.0]]]), one, np.array([[3.0]])).ravel()
        array([3., 1.])
        >>> carry_back(np.array([[[0.0]], [[1.0]]]), one, np.array([[3.0]]), depth=1).ravel()
        array([0., 1.])
    """
    steps = len(direct)
    if depth is not None and depth < steps:
        return _carried_in_part(direct, slopes, U, depth, out)
    delta = np.empty_like(direct) if out is None else out
    delta[-1] = direct[-1]
    before = np.empty_like(delta[0])
    for n in range(steps - 2, -1, -1):
        np.dot(delta[n + 1], U.T, out=before)
        before *= slopes[n]
        np.add(direct[n], before, out=delta[n])
    return delta


def _carried_in_part(
    direct: Array, slopes: Array, U: Array, depth: int, out: Array | None
) -> Array:
    """The sum over j < depth of what an output says of the step j before it, all steps at once."""
    delta = direct.copy()
    part = direct
    for j in range(1, depth):
        part = np.matmul(part[1:], U.T) * slopes[: len(direct) - j]
        delta[: len(part)] += part
    if out is None:
        return delta
    out[...] = delta
    return out


def carry_forth(change: Array, slopes: Array, U: Array, depth: int | None = None) -> Array:
    """h'(n) for a change e'(n) of every step, (steps, cases, size): `carry_back` transposed.

    Args:
        change: e'(n).
        slopes: d(n).
        U: (size, size).
        depth: k; None for all steps.
    """
    moved = change * slopes
    steps = len(change)
    if depth is None or depth >= steps:
        for n in range(1, steps):
            moved[n] += np.dot(moved[n - 1], U) * slopes[n]
        return moved
    part = moved.copy()
    for j in range(1, depth):
        part = np.matmul(part[:-1], U) * slopes[j:]
        moved[j:] += part
    return moved


def influences(slopes: Array, U: Array, depth: int | None = None) -> Array:
    """∂h(n) / ∂e(m) as explicit matrices, (cases, steps, size, steps, size); 0 for m > n.

    ∂h(n)/∂e(n) = diag d(n), and ∂h(n)/∂e(m) = diag d(n) Uᵀ ∂h(n−1)/∂e(m), multiplied for real.

    Args:
        slopes: d(n), (steps, cases, size).
        U: (size, size).
        depth: k; None for all steps.
    """
    steps, cases, size = slopes.shape
    found = np.zeros((cases, steps, size, steps, size), np.result_type(slopes, U))
    for n in range(steps):
        first = 0 if depth is None else max(0, n - depth + 1)
        for m in range(first, n):
            carried = np.matmul(U.T, found[:, n - 1, :, m, :])
            found[:, n, :, m, :] = slopes[n][:, :, None] * carried
        found[:, n, :, n, :] = slopes[n][:, :, None] * np.eye(size)
    return found
