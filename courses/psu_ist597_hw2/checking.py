"""The homework's gradient check: each array of the gradient against central differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from chainrule.core.randomness import stream
from theta import Array, Theta, computeGrad, computeNumGrad, names_of

TOLERANCE = 1e-8


def starting_theta(sizes: Sequence[int], *, seed: int) -> tuple[Array, ...]:
    """A θ for the check: small normal weights, and biases of 1.

    With biases of 0, XOR's case (0, 0) would lie on the kink of every hidden relu, where there
    is no derivative to compare.

    Args:
        sizes: inputs, hidden units, classes.
        seed: of the weights.
    """
    rng = stream(seed, "gradient check")
    arrays: list[Array] = []
    for inputs, units in pairwise(sizes):
        arrays += [rng.normal(0.0, 0.1, (inputs, units)), np.ones((1, units))]
    return tuple(arrays)


def error_of(numeric: Array, analytic: Array) -> float:
    """The homework's ‖numeric − analytic‖ / ‖numeric + analytic‖, and 0 where both are equal.

    Example:
        >>> error_of(np.array([1.0]), np.array([3.0]))
        0.5
    """
    apart, size = np.linalg.norm(numeric - analytic), np.linalg.norm(numeric + analytic)
    if not apart:
        return 0.0
    return float(apart / size) if size else np.inf


def check_gradient(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta, reg: float) -> bool:
    """Print CORRECT or INCORRECT for every array of θ; whether all are correct."""
    both = zip(computeNumGrad(X, y, theta, reg), computeGrad(X, y, theta, reg), strict=True)
    verdicts = []
    for name, (numeric, analytic) in zip(names_of(theta), both, strict=True):
        error = error_of(numeric, analytic)
        verdicts.append(error <= TOLERANCE)
        print(f"  {name:<2} {'CORRECT' if verdicts[-1] else 'INCORRECT'}  error {error:.1e}")
    return all(verdicts)
