"""Backpropagation through time: the derivatives of a recurrence, forwards and backwards.

All arrays have the steps first, (steps, cases, size), so that a step's numbers are contiguous.
With h(n) = φ(z(n)), z(n) = e(n) + h(n−1) U, e(n) = x(n) W + b and slopes d(n) = φ'(z(n)):

    forwards   h'(n) = (e'(n) + h'(n−1) U) ⊙ d(n)
    backwards  δ(n) = g(n) ⊙ d(n) + (δ(n+1) Uᵀ) ⊙ d(n)

where e' is a change of e, h' the change of h that results, g = ∂L/∂h by each step's own output
alone, and δ(n) = ∂L/∂z(n).

**Truncated to k steps**, the derivative of an output goes back through k steps, its own included,
and treats the state before them as a constant. The output h(m) alone contributes

    δ_m(m) = g(m) ⊙ d(m),   δ_m(n) = (δ_m(n+1) Uᵀ) ⊙ d(n) for m − k < n < m,   0 before,

and δ(n) = Σ_m δ_m(n) over m = n, …, n + k − 1. With k = 1 nothing is passed back from step to
step; with k = steps it is the full derivative. Unlike cutting the sequence into pieces of k steps,
this does not depend on where the pieces begin.

Source: Williams and Peng, *An efficient gradient-based algorithm for on-line training of recurrent
network trajectories* (1990), who call it BPTT(k).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import padded_steps
from chainrule.nn.jacobians import BiasJacobian, InputJacobian, Jacobian, WeightJacobian
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.each_step import BlockDiagonal, Stacked


def carry_back(
    direct: Array, slopes: Array, U: Array, depth: int | None = None, out: Array | None = None
) -> Array:
    """δ(n) for every step, (steps, cases, size).

    Args:
        direct: g(n) ⊙ d(n), from each step's own output; may be the same array as ``out``.
        slopes: d(n) = φ'(z(n)).
        U: the recurrent weights, (size, size).
        depth: the k of truncation; None for all steps.
        out: the array to write δ into; None for a new one.

    Example:
        Two steps of one linear unit with U = 3, and g = (0, 1): δ = (3, 1).

        >>> one = np.ones((2, 1, 1))
        >>> carry_back(np.array([[[0.0]], [[1.0]]]), one, np.array([[3.0]])).ravel()
        array([3., 1.])
        >>> carry_back(np.array([[[0.0]], [[1.0]]]), one, np.array([[3.0]]), depth=1).ravel()
        array([0., 1.])
    """
    steps = len(direct)
    if depth is not None and depth < steps:
        return _carry_back_truncated(direct, slopes, U, depth, out)
    delta = np.empty_like(direct) if out is None else out
    delta[-1] = direct[-1]
    before = np.empty_like(delta[0])
    for n in range(steps - 2, -1, -1):
        np.dot(delta[n + 1], U.T, out=before)
        before *= slopes[n]
        np.add(direct[n], before, out=delta[n])
    return delta


def _carry_back_truncated(
    direct: Array, slopes: Array, U: Array, depth: int, out: Array | None
) -> Array:
    """`carry_back` for a depth below the steps: the sum over j < depth of δ_m(n), m = n + j."""
    delta = direct.copy()
    part = direct
    for j in range(1, depth):
        part = np.matmul(part[1:], U.T) * slopes[: len(direct) - j]  # δ_m(n), m = n + j
        delta[: len(part)] += part
    if out is None:
        return delta
    out[...] = delta
    return out


def carry_forth(change: Array, slopes: Array, U: Array, depth: int | None = None) -> Array:
    """h'(n) for changes e'(n), (steps, cases, size): the transpose of the map from g to δ."""
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
    """∂h(n)/∂e(m) as explicit matrices, (cases, steps, size, steps, size); 0 for m > n.

    ∂h(n)/∂e(n) = diag d(n), and for m < n it is the product diag d(n) Uᵀ ∂h(n−1)/∂e(m).
    The arguments are those of `carry_back`.
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


# The Jacobians of a recurrent layer: `ThroughTime` is composed with those of each step's z by x,
# W, U, b and the start state.


@dataclass(eq=False, repr=False)
class ThroughTime(Jacobian):
    """∂h/∂e, the Jacobian of the outputs by the e(n) of all steps: a block lower triangle.

    Args:
        slopes: φ'(z(n)), (steps, cases, size).
        U: (size, size).
        last: the index of the step whose output is the layer's output, for each case, (cases,);
            None if the outputs of all steps are.
        depth: the k of truncated backpropagation; None for all steps.

    Example:
        Two steps of one linear unit with U = 3: ∂h(2)/∂e(1) = 3.

        >>> ThroughTime(np.ones((2, 1, 1)), np.array([[3.0]])).dense()
        array([[[1., 0.],
                [3., 1.]]])
        >>> ThroughTime(np.ones((2, 1, 1)), np.array([[3.0]]), last=np.array([1])).dense()
        array([[[3., 1.]]])
    """

    slopes: Array
    U: Array
    last: Array | None = None
    depth: int | None = None

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, steps · size)."""
        steps, cases, size = self.slopes.shape
        return (cases, size if self.last is not None else steps * size, steps * size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Backpropagation through time: δ of every step, (cases, steps · size)."""
        return flat_rows(self.deltas(g), out)

    def deltas(self, g: Array, out: Array | None = None) -> Array:
        """The result of `vjp` with the steps first, (steps, cases, size)."""
        direct = self.placed(g, out)
        direct *= self.slopes
        return self.from_direct(direct, out)

    def placed(self, g: Array, out: Array | None = None) -> Array:
        """g at the steps of the outputs, and 0 at other steps, (steps, cases, size)."""
        steps, cases, size = self.slopes.shape
        if out is None:
            out = np.empty(self.slopes.shape, np.result_type(g, self.slopes))
        if self.last is None:
            out[...] = g.reshape(cases, steps, size).swapaxes(0, 1)
        else:
            out.fill(0)
            out[self.last, np.arange(cases)] = g
        return out

    def from_direct(self, direct: Array, out: Array | None = None) -> Array:
        """δ of every step, given g(n) ⊙ d(n), the part from each step's own output."""
        if self.last is None or self.depth is None or self.depth >= len(self.slopes):
            return carry_back(direct, self.slopes, self.U, self.depth, out)
        # With one output for each case, truncation only sets δ to 0 at the earlier steps.
        delta = carry_back(direct, self.slopes, self.U, None, out)
        delta[np.arange(len(delta))[:, None] <= self.last - self.depth] = 0
        return delta

    def jvp(self, v: Array) -> Array:
        """The change of the outputs for a change v of e, (cases, steps · size)."""
        steps, cases, size = self.slopes.shape
        change = v.reshape(cases, steps, size).swapaxes(0, 1)
        moved = carry_forth(change, self.slopes, self.U, self.depth)
        return flat_rows(moved) if self.last is None else moved[self.last, np.arange(cases)]

    def cases(self, chosen: slice) -> ThroughTime:
        """See `Jacobian.cases`."""
        last = None if self.last is None else self.last[chosen]
        return ThroughTime(self.slopes[:, chosen], self.U, last, self.depth)

    def magnitudes(self, least: float = 0.0) -> ThroughTime:
        """See `Jacobian.magnitudes`."""
        return ThroughTime(np.abs(self.slopes) + least, np.abs(self.U), self.last, self.depth)

    def _dense(self) -> Array:
        found = influences(self.slopes, self.U, self.depth)
        if self.last is not None:
            found = found[np.arange(len(found)), self.last]
        return found.reshape(self.dense_shape)


@dataclass(eq=False, repr=False)
class FromStart(Jacobian):
    """∂z/∂h(0): the start state, shared by all cases, adds h(0) U to the first step's z.

    Args:
        U: the recurrent weights, (size, size).
        count: the number of cases.
        steps: the number of steps of each case.

    Example:
        >>> FromStart(np.array([[3.0]]), count=1, steps=2).dense()
        array([[[3.],
                [0.]]])
    """

    U: Array
    count: int
    steps: int
    per_case = ("count",)
    numbers = ("U",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, steps · size, size)."""
        size = len(self.U)
        return (self.count, self.steps * size, size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Σ g(1) Uᵀ, summed over the cases, where g(1) is the first step's part of g, (size,)."""
        first = sum_of_rows(g[:, : len(self.U)])
        return np.dot(first, self.U.T, out=out)

    def jvp(self, v: Array) -> Array:
        """The change of z for a change v of h(0), (size,): v U at the first step, else 0."""
        moved = np.zeros(self.dense_shape[:2], np.result_type(v, self.U))
        moved[:, : len(self.U)] = np.dot(v, self.U)
        return moved

    def _dense(self) -> Array:
        found = np.zeros(self.dense_shape, self.U.dtype)
        found[:, : len(self.U)] = self.U.T
        return found


def of_one_step(
    x: Array, states: Array, values: Mapping[str, Array], lengths: Array | None
) -> dict[str, Jacobian]:
    """The Jacobians of z(n) by x(n), W, U and, if there are biases, b, with h(n−1) held fixed.

    Args:
        x: (steps, cases, features), 0 at padding.
        states: h(0), …, h(steps), (steps + 1, cases, size).
        values: W, (features, size), U, (size, size), and b, (size,), if any.
        lengths: how many steps of each case are not padding, (cases,); None if none is padding.
    """
    steps, cases, features = x.shape
    W, size = values["W"], len(values["U"])
    padded = None if lengths is None else padded_steps(lengths, steps)
    J_W = WeightJacobian(flat_rows(x).reshape(-1, features), size)
    J_U = WeightJacobian(flat_rows(states[:-1]).reshape(-1, size), size)
    found: dict[str, Jacobian] = {
        "x": BlockDiagonal(InputJacobian(W, steps * cases), steps, padded),
        "W": Stacked(J_W, steps, padded),
        "U": Stacked(J_U, steps, padded),
    }
    if "b" in values:
        ones = np.ones(steps * cases, x.dtype)
        found["b"] = Stacked(BiasJacobian(ones, size), steps, padded)
    return found


def flat_rows(by_step: Array, out: Array | None = None) -> Array:
    """An array (steps, cases, size) as one row for each case, (cases, steps · size)."""
    steps, cases, size = by_step.shape
    if out is None:
        return by_step.swapaxes(0, 1).reshape(cases, steps * size)
    out.reshape(cases, steps, size)[...] = by_step.swapaxes(0, 1)
    return out
