"""``chainrule export RUN --to FORMAT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.options import RunPath
from chainrule.cli.terminal import say


def command(
    run: RunPath,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            help="onnx, torch, safetensors, json or c; by default what the ending of --output "
            "says.",
            metavar="FORMAT",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "--out", help="The file; by default model.* in RUN.", metavar="FILE"
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="DTYPE",
            help="float32 or float64, for onnx (by default float32), torch and c (by default the "
            "network's).",
        ),
    ] = None,
) -> None:
    """Write a trained network for another program.

    onnx: a graph for onnxruntime and others, with scaling, encoding and class names.
    torch: a program that plain PyTorch loads. safetensors, json: weights and description.
    c: one C99 file without dependencies, for microcontrollers.
    """
    from chainrule.core.errors import ChainruleError, Problem
    from chainrule.core.files import refuse_input
    from chainrule.runs.export.formats import FORMATS, format_of
    from chainrule.runs.run import load
    from chainrule.runs.run_folder import RunFolder

    name, loaded = format_of(to, output), load(run)
    if output is None and run.is_file():
        raise ChainruleError(Problem("this is a file; name the new one by --output FILE", run))
    path = output or run / f"model{FORMATS[name].endings[0]}"
    refuse_input(path, run)
    refuse_input(path, *RunFolder(run).files, because=f"this file belongs to the run in {run}")
    for note in loaded.export(path, to=name, dtype=dtype):
        say(f"note: {note}")
    say(f"the network is written to {path} as {name}")
