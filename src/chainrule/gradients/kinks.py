"""Where a network's loss has kinks, and whether a step crosses one.

At a kink the derivative is a convention, and a difference quotient lies between two slopes, so
that the two may differ. A kink is crossed where a signed distance to it, see
`chainrule.nn.kinks`, changes its sign. At `Activation.bends`, where only the second derivative
jumps, there is a gradient, but no accurate difference quotient.

For a method without a step, a kink matters only where rounding decides on which side of it a
number lies.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.gradients.numeric import COMPLEX_STEP
from chainrule.gradients.rounding import moved, outputs_moved
from chainrule.nn.kinks import distances
from chainrule.nn.network import Network


def met(network: Network, x: Array, t: Array) -> dict[str, int]:
    """How many numbers lie exactly on a kink or bend at θ, by the text that names the place."""
    counts: dict[str, int] = {}
    for name, d in distances(network, x, t, network.theta):
        counts[name] = counts.get(name, 0) + int(np.count_nonzero(d == 0))
    return {name: count for name, count in counts.items() if count}


SAMPLES = 8
"""The number of random perturbations that show where rounding decides the side."""


def undecided(
    network: Network, x: Array, t: Array, *, rng: np.random.Generator
) -> tuple[Array, ...]:
    """Which numbers lie on a kink, or so near to it that rounding decides the side.

    Returns:
        A mask for each of `distances`, without bends.
    """
    here = [d for _, d in distances(network, x, t, network.theta, bends=False)]
    near = [d == 0 for d in here]
    for _ in range(SAMPLES if near else 0):
        with outputs_moved(network, rng):
            theta = moved(network.theta, rng)
            there = distances(network, moved(x, rng), t, theta, bends=False)
            for mask, before, (_, after) in zip(near, here, there, strict=True):
                mask |= np.sign(before) * np.sign(after) < 0
    return tuple(near)


def moves(network: Network, x: Array, t: Array, direction: Array, near: tuple[Array, ...]) -> bool:
    """Whether moving θ along ``direction`` moves any of the numbers that are ``near`` a kink."""
    if not any(mask.any() for mask in near):
        return False
    theta = network.theta + 1j * COMPLEX_STEP * direction
    there = distances(network, x, t, theta, bends=False)
    return any(bool(d.imag[mask].any()) for mask, (_, d) in zip(near, there, strict=True))


def signature(network: Network, x: Array, t: Array, theta: Array) -> Array:
    """The signs −1, 0 or 1 of the distances to all kinks and bends, as one vector."""
    signs = [np.sign(d).ravel() for _, d in distances(network, x, t, theta)]
    return np.concatenate(signs) if signs else np.empty(0)


def crossed(network: Network, x: Array, t: Array, direction: Array) -> bool:
    """Whether moving θ by ± ``direction`` changes the side of any kink."""
    here = signature(network, x, t, network.theta)
    return any(
        not np.array_equal(here, signature(network, x, t, network.theta + step), equal_nan=True)
        for step in (direction, -direction)
    )
