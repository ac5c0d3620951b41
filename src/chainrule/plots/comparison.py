"""Several runs in one picture: their curves over each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np

from chainrule.errors import ChainruleError
from chainrule.plots.curves import SCORES, History, Vector, curve_of
from chainrule.plots.style import (
    ALARM,
    INK,
    LARGEST,
    blank,
    house_style,
    marker_of,
    plain,
    put_title,
    with_room,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Column = Literal["loss", "accuracy", "r2"]

_PARTS = {"train": ("training", "-"), "validation": ("validation", (0, (4, 1.6)))}
# With more points than this, a marker on each would hide the line.
_MARKED_POINTS = 30


def compare_histories(
    histories: Mapping[str, History], *, column: Column = "loss", title: str
) -> Figure:
    """One column of several runs over the epochs, a colour a run.

    Training is a solid line, validation a dashed one. The axis of losses is logarithmic where
    positive losses span more than two decades. A curve that diverges is drawn to where it
    ended, and a cross marks the place.

    Args:
        histories: the columns of each run, by what it is called in the legend; ``train_loss``,
            ``validation_loss`` and so on, any of which may be missing.
        column: which of them, without its part.
        title: what is compared.

    Raises:
        ChainruleError: there is nothing to compare.

    Example:
        >>> runs = {"rate 0.1": {"train_loss": [0.7, 0.4]}, "rate 10": {"train_loss": [0.9]}}
        >>> figure = compare_histories(runs, title="two rates")
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['rate 0.1', 'rate 10']
    """
    if not histories:
        raise ChainruleError("there are no runs to compare")
    with house_style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9.5, 6.2), layout="constrained")
        put_title(figure, title)
        axes = figure.subplots()
        drawn: list[Vector] = []
        parts: set[str] = set()
        for (name, history), color in zip(histories.items(), _colors(), strict=False):
            values = _draw(axes, history, column, color, parts)
            drawn.append(values)
            axes.plot([], [], color=color, label=plain(name, 32))
        shown = np.concatenate([np.empty(0), *drawn])
        if not len(shown):
            blank(axes, "nothing was measured")
            return figure
        _finish(axes, column, shown, parts)
    return figure


def _colors() -> cycle[str]:
    return cycle(marker_of(k)[0] for k in range(7))


def _draw(axes: Axes, history: History, column: str, color: str, parts: set[str]) -> Vector:
    """The curves of one run; what was drawn, shape (values,)."""
    values = [np.empty(0)]
    for part, (_, dashes) in _PARTS.items():
        curve = curve_of(history, f"{part}_{column}")
        if curve is None:
            continue
        parts.add(part)
        few = len(curve.x) <= _MARKED_POINTS
        y = curve.y.clip(-LARGEST, LARGEST)
        axes.plot(
            curve.x, y, color=color, linestyle=dashes, marker="o" if few else None, markersize=4.5
        )
        values.append(y[np.isfinite(y)])
        if len(curve.broken):
            _mark_end(axes, curve.x, curve.y, color)
    return np.concatenate(values)


def _mark_end(axes: Axes, x: Vector, y: Vector, color: str) -> None:
    """A cross at the last value before the first that is no number."""
    last = int(np.argmax(~np.isfinite(y))) - 1
    if last >= 0:
        axes.plot(x[last], y[last], marker="X", markersize=12, color=ALARM, mec=color, zorder=5)


def _finish(axes: Axes, column: str, shown: Vector, parts: set[str]) -> None:
    """Axes, and a legend that says what colours and dashes mean."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.set_xlabel("epochs")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
    axes.set_ylabel(SCORES.get(column, column))
    low, high = float(shown.min()), float(shown.max())
    if column == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        low = min(low, high - 0.1)
    if column == "loss" and low > 0 and high / low > 100:
        axes.set_yscale("log")
        axes.set_ylabel("loss (logarithmic axis)")
        axes.set_ylim(*(10**decade for decade in with_room(np.log10(low), np.log10(high))))
    else:
        axes.set_ylim(*with_room(low, high))
    if len(parts) > 1:
        for part in _PARTS:
            label, dashes = _PARTS[part]
            axes.plot([], [], color=INK, linestyle=dashes, label=label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=2.8)
