"""``chainrule evaluate RUN [FILE]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.options import RunPath


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
            help="Without FILE, or for a FILE that is a folder with folders train, val and test: "
            "train, validation or test.",
        ),
    ] = "test",
) -> None:
    """Print how good a trained network is.

    For classes loss, accuracy and confusion matrix; for labels of which a case may have several
    accuracy, F1 and a line for each label; for values R² and errors in the values' own units.
    """
    from chainrule.cli.cases import cases_of_file, cases_of_split
    from chainrule.cli.tables import print_confusion, print_scores
    from chainrule.cli.terminal import say
    from chainrule.core.errors import DataError, Problem
    from chainrule.runs.run import load
    from chainrule.training.scores import confusion_matrix, outputs

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
    score = trained.score_of_scaled(x, t, weights)
    if score is None:
        raise DataError(f"the run has no {split} data")
    if trained.ending is not None:
        say(f"the training of this run: {trained.ending}\n")
    scores = {split if file is None else str(file): score}
    print_scores(scores, scaled=trained.target_scaling is not None)
    if trained.classes is not None:
        y, targets = outputs(trained.network, x), trained.network.prepare_targets(t)
        print_confusion(confusion_matrix(y, targets, len(trained.classes)), trained.classes)
