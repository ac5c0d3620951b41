"""``chainrule inspect CONFIG|RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.options import Overrides
from chainrule.cli.terminal import say


def command(
    source: Annotated[
        Path,
        typer.Argument(metavar="CONFIG|RUN", help="A configuration, or a run's folder."),
    ],
    case: Annotated[
        int | None,
        typer.Option(
            "--case",
            help="One case of the data, counted from 0, instead of the first ones.",
            metavar="N",
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option("--split", metavar="PART", help="Of which data: train, validation or test."),
    ] = "train",
    count: Annotated[
        int | None,
        typer.Option(
            "--count", metavar="N", help="How many of the first cases; 32 by default.", min=1
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            "--out",
            help="Write the page as one file, which works without a server, instead.",
            metavar="FILE",
        ),
    ] = None,
    film: Annotated[
        bool,
        typer.Option(
            "--film",
            help="Train first, in memory, and keep the parameters of many epochs: the film of the "
            "training. A run of train --film has them already.",
        ),
    ] = False,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Train the configuration in a process of its own, into runs/NAME-1, -2, ..., and "
            "follow it on the page; of a folder into which another process trains, follow that.",
        ),
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            metavar="N",
            help="The port on which the page is served; by default one that is free.",
            min=1,
            max=65535,
        ),
    ] = None,
    no_browser: Annotated[
        bool,
        typer.Option("--no-browser", help="Print the address and open no browser."),
    ] = False,
    set_: Overrides = None,
) -> None:
    """Open a page that steps through a real pass, with every number.

    Forward, backward and the update, as matrices: what each number is made of and what it leads
    to. Of a configuration the network is as it starts, of a run as it is after its training. The
    page is served on this machine alone until Ctrl-C, which also ends a training of --train: its
    run is saved, and train --resume goes on with it.
    """
    from chainrule.inspector.inspecting import inspect

    if save is not None:
        _require_written(source, save, port, no_browser)
    found = inspect(
        source,
        case=case,
        split=split,
        count=count,
        overrides=set_ or [],
        film=film,
        train=train,
        save=save,
    )
    if save is not None:
        say(f"page written to {save}")
        return
    from chainrule.core.interrupts import terminable

    with terminable(), found.open(port=port or 0, browser=not no_browser) as served:
        say(f"the page is at {served.address}\nCtrl-C ends it")
        _wait()
    if served.session.ending:
        say(served.session.ending)


def _wait() -> None:
    """Wait until Ctrl-C, which is how this ends and no failure."""
    from threading import Event

    from chainrule.core.interrupts import Terminated

    ended = Event()
    try:
        while not ended.wait(1.0):  # on Windows a wait without an end hears no Ctrl-C
            pass
    except Terminated:
        raise
    except KeyboardInterrupt:
        say()


def _require_written(source: Path, save: Path, port: int | None, no_browser: bool) -> None:
    """Refuse options of a served page beside a saved one, and a file that is read."""
    from chainrule.core.errors import ConfigError

    for option, is_given in (("--port", port is not None), ("--no-browser", no_browser)):
        if is_given:
            raise ConfigError(f"{option} is of a page that is served: leave out --save")
    _require_other_file(source, save)


def _require_other_file(source: Path, save: Path) -> None:
    """Refuse to write over the configuration, or over a file of the run."""
    from chainrule.core.files import refuse_input
    from chainrule.runs.run_folder import RunFolder

    refuse_input(save, source)
    if source.is_dir():
        refuse_input(save, *RunFolder(source).files, because=f"this file belongs to {source}")
