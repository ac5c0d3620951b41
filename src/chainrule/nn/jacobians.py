"""Jacobian matrices that are stored by their structure, such as a diagonal, not in full.

These are the Jacobians of all layers except those on images, on sequences, and of several inputs.

A Jacobian is the matrix of the derivatives of a map from an argument (n numbers) to a value
(m numbers), with one matrix for each case of a minibatch: J[j, i] = ∂value_j / ∂argument_i. The
backward pass multiplies a row vector by it, ``vjp(g)`` = g J, without building the matrix.
``dense()`` builds the matrix, as a textbook writes it, to be shown or multiplied explicitly.

Shapes: ``vjp`` takes g (cases, m) and gives (cases, n); ``jvp`` takes v (cases, n) and gives
(cases, m); ``dense`` gives (cases, m, n). A parameter is shared by all cases, so the Jacobians
with respect to W and b take and give the parameter's own shape, and their ``vjp`` sums over
the cases. Where the value of one case depends on the others as well, as in batch normalisation,
``dense`` gives (cases, m, cases, n).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from inspect import getdoc
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.core import html
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.core.notation import counted, sizes_text
from chainrule.nn.parameters import ROWS_AT_A_TIME, sum_of_rows

DENSE_LIMIT = 2**24
"""The largest number of elements that ``dense()`` builds (128 MiB in float64)."""

MOST_SHOWN = 2**22
"""Of a case with more elements than this, a notebook shows the structure alone."""


class Jacobian(ABC):
    """The Jacobian matrices of a map, one for each case."""

    per_case: ClassVar[tuple[str, ...]] = ()
    """The names of the attributes that depend on the cases: arrays whose first axis counts the
    cases, Jacobians, or the number of cases."""

    numbers: ClassVar[tuple[str, ...] | None] = None
    """The names of the attributes, arrays or Jacobians, whose absolute values give the matrices of
    absolute values |J|; all other elements of the matrices are at least 0. None if |J| cannot be
    found in this way."""

    @property
    @abstractmethod
    def dense_shape(self) -> tuple[int, ...]:
        """The shape of the array that ``dense`` builds; its first axis counts the cases."""

    @abstractmethod
    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The vector-Jacobian product g J of each case's row vector, used in the backward pass."""

    @abstractmethod
    def jvp(self, v: Array) -> Array:
        """The Jacobian-vector product J v of each case: the derivative of the value along v."""

    @abstractmethod
    def _dense(self) -> Array:
        """The explicit matrices, without a limit on their size."""

    def dense(self) -> Array:
        """The explicit matrices, one for each case.

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

    def cases(self, chosen: slice) -> Self:
        """The Jacobian of the ``chosen`` cases only."""
        found = copy(self)
        for name in self.per_case:
            setattr(found, name, _chosen(getattr(self, name), chosen))
        return found

    def magnitudes(self, least: float = 0.0) -> Jacobian | None:
        """The matrices of absolute values |J|, as a Jacobian; None if they are not known.

        |g| |J| is the sum of the absolute values of the terms that are added up in g J. From it,
        a gradient check bounds the rounding error of g J.

        Args:
            least: added to each |φ'(z)| in the Jacobian of an activation φ.
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

    def __repr__(self) -> str:
        """The class, which tells the structure, and the shape of the explicit matrices."""
        return f"{type(self).__name__}{self.dense_shape}"

    @html.never_fails
    def _repr_html_(self) -> str:
        """The structure in words, and the matrix of the first case, shortened."""
        cases, *shape = self.dense_shape
        sizes = sizes_text(shape)
        title = f"{type(self).__name__}: {counted(cases, 'case')}, {sizes} numbers each"
        told = " ".join((getdoc(type(self)) or "").split("\n\n")[0].split())
        if not cases or prod(shape) > MOST_SHOWN:
            return html.piece(title, html.lines(told))
        first = self.cases(slice(0, 1)).dense()[0]
        which = f"Of case 1 of {cases:,}, a" if cases > 1 else "A"
        where = f"{which} row for each value and a column for each argument:"
        return html.piece(title, html.lines(told, where), html.matrix(first))


def _chosen(values: Any, chosen: slice) -> Any:
    """The part of an attribute, as listed in `Jacobian.per_case`, for the chosen cases."""
    if isinstance(values, int):
        return len(range(values)[chosen])
    return values.cases(chosen) if isinstance(values, Jacobian) else values[chosen]


# Jacobians of z = x W + b with respect to x, W and b.


@dataclass(eq=False, repr=False)
class InputJacobian(Jacobian):
    """Wᵀ: the Jacobian of z = x W + b with respect to x, the same for every case.

    Args:
        W: shape (inputs, outputs).
        count: the number of cases.

    Example:
        >>> InputJacobian(np.array([[1.0, 2.0, 3.0]]), count=1).dense()
        array([[[1.],
                [2.],
                [3.]]])
    """

    W: Array
    count: int
    per_case = ("count",)
    numbers = ("W",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, inputs)."""
        return (self.count, self.W.shape[1], self.W.shape[0])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The rows g Wᵀ."""
        return np.dot(g, self.W.T, out=out)

    def jvp(self, v: Array) -> Array:
        """The rows v W."""
        return np.dot(v, self.W)

    def _dense(self) -> Array:
        return np.broadcast_to(self.W.T, self.dense_shape).copy()


@dataclass(eq=False, repr=False)
class WeightJacobian(Jacobian):
    """The Jacobian of z = x W + b with respect to W: ∂z_k / ∂W_ij = x_i if j = k, else 0.

    Args:
        x: the layer's inputs, shape (cases, inputs).
        outputs: the number of outputs.

    Example:
        >>> J = WeightJacobian(np.array([[2.0, 5.0]]), outputs=1)
        >>> J.vjp(np.array([[10.0]]))
        array([[20.],
               [50.]])
        >>> J.dense_shape
        (1, 1, 2, 1)
    """

    x: Array
    outputs: int
    per_case = numbers = ("x",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, inputs, outputs)."""
        return (*self.x.shape[:1], self.outputs, self.x.shape[1], self.outputs)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The product xᵀ g, (inputs, outputs): outer products of x and g, summed over cases."""
        return np.matmul(self.x.T, g, out=out)

    def jvp(self, v: Array) -> Array:
        """The product x v, (cases, outputs), for a change v of W, (inputs, outputs)."""
        return np.dot(self.x, v)

    def _dense(self) -> Array:
        identity = np.eye(self.outputs, dtype=bool)
        return self.x[:, None, :, None] * identity[None, :, None, :]


@dataclass(eq=False, repr=False)
class BiasJacobian(Jacobian):
    """The identity: the Jacobian of z = x W + b with respect to b.

    Args:
        ones: a 1 for every case, shape (cases,).
        outputs: the number of outputs.

    Example:
        >>> BiasJacobian(np.ones(2), outputs=1).vjp(np.array([[3.0], [4.0]]))
        array([7.])
    """

    ones: Array
    outputs: int
    per_case = ("ones",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, outputs)."""
        return (len(self.ones), self.outputs, self.outputs)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """The product 1ᵀ g: the sum of g over the cases, shape (outputs,)."""
        if len(g) > ROWS_AT_A_TIME:
            return sum_of_rows(g, out)
        return np.dot(self.ones, g, out=out)

    def jvp(self, v: Array) -> Array:
        """The change v of b, (outputs,), repeated for each case: (cases, outputs)."""
        return np.outer(self.ones, v)

    def _dense(self) -> Array:
        identity = np.eye(self.outputs, dtype=self.ones.dtype)
        return np.broadcast_to(identity, self.dense_shape).copy()


# Jacobians of functions of a layer's z: elementwise functions, softmax, and log-softmax.


@dataclass(eq=False, repr=False)
class Diagonal(Jacobian):
    """diag(d): the Jacobian of an elementwise function, such as an activation.

    Args:
        diagonal: d = φ'(z), shape (cases, n).

    Example:
        >>> J = Diagonal(np.array([[2.0, 3.0]]))
        >>> J.vjp(np.array([[1.0, 10.0]]))
        array([[ 2., 30.]])
        >>> J.dense()
        array([[[2., 0.],
                [0., 3.]]])
    """

    diagonal: Array
    per_case = ("diagonal",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (*self.diagonal.shape, self.diagonal.shape[-1])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g ⊙ d."""
        return np.multiply(g, self.diagonal, out=out)

    def jvp(self, v: Array) -> Array:
        """d ⊙ v."""
        return self.diagonal * v

    def magnitudes(self, least: float = 0.0) -> Diagonal:
        """See `Jacobian.magnitudes`."""
        return Diagonal(np.abs(self.diagonal) + least)

    def _dense(self) -> Array:
        return self.diagonal[:, :, None] * np.eye(self.diagonal.shape[-1], dtype=bool)


def from_top(g: Array, s: Array) -> Array:
    """g, with g_k subtracted from each of its rows, where k is the index of the largest s_k.

    This does not change g J for the Jacobian J = ∂s/∂z = diag(s) − s sᵀ of softmax: each column of
    J sums to 0, so that a constant may be subtracted from all elements of a row of g. It reduces
    the cancellation in g J if the elements of the row are nearly equal. If they are equal, g J is
    exactly 0.

    Args:
        g: row vectors, (cases, n).
        s: the softmax, (cases, n).
    """
    top = g[np.arange(len(s)), s.real.argmax(axis=1)]
    shifted: Array = g - top[:, None]
    return shifted


@dataclass(eq=False, repr=False)
class SoftmaxJacobian(Jacobian):
    """diag(s) − s sᵀ: the Jacobian of softmax with respect to its logits.

    Args:
        s: the softmax, shape (cases, n).

    Example:
        >>> SoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.1875, -0.1875],
                [-0.1875,  0.1875]]])
    """

    s: Array
    per_case = ("s",)

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (*self.s.shape, self.s.shape[-1])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """s ⊙ (g − (g·s) 1).

        g is first shifted by `from_top`, which makes it 0 where s is largest. Without this shift,
        g_k − g·s at the index k of the largest s_k would lose digits by cancellation as s_k
        approaches 1.
        """
        g = from_top(g, self.s)
        mean = (g * self.s).sum(axis=-1, keepdims=True)
        return np.multiply(self.s, g - mean, out=out)

    def jvp(self, v: Array) -> Array:
        """s ⊙ (v − (s·v) 1); the same as ``vjp``, because the matrix is symmetric."""
        return self.vjp(v)

    def magnitudes(self, least: float = 0.0) -> Jacobian:
        """See `Jacobian.magnitudes`."""
        return SoftmaxTerms(self.s)

    def _dense(self) -> Array:
        # The diagonal s_j − s_j² would lose digits by cancellation as s_j approaches 1. It equals
        # minus the sum of the other elements in its row, which keeps its digits.
        return _with_zero_row_sums(-self.s[:, :, None] * self.s[:, None, :])


class SoftmaxTerms(SoftmaxJacobian):
    """diag(s) + s sᵀ: the absolute values of the terms of diag(s) − s sᵀ, added up."""

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """s ⊙ (g + (g·s) 1)."""
        return np.multiply(self.s, g + (self.s * g).sum(axis=1, keepdims=True), out=out)

    def _dense(self) -> Array:
        outer: Array = self.s[:, :, None] * self.s[:, None, :]
        return outer + self.s[:, :, None] * np.eye(self.s.shape[-1], dtype=bool)


class LogSoftmaxJacobian(SoftmaxJacobian):
    """I − 1 sᵀ: the Jacobian of log-softmax, ln s, with respect to the logits.

    Its row i is row i of ∂s/∂z divided by s_i. Its elements lie between −1 and 1, however small
    s_i is.

    Example:
        >>> LogSoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.75, -0.75],
                [-0.25,  0.25]]])
    """

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g − (Σ_i g_i) s.

        It is computed as g_j Σ_{k≠j} s_k − s_j Σ_{i≠j} g_i for each j. The factor of g_j equals
        1 − s_j, a difference that would lose digits by cancellation as s_j approaches 1.
        """
        others = 1 - np.eye(self.s.shape[-1], dtype=self.s.real.dtype)
        return np.subtract(g * (self.s @ others), self.s * (g @ others), out=out)

    def jvp(self, v: Array) -> Array:
        """v − (s·v) 1, with v shifted by `from_top` first: J times a constant vector is 0."""
        v = from_top(v, self.s)
        return v - (v * self.s).sum(axis=-1, keepdims=True)

    def _dense(self) -> Array:
        return _with_zero_row_sums(np.broadcast_to(-self.s[:, None, :], self.dense_shape).copy())


def _with_zero_row_sums(J: Array) -> Array:
    """Set the diagonal of each matrix, in place, so that each row sums to 0; return J."""
    j = np.arange(J.shape[-1])
    J[:, j, j] = 0
    J[:, j, j] = -J.sum(axis=-1)
    return J


# Jacobians made from others: as explicit matrices, by the chain rule, and by a choice of rows.


@dataclass(eq=False, repr=False)
class Explicit(Jacobian):
    """A Jacobian stored as explicit matrices; its products are matrix products.

    Args:
        matrices: shape (cases, m, n).

    Raises:
        ShapeError: the array does not have three axes.
    """

    matrices: Array
    per_case = numbers = ("matrices",)

    def __post_init__(self) -> None:
        if self.matrices.ndim != 3:
            shape = self.matrices.shape
            raise ShapeError(f"one matrix a case has shape (cases, m, n), found {shape}")

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
    """The same Jacobian, stored as explicit matrices.

    Raises:
        ShapeError: the matrices would hold more than `DENSE_LIMIT` numbers.
    """
    return Explicit(jacobian.dense())


@dataclass(eq=False, repr=False)
class Composed(Jacobian):
    """The chain rule: the Jacobian of f∘g is that of f times that of g.

    Args:
        outer: the Jacobian of f at g(x), one (m, k) matrix for each case.
        inner: the Jacobian of g at x, one (k, n) matrix for each case, or (k, n...) if x is a
            parameter with several axes.

    Raises:
        ShapeError: the shapes of the two do not fit together.

    Example:
        >>> J = Composed(Diagonal(np.array([[2.0]])), InputJacobian(np.array([[1.0], [3.0]]), 1))
        >>> J.dense()
        array([[[2., 6.]]])
    """

    outer: Jacobian
    inner: Jacobian
    per_case = ("outer", "inner")

    def __post_init__(self) -> None:
        first, second = self.outer.dense_shape, self.inner.dense_shape
        if len(first) != 3 or (first[0], first[2]) != second[:2]:
            raise ShapeError(
                f"a Jacobian of shape {first} does not compose with one of shape {second}"
            )

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


@dataclass(eq=False, repr=False)
class RowsOf(Jacobian):
    """The Jacobian of y, where y_j = f_j(x) for some j and y_j = h_j(x) for the others.

    Its row j is therefore row j of the Jacobian of f, or of the Jacobian of h.

    Args:
        which: True where y_j = f_j(x), False where y_j = h_j(x), shape (cases, m).
        first: the Jacobian of f, one (m, n) matrix for each case.
        second: the Jacobian of h, of the same shape.

    Raises:
        ShapeError: the three shapes do not fit together.

    Example:
        >>> one, ten = Diagonal(np.ones((1, 2))), Diagonal(np.full((1, 2), 10.0))
        >>> RowsOf(np.array([[False, True]]), one, ten).dense()
        array([[[10.,  0.],
                [ 0.,  1.]]])
    """

    which: Array
    first: Jacobian
    second: Jacobian
    per_case = ("which", "first", "second")

    def __post_init__(self) -> None:
        which, first, second = self.which.shape, self.first.dense_shape, self.second.dense_shape
        if not which == first[:2] == second[:2]:
            raise ShapeError(
                f"Jacobian rows of shape {first} and {second} cannot be chosen by shape {which}"
            )

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, m, n), the shape of both Jacobians."""
        return self.first.dense_shape

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g_f J_f + g_h J_h, where g_f is g with 0 where y_j = h_j(x), and g_h = g − g_f."""
        zero = g.dtype.type(0)
        of_first = self.first.vjp(np.where(self.which, g, zero))
        return np.add(of_first, self.second.vjp(np.where(self.which, zero, g)), out=out)

    def jvp(self, v: Array) -> Array:
        """J_f v where y_j = f_j(x), and J_h v elsewhere."""
        return np.where(self.which, self.first.jvp(v), self.second.jvp(v))

    def _dense(self) -> Array:
        return np.where(self.which[:, :, None], self.first.dense(), self.second.dense())
