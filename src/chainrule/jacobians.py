"""Jacobians that know their structure.

A Jacobian is the matrix of a map from an argument (n numbers) to a value (m numbers), one for
each case of a minibatch: J[j, i] = ∂value_j / ∂argument_i. The backward pass multiplies a row
vector by it, ``vjp(g)`` = g J, and never builds the matrix; ``dense()`` builds it, as the
lecture notes write it, so that it can be looked at and multiplied for real.

Shapes: ``vjp`` takes g (cases, m) and gives (cases, n); ``jvp`` takes v (cases, n) and gives
(cases, m); ``dense`` gives (cases, m, n). A parameter is shared by all cases, so the Jacobians
with respect to W and b take and give the parameter's own shape, and their ``vjp`` sums over
the cases. ``cases(...)`` is the Jacobian of some of the cases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import prod

import numpy as np

from chainrule.errors import ShapeError
from chainrule.parameters import Array

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

    __slots__ = ("diagonal",)

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

    def cases(self, chosen: slice) -> Diagonal:
        """See `Jacobian.cases`."""
        return Diagonal(self.diagonal[chosen])

    def _dense(self) -> Array:
        return self.diagonal[:, :, None] * np.eye(self.diagonal.shape[-1], dtype=bool)


class SoftmaxJacobian(Jacobian):
    """diag(s) − s sᵀ: the Jacobian of softmax with respect to its logits.

    Args:
        s: the softmax, shape (cases, n).

    Example:
        >>> SoftmaxJacobian(np.array([[0.25, 0.75]])).dense()
        array([[[ 0.1875, -0.1875],
                [-0.1875,  0.1875]]])
    """

    __slots__ = ("s",)

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
        top = self.s.real.argmax(axis=-1)[..., None]
        g = g - np.take_along_axis(g, top, axis=-1)
        along = (g * self.s).sum(axis=-1, keepdims=True)
        return np.multiply(self.s, g - along, out=out)

    def jvp(self, v: Array) -> Array:
        """s ⊙ (v − v·s)."""
        return self.vjp(v)

    def cases(self, chosen: slice) -> SoftmaxJacobian:
        """See `Jacobian.cases`."""
        return SoftmaxJacobian(self.s[chosen])

    def _dense(self) -> Array:
        # s_j − s_j² loses its digits as s_j nears 1; what the others in its row add up to
        # does not, and every row sums to 0.
        J = -self.s[:, :, None] * self.s[:, None, :]
        j = np.arange(self.s.shape[-1])
        J[:, j, j] = 0
        J[:, j, j] = -J.sum(axis=-1)
        return J


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

    def __init__(self, W: Array, count: int) -> None:
        self.W = W
        self.count = count

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, inputs)."""
        return (self.count, self.W.shape[1], self.W.shape[0])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """G Wᵀ."""
        return np.dot(g, self.W.T, out=out)

    def jvp(self, v: Array) -> Array:
        """V W."""
        return np.dot(v, self.W)

    def cases(self, chosen: slice) -> InputJacobian:
        """See `Jacobian.cases`."""
        return InputJacobian(self.W, len(range(self.count)[chosen]))

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

    def __init__(self, x: Array, outputs: int) -> None:
        self.x = x
        self.outputs = outputs

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, inputs, outputs)."""
        return (*self.x.shape[:1], self.outputs, self.x.shape[1], self.outputs)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """Xᵀ G, shape (inputs, outputs): the outer products x gᵀ summed over the cases."""
        return np.matmul(self.x.T, g, out=out)

    def jvp(self, v: Array) -> Array:
        """X V for a change V of W, shape (inputs, outputs)."""
        return np.dot(self.x, v)

    def cases(self, chosen: slice) -> WeightJacobian:
        """See `Jacobian.cases`."""
        return WeightJacobian(self.x[chosen], self.outputs)

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

    def __init__(self, ones: Array, outputs: int) -> None:
        self.ones = ones
        self.outputs = outputs

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, outputs, outputs)."""
        return (len(self.ones), self.outputs, self.outputs)

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """1ᵀ G: the sum of g over the cases, shape (outputs,)."""
        return np.dot(self.ones, g, out=out)

    def jvp(self, v: Array) -> Array:
        """The change v of b, shape (outputs,), in every case."""
        return np.outer(self.ones, v)

    def cases(self, chosen: slice) -> BiasJacobian:
        """See `Jacobian.cases`."""
        return BiasJacobian(self.ones[chosen], self.outputs)

    def _dense(self) -> Array:
        identity = np.eye(self.outputs, dtype=self.ones.dtype)
        return np.broadcast_to(identity, self.dense_shape).copy()


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
