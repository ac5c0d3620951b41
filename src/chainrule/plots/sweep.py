"""A sweep: how the score depends on each setting that varied."""

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
    """One setting, and what it was in each trial.

    Attributes:
        path: such as ``network.learning_rate``.
        texts: its value in each trial.
        is_range: whether the values are numbers of a range, and not some of a list.
        logarithmic: whether that range is.
    """

    path: str
    texts: Sequence[str]
    is_range: bool = False
    logarithmic: bool = False


def sweep_figure(
    varied: Sequence[Varied], scores: Sequence[float], *, score: str, best: int | None
) -> Figure:
    """A panel for each setting: the score of every trial over its value, the best marked.

    Trials without a score, and those whose score is not finite, stand as crosses on the lower
    edge. The axis of a score is logarithmic where it is a loss of more than two decades.

    Args:
        varied: the settings, with a value for each trial.
        scores: of the trials; infinite or NaN where one failed.
        score: its name.
        best: the number of the best trial in ``scores``; None for none.

    Raises:
        ShapeError: a setting has more or fewer values than there are scores.

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
    """The trials over one setting."""
    x = _places(axes, one)
    there = np.isfinite(y)
    axes.plot(x[there], y[there], "o", color=TRAINING, alpha=0.65, markersize=7)
    if not there.all():  # an empty line that is not clipped would still take room
        edge = axes.get_xaxis_transform()
        axes.plot(x[~there], 0 * x[~there], "X", color=ALARM, ms=9, clip_on=False, transform=edge)
    if best is not None:
        axes.plot(
            x[best], y[best], "*", color=TEST, markersize=20, markeredgecolor="white", zorder=4
        )
    axes.set_xlabel(plain(one.path, 40))


def _places(axes: Axes, one: Varied) -> Vector:
    """Where the trials stand along the axis, which is numbers or the words of a list."""
    numbers = _numbers(one.texts)
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
    # Spread a little, so that equal trials do not hide each other; alike each time.
    at += (np.arange(len(at)) * 0.6180339887 % 1 - 0.5) * 0.3
    return at


def _numbers(texts: Sequence[str]) -> Vector | None:
    try:
        return np.array([float(text) for text in texts])
    except ValueError:
        return None


def _score_axis(axes: Axes, score: str, y: Vector) -> None:
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
