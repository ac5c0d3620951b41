"""What a network says at every point of a plane of two of its inputs, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, shown
from chainrule.core.notation import cut
from chainrule.nn.network import Network

MOST_INPUTS = 32
"""A plane is drawn through two inputs of a network that has at most so many."""

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

LEVELS = 127
NOT_FINITE = -128


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
        "ranges": np.stack([lowest - room, highest + room], axis=1).tolist(),
        "points": [[_short(value) for value in row] for row in x[:MOST_POINTS]],
        "labels": _labels(np.asarray(t)[:MOST_POINTS], classes),
        "classes": None if classes is None else [cut(name, 40) for name in classes],
    }


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _labels(t: Array, classes: Sequence[str] | None) -> list[float]:
    """A number for each case: that of its class, or else its first target."""
    rows = t.reshape(len(t), -1).astype(float)
    if classes is not None and rows.shape[1] > 1:
        return rows.argmax(axis=1).astype(float).tolist()
    return [_short(value) if np.isfinite(value) else 0.0 for value in rows[:, 0]]


@dataclass(frozen=True)
class PlaneWanted:
    """Which plane; what a request says, checked.

    Attributes:
        axes: the indices of the two inputs.
        window: the lowest and highest value of each, as the network sees them.
        side: the number of points along each side.
        layers: the names of the layers whose outputs are wanted.
    """

    axes: tuple[int, int]
    window: tuple[tuple[float, float], tuple[float, float]]
    side: int
    layers: tuple[str, ...]

    @classmethod
    def of(cls, found: Any, network: Network) -> PlaneWanted:
        """What a request says.

        Raises:
            ConfigError: it says something else than a plane of this network.
        """
        if not isinstance(found, Mapping):
            raise ConfigError(f"a plane is wanted by a mapping, found {shown(found)}")
        inputs = prod(network.input_shape)
        axes: Any = found.get("axes")
        window: Any = found.get("window")
        is_pair = isinstance(axes, list) and len(axes) == 2 and axes[0] != axes[1]
        if not is_pair or not all(is_whole(one, 0) and one < inputs for one in axes):
            raise ConfigError(f"axes are two of the {inputs} inputs, found {shown(axes)}")
        if not isinstance(window, list) or len(window) != 2 or not all(map(_is_range, window)):
            raise ConfigError(f"a window is two ranges of numbers, found {shown(window)}")
        side: Any = found.get("side")
        layers: Any = found.get("layers")
        if not is_whole(side, 2) or side > MOST_SIDE:
            raise ConfigError(f"side is a whole number from 2 to {MOST_SIDE}, found {shown(side)}")
        known = {layer.name for layer in network.layers if len(layer.output_shape) == 1}
        are_texts = isinstance(layers, list) and all(isinstance(one, str) for one in layers)
        if not are_texts or not known.issuperset(layers):
            raise ConfigError(f"layers are names of layers of rows, found {shown(layers)}")
        ranges = ((window[0][0], window[0][1]), (window[1][0], window[1][1]))
        return cls((axes[0], axes[1]), ranges, side, tuple(layers))

    def points(self, base: Array) -> Array:
        """The inputs at every point, (side · side, inputs), row by row from the highest down.

        Args:
            base: the inputs of the case that the other inputs are taken from, (inputs,).
        """
        across, up = (np.linspace(low, high, self.side) for low, high in self.window)
        found = np.repeat(base[None], self.side * self.side, axis=0)
        found[:, self.axes[0]] = np.tile(across, self.side)
        found[:, self.axes[1]] = np.repeat(up[::-1], self.side)
        return found


def _is_range(found: Any) -> bool:
    are_two = isinstance(found, list) and len(found) == 2 and all(map(is_finite, found))
    return are_two and abs(found[0]) < 1e12 and abs(found[1]) < 1e12 and found[0] < found[1]


@dataclass(frozen=True)
class Sheet:
    """The outputs of a layer at every point of a plane.

    Attributes:
        layer: its name.
        values: (units, points).
    """

    layer: str
    values: Array

    @property
    def scale(self) -> float:
        """The number that a level stands for: a `LEVELS`-th of the largest finite one."""
        finite = self.values[np.isfinite(self.values)]
        return float(np.abs(finite).max()) / LEVELS if finite.size and finite.any() else 1.0

    def levels(self) -> Array:
        """The values as whole numbers from −127 to 127; −128 where a value is not finite."""
        scaled = np.rint(self.values / self.scale)
        return np.where(np.isfinite(scaled), scaled, NOT_FINITE).astype(np.int8)


def plane(network: Network, base: Array, wanted: PlaneWanted) -> list[Sheet]:
    """The outputs of layers at every point of a plane, as the trained network gives them.

    Args:
        network: evaluated in evaluation mode, in one batch.
        base: the inputs of the case that the other inputs are taken from, (inputs,).
        wanted: which plane, and which layers.
    """
    found = []
    with np.errstate(all="ignore"):
        for layer, _, _, out in network.walk(wanted.points(base), network.theta):
            if layer.name in wanted.layers:
                found.append(Sheet(layer.name, out.reshape(len(out), -1)[:, :MOST_UNITS].T))
    return found


def as_bytes(sheets: Sequence[Sheet]) -> tuple[list[dict[str, Any]], bytes]:
    """Sheets as the page reads them: what each is, as JSON, and the levels of all, one a byte."""
    told = [{"layer": s.layer, "units": len(s.values), "scale": s.scale} for s in sheets]
    return told, b"".join(sheet.levels().tobytes() for sheet in sheets)
