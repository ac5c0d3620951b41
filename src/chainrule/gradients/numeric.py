"""Numeric differentiation, and the relative error of two gradients.

The central difference needs a function of real numbers only, and its error is about 1e-12 of the
function's value. The complex step needs a function that takes complex numbers; it subtracts
nothing and is right to the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import frexp
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers

COMPLEX_STEP = 1e-30

OTHER_STEPS = (1e-9, 1e-18, 1e-60, 1e-100)
"""Complex steps to try where `COMPLEX_STEP` gives results so small that digits are lost, or where
intermediate values are so large that the square of the step does not vanish."""


def central_difference(
    f: Callable[[Array], Any], theta: Array, step: float = 1e-3, at: Array | None = None
) -> Array:
    """∂f/∂θ_i ≈ (8 (f₊₁ − f₋₁) − (f₊₂ − f₋₂)) / 12h with f_k = f(θ + k h eᵢ).

    The error is O(h⁴), so the step may be large. This keeps the rounding of f, which is divided by
    the step, small: with a step of 1e-3 it is about 1e-13 of f. This is a hundred times less than
    the difference of two points reaches with its best step.

    Args:
        f: takes a vector like ``theta`` and returns a real number.
        theta: shape (n,); it is not changed.
        step: h; f must be smooth within 2h.
        at: the numbers with respect to which to differentiate; by default all n.

    Returns:
        The gradient, shape (n,), or (len(at),).

    Example:
        >>> central_difference(lambda v: v[0] ** 2 * v[1], np.array([3.0, 2.0])).round(9)
        array([12.,  9.])
    """
    theta = as_numbers(theta, "the values of theta", "biuf").astype(float)
    chosen = np.arange(len(theta)) if at is None else at
    gradient = np.empty(len(chosen))
    for k, i in enumerate(chosen):
        near, far = (_difference(f, theta, i, reach * step) for reach in (1, 2))
        gradient[k] = (4 * near - far) / 3
    return gradient


def _difference(f: Callable[[Array], Any], theta: Array, i: int, step: float) -> float:
    """(f(θ + h eᵢ) − f(θ − h eᵢ)) / 2h, where 2h is the difference of the two rounded points."""
    above, below = theta.copy(), theta.copy()
    above[i] += step
    below[i] -= step
    return float((f(above) - f(below)) / (above[i] - below[i]))


def complex_step(
    f: Callable[[Array], Any],
    theta: Array,
    at: Array | None = None,
    step: float = COMPLEX_STEP,
) -> Array:
    """∂f/∂θ_k = Im f(θ + i h e_k) / h with h so small that its square vanishes.

    Source: Squire and Trapp, *Using complex variables to estimate derivatives of real
    functions* (1998).

    Args:
        f: takes a complex vector like ``theta`` and returns a complex number.
        theta: shape (n,); it is not changed.
        at: the numbers with respect to which to differentiate; by default all n.
        step: h.

    Returns:
        The gradient, shape (n,), or (len(at),).

    Example:
        >>> complex_step(lambda v: np.exp(v[0]) * v[1], np.array([0.0, 2.0]))
        array([2., 1.])
    """
    theta = as_numbers(theta, "the values of theta", "biuf").astype(float)
    chosen = np.arange(len(theta)) if at is None else at
    moved, gradient = theta.astype(complex), np.empty(len(chosen))
    for k, i in enumerate(chosen):
        moved[i] += 1j * step
        gradient[k] = np.imag(f(moved)) / step
        moved[i] = theta[i]
    return gradient


def along(
    f: Callable[[Array], Any], point: Array, direction: Array, step: float = COMPLEX_STEP
) -> Array:
    """J v by one complex step, with J the Jacobian of f at the point.

    Args:
        f: takes a complex array like ``point`` and returns one of any shape.
        point: of any shape; it is not changed.
        direction: v, of the shape of ``point``.
        step: the length of the complex step.

    Returns:
        An array of the shape that f returns.

    Example:
        >>> along(lambda v: v * v, np.array([3.0, 5.0]), np.array([1.0, 10.0]))
        array([  6., 100.])
    """
    moved = point + 1j * step * direction
    return np.imag(f(moved)) / step


def relative_error(a: Array, b: Array) -> float:
    """‖a − b‖ / (‖a‖ + ‖b‖), and 0 where both are 0.

    Example:
        >>> relative_error(np.array([1.0]), np.array([3.0]))
        0.5
    """
    largest = max(float(np.abs(a).max(initial=0.0)), float(np.abs(b).max(initial=0.0)))
    if not largest:
        return 0.0
    exponent = frexp(largest)[1]
    a, b = np.ldexp(a, -exponent), np.ldexp(b, -exponent)  # so that squares do not overflow
    return float(np.linalg.norm(a - b)) / float(np.linalg.norm(a) + np.linalg.norm(b))


NUMERIC: Mapping[str, Callable[..., Array]] = {
    "central": central_difference,
    "complex": complex_step,
}
"""The two methods that move one number at a time, by name."""
