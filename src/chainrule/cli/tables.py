"""Results as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from chainrule.cli.terminal import console, say
from chainrule.core.errors import printable

if TYPE_CHECKING:
    from pathlib import Path

    from chainrule.core.arrays import Array
    from chainrule.runs.run import Run
    from chainrule.training.scores import Score

MOST_CLASSES = 30
"""A confusion matrix of more classes than this is not printed."""

WIDEST = 10_000


def print_result(run: Run) -> None:
    """Print the result of a training: the score of each part, and where the files are."""
    if run.interrupted:
        say(f"\nstopped after {len(run.history.rows)} whole epochs; this is the run so far")
    if run.ending is not None:
        say(f"\n{run.ending}")
    say()
    print_scores(run.scores)
    for note in run.data.notes:
        say(f"\nnote: {note}")
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


def print_scores(scores: Mapping[str, Score]) -> None:
    """Print the loss and the accuracy, or R², of each part of the data."""
    quality = "accuracy" if any(s.accuracy is not None for s in scores.values() if s) else "R²"
    rows = [
        (_NAMES.get(part, part), str(score.cases), f"{score.loss:.5g}", _quality(score))
        for part, score in scores.items()
    ]
    print_rows(("data", "cases", "loss", quality), rows, words=1)


_NAMES = {"train": "training"}


def _quality(score: Score) -> str:
    if score.accuracy is not None:
        return f"{score.accuracy:.2%}"
    return "–" if score.r2 is None else f"{score.r2:.4f}"


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


def print_rows(headings: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 0) -> None:
    """Print a table of texts, with words to the left and numbers to the right.

    Args:
        headings: the columns' headings.
        rows: the texts of each row, one per column.
        words: how many of the first columns hold words.
    """
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, heading in enumerate(headings):
        table.add_column(_cell(heading), justify="left" if k < words else "right")
    for row in rows:
        table.add_row(*map(_cell, row))
    # The table has its full width, so that no number is cut off. Names are text, not markup.
    console(width=WIDEST, markup=False, emoji=False, highlight=False).print(table)
