"""How often each class was taken for each other: the matrix, and how well each class is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.runs.report.examined import Examined
from chainrule.runs.report.pictures import Picture, picture, shares
from chainrule.training.metrics import counts_of_classes
from chainrule.training.scores import confusion_matrix

MOST_SQUARE = 20
"""A matrix of more classes than this is drawn as a picture, a pixel or more for each pair."""

LARGEST_PICTURE = 400
"""Of more classes than this not even a picture is drawn."""

MOST_LISTED = 12
"""So many of the commonest confusions, and of the classes told worst, are listed."""

SHADES = 10


@dataclass(frozen=True)
class Cell:
    """A number of the matrix.

    Attributes:
        count: how many cases of the row's class were taken for the column's.
        shade: from 0 to `SHADES`, the share of the row.
    """

    count: int
    shade: int


class ClassFigures(NamedTuple):
    """How well one class is told."""

    name: str
    cases: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class Confusion:
    """The confusion matrix of one part of the data.

    Attributes:
        classes: their names.
        rows: the matrix, true classes by row; empty for more than `MOST_SQUARE` classes.
        image: the matrix as a picture, for more classes than that, or None.
        commonest: true class, predicted class, count, and share of the true class's cases.
        each: the figures of each class, or of those told worst.
        are_all: whether ``each`` has all classes.
    """

    classes: tuple[str, ...]
    rows: list[list[Cell]]
    image: Picture | None
    commonest: list[tuple[str, str, int, float]]
    each: list[ClassFigures]
    are_all: bool


def confusion(found: Examined) -> Confusion:
    """The confusion matrix of the cases that were examined, which have classes."""
    y, t = found.rows
    classes = found.run.classes
    assert classes is not None
    matrix = confusion_matrix(y, t, len(classes))
    share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    is_small = len(classes) <= MOST_SQUARE
    rows = [
        [Cell(int(n), int(np.ceil(SHADES * s))) for n, s in zip(*of_class, strict=True)]
        for of_class in zip(matrix, share, strict=True)
    ]
    return Confusion(
        classes,
        rows if is_small else [],
        None if is_small or len(classes) > LARGEST_PICTURE else _picture(share),
        [
            (classes[true], classes[said], int(matrix[true, said]), float(share[true, said]))
            for true, said in _commonest(matrix)
        ],
        _each(found, classes, all_of_them=is_small),
        is_small,
    )


def _picture(share: Array) -> Picture:
    """The matrix with a square of pixels for each number."""
    side = max(1, 480 // len(share))
    return picture(shares(share.repeat(side, axis=0).repeat(side, axis=1)))


def _commonest(matrix: Array) -> list[tuple[int, int]]:
    """The pairs of true and predicted class that are confused most often."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_LISTED]
    pairs = (np.unravel_index(k, wrong.shape) for k in order)
    return [(int(i), int(j)) for i, j in pairs if wrong[i, j]]


def _each(found: Examined, classes: tuple[str, ...], *, all_of_them: bool) -> list[ClassFigures]:
    """How well each class is told: in their order, or the worst of many that have cases."""
    counts = counts_of_classes(*found.rows)
    figures = (counts.actual.astype(int), counts.precision, counts.recall, counts.f1)
    columns = (column.tolist() for column in figures)
    rows = [ClassFigures(*row) for row in zip(classes, *columns, strict=True)]
    if all_of_them:
        return rows
    return sorted((row for row in rows if row.cases), key=lambda row: row.f1)[:MOST_LISTED]
