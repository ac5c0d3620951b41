"""The picture of a range test: the loss of each minibatch over its learning rate."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.plots.style import (
    FAINT,
    LARGEST,
    TEST,
    TRAINING,
    add_legend,
    blank,
    house_style,
    log_axis,
    new_figure,
    spans_decades,
    with_room,
    with_room_log,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def range_figure(
    rates: Array,
    losses: Array,
    smoothed: Array,
    *,
    title: str,
    suggestion: float | None,
    reason: str,
) -> Figure:
    """The losses as points and their smoothed course as a line, over the rate on a log axis.

    The loss has a log axis too if the smoothed one spans more than two decades. Single losses far
    above the line are out of the picture.

    Args:
        rates: the learning rates, above 0, (minibatches,).
        losses: of the minibatches, finite, (minibatches,).
        smoothed: their smoothed course, (minibatches,).
        title: of the picture.
        suggestion: the rate to mark; None for none.
        reason: a sentence above the picture.

    Example:
        >>> rates = np.geomspace(1e-3, 1, 4)
        >>> loss = np.array([1.0, 0.9, 0.4, 2.0])
        >>> figure = range_figure(rates, loss, loss, title="t", suggestion=0.1, reason="It fell.")
        >>> figure.axes[0].get_xscale()
        'log'
    """
    with house_style():
        figure = new_figure(9.0, 5.8, title)
        axes = figure.add_subplot()
        axes.set_xlabel("learning rate")
        axes.set_title(textwrap.fill(reason, 92), loc="left", fontsize=12, color=FAINT)
        if not len(rates):
            blank(axes, "no minibatch had a finite loss")
            return figure
        _draw(axes, rates, losses.clip(-LARGEST, LARGEST), smoothed.clip(-LARGEST, LARGEST))
        entries: list[tuple[dict[str, Any], str]] = [
            ({"color": FAINT, "marker": "o", "ls": "", "alpha": 0.6}, "a minibatch"),
            ({"color": TRAINING}, "smoothed"),
        ]
        if suggestion is not None:
            axes.axvline(suggestion, color=TEST, ls="--")
            loss = np.interp(np.log(suggestion), np.log(rates), smoothed)
            axes.plot([suggestion], [loss], "o", color=TEST, ms=10, zorder=4)
            look = {"color": TEST, "marker": "o", "ls": "--", "ms": 10}
            entries.append((look, f"suggested: {suggestion:g}"))
        add_legend(figure, entries, loc="outside lower center", ncols=len(entries))
    return figure


def _draw(axes: Axes, rates: Array, losses: Array, smoothed: Array) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("loss before the update")
    axes.plot(rates, losses, "o", color=FAINT, alpha=0.5, ms=4)
    axes.plot(rates, smoothed, color=TRAINING)
    low, high = float(smoothed.min()), float(smoothed.max())
    if spans_decades(low, high):
        log_axis(axes)
        axes.set_ylim(*with_room_log(low, high))
        return
    few, most = (float(q) for q in np.quantile(losses, (0.02, 0.9)))
    axes.set_ylim(*with_room(min(low, few), max(high, most)))
