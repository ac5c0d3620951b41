"""The class that a network predicts at every point of a plane of two inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import ShapeError
from chainrule.core.notation import input_name
from chainrule.plots.scatter import Group, add_group_legend, draw_points, groups_of_classes
from chainrule.plots.style import INK, house_style, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from chainrule.data.dataset import DataSplit
    from chainrule.data.standardization import Standardization
    from chainrule.nn.network import Network

Matrix = NDArray[Any]
Predict = Callable[[Matrix], Matrix]
Side = tuple[float, float]

# The network is evaluated at this many points along each side.
_RESOLUTION = 240
# The opacity of a class's colour if the class is barely the most probable, and if it is certain.
_FAINTEST, _STRONGEST = 0.1, 0.5
_MARGIN = 0.1  # of the range of the cases
# Inputs whose ranges differ by at most this factor are drawn to one scale.
_ALIKE = 3.0
_POINT = 42.0  # points², for a few hundred cases


class BoundaryRun(Protocol):
    """What `boundary_of` needs of a `chainrule.runs.run.Run`."""

    network: Network
    classes: tuple[str, ...] | None
    scaling: Standardization | None

    @property
    def name(self) -> str:
        """The default title."""

    @property
    def data(self) -> DataSplit:
        """The cases, standardised if the run standardises them."""

    def outputs(self, x: Any) -> Matrix:
        """The network's outputs for inputs in their original units."""


def decision_boundary(
    predict_proba: Predict | Mapping[str, Predict],
    x: ArrayLike,
    t: ArrayLike,
    *,
    classes: Sequence[str],
    title: str,
    feature_names: Sequence[str] | None = None,
) -> Figure:
    """The plane of two inputs in the colours of the classes, with a panel for each network.

    The more certain a network is, the stronger the colour. Lines separate the classes, and the
    cases are drawn on top. Where a network's outputs are not finite, the plane is white.

    Args:
        predict_proba: a function from inputs (cases, 2) to probabilities, (cases, classes), or
            (cases, 1) for the second of two classes; or several of these, by the title of their
            panel.
        x: the cases, (cases, 2). Those with a value that is not finite are left out, and the
            title says how many.
        t: class numbers (cases,) or one-hot rows (cases, classes).
        classes: the names of the classes in order.
        title: of the figure.
        feature_names: of the two inputs; by default x₁ and x₂.

    Raises:
        ShapeError: there is no network or no case, x does not have two columns, t does not match
            x or the classes, or the probabilities are not one for each class.

    Example:
        >>> def left(x):
        ...     return (x[:, :1] > 0).astype(float)
        >>> figure = decision_boundary(
        ...     {"a step": left}, [[-1, 0], [1, 0]], [0, 1], classes="ab", title="left, right")
        >>> figure.axes[0].get_title(), [text.get_text() for text in figure.legends[0].get_texts()]
        ('a step', ['a', 'b'])
    """
    networks = predict_proba if isinstance(predict_proba, Mapping) else {"": predict_proba}
    x, t, left_out = _cases(x, t)
    if not networks:
        raise ShapeError("a decision boundary needs a network")
    if left_out:
        noun = "case" if left_out == 1 else "cases"
        title = f"{title} ({left_out:,} {noun} with NaN or infinity left out)"
    groups = groups_of_classes(t, classes)
    sides = [_with_margin(values) for values in x.T]
    columns = min(len(networks), 3)
    rows = -(-len(networks) // columns)
    with house_style():
        wide = 5.2 if columns == 1 else 3.9  # inches, of a panel
        high = wide * (_proportion(*sides) or 0.9)
        figure = new_figure(columns * (wide + 0.8) + 1.4, rows * (high + 1.0) + 0.6, title)
        panels = iter(figure.subplots(rows, columns, squeeze=False).flat)
        for (name, network), axes in zip(networks.items(), panels, strict=False):
            _draw_plane(axes, network, sides, groups)
            _draw_cases(axes, x, groups)
            axes.set_title(plain(name, 40))
            axes.set_xlabel(plain(input_name(0, feature_names), 30))
            axes.set_ylabel(plain(input_name(1, feature_names), 30))
        for axes in panels:  # those left without a network
            axes.set_axis_off()
        add_group_legend(figure, groups)
    return figure


def boundary_of(run: BoundaryRun, *, title: str | None = None) -> Figure:
    """The decision boundary of a run with two inputs, over its training cases.

    The axes are in the original units of the inputs, also if the run standardises them.

    Args:
        run: a run, trained or loaded, whose targets are classes.
        title: of the figure; by default the run's name.

    Raises:
        ShapeError: the network does not have two inputs, or its targets are not classes.
        ChainruleError: the data of a loaded run are no longer where they were.
    """
    if run.network.input != 2 or run.classes is None:
        targets = "values" if run.classes is None else "classes"
        raise ShapeError(
            "a decision boundary needs a network of 2 inputs whose targets are classes; this one "
            f"has {run.network.input} inputs and its targets are {targets}"
        )
    x = run.data.train.x.reshape(-1, 2)
    if run.scaling is not None:
        x = run.scaling.undo(x)
    return decision_boundary(
        run.outputs,
        x,
        run.data.train.t,
        classes=run.classes,
        title=run.name if title is None else title,
        feature_names=run.data.feature_names,
    )


def _cases(x: ArrayLike, t: ArrayLike) -> tuple[Matrix, Matrix, int]:
    """The cases that can be drawn, and the number of those that cannot."""
    x, t = np.asarray(x, float), np.asarray(t)
    if x.ndim != 2 or x.shape[1] != 2 or not t.ndim or len(x) != len(t):
        raise ShapeError(
            f"a plane needs cases of 2 inputs and a class for each; found {x.shape} and {t.shape}"
        )
    # The range of larger values could overflow.
    finite = (np.abs(x) < np.finfo(float).max / 8).all(axis=1)
    if not finite.any():
        raise ShapeError("a plane needs a case whose inputs are finite")
    return x[finite], t[finite], int((~finite).sum())


def _proportion(across: Side, up: Side) -> float | None:
    """Height over width of a plane drawn to one scale; None if the ranges differ too much.

    Example:
        >>> _proportion((0.0, 2.0), (0.0, 1.0)), _proportion((0.0, 2000.0), (0.0, 1.0))
        (0.5, None)
    """
    width, height = across[1] - across[0], up[1] - up[0]
    return height / width if max(width, height) <= _ALIKE * min(width, height) else None


def _draw_plane(
    axes: Axes, network: Predict, sides: Sequence[Side], groups: Sequence[Group]
) -> None:
    """Draw the regions and the lines between them."""
    (left, right), (bottom, top) = sides
    across, up = np.linspace(left, right, _RESOLUTION), np.linspace(bottom, top, _RESOLUTION)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    p = _probabilities(network(plane), len(plane), len(groups))
    p = p.reshape(_RESOLUTION, _RESOLUTION, len(groups))
    axes.imshow(
        _colors(p, groups),
        extent=(left, right, bottom, top),
        origin="lower",
        aspect="equal" if _proportion(*sides) else "auto",
        interpolation="bilinear",
    )
    for k in range(len(groups)):
        lead = p[..., k] - np.delete(p, k, axis=-1).max(axis=-1, initial=-np.inf)
        if np.nanmin(lead, initial=np.inf) < 0 < np.nanmax(lead, initial=-np.inf):
            axes.contour(across, up, lead, levels=[0.0], colors=INK, linewidths=1.3)
    axes.grid(visible=False)
    axes.locator_params(nbins=6)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _with_margin(values: Matrix) -> Side:
    """The ends of an axis with a margin on both sides, also if all values are equal.

    Example:
        >>> _with_margin(np.array([0.0, 10.0])), _with_margin(np.array([2.0]))
        ((-1.0, 11.0), (1.0, 3.0))
    """
    low, high = float(values.min()), float(values.max())
    size = max(abs(low), abs(high))
    margin = _MARGIN * (high - low) if high - low > 1e-9 * size else 0.5 * size or 1.0
    return low - margin, high + margin


def _draw_cases(axes: Axes, x: Matrix, groups: Sequence[Group]) -> None:
    """Draw the cases, with a white edge that sets them off from a region of their colour."""
    for group in groups:
        draw_points(axes, x[:, 0], x[:, 1], replace(group, color="white"), 1.9 * _POINT)
        draw_points(axes, x[:, 0], x[:, 1], group, _POINT)


def _probabilities(p: Matrix, points: int, classes: int) -> Matrix:
    """A probability for each class; a single output is the second of two classes' probability.

    Rows that are not finite become NaN.
    """
    p = np.asarray(p, float)
    if classes == 2 and p.shape == (points, 1):
        p = np.hstack([1 - p, p])
    if p.shape != (points, classes):
        raise ShapeError(f"{points} points of {classes} classes; found probabilities {p.shape}")
    return np.where(np.isfinite(p).all(axis=1, keepdims=True), p, np.nan)


def _colors(p: Matrix, groups: Sequence[Group]) -> Matrix:
    """The colour of the most probable class on white, (..., 3), stronger if more probable."""
    from matplotlib.colors import to_rgb

    palette = np.array([to_rgb(group.color) for group in groups])
    chance = 1 / len(groups)
    sureness = ((p.max(axis=-1) - chance) / max(1 - chance, 1e-12)).clip(0, 1)
    strength = (_FAINTEST + (_STRONGEST - _FAINTEST) * sureness)[..., None]
    mixed = 1 - strength * (1 - palette[p.argmax(axis=-1)])
    return np.where(np.isnan(strength), 1.0, mixed)
