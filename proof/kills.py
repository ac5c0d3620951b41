"""Planted bugs: classic bugs of backpropagation, each with every activation.

Only tests that `make test` runs are counted, so that `python -m proof kills --full` shows that
`make test` alone notices every planted bug. The result is the table docs/planted-bugs.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proof.bugs import BUGS, NAMES, Bug
from proof.line import Line, store, stored_text
from proof.planting import planted

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "planted-bugs.md"
AT_ONCE = 2
EVERY = 6
"""The short form takes every sixth bug, each with one activation."""

TIME_LIMIT = 300.0
"""Seconds for one bug with all activations; a bug that takes longer counts as killed."""

TRAINED = 0.9
"""A network of at least this accuracy counts as trained in spite of the bug."""

PREFERRED = "tanh"
"""The activation of the network that is trained with a bug, unless the bug is harmless for it."""


@dataclass(frozen=True)
class Verdict:
    """What became of one bug.

    Attributes:
        bug: the bug.
        killers: by activation, the test that failed; None where none did.
        same_bits: activations with which training gave the bits of the right code.
        accuracy: of a network trained with the bug; a word where the training failed or does not
            use the changed code.
        passes: whether the gradient of one batch passes PyTorch's tolerances ("gradcheck") and a
            relative error of 1e-4 ("course"); a word as above.
    """

    bug: Bug
    killers: dict[str, str | None]
    same_bits: frozenset[str]
    accuracy: float | str
    passes: dict[str, bool] | str

    @property
    def survivors(self) -> list[str]:
        """Activations with which the bug does harm and no test failed."""
        return [
            n for n, test in self.killers.items() if test is None and n not in self.bug.harmless
        ]

    @property
    def wrongly_excused(self) -> list[str]:
        """Activations for which the bug is declared harmless although it changes bits."""
        return [n for n in self.killers if n in self.bug.harmless and n not in self.same_bits]


def lines(full: bool) -> Iterator[Line]:
    """Every bug with every activation, or every sixth bug with one."""
    start = time.perf_counter()
    chosen = [(bug, list(NAMES)) for bug in BUGS] if full else list(in_turn())
    found = verdicts(chosen, train=full)
    measured, holds = summary(found)
    if full:
        figures = write_table(found)
        command, seconds = "python -m proof kills --full", time.perf_counter() - start
        store("kills", measured, holds=holds, command=command, seconds=seconds, figures=figures)
    yield Line(
        f"{len(BUGS)} classic bugs x {len(NAMES)} activations, by tests that make test runs",
        "all killed, the harmless proved",
        measured,
        holds,
        stored_text("kills"),
    )


def in_turn() -> Iterator[tuple[Bug, list[str]]]:
    """The short form: some bugs, each with the next activation that it harms."""
    for k, bug in enumerate(BUGS[::EVERY]):
        harmed = [n for n in NAMES if n not in bug.harmless]
        yield bug, [harmed[k % len(harmed)]]


def verdicts(chosen: Iterable[tuple[Bug, Sequence[str]]], *, train: bool) -> list[Verdict]:
    """Of bugs, each with the activations to try; `AT_ONCE` at a time.

    Args:
        chosen: the bugs and activations.
        train: whether to try as well whether a network trains in spite of each bug.

    Raises:
        RuntimeError: the right code fails the tests, so that their failures say nothing.
    """
    right = run_battery(None, NAMES)
    if broken := [test for test in right["killers"].values() if test]:
        raise RuntimeError(f"the tests fail without any bug: {broken[0]}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tasks = [
            pool.submit(verdict, bug, names, right["bits"], train=train) for bug, names in chosen
        ]
        return [task.result() for task in tasks]


def verdict(bug: Bug, names: Sequence[str], right: dict[str, str], *, train: bool) -> Verdict:
    """Plant a bug and run the battery on it; ``right`` has the bits of the right code."""
    trained = PREFERRED
    if trained in bug.harmless:
        trained = next(n for n in NAMES if n not in bug.harmless)
    found = run_battery(bug, names, trained if train else "")
    same = frozenset(n for n in names if found["bits"].get(n) == right.get(n))
    if not train or trained in same:
        return Verdict(bug, found["killers"], same, "not used", "not used")
    return Verdict(
        bug, found["killers"], same, found.get("accuracy", "no end"), found.get("passes", "no end")
    )


def run_battery(bug: Bug | None, names: Sequence[str], trained: str = "") -> dict[str, Any]:
    """The results of `proof.battery` on a copy of the package.

    Args:
        bug: planted in the copy; None for the right code.
        names: of activations.
        trained: the activation of a network to train; empty for none.

    Raises:
        RuntimeError: the battery itself failed.
    """
    harmless, tests = (bug.harmless, bug.tests) if bug else ((), ())
    words = [",".join(some) for some in (names, harmless, tests, [trained])]
    with planted(bug) as folder:
        path = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                [sys.executable, "-m", "proof.battery", *words],
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


def summary(found: Sequence[Verdict]) -> tuple[str, bool]:
    """The counts in a line, and whether all bugs are killed and no excuse is false."""
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


# The table docs/planted-bugs.md

HEAD = """\
# Planted bugs

Each bug is planted in a copy of the package, and tests that `make test` runs are run on the copy,
for every activation. Beside the test that fails stands weaker evidence that one might have
relied on: the accuracy of a network of 2-8-8-3 units trained with the bug on three clouds of
points; whether the gradient of one batch is within the tolerances of PyTorch's `gradcheck`
(|a − n| ≤ 1e-5 + 1e-3 |n|); whether its relative error is at most 1e-4, a usual rule of courses.
A dash: that training does not use the changed code.

`python -m proof kills --full` writes this page.

"""


def write_table(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Write the page; returns the counts that stand in it."""
    used = [v for v in verdicts if v.accuracy != "not used"]
    trained = [v for v in used if isinstance(v.accuracy, float) and v.accuracy > TRAINED]
    lax = {
        rule: sum(isinstance(v.passes, dict) and v.passes[rule] for v in used)
        for rule in ("gradcheck", "course")
    }
    alive = sum(bool(v.survivors) for v in verdicts)
    rows = [
        f"Of {len(used)} bugs in code that this training uses, {len(trained)} trained to over "
        f"90 % all the same, {lax['gradcheck']} passed on one batch at PyTorch's tolerances and "
        f"{lax['course']} at 1e-4. Of all {len(verdicts)} the tests killed "
        f"{f'all but {alive}' if alive else 'every one'}.\n",
        "| bug | killed by | changes nothing for | trains to | gradcheck | 1e-4 |",
        "| --- | --- | --- | ---: | --- | --- |",
        *(_row(v) for v in verdicts),
    ]
    PAGE.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
    return {"bugs": len(verdicts), "used": len(used), "trained": len(trained), **lax}


def _row(v: Verdict) -> str:
    killers = sorted({test.partition("[")[0] for test in v.killers.values() if test})
    by = "<br>".join(f"`{test.replace('::', ' ')}`" for test in killers)
    if v.survivors:
        by += f" **survives with {', '.join(v.survivors)}**"
    reasons: dict[str, list[str]] = {}
    for name, reason in v.bug.harmless.items():
        reasons.setdefault(reason, []).append(name)
    harmless = "; ".join(
        reason if len(names) > 3 else f"{', '.join(names)}: {reason}"
        for reason, names in reasons.items()
    )
    if v.accuracy == "not used":
        return f"| {v.bug.name} | {by} | {harmless} | – | – | – |"
    accuracy = f"{v.accuracy:.0%}" if isinstance(v.accuracy, float) else v.accuracy
    passes = v.passes if isinstance(v.passes, dict) else {}
    marks = ["passes" if passes.get(rule) else "fails" for rule in ("gradcheck", "course")]
    return f"| {v.bug.name} | {by} | {harmless} | {accuracy} | {marks[0]} | {marks[1]} |"
