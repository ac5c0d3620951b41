"""``chainrule range-test CONFIG``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.options import Config, Overrides, Quiet
from chainrule.cli.terminal import say


def command(
    config: Config,
    low: Annotated[float, typer.Option("--from", metavar="RATE", help="The first rate.")] = 1e-6,
    high: Annotated[float, typer.Option("--to", metavar="RATE", help="The last rate.")] = 10.0,
    minibatches: Annotated[
        int | None,
        typer.Option(
            "--minibatches",
            metavar="N",
            help="How many; by default 200 to 1000, by their size.",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save", metavar="FILE", help="The picture; by default NAME-range-test.png and .svg."
        ),
    ] = None,
    set_: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Look for a learning rate (LR range test, LR finder).

    Trains for some minibatches with a rate that rises exponentially, draws the loss over the rate
    and suggests a rate, with the reason. Of the training nothing is kept.
    """
    from chainrule.core.files import refuse_input, shortened, unused
    from chainrule.runs.range_test import range_test

    found = range_test(config, low=low, high=high, minibatches=minibatches, overrides=set_ or [])
    if save is None:
        stem = unused(Path(f"{shortened(found.name)}-range-test"), ".png", ".svg")
        targets = [Path(f"{stem}.png"), Path(f"{stem}.svg")]
    else:
        targets = [save]
        refuse_input(save, config)
    files = [file for target in targets for file in found.save(target)]
    if quiet:
        return
    rates = found.rates
    if len(rates):
        say(f"{len(rates)} minibatches, at rates from {rates[0]:.2g} to {rates[-1]:.2g}")
    say(f"suggested learning_rate: {'none' if found.suggestion is None else found.suggestion}")
    say(f"reason: {found.reason}")
    for file in files:
        say(f"picture written to {file}")
