"""What the doctor finds in the patients, and the figures by which it is judged.

    python -m proof doctor [--only WORDS] [--as run|folder|config] [--held-out]

trains every variant of every illness and every healthy run, and asks the doctor. A variant counts
if the right illness is the first of all findings. A healthy run raises an alarm if there is a
finding that ``chainrule train`` would tell: one that is likely or certain.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from doctor.healthy import HEALTHY, AbsentError
from doctor.held_out_again import HELD_OUT, HELD_OUT_HEALTHY
from doctor.illnesses import ILLNESSES
from doctor.patients import Patient, Variant, loaded_config, saved, trained

FORMS = ("run", "folder", "config")
"""What the doctor is shown: a run in memory, one loaded from its folder, or a configuration."""

TOLD = ("likely", "certain")
"""How sure a finding is that `train` tells."""

WELL = "healthy"
"""What stands in place of an illness for a healthy run."""

ASKED = 0.95
"""The share of the variants of which the right illness is to be first."""


@dataclass(frozen=True)
class Verdict:
    """What the doctor found in one patient.

    Attributes:
        illness: that was planted, or `WELL`.
        name: of the variant or the healthy run.
        right: the answers that are right as the first one; none for a healthy run.
        found: the illness and the confidence of each finding, in order.
        absent: why the patient could not be trained here; empty otherwise.
    """

    illness: str
    name: str
    right: tuple[str, ...] = ()
    found: tuple[tuple[str, str], ...] = ()
    absent: str = ""

    @property
    def holds(self) -> bool:
        """Whether the right illness comes first, or nothing is told of a healthy run."""
        if self.illness == WELL:
            return not self.alarms
        return bool(self.found) and self.found[0][0] in self.right

    @property
    def is_told(self) -> bool:
        """Whether the right illness comes first and is likely or certain."""
        return self.holds and bool(self.found) and self.found[0][1] in TOLD

    @property
    def alarms(self) -> list[str]:
        """The illnesses that `train` would tell."""
        return [illness for illness, confidence in self.found if confidence in TOLD]


def examined(patient: Patient, form: str = "run") -> tuple[tuple[str, str], ...]:
    """Train a patient, and ask the doctor; the illness and the confidence of each finding.

    Args:
        patient: with the cause of its illness.
        form: one of `FORMS`.
    """
    from chainrule.runs.doctor.examine import examine

    with tempfile.TemporaryDirectory() as made, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the numbers that overflow where that is the illness
        folder = Path(made)
        shown = {"run": trained, "folder": saved, "config": loaded_config}[form](patient, folder)
        diagnosis = examine(shown)
    return tuple((found.illness, found.confidence) for found in diagnosis.findings)


def verdict(illness: str, name: str, make: Variant, form: str = "run") -> Verdict:
    """The verdict on one patient."""
    try:
        patient = make()
    except AbsentError as error:
        return Verdict(illness, name, absent=str(error))
    if patient.needs is not None and find_spec(patient.needs) is None:
        return Verdict(illness, name, absent=f"{patient.needs} is not installed")
    right = () if illness == WELL else (illness, *patient.also)
    try:
        found = examined(patient, form)
    except Exception as error:  # no answer is a wrong one, of an ill run and of a healthy one
        found = ((f"{type(error).__name__}: {error}"[:200], "certain"),)
    return Verdict(illness, name, right, found)


def verdicts(only: str = "", form: str = "run", *, held_out: bool = False) -> Iterator[Verdict]:
    """The verdicts on all patients, or on those whose illness and name contain a text.

    Args:
        only: the text.
        form: one of `FORMS`.
        held_out: whether to take the patients that were first examined when the rules stood.
    """
    patients = {**ILLNESSES, WELL: HEALTHY}
    if held_out:
        patients = {**HELD_OUT, WELL: HELD_OUT_HEALTHY}
    for illness, variants in patients.items():
        for name, make in variants.items():
            if only in f"{illness}: {name}":
                yield verdict(illness, name, make, form)


def summary(found: Iterable[Verdict]) -> str:
    """The figures: how often the right illness came first, and how many false alarms."""
    there = [each for each in found if not each.absent]
    ill = [each for each in there if each.illness != WELL]
    well = [each for each in there if each.illness == WELL]
    first, told = sum(each.holds for each in ill), sum(each.is_told for each in ill)
    alarms = sum(not each.holds for each in well)
    murmurs = sum(bool(each.found) for each in well) - alarms
    share = f" = {first / len(ill):.1%}" if ill else ""
    return (
        f"the right illness first in {first} of {len(ill)} variants{share}, likely or certain in "
        f"{told}; false alarms in {alarms} of {len(well)} healthy runs, and something possible in "
        f"{murmurs} more"
    )


def holds(found: Sequence[Verdict]) -> bool:
    """Whether the figures are as asked."""
    there = [each for each in found if not each.absent]
    ill = [each.holds for each in there if each.illness != WELL]
    alarms = [each for each in there if each.illness == WELL and not each.holds]
    return sum(ill) >= ASKED * len(ill) and not alarms


def row(each: Verdict) -> tuple[str, str, str, str]:
    """A line of the table."""
    mark = "[yellow]not here[/]" if each.absent else "[green]yes[/]"
    if not each.absent and not each.holds:
        mark = "[bold red]NO[/]"
    listed = ", ".join(f"{illness} ({confidence})" for illness, confidence in each.found)
    return each.illness, each.name, mark, escape(each.absent or listed or "nothing")


def main(words: Sequence[str] | None = None) -> int:
    """Print the table and the figures; 1 if they are not as asked."""
    parser = argparse.ArgumentParser(
        prog="python -m proof doctor",
        description="Ask the doctor about trainings with planted illnesses and healthy ones.",
    )
    parser.add_argument("--only", default="", help="patients whose illness or name contains this")
    parser.add_argument(
        "--as", dest="form", choices=FORMS, default="run", help="what the doctor is shown"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each patient")
    parser.add_argument(
        "--held-out", action="store_true", help="the patients first examined when the rules stood"
    )
    options = parser.parse_args(words)
    found: list[Verdict] = []
    table = Table("illness", "variant", "right", Column("findings", overflow="fold"))
    for each in verdicts(options.only, options.form, held_out=options.held_out):
        found.append(each)
        table.add_row(*row(each))
        if options.json:
            print(json.dumps({**asdict(each), "holds": each.holds}), flush=True)
    if not options.json:
        console = Console()
        console.print(table)
        console.print(summary(found), markup=False)
    return int(not holds(found))


if __name__ == "__main__":
    sys.exit(main())
