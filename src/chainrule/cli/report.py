"""``chainrule report RUN [RUN ...]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.terminal import say


def command(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN ...", help="The folders of one run or several.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--output",
            help="The HTML file; by default report.html in RUN, or, of several runs, "
            "comparison.html in the first.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Write a page about a run, or about several beside each other.

    One HTML file that needs nothing else: the learning curves with their exact values, the
    network, what it gets wrong, and the configuration that makes it again.
    """
    from chainrule.core.errors import ChainruleError, Problem
    from chainrule.runs.report.page import default_path, report
    from chainrule.runs.run import load

    if out is None and runs[0].is_file():
        load(runs[0])  # a file that holds no network is the first thing to be said
        raise ChainruleError(Problem("this is a file; name the page by --out FILE", runs[0]))
    path = default_path(runs[0], len(runs)) if out is None else out
    report(runs, path)
    say(f"report written to {path}")
