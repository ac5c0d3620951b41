"""Jacobians that know their structure.

A Jacobian is the matrix of a map from an argument (n numbers) to a value (m numbers), one for
each case of a minibatch: J[j, i] = ∂value_j / ∂argument_i. The backward pass multiplies a row
vector by it, ``vjp(g)`` = g J, and never builds the matrix; ``dense()`` builds it, as the
lecture notes write it, so that it can be looked at and multiplied for real.

Shapes: ``vjp`` takes g (cases, m) and gives (cases, n); ``jvp`` takes v (cases, n) and gives
(cases, m); ``dense`` gives (cases, m, n). A parameter is shared by all cases, so the Jacobians
with respect to W and b take and give the parameter's own shape, and their ``vjp`` sums over
the cases. ``cases(...)`` is the Jacobian of some of the cases. Where the value of one case depends
on the others as well, as in batch normalisation, ``dense`` gives (cases, m, cases, n).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError

DENSE_LIMIT = 2**24
"""The most numbers that ``dense()`` will build (128 MiB in float64)."""


class Jacobian(ABC):
    """The derivative of a map, one matrix a case."""

    __slots__ = ()
    per_case: ClassVar[tuple[str, ...]] = ()
    """Which attributes hold something for each case: arrays, Jacobians, or the number of cases."""

    numbers: ClassVar[tuple[str, ...] | None] = None
    """Which attributes hold the numbers of the matrices: arrays or Jacobians. Apart from these the
    matrices hold only numbers of at least 0. None where that is not known."""

    @property
    @abstractmethod
    def dense_shape(self) -> tuple[int, ...]:
        """The shape of what ``dense`` builds, the cases first."""

    @abstractmethod
    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The row vectors g times J: what the backward pass uses."""

    @abstractmethod
    def jvp(self, v: Array) -> Array:
        """J times the column vectors v: how the value moves as the argument moves along v."""

    def cases(self, chosen: slice) -> Self:
        """The same for some of the cases only."""
        found = copy(self)
        for name in self.per_case:
            setattr(found, name, _chosen(getattr(self, name), chosen))
        return found

    def magnitudes(self, least: float = 0.0) -> Jacobian | None:
        """The Jacobian made of magnitudes in place of the numbers; None where it is not known.

        Multiplied by the magnitudes of g it gives the sizes of the terms that g J is the sum of,
        from which a check of gradients knows how far rounding may move g J.

        Args:
            least: added to the slopes of an activation.
        """
        if self.numbers is None:
            return None
        found = copy(self)
        for name in self.numbers:
            values = getattr(self, name)
            inner = values.magnitudes(least) if isinstance(values, Jacobian) else np.abs(values)
            if inner is None:
                return None
            setattr(found, name, inner)
        return found

    @abstractmethod
    def _dense(self) -> Array:
        """The explicit matrices, however large."""

    def __repr__(self) -> str:
        """Its structure and the shape that ``dense`` would build."""
        return f"{type(self).__name__}{self.dense_shape}"

    def dense(self) -> Array:
        """The explicit matrices, one a case.

        Raises:
            ShapeError: they would hold more than `DENSE_LIMIT` numbers.
        """
        size = prod(self.dense_shape)
        if size > DENSE_LIMIT:
            raise ShapeError(
                f"an explicit Jacobian of shape {self.dense_shape} would hold {size:,} numbers, "
                f"more than the limit of {DENSE_LIMIT:,}; take fewer cases at a time"
            )
        return self._dense()


def _chosen(values: Any, chosen: slice) -> Any:
    if isinstance(values, int):
        return len(range(values)[chosen])
    return values.cases(chosen) if isinstance(values, Jacobian) else values[chosen]


class Explicit(Jacobian):
    """A Jacobian held as its explicit matrices, which are multiplied for real.

    Args:
        matrices: shape (cases, m, n).

    Raises:
        ShapeError: they have another number of axes.
    """

    __slots__ = per_case = numbers = ("matrices",)

    def __init__(self, matrices: Array) -> None:
        if matrices.ndim != 3:
            raise ShapeError(f"one matrix a case has shape (cases, m, n), found {matrices.shape}")
        self.matrices = matrices

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, m, n)."""
        return self.matrices.shape

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Each case's row vector times its matrix."""
        product = np.matmul(g[:, None, :], self.matrices)[:, 0, :]
        if out is None:
            return product
        out[...] = product
        return out

    def jvp(self, v: Array) -> Array:
        """Each case's matrix times its column vector."""
        return np.matmul(self.matrices, v[:, :, None])[:, :, 0]

    def _dense(self) -> Array:
        return self.matrices


def explicit(jacobian: Jacobian) -> Explicit:
    """The same Jacobian as its dense matrices, to be multiplied for real.

    Raises:
        ShapeError: they would be too large.
    """
    return Explicit(jacobian.dense())


# Jacobians made of two others: the chain rule, the sum, and rows of either.


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

    __slots__ = per_case = ("inner", "outer")

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

    __slots__ = per_case = ("first", "second")

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

    __slots__ = per_case = ("first", "second", "which")

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

    def _dense(self) -> Array:
        return np.where(self.which[:, :, None], self.first.dense(), self.second.dense())
