"""Files from strangers: what the code may do, hostile files, and fuzzing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from proof.fuzz.targets import TARGETS
from proof.fuzz.total import READERS, WANTED, fuzz_for_a_while, judged, run, totals
from proof.line import Line, stored

ROOT = Path(__file__).resolve().parents[1]
LOOP, TIMES, MEBIBYTES = 64, 2.0, 256
"""Limits of a refusal: the time of a loop over 64 MiB or of two good files, and its memory."""

SHORT, FULL = 4, 3600
"""Seconds that each reader is fuzzed."""


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part."""
    yield _rules()
    yield from _hostile()
    yield from _fuzzing(full)


def _python(*words: str, environment: dict[str, str] | None = None) -> list[Any]:
    """Run Python with the tests on its path; returns the lines of JSON that it prints."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), *sys.path])
    done = subprocess.run(
        [sys.executable, *words],
        env={**os.environ, "PYTHONPATH": paths, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _rules() -> Line:
    program = (
        "import json; from rules_of_reading import *; found = breaches(); "
        "print(json.dumps([len(list(sources())), len(RULES), len(ALLOWED), "
        "[f'{path}: {rule}' for path, rule in found if (path, rule) not in ALLOWED]]))"
    )
    ((files, rules, allowed, breaches),) = _python("-c", program)
    measured = f"{len(breaches)} in {files} modules by {rules} rules; {allowed} places allowed"
    return Line("nothing that a file could run", "no breach", measured, not breaches)


def _hostile() -> Iterator[Line]:
    claim = "hostile files refused in one kind of error"
    if sys.platform != "linux":
        yield Line(claim, "at least 150", "memory and time are watched on Linux alone", None)
        return
    found = _python("-m", "hostile.warden")
    refused = [r for r in found if r["ended"] == "refused"]
    kinds = len({r["format"] for r in found})
    measured = f"{len(refused)} of {len(found)}, of {kinds} formats"
    yield Line(claim, "all, at least 150", measured, len(refused) == len(found) >= 150)
    slowest = max(found, key=lambda r: r["loop"])
    size = slowest["loop"] / 2**20
    measured = f"{size:.0f} MiB, {slowest['cpu']:.2f} s ({slowest['format']}: {slowest['name']})"
    asked = f"≤ a loop over {LOOP} MiB"
    yield Line("the slowest of them", asked, measured, size <= LOOP)
    long = [r for r in found if "times" in r]
    dearest = max(long, key=lambda r: r["times"])
    measured = f"{dearest['times']:.1f} times ({dearest['format']}: {dearest['name']})"
    claim = f"long texts and pickles ({len(long)}), beside good ones of their length"
    yield Line(claim, f"≤ {TIMES:g} times", measured, dearest["times"] <= TIMES)
    largest = max(found, key=lambda r: r["bytes"])
    size = largest["bytes"] / 2**20
    measured = f"{size:.0f} MiB ({largest['format']}: {largest['name']})"
    yield Line("the memory of the largest", f"≤ {MEBIBYTES} MiB", measured, size <= MEBIBYTES)
    heard = [r for r in found if r["heard"]]
    measured = f"{len(heard)} of {len(found)} wrote, imported, opened, ran or connected"
    yield Line("what they made happen", "nothing", measured, not heard)


def _fuzzing(full: bool) -> Iterator[Line]:
    claim = f"fuzzing, over time: readers with {WANTED:,} executions"
    if find_spec("atheris") is None:
        measured = "atheris is not installed: pip install -e '.[proof]'"
        yield Line("fuzzing", "no finding", measured, None)
    else:
        if full:
            run(TARGETS, FULL)
        for name in TARGETS if not full else ():
            outcome = fuzz_for_a_while(name, SHORT)
            measured = f"{outcome.executions:,} in {SHORT} s, {outcome.edges:,} edges reached"
            holds = not outcome.finding and outcome.executions > 0
            yield Line(f"fuzzing: {name}", "no finding", measured, holds)
    measured, holds = judged(totals())
    kept = stored("fuzzing")
    asked = f"≥ {READERS}, no finding"
    yield Line(claim, asked, measured, holds, kept.date if kept else "none stored")
