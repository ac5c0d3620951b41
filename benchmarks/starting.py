"""From the start of a process to the end of its first epoch, and its peak memory.

Python's start, imports, building, compiling and an epoch of W4 or W1, each in a new process on
one thread (JAX chooses its own number). A program that keeps compiled code in a folder runs once
with an empty folder (cold), and then warm like all others. Run with:
python -m benchmarks.starting [--rounds 5] [--without "torch compiled"] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.programs import PROGRAMS, reason_against
from benchmarks.results import store
from benchmarks.timing import machine
from benchmarks.workloads import WORKLOADS, Workload, make_problem

TRAINED = ("W4 f64", "W1 f64")
CACHES = {"chainrule compiled": "NUMBA_CACHE_DIR", "torch compiled": "TORCHINDUCTOR_CACHE_DIR"}
"""The environment variable for the folder in which a program keeps compiled code."""

MEBIBYTE = 2**20


def launch(name: str, problem: Path, caches: Path) -> tuple[float, dict[str, float]]:
    """Run a program in a new process; returns its seconds and its results."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**os.environ, **dict.fromkeys(threads, "1")}
    environment |= {variable: str(caches / variable) for variable in CACHES.values()}
    command = [sys.executable, "-m", "benchmarks.first_epoch", name, str(problem)]
    start = perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = perf_counter() - start
    if done.returncode:
        sys.exit(f"{name} ended with {done.returncode}:\n{done.stderr}")
    return seconds, json.loads(done.stdout.splitlines()[-1])


def starts(workload: Workload, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """Cold and warm seconds and the peak memory of every program on one workload."""
    with tempfile.TemporaryDirectory() as folder:
        caches, file = Path(folder), Path(folder) / "problem.pickle"
        file.write_bytes(pickle.dumps(make_problem(workload)))
        # The first process also reads the library from the disk; only that of a program that
        # keeps compiled code counts.
        first = {name: launch(name, file, caches) for name in names}
        warm = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                warm[name].append(launch(name, file, caches))
    return {
        name: {
            "cold": first[name][0] if name in CACHES else None,
            "warm": [seconds for seconds, _ in warm[name]],
            "memory": [results["memory"] for _, results in warm[name]],
            "loss": warm[name][0][1]["loss"],
        }
        for name in names
    }


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(TRAINED), help="of W4 f64, W1 f64 ...")
    parser.add_argument("--rounds", type=int, default=5, help="of warm starts")
    parser.add_argument("--without", default="", help="programs to leave out")
    parser.add_argument("--json", help="the file of results to add to")
    options = parser.parse_args()
    names = [name for name in PROGRAMS if name not in options.without.split(",")]
    for name in [name for name in names if reason_against(name)]:
        print(f"without {name}: {reason_against(name)}")
        names.remove(name)
    print(f"{machine()}; new processes, one thread, {options.rounds} rounds")
    for chosen in options.only.split(","):
        workload = WORKLOADS[chosen.strip()]
        found = starts(workload, names, options.rounds)
        print(f"\n{workload.name}: {workload.description}, an epoch of {workload.cases} cases")
        print("  seconds from start to exit, median (range)      cold   peak MiB   last loss")
        for name, what in found.items():
            warm, memory = what["warm"], median(what["memory"]) / MEBIBYTE
            cold = "" if what["cold"] is None else f"{what['cold']:.2f}"
            spread = f"({min(warm):.2f} – {max(warm):.2f})"
            print(
                f"  {name:20}{median(warm):8.2f} {spread:18}{cold:>8}{memory:11.0f}"
                f"   {what['loss']:.6f}"
            )
        if options.json:
            store(options.json, {"starting": {workload.name: found}})


if __name__ == "__main__":
    main()
