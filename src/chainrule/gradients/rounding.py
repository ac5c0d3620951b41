"""How far rounding alone moves a gradient: below that no two derivations need agree.

Where terms of a gradient nearly cancel, as in a trained network, few digits of it are left,
whoever computes it. What is left is measured: every input and parameter is moved by a small
share of itself, at random, and the change of the gradient is scaled down to one rounding.
"""

from __future__ import annotations

import numpy as np

from chainrule.network import Network
from chainrule.parameters import Array

SHARE = 2.0**-30
ROUNDING = 2.0**-53


def rounding(network: Network, x: Array, t: Array, *, rng: np.random.Generator) -> Array:
    """What one rounding of everything does to each number of the gradient, shape of θ.

    The network's own gradient is overwritten; θ is as before.

    Args:
        network: in float64.
        x: prepared inputs.
        t: prepared targets.
        rng: which way things are moved.
    """
    theta = network.theta.copy()
    gradients = []
    try:
        for _ in range(4):
            network.theta = _moved(theta, rng)
            network.loss(_moved(x, rng), t)
            gradients.append(network.backward_pass(t).vector.copy())
    finally:
        network.theta = theta
    spread: Array = np.std(gradients, axis=0)
    return spread * (ROUNDING / SHARE)


def _moved(values: Array, rng: np.random.Generator) -> Array:
    """Each number multiplied by 1 ± `SHARE`."""
    return values * (1 + SHARE * rng.choice([-1.0, 1.0], values.shape))
