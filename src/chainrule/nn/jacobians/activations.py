"""Jacobians of functions of one layer's z: elementwise ones, softmax and its logarithm."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.jacobians.base import Jacobian


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
        g = from_top(g, self.s)
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
        return _with_sums_of_0(-self.s[:, :, None] * self.s[:, None, :])


class LogSoftmaxJacobian(Jacobian):
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

    __slots__ = ("s",)

    def __init__(self, s: Array) -> None:
        self.s = s

    @property
    def dense_shape(self) -> tuple[int, ...]:
        """(cases, n, n)."""
        return (*self.s.shape, self.s.shape[-1])

    def vjp(self, g: Array, out: Array | None = None) -> Array:
        """g_j Σ_{k≠j} s_k − s_j Σ_{i≠j} g_i, which is g − s Σ g: 1 − s_j would lose digits."""
        others = 1 - np.eye(self.s.shape[-1], dtype=self.s.real.dtype)
        return np.subtract(g * (self.s @ others), self.s * (g @ others), out=out)

    def jvp(self, v: Array) -> Array:
        """v − v·s, with v taken from where s is largest."""
        v = from_top(v, self.s)
        return v - (v * self.s).sum(axis=-1, keepdims=True)

    def cases(self, chosen: slice) -> LogSoftmaxJacobian:
        """See `Jacobian.cases`."""
        return LogSoftmaxJacobian(self.s[chosen])

    def _dense(self) -> Array:
        return _with_sums_of_0(np.broadcast_to(-self.s[:, None, :], self.dense_shape).copy())


def _with_sums_of_0(J: Array) -> Array:
    """J with what makes each row sum to 0 on its diagonal; in place."""
    j = np.arange(J.shape[-1])
    J[:, j, j] = 0
    J[:, j, j] = -J.sum(axis=-1)
    return J
