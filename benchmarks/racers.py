"""Rivals at the starting line: in this process, or each in one of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from time import perf_counter, sleep
from typing import Any, Protocol

import numpy as np

from benchmarks.rivals import RIVALS, Run, make
from benchmarks.workloads import Problem, Workload, make_problem

PAUSE = 0.02
"""Seconds between two rivals: the threads of the one before spin a while before they sleep."""


class Racer(Protocol):
    """One rival on one number of threads."""

    def losses(self, first: int, last: int) -> np.ndarray:
        """Run these minibatches; the loss of each."""

    def seconds(self, steps: int) -> float:
        """How long the first ``steps`` minibatches of an epoch take."""

    def close(self) -> None:
        """End what runs for it elsewhere."""


class Here:
    """A rival in this process, where the number of threads is set before each run.

    Args:
        run: the rival; the same one may stand at the line with another number of threads.
        threads: of every library in this process.
    """

    def __init__(self, run: Run, threads: int) -> None:
        self._run, self._threads = run, threads

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Racer`."""
        set_threads(self._threads)
        return self._run(first, last)

    def seconds(self, steps: int) -> float:
        """See `Racer`; a first minibatch, which wakes the threads, does not count."""
        set_threads(self._threads)
        self._run(0, 1)
        start = perf_counter()
        self._run(0, steps)
        return perf_counter() - start

    def close(self) -> None:
        """See `Racer`."""


class Apart:
    """A rival in a process of its own, which has as many processor cores as threads.

    Args:
        name: of the rival.
        workload: what it trains.
        threads: how many.
    """

    def __init__(self, name: str, workload: Workload, threads: int) -> None:
        context = get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, name, workload, threads), daemon=True
        )
        self._process.start()
        there.close()

    def _ask(self, *what: Any) -> Any:
        self._here.send(what)
        try:
            return self._here.recv()
        except EOFError:
            self._process.join()
            sys.exit(f"a rival's process ended with {self._process.exitcode}; see above")

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Racer`."""
        return self._ask("losses", first, last)

    def seconds(self, steps: int) -> float:
        """See `Racer`; timed over there, so that the way there does not count."""
        return self._ask("seconds", steps)

    def close(self) -> None:
        """See `Racer`."""
        with suppress(OSError):
            self._here.send(None)
        self._process.join()


def _serve(pipe: Any, name: str, workload: Workload, threads: int) -> None:
    """Answer until there is no more question."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    racer = Here(make(name, make_problem(workload)), threads)
    while (asked := pipe.recv()) is not None:
        pipe.send(getattr(racer, asked[0])(*asked[1:]))


def line_up(
    names: Sequence[str], problem: Problem, threads: Sequence[int]
) -> dict[tuple[str, int], Racer]:
    """Every rival with every number of threads."""
    racers: dict[tuple[str, int], Racer] = {}
    for name in names:
        if RIVALS[name].apart:
            for count in threads:
                racers[name, count] = Apart(name, problem.workload, count)
            continue
        run = make(name, problem)
        for count in threads:
            racers[name, count] = Here(run, count)
    return racers


def steps_of(racer: Racer, workload: Workload, budget: float) -> int:
    """How many minibatches take about ``budget`` seconds, at most an epoch."""
    for few in (3, 30, 300):
        few = min(few, workload.steps)
        racer.seconds(few)  # some compile a program for every number of minibatches
        once = racer.seconds(few) / few
        if once * few > budget / 10:
            break
    return max(1, min(workload.steps, round(budget / once)))


def race(
    racers: Mapping[tuple[str, int], Racer], workload: Workload, rounds: int, budget: float
) -> dict[tuple[str, int], list[float]]:
    """Seconds a minibatch, of each racer in each round; a first round does not count."""
    steps = {key: steps_of(racer, workload, budget) for key, racer in racers.items()}
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in racers}
    for turn in range(rounds + 1):
        for key, racer in racers.items():
            sleep(PAUSE)
            taken = racer.seconds(steps[key]) / steps[key]
            if turn:
                seconds[key].append(taken)
    return seconds


_controllers: dict[int, Any] = {}


def set_threads(count: int) -> None:
    """Let every library that is loaded use so many threads from now on."""
    from threadpoolctl import ThreadpoolController

    # To look for the libraries takes milliseconds; it is done again when one was imported.
    loaded = len(sys.modules)
    if loaded not in _controllers:
        _controllers.clear()
        _controllers[loaded] = ThreadpoolController()
    _controllers[loaded].limit(limits=count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
