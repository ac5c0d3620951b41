"""Work shared among threads: blocks of cases, each done by the next thread that is free.

Compiled loops release Python's lock, so that threads of Python run them side by side. What a block
computes depends on the block alone, and sums over blocks are taken in their order: the numbers
are the same whatever the number of threads.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise

Work = Callable[[int, int], None]
"""What is done for a worker and a block, both counted from 0."""

_limits: list[int] = []
_pools: dict[int, ThreadPoolExecutor] = {}


@cache
def cores() -> int:
    """How many threads may run at once: the processor's, or fewer as the environment says."""
    named = [os.environ.get(name, "") for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
    numbers = [int(text) for text in named if text.isdecimal() and int(text) > 0]
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min([*numbers, here or 1])


def number_of_threads() -> int:
    """As many as `at_most` allows, else as `cores`."""
    return _limits[-1] if _limits else cores()


@contextmanager
def at_most(number: int) -> Iterator[None]:
    """While this lasts, work is shared among that many threads."""
    _limits.append(number)
    try:
        yield
    finally:
        _limits.pop()


def blocks_of(cases: int, most: int) -> list[tuple[int, int]]:
    """Cases cut into at most ``most`` blocks of nearly one length, (first, behind the last).

    Example:
        >>> blocks_of(5, 2)
        [(0, 3), (3, 5)]
    """
    count = max(1, min(cases, most))
    edges = [-(-cases * k // count) for k in range(count + 1)]
    return list(pairwise(edges))


def share(work: Work, blocks: int, workers: int) -> None:
    """Do all blocks, this thread among the workers.

    Args:
        work: called once for each block; a worker never does two at once.
        blocks: how many.
        workers: how many threads.
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
            except IndexError:  # another took the last
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
    """The pool of threads of this process: a forked process has none of its parent's threads."""
    here = os.getpid()
    if here not in _pools:
        _pools.clear()
        _pools[here] = ThreadPoolExecutor(max(8, cores()), "chainrule")
    return _pools[here]
