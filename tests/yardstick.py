"""What work costs, in units of other work that the same process does at the same time.

A limit in seconds tests the machine and what else runs on it. Here the processor's time of one
piece of work is compared with that of another, done by turns, and the smallest ratio counts:
what takes longer for a reason of its own takes longer every time.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from time import process_time

HANGS = 1200.0
"""Seconds after which a process is taken for one that never ends: no machine is so slow."""


def cost(work: Callable[[], object]) -> float:
    """Seconds of the processor, at least one of the clock's ticks."""
    start = process_time()
    work()
    return max(process_time() - start, 1e-9)


def add_up(content: bytes) -> int:
    """The sum of some bytes, by a plain loop: the yardstick of reading them one by one."""
    total = 0
    for byte in content:
        total += byte
    return total


def times(
    work: Callable[[], object],
    yardstick: Callable[[], object],
    *,
    at_most: float = 1.0,
    tries: int = 7,
) -> float:
    """How many times the cost of ``yardstick`` that of ``work`` is, at its smallest.

    Args:
        work: what is measured.
        yardstick: what it is compared with.
        at_most: small enough: as soon as it is found, nothing more is tried.
        tries: how often both are done otherwise.
    """
    least = inf
    for _ in range(tries):
        least = min(least, cost(work) / cost(yardstick))
        if least <= at_most:
            break
    return least
