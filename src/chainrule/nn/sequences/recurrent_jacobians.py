"""The Jacobians of a recurrent layer: what every output has from every step before it.

The layer is h(n) = φ(z(n)), z(n) = x(n) W + h(n−1) U + b. `ThroughTime` is ∂h/∂e, the outputs by
a change e(n) of each step's z(n); its blocks ∂h(n)/∂e(m) fill the lower triangle. Those by x, W,
U, b and the start state are it, composed with the Jacobian of one step.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import padded_steps
from chainrule.nn.jacobians import BiasJacobian, InputJacobian, Jacobian, WeightJacobian
from chainrule.nn.parameters import sum_of_rows
from chainrule.nn.sequences.each_step import BlockDiagonal, Stacked
from chainrule.nn.sequences.through_time import carry_back, carry_forth, influences


class ThroughTime(Jacobian):
    """∂h/∂e: outputs of a recurrent layer by a change of each step's pre-activation.

    Args:
        slopes: φ'(z(n)), (steps, cases, size).
        U: (size, size).
        last: for each case the number from 0 of the step whose output is the layer's, (cases,);
            None where the outputs of all steps are.
        depth: the k of truncated backpropagation; None for all steps.

    Example:
        Two linear steps with U = 3: the second output has 3 times what came in at the first.

        >>> ThroughTime(np.ones((2, 1, 1)), np.array([[3.0]])).dense()
        array([[[1., 0.],
                [3., 1.]]])
        >>> ThroughTime(np.ones((2, 1, 1)), np.array([[3.0]]), last=np.array([1])).dense()
        array([[[3., 1.]]])
    """

    __slots__ = ("U", "depth", "last", "slopes")

    def __init__(
        self, slopes: Array, U: Array, last: Array | None = None, depth: int | None = None
    ) -> None:
        self.slopes = slopes
        self.U = U
        self.last = last
        self.depth = depth

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, steps · size)."""
        steps, cases, size = self.slopes.shape
        return (cases, size if self.last is not None else steps * size, steps * size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Backpropagation through time: δ of every step, (cases, steps · size)."""
        return flat_rows(self.deltas(g), out)

    def deltas(self, g: Array, out: Array | None = None) -> Array:
        """The same with the steps first, (steps, cases, size)."""
        return self.from_direct(self.direct(g, out), out)

    def direct(self, g: Array, out: Array | None = None) -> Array:
        """g(n) ⊙ d(n): the δ of every step from its own output alone."""
        placed = self.placed(g, out)
        return np.multiply(placed, self.slopes, out=placed if out is None else out)

    def placed(self, g: Array, out: Array | None = None) -> Array:
        """g at the step that each output is of, 0 elsewhere, (steps, cases, size)."""
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
        """δ of every step, given what each step's own output says."""
        if self.last is None or self.depth is None or self.depth >= len(self.slopes):
            return carry_back(direct, self.slopes, self.U, self.depth, out)
        # Of one output a case the whole derivative is soon made, and cut off behind.
        delta = carry_back(direct, self.slopes, self.U, None, out)
        delta[np.arange(len(delta))[:, None] <= self.last - self.depth] = 0
        return delta

    def jvp(self, v: Array) -> Array:
        """How the outputs move for a change v of the pre-activations, (cases, steps · size)."""
        steps, cases, size = self.slopes.shape
        moved = carry_forth(
            v.reshape(cases, steps, size).swapaxes(0, 1), self.slopes, self.U, self.depth
        )
        return flat_rows(moved) if self.last is None else moved[self.last, np.arange(cases)]

    def cases(self, chosen: slice) -> ThroughTime:
        """See `Jacobian.cases`."""
        last = None if self.last is None else self.last[chosen]
        return ThroughTime(self.slopes[:, chosen], self.U, last, self.depth)

    def _dense(self) -> Array:
        found = influences(self.slopes, self.U, self.depth)
        if self.last is not None:
            found = found[np.arange(len(found)), self.last]
        return found.reshape(self.dense_shape)


class FromStart(Jacobian):
    """∂z/∂h(0): the start state, shared by all cases, moves the first step's z by h(0) U.

    Args:
        U: (size, size).
        count: the number of cases.
        steps: of each case.

    Example:
        >>> FromStart(np.array([[3.0]]), count=1, steps=2).dense()
        array([[[3.],
                [0.]]])
    """

    __slots__ = ("U", "count", "steps")
    per_case = ("count",)

    def __init__(self, U: Array, count: int, steps: int) -> None:
        self.U = U
        self.count = count
        self.steps = steps

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, steps · size, size)."""
        size = len(self.U)
        return (self.count, self.steps * size, size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Σ g(1) Uᵀ over the cases, (size,)."""
        first = sum_of_rows(g[:, : len(self.U)])
        return np.dot(first, self.U.T, out=out)

    def jvp(self, v: Array) -> Array:
        """The change v of h(0), (size,), in every case's first step."""
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
    """∂z(n) by x(n), W, U and, where there are biases, b: the state before held fixed.

    Args:
        x: (steps, cases, features), 0 at padding.
        states: h(0), …, h(steps), (steps + 1, cases, size).
        values: W, (features, size), U, (size, size), and b, (size,), if any.
        lengths: how many steps of each case are real, (cases,); None where all are.
    """
    steps, cases, features = x.shape
    W, size = values["W"], len(values["U"])
    padded = None if lengths is None else padded_steps(lengths, steps)
    of_x = WeightJacobian(flat_rows(x).reshape(-1, features), size)
    of_states = WeightJacobian(flat_rows(states[:-1]).reshape(-1, size), size)
    found: dict[str, Jacobian] = {
        "x": BlockDiagonal(InputJacobian(W, steps * cases), steps, padded),
        "W": Stacked(of_x, steps, padded),
        "U": Stacked(of_states, steps, padded),
    }
    if "b" in values:
        ones = np.ones(steps * cases, x.dtype)
        found["b"] = Stacked(BiasJacobian(ones, size), steps, padded)
    return found


def flat_rows(by_step: Array, out: Array | None = None) -> Array:
    """(steps, cases, size) as rows (cases, steps · size)."""
    steps, cases, size = by_step.shape
    if out is None:
        return by_step.swapaxes(0, 1).reshape(cases, steps * size)
    out.reshape(cases, steps, size)[...] = by_step.swapaxes(0, 1)
    return out
