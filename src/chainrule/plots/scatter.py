"""Data that are not images, as points: classes in colour, or targets over the features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import ShapeError
from chainrule.core.notation import input_name
from chainrule.plots.style import (
    LARGEST,
    add_legend,
    blank,
    house_style,
    marker_of,
    new_figure,
    plain,
    with_room,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Matrix = NDArray[np.float64]

# A matrix of panels is readable up to this many features, a panel up to this many targets.
_MOST_FEATURES = 4
_MOST_TARGETS = 4
_POINT = 45.0  # points², for a few hundred cases
# More points than this are stored in an SVG file as one bitmap, so that the file stays small.
_MANY_POINTS = 2000
_MOST_IN_LEGEND = 24


def scatter(
    x: ArrayLike,
    t: ArrayLike,
    *,
    classes: Sequence[str] | None,
    feature_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    one_unit: bool = False,
    title: str,
) -> Figure:
    """Cases as points, in a picture that suits their number of features.

    With classes: one feature is drawn on a line for each class; two as a plane; three or four as
    a matrix of planes, with histograms on the diagonal; more as the plane of the first two
    principal components. Without classes: the targets are drawn over each of the first four
    features. Cases with a value that is not finite are left out, and the title says how many.

    Args:
        x: (cases, features), or (cases,) for one feature.
        t: with classes, class numbers (cases,) or one-hot rows (cases, classes); without,
            values (cases,) or (cases, targets), of which the first four are drawn.
        classes: the names of the classes in order, or None for a regression.
        feature_names: one name for each feature; by default x₁, x₂, ...
        target_names: one name for each target; by default they are numbered from 1.
        one_unit: whether the features are lengths in one unit, which both axes of a plane then
            show at one scale, so that a circle looks like one.
        title: of the figure.

    Raises:
        ShapeError: the arrays do not match each other, the names or the classes.

    Example:
        >>> corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
        >>> figure = scatter(corners, [0, 1, 1, 0], classes=["equal", "unequal"], title="xor")
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['equal', 'unequal']
    """
    x, t = _rows(x), _rows(t)
    if x.ndim != 2 or t.ndim != 2 or len(x) != len(t):
        raise ShapeError(f"one row of x and of t for each case; found {x.shape} and {t.shape}")
    names = _names(feature_names, x.shape[1])
    finite = np.isfinite(x).all(axis=1) & np.isfinite(t).all(axis=1)
    if not finite.all():
        title = f"{title} ({(~finite).sum():,} cases with NaN or infinity left out)"
        x, t = x[finite], t[finite]
    x, t = x.clip(-LARGEST, LARGEST), t.clip(-LARGEST, LARGEST)
    with house_style():
        if not x.size:
            figure = new_figure(8, 5, title)
            blank(figure.subplots(), "no cases")
            return figure
        if classes is None:
            return _targets(x, t[:, :_MOST_TARGETS], names, target_names, title)
        groups = groups_of_classes(t, classes)
        return _classes(x, groups, names, title, one_unit)


def _rows(values: ArrayLike) -> Matrix:
    array = np.asarray(values, np.float64)
    return array[:, None] if array.ndim == 1 else array


def _names(given: Sequence[str] | None, count: int) -> list[str]:
    if given is not None and len(given) != count:
        raise ShapeError(f"{count} features need as many names; found {len(given)}")
    return [plain(input_name(k, given), 30) for k in range(count)]


def _classes(
    x: Matrix, groups: list[Group], names: list[str], title: str, one_unit: bool
) -> Figure:
    """The picture of cases that have classes."""
    if x.shape[1] == 1:
        return _lines(x[:, 0], groups, names[0], title)
    if 2 < x.shape[1] <= _MOST_FEATURES:
        return _matrix(x, groups, names, title, one_unit)
    if x.shape[1] > 2:
        x, shares = principal_components(x)
        names = [
            f"principal component {k + 1} ({s:.0%} of variance)" for k, s in enumerate(shares)
        ]
    figure = new_figure(9.5, 6.5, title)
    axes = figure.subplots()
    for group in groups:
        draw_points(axes, x[:, 0], x[:, 1], group, _POINT)
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    if one_unit:
        axes.set_aspect("equal", adjustable="datalim")
    add_group_legend(figure, groups)
    return figure


def _lines(x: Matrix, groups: list[Group], name: str, title: str) -> Figure:
    """One feature: a line for each class, with its cases spread a little across the line."""
    figure = new_figure(9.5, max(3.5, min(12.0, 1.6 + 0.6 * len(groups))), title)
    axes = figure.subplots()
    # Multiples of the golden ratio spread evenly.
    spread = np.arange(len(x)) * 0.6180339887 % 1 - 0.5
    for k, group in enumerate(groups):
        draw_points(axes, x, k + 0.5 * spread, group, _POINT)
    axes.set_yticks(range(len(groups)), [group.label for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlabel(name)
    return figure


def _matrix(
    x: Matrix, groups: list[Group], names: list[str], title: str, one_unit: bool
) -> Figure:
    """Every feature against every other, and its distribution on the diagonal."""
    count = x.shape[1]
    figure = new_figure(2.7 * count + 1.5, 2.4 * count + 0.6, title)
    panels = figure.subplots(count, count, sharex="col", squeeze=False)
    lows, highs = x.min(axis=0), x.max(axis=0)
    if one_unit:  # every panel is a square over the same numbers
        lows, highs = np.full(count, lows.min()), np.full(count, highs.max())
    for (i, j), cell in np.ndenumerate(panels):
        axes: Axes = cell
        if i == j:
            _distributions(axes, x[:, i], groups)
        else:
            for group in groups:
                draw_points(axes, x[:, j], x[:, i], group, 0.5 * _POINT)
            axes.set_ylim(*with_room(lows[i], highs[i]))
        axes.set_xlim(*with_room(lows[j], highs[j]))
        axes.set_box_aspect(1 if one_unit else None)
        axes.tick_params(labelsize=11, labelleft=j == 0 and i > 0)
        if i == count - 1:
            axes.set_xlabel(names[j], fontsize=12)
        if j == 0:
            axes.set_ylabel(names[i], fontsize=12)
    figure.align_ylabels(panels[:, 0])
    add_group_legend(figure, groups)
    return figure


def _distributions(axes: Axes, x: Matrix, groups: list[Group]) -> None:
    """A histogram for each group, outlined so that none hides another."""
    edges = np.linspace(*with_room(x.min(), x.max()), 21)
    for group in groups:
        counts = np.histogram(x[group.member], edges)[0]
        axes.stairs(counts, edges, fill=True, color=group.color, alpha=0.2)
        axes.stairs(counts, edges, color=group.color, linewidth=1.5)
    axes.set_yticks([])


def _targets(
    x: Matrix, t: Matrix, names: list[str], target_names: Sequence[str] | None, title: str
) -> Figure:
    """A regression: the targets over the first features, one panel for each feature."""
    count = min(x.shape[1], _MOST_FEATURES)
    if x.shape[1] > count:
        title = f"{title} (the first {count} of {x.shape[1]:,} features)"
    rows, columns = {1: (1, 1), 2: (1, 2), 3: (1, 3), 4: (2, 2)}[count]
    everyone = np.ones(len(x), bool)
    called = target_names or [f"target {k + 1}" for k in range(t.shape[1])]
    groups = [Group(plain(called[k], 24), everyone, *marker_of(k)) for k in range(t.shape[1])]
    figure = new_figure(max(9.5, 4.6 * columns), 3.6 * rows + (2.4 if rows == 1 else 1.2), title)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for k, axes in enumerate(panels.flat):
        for target, group in zip(t.T, groups, strict=True):
            draw_points(axes, x[:, k], target, group, _POINT)
        axes.set_xlabel(names[k])
    for axes in panels[:, 0]:
        axes.set_ylabel(groups[0].label if target_names and len(groups) == 1 else "target")
    if len(groups) > 1:
        add_group_legend(figure, groups)
    return figure


# Groups of points, which the decision boundary uses too


@dataclass(frozen=True)
class Group:
    """Cases that are drawn alike.

    Attributes:
        label: their name in the legend.
        member: whether each case belongs to the group, (cases,) of bool.
        color: a Matplotlib colour.
        marker: a Matplotlib marker.
    """

    label: str
    member: NDArray[np.bool_]
    color: str
    marker: str


def groups_of_classes(t: NDArray[Any], classes: Sequence[str]) -> list[Group]:
    """One group for every class, also for those without cases.

    Args:
        t: class numbers (cases,) or one-hot rows (cases, classes).
        classes: the names in order.

    Raises:
        ShapeError: a class number is out of range, or the rows have another width.
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
    """Draw the members of ``group``; ``x`` and ``y`` are (cases,) of all groups."""
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


def add_group_legend(figure: Figure, groups: Sequence[Group]) -> None:
    """Write the groups' names to the right of the panels, at most 24 of them."""
    drawn = groups if len(groups) <= _MOST_IN_LEGEND else groups[: _MOST_IN_LEGEND - 1]
    entries: list[tuple[dict[str, Any], str]] = [
        ({"linestyle": "none", "marker": g.marker, "color": g.color, "markersize": 9}, g.label)
        for g in drawn
    ]
    if len(drawn) < len(groups):
        entries.append(({"linestyle": "none"}, f"and {len(groups) - len(drawn)} more"))
    add_legend(figure, entries, loc="outside right upper")


def principal_components(x: Matrix, count: int = 2) -> tuple[Matrix, Matrix]:
    """The first principal components of the rows of ``x``, by singular value decomposition.

    With the column means subtracted, x = U S Vᵀ, and the components are the columns of x V. The
    sign of each direction is chosen so that its largest entry is positive.

    Args:
        x: (cases, features), finite, with at least ``count`` features.
        count: how many components.

    Returns:
        The components, (cases, count), and each one's share of the variance, (count,).

    Example:
        >>> points, shares = principal_components(np.array([[0.0, 0, 1], [3, 4, 1], [6, 8, 1]]))
        >>> points[:, 0].round(6), shares.round(6)
        (array([-5.,  0.,  5.]), array([1., 0.]))
    """
    centred = x - x.mean(axis=0)
    # xᵀx has the same V, and is the smaller matrix if there are more cases than features.
    largest = np.abs(centred).max(initial=0) or 1.0
    unit = centred / largest
    square = unit.T @ unit if len(unit) > unit.shape[1] else unit
    directions = np.linalg.svd(square, full_matrices=False)[2][:count]
    if len(directions) < count:
        directions = np.pad(directions, ((0, count - len(directions)), (0, 0)))
    peaks = np.take_along_axis(directions, np.abs(directions).argmax(1)[:, None], axis=1)
    directions = directions * np.where(peaks < 0, -1.0, 1.0)
    components = unit @ directions.T
    total = (unit**2).sum() or 1.0
    return components * largest, (components**2).sum(axis=0) / total
