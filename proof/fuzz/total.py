"""Fuzzes every target for a while and adds the executions to the stored totals.

Run with: ``python -m proof.fuzz.total [SECONDS EACH] [TARGET ...]``. Inputs that reach new code
are merged into the corpus beside this file, where the tests replay them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from proof.fuzz.target import Target, memory_folder
from proof.fuzz.targets import TARGETS
from proof.line import store, stored

WANTED = 10_000_000
"""Executions wanted of each target, over all runs."""

READERS = 6
"""The least number of targets with so many executions; the others are slower."""

NAME = "fuzzing"
_MOST_KEPT = 60
"""The largest number of inputs in a corpus."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run of a fuzzer.

    Attributes:
        executions: the number of inputs tried.
        edges: the number of edges of the instrumented code that were reached.
        finding: the last output, if a reader raised a wrong error; otherwise empty.
    """

    executions: int
    edges: int
    finding: str


def fuzz(name: str, folder: Path, seconds: int) -> Outcome:
    """Fuzz one target for ``seconds``; inputs that reach new code go into ``folder``."""
    words = [name, str(folder), f"-max_total_time={seconds}", "-print_final_stats=1"]
    done = _run(words, folder.parent)
    counts = re.findall(r"number_of_executed_units:\s+(\d+)", done.stderr)
    edges = re.findall(r"\bcov: (\d+)", done.stderr)
    failed = done.returncode != 0
    finding = done.stderr[-3000:] if failed else ""
    return Outcome(int(counts[-1]) if counts else 0, int(edges[-1]) if edges else 0, finding)


def fuzz_for_a_while(name: str, seconds: int) -> Outcome:
    """Fuzz one target for ``seconds``, and discard the inputs."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "inputs"
        folder.mkdir()
        return fuzz(name, folder, seconds)


def merge(name: str, folder: Path) -> None:
    """Add inputs of ``folder`` that reach new code to the target's corpus; at most 60 remain."""
    corpus = TARGETS[name].corpus
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        chosen = Path(place) / "chosen"
        chosen.mkdir()
        _run([name, str(chosen), str(folder), "-merge=1"], Path(place))
        kept = {path.name[:16]: path.read_bytes() for path in chosen.iterdir()}
        if not kept:
            return
        for path in corpus.iterdir():
            path.unlink()
        for key in _chosen(TARGETS[name], kept):
            (corpus / key).write_bytes(kept[key])


def _chosen(target: Target, kept: Mapping[str, bytes]) -> list[str]:
    """The names of inputs to keep: accepted files of different lengths, and others."""
    by_length = sorted(kept, key=lambda key: (len(kept[key]), key))
    with memory_folder() as folder, target.trials(folder) as accepted:
        good = [key for key in by_length if accepted(kept[key])]
    others = [key for key in by_length if key not in good]
    return [*_spread(good, _MOST_KEPT // 3), *_spread(others, 2 * _MOST_KEPT // 3)]


def _spread(names: list[str], most: int) -> list[str]:
    """At most ``most`` of the names at equal distances, the last among them."""
    step = max(1, -(-len(names) // most))
    return names[::-1][::step]


def _run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])}
    return subprocess.run(
        [sys.executable, "-m", "proof.fuzz.run", *words],
        cwd=folder, env=environment, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip


def totals() -> dict[str, dict[str, Any]]:
    """The stored totals of all runs, by target."""
    kept = stored(NAME)
    found: Any = kept.figures if kept else {}
    return {name: dict(found.get(name, {})) for name in TARGETS}


def add(name: str, outcome: Outcome, seconds: float) -> None:
    """Add a run to the stored totals."""
    figures = totals()
    entry = figures[name]
    entry["date"] = date.today().isoformat()
    entry["executions"] = entry.get("executions", 0) + outcome.executions
    entry["edges"] = max(entry.get("edges", 0), outcome.edges)
    entry["findings"] = entry.get("findings", 0) + bool(outcome.finding)
    entry["last run found"] = int(bool(outcome.finding))
    kept = stored(NAME)
    measured, holds = judged(figures)
    store(
        NAME,
        measured,
        holds=holds,
        command="python -m proof.fuzz.total",
        seconds=seconds + (kept.seconds if kept else 0.0),
        figures=dict(figures),
    )


def judged(figures: Mapping[str, Mapping[str, Any]]) -> tuple[str, bool]:
    """The totals as text, and whether enough targets have them and no finding is open.

    Args:
        figures: of each target, as they are stored.
    """
    executions = {name: entry.get("executions", 0) for name, entry in figures.items()}
    enough = sum(count >= WANTED for count in executions.values())
    findings = sum(entry.get("last run found", 0) for entry in figures.values())
    each = ", ".join(f"{name} {count / 1e6:.2f}" for name, count in executions.items())
    words = f"{enough} of {len(figures)} (millions: {each}); open findings: {findings}"
    return words, enough >= READERS and not findings


def run(names: Iterable[str], seconds: int) -> int:
    """Fuzz each target, merge its inputs and add its totals; returns the number of findings."""
    found = 0
    for name in names:
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "inputs"
            folder.mkdir()
            outcome = fuzz(name, folder, seconds)
            if outcome.finding:
                print(outcome.finding)
                for crash in [*Path(place).glob("crash-*"), *Path(place).glob("timeout-*")]:
                    print(f"{name}: {crash.read_bytes()!r}")
            else:
                merge(name, folder)
        add(name, outcome, time.perf_counter() - start)
        found += bool(outcome.finding)
        print(f"{name}: {outcome.executions:,} executions, {outcome.edges} edges", flush=True)
    return found


if __name__ == "__main__":
    seconds_each, *chosen = [*sys.argv[1:], "60"] if len(sys.argv) < 2 else sys.argv[1:]
    sys.exit(int(run(chosen or TARGETS, int(seconds_each)) > 0))
