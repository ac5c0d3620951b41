"""A run's history as curves: what was measured, where, and what was no longer a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError

Vector = NDArray[np.float64]
History = Mapping[str, Sequence[float | None]]

# The second panel shows the first of these that a history has: column name, and its title.
SCORES: Mapping[str, str] = {"accuracy": "accuracy", "r2": "R²"}


@dataclass(frozen=True)
class Curve:
    """One column of a history.

    Attributes:
        x: the epochs at which it was measured, shape (measurements,).
        y: the values, of the same shape; NaN stands for every value that is not finite, so
            that Matplotlib leaves it out.
    """

    x: Vector
    y: Vector

    @property
    def finite(self) -> Vector:
        """The values that can be drawn."""
        return self.y[np.isfinite(self.y)]

    @property
    def broken(self) -> Vector:
        """The epochs at which the value was not finite."""
        return self.x[~np.isfinite(self.y)]

    @property
    def lowest(self) -> tuple[float, float] | None:
        """(epoch, value) of the smallest finite value, the first of equals; None without one."""
        if not len(self.finite):
            return None
        k = int(np.nanargmin(self.y))
        return float(self.x[k]), float(self.y[k])


def epochs_of(history: History) -> Vector:
    """The numbers of the epochs, counted from 1 where the history does not say.

    Raises:
        ShapeError: columns of different lengths.

    Example:
        >>> epochs_of({"train_loss": [0.5, 0.25]})
        array([1., 2.])
    """
    lengths = {name: len(column) for name, column in history.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ShapeError(f"the columns of a history have the same length; found {told}")
    if "epoch" in history:
        return _numbers(history["epoch"])
    return np.arange(1.0, max(lengths.values(), default=0) + 1)


def curve_of(history: History, column: str) -> Curve | None:
    """The curve of ``column``, or None where it was never measured.

    Values of None were not measured and are dropped, and a column of nothing but None and NaN
    was never measured. The training loss always is: there None stands for a value that could
    not be written as a number.
    """
    if column not in history:
        return None
    values = history[column]
    always = column == "train_loss"
    measured = np.array([always or value is not None for value in values], bool)
    y = _numbers(values)
    if not len(y) or (not always and np.isnan(y).all()):
        return None
    y[~np.isfinite(y)] = np.nan
    return Curve(epochs_of(history)[measured], y[measured])


def _numbers(values: Sequence[float | None]) -> Vector:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def thinned(x: Vector, y: Vector, buckets: int = 1500) -> tuple[Vector, Vector]:
    """At most two points a bucket, its lowest and its highest, so that no spike is lost.

    A long run has millions of minibatches and a picture 1,500 columns; drawing every loss
    would make an SVG of a hundred megabytes that looks the same. Values that are not finite
    are dropped.

    Example:
        >>> x = np.arange(100_000.0)
        >>> y = np.where(x == 77_777, 9.0, x % 2)
        >>> few_x, few_y = thinned(x, y)
        >>> len(few_x), float(few_y.max())
        (3000, 9.0)
    """
    keep = np.isfinite(y)
    x, y = x[keep], y[keep]
    if len(y) <= 2 * buckets:
        return x, y
    edges = np.linspace(0, len(y), buckets + 1).astype(int)
    chosen = []
    for start, stop in pairwise(edges):
        part = y[start:stop]
        chosen += sorted({start + int(part.argmin()), start + int(part.argmax())})
    return x[chosen], y[chosen]
