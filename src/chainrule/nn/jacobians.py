"""Jacobians that know their structure, those of every layer that is neither image nor sequence.

A Jacobian is the matrix of a map from an argument (n numbers) to a value (m numbers), one for
each case of a minibatch: J[j, i] = ∂value_j / ∂argument_i. The backward pass multiplies a row
vector by it, ``vjp(g)`` = g J, and never builds the matrix; ``dense()`` builds it, as the
lecture notes write it, so that it can be looked at and multiplied for real.

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
from math import prod
from typing import Any, ClassVar, Self

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.parameters import ROWS_AT_A_TIME, sum_of_rows

DENSE_LIMIT = 2**24
"""The most numbers that ``dense()`` will build (128 MiB in float64)."""


class Jacobian(ABC):
    """The derivative of a map, one matrix a case."""

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

    @abstractmethod
    def _dense(self) -> Array:
        """The explicit matrices, however large."""

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

    def __repr__(self) -> str:
        """Its structure and the shape that ``dense`` would build."""
        return f"{type(self).__name__}{self.dense_shape}"


def _chosen(values: Any, chosen: slice) -> Any:
    if isinstance(values, int):
        return len(range(values)[chosen])
    return values.cases(chosen) if isinstance(values, Jacobian) else values[chosen]


# Jacobians of z = x W + b by each of its arguments.


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
    """∂z_k / ∂W_ij = x_i [j = k]: the Jacobian of z = x W + b with respect to W.

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
        """The product xᵀ g, (inputs, outputs): the outer products summed over the cases."""
        return np.matmul(self.x.T, g, out=out)

    def jvp(self, v: Array) -> Array:
        """The product x v for a change v of W, shape (inputs, outputs)."""
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
        """The change v of b, shape (outputs,), in every case."""
        return np.outer(self.ones, v)

    def _dense(self) -> Array:
        identity = np.eye(self.outputs, dtype=self.ones.dtype)
        return np.broadcast_to(identity, self.dense_shape).copy()


# Jacobians of functions of one layer's z: elementwise ones, softmax and its logarithm.


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
    """Rows of g less their number where s is largest: g times ∂s/∂z stays what it is.

    The rows of that matrix add up to 0, and it is symmetric; so one number may be taken off all of
    g. Where g is nearly the same for all outputs, its products cancel less after this, and they
    are exactly 0 where it is the same.
    """
    top = g[np.arange(len(s)), s.real.argmax(axis=1)]
    less: Array = g - top[:, None]
    return less


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
        """s ⊙ (g − g·s); the matrix is symmetric.

        Its rows sum to 0, so g may be shifted: it is 0 where s is largest. Otherwise g − g·s
        would lose its digits there as that s nears 1.
        """
        g = from_top(g, self.s)
        along = (g * self.s).sum(axis=-1, keepdims=True)
        return np.multiply(self.s, g - along, out=out)

    def jvp(self, v: Array) -> Array:
        """s ⊙ (v − v·s)."""
        return self.vjp(v)

    def magnitudes(self, least: float = 0.0) -> Jacobian:
        """See `Jacobian.magnitudes`."""
        return SoftmaxTerms(self.s)

    def _dense(self) -> Array:
        # s_j − s_j² loses its digits as s_j nears 1; what the others in its row add up to
        # does not, and every row sums to 0.
        return _with_sums_of_0(-self.s[:, :, None] * self.s[:, None, :])


class SoftmaxTerms(SoftmaxJacobian):
    """diag(s) + s sᵀ: the sizes of the terms of `SoftmaxJacobian`."""

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """s ⊙ (g + g·s)."""
        return np.multiply(self.s, g + (self.s * g).sum(axis=1, keepdims=True), out=out)

    def _dense(self) -> Array:
        outer: Array = self.s[:, :, None] * self.s[:, None, :]
        return outer + self.s[:, :, None] * np.eye(self.s.shape[-1], dtype=bool)


class LogSoftmaxJacobian(SoftmaxJacobian):
    """I − 1 sᵀ: the Jacobian of the logarithms ln s with respect to the logits.

    It is ∂s/∂z with each row i divided by s_i, and holds numbers from −1 to 1 however small
    s_i is.

    Example:
        >>> LogSoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.75, -0.75],
                [-0.25,  0.25]]])
    """

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g_j Σ_{k≠j} s_k − s_j Σ_{i≠j} g_i, which is g − s Σ g: 1 − s_j would lose digits."""
        others = 1 - np.eye(self.s.shape[-1], dtype=self.s.real.dtype)
        return np.subtract(g * (self.s @ others), self.s * (g @ others), out=out)

    def jvp(self, v: Array) -> Array:
        """v − v·s, with v taken from where s is largest."""
        v = from_top(v, self.s)
        return v - (v * self.s).sum(axis=-1, keepdims=True)

    def _dense(self) -> Array:
        return _with_sums_of_0(np.broadcast_to(-self.s[:, None, :], self.dense_shape).copy())


def _with_sums_of_0(J: Array) -> Array:
    """J with what makes each row sum to 0 on its diagonal; in place."""
    j = np.arange(J.shape[-1])
    J[:, j, j] = 0
    J[:, j, j] = -J.sum(axis=-1)
    return J


# Jacobians of maps that only add numbers or move them. Their explicit matrices hold 0 and 1 alone;
# float32 saves memory, and widens to the type of what it is multiplied by.


@dataclass(eq=False, repr=False)
class SumJacobian(Jacobian):
    """[I I … I]: the Jacobian of x₁ + x₂ + … with respect to (x₁ x₂ …) in one row.

    Args:
        count: the number of cases.
        terms: the number k of terms.
        size: n, of each term.

    Example:
        >>> SumJacobian(1, 2, 2).dense()[0].astype(int)
        array([[1, 0, 1, 0],
               [0, 1, 0, 1]])
    """

    count: int
    terms: int
    size: int
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, k n)."""
        return (self.count, self.size, self.terms * self.size)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """(g g … g)."""
        return np.concatenate([g] * self.terms, axis=1, out=out)

    def jvp(self, v: Array) -> Array:
        """The sum v₁ + v₂ + …."""
        return v.reshape(len(v), self.terms, self.size).sum(axis=1)

    def _dense(self) -> Array:
        one = np.tile(np.eye(self.size, dtype="float32"), (1, self.terms))
        return np.broadcast_to(one, self.dense_shape).copy()


@dataclass(eq=False, repr=False)
class Reordering(Jacobian):
    """A permutation matrix: the Jacobian of y = x[order].

    Args:
        count: the number of cases.
        order: the place in x of each number of y, (n,).

    Example:
        >>> J = Reordering(1, np.array([2, 0, 1]))
        >>> J.jvp(np.array([[5.0, 6.0, 7.0]])), J.vjp(np.array([[5.0, 6.0, 7.0]]))
        (array([[7., 5., 6.]]), array([[6., 7., 5.]]))
    """

    count: int
    order: Array
    per_case = ("count",)
    numbers = ()

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (self.count, len(self.order), len(self.order))

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Every number back to its place in x."""
        out = np.empty_like(g) if out is None else out
        out[:, self.order] = g
        return out

    def jvp(self, v: Array) -> Array:
        """v[order]."""
        return v[:, self.order]

    def _dense(self) -> Array:
        one = np.eye(len(self.order), dtype="float32")[self.order]
        return np.broadcast_to(one, self.dense_shape).copy()


# Jacobians made of others: explicit matrices, the chain rule, and rows of either of two.


@dataclass(eq=False, repr=False)
class Explicit(Jacobian):
    """A Jacobian held as its explicit matrices, which are multiplied for real.

    Args:
        matrices: shape (cases, m, n).

    Raises:
        ShapeError: they have another number of axes.
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
    """The same Jacobian as its dense matrices, to be multiplied for real.

    Raises:
        ShapeError: they would be too large.
    """
    return Explicit(jacobian.dense())


@dataclass(eq=False, repr=False)
class Composed(Jacobian):
    """The chain rule: J of f∘g is J of f times J of g.

    Args:
        outer: J of f at g(x), (m, k) a case.
        inner: J of g at x, (k, n) a case.

    Raises:
        ShapeError: the two do not fit.

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
            raise ShapeError(f"{first} does not compose with {second}")

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
    """J of values of which each is one of two functions: its row is that function's.

    Args:
        which: of which values the row is the first one's, (cases, m); of the rest the second's.
        first: J of one function, (m, n) a case.
        second: J of the other, of the same shape.

    Raises:
        ShapeError: the three do not fit.

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
            raise ShapeError(f"rows of {first} and {second} cannot be chosen by {which}")

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
