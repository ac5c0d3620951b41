"""``chainrule predict RUN FILE``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import RunPath
from chainrule.cli.terminal import say, say_result

if TYPE_CHECKING:
    from chainrule.core.arrays import Array


def command(
    run: RunPath,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Cases, with or without labels; for a network of images also an image, or a "
            "folder of them or of their classes' folders.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the table here instead of printing it.", metavar="FILE"),
    ] = None,
) -> None:
    """Print a trained network's outputs for each case.

    The result is comma-separated text with a header: the class and its probabilities, or the
    values. Images come in the order of their names.
    """
    from chainrule.cli.cases import inputs_of_file
    from chainrule.core.files import refuse_input, write_whole
    from chainrule.runs.run import load
    from chainrule.runs.run_folder import RunFolder
    from chainrule.training.scores import outputs

    if out is not None:
        refuse_input(out, file)
        whose = f"this file belongs to the run in {run}"
        refuse_input(out, *RunFolder(run).files, because=whose)
    trained = load(run)
    x = inputs_of_file(trained, file)
    *steps, _ = trained.network.layers[-1].output_shape
    text = as_csv(trained.classes, outputs(trained.network, x), *steps)
    if out is None:
        say_result(text)
    else:
        write_whole(out, text)
        say(f"{len(x)} predictions written to {out}")


def as_csv(classes: Sequence[str] | None, y: Array, steps: int | None = None) -> str:
    """Predictions as comma-separated text: a header, then one line per case or per step.

    With classes, a line has the name of the class, empty if an output is NaN, and then each
    output under its class's name; these are probabilities where the network ends in softmax
    or sigmoid.

    Args:
        classes: the names of the classes, or None for values.
        y: outputs, (cases, outputs), or (cases, steps · outputs) with NaN at padding.
        steps: the number of steps of a case, if every step has outputs; lines then begin with
            the numbers of case and step, both counted from 1.
    """
    import csv
    from io import StringIO

    import numpy as np

    from chainrule.training.scores import predicted_classes

    rows = y if steps is None else y.reshape(len(y) * steps, -1)
    names = [f"value_{k + 1}" for k in range(rows.shape[1])]
    if classes is not None:
        names = ["class", *(classes if rows.shape[1] > 1 else classes[1:])]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names if steps is None else ["case", "step", *names])
    best = None if classes is None else predicted_classes(rows)
    for k, row in enumerate(rows):
        missing = np.isnan(row)
        if steps is not None and missing.all():
            continue
        cells = [] if steps is None else [str(k // steps + 1), str(k % steps + 1)]
        if classes is not None and best is not None:
            cells.append("" if missing.any() else classes[best[k]])
        writer.writerow([*cells, *(f"{v:.8g}" for v in row)])
    return text.getvalue()
