"""The central difference with steps that suit the number that is moved.

A weight of an input of 1e8 moves z by 1e8 times as much as itself: a step that is good for one
parameter is far too large or too small for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.numeric import COMPLEX_STEP, central_difference
from chainrule.gradients.rounding import ROUNDING
from chainrule.nn.network import Network

STEPS = 14
"""So many are tried, each a quarter of the one before."""

LARGEST_MOVE = 0.25
"""The largest step moves no z by more, nor one above 1 by a larger share of itself."""


SMALL_MOVE = 1e-9


class Steadiest(NamedTuple):
    """A derivative by central difference.

    Attributes:
        value: the derivative.
        error: how far it may be off.
        step: that it was made with.
    """

    value: float
    error: float
    step: float


def is_hopeless(
    network: Network, x: Array, i: int, loss: float, rounding: float, needed: float
) -> bool:
    """Whether the rounding of the loss hides the derivative by a parameter at every step.

    Args:
        network: at θ.
        x: prepared inputs.
        i: which parameter.
        loss: at θ.
        rounding: what one rounding of everything does to it.
        needed: the error that would be small enough.
    """
    return blur(abs(loss), rounding, _largest_step(network, x, i)) > needed


def steadiest(network: Network, x: Array, t: Array, i: int, rounding: float) -> Steadiest:
    """The derivative by one parameter, of the steps that agree with all smaller ones the best.

    Each step's result is blurred by the rounding of the loss, divided by the step; a larger one is
    believed only as far as it lies within that of every smaller one.

    Args:
        network: at θ.
        x: prepared inputs.
        t: prepared targets.
        i: which parameter.
        rounding: what one rounding of everything does to the loss.
    """
    values: list[float] = []

    def f(theta: Array) -> float:
        """The loss at any vector, kept."""
        values.append(float(network.loss(x, t, theta)))
        return values[-1]

    best = Steadiest(np.nan, np.inf, 0.0)
    found: list[tuple[float, float]] = []
    for step in sorted(_steps(network, x, i)):
        values.clear()
        value = float(central_difference(f, network.theta, step, np.array([i]))[0])
        own = blur(float(np.abs(values).max()), rounding, step)
        if not np.isfinite(value + own):
            continue
        if found:
            # What the powers of the step that are left out come to is hidden, at worst, by the
            # rounding of the value that it is compared with.
            error = abs(value - found[-1][0]) + found[-1][1] + own
            agrees = all(abs(value - v) <= error + b for v, b in found)
            if agrees and error < best.error:
                best = Steadiest(value, error, step)
        found.append((value, own))
    return best


def _steps(network: Network, x: Array, i: int) -> list[float]:
    """From the largest on, as far as θ has digits."""
    largest, least = _largest_step(network, x, i), 2.0**-44 * abs(float(network.theta[i]))
    return [largest / 4**k for k in range(STEPS) if largest / 4**k > least]


def _largest_step(network: Network, x: Array, i: int) -> float:
    """The step that moves some z or output by `LARGEST_MOVE`; where none moves, a share of θ."""
    direction = np.zeros_like(network.theta)
    direction[i] = 1.0
    moves = [
        float((move / np.maximum(np.abs(values), 1)).max(initial=0.0))
        for values, move in _moves(network, x, direction)
    ]
    size = abs(float(network.theta[i])) or 1.0
    return LARGEST_MOVE / max(moves) if max(moves) else LARGEST_MOVE * size


def small_step(network: Network, x: Array, direction: Array) -> float:
    """A complex step that moves no z and no output by more than `SMALL_MOVE`, and some so far.

    The smaller a step is, the more of a small derivative is lost below the smallest number.
    """
    move = max(float(m.max(initial=0.0)) for _, m in _moves(network, x, direction))
    return SMALL_MOVE / move if move else COMPLEX_STEP


def _moves(network: Network, x: Array, direction: Array) -> Iterator[tuple[Array, Array]]:
    """Every layer's z and output, and how fast they move along a direction of θ."""
    for _, _, z, y in network.walk(x, network.theta + 1j * COMPLEX_STEP * direction):
        for values in (z, y):
            known = values[~np.isnan(values.real)]
            yield known.real, np.abs(known.imag) / COMPLEX_STEP


def blur(loss: float, rounding: float, step: float) -> float:
    """What the rounding of a loss becomes when it is divided by a step."""
    return 8 * (ROUNDING * loss + rounding) / step
