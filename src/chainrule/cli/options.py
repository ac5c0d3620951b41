"""Declarations of the command-line arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.core.progress import show_nothing

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="A configuration, in YAML or the compact form.")
]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE ...",
        help="Override a value, such as training.epochs=5 or network.layers.0.size=50; "
        "chainrule schema names every key.",
    ),
]
Engine = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="What runs the minibatches: auto, compiled, numpy or torch; by default the "
        "configuration's.",
    ),
]


def _without_bars(quiet: bool) -> bool:
    """Show no bar of the work that this command does, if it is to be quiet."""
    if quiet:
        show_nothing()
    return quiet


Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        callback=_without_bars,
        help="Print nothing but errors; train says on stderr what is doubtful about the data.",
    ),
]
