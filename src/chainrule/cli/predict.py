"""``chainrule predict RUN FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import RunPath
from chainrule.cli.terminal import say, say_result

if TYPE_CHECKING:
    from chainrule.core.arrays import Array
    from chainrule.runs.run import Run


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
    """Print a trained network's predictions for each case.

    The result is comma-separated text with a header: the class and its probabilities, the values
    in their own units, or where a case may have several labels 0 or 1 for each label, and its
    probability. Images come in the order of their names.
    """
    from chainrule.cli.cases import inputs_of_file
    from chainrule.core.files import refuse_input, write_whole
    from chainrule.runs.run import load
    from chainrule.runs.run_folder import RunFolder

    if out is not None:
        refuse_input(out, file)
        whose = f"this file belongs to the run in {run}"
        refuse_input(out, *RunFolder(run).files, because=whose)
    trained = load(run)
    x = inputs_of_file(trained, file)
    text = as_csv(trained, trained.outputs_of_scaled(x))
    if out is None:
        say_result(text)
    else:
        write_whole(out, text)
        say(f"{len(x):,} predictions written to {out}")


def as_csv(run: Run, y: Array) -> str:
    """Predictions as comma-separated text: a header, then one line per case or per step.

    With classes, a line has the label of the class, empty if an output is NaN, and then each
    output under its class's name; these are probabilities where the network ends in softmax
    or sigmoid. With labels, a line has 0 or 1 under the name of each label, and then each output
    under ``probability of`` that name.

    Args:
        run: the trained network; if it has outputs at every step, the lines begin with the
            numbers of case and step, both counted from 1.
        y: outputs in the targets' own units, (cases, outputs), or (cases, steps · outputs) with
            NaN at padding.
    """
    import csv
    from io import StringIO

    import numpy as np

    from chainrule.runs.predictions import output_names

    last = run.network.layers[-1]
    steps = last.output_shape[0] if last.gives_sequences else None
    rows, names = y if steps is None else y.reshape(len(y) * steps, -1), output_names(run)
    said, words = _said(run, rows)
    if run.multi_label:
        names = [f"probability of {name}" for name in names]
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*([] if steps is None else ["case", "step"]), *said, *names])
    for k, row in enumerate(rows):
        if steps is not None and np.isnan(row).all():
            continue
        cells = [] if steps is None else [str(k // steps + 1), str(k % steps + 1)]
        writer.writerow([*cells, *words[k], *(f"{v:.8g}" for v in row)])
    return text.getvalue()


def _said(run: Run, rows: Array) -> tuple[list[str], list[list[str]]]:
    """The headings of what is said of a case beside the outputs, and the words of each row.

    This is the class, or 0 or 1 for each label, as in the data; for values it is nothing.
    """
    import numpy as np

    from chainrule.data.readers.encoding import typed_labels
    from chainrule.runs.predictions import output_names
    from chainrule.training.metrics import predicted_classes, predicted_labels

    missing: Array = np.asarray(np.isnan(rows))
    if run.classes is not None:
        labels = [str(label) for label in typed_labels(run.classes, run.label_type)]
        lost: Array = np.asarray(missing.any(axis=1))
        numbers = predicted_classes(rows)
        return ["class"], [["" if lost[k] else labels[n]] for k, n in enumerate(numbers)]
    if not run.multi_label:
        return [], [[] for _ in rows]
    words = np.where(predicted_labels(rows), "1", "0")
    return output_names(run), np.where(missing, "", words).tolist()
