"""The picture of the layers' health: gradients, updates, dead and saturated units over a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ChainruleError
from chainrule.plots.style import (
    ALARM,
    FAINT,
    INK,
    LARGEST,
    PALETTE,
    add_legend,
    count_axis,
    house_style,
    log_axis,
    marker_of,
    new_figure,
    percent_axis,
    plain,
    spans_decades,
    with_room_log,
)
from chainrule.training.history import FIGURES, Health

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]

TITLES = {
    "gradient_norm": "norm of the gradient",
    "update_ratio": "update divided by weights",
    "dead": "dead units",
    "saturated": "saturated units",
}
"""What each figure is called above its panel."""

USUAL, BAND = 1e-3, (1e-4, 1e-2)
"""The ratio of an update to the weights that is usual, and the band around it that is marked."""

MOST_DECADES = 40
"""The axis of norms ends so many decades below the largest; smaller ones are drawn on its edge."""

MARKED_POINTS = 40
"""With more points than this, a marker on each would hide the line."""

COLOURS = len(PALETTE)
"""With more layers than this, the colour runs from the first layer to the last."""


def health_figure(health: Mapping[int, Health], *, title: str) -> Figure:
    """A panel for each figure of the layers' health that was measured, with a line a layer.

    Norms and ratios have a logarithmic axis, where a triangle on the lower edge stands for 0.
    The band that is usual for the ratio is marked. A cross on the upper edge marks an epoch in
    which a figure of the panel was infinite, NaN, or a ratio to weights of 0. Of up to seven
    layers each has a colour of its own; with more the colour says how deep a layer lies.

    Args:
        health: the measurements by epoch, `chainrule.training.History.health`.
        title: what was run.

    Raises:
        ChainruleError: there are no measurements.

    Example:
        >>> health = {1: {"dense_1": {"gradient_norm": 0.5, "update_ratio": 1e-3, "dead": 0.0}}}
        >>> figure = health_figure(health, title="xor")
        >>> [axes.get_title() for axes in figure.axes]
        ['norm of the gradient', 'update divided by weights', 'dead units']
    """
    if not health:
        raise ChainruleError("there are no measurements of the layers' health to draw")
    names = list(dict.fromkeys(name for layers in health.values() for name in layers))
    there = {figure for layers in health.values() for found in layers.values() for figure in found}
    shown = [figure for figure in FIGURES if figure in there]
    epochs = np.array([*health], np.float64)
    with house_style():
        figure = new_figure(7.2 * min(len(shown), 2), 4.6 * -(-len(shown) // 2) + 1.2, title)
        places = figure.subplots(-(-len(shown) // 2), min(len(shown), 2), squeeze=False).ravel()
        for axes in places[len(shown) :]:
            axes.remove()
        notes: dict[str, Mapping[str, Any]] = {}
        for axes, which in zip(places, shown, strict=False):
            lines = {
                name: _values(health, name, which)
                for name in names
                if any(which in layers.get(name, {}) for layers in health.values())
            }
            _draw(axes, which, epochs, lines, names)
            notes |= _mark(axes, epochs, np.array([*lines.values()]))
            _finish(axes, which, epochs)
        _explain(figure, names, notes)
    return figure


def _values(health: Mapping[int, Health], name: str, which: str) -> Vector:
    """A figure of a layer by epoch, (epochs,); NaN where it is None."""
    found = (layers.get(name, {}).get(which) for layers in health.values())
    return np.array([np.nan if value is None else value for value in found], np.float64)


def _look(k: int, layers: int) -> dict[str, Any]:
    """The colour and marker of a layer's line."""
    if layers <= COLOURS:
        color, marker = marker_of(k)
        return {"color": color, "marker": marker}
    from matplotlib import colormaps

    return {"color": colormaps["viridis"](k / (layers - 1) * 0.95), "marker": "o"}


def _draw(
    axes: Axes, which: str, epochs: Vector, lines: Mapping[str, Vector], names: list[str]
) -> None:
    """Draw the lines of a panel, and set the limits of its y axis."""
    axes.set_autoscale_on(False)
    axes.set_title(TITLES[which])
    every = np.array([*lines.values()])
    is_share = which in ("dead", "saturated")
    if is_share:
        percent_axis(axes)
        axes.set_ylim(-0.04, 1.04)
    else:
        log_axis(axes)
        axes.set_ylim(*_decades(every, which))
    few = len(epochs) <= MARKED_POINTS
    for k, name in enumerate(names):
        if name in lines:
            look = _look(k, len(names))
            y = lines[name] if is_share else np.where(lines[name] > 0, lines[name], np.nan)
            marker = look["marker"] if few else None
            width = 2.2 if len(names) <= COLOURS else 1.4
            style = dict[str, Any](color=look["color"], marker=marker, markersize=5, zorder=3)
            leaves = bool((y < axes.get_ylim()[0]).any())  # below the decades that are shown
            axes.plot(epochs, y.clip(-LARGEST, LARGEST), linewidth=width, clip_on=leaves, **style)
    if which == "update_ratio":
        axes.axhspan(*BAND, color="#009E73", alpha=0.10, zorder=0)
        axes.axhline(USUAL, color=FAINT, linestyle="--", linewidth=1.2, zorder=1)


def _decades(values: Vector, which: str) -> tuple[float, float]:
    """The limits of a logarithmic axis that shows the values above 0: whole decades if few."""
    above = values[np.isfinite(values) & (values > 0)].clip(1 / LARGEST, LARGEST)
    if which == "update_ratio":
        above = np.append(above, BAND)
    if not len(above):
        return 0.1, 1.0
    low, high = max(above.min(), above.max() / 10**MOST_DECADES), above.max()
    if spans_decades(low, high):
        return with_room_log(low, high)
    return 10 ** np.floor(np.log10(low)), 10 ** (np.floor(np.log10(high)) + 1)


def _mark(axes: Axes, epochs: Vector, values: Vector) -> dict[str, Mapping[str, Any]]:
    """Mark zeros on a logarithmic axis and what is not finite; returns the marks with a text."""
    marks = {
        "not a finite number in a layer": (np.isnan(values).any(axis=0), 1.0, "X", ALARM),
        "0 in a layer": ((values == 0).any(axis=0) & (axes.get_yscale() == "log"), 0.0, "v", INK),
    }
    found: dict[str, Mapping[str, Any]] = {}
    for label, (where, edge, marker, color) in marks.items():
        if where.any():
            look: dict[str, Any] = {
                "color": color,
                "marker": marker,
                "linestyle": "",
                "markersize": 9,
            }
            at = np.full(int(where.sum()), edge)
            transform = axes.get_xaxis_transform()
            axes.plot(epochs[where], at, transform=transform, clip_on=False, zorder=5, **look)
            found[label] = look
    return found


def _finish(axes: Axes, which: str, epochs: Vector) -> None:
    """Set the x axis, logarithmic where the measured epochs grow apart."""
    last = float(epochs.max())
    if last > 30 and len(epochs) < last / 2:
        powers = 2.0 ** np.arange(np.floor(np.log2(last)) + 1)
        axes.set_xscale("log")
        axes.set_xticks(powers[:: -(-len(powers) // 8)])
        axes.xaxis.minorticks_off()
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("epoch (logarithmic axis)")
        axes.set_xlim(float(epochs.min()) / 1.1, last * 1.1)
    else:
        count_axis(axes, "epoch")
        room = 0.03 * (last - float(epochs.min())) or 0.5
        axes.set_xlim(float(epochs.min()) - room, last + room)


def _explain(figure: Figure, names: list[str], notes: Mapping[str, Mapping[str, Any]]) -> None:
    """The legend of layers, or a bar of colours where there are many, and of the marks."""
    entries: list[tuple[Mapping[str, Any], str]] = []
    if len(names) <= COLOURS:
        entries = [(_look(k, len(names)), plain(name, 24)) for k, name in enumerate(names)]
    else:
        _add_bar(figure, names)
    band = {"color": "#009E73", "alpha": 0.25, "linewidth": 9}
    if any(axes.get_title() == TITLES["update_ratio"] for axes in figure.axes):
        entries.append((band, f"usual: about {USUAL:g}"))
    entries += [(look, label) for label, look in notes.items()]
    if entries:
        columns = -(-len(entries) // -(-len(entries) // 5))  # in rows of equal length
        add_legend(figure, entries, loc="outside lower center", ncols=columns)


def _add_bar(figure: Figure, names: list[str]) -> None:
    """A bar of the layers' colours, with the names of some of them."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap

    colors = ListedColormap([_look(k, len(names))["color"] for k in range(len(names))])
    panels = [*figure.axes]
    bar = figure.colorbar(ScalarMappable(cmap=colors), ax=panels, aspect=40, pad=0.02)
    shown = range(0, len(names), -(-len(names) // 12))
    bar.set_ticks([(k + 0.5) / len(names) for k in shown])
    bar.set_ticklabels([plain(names[k], 20) for k in shown])
    bar.ax.invert_yaxis()
    bar.ax.grid(visible=False)
