"""The picture of a sweep: how the score depends on each setting that was varied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError
from chainrule.plots.style import (
    ALARM,
    LARGEST,
    TEST,
    TRAINING,
    house_style,
    log_axis,
    new_figure,
    percent_axis,
    plain,
    spans_decades,
    with_room,
    with_room_log,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Varied:
    """One setting, and its value in each trial.

    Attributes:
        path: such as ``network.learning_rate``.
        texts: the values as text, one for each trial.
        is_range: whether the values are numbers from a range; otherwise they are from a list.
        logarithmic: whether the range is logarithmic.
    """

    path: str
    texts: Sequence[str]
    is_range: bool = False
    logarithmic: bool = False


def sweep_figure(
    varied: Sequence[Varied], scores: Sequence[float], *, score: str, best: int | None
) -> Figure:
    """A panel for each setting: the score of every trial over its value, with a star on the best.

    Trials whose score is not finite are crosses on the lower edge. The axis of a loss is
    logarithmic if it spans more than two decades.

    Args:
        varied: the settings, with a value for each trial.
        scores: of the trials; infinite or NaN for a trial that failed.
        score: the name of the score.
        best: the index of the best trial; None for none.

    Raises:
        ShapeError: a setting has another number of values than there are scores.

    Example:
        >>> rates = Varied("network.learning_rate", ["0.1", "1.0"], is_range=True)
        >>> figure = sweep_figure([rates], [0.9, 0.5], score="validation_accuracy", best=0)
        >>> figure.axes[0].get_xlabel()
        'network.learning_rate'
    """
    for one in varied:
        if len(one.texts) != len(scores):
            raise ShapeError(f"{len(scores)} trials have {len(one.texts)} values of {one.path}")
    y = np.array(scores, dtype=float).clip(-LARGEST, LARGEST)
    y[~np.isfinite(np.array(scores, dtype=float))] = np.nan
    columns = min(len(varied), 3)
    rows = -(-len(varied) // columns)
    with house_style():
        title = f"{score.replace('_', ' ')} of {len(scores)} trials"
        figure = new_figure(max(7.5, 4.8 * columns), 4.4 * rows + 0.6, title)
        panels = iter(figure.subplots(rows, columns, squeeze=False).flat)
        for k, (one, axes) in enumerate(zip(varied, panels, strict=False)):
            _draw(axes, one, y, best)
            _score_axis(axes, score, y)
            if k % columns:
                axes.set_ylabel("")
        for axes in panels:
            axes.set_axis_off()
    return figure


def _draw(axes: Axes, one: Varied, y: Vector, best: int | None) -> None:
    """Draw the trials over one setting."""
    x = _positions(axes, one)
    finite = np.isfinite(y)
    axes.plot(x[finite], y[finite], "o", color=TRAINING, alpha=0.65, markersize=7)
    if not finite.all():  # an empty line that is not clipped would still take room
        failed, edge = x[~finite], axes.get_xaxis_transform()
        axes.plot(failed, 0 * failed, "X", color=ALARM, ms=9, clip_on=False, transform=edge)
    if best is not None:
        axes.plot(
            x[best], y[best], "*", color=TEST, markersize=20, markeredgecolor="white", zorder=4
        )
    axes.set_xlabel(plain(one.path, 40))


def _positions(axes: Axes, one: Varied) -> Vector:
    """Where the trials stand along the x axis, which has numbers, or the values of a list."""
    try:
        numbers: Vector | None = np.array([float(text) for text in one.texts])
    except ValueError:
        numbers = None
    if one.is_range and numbers is not None:
        if one.logarithmic:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter("")
        return numbers
    words = list(dict.fromkeys(one.texts))
    if numbers is not None:
        words.sort(key=float)
    axes.set_xticks(range(len(words)), [plain(word, 18) for word in words])
    if sum(map(len, words)) > 30:
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_xlim(-0.6, len(words) - 0.4)
    at: Vector = np.array([words.index(text) for text in one.texts], dtype=np.float64)
    if numbers is None:
        # Multiples of the golden ratio spread the trials a little, so that none hides another. A
        # point beside a number would be read as another number.
        at += (np.arange(len(at)) * 0.6180339887 % 1 - 0.5) * 0.3
    return at


def _score_axis(axes: Axes, score: str, y: Vector) -> None:
    """Label the y axis, and set its scale and limits."""
    found = y[np.isfinite(y)]
    axes.set_ylabel(score.replace("_", " "))
    if score.endswith("accuracy"):
        percent_axis(axes)
    if not len(found):
        return
    low, high = float(found.min()), float(found.max())
    if score.endswith("loss") and spans_decades(low, high):
        log_axis(axes)
        axes.set_ylim(*with_room_log(low, high))
    else:
        axes.set_ylim(*with_room(low, high))
