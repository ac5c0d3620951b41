"""Programs that are timed in turns, in this process or each in one of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from time import perf_counter, sleep
from typing import Any, Protocol

import numpy as np

from benchmarks.programs import PROGRAMS, Run, make
from benchmarks.workloads import Problem, Workload, make_problem

PAUSE = 0.02
"""Seconds between two programs: the threads of the one before spin a while before they sleep."""


class Runner(Protocol):
    """One program on one number of threads."""

    def losses(self, first: int, last: int) -> np.ndarray:
        """Run these minibatches; the loss of each."""

    def seconds(self, steps: int) -> float:
        """How long the first ``steps`` minibatches of an epoch take."""

    def close(self) -> None:
        """End the process that runs for it, if there is one."""


class Here:
    """A program in this process, where the number of threads is set before each run.

    Args:
        run: the program; the same one may run with another number of threads as well.
        threads: of every library in this process.
    """

    def __init__(self, run: Run, threads: int) -> None:
        self._run, self._threads = run, threads

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Runner`."""
        set_threads(self._threads)
        return self._run(first, last)

    def seconds(self, steps: int) -> float:
        """See `Runner`; a first minibatch, which wakes the threads, does not count."""
        set_threads(self._threads)
        self._run(0, 1)
        start = perf_counter()
        self._run(0, steps)
        return perf_counter() - start

    def close(self) -> None:
        """See `Runner`."""


class Apart:
    """A program in a process of its own, which has as many processor cores as threads.

    Args:
        name: of the program.
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
            sys.exit(f"a program's process ended with {self._process.exitcode}; see above")

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Runner`."""
        return self._ask("losses", first, last)

    def seconds(self, steps: int) -> float:
        """See `Runner`; timed over there, so that the way there does not count."""
        return self._ask("seconds", steps)

    def close(self) -> None:
        """See `Runner`."""
        with suppress(OSError):
            self._here.send(None)
        self._process.join()


def _serve(pipe: Any, name: str, workload: Workload, threads: int) -> None:
    """Answer until there is no more question."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    runner = Here(make(name, make_problem(workload)), threads)
    while (asked := pipe.recv()) is not None:
        pipe.send(getattr(runner, asked[0])(*asked[1:]))


def make_runners(
    names: Sequence[str], problem: Problem, threads: Sequence[int]
) -> dict[tuple[str, int], Runner]:
    """Every program with every number of threads."""
    runners: dict[tuple[str, int], Runner] = {}
    for name in names:
        if PROGRAMS[name].apart:
            for count in threads:
                runners[name, count] = Apart(name, problem.workload, count)
            continue
        run = make(name, problem)
        for count in threads:
            runners[name, count] = Here(run, count)
    return runners


def steps_of(runner: Runner, workload: Workload, budget: float) -> int:
    """How many minibatches take about ``budget`` seconds, at most an epoch."""
    for few in (3, 30, 300):
        few = min(few, workload.steps)
        runner.seconds(few)  # some compile a program for every number of minibatches
        once = runner.seconds(few) / few
        if once * few > budget / 10:
            break
    return max(1, min(workload.steps, round(budget / once)))


def time_in_turns(
    runners: Mapping[tuple[str, int], Runner], workload: Workload, rounds: int, budget: float
) -> dict[tuple[str, int], list[float]]:
    """Seconds a minibatch, of each runner in each round; a first round does not count."""
    steps = {key: steps_of(runner, workload, budget) for key, runner in runners.items()}
    seconds: dict[tuple[str, int], list[float]] = {key: [] for key in runners}
    for turn in range(rounds + 1):
        for key, runner in runners.items():
            sleep(PAUSE)
            taken = runner.seconds(steps[key]) / steps[key]
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
