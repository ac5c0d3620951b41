"""Which of the compiled programs runs a network, by its sizes alone.

One case at a time has a program of its own. For minibatches a product is a call of gemm, or, in
a network of few units, is summed up without BLAS, a case a lane. Time of the one over time of the
other, with the microseconds of the other's step, float64, one thread, relu and shuffled cases:

===============  ==========  =========  =========  =========  =========  ==========
network          parameters  batch 4    16         32         100        300
===============  ==========  =========  =========  =========  =========  ==========
2-10-3                   63  1.6 (1)    2.4 (1)    3.3 (1)    4.3 (2)    5.4 (5)
4-20-20-3               583  0.8 (3)    1.2 (3)    1.8 (3)    2.2 (7)    2.5 (19)
2-100-3                 603  1.0 (2)    1.2 (3)    1.9 (3)    2.4 (8)    3.0 (24)
64-32-10              2,410  0.3 (5)    0.6 (7)    0.9 (9)    1.0 (23)   0.9 (85)
20-100-5              2,605  0.4 (6)    0.8 (7)    1.0 (10)   1.4 (23)   1.7 (63)
10-50-50-5            3,355  0.4 (8)    0.8 (10)   1.0 (14)   1.4 (34)   1.5 (97)
50-50-50-50-4         7,854  0.3 (18)   0.7 (22)   0.9 (31)   1.1 (76)   1.3 (204)
100-100-10           11,110  0.3 (22)   0.6 (26)   0.7 (37)   0.9 (92)   1.3 (236)
===============  ==========  =========  =========  =========  =========  ==========

In float32 the pattern is the same. So it depends on how many parameters there are to a case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.core.arrays import Array
from chainrule.nn.network import Network
from chainrule.training.optimizers import Optimizer

if TYPE_CHECKING:
    from chainrule.training.engines.compiled.program import Program

FEW_PARAMETERS = 12_000
"""More than these were not measured, and gemm's blocks fit the caches better."""

PARAMETERS_TO_A_CASE = 80
"""Of a minibatch, below which sums without BLAS are faster."""


def has_few_units(network: Network, batch_size: int) -> bool:
    """Whether a minibatch takes less time without BLAS.

    Args:
        network: to be trained.
        batch_size: cases a minibatch, at least 2.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(100, "relu"), Dense(3)], input=2)
        >>> [has_few_units(network, cases) for cases in (4, 300)]
        [False, True]
    """
    parameters = len(network.theta)
    return parameters <= min(FEW_PARAMETERS, PARAMETERS_TO_A_CASE * batch_size)


def program_for(
    network: Network, optimizer: Optimizer, x: Array, t: Array, batch_size: int
) -> Program:
    """The program that runs minibatches of that many of these cases.

    Args:
        network: one that `obstacles` has nothing against.
        optimizer: bound to it.
        x: prepared inputs.
        t: prepared targets.
        batch_size: as asked for; there may be fewer cases.
    """
    if batch_size == 1:
        from chainrule.training.engines.compiled.one_case import OneCase

        return OneCase(network, optimizer, x, t)
    if has_few_units(network, min(batch_size, len(x))):
        from chainrule.training.engines.compiled.few_units import FewUnits

        return FewUnits(network, optimizer, x, t, batch_size)
    from chainrule.training.engines.compiled.many_cases import ManyCases

    return ManyCases(network, optimizer, x, t, batch_size)
