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

from chainrule.nn.kernels.threads import at_most
from chainrule.nn.network import Network

WORTH_THREADS = 5_000_000
"""Multiplications of the largest product from which several threads pay."""


def one_thread_is_best(network: Network, batch_size: int) -> bool:
    """Whether every product of a minibatch is too small to be shared.

    Args:
        network: its widths count.
        batch_size: the cases of a minibatch.
    """
    by_loops = (layer.in_loops for layer in network.layers)
    return products_are_small(network, batch_size) and batch_size * max(by_loops) < WORTH_THREADS


def products_are_small(network: Network, batch_size: int) -> bool:
    """Whether every single product of NumPy's is too small to be shared.

    Args:
        network: its dense layers count, and each place of layers with filters of their own.
        batch_size: the cases of a minibatch.
    """
    return batch_size * max(layer.largest_product for layer in network.layers) < WORTH_THREADS


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
def on_threads(number: int, products: int | None = None) -> Iterator[None]:
    """While this lasts, NumPy's products and compiled loops run on that many threads.

    Args:
        number: of threads.
        products: of NumPy's products, where that is another number.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=products or number, user_api="blas"), at_most(number):
        yield
