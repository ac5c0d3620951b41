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
        Path,
        typer.Option(
            "--save", "--out", help="The page as one file, which needs no server.", metavar="FILE"
        ),
    ] = Path("page.html"),
    film: Annotated[
        bool,
        typer.Option(
            "--film",
            help="Train first, in memory, and keep the parameters of many epochs: the film of the "
            "training. A run of train --film has them already.",
        ),
    ] = False,
    set_: Overrides = None,
) -> None:
    """A page that steps through a real pass, forward and backward, with every number.

    Of a configuration the network is as it starts, of a run as it is after its training.
    """
    from chainrule.inspector.inspecting import inspect

    _require_other_file(source, save)
    inspect(
        source, case=case, split=split, count=count, overrides=set_ or [], film=film, save=save
    )
    say(f"page written to {save}")


def _require_other_file(source: Path, save: Path) -> None:
    """Refuse to write over the configuration, or over a file of the run."""
    from chainrule.core.files import refuse_input
    from chainrule.runs.run_folder import RunFolder

    refuse_input(save, source)
    if source.is_dir():
        refuse_input(save, *RunFolder(source).files, because=f"this file belongs to {source}")
