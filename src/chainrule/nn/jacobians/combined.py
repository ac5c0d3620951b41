"""Jacobians made of two others: the chain rule, the sum, and rows of either."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.jacobians.base import Jacobian


class Composed(Jacobian):
    """The chain rule: J of f∘g is J of f times J of g.

    Args:
        outer: J of f at g(x), (m, k) a case.
        inner: J of g at x, (k, n) a case.

    Raises:
        ShapeError: the two do not fit.

    Example:
        >>> from chainrule.nn.jacobians import Diagonal, InputJacobian
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


class RowsOf(Jacobian):
    """J of values of which each is one of two functions: its row is that function's.

    Args:
        which: of which values the row is the first one's, (cases, m); of the rest the second's.
        first: J of one function, (m, n) a case.
        second: J of the other, of the same shape.

    Raises:
        ShapeError: the three do not fit.

    Example:
        >>> from chainrule.nn.jacobians import Diagonal
        >>> one, ten = Diagonal(np.ones((1, 2))), Diagonal(np.full((1, 2), 10.0))
        >>> RowsOf(np.array([[False, True]]), one, ten).dense()
        array([[[10.,  0.],
                [ 0.,  1.]]])
    """

    __slots__ = ("first", "second", "which")

    def __init__(self, which: Array, first: Jacobian, second: Jacobian) -> None:
        if not which.shape == first.dense_shape[:2] == second.dense_shape[:2]:
            shapes = f"{first.dense_shape} and {second.dense_shape}"
            raise ShapeError(f"rows of {shapes} cannot be chosen by {which.shape}")
        self.which = which
        self.first = first
        self.second = second

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """That of both."""
        return self.first.dense_shape

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each function's J times the part of g that belongs to its values."""
        none = g.dtype.type(0)
        of_first = self.first.vjp(np.where(self.which, g, none))
        return np.add(of_first, self.second.vjp(np.where(self.which, none, g)), out=out)

    def jvp(self, v: Array) -> Array:
        """Each value as its function moves."""
        return np.where(self.which, self.first.jvp(v), self.second.jvp(v))

    def cases(self, chosen: slice) -> RowsOf:
        """See `Jacobian.cases`."""
        return RowsOf(self.which[chosen], self.first.cases(chosen), self.second.cases(chosen))

    def _dense(self) -> Array:
        return np.where(self.which[:, :, None], self.first.dense(), self.second.dense())
