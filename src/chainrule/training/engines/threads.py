"""The number of threads for a step's products, which depends on the sizes alone.

Two threads must synchronise after every product; for small products this takes longer than the
second thread saves. Measured with OpenBLAS 0.3 on two cores, float64, a step with one hidden
layer, by the multiplications of its largest product in millions:

========================  =====  ====  =====  =====
multiplications               1     5     10     20
one thread (µs)             218   614   1020   1885
two threads (µs)            263   602    843   1343
========================  =====  ====  =====  =====

When another program wants the same cores, two threads on small products lose far more.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from chainrule.nn.kernels.threads import at_most
from chainrule.nn.network import Network

WORTH_THREADS = 5_000_000
"""Several threads are used if the largest product has at least this many multiplications."""


def one_thread_is_best(network: Network, batch_size: int) -> bool:
    """Whether all products and loops of a minibatch are too small for several threads.

    Args:
        network: the network, of which only the sizes matter.
        batch_size: cases per minibatch.
    """
    by_loops = (layer.in_loops for layer in network.layers)
    return products_are_small(network, batch_size) and batch_size * max(by_loops) < WORTH_THREADS


def products_are_small(network: Network, batch_size: int) -> bool:
    """Whether every single product of NumPy's is too small for several threads.

    Args:
        network: the network; its layers' `largest_product` is compared.
        batch_size: cases per minibatch.
    """
    return batch_size * max(layer.largest_product for layer in network.layers) < WORTH_THREADS


def number_of_threads(network: Network, batch_size: int, threads: int | str = "auto") -> int:
    """The number of threads for the products of a minibatch.

    Args:
        network: the network, of which only the sizes matter.
        batch_size: cases per minibatch.
        threads: a number, which is returned; or ``auto`` for 1 where that is best, and otherwise
            NumPy's own number: the environment's, or the machine's cores.
    """
    if threads != "auto":
        return int(threads)
    if one_thread_is_best(network, batch_size):
        return 1
    return max((library["num_threads"] for library in _blas().info()), default=1)


@contextmanager
def on_threads(number: int, products: int | None = None) -> Iterator[None]:
    """Within this context, NumPy's products and compiled loops run on that many threads.

    Args:
        number: the number of threads.
        products: the number for NumPy's products, if it differs.
    """
    with _blas().limit(limits=products or number), at_most(number):
        yield


def _blas() -> Any:
    """The libraries of products: NumPy's, and SciPy's own from when a part that uses it is there.

    Such parts are imported late, by L-BFGS, by an activation or by the compiled engine.
    """
    return _loaded_blas(any(name in sys.modules for name in ("scipy.linalg", "scipy.special")))


@cache
def _loaded_blas(with_scipy: bool) -> Any:
    """The libraries that are loaded now, looked for only once each: that takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")
