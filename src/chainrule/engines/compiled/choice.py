r"""Which engine ``auto`` stands for, by the sizes in the configuration alone.

Compiled code has to be loaded in every process, and made when it is used for the first time
on a machine. Measured on two cores of a Xeon, in milliseconds, importing Numba included:

======================================================  ==========
load the common program (plain descent, cross-entropy)         450
make it, once                                                3 300
make the one for every rule, once                            7 000
======================================================  ==========

One step of one case takes the numpy engine some 50 µs and 2.5 ns a parameter, compiled code
1 µs and a fraction of that. From 1.5 seconds of numpy's time on, compiled code is at least twice
as fast in all once it is there, and makes up for its making within the first few runs.
"""

from __future__ import annotations

from chainrule.engines.compiled.obstacles import obstacle_of_network
from chainrule.network import Network
from chainrule.optimizers import Optimizer

STEP, STEP_PER_PARAMETER = 50e-6, 2.5e-9
"""Seconds of a step of the numpy engine, a case at a time."""

WORTH_LOADING = 1.5
"""Seconds of the numpy engine from which compiled code is loaded."""


def engine_for(
    network: Network, optimizer: Optimizer, *, cases: int, batch_size: int, epochs: int
) -> str:
    """The name of the engine that trains a network fastest on the whole.

    It depends on the sizes and on nothing else, so that the same file gives the same bits.

    Args:
        network: to be trained.
        optimizer: bound to it.
        cases: of the training set.
        batch_size: of a minibatch.
        epochs: how many there will be.

    Example:
        >>> from chainrule.layers import Dense
        >>> from chainrule.optimizers import SGD
        >>> network, sgd = Network([Dense(2)], input=3), SGD()
        >>> sgd.bind(network.theta, network.gradients.vector, [(slice(0, 8), 0.1)])
        >>> [engine_for(network, sgd, cases=100, batch_size=1, epochs=e) for e in (10, 1000)]
        ['numpy', 'compiled']
    """
    if obstacle_of_network(network, optimizer, batch_size) is not None:
        return "numpy"
    seconds = cases * epochs * (STEP + STEP_PER_PARAMETER * len(network.theta))
    return "compiled" if seconds >= WORTH_LOADING else "numpy"
