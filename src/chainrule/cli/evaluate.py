"""``chainrule evaluate RUN [FILE]``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chainrule.cli.options import RunPath

if TYPE_CHECKING:
    from chainrule.core.arrays import Array
    from chainrule.data.dataset import Dataset, DataSplit
    from chainrule.runs.run import Run


def command(
    run: RunPath,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="A file of cases with labels, or, for a network of images, a folder with a "
            "subfolder of images for each class, or with folders train, val and test of such; by "
            "default the run's test data.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="The file of labels that belongs to an IDX FILE.", metavar="FILE"
        ),
    ] = None,
    split: Annotated[
        str,
        typer.Option(
            "--split",
            metavar="PART",
            help="Without FILE, or for a FILE that is a folder with folders train, val and test: "
            "train, validation or test.",
        ),
    ] = "test",
    mistakes: Annotated[
        int,
        typer.Option(
            "--mistakes",
            metavar="N",
            min=0,
            help="List the N cases that the network gets most wrong, and what it said.",
        ),
    ] = 0,
) -> None:
    """Print how good a trained network is.

    For classes loss, accuracy, all metrics that suit, a line for each class and the confusion
    matrix; for labels of which a case may have several the metrics and a line for each label; for
    values R² and errors in the values' own units.
    """
    from chainrule.cli.cases import cases_of_file, cases_of_split
    from chainrule.cli.tables import print_scores
    from chainrule.cli.terminal import say
    from chainrule.core.errors import DataError, Problem
    from chainrule.data.dataset import Dataset
    from chainrule.runs.run import load

    if file is None and labels is not None:
        raise DataError(
            Problem("these are labels of no file; name the FILE of inputs too", labels)
        )
    trained = load(run)
    if file is None:
        part = cases_of_split(trained, split)
        x, t, weights = part.x, part.t, part.weights
    else:
        x, labels_of_file, weights = cases_of_file(trained, file, labels, split)
        if labels_of_file is None:
            message = "the file has no labels to compare with (--labels names those of IDX files)"
            raise DataError(Problem(message, file))
        t = labels_of_file
    score = trained.score_of_scaled(x, t, weights, metrics=shown_metrics(trained))
    if score is None:
        raise DataError(
            f"the run has no {split} data{_other_part(trained) if file is None else ''}"
        )
    if trained.ending is not None:
        say(f"the training of this run: {trained.ending}\n")
    scores = {split if file is None else str(file): score}
    print_scores(scores, scaled=trained.target_scaling is not None)
    if trained.classes is not None:
        _print_each_class(trained, x, t, weights, trained.classes)
    if mistakes:
        data = _described(trained) if file is not None else trained.data
        _print_mistakes(trained, data, Dataset(x, t, weights), mistakes)


def _print_each_class(
    trained: Run, x: Array, t: Array, weights: Array | None, classes: Sequence[str]
) -> None:
    """Print a line for each class, and the confusion matrix."""
    from chainrule.cli.tables import print_classes, print_confusion
    from chainrule.core.arrays import cases_that_count
    from chainrule.core.sequences import output_rows, target_rows, weights_of_targets
    from chainrule.training.scores import confusion_matrix, outputs

    y, targets = outputs(trained.network, x), trained.network.prepare_targets(t)
    counted, rows, own = cases_that_count(y, targets, weights)
    own = None if own is None else weights_of_targets(own, rows)
    print_classes(output_rows(counted, rows), target_rows(rows), classes, own)
    print_confusion(confusion_matrix(y, targets, len(classes)), classes)


def _other_part(trained: Run) -> str:
    """What to write where a part of a run's data has no cases, but another has."""
    from chainrule.data.dataset import PARTS

    there = next((part for part in reversed(PARTS) if len(getattr(trained.data, part))), None)
    return f"; --split {there} evaluates those that it has" if there else ""


def _described(trained: Run) -> DataSplit:
    """What a run knows of the inputs of any cases, without its data, which may be gone."""
    import numpy as np

    from chainrule.data.dataset import Dataset, DataSplit

    none = Dataset(np.empty((0, 1)), np.empty(0))
    shape = trained.network.input_shape
    return DataSplit(
        none,
        none,
        none,
        scaling=trained.scaling,
        encoding=trained.encoding,
        sequence_shape=(shape[0], shape[1]) if len(shape) == 2 else None,
    )


def _print_mistakes(trained: Run, data: DataSplit, cases: Dataset, most: int) -> None:
    """Print the cases that the network gets most wrong, the worst first."""
    from chainrule.cli.tables import print_rows
    from chainrule.cli.terminal import say
    from chainrule.runs.report.examined import examined_cases
    from chainrule.runs.report.mistakes import mistakes

    found = mistakes(examined_cases(trained, data, "", cases), most)
    named = [] if found.left_out or not found.inputs else found.inputs
    wrong = "" if found.wrong is None else f"{found.wrong or 'none'} of {found.total:,} wrong; "
    worst = "least sure" if found.wrong == 0 else "worst"
    counts = "with cases counted from 1 (explain --case counts from 0)"
    say(f"{wrong}the {worst} {len(found.cases)}, {counts}:")
    rows = [
        (each.case, each.true, each.said, each.sure, *(each.cells if named else ()))
        for each in found.cases
    ]
    print_rows(("case", *found.headings, *named), rows, words=4)


def shown_metrics(trained: Run) -> list[str]:
    """The metrics that suit a run; of averages and top-k accuracies the common and its own.

    The usual averages say the same in most cases, and of ten classes there are eight top-k
    accuracies, of which those of 3 and 5 are in use.
    """
    from chainrule.training.scores import TargetKind, suiting_metrics

    named = trained.config.training["metrics"] or ()
    endings = ("_macro", "_weighted", "_micro")
    few = len(trained.classes or ())
    common = {f"top_{k}_accuracy" for k in (3, 5) if few > 2 * k - 2}
    return [
        name
        for name in suiting_metrics(TargetKind.of(trained), trained.network)
        if name in named
        or not (name.endswith(endings) or (name.startswith("top") and name not in common))
    ]
