"""Clipping the gradient by its norm."""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np

from chainrule.core.arrays import Array


def norm(gradient: Array) -> float:
    """‖g‖₂ over all parameters, without overflow or underflow of the squares.

    Example:
        >>> norm(np.array([3.0, 4.0])), norm(np.array([0.0, -2e300]))
        (5.0, 2e+300)
    """
    with np.errstate(over="ignore"):
        square = float(np.dot(gradient, gradient))
    if isfinite(square) and square > 1e-280:
        return sqrt(square)
    largest = float(np.abs(gradient).max(initial=0))
    if largest == 0 or not isfinite(largest):
        return largest
    scaled = gradient.astype(np.float64) / largest
    return largest * sqrt(float(np.dot(scaled, scaled)))


def clip_norm(gradient: Array, most: float) -> float:
    """Scale the gradient in place so that its norm is at most c: g ← g · min(1, c / ‖g‖).

    The norm is that of the whole gradient vector, penalty included, not of each array by itself.
    `torch.nn.utils.clip_grad_norm_` does the same if the penalty is part of the loss, except that
    it divides by ‖g‖ + 1e-6, so that its result is slightly shorter than c.

    Source: Pascanu, Mikolov and Bengio, *On the difficulty of training recurrent neural networks*
    (2013), algorithm 1.

    Args:
        gradient: the gradient of all parameters, finite.
        most: c, above 0.

    Returns:
        ‖g‖ before clipping.

    Example:
        >>> g = np.array([3.0, 4.0])
        >>> clip_norm(g, 10.0), clip_norm(g, 1.0), g
        (5.0, 5.0, array([0.6, 0.8]))
    """
    found = norm(gradient)
    if found > most:
        gradient *= most / found
    return found
