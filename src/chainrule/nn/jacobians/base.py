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
from math import prod

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError

DENSE_LIMIT = 2**24
"""The most numbers that ``dense()`` will build (128 MiB in float64)."""


class Jacobian(ABC):
    """The derivative of a map, one matrix a case."""

    __slots__ = ()

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

    @abstractmethod
    def cases(self, chosen: slice) -> Jacobian:
        """The same for some of the cases only."""

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


class Explicit(Jacobian):
    """A Jacobian held as its explicit matrices, which are multiplied for real.

    Args:
        matrices: shape (cases, m, n).

    Raises:
        ShapeError: they have another number of axes.
    """

    __slots__ = ("matrices",)

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

    def cases(self, chosen: slice) -> Explicit:
        """See `Jacobian.cases`."""
        return Explicit(self.matrices[chosen])

    def _dense(self) -> Array:
        return self.matrices


def explicit(jacobian: Jacobian) -> Explicit:
    """The same Jacobian as its dense matrices, to be multiplied for real.

    Raises:
        ShapeError: they would be too large.
    """
    return Explicit(jacobian.dense())
