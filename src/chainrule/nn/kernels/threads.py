"""Work shared among threads: blocks of cases, each done by the next thread that is free.

Compiled loops release Python's global lock, so that Python threads run them in parallel. The
result of a block depends on the block alone, and sums over blocks are taken in their order:
results are therefore the same for any number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

from chainrule.core.limits import machine_cores

Work = Callable[[int, int], None]
"""A function of the numbers of a worker and of a block, both from 0."""

_limits: list[int] = []
_pools: dict[int, ThreadPoolExecutor] = {}


@cache
def cores() -> int:
    """The number of cores that this process may use, or fewer if the environment says so."""
    named = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
    numbers = [int(text) for text in named if text.isdecimal() and int(text) > 0]
    return min([*numbers, machine_cores()])


def number_of_threads() -> int:
    """The number of threads: that of the innermost `at_most`, otherwise `cores`."""
    return _limits[-1] if _limits else cores()


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """Within this context, work is shared among that many threads."""
    _limits.append(number)
    try:
        yield
    finally:
        _limits.pop()


def blocks_of(cases: int, most: int) -> list[tuple[int, int]]:
    """Divide cases into at most ``most`` blocks of nearly equal length, (first, last + 1).

    Example:
        >>> blocks_of(5, 2)
        [(0, 3), (3, 5)]
    """
    count = max(1, min(cases, most))
    edges = [-(-cases * k // count) for k in range(count + 1)]
    return list(pairwise(edges))


def share(work: Work, blocks: int, workers: int) -> None:
    """Do the work of all blocks; the calling thread is one of the workers.

    Args:
        work: called once for each block; a worker never does two at once.
        blocks: the number of blocks.
        workers: the number of threads.
    """
    if workers < 2 or blocks < 2:
        for block in range(blocks):
            work(0, block)
        return
    left = deque(range(blocks))

    def serve(worker: int) -> None:
        while left:
            try:
                block = left.popleft()
            except IndexError:  # another worker took the last block
                return
            work(worker, block)

    others = [_pool().submit(serve, k) for k in range(1, min(workers, blocks))]
    try:
        serve(0)
    finally:
        left.clear()
        for other in others:
            other.result()


def _pool() -> ThreadPoolExecutor:
    """This process's thread pool; a forked process makes its own, as threads are not forked."""
    here = os.getpid()
    if here not in _pools:
        _pools.clear()
        _pools[here] = ThreadPoolExecutor(max(8, cores()), "chainrule")
    return _pools[here]
