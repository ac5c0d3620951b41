"""``chainrule compare CONFIG --with PEERS``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Config, Engine, Overrides, Quiet
from chainrule.cli.terminal import say
from chainrule.core.notation import counted

if TYPE_CHECKING:
    from chainrule.runs.comparison.result import Comparison, TrainingResult


def command(
    config: Config,
    with_: Annotated[
        str | None,
        typer.Option(
            "--with",
            metavar="PEERS",
            help="Libraries to compare with: torch, jax or sklearn, several as torch,sklearn; by "
            "default all that are installed.",
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs", metavar="N", min=1, help="How many; by default the configuration's."
        ),
    ] = None,
    set_: Overrides = None,
    engine: Engine = None,
    threads: Annotated[
        int,
        typer.Option("--threads", metavar="N", min=1, help="How many each training may use."),
    ] = 1,
    save: Annotated[
        Path | None,
        typer.Option("--save", help="A new or empty folder for the files.", metavar="FOLDER"),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Train the same network in other libraries too, and compare.

    All start from the same weights and run the same minibatches in the same order. The files go
    to comparisons/NAME-1, -2, ... unless --save names a folder.
    """
    from chainrule.runs.comparison.compare import compare

    with nullcontext() if quiet or not sys.stdout.isatty() else _bars() as move_bar:
        found = compare(
            config,
            with_,
            epochs=epochs,
            overrides=set_ or [],
            engine=engine,
            threads=threads,
            folder=save,
            report=None if quiet else say,
            watch=move_bar,
        )
    if not quiet:
        _show(found)


@contextmanager
def _bars() -> Iterator[Callable[[str, float], None]]:
    """A progress bar for every training; yields the function that sets a name's bar to a share."""
    from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn()
    # It is drawn only when ``move`` is called, because a thread would slow the trainings down.
    progress = Progress(*columns, auto_refresh=False, transient=True)
    tasks: dict[str, TaskID] = {}

    def move(name: str, share: float) -> None:
        if name not in tasks:
            tasks[name] = progress.add_task(name, total=1.0)
            progress.start()
        progress.update(tasks[name], completed=share, refresh=True)

    try:
        yield move
    finally:
        progress.stop()


def _show(found: Comparison) -> None:
    """Print the sizes of the comparison, its table, and where its files are."""
    from chainrule.cli.tables import print_rows

    say(
        f"\n{counted(found.epochs, 'epoch')} of {counted(found.minibatches, 'step')}, "
        f"{counted(found.cases, 'case')}, {counted(found.parameters, 'parameter')}, "
        f"{counted(found.threads, 'thread')}\n"
    )
    rows = [_row(found, one) for one in found.results]
    print_rows(tuple(rows[0]), [tuple(row.values()) for row in rows])
    if found.epochs == 1:
        say("the time of a step is that of the epochs after the first: more --epochs show it")
    say(f"\ncomparison  {found.folder}")
    say(f"picture     {found.folder and found.folder / 'comparison.png'}")


def _row(found: Comparison, one: TrainingResult) -> dict[str, str]:
    """The cells of a training's row by heading; differences are taken from our engine."""
    is_ours = one is found.ours
    ratio = found.ratio(one)
    return {
        "": one.name,
        "a step": _seconds(one.step_seconds),
        "ratio": "1" if is_ours else _number(ratio, ".3g" if ratio < 1000 else ",.0f"),
        "start": _seconds(one.start_seconds),
        "first epoch": _seconds(float(one.seconds[0])),
        "loss": _number(one.final_loss, ".6g"),
        "Δ loss": "–" if is_ours else _number(found.loss_difference(one), ".1e"),
        "Δ θ": "–" if is_ours else _number(found.theta_difference(one), ".1e"),
        "memory": "–" if one.memory is None else f"{one.memory / 2**20:.0f} MiB",
    }


def _number(value: float, how: str) -> str:
    return format(value, how) if isfinite(value) else "–"


def _seconds(value: float) -> str:
    """A time with its unit, to three significant digits."""
    if not isfinite(value):
        return "–"
    unit, name = next(((u, n) for u, n in ((1, "s"), (1e-3, "ms")) if value >= u), (1e-6, "µs"))
    return f"{value / unit:.3g} {name}"
