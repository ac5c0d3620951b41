"""What a network says at every point of a plane of two of its inputs, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError, unknown
from chainrule.core.notation import cut
from chainrule.inspector.edits import Checked, Index, Name, PassWanted
from chainrule.nn.network import Network
from chainrule.training.engines.threads import on_threads

MOST_INPUTS = 32
"""A plane is drawn through two inputs of a network that has at most so many."""

MOST_LAYERS = 2_000
"""Of at most so many layers the planes of the units are asked for at once."""

MOST_SIDE = 96
"""The most points along each side of a plane."""

MOST_POINTS = 400
"""The most cases that are drawn into a plane."""

MOST_UNITS = 64
"""Of a layer with more units the first ones are drawn."""

MARGIN = 0.12
"""How far a plane goes beyond the cases, as a fraction of their range."""

DIGITS = 5
"""The significant digits with which the cases in a plane are told."""

Bound = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
Range = tuple[Bound, Bound]


def plane_told(
    network: Network, x: Array, t: Array, classes: Sequence[str] | None
) -> dict[str, Any] | None:
    """What the page is told of the planes of a network's inputs, as JSON.

    None of a network whose inputs are no row of 2 to `MOST_INPUTS` numbers.

    Args:
        network: the network.
        x: the cases that are drawn, as the network sees them; the first `MOST_POINTS` of them.
        t: their targets: class numbers, or rows.
        classes: the names of the classes, or None.
    """
    shape = network.input_shape
    if len(shape) != 1 or not 2 <= shape[0] <= MOST_INPUTS:
        return None
    x = np.asarray(x, dtype=float).reshape(len(x), -1)
    if not np.isfinite(x).all():
        return None
    lowest, highest = x.min(axis=0), x.max(axis=0)
    room = np.where(highest > lowest, highest - lowest, 1.0) * MARGIN
    return {
        "axes": _telling(x, np.asarray(t), classes),
        "ranges": np.stack([lowest - room, highest + room], axis=1).tolist(),
        "points": [[_short(value) for value in row] for row in x[:MOST_POINTS]],
        "labels": _labels(np.asarray(t)[:MOST_POINTS], classes),
        "classes": None if classes is None else [cut(name, 40) for name in classes],
    }


def _telling(x: Array, t: Array, classes: Sequence[str] | None) -> list[int]:
    """The two inputs that tell the most of the first target or of the class, in their order.

    That is the share of an input's variance that lies between the classes, or its squared
    correlation with the target.
    """
    if x.shape[1] == 2:
        return [0, 1]
    labels = np.array(_labels(t, classes))
    centred = x - x.mean(axis=0)
    if classes is None:
        groups = [labels - labels.mean()]
    else:
        groups = [(labels == k) - (labels == k).mean() for k in np.unique(labels)]
    with np.errstate(all="ignore"):
        between = sum((centred.T @ one) ** 2 / (one @ one) for one in groups)
        share = np.nan_to_num(between / (centred**2).sum(axis=0))
    return sorted(np.argsort(-share, kind="stable")[:2].tolist())


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _labels(t: Array, classes: Sequence[str] | None) -> list[float]:
    """A number for each case: that of its class, or else its first target."""
    rows = t.reshape(len(t), -1).astype(float)
    if classes is not None and rows.shape[1] > 1:
        return rows.argmax(axis=1).astype(float).tolist()
    return [_short(value) if np.isfinite(value) else 0.0 for value in rows[:, 0]]


class PlaneWanted(Checked):
    """Which plane; what a request of the page says.

    Attributes:
        of: the pass whose network it is.
        at: the index of the case, among all, that the other inputs are taken from.
        axes: the indices of the two inputs.
        window: the lowest and highest value of each, as the network sees them.
        side: the number of points along each side.
        layers: the names of the layers whose outputs are wanted.
        coarse: those of which only every ``step``-th point of each side is wanted.
        step: see ``coarse``.
    """

    of: PassWanted
    at: Index
    axes: tuple[Index, Index]
    window: tuple[Range, Range]
    side: Annotated[int, Field(ge=2, le=MOST_SIDE)]
    layers: Annotated[list[Name], Field(max_length=MOST_LAYERS)]
    coarse: Annotated[list[Name], Field(max_length=MOST_LAYERS)]
    step: Annotated[int, Field(ge=1, le=MOST_SIDE)]


def plane(network: Network, x: Array, wanted: PlaneWanted) -> dict[str, Array]:
    """The outputs of layers at every point of a plane, as the trained network gives them.

    The points are those of a grid, row by row from the highest down.

    Args:
        network: evaluated in evaluation mode, in one batch.
        x: the cases, of which one gives the other inputs, (cases, inputs).
        wanted: which plane, and which layers.

    Returns:
        (units, points) by the name of the layer; of many units the first `MOST_UNITS`.

    Raises:
        ShapeError: there is no such plane.
    """
    points = _points(network, x, wanted)
    known = [layer.name for layer in network.layers if len(layer.output_shape) == 1]
    for name in (*wanted.layers, *wanted.coarse):
        if name not in known:
            raise ShapeError(unknown("layer of rows", name, known))
    found = {}
    # One thread: beside a training and a browser a second one waits longer than it works.
    with on_threads(1), np.errstate(all="ignore"):
        for layer, _, _, out in network.walk(points, network.theta):
            if layer.name in wanted.layers:
                found[layer.name] = out[:, :MOST_UNITS].T
            elif layer.name in wanted.coarse:
                grid = out[:, :MOST_UNITS].reshape(wanted.side, wanted.side, -1)
                some = grid[:: wanted.step, :: wanted.step]
                found[layer.name] = some.reshape(-1, some.shape[-1]).T
    return found


def _points(network: Network, x: Array, wanted: PlaneWanted) -> Array:
    """The inputs at every point, (side · side, inputs).

    Raises:
        ShapeError: there is no such case, are no such inputs, or a window is upside down.
    """
    shape, (i, j), side = network.input_shape, wanted.axes, wanted.side
    if len(shape) != 1 or not max(i, j) < shape[0] or i == j:
        raise ShapeError(f"axes are two inputs of a row, found {i} and {j} of the shape {shape}")
    if wanted.at >= len(x):
        raise ShapeError(f"there is no case {wanted.at}: cases 0 to {len(x) - 1}")
    if any(low >= high for low, high in wanted.window):
        raise ShapeError(f"a window goes from low to high, found {wanted.window}")
    (left, right), (bottom, top) = wanted.window
    found = np.repeat(x[wanted.at].reshape(1, -1), side * side, axis=0)
    found[:, i] = np.tile(np.linspace(left, right, side), side)
    found[:, j] = np.repeat(np.linspace(top, bottom, side), side)
    return found
