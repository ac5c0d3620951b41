"""How many threads a step's products are worth, decided from the sizes alone.

Two threads must meet after every product; below some size the meeting costs more than it
saves. Measured with OpenBLAS 0.3 on two cores, float64, a step with one hidden layer, one
thread against two, by the largest product's multiplications in millions:

========================  =====  ====  =====  =====
multiplications               1     5     10     20
one thread (µs)             218   614   1020   1885
two threads (µs)            263   602    843   1343
========================  =====  ====  =====  =====

When another program wants the same cores, two threads on small products lose far more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod

from chainrule.network import Network

WORTH_THREADS = 5_000_000
"""Multiplications of the largest product from which several threads pay."""


def one_thread_is_best(network: Network, batch_size: int) -> bool:
    """Whether every product of a minibatch is too small to be shared.

    Args:
        network: its widths count.
        batch_size: the cases of a minibatch.
    """
    largest = max(prod(layer.shapes().get("W", (0,))) for layer in network.layers)
    return batch_size * largest < WORTH_THREADS


def number_of_threads(network: Network, batch_size: int, threads: int | str = "auto") -> int:
    """How many threads the products of a minibatch run on.

    Args:
        network: its widths count.
        batch_size: the cases of a minibatch.
        threads: a number, which is taken as it is; or ``auto`` for one where that is best, else
            as many as NumPy would take: the environment's number, or the machine's cores.
    """
    if threads != "auto":
        return int(threads)
    if one_thread_is_best(network, batch_size):
        return 1
    from threadpoolctl import threadpool_info

    return max((i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"), default=1)


@contextmanager
def on_threads(number: int) -> Iterator[None]:
    """While this lasts, NumPy's products run on that many threads."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=number, user_api="blas"):
        yield


@contextmanager
def suitable_threads(network: Network, batch_size: int) -> Iterator[None]:
    """While this lasts, NumPy's products run on one thread where that is best.

    Otherwise their number stays as it is: the environment's, or the machine's cores.
    """
    with on_threads(number_of_threads(network, batch_size)):
        yield
