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

**Gates.** In an LSTM or a GRU, a step's state depends on several arguments for each unit, such as
the four gates, and in an LSTM there are two states for each unit, h and c. z(n) then holds the
arguments side by side, a block of ``size`` numbers for each, U_k is the matrix by which state k
adds to the z of the next step, and d_k the derivatives of state k by each block of z:

    backwards  δ(n) = g(n) ⊙ d_1(n) + Σ_k (δ(n+1) U_kᵀ) ⊙ d_k(n)

where the numbers of a state stand beside each block. Only the first state, h, is put out. The
recurrent layer is the case of one state and one block.

Source: Williams and Peng, *An efficient gradient-based algorithm for on-line training of recurrent
network trajectories* (1990), who call it BPTT(k).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import padded_steps
from chainrule.nn.jacobians import BiasJacobian, InputJacobian, Jacobian, WeightJacobian
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.each_step import BlockDiagonal, Stacked

BIASES = ("b", "b_hn")
"""The arrays that are added to z at every step."""


class States(NamedTuple):
    """The derivatives of one step's states.

    Attributes:
        slopes: d_k(n) for each state k, (states, steps, cases, width); the width is that of z.
        U: U_k for each state k, (states, size, width).
    """

    slopes: Array
    U: Array

    @classmethod
    def of(cls, slopes: Array, U: Array) -> States:
        """Those of slopes (steps, cases, width) and U (size, width) have one state."""
        if slopes.ndim == 3:
            slopes, U = slopes[None], U[None]
        return cls(slopes, U)

    @property
    def blocks(self) -> int:
        """The number of blocks of z."""
        return self.U.shape[2] // self.U.shape[1]

    def beside_blocks(self, state: Array) -> Array:
        """The numbers of a state, (..., size), repeated for each block of z: (..., width)."""
        return state if self.blocks == 1 else np.tile(state, self.blocks)

    def back(self, delta: Array, steps: Any) -> Array:
        """Σ_k (δ U_kᵀ) ⊙ d_k of some steps, for the δ of the steps behind them."""
        found = self.beside_blocks(np.matmul(delta, self.U[0].T)) * self.slopes[0, steps]
        for d, U in zip(self.slopes[1:], self.U[1:], strict=True):
            found += self.beside_blocks(np.matmul(delta, U.T)) * d[steps]
        return found

    def forth(self, change: Array, steps: Any) -> list[Array]:
        """The change of each state of some steps, for a change of their z."""
        shape = (*change.shape[:-1], self.blocks, self.U.shape[1])
        return [(change * d[steps]).reshape(shape).sum(axis=-2) for d in self.slopes]

    def next(self, moved: Sequence[Array]) -> Array:
        """The change of the next step's z, for the change of each state."""
        found = np.matmul(moved[0], self.U[0])
        for one, U in zip(moved[1:], self.U[1:], strict=True):
            found += np.matmul(one, U)
        return found


def carry_back(
    direct: Array, slopes: Array, U: Array, depth: int | None = None, out: Array | None = None
) -> Array:
    """δ(n) for every step, (steps, cases, width).

    Args:
        direct: g(n) ⊙ d(n), from each step's own output; may be the same array as ``out``.
        slopes: d(n) = φ'(z(n)), (steps, cases, size), or one such for each state; see `States`.
        U: the recurrent weights, (size, size), or one matrix for each state.
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
        return _carry_back_truncated(direct, States.of(slopes, U), depth, out)
    delta = np.empty_like(direct) if out is None else out
    delta[-1] = direct[-1]
    if slopes.ndim == 4:
        states = States(slopes, U)
        for n in range(steps - 2, -1, -1):
            np.add(direct[n], states.back(delta[n + 1], n), out=delta[n])
        return delta
    before = np.empty_like(delta[0])
    for n in range(steps - 2, -1, -1):
        np.dot(delta[n + 1], U.T, out=before)
        before *= slopes[n]
        np.add(direct[n], before, out=delta[n])
    return delta


def _carry_back_truncated(direct: Array, states: States, depth: int, out: Array | None) -> Array:
    """`carry_back` for a depth below the steps: the sum over j < depth of δ_m(n), m = n + j."""
    delta = direct.copy()
    part = direct
    for j in range(1, depth):
        part = states.back(part[1:], slice(len(direct) - j))  # δ_m(n), m = n + j
        delta[: len(part)] += part
    if out is None:
        return delta
    out[...] = delta
    return out


def carry_forth(change: Array, slopes: Array, U: Array, depth: int | None = None) -> Array:
    """h'(n) for changes e'(n), (steps, cases, size): the transpose of the map from g to δ."""
    states, steps = States.of(slopes, U), len(change)
    moved = states.forth(change, slice(None))
    if depth is None or depth >= steps:
        for n in range(1, steps):
            carried = states.next([one[n - 1] for one in moved])
            for one, more in zip(moved, states.forth(carried, n), strict=True):
                one[n] += more
        return moved[0]
    total, part = moved[0].copy(), moved
    for j in range(1, depth):
        part = states.forth(states.next([one[:-1] for one in part]), slice(j, None))
        total[j:] += part[0]
    return total


def influences(slopes: Array, U: Array, depth: int | None = None) -> Array:
    """∂h(n)/∂z(m) as explicit matrices, (cases, steps, size, steps, width); 0 for m > n.

    With the derivatives of state k, ∂h_k(n)/∂z(n) = diag d_k(n), a diagonal matrix beside the
    other for each block, and for m < n it is ∂h_k(n)/∂z(n) Σ_l U_lᵀ ∂h_l(n−1)/∂z(m).
    The arguments are those of `carry_back`.
    """
    states = States.of(slopes, U)
    steps, cases, width = states.slopes.shape[1:]
    size = states.U.shape[1]
    shape = (len(states.U), cases, steps, size, steps, width)
    found = np.zeros(shape, np.result_type(slopes, U))
    unit = states.beside_blocks(np.eye(size))
    for n in range(steps):
        own = states.slopes[:, n, :, None, :] * unit  # (states, cases, size, width)
        first = 0 if depth is None else max(0, n - depth + 1)
        for m in range(first, n):
            carried = np.matmul(states.U[:, None].mT, found[:, :, n - 1, :, m, :]).sum(axis=0)
            found[:, :, n, :, m, :] = np.matmul(own, carried)
        found[:, :, n, :, n, :] = own
    return found[0]


# The Jacobians of a recurrent layer: `ThroughTime` is composed with those of each step's z by x,
# W, U, the biases and the start states.


@dataclass(eq=False, repr=False)
class ThroughTime(Jacobian):
    """∂h/∂z, the Jacobian of the outputs by the z(n) of all steps: a block lower triangle.

    A change of z(n) is a change of e(n): it takes effect through h(n), on later steps too.

    Args:
        slopes: φ'(z(n)), (steps, cases, size), or one such array for each state, see `States`.
        U: (size, size), or one matrix for each state.
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
        """(cases, outputs, steps · width)."""
        steps, cases, width = self.slopes.shape[-3:]
        size = self.U.shape[-2]
        return (cases, size if self.last is not None else steps * size, steps * width)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Backpropagation through time: δ of every step, (cases, steps · width)."""
        return flat_rows(self.deltas(g), out)

    def deltas(self, g: Array, out: Array | None = None) -> Array:
        """The result of `vjp` with the steps first, (steps, cases, width)."""
        if self.slopes.ndim == 4:
            states = States(self.slopes, self.U)
            return self.from_direct(states.beside_blocks(self.placed(g)) * self.slopes[0], out)
        direct = self.placed(g, out)
        direct *= self.slopes
        return self.from_direct(direct, out)

    def placed(self, g: Array, out: Array | None = None) -> Array:
        """g at the steps of the outputs, and 0 at other steps, (steps, cases, size)."""
        steps, cases, _ = self.slopes.shape[-3:]
        if out is None:
            out = np.empty((steps, cases, self.U.shape[-2]), np.result_type(g, self.slopes))
        return placed_at(g, self.last, out)

    def from_direct(self, direct: Array, out: Array | None = None) -> Array:
        """δ of every step, given g(n) ⊙ d(n), the part from each step's own output."""
        if self.last is None or self.depth is None or self.depth >= len(direct):
            return carry_back(direct, self.slopes, self.U, self.depth, out)
        # With one output for each case, truncation only sets δ to 0 at the earlier steps.
        delta = carry_back(direct, self.slopes, self.U, None, out)
        delta[np.arange(len(delta))[:, None] <= self.last - self.depth] = 0
        return delta

    def jvp(self, v: Array) -> Array:
        """The change of the outputs for a change v of z, (cases, steps · width)."""
        steps, cases, width = self.slopes.shape[-3:]
        change = v.reshape(cases, steps, width).swapaxes(0, 1)
        moved = carry_forth(change, self.slopes, self.U, self.depth)
        return flat_rows(moved) if self.last is None else moved[self.last, np.arange(cases)]

    def cases(self, chosen: slice) -> ThroughTime:
        """See `Jacobian.cases`."""
        last = None if self.last is None else self.last[chosen]
        return ThroughTime(self.slopes[..., chosen, :], self.U, last, self.depth)

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
        U: the recurrent weights, (size, width); the width is that of z.
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
        """(cases, steps · width, size)."""
        size, width = self.U.shape
        return (self.count, self.steps * width, size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Σ g(1) Uᵀ, summed over the cases, where g(1) is the first step's part of g, (size,)."""
        first = sum_of_rows(g[:, : self.U.shape[1]])
        return np.dot(first, self.U.T, out=out)

    def jvp(self, v: Array) -> Array:
        """The change of z for a change v of h(0), (size,): v U at the first step, else 0."""
        moved = np.zeros(self.dense_shape[:2], np.result_type(v, self.U))
        moved[:, : self.U.shape[1]] = np.dot(v, self.U)
        return moved

    def _dense(self) -> Array:
        found = np.zeros(self.dense_shape, self.U.dtype)
        found[:, : self.U.shape[1]] = self.U.T
        return found


@dataclass(eq=False, repr=False)
class InBlocks(Jacobian):
    """The Jacobian of a z of several blocks, of which an argument moves only some.

    Args:
        inner: the Jacobian of these blocks, (rows, their width, …).
        columns: which numbers of z they are.
        width: the width of z.

    Example:
        >>> InBlocks(InputJacobian(np.array([[2.0]]), count=1), np.array([1]), width=3).dense()
        array([[[0.],
                [2.],
                [0.]]])
    """

    inner: Jacobian
    columns: Array
    width: int
    per_case = numbers = ("inner",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(rows, width, …)."""
        rows, _, *shape = self.inner.dense_shape
        return (rows, self.width, *shape)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The inner product with the blocks of g."""
        return self.inner.vjp(g[:, self.columns], out)

    def jvp(self, v: Array) -> Array:
        """The change of the blocks, and 0 in the others."""
        moved = self.inner.jvp(v)
        found = np.zeros((len(moved), self.width), moved.dtype)
        found[:, self.columns] = moved
        return found

    def _dense(self) -> Array:
        dense = self.inner._dense()
        found = np.zeros(self.dense_shape, dense.dtype)
        found[:, self.columns] = dense
        return found


Placing = Callable[[str, Jacobian], Jacobian]
"""Gives the Jacobian of z for that of the blocks which an argument, by its name, moves."""


def of_one_step(
    x: Array,
    states: Array,
    values: Mapping[str, Array],
    lengths: Array | None,
    placing: Placing = lambda name, blocks: blocks,
) -> dict[str, Jacobian]:
    """The Jacobians of z(n) by x(n), W, U and any biases, with h(n−1) held fixed.

    Args:
        x: (steps, cases, features), 0 at padding.
        states: h(0), …, h(steps), (steps + 1, cases, size).
        values: W, (features, width), U, (size, width), and biases, (width,), if any.
        lengths: how many steps of each case are not padding, (cases,); None if none is padding.
        placing: where a parameter moves only some blocks of z, see `InBlocks`.
    """
    steps, cases, features = x.shape
    W, U = values["W"], values["U"]
    padded = None if lengths is None else padded_steps(lengths, steps)
    ones = np.ones(steps * cases, x.dtype)
    inner: dict[str, Jacobian] = {
        "W": WeightJacobian(flat_rows(x).reshape(-1, features), W.shape[1]),
        "U": WeightJacobian(flat_rows(states[:-1]).reshape(-1, len(U)), U.shape[1]),
        **{name: BiasJacobian(ones, len(values[name])) for name in BIASES if name in values},
    }
    by_x = placing("x", InputJacobian(W, steps * cases))
    return {
        "x": BlockDiagonal(by_x, steps, padded),
        **{name: Stacked(placing(name, J), steps, padded) for name, J in inner.items()},
    }


def placed_at(g: Array, last: Array | None, out: Array) -> Array:
    """g at the steps of the outputs, and 0 at other steps, written into (steps, cases, size).

    Args:
        g: (cases, steps · size), or (cases, size) of the steps ``last``.
        last: the index of the step whose output is put out, (cases,); None for all steps.
        out: the array to write into.
    """
    steps, cases, size = out.shape
    if last is None:
        out[...] = g.reshape(cases, steps, size).swapaxes(0, 1)
    else:
        out.fill(0)
        out[last, np.arange(cases)] = g
    return out


def flat_rows(by_step: Array, out: Array | None = None) -> Array:
    """An array (steps, cases, size) as one row for each case, (cases, steps · size)."""
    steps, cases, size = by_step.shape
    if out is None:
        return by_step.swapaxes(0, 1).reshape(cases, steps * size)
    out.reshape(cases, steps, size)[...] = by_step.swapaxes(0, 1)
    return out
