"""The picture of one training by several libraries: losses, their differences, time, memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.style import (
    INK,
    LARGEST,
    blank,
    count_axis,
    house_style,
    log_axis,
    marker_of,
    new_figure,
    plain,
    spans_decades,
    with_room_log,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]

# Smaller differences, and 0, are drawn as this one, at the lower end of the logarithmic axis.
_SMALLEST = 1e-17
_DASHES = ("-", (0, (6, 2)), (0, (3, 2)), (0, (1, 1.5)))
_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SIZES = ((2.0**30, "GiB"), (2.0**20, "MiB"))


@dataclass(frozen=True)
class PeerCurve:
    """The figures of one library's training.

    Attributes:
        name: of the library.
        losses: the training loss of each epoch, (epochs,).
        differences: the largest relative difference of a minibatch's loss from the first
            library's in each epoch, (epochs,); None for the first library itself.
        step_seconds: the time of one minibatch; NaN if it is not known.
        memory: the peak memory of the process, in bytes; None if it is not known.
    """

    name: str
    losses: Vector
    differences: Vector | None
    step_seconds: float
    memory: int | None = None


def peers_figure(curves: Sequence[PeerCurve], *, title: str) -> Figure:
    """Four panels: losses superimposed, their differences on a log axis, time, and memory.

    Args:
        curves: the libraries; the others are compared with the first.
        title: of the figure.

    Example:
        >>> ours = PeerCurve("ours", np.array([0.9, 0.5]), None, 1e-5)
        >>> other = PeerCurve("other", np.array([0.9, 0.5]), np.array([1e-16, 1e-15]), 4e-5)
        >>> for axes in peers_figure([ours, other], title="xor").axes:
        ...     print(axes.get_title())
        training loss
        largest difference of a loss
        time of a step
        peak memory
    """
    with house_style():
        figure = new_figure(14, 7.4 + 0.6 * len(curves), title)
        (losses, differences), (times, sizes) = figure.subplots(
            2, 2, height_ratios=(5.5, 1 + 0.6 * len(curves))
        )
        _draw_losses(losses, curves)
        _draw_differences(differences, curves)
        names = [curve.name for curve in curves]
        _draw_bars(times, names, [curve.step_seconds for curve in curves], _TIMES)
        times.set_title("time of a step", pad=14)
        memory = [np.nan if curve.memory is None else curve.memory for curve in curves]
        _draw_bars(sizes, names, memory, _SIZES)
        sizes.set_title("peak memory", pad=14)
    return figure


def _draw_losses(axes: Axes, curves: Sequence[PeerCurve]) -> None:
    axes.set_title("training loss", pad=14)
    for k, curve in enumerate(curves):
        y = np.where(np.isfinite(curve.losses), curve.losses, np.nan).clip(-LARGEST, LARGEST)
        axes.plot(
            np.arange(1.0, len(y) + 1),
            y,
            color=marker_of(k)[0],
            linestyle=_DASHES[k % len(_DASHES)],
            linewidth=5.5 - min(k, 3) * 1.2,  # equal curves lie on top of each other
            marker="o" if len(y) == 1 else None,
            label=plain(curve.name, 24) + _not_finite(curve),
        )
    axes.legend()
    count_axis(axes, "epochs")
    shown = np.concatenate([curve.losses[np.isfinite(curve.losses)] for curve in curves])
    if len(shown) and spans_decades(shown.min(), shown.max()):
        log_axis(axes)


def _not_finite(curve: PeerCurve) -> str:
    """Text for the legend after the name of a library whose loss is no longer finite."""
    epochs = np.flatnonzero(~np.isfinite(curve.losses))
    return f": not finite in epoch {epochs[0] + 1:,}" if len(epochs) else ""


def _draw_differences(axes: Axes, curves: Sequence[PeerCurve]) -> None:
    axes.set_title("largest difference of a loss", pad=14)
    shown = [_SMALLEST]
    for k, curve in enumerate(curves):
        if curve.differences is None:
            continue
        y = np.where(np.isfinite(curve.differences), curve.differences, np.nan)
        y = y.clip(_SMALLEST, LARGEST)
        shown += list(y[np.isfinite(y)])
        epochs, marker = np.arange(1.0, len(y) + 1), "o" if len(y) <= 30 else None
        axes.plot(epochs, y, color=marker_of(k)[0], marker=marker)
    log_axis(axes, "{x:.0e}")
    axes.set_ylim(*with_room_log(min(shown), max(*shown, 1e-14)))
    axes.set_ylabel("relative to the loss")
    count_axis(axes, "epochs")


def _draw_bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], units: Sequence[tuple[float, str]]
) -> None:
    """A bar for each library, labelled with its value and its ratio to the first library's."""
    heights = np.array(values, float)
    if not np.isfinite(heights).any():
        blank(axes, "not measured")
        return
    longest = float(np.nanmax(heights))
    unit, word = next(((u, w) for u, w in units if longest >= u), units[-1])
    places = np.arange(len(names))
    axes.barh(places, heights / unit, color=[marker_of(int(k))[0] for k in places], height=0.6)
    for k, height in enumerate(heights):
        if not np.isfinite(height):
            continue
        times = height / heights[0]
        ratio = f"   {times:.3g} ×" if times < 1000 else f"   {times:,.0f} ×"
        text = f"  {height / unit:.3g} {word}{ratio if k else ''}"
        axes.text(height / unit, k, text, va="center", color=INK)
    axes.set_yticks(places, [plain(name, 24) for name in names])
    axes.set_xlim(0, 1.4 * longest / unit)
    axes.set_xlabel(word)
    axes.grid(visible=False, axis="y")
    axes.invert_yaxis()
