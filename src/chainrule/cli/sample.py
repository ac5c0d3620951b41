"""``chainrule sample RUN``."""

from __future__ import annotations

from typing import Annotated

import typer

from chainrule.cli.options import RunPath
from chainrule.cli.terminal import say_result


def command(
    run: RunPath,
    start: Annotated[
        str, typer.Option("--start", help="What the text begins with.", metavar="TEXT")
    ] = "",
    count: Annotated[
        int, typer.Option("--count", metavar="N", help="How many characters follow.")
    ] = 200,
    temperature: Annotated[
        float,
        typer.Option(
            "--temperature", metavar="T", help="Below 1 likelier characters, above 1 bolder ones."
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Of what is drawn.")] = 0,
) -> None:
    """Print text by a network that has learnt one."""
    from chainrule.runs.run import load
    from chainrule.runs.sampling import sample

    letters = sample(load(run), start=start, count=count, temperature=temperature, seed=seed)
    say_result(start + "".join(letters) + "\n")
