"""``chainrule predict RUN FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.terminal import say, say_result

if TYPE_CHECKING:
    from chainrule.core.arrays import Array
    from chainrule.runs.run import Run


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")],
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
    """Print what a trained network says of each case.

    The result is comma-separated text with a header: the class and its probabilities, or the
    values. Images come in the order of their names.
    """
    from chainrule.cli.cases import inputs_of_file
    from chainrule.cli.sequences import steps_as_csv
    from chainrule.core.files import refuse_files_of, refuse_input, write_whole
    from chainrule.runs.run import load
    from chainrule.runs.run_folder import RunFolder
    from chainrule.training.scores import outputs

    if out is not None:
        refuse_input(out, file)
        refuse_files_of(run, out, RunFolder(run).files)
    trained = load(run)
    x = inputs_of_file(trained, file)
    y, shape = outputs(trained.network, x), trained.network.layers[-1].output_shape
    text = as_csv(trained, y) if len(shape) == 1 else steps_as_csv(trained.classes, y, shape[0])
    if out is None:
        say_result(text)
    else:
        write_whole(out, text)
        say(f"{len(x)} predictions written to {out}")


def as_csv(run: Run, outputs: Array) -> str:
    """The predictions as comma-separated text: a header, then a line a case.

    With classes, the name of the class, empty where an output is no number, and then each output
    under its class's name; these are probabilities where the network ends in softmax or sigmoid.
    """
    import csv
    from io import StringIO

    from chainrule.training.scores import predicted_classes

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if run.classes is None:
        writer.writerow([f"value_{k + 1}" for k in range(outputs.shape[1])])
        writer.writerows([_number(v) for v in row] for row in outputs)
        return text.getvalue()
    names = run.classes if outputs.shape[1] > 1 else run.classes[1:]
    writer.writerow(["class", *names])
    for k, row in zip(predicted_classes(outputs), outputs, strict=True):
        name = "" if any(v != v for v in row) else run.classes[k]  # of NaN nothing is the largest
        writer.writerow([name, *(_number(v) for v in row)])
    return text.getvalue()


def _number(value: float) -> str:
    return f"{value:.8g}"
