"""Several runs in one picture: their curves are superimposed, one colour per run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.errors import ChainruleError, unknown
from chainrule.plots.learning_curve import (
    FROM_0_TO_1,
    LOWEST_R2,
    MARKED_POINTS,
    SCORES,
    TITLES,
    TRAINING_DASHES,
    VALIDATION_DASHES,
    Curve,
    History,
    Panel,
    curve_of,
    epochs_of,
    thinned,
)
from chainrule.plots.style import (
    INK,
    LARGEST,
    PALETTE,
    add_legend,
    blank,
    house_style,
    marker_of,
    new_figure,
    panels_of,
    plain,
    size_of_panels,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# By the prefix of a column: the part of the data in words, and how its lines are dashed.
_PARTS: Mapping[str, tuple[str, Any]] = {
    "train": ("training", TRAINING_DASHES),
    "validation": ("validation", VALIDATION_DASHES),
    "test": ("test", (0, (1, 1.2))),
}
# With more points than this, a thinned curve looks the same.
_MANY_POINTS = 3000
# The panel ends at this multiple of the largest value of the curves that do not diverge.
_MOST_ABOVE = 1e4


@dataclass(frozen=True)
class _Line:
    """One curve of one run.

    Attributes:
        run: the run's number.
        part: of the data, a key of `_PARTS`; empty for a column that belongs to none.
        curve: the values measured.
        diverged: whether the run ended because a number was no longer finite.
    """

    run: int
    part: str
    curve: Curve
    diverged: bool


def compare_histories(
    histories: Mapping[str, History],
    *,
    column: str | Sequence[str] = "loss",
    title: str,
    diverged: Collection[str] = (),
    x_label: str = "epochs",
) -> Figure:
    """The curves of several runs superimposed: one colour per run, validation dashed.

    Each measure has a panel of its own. Losses that are positive and span more than two decades
    have a logarithmic axis. A curve that diverges is drawn up to its last finite value, which a
    cross marks; the legend names the epoch.

    Args:
        histories: the runs by name, each a mapping of columns such as
            `chainrule.runs.run.Run.history`. The epochs are counted from 1 if ``epoch`` is
            missing.
        column: ``loss`` or ``accuracy`` for all parts of the data that were measured
            (``train_loss``, ``validation_loss``, ``test_loss``), or the full name of one
            column; or several of these.
        title: of the figure.
        diverged: the names of runs that ended because a number was no longer finite. Runs whose
            history has values that are not finite need not be named.
        x_label: of the x axis.

    Raises:
        ChainruleError: there are no runs or no columns, no run has a column, a name in
            ``diverged`` is no run's, or a run's columns have different lengths.

    Example:
        >>> runs = {"rate 0.1": {"train_loss": [0.7, 0.4]}, "rate 10": {"train_loss": [9.0]}}
        >>> figure = compare_histories(runs, title="rates", diverged=["rate 10"])
        >>> for text in figure.legends[0].get_texts():
        ...     print(text.get_text())
        rate 0.1
        rate 10: not finite in epoch 2
    """
    wanted = [column] if isinstance(column, str) else list(column)
    if not histories or not wanted:
        raise ChainruleError(f"there are no {'columns' if histories else 'runs'} to compare")
    for name in diverged:
        if name not in histories:
            raise ChainruleError(unknown("run", name, histories))
    measures = _measures(histories, wanted)
    panels = {
        measure: _lines(histories, columns, diverged) for measure, columns in measures.items()
    }
    with house_style():
        width, height = size_of_panels(len(panels), 4, 5)
        figure = new_figure(4.5 + width, 1 + height + 0.12 * len(histories), title)
        places = panels_of(figure, len(panels))
        for axes, (measure, lines) in zip(places, panels.items(), strict=True):
            _draw(axes, measure, lines, len(histories) > len(PALETTE), x_label)
        entries = _legend(histories, panels.values(), diverged)
        columns = _columns([label for _, label in entries], figure.get_figwidth())
        add_legend(figure, entries, loc="outside lower center", ncols=columns, handlelength=2.8)
    return figure


def _measures(
    histories: Mapping[str, History], wanted: Iterable[str]
) -> dict[str, dict[str, str]]:
    """For every measure, the columns to draw, each with the part of the data it belongs to."""
    known = dict.fromkeys(name for history in histories.values() for name in history)
    measures: dict[str, dict[str, str]] = {}
    for word in wanted:
        columns = {f"{part}_{word}": part for part in _PARTS if f"{part}_{word}" in known}
        part, _, rest = word.partition("_")
        if columns:
            measures.setdefault(word, {}).update(columns)
        elif part in _PARTS and rest:
            measures.setdefault(rest, {})[word] = part
        else:
            measures.setdefault(word, {})[word] = ""
        if known and not columns and word not in known:
            short = [name.removeprefix("train_") for name in known if name.startswith("train_")]
            raise ChainruleError(unknown("column", word, [*short, *known]))
    return measures


def _lines(
    histories: Mapping[str, History], columns: Mapping[str, str], diverged: Collection[str]
) -> list[_Line]:
    """Every curve of one measure, run by run."""
    found = []
    for run, (name, history) in enumerate(histories.items()):
        for column, part in columns.items():
            curve = curve_of(history, column)
            if curve is not None:
                ended = name in diverged or bool(len(curve.not_finite))
                found.append(_Line(run, part, curve, ended))
    return found


def _draw(axes: Axes, measure: str, lines: list[_Line], crowded: bool, x_label: str) -> None:
    """Draw one panel: every curve of a measure, the axes and the title.

    A ``crowded`` panel has more runs than colours, so every run has a marker as well.
    """
    if not lines:
        blank(axes, "nothing was measured")
        return
    panel = Panel(axes, 1.0, max(float(line.curve.x.max(initial=0)) for line in lines))
    for line in lines:
        _draw_line(axes, line, crowded)
        panel.shown.append(line.curve.finite)
    parts = dict.fromkeys(line.part for line in lines)
    words = _PARTS[next(iter(parts))][0] + " " if len(parts) == 1 and "" not in parts else ""
    remark = _limit(panel, measure, lines)
    measured = TITLES.get(measure, plain(measure).replace("_", " "))
    axes.set_title(f"{words}{measured}{remark}", pad=14)
    for line in lines:
        _mark_ends(axes, line)
    panel.limit_x(x_label, min(float(line.curve.x.min(initial=panel.end)) for line in lines))


def _draw_line(axes: Axes, line: _Line, crowded: bool) -> None:
    """One curve, as far as it was finite."""
    curve, (color, marker) = line.curve, marker_of(line.run)
    x, y = curve.x, curve.y.clip(-LARGEST, LARGEST)
    if len(x) > _MANY_POINTS:  # only then, because thinning closes gaps of values not finite
        x, y = thinned(x, y)
    axes.plot(
        x,
        y,
        color=color,
        linestyle=_PARTS[line.part][1] if line.part else "-",
        marker=marker if crowded else "o" if len(x) <= MARKED_POINTS else None,
        markevery=max(1, len(x) // 12) if crowded else None,
        markersize=6,
        linewidth=2.0,
        zorder=3,
    )


def _mark_ends(axes: Axes, line: _Line) -> None:
    """A cross at every last value before one that is not finite, within the panel's limits."""
    finite = np.isfinite(line.curve.y)
    ends = [k for k, (here, then) in enumerate(pairwise(finite)) if here and not then]
    if line.diverged and len(finite) and finite[-1]:
        ends.append(len(finite) - 1)
    if not ends:
        return
    axes.plot(
        line.curve.x[ends],
        line.curve.y[ends].clip(*axes.get_ylim()),
        "X",
        markersize=13,
        markerfacecolor=marker_of(line.run)[0],
        markeredgecolor="white",
        markeredgewidth=1.2,
        clip_on=False,
        zorder=5,
    )


def _limit(panel: Panel, measure: str, lines: list[_Line]) -> str:
    """End the y axis; returns the remark that the title needs."""
    values = panel.values.clip(-LARGEST, LARGEST)
    if not len(values):
        return ""
    low, high = float(values.min()), float(values.max())
    if measure in (*SCORES, *FROM_0_TO_1):
        return panel.limit_score(measure, low, max(high, 0.0) if low < LOWEST_R2 else high)
    remarks = []
    sound = max((float(line.curve.finite.max()) for line in lines if not line.diverged), default=0)
    if 0 < _MOST_ABOVE * sound < high:
        high = 10 ** np.floor(np.log10(_MOST_ABOVE * sound))
        remarks.append(f"above {high:,g} not shown")
    if panel.limit_loss(low, high):
        remarks.insert(0, "logarithmic axis")
    return f" ({', '.join(remarks)})" if remarks else ""


def _legend(
    histories: Mapping[str, History],
    panels: Iterable[list[_Line]],
    diverged: Collection[str],
) -> list[tuple[dict[str, Any], str]]:
    """Look and name of each run's line; then of each part's, if there are several."""
    lines = [line for panel in panels for line in panel]
    entries: list[tuple[dict[str, Any], str]] = []
    for run, (name, history) in enumerate(histories.items()):
        color, marker = marker_of(run)
        shape = marker if len(histories) > len(PALETTE) else None
        own = [line.curve for line in lines if line.run == run]
        label = plain(name, 32) + _not_finite(history, own, name in diverged)
        entries.append(({"color": color, "marker": shape, "linewidth": 3}, label))
    parts = dict.fromkeys(line.part for line in lines if line.part)
    for part in parts if len(parts) > 1 else ():
        words, dashes = _PARTS[part]
        entries.append(({"color": INK, "linestyle": dashes}, words))
    return entries


def _columns(labels: Sequence[str], width: float) -> int:
    """How many columns of these labels fit into ``width`` inches, at most 4."""
    longest = 0.095 * max(map(len, labels), default=1) + 0.8  # inches
    return max(1, min(4, int(width / longest), len(labels)))


def _not_finite(history: History, curves: list[Curve], diverged: bool) -> str:
    """Text for the legend, after the name of a run that diverged; otherwise empty."""
    epochs = [float(curve.not_finite[0]) for curve in curves if len(curve.not_finite)]
    if diverged and not epochs:
        epochs = [float(epochs_of(history).max(initial=0)) + 1]
    return f": not finite in epoch {min(epochs):,.0f}" if epochs else ""
