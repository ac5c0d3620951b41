"""Programs that take turns to be timed, in this process or each in its own process."""

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
"""Seconds between two programs, because idle threads of the one before keep spinning a while."""


class Runner(Protocol):
    """One program on one number of threads."""

    def losses(self, first: int, last: int) -> np.ndarray:
        """Run minibatches ``first`` to ``last`` − 1; returns the loss of each."""

    def seconds(self, steps: int) -> float:
        """The time of the first ``steps`` minibatches of an epoch."""

    def close(self) -> None:
        """End the process of the program, if it has its own."""


class InProcess:
    """A program in this process, where the number of threads is set before each run.

    Args:
        run: the program, which several runners with different numbers of threads may share.
        threads: the number of threads of every library in this process.
    """

    def __init__(self, run: Run, threads: int) -> None:
        self._run, self._threads = run, threads

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Runner`."""
        set_threads(self._threads)
        return self._run(first, last)

    def seconds(self, steps: int) -> float:
        """See `Runner`; a first minibatch, which wakes the threads, is not timed."""
        set_threads(self._threads)
        self._run(0, 1)
        start = perf_counter()
        self._run(0, steps)
        return perf_counter() - start

    def close(self) -> None:
        """See `Runner`."""


class OwnProcess:
    """A program in a process of its own that is limited to as many cores as threads.

    Args:
        name: of the program.
        workload: the workload to train.
        threads: the number of threads.
    """

    def __init__(self, name: str, workload: Workload, threads: int) -> None:
        context = get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(there, name, workload, threads), daemon=True
        )
        self._process.start()
        there.close()

    def _call(self, *words: Any) -> Any:
        self._pipe.send(words)
        try:
            return self._pipe.recv()
        except EOFError:
            self._process.join()
            sys.exit(f"a program's process ended with {self._process.exitcode}; see above")

    def losses(self, first: int, last: int) -> np.ndarray:
        """See `Runner`."""
        return self._call("losses", first, last)

    def seconds(self, steps: int) -> float:
        """See `Runner`; timed in that process, without the communication."""
        return self._call("seconds", steps)

    def close(self) -> None:
        """See `Runner`."""
        with suppress(OSError):
            self._pipe.send(None)
        self._process.join()


def _serve(pipe: Any, name: str, workload: Workload, threads: int) -> None:
    """Call methods of a runner with the arguments received, until None is received."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    runner = InProcess(make(name, make_problem(workload)), threads)
    while (words := pipe.recv()) is not None:
        pipe.send(getattr(runner, words[0])(*words[1:]))


def make_runners(
    names: Sequence[str], problem: Problem, threads: Sequence[int]
) -> dict[tuple[str, int], Runner]:
    """Every program with every number of threads."""
    runners: dict[tuple[str, int], Runner] = {}
    for name in names:
        if PROGRAMS[name].apart:
            for count in threads:
                runners[name, count] = OwnProcess(name, problem.workload, count)
            continue
        run = make(name, problem)
        for count in threads:
            runners[name, count] = InProcess(run, count)
    return runners


def steps_of(runner: Runner, workload: Workload, budget: float) -> int:
    """The number of minibatches that take about ``budget`` seconds, at most an epoch."""
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
    """Seconds a minibatch of each runner in each round, after one round that is not counted."""
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
    """Let every library that is loaded use ``count`` threads from now on."""
    from threadpoolctl import ThreadpoolController

    # Finding the libraries takes milliseconds; it is repeated only after new imports.
    loaded = len(sys.modules)
    if loaded not in _controllers:
        _controllers.clear()
        _controllers[loaded] = ThreadpoolController()
    _controllers[loaded].limit(limits=count)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(count)
