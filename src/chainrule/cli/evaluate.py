"""``chainrule evaluate RUN [FILE]``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")],
    file: Annotated[
        Path | None, typer.Argument(help="Cases with labels; by default the run's test data.")
    ] = None,
    split: Annotated[
        str, typer.Option("--split", help="Without FILE: train, validation or test.")
    ] = "test",
) -> None:
    """Print the loss, the accuracy and the confusion matrix of a trained network."""
    from chainrule.cli.cases import cases_of_file, cases_of_split
    from chainrule.cli.tables import print_confusion, print_scores
    from chainrule.errors import DataError, Problem
    from chainrule.runs import load
    from chainrule.scores import confusion_matrix, evaluate

    trained = load(run)
    x, t = cases_of_split(trained, split) if file is None else cases_of_file(trained, file)
    if t is None:
        raise DataError(Problem("the file has no labels to compare with", file))
    score = evaluate(trained.network, x, t, classes=trained.classes is not None)
    if score is None:
        raise DataError(f"the run has no {split} data")
    print_scores({split if file is None else str(file): score})
    if trained.classes is not None:
        network = trained.network
        outputs, targets = network.forward_pass(x), network.prepare_targets(t)
        print_confusion(confusion_matrix(outputs, targets, len(trained.classes)), trained.classes)
