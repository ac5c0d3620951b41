"""Jacobians made of two others: the chain rule, and the sum."""

from __future__ import annotations

import numpy as np

from chainrule.errors import ShapeError
from chainrule.jacobians.base import Jacobian
from chainrule.parameters import Array


class Composed(Jacobian):
    """The chain rule: J of f∘g is J of f times J of g.

    Args:
        outer: J of f at g(x), (m, k) a case.
        inner: J of g at x, (k, n) a case.

    Raises:
        ShapeError: the two do not fit.

    Example:
        >>> from chainrule.jacobians import Diagonal, InputJacobian
        >>> J = Composed(Diagonal(np.array([[2.0]])), InputJacobian(np.array([[1.0], [3.0]]), 1))
        >>> J.dense()
        array([[[2., 6.]]])
    """

    __slots__ = ("inner", "outer")

    def __init__(self, outer: Jacobian, inner: Jacobian) -> None:
        first, second = outer.dense_shape, inner.dense_shape
        if len(first) != 3 or (first[0], first[2]) != second[:2]:
            raise ShapeError(f"{first} does not compose with {second}")
        self.outer = outer
        self.inner = inner

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, m, n...)."""
        return (*self.outer.dense_shape[:2], *self.inner.dense_shape[2:])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """(g J_outer) J_inner."""
        return self.inner.vjp(self.outer.vjp(g), out=out)

    def jvp(self, v: Array) -> Array:
        """J_outer (J_inner v)."""
        return self.outer.jvp(self.inner.jvp(v))

    def cases(self, chosen: slice) -> Composed:
        """See `Jacobian.cases`."""
        return Composed(self.outer.cases(chosen), self.inner.cases(chosen))

    def _dense(self) -> Array:
        inner = self.inner.dense()
        columns = inner.reshape(*inner.shape[:2], -1)
        return np.matmul(self.outer.dense(), columns).reshape(self.dense_shape)


class Sum(Jacobian):
    """J of f + g, both of the same argument, is the sum of the two.

    Args:
        first: J of f.
        second: J of g, of the same shape.

    Raises:
        ShapeError: the two do not fit.
    """

    __slots__ = ("first", "second")

    def __init__(self, first: Jacobian, second: Jacobian) -> None:
        if first.dense_shape != second.dense_shape:
            raise ShapeError(f"{first.dense_shape} cannot be added to {second.dense_shape}")
        self.first = first
        self.second = second

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """That of both."""
        return self.first.dense_shape

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g J_first + g J_second."""
        return np.add(self.first.vjp(g), self.second.vjp(g), out=out)

    def jvp(self, v: Array) -> Array:
        """J_first v + J_second v."""
        return self.first.jvp(v) + self.second.jvp(v)

    def cases(self, chosen: slice) -> Sum:
        """See `Jacobian.cases`."""
        return Sum(self.first.cases(chosen), self.second.cases(chosen))

    def _dense(self) -> Array:
        return self.first.dense() + self.second.dense()
