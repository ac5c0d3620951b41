"""The learning curves of one run, or of several over each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule.plots.learning_curve import Curve, curve_of
from chainrule.runs.report.charts import Chart, Series, kept_note, thinned
from chainrule.training.history import History
from chainrule.training.metrics import HEADINGS
from chainrule.training.scores import MEASURES

MOST_VALUES = 8000
"""About so many numbers stand behind all curves of a page, which bounds its size."""

PARTS = (("train", "training"), ("validation", "validation"))

COLORS = 7
"""The colours of the style sheet; an eighth run has that of the first again."""


@dataclass(frozen=True)
class _Line:
    """A column of the history of one of the runs."""

    name: str
    curve: Curve
    color: int
    dashed: bool


def learning_curves(histories: Mapping[str, History]) -> list[Chart]:
    """A chart for the loss and for each score and metric that was measured in training.

    Args:
        histories: by the name of the run.
    """
    found = {measure: list(_lines(histories, measure)) for measure in (*MEASURES, "learning_rate")}
    found = {measure: lines for measure, lines in found.items() if lines}
    lines = sum(map(len, found.values()))
    return [_chart(measure, of, MOST_VALUES // max(1, lines)) for measure, of in found.items()]


def _lines(histories: Mapping[str, History], measure: str) -> Iterator[_Line]:
    """The lines of one measure: training solid and validation dashed."""
    for number, (run, history) in enumerate(histories.items()):
        if measure == "learning_rate":
            columns = {"learning_rate": "learning rate"}
        else:
            columns = {f"{part}_{measure}": words for part, words in PARTS}
        for k, (column, words) in enumerate(columns.items()):
            curve = curve_of(history, column)
            if curve is not None:
                several = len(histories) > 1
                name = f"{run}, {words}" if several else words
                color = number % COLORS if several else k
                yield _Line(name, curve, color, dashed=k == 1)


def _chart(measure: str, lines: Sequence[_Line], most: int) -> Chart:
    """The chart of one measure, with at most about ``most`` points in each line."""
    x = np.unique(np.concatenate([line.curve.x for line in lines]))
    series = [_series(line, x) for line in lines]
    kept = thinned([one.y for one in series], most)
    return Chart(
        key=measure.replace("_", "-"),
        title=HEADINGS.get(measure, measure.replace("_", " ")),
        counted="epoch",
        x=x[kept],
        series=[replace(one, y=one.y[kept]) for one in series],
        percent=measure.endswith("accuracy"),
        remark=" ".join(
            filter(None, (_not_finite(series), kept_note(len(kept), len(x), "epoch")))
        ),
    )


def _series(line: _Line, x: np.ndarray) -> Series:
    y = np.full(len(x), np.nan)
    y[np.searchsorted(x, line.curve.x)] = line.curve.y
    return Series(line.name, y, line.color, line.dashed, line.curve.not_finite)


def _not_finite(series: Sequence[Series]) -> str:
    """A sentence on the values that were no finite numbers, which a line leaves out."""
    found = [
        f"{one.name} in epoch {one.not_finite[0]:,.0f}"
        + (f" and {len(one.not_finite) - 1:,} more" if len(one.not_finite) > 1 else "")
        for one in series
        if len(one.not_finite)
    ]
    return f"Not a finite number: {'; '.join(found)}." if found else ""
