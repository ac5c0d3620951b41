"""Jacobians of functions of one layer's z: elementwise ones, and softmax."""

from __future__ import annotations

import numpy as np

from chainrule.jacobians.base import Jacobian
from chainrule.parameters import Array


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
