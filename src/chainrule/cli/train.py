"""``chainrule train CONFIG``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from signal import SIGINT
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import Config, Engine, Overrides, Quiet
from chainrule.cli.terminal import say

if TYPE_CHECKING:
    from chainrule.config.load import Config as Checked
    from chainrule.data.dataset import DataSplit


Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", help="Print the inputs, outputs, targets and loss of every minibatch."
    ),
]
Jacobians = Annotated[
    bool,
    typer.Option(
        "--jacobians", help="Print every Jacobian, δ and gradient of the backward pass as well."
    ),
]
RunFolder = Annotated[
    Path | None,
    typer.Option("--run", help="A new or empty folder for the run's files.", metavar="FOLDER"),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on where the run in the folder of --run stopped, at whatever minibatch; from "
        "the beginning if nothing has begun there.",
    ),
]
Film = Annotated[
    bool,
    typer.Option(
        "--film",
        help="Keep the parameters of many epochs as well, for chainrule inspect RUN to play as a "
        "film: the callback frames.",
    ),
]


def command(
    config: Config,
    verbose: Verbose = False,
    jacobians: Jacobians = False,
    quiet: Quiet = False,
    set_: Overrides = None,
    engine: Engine = None,
    run: RunFolder = None,
    resume: Resume = False,
    film: Film = False,
) -> None:
    """Train the network of a configuration on its data.

    The run's files go to runs/NAME-1, -2, ... unless --run names a folder. Ctrl-C or SIGTERM
    saves the run and ends with status 130 or 143; --resume goes on, and ends with the same
    numbers as a run that was never stopped. Where training plainly went wrong, the last lines say
    why and what to try; chainrule doctor says more.
    """
    from chainrule.cli.doctor import diagnosed, say_first_finding
    from chainrule.cli.progress import EpochLines, ProgressBar, SayWhereItGoesOn
    from chainrule.cli.tables import print_result
    from chainrule.core.errors import ChainruleError
    from chainrule.core.interrupts import terminable

    showing = verbose or jacobians
    if quiet and showing:
        raise ChainruleError("--quiet and --verbose exclude each other; choose one")
    overrides = [*(set_ or []), *([f"training.engine={engine}"] if engine else [])]
    has_bar = sys.stdout.isatty() and not showing
    progress = ProgressBar() if has_bar else EpochLines(all=showing)
    with terminable():
        from chainrule.runs.train import train

        with diagnosed():
            result = train(
                _filmed(config, overrides) if film else config,
                overrides=() if film else overrides,
                run=run,
                resume=resume,
                verbose=verbose,
                jacobians=jacobians,
                callbacks=[] if quiet else [SayWhereItGoesOn(), progress],
                on_data=partial(_say_data, quiet=quiet),
            )
    if not quiet:
        print_result(result)
        say_first_finding(result)
    if result.signal is not None or result.interrupted:
        raise typer.Exit(128 + (result.signal or SIGINT))


def _filmed(config: Path, overrides: list[str]) -> Checked:
    """The configuration, with the callback that keeps frames."""
    from chainrule.config.load import read_source
    from chainrule.runs.frames_file import with_frames

    return with_frames(read_source(config).config(overrides))


def _say_data(data: DataSplit, *, quiet: bool) -> None:
    """Print what the data are and what is doubtful about them, before training begins."""
    from chainrule.cli.understood import MOST_DOUBTS, say_data, say_doubts

    if not quiet:
        say_data(data)
    say_doubts(data, to_stderr=quiet, most=MOST_DOUBTS)
    if not quiet:
        for note in data.notes:
            say(f"note: {note}")
        say()
