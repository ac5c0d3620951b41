"""``chainrule compare CONFIG --with PEERS``."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Config, Overrides, Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.runs.comparison.result import Comparison, TrainingResult


def command(
    config: Config,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="PEERS",
            help="Libraries to compare with, such as torch,sklearn,jax; by default all that are "
            "installed.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=1, help="How many; by default the configuration's."),
    ] = None,
    set_: Overrides = None,
    engine: Annotated[
        str | None, typer.Option("--engine", help="Which of our engines is compared.")
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help="How many each training may use.")
    ] = 1,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="A new or empty folder for the files.", metavar="FOLDER"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train the same network in other libraries as well, and compare.

    All start from the same weights and run the same minibatches in the same order. The files go
    to comparisons/NAME-1, -2, ... unless --save names a folder.
    """
    from chainrule.runs.comparison.compare import compare

    with nullcontext() if quiet or not sys.stdout.isatty() else _Bars() as bars:
        found = compare(
            config,
            with_,
            epochs=epochs,
            overrides=set_ or [],
            engine=engine,
            threads=threads,
            folder=save,
            report=None if quiet else say,
            watch=bars.move if bars else None,
        )
    if not quiet:
        _show(found)


class _Bars:
    """A bar for every training, where the output is a terminal; use it in a with."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

        columns = TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn()
        # It is drawn between two turns: within one it would cost the training time.
        self._progress = Progress(*columns, auto_refresh=False, transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def move(self, name: str, share: float) -> None:
        """Show how far a training is."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=1.0)
            self._progress.start()
        self._progress.update(self._tasks[name], completed=share, refresh=True)


def _show(found: Comparison) -> None:
    """The table, what it is of, and where the files lie."""
    from chainrule.cli.tables import print_rows

    steps = f"{found.minibatches} step{'s' * (found.minibatches > 1)}"
    say(
        f"\n{found.epochs} epoch{'s' * (found.epochs > 1)} of {steps}, {found.cases} cases, "
        f"{found.parameters} parameters, {found.threads} thread{'s' * (found.threads > 1)}\n"
    )
    print_rows(HEADINGS, [_row(found, one) for one in found.results])
    if found.epochs == 1:
        say("the time of a step is that of the epochs after the first: more --epochs tell it")
    say(f"\ncomparison  {found.folder}")
    say(f"picture     {found.folder and found.folder / 'comparison.png'}")


HEADINGS = (
    "",
    "a step",
    "ratio",
    "start",
    "first epoch",
    "loss",
    "Δ loss",
    "Δ θ",
    "memory",
)


def _row(found: Comparison, one: TrainingResult) -> list[str]:
    is_ours = one is found.ours
    return [
        one.name,
        _seconds(one.step_seconds),
        "1" if is_ours else _ratio(found.ratio(one)),
        _seconds(one.start_seconds),
        _seconds(float(one.seconds[0])),
        _number(one.final_loss, ".6g"),
        "–" if is_ours else _number(found.loss_difference(one), ".1e"),
        "–" if is_ours else _number(found.theta_difference(one), ".1e"),
        "–" if one.memory is None else f"{one.memory / 2**20:.0f} MiB",
    ]


def _number(value: float, how: str) -> str:
    return format(value, how) if isfinite(value) else "–"


def _ratio(value: float) -> str:
    return _number(value, ".3g" if value < 1000 else ",.0f")


def _seconds(value: float) -> str:
    """A time with its unit, three digits of it."""
    if not isfinite(value):
        return "–"
    unit, name = next(((u, n) for u, n in ((1, "s"), (1e-3, "ms")) if value >= u), (1e-6, "µs"))
    return f"{value / unit:.3g} {name}"
