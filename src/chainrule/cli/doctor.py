"""``chainrule doctor RUN|CONFIG``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Overrides
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.runs.doctor.diagnosis import Finding
    from chainrule.runs.run import Run


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
    say(found)


def say_first_finding(run: Run) -> None:
    """Print the first alarm of a training that has just ended, in two lines; else nothing."""
    finding = _first_alarm(run)
    if finding is None:
        return
    more = "" if run.folder is None else f" (chainrule doctor {run.folder} says more)"
    say(f"\ndoctor: {finding}\ntry: {_advice(finding)}{more}")


@contextmanager
def diagnosed() -> Iterator[None]:
    """Within this context the message of a training that diverged ends with its first finding."""
    from chainrule.core.errors import DivergenceError, Problem

    try:
        yield
    except DivergenceError as error:
        if error.run is None:
            raise
        finding = _first_alarm(error.run)
        said = [] if finding is None else [f"doctor: {finding}", f"try: {_advice(finding)}"]
        raise DivergenceError([*error.problems, *map(Problem, said)]) from None


def _first_alarm(run: Run) -> Finding | None:
    """What is plain of a training that has just ended; a failure here is none of the training."""
    from chainrule.core.errors import ChainruleError
    from chainrule.runs.doctor.examine import at_the_end

    with suppress(ChainruleError):
        return at_the_end(run)
    return None


def _advice(finding: Finding) -> str:
    """What to try, in one line."""
    return f"{finding.advice}: {finding.options}" if finding.settings else finding.advice
