"""The mean cross-entropy of probabilities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from chainrule.core.arrays import as_numbers
from chainrule.core.errors import ShapeError
from chainrule.nn.losses import CrossEntropy

from .layer import Array, floats


class CrossEntropyLayer:
    """L(x, t) = −(1/N) Σ t ln x over N cases; ∂L/∂x = −t / (N x).

    Nothing is clipped: a true class of probability 0 costs infinity. `Sequential` computes the
    loss from the logits instead, where it stays finite.

    Example:
        >>> loss = CrossEntropyLayer()
        >>> round(loss.forward([[0.5, 0.5], [0.25, 0.75]], [[1, 0], [0, 1]]), 6)
        0.490415
        >>> loss.backward()
        array([[-1.        , -0.        ],
               [-0.        , -0.66666667]])
    """

    def __init__(self) -> None:
        self._loss = CrossEntropy()
        self._x: Array | None = None
        self._t: Array | None = None

    def forward(self, x: npt.ArrayLike, t: npt.ArrayLike) -> float:
        """The mean loss.

        Args:
            x: probabilities, (cases, classes).
            t: one-hot rows, (cases, classes), or class numbers, (cases,).

        Raises:
            ShapeError: they do not fit each other.
        """
        x = floats(x)
        if x.ndim != 2 or not len(x):
            raise ShapeError(f"x has shape (cases, classes), found {x.shape}")
        t = self._loss.prepare(t, x.shape[1], x.dtype)
        if len(t) != len(x):
            raise ShapeError(f"{len(x)} cases have {len(t)} targets")
        self.saw(x, t)
        with np.errstate(divide="ignore"):
            return float(self._loss.value(x, t))

    def backward(self, y_grad: npt.ArrayLike | None = None) -> Array:
        """∂L/∂x, (cases, classes), times ``y_grad`` where something follows the loss."""
        if self._x is None or self._t is None:
            raise ShapeError("backward follows forward")
        with np.errstate(divide="ignore"):
            J = self._loss.jacobian(self._x, self._t)
        return J if y_grad is None else J * as_numbers(y_grad, "y_grad", "biuf")

    def saw(self, x: Array, t: Array) -> None:
        """A forward pass on ``x`` and prepared ``t`` was made elsewhere."""
        self._x, self._t = x, t
