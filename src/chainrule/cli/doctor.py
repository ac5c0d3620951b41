"""``chainrule doctor RUN|CONFIG``."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Overrides
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.runs.doctor.diagnosis import Diagnosis, Finding

WIDTH = 96


def command(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN|CONFIG", help="A run's folder, or a configuration."),
    ],
    set_: Overrides = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the findings as JSON, for scripts.")
    ] = False,
) -> None:
    """Say why a network does not learn, and what to try.

    Each finding has its evidence, a number and the layer, how sure it is, and the key to change.
    Of a configuration a short training is run first; nothing of it is kept.
    """
    from chainrule.runs.doctor.examine import examine

    found = examine(run, overrides=set_ or [])
    if json:
        from chainrule.core.strict_json import as_json, finite_or_null

        say(as_json(finite_or_null(found.to_dict()), indent=2))
        return
    print_diagnosis(found)


def print_diagnosis(found: Diagnosis) -> None:
    """Print what was looked at, and each finding with its evidence and what to try."""
    say(f"{found.name}: {found.examined}")
    if found.healthy:
        say("healthy: nothing found that keeps it from learning")
    for finding in found:
        say()
        _print_finding(finding)


def _print_finding(finding: Finding) -> None:
    from chainrule.runs.doctor.diagnosis import ILLNESSES

    where = f" in {finding.layer}" if finding.layer else ""
    say(f"{finding.illness}{where}, {finding.confidence}: {ILLNESSES[finding.illness]}")
    for heading, text in (("evidence", finding.evidence), ("try", finding.advice)):
        lines = wrap(text, WIDTH - 12, break_long_words=False, break_on_hyphens=False)
        say(f"  {heading:<10}" + ("\n" + " " * 12).join(lines))
    if finding.settings:
        say(f"  {'':<10}--set {' '.join(finding.settings)}")
