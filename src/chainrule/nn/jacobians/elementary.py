"""Jacobians of z = x W + b by each of its arguments."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians.base import Jacobian
from chainrule.nn.parameters import ROWS_AT_A_TIME, sum_of_rows


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

    __slots__ = ("W", "count")
    per_case = ("count",)
    numbers = ("W",)

    def __init__(self, W: Array, count: int) -> None:
        self.W = W
        self.count = count

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

    __slots__ = ("outputs", "x")
    per_case = numbers = ("x",)

    def __init__(self, x: Array, outputs: int) -> None:
        self.x = x
        self.outputs = outputs

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


class BiasJacobian(Jacobian):
    """The identity: the Jacobian of z = x W + b with respect to b.

    Args:
        ones: a 1 for every case, shape (cases,).
        outputs: the number of outputs.

    Example:
        >>> BiasJacobian(np.ones(2), outputs=1).vjp(np.array([[3.0], [4.0]]))
        array([7.])
    """

    __slots__ = ("ones", "outputs")
    per_case = ("ones",)
    numbers = ()

    def __init__(self, ones: Array, outputs: int) -> None:
        self.ones = ones
        self.outputs = outputs

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

    __slots__ = per_case = ("diagonal",)

    def __init__(self, diagonal: Array) -> None:
        self.diagonal = diagonal

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
    """g less its number where s is largest, a row: g times ∂s/∂z stays what it is.

    The rows of that matrix add up to 0, and it is symmetric; so one number may be taken off all of
    g. Where g is nearly the same for all outputs, its products cancel less after this, and they
    are exactly 0 where it is the same.
    """
    top = g[np.arange(len(s)), s.real.argmax(axis=1)]
    less: Array = g - top[:, None]
    return less


class SoftmaxJacobian(Jacobian):
    """diag(s) − s sᵀ: the Jacobian of softmax with respect to its logits.

    Args:
        s: the softmax, shape (cases, n).

    Example:
        >>> SoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.1875, -0.1875],
                [-0.1875,  0.1875]]])
    """

    __slots__ = per_case = ("s",)

    def __init__(self, s: Array) -> None:
        self.s = s

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

    __slots__ = ()

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

    Args:
        s: the softmax, shape (cases, n).

    Example:
        >>> LogSoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.75, -0.75],
                [-0.25,  0.25]]])
    """

    __slots__ = ()

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


# Jacobians of maps that only add numbers or move them.

NARROW = "float32"
"""Of explicit matrices: they hold 0 and 1 alone, and widen to the type of what they multiply."""


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

    __slots__ = ("count", "size", "terms")
    per_case = ("count",)
    numbers = ()

    def __init__(self, count: int, terms: int, size: int) -> None:
        self.count, self.terms, self.size = count, terms, size

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
        one = np.tile(np.eye(self.size, dtype=NARROW), (1, self.terms))
        return np.broadcast_to(one, self.dense_shape).copy()


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

    __slots__ = ("count", "order")
    per_case = ("count",)
    numbers = ()

    def __init__(self, count: int, order: Array) -> None:
        self.count, self.order = count, order

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
        one = np.eye(len(self.order), dtype=NARROW)[self.order]
        return np.broadcast_to(one, self.dense_shape).copy()
