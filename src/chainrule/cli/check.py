"""``chainrule check CONFIG``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Config, Overrides
from chainrule.cli.terminal import say
from chainrule.core.notation import counted, sizes_text

if TYPE_CHECKING:
    from chainrule.gradients import Finding, Report
    from chainrule.nn.network import Network

WRONG = 1


def command(
    config: Config,
    cases: Annotated[
        int,
        typer.Option(
            "--cases", metavar="N", min=1, help="How many training cases; they make two batches."
        ),
    ] = 8,
    method: Annotated[
        list[str] | None,
        typer.Option(
            "--method",
            metavar="METHOD",
            help="central, complex, projection, torch or jax; may be given several times. By "
            "default all that are there.",
        ),
    ] = None,
    coordinates: Annotated[
        int | None,
        typer.Option(
            "--coordinates",
            metavar="N",
            min=1,
            help="How many numbers of an array central and complex move one by one; by default "
            "all in a small network, some chosen at random in a large one.",
        ),
    ] = None,
    set_: Overrides = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print the conclusion alone.")] = False,
) -> None:
    """Check every gradient by independent derivations.

    Two batches of the training data go through the same network, as it starts. Exit status 0:
    every gradient is right; 1: one is wrong; 2: something in the input is.
    """
    from chainrule.config.load import load_config
    from chainrule.core.arrays import cases_that_count
    from chainrule.gradients import check
    from chainrule.runs.resolve import resolve

    loaded = load_config(config, set_ or [])
    is_narrow = loaded.network["dtype"] != "float64"
    loaded = loaded.replace(network={"dtype": "float64"})
    resolved = resolve(loaded)
    network = resolved.network
    part = resolved.training_set()
    x, t, weights = cases_that_count(part.x, part.t, part.weights)
    x, t, weights = x[:cases], t[:cases], None if weights is None else weights[:cases]
    report = check(network, x, t, weights=weights, methods=method or None, coordinates=coordinates)
    if not quiet:
        _print_report(network, report)
        if is_narrow:
            say("checked in float64: float32 has too few digits to tell")
    say(_conclusion(network, report, len(x)))
    if not report.right:
        raise typer.Exit(WRONG)


def _print_report(network: Network, report: Report) -> None:
    """Print the two tables and the notes."""
    from chainrule.cli.tables import print_rows

    methods = list(dict.fromkeys(finding.method for finding in report.parameters))
    say("\nThe gradient of the whole network: the largest relative error of each array")
    print_rows(
        ("", "shape", *methods, "checked", "verdict"),
        [_array_row(network, name, found, methods) for name, found in _by_name(report.parameters)],
    )
    say("Layer by layer, in the order of the backward pass: the largest relative error")
    print_rows(
        ("", "derivative", "error", "verdict"),
        [
            (found[0].place, found[0].derivative, shown_error(found), _verdict(found))
            for _, found in _by_name(report.by_layer)
        ],
    )
    for note in report.notes:
        say(note)


def _by_name(findings: Iterable[Finding]) -> list[tuple[str, list[Finding]]]:
    """Findings grouped by place and array, in the order of first appearance."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.name, []).append(finding)
    return list(groups.items())


def _array_row(
    network: Network, name: str, found: list[Finding], methods: list[str]
) -> tuple[str, ...]:
    array = network.parameters[f"{found[0].place}.{found[0].what}"]
    shape = sizes_text(array.shape)
    errors = [shown_error(f for f in found if f.method == method) for method in methods]
    moved = [f.checked for f in found if f.method in ("central", "complex")]
    few = min(moved, default=found[0].total)
    checked = "all" if few == found[0].total else f"{few} of {found[0].total:,}"
    return (name, shape, *errors, checked, _verdict(found))


def shown_error(found: Iterable[Finding]) -> str:
    """The largest relative error; if none was computed, the basis of the verdict."""
    from chainrule.gradients import Verdict

    found = list(found)
    roundings, verdicts = max(f.roundings for f in found), {f.verdict for f in found}
    if any(f.compared != 0 for f in found):
        return f"{max(f.error for f in found):.1e}"
    if roundings:
        return counted(max(1, round(roundings)), "rounding")
    if verdicts == {Verdict.UNJUDGED}:
        return "no digits"
    return "few digits" if Verdict.RIGHT in verdicts else "-"


def _verdict(found: Iterable[Finding]) -> str:
    """The worst verdict of several, with the count of numbers at a kink."""
    from chainrule.gradients import Verdict

    found = list(found)
    verdicts = {f.verdict for f in found}
    if Verdict.WRONG in verdicts:
        return "WRONG"
    if Verdict.KINK in verdicts:
        count = max(f.at_kinks for f in found)
        return f"at a kink ({count})" if count else "at a kink"
    return "not judged" if verdicts == {Verdict.UNJUDGED} else "right"


def _conclusion(network: Network, report: Report, cases: int) -> str:
    count = f"{counted(len(network.theta), 'parameter')}, {counted(cases, 'case')}"
    if not report.right:
        return f"WRONG ({count}): {report.diagnosis}"
    figures = f"{count}; largest relative error {report.worst:.1e}"
    if report.roundings >= 1:
        roundings = counted(round(report.roundings), "rounding")
        figures += f"; largest difference of terms that cancel {roundings}"
    if report.unjudged:
        return (
            f"right as far as can be judged ({figures}); no method has digits for: "
            f"{', '.join(report.unjudged)}"
        )
    return f"right: every gradient agrees ({figures})"
