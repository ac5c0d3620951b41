"""Gradients by other means: numeric differentiation, and how far two gradients are apart.

Two independent derivations stand here beside the backward pass. The central difference needs
the loss alone and is good to about 1e-12 of it; the complex step needs a loss that takes complex
parameters, subtracts nothing and is good to the last digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule.network import Network
from chainrule.parameters import Array, Parameters

COMPLEX_STEP = 1e-30


def central_difference(f: Callable[[Array], Any], theta: Array, step: float = 1e-3) -> Array:
    """∂f/∂θ_i ≈ (8 (f₊₁ − f₋₁) − (f₊₂ − f₋₂)) / 12h with f_k = f(θ + k h eᵢ).

    The error is O(h⁴), so that the step may be large, and the rounding of f, which is divided
    by it, small: with steps of 1e-3 about 1e-13 of f, a hundred times less than the difference
    of two points at its best.

    Args:
        f: takes a vector like ``theta`` and returns a real number.
        theta: shape (n,); it is not changed.
        step: h; f must be smooth within 2h.

    Returns:
        The gradient, shape (n,).

    Example:
        >>> central_difference(lambda v: v[0] ** 2 * v[1], np.array([3.0, 2.0])).round(9)
        array([12.,  9.])
    """
    theta = np.asarray(theta, dtype=float)
    gradient = np.empty_like(theta)
    for i in range(len(theta)):
        near, far = (_difference(f, theta, i, k * step) for k in (1, 2))
        gradient[i] = (4 * near - far) / 3
    return gradient


def _difference(f: Callable[[Array], Any], theta: Array, i: int, step: float) -> float:
    """(f(θ + h eᵢ) − f(θ − h eᵢ)) / 2h, with h as it came out in floating point."""
    above, below = theta.copy(), theta.copy()
    above[i] += step
    below[i] -= step
    return float((f(above) - f(below)) / (above[i] - below[i]))


def complex_step(f: Callable[[Array], Any], theta: Array) -> Array:
    """∂f/∂θ_i = Im f(θ + i h eᵢ) / h with h so small that its square vanishes.

    Source: Squire and Trapp, *Using complex variables to estimate derivatives of real
    functions* (1998).

    Args:
        f: takes a complex vector like ``theta`` and returns a complex number.
        theta: shape (n,); it is not changed.

    Returns:
        The gradient, shape (n,).

    Example:
        >>> complex_step(lambda v: np.exp(v[0]) * v[1], np.array([0.0, 2.0]))
        array([2., 1.])
    """
    theta = np.asarray(theta, dtype=float)
    moved, gradient = theta.astype(complex), np.empty_like(theta)
    for i in range(len(theta)):
        moved[i] += 1j * COMPLEX_STEP
        gradient[i] = np.imag(f(moved)) / COMPLEX_STEP
        moved[i] = theta[i]
    return gradient


def relative_error(a: Array, b: Array) -> float:
    """‖a − b‖ / (‖a‖ + ‖b‖), and 0 where both are 0.

    Example:
        >>> relative_error(np.array([1.0]), np.array([3.0]))
        0.5
    """
    size = float(np.linalg.norm(a) + np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / size if size else 0.0


def errors(network: Network, x: Any, t: Any, *, method: str = "central") -> dict[str, float]:
    """How far the backward pass is from numeric differentiation, for every parameter array.

    Args:
        network: in float64; θ is not changed.
        x: inputs, (cases, input).
        t: targets, as `Network.loss` takes them.
        method: ``central`` or ``complex``.

    Returns:
        The relative error by full name, such as ``dense_1.W``.

    Example:
        >>> from chainrule.layers import Dense
        >>> network = Network([Dense(2, "tanh"), Dense(1)], input=3, loss="mse", seed=1)
        >>> max(errors(network, np.eye(3), [0.0, 1.0, 2.0]).values()) < 1e-8
        True
    """
    network.loss(x, t)
    analytic = Parameters(network.parameters.layout, network.backward_pass(t).vector.copy())
    differentiate = {"central": central_difference, "complex": complex_step}[method]
    vector = differentiate(lambda theta: network.loss(x, t, theta), network.theta)
    numeric = Parameters(network.parameters.layout, vector)
    return {name: relative_error(analytic[name], numeric[name]) for name in analytic}
