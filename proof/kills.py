"""Planted bugs: every classic bug of backpropagation x every activation, and mutants."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from proof.bugs import BUGS, NAMES, Bug
from proof.kill_table import Verdict, write_table
from proof.line import Line
from proof.mutants import mutant_lines
from proof.planting import planted
from proof.stored import store, stored

ROOT = Path(__file__).parents[1]
AT_ONCE = 2
EVERY = 6
"""The short form takes every sixth bug, each with one activation."""

TIME_LIMIT = 300.0
"""Seconds for one bug with all activations; beyond them it counts as killed by the clock."""

TEMPTED = "tanh"
"""With which it is tried whether a network trains in spite of a bug, if the bug touches it."""


def tempted_of(bug: Bug | None) -> str:
    """The activation with which it is tried whether a network trains all the same."""
    harmless = bug.harmless if bug else ()
    return TEMPTED if TEMPTED not in harmless else next(n for n in NAMES if n not in harmless)


def put_through(bug: Bug | None, names: Sequence[str], *, tempt: bool) -> dict[str, Any]:
    """What `battery` says of a planted copy; None is the right code.

    Raises:
        RuntimeError: the battery itself failed.
    """
    harmless = set(bug.harmless) if bug else set()
    given = (names, harmless, bug.tests if bug else ())
    command = [sys.executable, "-m", "proof.battery", *(",".join(words) for words in given)]
    with planted(bug) as folder:
        path = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [*command, tempted_of(bug)] if tempt else command,
                env=path,
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"bits": {}, "killers": dict.fromkeys(names, f"{TIME_LIMIT:.0f} s passed")}
    if done.returncode:
        raise RuntimeError(f"{bug.name if bug else 'the right code'}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def verdict(bug: Bug, names: Sequence[str], right: dict[str, str], *, tempt: bool) -> Verdict:
    """Plant a bug and see."""
    found = put_through(bug, names, tempt=tempt)
    same = frozenset(n for n in names if found["bits"].get(n) == right.get(n))
    if not tempt or tempted_of(bug) in same:
        return Verdict(bug, found["killers"], same, "not used", "not used")
    temptations = found.get("temptations", {"accuracy": "no end", "laxer": "no end"})
    return Verdict(bug, found["killers"], same, temptations["accuracy"], temptations["laxer"])


def verdicts(chosen: Iterable[tuple[Bug, Sequence[str]]], *, tempt: bool) -> list[Verdict]:
    """Of bugs with the activations to try them with, some at once.

    Raises:
        RuntimeError: the right code fails the tests, so that nothing could be said.
    """
    right = put_through(None, NAMES, tempt=False)
    if broken := [test for test in right["killers"].values() if test]:
        raise RuntimeError(f"the tests fail without any bug: {broken[0]}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = [
            pool.submit(verdict, bug, names, right["bits"], tempt=tempt) for bug, names in chosen
        ]
        return [task.result() for task in tasks]


def in_turn() -> Iterator[tuple[Bug, list[str]]]:
    """The short form: some bugs, each with the next activation that it harms."""
    for k, bug in enumerate(BUGS[::EVERY]):
        harmed = [n for n in NAMES if n not in bug.harmless]
        yield bug, [harmed[k % len(harmed)]]


def summary(found: Sequence[Verdict]) -> tuple[str, bool]:
    """In a line, and whether all is as it should be."""
    pairs = sum(len(v.killers) for v in found)
    excused = sum(n in v.bug.harmless for v in found for n in v.killers)
    alive = [f"{v.bug.name} ({n})" for v in found for n in v.survivors]
    false = [f"{v.bug.name} ({n})" for v in found for n in v.wrongly_excused]
    text = f"{len(found)} bugs, {pairs - excused - len(alive)} of {pairs - excused} killed"
    if excused:
        text += f", {excused} change no bit"
    if alive:
        text += f"; survived: {', '.join(alive)}"
    if false:
        text += f"; not harmless: {', '.join(false)}"
    return text, not alive and not false


def kill_line(full: bool) -> Line:
    """Every bug with every activation, or some in turn."""
    start = time.perf_counter()
    chosen = [(bug, list(NAMES)) for bug in BUGS] if full else list(in_turn())
    found = verdicts(chosen, tempt=full)
    measured, holds = summary(found)
    if full:
        figures = write_table(found)
        store(
            "kills",
            measured,
            holds=holds,
            command="python -m proof kills --full",
            seconds=time.perf_counter() - start,
            figures=figures,
        )
    before = stored("kills")
    return Line(
        f"{len(BUGS)} classic bugs x {len(NAMES)} activations",
        "all killed, the harmless proved",
        measured,
        holds,
        str(before) if before else "",
    )


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part."""
    yield kill_line(full)
    yield from mutant_lines(full)
