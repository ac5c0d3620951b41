"""A run's history as curves, and one panel of a picture of them: its lines, marks and axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ShapeError
from chainrule.plots.style import (
    ALARM,
    INK,
    LARGEST,
    TEST,
    TRAINING,
    VALIDATION,
    blank,
    count_axis,
    log_axis,
    spans_decades,
    with_room,
    with_room_log,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Vector = NDArray[np.float64]
History = Mapping[str, Sequence[float | None]]

# The second panel shows the first of these that a history has: column name, and its title.
SCORES: Mapping[str, str] = {"accuracy": "accuracy", "r2": "R²"}

LOWEST_R2 = -1.0
"""A coefficient of determination has no lower end; below this a prediction is simply bad."""

MARKED_POINTS = 30
"""With more points than this, a marker on each would hide the line."""

TRAINING_DASHES, VALIDATION_DASHES = "-", (0, (4, 1.2))

_PARTS = (
    ("train", "training", TRAINING, TRAINING_DASHES),
    ("validation", "validation", VALIDATION, VALIDATION_DASHES),
)
# With more than this, a noisy line of full width is a band.
_THIN_LINE = 1000
_FAR = 100.0  # axis heights


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
        found = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ShapeError(f"the columns of a history have the same length; found {found}")
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


@dataclass
class Panel:
    """One panel of a figure: its axes, and what has been drawn in them.

    Attributes:
        axes: the Matplotlib axes.
        unit: how far apart two epochs are: 1, or the minibatches of an epoch.
        end: the epoch at which the run ended, perhaps within it; 0 if it never began.
        curves: the curves drawn, by part of the data ("train", "validation").
        shown: values that the y axis must include.
        behind: the range of the minibatches' losses, bottom and top.
    """

    axes: Axes
    unit: float
    end: float
    curves: dict[str, Curve] = field(default_factory=dict)
    shown: list[Vector] = field(default_factory=list)
    behind: Vector = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        # Limits of our own: Matplotlib's overflow where a run has blown up.
        self.axes.set_autoscale_on(False)

    @property
    def values(self) -> Vector:
        """All values that the y axis must include, shape (values,)."""
        curves = np.concatenate([*self.shown, np.empty(0)])
        return np.append(curves, self.behind[-1:]) if len(curves) else self.behind

    def add_parts(self, history: History, column: str) -> None:
        """A line for training and one for validation, as far as they were measured."""
        for part, label, color, dashes in _PARTS:
            curve = curve_of(history, f"{part}_{column}")
            if curve is None:
                continue
            self.axes.plot(
                curve.x * self.unit,
                curve.y,
                color=color,
                linestyle=dashes,
                marker="o" if len(curve.x) <= MARKED_POINTS else None,
                markersize=6,
                linewidth=2.2 if len(curve.x) <= _THIN_LINE else 1.2,
                label=label,
                zorder=3,
            )
            self.curves[part] = curve
            self.shown.append(curve.finite)

    def add_minibatches(self, losses: Sequence[float] | NDArray[np.float64], step: float) -> None:
        """Every minibatch's loss, faintly behind all else; the first one stands at ``step``."""
        every: Vector = np.asarray(losses, np.float64)
        at: Vector = np.arange(1, len(every) + 1, dtype=np.float64) * step
        x, y = thinned(at, every)
        self.axes.plot(
            x, y, color=TRAINING, alpha=0.3, linewidth=0.8, label="minibatches", zorder=1
        )
        if len(y):
            # Outliers among the minibatches may leave the panel; they must not press the curves
            # flat. With one case at a time many losses are almost 0: there only the curves count.
            self.behind = np.percentile(y, [1, 99])

    def mark_best(self) -> None:
        """A ring around the lowest validation value of a run of several epochs."""
        curve = self.curves.get("validation")
        best = curve.lowest if curve else None
        if best is None or self.end <= 1:
            return
        epoch, value = best
        self.axes.plot(
            epoch * self.unit,
            value,
            linestyle="none",
            marker="o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            label=f"best validation {value:.4g} (epoch {epoch:,.0f})",
            zorder=4,
        )

    def mark_test(self, value: float | None, form: str) -> None:
        """A star at the end of the run, its value written by ``form`` in the legend."""
        if value is None:
            return
        finite = bool(np.isfinite(value))
        self.axes.plot(
            [self.end * self.unit] if finite else [],
            [value] if finite else [],
            linestyle="none",
            marker="*",
            markersize=19,
            markerfacecolor=TEST,
            markeredgecolor="white",
            markeredgewidth=1.2,
            label=f"test {form.format(value)}" if finite else "test: not a finite number",
            zorder=5,
        )
        if finite:
            self.shown.append(np.array([value], np.float64))

    def limit(self, low: float, high: float) -> None:
        """End the y axis at ``low`` and ``high``, and lines not much further away.

        A line that ran to 1e150 axis heights off the panel would be dashed all the way there.
        """
        self.axes.set_ylim(low, high)
        if self.axes.get_yscale() == "log":
            return
        far = _FAR * (high - low)
        for line in self.axes.lines:
            line.set_ydata(np.clip(line.get_ydata(), low - far, high + far))

    def limit_loss(self, low: float, high: float) -> bool:
        """End the y axis of losses; gives whether it is logarithmic, over two decades or more."""
        if low > 0:
            low, high = max(low, 1 / LARGEST), max(high, 1 / LARGEST)
        is_log = spans_decades(low, high)
        if is_log:
            log_axis(self.axes)
        self.limit(*(with_room_log if is_log else with_room)(low, high))
        return is_log

    def mark_broken(self) -> None:
        """Crosses on the top edge, above every epoch that has a value that is not finite."""
        broken = np.unique(
            np.concatenate([np.empty(0), *(c.broken for c in self.curves.values())])
        )
        if not len(broken):
            return
        first = f"epoch {broken[0]:,.0f}"
        self.axes.plot(
            broken * self.unit,
            np.ones(len(broken)),
            transform=self.axes.get_xaxis_transform(),
            linestyle="none",
            marker="X",
            markersize=10,
            color=ALARM,
            clip_on=False,
            label="not a finite number: "
            + (first if len(broken) == 1 else f"{len(broken):,} epochs, first {first}"),
            zorder=5,
        )

    def finish(self, counted: str) -> None:
        """The x axis, over what the run covered, and the legend below it."""
        axes = self.axes
        if not axes.lines:
            blank(axes, "nothing has been trained yet")
            return
        first = min([float(c.x[0]) for c in self.curves.values() if len(c.x)], default=self.end)
        if any(line.get_label() == "minibatches" for line in axes.lines):
            first = 0.0
        self.limit_x(counted, first)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, handlelength=2.8)

    def limit_x(self, label: str, first: float) -> None:
        """The x axis from epoch ``first`` to the end, in whole numbers."""
        count_axis(self.axes, label)
        self.axes.xaxis.set_major_formatter("{x:,.0f}")
        # The end has room for the star; a run of one epoch stands in the middle.
        room = 0.03 * (self.end - first) or 0.5
        self.axes.set_xlim((first - room) * self.unit, (self.end + room) * self.unit)
