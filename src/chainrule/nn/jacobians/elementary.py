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
        if len(g) > ROWS_AT_A_TIME:
            return sum_of_rows(g, out)
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
