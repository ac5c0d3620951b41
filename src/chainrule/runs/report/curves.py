"""The learning curves of one run, or of several over each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from chainrule.core.errors import ChainruleError
from chainrule.plots.learning_curve import LOWEST_R2, Curve, curve_of
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.report.charts import Chart, Series, kept_note, thinned
from chainrule.runs.run import Run
from chainrule.runs.run_folder import RunFolder
from chainrule.training.history import History
from chainrule.training.metrics import HEADINGS
from chainrule.training.scores import MEASURES, is_better_low

MOST_VALUES = 6000
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
    """The lines of one measure: training solid and validation dashed.

    More runs than there are colours have one line each, that of the validation data where it was
    measured, and dashes tell those of one colour apart.
    """
    if measure == "learning_rate":
        columns = {"learning_rate": "learning rate"}
    else:
        columns = {f"{part}_{measure}": words for part, words in PARTS}
    several, many = len(histories) > 1, len(histories) > COLORS
    for number, (run, history) in enumerate(histories.items()):
        found = {words: curve_of(history, column) for column, words in columns.items()}
        curves = {words: curve for words, curve in found.items() if curve is not None}
        for words, curve in [*curves.items()][-1 if many else 0 :]:
            name = f"{run}, {words}" if several else words
            color = number % COLORS if several else [*columns.values()].index(words)
            dashed = number // COLORS % 2 == 1 if many else words == "validation"
            yield _Line(name, curve, color, dashed)


def _chart(measure: str, lines: Sequence[_Line], most: int) -> Chart:
    """The chart of one measure, with at most about ``most`` points in each line."""
    x = np.unique(np.concatenate([line.curve.x for line in lines]))
    series = [_series(line, x) for line in lines]
    kept = thinned([one.y for one in series], most)
    chart = Chart(
        key=measure.replace("_", "-"),
        title=HEADINGS.get(measure, measure.replace("_", " ")),
        counted="epoch",
        x=x[kept],
        series=[replace(one, y=one.y[kept]) for one in series],
        scale=_scale(measure),
    )
    remarks = _not_finite(series), _cut(chart), kept_note(len(kept), len(x), "epochs")
    return replace(chart, remark=_joined(*remarks))


def _cut(chart: Chart) -> str:
    return f"Values below {LOWEST_R2:g} are drawn at {LOWEST_R2:g}." if chart.is_cut else ""


def _scale(measure: str) -> Literal["amount", "share", "score"]:
    """How the values of a measure are drawn."""
    if measure.endswith("accuracy"):
        return "share"
    are_amounts = is_better_low(measure) or measure == "learning_rate"
    return "amount" if are_amounts else "score"


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def _series(line: _Line, x: np.ndarray) -> Series:
    y = np.full(len(x), np.nan)
    y[np.searchsorted(x, line.curve.x)] = line.curve.y
    return Series(line.name, y, line.color, line.dashed, line.curve.not_finite)


def minibatch_chart(run: Run) -> Chart | None:
    """The loss of every minibatch; None if the run's last checkpoint is gone or holds none."""
    losses = run.history.minibatch_losses
    if not len(losses) and run.folder is not None:
        try:
            losses = read_checkpoint(RunFolder(run.folder).checkpoint).arrays["losses"]
        except (ChainruleError, KeyError):
            return None
    if len(losses) <= max(1, len(run.history.rows)):  # no more than the epochs' means say
        return None
    x = np.arange(1.0, len(losses) + 1)
    kept = thinned([losses], MOST_VALUES // 4)
    broken = x[~np.isfinite(losses)]
    series = Series("training", np.where(np.isfinite(losses), losses, np.nan), 0, False, broken)
    about = "Each is the loss with the weights before its update, penalty included."
    return Chart(
        key="minibatches",
        title="loss of every minibatch",
        counted="minibatch",
        x=x[kept],
        series=[replace(series, y=series.y[kept])],
        remark=_joined(about, kept_note(len(kept), len(x), "minibatches")),
    )


HEALTH_TITLES = {
    "gradient_norm": "norm of the gradient",
    "update_ratio": "update ratio, ‖ΔW‖ / ‖W‖",
    "dead": "dead units",
    "saturated": "saturated units",
}
"""What the figures of `chainrule.training.health` are called above their charts."""

MOST_LAYERS = 24
"""Of more layers the first and the last are drawn, half as many each."""


def health_charts(history: History, prefix: str = "") -> list[Chart]:
    """A chart for each figure of the layers' health that was measured, a line for each layer.

    Args:
        history: of a run.
        prefix: of the charts' keys, where the page has those of several runs.
    """
    x = np.array([*history.health], np.float64)
    columns = history.health_columns()
    charts = []
    for figure, title in HEALTH_TITLES.items():
        layers = [layer for layer, name in columns if name == figure]
        if not layers:
            continue
        shown = layers
        if len(layers) > MOST_LAYERS:
            shown = [*layers[: MOST_LAYERS // 2], *layers[-MOST_LAYERS // 2 :]]
        series = [_of_layer(history, layer, figure, k) for k, layer in enumerate(shown)]
        left_out = len(layers) - len(shown)
        kept = thinned([one.y for one in series], max(20, MOST_VALUES // (8 * len(series))))
        remarks = (
            f"{left_out} layers between the first and the last are not drawn." * bool(left_out),
            kept_note(len(kept), len(x), "measured epochs"),
        )
        charts.append(
            Chart(
                key=f"{prefix}health-{figure.replace('_', '-')}",
                title=title,
                counted="epoch",
                x=x[kept],
                series=[replace(one, y=one.y[kept]) for one in series],
                scale="share" if figure in ("dead", "saturated") else "amount",
                remark=_joined(*remarks),
            )
        )
    return charts


def _of_layer(history: History, layer: str, figure: str, number: int) -> Series:
    """A figure of one layer over the epochs in which it was measured; NaN where it is none."""
    found = (layers.get(layer, {}).get(figure) for layers in history.health.values())
    y = np.array([np.nan if value is None else value for value in found], np.float64)
    return Series(layer, y, number % COLORS, dashed=number // COLORS % 2 == 1)


def _not_finite(series: Sequence[Series]) -> str:
    """A sentence on the values that were no finite numbers, which a line leaves out."""
    found = [
        f"{one.name} in epoch {one.not_finite[0]:,.0f}"
        + (f" and {len(one.not_finite) - 1:,} more" if len(one.not_finite) > 1 else "")
        for one in series
        if len(one.not_finite)
    ]
    return f"Not a finite number: {'; '.join(found)}." if found else ""
