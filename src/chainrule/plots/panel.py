"""One panel of a learning curve: the lines and marks that can stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from chainrule.plots.curves import Curve, History, Vector, curve_of, thinned
from chainrule.plots.style import ALARM, INK, TEST, TRAINING, VALIDATION, blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PARTS = (
    ("train", "training", TRAINING, "-"),
    ("validation", "validation", VALIDATION, (0, (4, 1.2))),
)
# With more points than this, a marker on each would hide the line.
_MARKED_POINTS = 30
# With more than this, a noisy line of full width is a band.
_THIN_LINE = 1000
_FAR = 100.0  # axis heights


@dataclass
class Panel:
    """Axes, and what has been drawn in them.

    Attributes:
        axes: the Matplotlib axes.
        unit: how far apart two epochs are: 1, or the minibatches of an epoch.
        end: the epoch at which the run ended, perhaps within it; 0 if it never began.
        curves: the curves drawn, by part of the data ("train", "validation").
        shown: values the y axis has to reach.
        behind: how far the minibatches reach, bottom and top.
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
        """All that the y axis has to reach, shape (values,)."""
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
                marker="o" if len(curve.x) <= _MARKED_POINTS else None,
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
            # Odd minibatches may leave the panel; they must not press the curves flat. A case
            # at a time, many a loss is almost 0: downwards only the curves count.
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
        from matplotlib.ticker import MaxNLocator

        axes = self.axes
        if not axes.lines:
            blank(axes, "nothing has been trained yet")
            return
        axes.set_xlabel(counted)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        first = min([float(c.x[0]) for c in self.curves.values() if len(c.x)], default=self.end)
        if any(line.get_label() == "minibatches" for line in axes.lines):
            first = 0.0
        # The end has room for the star; a run of one epoch stands in the middle.
        room = 0.03 * (self.end - first) or 0.5
        axes.set_xlim((first - room) * self.unit, (self.end + room) * self.unit)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2, handlelength=2.8)
