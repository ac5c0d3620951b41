"""Times of the six workloads in chainrule's engines and in every other library installed.

Each program starts from the same weights and takes the same cases in the same order. The losses of
the first minibatches are compared before anything is timed; the programs take turns. Run with:
python -m benchmarks.against_peers [--only W4,W5] [--peers torch,jax] [--quick]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from statistics import median
from typing import Any

import numpy as np

from benchmarks.ceilings import ceiling, ceilings
from benchmarks.programs import OURS, PROGRAMS, reason_against
from benchmarks.report import best
from benchmarks.results import store
from benchmarks.runners import Runner, make_runners, time_in_turns
from benchmarks.timing import machine
from benchmarks.workloads import WORKLOADS, Problem, Workload, make_problem

MICROSECOND = 1e-6
LARGEST_DIFFERENCE = {"float64": 1e-10, "float32": 1e-4}
COMPARED = 20
QUICK = "W1,W4 f64,W5"
"""The workloads of ``--quick``, unless ``--only`` names others."""
Key = tuple[str, int]


def numbers_of_threads() -> tuple[int, ...]:
    """One, and two if there are two cores."""
    return (1, 2) if (os.cpu_count() or 1) > 1 else (1,)


def largest_difference(runners: dict[Key, Runner], problem: Problem) -> float:
    """The largest difference of a loss in the first minibatches from that of the first program.

    A program in this process has a runner for each number of threads but only one network, which
    runs the minibatches once.
    """
    steps = min(COMPARED, problem.workload.steps)
    losses: dict[str, np.ndarray] = {}
    for (name, count), runner in runners.items():
        if PROGRAMS[name].apart:
            losses[f"{name} {count}"] = runner.losses(0, steps)
        elif name not in losses:
            losses[name] = runner.losses(0, steps)
    first = next(iter(losses.values()))
    apart = {name: float(np.abs(found - first).max()) for name, found in losses.items()}
    worst = max(apart, key=lambda name: apart[name])
    allowed = LARGEST_DIFFERENCE[problem.workload.dtype]
    if not apart[worst] <= allowed:
        sys.exit(
            f"{problem.workload.name}: the losses of {worst} differ by {apart[worst]:.1e} within "
            f"{steps} minibatches, {allowed:.0e} is allowed: not the same training"
        )
    return apart[worst]


def measure(workload: Workload, names: Sequence[str], options: argparse.Namespace) -> Any:
    """Compare the losses and time all programs; returns the results to store."""
    problem, threads = make_problem(workload), numbers_of_threads()
    runners = make_runners(names, problem, threads)
    try:
        difference = largest_difference(runners, problem)
        seconds = time_in_turns(runners, workload, options.rounds, options.budget)
    finally:
        for runner in runners.values():
            runner.close()
    return {
        "description": workload.description,
        "operations": workload.operations,
        "dtype": workload.dtype,
        "difference": difference,
        "seconds": {
            name: {str(count): seconds[name, count] for count in threads} for name in names
        },
    }


def print_results(name: str, found: Any, ceilings: Any) -> None:
    """Print microseconds a step, the ratio to ours, and the share of the machine's peak."""
    print(f"\n{name}: {found['description']}; {found['operations'] / 1e6:.2f} Mflop a step")
    print(f"  losses agree within {found['difference']:.0e}")
    print(
        f"  {'µs a minibatch, median (range)':44}{'other thr.':>11}{'over ours':>10}"
        f"{'GF/s':>8}{'of ceiling':>11}"
    )
    seconds = found["seconds"]
    ours = median(best(seconds.get(OURS) or next(iter(seconds.values())))[1])
    for program, times in seconds.items():
        count, chosen = best(times)
        middle = median(chosen)
        others = [median(t) for c, t in times.items() if c != count]
        other = f"{others[0] / MICROSECOND:.1f}" if others else ""
        spread = f"({min(chosen) / MICROSECOND:.1f} – {max(chosen) / MICROSECOND:.1f})"
        rate = found["operations"] / middle / 1e9
        top = ceiling(ceilings, found["dtype"], count)
        print(
            f"  {program:20}{count}t{middle / MICROSECOND:9.1f} {spread:22}{other:>11}"
            f"{middle / ours:10.2f}{rate:8.1f}{rate / top:10.0%}"
        )


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="workloads by the start of their names: W4,W5 or 'W2 f32'")
    libraries = sorted({program.library for program in PROGRAMS.values()} - {"chainrule"})
    parser.add_argument("--peers", help=f"libraries beside ours, of {', '.join(libraries)}")
    parser.add_argument("--without", help="programs to leave out: 'torch compiled,NumPy'")
    parser.add_argument("--rounds", type=int, help="of each runner")
    parser.add_argument(
        "--quick", action="store_true", help=f"less than a minute: {QUICK}, coarse"
    )
    parser.add_argument("--json", help="the file of results to add to")
    options = parser.parse_args()
    options.rounds = options.rounds or (3 if options.quick else 9)
    options.only = options.only or (QUICK if options.quick else None)
    options.budget = 0.02 if options.quick else 0.06
    return options


def chosen_workloads(only: str | None) -> list[Workload]:
    """The workloads whose names start with one of the given words; all without them."""
    if only is None:
        return list(WORKLOADS.values())
    starts = tuple(part.strip() for part in only.split(","))
    for start in starts:
        if not any(name.startswith(start) for name in WORKLOADS):
            sys.exit(f"no workload {start!r}; there are {', '.join(WORKLOADS)}")
    return [workload for name, workload in WORKLOADS.items() if name.startswith(starts)]


def chosen_programs(options: argparse.Namespace) -> tuple[list[str], dict[str, str]]:
    """The programs that can run here, and why each of the others cannot."""
    wanted = list(PROGRAMS)
    left_out = [part.strip() for part in (options.without or "").split(",") if part.strip()]
    if options.quick:
        left_out.append("torch compiled")
    for name in left_out:
        if name not in PROGRAMS:
            sys.exit(f"no program {name!r}; there are {', '.join(PROGRAMS)}")
    if options.peers is not None:
        libraries = {"chainrule", *(part.strip() for part in options.peers.split(","))}
        known = {program.library for program in PROGRAMS.values()}
        for library in sorted(libraries - known - {""}):
            sys.exit(f"no peer {library!r}; there are {', '.join(sorted(known))}")
        wanted = [name for name in wanted if PROGRAMS[name].library in libraries]
    wanted = [name for name in wanted if name not in left_out]
    missing = {name: why for name in wanted if (why := reason_against(name))}
    return [name for name in wanted if name not in missing], missing


def main() -> None:
    """Measure, print, store."""
    options = arguments()
    names, missing = chosen_programs(options)
    for name, why in missing.items():
        print(f"without {name}: {why}")
    print(f"{machine()}; each program at its better number of threads, {options.rounds} rounds")
    measured = ceilings(numbers_of_threads(), quick=options.quick)
    for library, dtypes in measured.items():
        parts = [f"{d} {' / '.join(f'{v:.0f}' for v in t.values())}" for d, t in dtypes.items()]
        print(f"products in {library}'s BLAS, GF/s on 1 / 2 threads: {', '.join(parts)}")
    for workload in chosen_workloads(options.only):
        found = measure(workload, names, options)
        print_results(workload.name, found, measured)
        if options.json:
            store(options.json, {"workloads": {workload.name: found}, "ceilings": measured})


if __name__ == "__main__":
    main()
