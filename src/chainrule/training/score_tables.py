"""Scores as rows of texts, for the tables of the command line, of notebooks and of reports."""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.data.dataset import PART_WORDS
from chainrule.training.metrics import HEADINGS, measure_text
from chainrule.training.scores import MEASURES, Score

Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]
"""The headings of a table, and its rows."""


def score_rows(scores: Mapping[str, Score]) -> Rows:
    """A row for each part of the data, with its loss and the scores that suit the targets.

    Args:
        scores: by the name of the part.

    Example:
        >>> score_rows({"test": Score(loss=0.25, accuracy=0.5, r2=None, cases=2000)})
        (('data', 'cases', 'loss', 'accuracy'), [('test', '2,000', '0.25', '50.00%')])
    """
    further = {name for score in scores.values() for name in score.metrics}
    measured = {name for score in scores.values() for name in score.figures} - further
    columns = [name for name in MEASURES if name in measured]
    if measured == {"loss", "mae", "rmse"}:
        columns.insert(1, "r2")
    rows = [
        (
            PART_WORDS.get(part, part),
            f"{score.cases:,}",
            *(measure_text(name, score.figures.get(name)) for name in columns),
        )
        for part, score in scores.items()
    ]
    return ("data", "cases", *(HEADINGS[name] for name in columns)), rows


def metric_rows(scores: Mapping[str, Score]) -> Rows:
    """A row for each further metric, with a column for each part; no rows without metrics."""
    found = [name for name in MEASURES if any(name in s.metrics for s in scores.values())]
    rows = [
        (HEADINGS[name], *(measure_text(name, s.metrics.get(name)) for s in scores.values()))
        for name in found
    ]
    return ("metric", *(PART_WORDS.get(part, part) for part in scores)), rows
