"""Numeric gradients, under the name that the exercise's script imports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.gradients import central_difference

Array = npt.NDArray[Any]


def eval_numerical_gradient(
    f: Callable[[Array], float], x: Array, verbose: bool = True, h: float = 1e-5
) -> Array:
    """∂f/∂x by central differences, for an ``f`` that looks at ``x`` itself.

    Args:
        f: gives a number; it may read the array ``x`` from wherever it is kept, as the
            exercise's does from ``net.params``.
        x: float64, any shape; moved in place while this runs, and as before at the end.
        verbose: print each number's place and derivative.
        h: the step.

    Returns:
        The gradient, in the shape of ``x``.
    """
    start = x.copy()

    def at(vector: Array) -> float:
        x[...] = vector.reshape(x.shape)
        return f(x)

    try:
        gradient = central_difference(at, start.ravel(), step=h).reshape(x.shape)
    finally:
        x[...] = start
    if verbose:
        for place in np.ndindex(x.shape):
            print(place, gradient[place])
    return gradient
