"""Jacobians of maps that only add numbers or move them."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians.base import Jacobian

NARROW = "float32"
"""Of explicit matrices: they hold 0 and 1 alone, and widen to the type of what they multiply."""


class SumJacobian(Jacobian):
    """[I I … I]: the Jacobian of x₁ + x₂ + … with respect to (x₁ x₂ …) in one row.

    Args:
        cases: how many.
        terms: the number k of terms.
        size: n, of each term.

    Example:
        >>> SumJacobian(1, 2, 2).dense()[0].astype(int)
        array([[1, 0, 1, 0],
               [0, 1, 0, 1]])
    """

    __slots__ = ("_cases", "size", "terms")

    def __init__(self, cases: int, terms: int, size: int) -> None:
        self._cases, self.terms, self.size = cases, terms, size

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, k n)."""
        return (self._cases, self.size, self.terms * self.size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """(g g … g)."""
        return np.concatenate([g] * self.terms, axis=1, out=out)

    def jvp(self, v: Array) -> Array:
        """The sum v₁ + v₂ + …."""
        return v.reshape(len(v), self.terms, self.size).sum(axis=1)

    def cases(self, chosen: slice) -> SumJacobian:
        """See `Jacobian.cases`."""
        return SumJacobian(len(range(self._cases)[chosen]), self.terms, self.size)

    def _dense(self) -> Array:
        one = np.tile(np.eye(self.size, dtype=NARROW), (1, self.terms))
        return np.broadcast_to(one, self.dense_shape).copy()


class Reordering(Jacobian):
    """A permutation matrix: the Jacobian of y = x[order].

    Args:
        cases: how many.
        order: the place in x of each number of y, (n,).

    Example:
        >>> J = Reordering(1, np.array([2, 0, 1]))
        >>> J.jvp(np.array([[5.0, 6.0, 7.0]])), J.vjp(np.array([[5.0, 6.0, 7.0]]))
        (array([[7., 5., 6.]]), array([[6., 7., 5.]]))
    """

    __slots__ = ("_cases", "order")

    def __init__(self, cases: int, order: Array) -> None:
        self._cases, self.order = cases, order

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (self._cases, len(self.order), len(self.order))

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every number back to its place in x."""
        out = np.empty_like(g) if out is None else out
        out[:, self.order] = g
        return out

    def jvp(self, v: Array) -> Array:
        """v[order]."""
        return v[:, self.order]

    def cases(self, chosen: slice) -> Reordering:
        """See `Jacobian.cases`."""
        return Reordering(len(range(self._cases)[chosen]), self.order)

    def _dense(self) -> Array:
        one = np.eye(len(self.order), dtype=NARROW)[self.order]
        return np.broadcast_to(one, self.dense_shape).copy()
