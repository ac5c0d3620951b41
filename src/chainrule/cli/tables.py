"""Results as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from chainrule.cli.terminal import console, say
from chainrule.core.errors import printable
from chainrule.data.dataset import PART_WORDS
from chainrule.training.metrics import counts_of_classes, measure_text
from chainrule.training.score_tables import metric_rows, score_rows

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.core.arrays import Array
    from chainrule.runs.run import Run
    from chainrule.training.scores import LabelScore, Score, TargetScore

MOST_CLASSES = 30
"""A confusion matrix of more classes than this is not printed."""

MOST_ROWS = 30
"""Of more labels or targets than this, the first are printed."""

WIDEST = 10_000


def print_result(run: Run) -> None:
    """Print the result of a training: the score of each part, and where the files are."""
    if run.interrupted:
        say(f"\nstopped after {len(run.history.rows)} whole epochs; this is the run so far")
    if run.ending is not None:
        say(f"\n{run.ending}")
    say()
    print_scores(run.scores, scaled=run.target_scaling is not None)
    if run.fallback_reason is not None:
        say(f"\nengine          {run.engine}: {run.fallback_reason}")
    if run.folder is not None:
        _print_places(run, run.folder)


def _print_places(run: Run, folder: Path) -> None:
    say(f"\nrun             {folder}")
    curve = folder / "learning_curve.png"
    if run.signal is None or curve.exists():  # there may have been no time left to draw it
        say(f"learning curve  {curve}")
    if run.interrupted or run.signal is not None:
        say(f"to go on        the same command with --run {folder} --resume")


def print_scores(scores: Mapping[str, Score], *, scaled: bool = False) -> None:
    """Print the loss and the scores of each part of the data, and those of each label or target.

    Args:
        scores: by the name of the part.
        scaled: whether the loss is that of targets that were scaled for training.
    """
    print_rows(*score_rows(scores), words=1)
    headings, rows = metric_rows(scores)
    if rows:
        print_rows(headings, rows, words=1)
    if scaled:
        say("(the loss is that of the scaled targets; the others are in the targets' own units)")
    for part, score in [*scores.items()][-1:]:
        _print_labels(PART_WORDS.get(part, part), score.labels)
        _print_targets(PART_WORDS.get(part, part), score.targets)


def _print_labels(part: str, labels: Sequence[LabelScore]) -> None:
    """Print a line for each label of which a case may have several."""
    if not labels:
        return
    say(f"each label, in the {part} data:")
    figures = ("accuracy", "precision", "recall", "f1")
    rows = [
        (
            label.name,
            str(label.cases),
            measure_text("accuracy", label.accuracy),
            *(f"{getattr(label, name):.4f}" for name in figures[1:]),
        )
        for label in labels[:MOST_ROWS]
    ]
    print_rows(("label", "cases with it", *figures[:-1], "F1"), rows, words=1)
    _say_left_out(len(labels))
    without = sum(label.cases == 0 for label in labels)
    if without:
        each = "label that no case has counts" if without == 1 else "labels that no case has count"
        say(f"({without} {each} as F1 0)")


def _print_targets(part: str, targets: Sequence[TargetScore]) -> None:
    """Print a line for each of several values."""
    if not targets:
        return
    say(f"each target, in the {part} data and its own units:")
    rows = [
        (each.name, *(measure_text(name, getattr(each, name)) for name in ("r2", "mae", "rmse")))
        for each in targets[:MOST_ROWS]
    ]
    print_rows(("target", "R²", "MAE", "RMSE"), rows, words=1)
    _say_left_out(len(targets))


def _say_left_out(count: int) -> None:
    if count > MOST_ROWS:
        say(f"... and {count - MOST_ROWS} more")


def print_classes(
    y: Array, t: Array, classes: Sequence[str], weights: Array | None = None
) -> None:
    """Print how well each class is told: a line with its cases, precision, recall and F1.

    Args:
        y: outputs, (cases, outputs).
        t: targets, class numbers (cases,), or rows.
        classes: their names.
        weights: those of the cases, or None.
    """
    say("each class:")
    cases = counts_of_classes(y, t).actual
    found = counts_of_classes(y, t, weights)
    rows = [
        (name, f"{count:,.0f}", *(f"{value:.4f}" for value in of_class))
        for name, count, *of_class in zip(
            classes, cases, found.precision, found.recall, found.f1, strict=True
        )
    ]
    print_rows(("class", "cases", "precision", "recall", "F1"), rows[:MOST_ROWS], words=1)
    _say_left_out(len(rows))
    if len(classes) == 2:
        say(f"(precision, recall and F1 of both are those of {classes[1]!r})")


def print_confusion(matrix: Array, classes: Sequence[str]) -> None:
    """Print the confusion matrix: how often each true class was taken for each class."""
    if len(classes) > MOST_CLASSES:
        say(f"\n({len(classes)} classes: too many for a confusion matrix)")
        return
    say("true class (row) taken for (column):")
    rows = [
        (name, *(str(n) if n else "·" for n in row))
        for name, row in zip(classes, matrix, strict=True)
    ]
    print_rows(("", *classes), rows, words=1)


def _cell(text: str) -> str:
    """The text of a table's cell: printable, and on one line."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def print_rows(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    words: int = 0,
    last_is_word: bool = False,
) -> None:
    """Print a table of texts, with words to the left and numbers to the right.

    Args:
        headings: the columns' headings.
        rows: the texts of each row, one per column.
        words: how many of the first columns hold words.
        last_is_word: whether the last one does as well.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, heading in enumerate(headings):
        is_word = k < words or (last_is_word and k == len(headings) - 1)
        table.add_column(_cell(heading), justify="left" if is_word else "right")
    for row in rows:
        table.add_row(*map(_cell, row))
    # The table has its full width, so that no number is cut off. Names are text, not markup.
    console(width=WIDEST, markup=False, emoji=False, highlight=False).print(table)
