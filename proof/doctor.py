"""The doctor: whether it names what was planted, and is silent where nothing is wrong.

The patients are those of ``tests/doctor/``, which says how each is made.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from proof.line import Line

ROOT = Path(__file__).resolve().parents[1]
WELL, ASKED, DRAWN = "healthy", 0.95, 400


def main(words: Sequence[str]) -> int:
    """Print what the doctor found in each patient; see `lines` for the figures alone."""
    return _battery(*words).wait()


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part; the full run asks about folders and drawn trainings as well."""
    for form in ("run", "folder") if full else ("run",):
        yield from _figures(form)
    if full:
        yield _drawn(DRAWN)


def _figures(form: str) -> Iterator[Line]:
    process = _battery("--json", "--as", form, stdout=subprocess.PIPE, text=True)
    found = [json.loads(line) for line in process.stdout or ()]
    if process.wait() > 1:
        raise RuntimeError("the battery of the doctor broke off")
    there = [each for each in found if not each["absent"]]
    ill = [each for each in there if each["illness"] != WELL]
    well = [each for each in there if each["illness"] == WELL]
    missed = [each for each in ill if not each["holds"]]
    kinds = len({each["illness"] for each in ill})
    share = 1 - len(missed) / max(1, len(ill))
    measured = f"{share:.1%} of {len(ill)}, {kinds} illnesses{_named(missed)}"
    yield Line(f"the right illness first ({form})", "at least 95 %", measured, share >= ASKED)
    alarmed = [each for each in well if not each["holds"]]
    measured = f"{len(alarmed)} in {len(well)} healthy runs{_named(alarmed)}"
    yield Line(f"false alarms ({form})", "none", measured, not alarmed)


def _drawn(count: int) -> Line:
    """Trainings drawn at random, healthy and with a cause planted in them."""
    process = _python("doctor.drawn", str(count), stdout=subprocess.PIPE, text=True)
    *_, last = ["", *(process.stdout or ())]
    asked = "no alarm, at most a tenth missed"
    return Line(f"{count} drawn trainings", asked, last.strip(), process.wait() == 0)


def _named(patients: list[dict[str, Any]]) -> str:
    named = "; ".join(f"{each['illness']}: {each['name']}" for each in patients)
    return f"; not {named}" if named else ""


def _battery(*words: str, **options: Any) -> subprocess.Popen[str]:
    return _python("doctor.battery", *words, **options)


def _python(module: str, *words: str, **options: Any) -> subprocess.Popen[str]:
    """A module of the tests in a process of its own."""
    paths = os.pathsep.join([str(ROOT / "tests"), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, env=environment, **options)
