"""Points in groups: which cases belong together, how they look, and their legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError
from chainrule.plots.style import marker_of, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Above this many points a panel's points are one picture inside an SVG, which stays small.
_MANY_POINTS = 2000
_MOST_IN_LEGEND = 24


@dataclass(frozen=True)
class Group:
    """Cases drawn alike.

    Attributes:
        label: their name in the legend.
        member: which cases they are, (cases,) of bool.
        color: a Matplotlib colour.
        marker: a Matplotlib marker.
    """

    label: str
    member: NDArray[np.bool_]
    color: str
    marker: str


def groups_of_classes(t: NDArray[Any], classes: Sequence[str]) -> list[Group]:
    """One group for every class, with or without cases.

    Args:
        t: class numbers (cases,) or one-hot rows (cases, classes).
        classes: the names in order.

    Raises:
        ShapeError: a number that is no class's, or rows of another width.
    """
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.ndim == 2:
        if t.shape[1] != len(classes):
            raise ShapeError(f"{len(classes)} classes need rows of that width; found {t.shape}")
        t = t.argmax(axis=1)
    valid = np.isin(t, np.arange(len(classes)))
    if not valid.all():
        raise ShapeError(f"class numbers are 0 to {len(classes) - 1}; found {t[~valid][0]}")
    return [Group(plain(name, 24), t == k, *marker_of(k)) for k, name in enumerate(classes)]


def draw_points(axes: Axes, x: NDArray[Any], y: NDArray[Any], group: Group, size: float) -> None:
    """The members of ``group`` at ``x`` and ``y``, both (cases,), on ``axes``."""
    axes.scatter(
        x[group.member],
        y[group.member],
        s=size * min(1.0, max(0.15, 300 / max(1, len(x)))),
        c=group.color,
        marker=group.marker,
        alpha=0.8 if len(x) <= _MANY_POINTS else 0.5,
        linewidths=0,
        rasterized=len(x) > _MANY_POINTS,
    )


def add_legend(figure: Figure, groups: Sequence[Group]) -> None:
    """The groups' names at the right, beyond the panels; the first 24 of many."""
    from matplotlib.lines import Line2D

    shown = groups if len(groups) <= _MOST_IN_LEGEND else groups[: _MOST_IN_LEGEND - 1]
    handles = [
        Line2D([], [], linestyle="none", marker=g.marker, color=g.color, markersize=9)
        for g in shown
    ]
    names = [g.label for g in shown]
    if len(shown) < len(groups):
        handles.append(Line2D([], [], linestyle="none"))
        names.append(f"and {len(groups) - len(shown)} more")
    # Matplotlib drops labels that begin with an underscore, which a class name may.
    legend = figure.legend(handles, ["."] * len(names), loc="outside right upper")
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)
