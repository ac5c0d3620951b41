"""The learning curve: loss, and accuracy, F1 or R², over a run, with the test result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import ChainruleError, ShapeError, unknown
from chainrule.plots.style import (
    ALARM,
    INK,
    LARGEST,
    PALETTE,
    TEST,
    TRAINING,
    VALIDATION,
    blank,
    count_axis,
    house_style,
    log_axis,
    marker_of,
    new_figure,
    panels_of,
    percent_axis,
    size_of_panels,
    spans_decades,
    with_room,
    with_room_log,
)
from chainrule.training.metrics import METRICS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Vector = NDArray[np.float64]
History = Mapping[str, Sequence[float | None]]
Counted = Literal["epochs", "minibatches"]
Losses = Sequence[float] | NDArray[np.float64]

# Each of these that was measured has a panel of its own, beside that of the loss, with this title.
SCORES: Mapping[str, str] = {name: METRICS[name].heading for name in ("accuracy", "f1", "r2")}

TITLES: Mapping[str, str] = {name: metric.heading for name, metric in METRICS.items()}
"""What each score and metric is called above a panel."""

FROM_0_TO_1 = tuple(name for name in METRICS if name not in (*SCORES, "log_loss", "mae", "rmse"))
"""The metrics that share a panel, since they have the same scale."""

LOWEST_R2 = -1.0
"""The lower end of the R² axis: R² has no lower bound, and any value below this is simply bad."""

MOST_MINIBATCHES = 3000
"""Of more minibatches a line through all of their losses would be a solid block."""

MARKED_POINTS = 30
"""With more points than this, a marker on each would hide the line."""

TRAINING_DASHES, VALIDATION_DASHES = "-", (0, (4, 1.2))

_PARTS = (
    ("train", "training", TRAINING, TRAINING_DASHES),
    ("validation", "validation", VALIDATION, VALIDATION_DASHES),
)
_THIN_LINE = 1000  # With more points than this, a noisy line of full width would be a band.
_FAR = 100.0  # Lines are cut off this many axis heights beyond the axis.


def learning_curve(
    history: History,
    *,
    title: str,
    test: Mapping[str, float] | None = None,
    x_axis: Counted = "epochs",
    minibatch_losses: Losses | None = None,
    minibatches_per_epoch: int | None = None,
) -> Figure:
    """Training and validation loss over a run, and a second panel for accuracy or R².

    Where a case may have several labels, there is a third one for F1, the mean over the labels.
    Metrics from 0 to 1 that the configuration names share a panel, a colour each; the log loss
    has one of its own.

    The loss axis is logarithmic where positive losses span more than two decades. Values that
    are not finite are left out, and crosses on the panel's top edge mark where they were.

    Args:
        history: the run's columns, one value an epoch: ``epoch`` (else counted from 1),
            ``train_loss``, ``validation_loss``, ``train_accuracy``, ``validation_accuracy``
            or ``train_r2``, ``validation_r2`` (and ``f1``, and metrics). A column may be missing,
            or hold None or NaN where nothing was measured; other columns are not drawn.
        title: what was run.
        test: ``loss``, and ``accuracy``, ``f1`` or ``r2``, of the test part after training (or
            ``test_loss`` and so on).
        x_axis: what is counted along the axis.
        minibatch_losses: the loss of every minibatch of the run as it ran, drawn faintly
            behind the epochs' means; of more than 3,000 the mean of each group of so many
            minibatches, in a band from the lowest to the highest of the group.
        minibatches_per_epoch: how many there are; follows from ``minibatch_losses`` where
            the run ended with a whole epoch.

    Raises:
        ChainruleError: the columns have different lengths, ``x_axis`` is unknown, or
            minibatches are to be counted and nothing says how many an epoch has.

    Example:
        >>> history = {"train_loss": [0.7, 0.4], "validation_loss": [0.8, 0.6]}
        >>> figure = learning_curve(history, title="xor", test={"loss": 0.5})
        >>> for text in figure.axes[0].get_legend().get_texts():
        ...     print(text.get_text())
        training
        validation
        test 0.5
        best validation 0.6 (epoch 2)
    """
    if x_axis not in get_args(Counted):
        raise ChainruleError(unknown("x axis", x_axis, get_args(Counted)))
    epochs = epochs_of(history)
    losses: Losses = [] if minibatch_losses is None else minibatch_losses
    per_epoch = _per_epoch(epochs, x_axis, losses, minibatches_per_epoch)
    unit = per_epoch if x_axis == "minibatches" else 1.0
    end = max(float(epochs.max(initial=0)), len(losses) / per_epoch)
    result = {key.removeprefix("test_"): value for key, value in (test or {}).items()}
    groups = _groups(history, result)

    with house_style():
        count = 1 + len(groups)
        width, height = size_of_panels(count, 5, 5.8)
        figure = new_figure(width + (3.5 if count == 1 else 2.5), height + 0.2, title)
        panels = [Panel(axes, unit, end) for axes in panels_of(figure, count)]
        if len(losses) and [*losses] != [*history.get("train_loss", ())]:
            panels[0].add_minibatches(losses, unit / per_epoch)
        panels[0].draw_loss(history, result.get("loss"))
        for group, panel in zip(groups, panels[1:], strict=True):
            panel.draw_group(history, group, result)
        for panel in panels:
            panel.finish(x_axis)
    return figure


def _per_epoch(epochs: Vector, x_axis: str, losses: Losses, given: int | None) -> float:
    """How many minibatches an epoch has; 1 if the picture does not depend on it."""
    if given is not None:
        if given < 1:
            raise ChainruleError(f"an epoch has at least 1 minibatch; found {given}")
        return given
    if len(losses):
        return len(losses) / max(1.0, float(epochs.max(initial=1)))
    if x_axis == "minibatches" and len(epochs):
        raise ChainruleError("an axis of minibatches needs minibatches_per_epoch")
    return 1


def _groups(history: History, result: Mapping[str, float]) -> list[list[str]]:
    """The scores and metrics that were measured in any part of the data, a list for each panel."""

    def measured(names: Iterable[str]) -> list[str]:
        return [
            name
            for name in names
            if name in result
            or any(curve_of(history, f"{part}_{name}") for part in ("train", "validation"))
        ]

    alone, shared = measured(SCORES), measured(FROM_0_TO_1)
    if shared and "f1" in alone:
        alone.remove("f1")
        shared.insert(0, "f1")
    groups = [*([name] for name in alone), shared, measured(["log_loss"])]
    return [group for group in groups if group]


@dataclass(frozen=True)
class Curve:
    """One column of a history.

    Attributes:
        x: the epochs at which it was measured, shape (measurements,).
        y: the values, of the same shape. NaN stands for every value that is not finite, so
            that Matplotlib leaves it out.
    """

    x: Vector
    y: Vector

    @property
    def finite(self) -> Vector:
        """The finite values, which can be drawn."""
        return self.y[np.isfinite(self.y)]

    @property
    def not_finite(self) -> Vector:
        """The epochs at which the value was not finite."""
        return self.x[~np.isfinite(self.y)]


def epochs_of(history: History) -> Vector:
    """The numbers of the epochs, counted from 1 if the history has no column ``epoch``.

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
    """The curve of ``column``; None if it was never measured.

    A value of None was not measured and is dropped; a column with only None and NaN was never
    measured. The training loss is always measured, so there None stands for a value that is not
    finite.
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
    """The lowest and the highest point of each bucket, so that no spike is lost.

    A run may have millions of minibatches, and a picture has 1,500 columns: all points would
    make an SVG file of a hundred megabytes that looks the same. Values that are not finite are
    dropped.

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


def in_groups(
    x: Vector, y: Vector, groups: int = 400
) -> tuple[Vector, Vector, Vector, Vector, int]:
    """The mean of x, and the lowest, the mean and the highest of y, of groups of neighbours.

    Returns:
        These four, (groups,) each, and the size of a group, which the last few may lack.

    Example:
        >>> x, low, mean, high, size = in_groups(np.arange(4.0), np.array([1.0, 3, 0, 9]), 2)
        >>> x.tolist(), low.tolist(), mean.tolist(), high.tolist(), size
        ([0.5, 2.5], [1.0, 0.0], [2.0, 4.5], [3.0, 9.0], 2)
    """
    size = -(-len(y) // groups)
    starts = np.arange(0, len(y), size)
    counts = np.diff([*starts, len(y)])
    mean_x, mean_y = (np.add.reduceat(values, starts) / counts for values in (x, y))
    return mean_x, np.minimum.reduceat(y, starts), mean_y, np.maximum.reduceat(y, starts), size


@dataclass
class Panel:
    """One panel of a figure: its axes, and what has been drawn in them.

    Attributes:
        axes: the Matplotlib axes.
        unit: the distance of two epochs on the x axis: 1, or the number of minibatches per epoch.
        end: the epoch at which the run ended, a fraction if within one; 0 if it never began.
        curves: the curves drawn, by part of the data ("train", "validation").
        shown: values that the y axis must include.
        minibatch_range: the lowest and highest loss of a minibatch, without outliers.
    """

    axes: Axes
    unit: float
    end: float
    curves: dict[str, Curve] = field(default_factory=dict)
    shown: list[Vector] = field(default_factory=list)
    minibatch_range: Vector = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        # All limits are set here: Matplotlib's automatic limits overflow if a run has diverged.
        self.axes.set_autoscale_on(False)

    @property
    def values(self) -> Vector:
        """All values that the y axis must include, shape (values,)."""
        curves = np.concatenate([*self.shown, np.empty(0)])
        extra = self.minibatch_range
        return np.append(curves, extra[-1:]) if len(curves) else extra

    def draw_group(
        self, history: History, names: Sequence[str], test: Mapping[str, float]
    ) -> None:
        """Draw scores or metrics of the same scale, with those of the test data."""
        (first, *others) = names
        if first == "log_loss":
            self.draw_loss(history, test.get(first), first)
        elif others:
            self._draw_together(history, names, test)
        else:
            self.draw_score(history, first, test.get(first))

    def _draw_together(
        self, history: History, names: Sequence[str], test: Mapping[str, float]
    ) -> None:
        """Draw several metrics from 0 to 1, a colour each; the legend has those of the test data.

        With more metrics than colours, every line has a marker as well.
        """
        parts = dict[str, Any]()
        for k, name in enumerate(names):
            color, own = marker_of(k)
            marker = own if len(names) > len(PALETTE) else None
            found = f"{TITLES[name]}, test {test[name]:.4g}" if name in test else TITLES[name]
            self.axes.plot([], [], color=color, marker=marker, linewidth=3, label=found)
            if name in test and np.isfinite(test[name]):
                self.shown.append(np.array([test[name]]))
                style = dict[str, Any](markersize=15, markeredgecolor="white", zorder=5)
                self.axes.plot([self.end * self.unit], [test[name]], "*", color=color, **style)
            for part, said, _, dashes in _PARTS:
                curve = curve_of(history, f"{part}_{name}")
                if curve is None:
                    continue
                parts[said] = dashes
                self._add_line(curve, color, dashes, marker)
                self.curves[f"{part}_{name}"] = curve
        for said, dashes in parts.items() if len(parts) > 1 else ():
            self.axes.plot([], [], color=INK, linestyle=dashes, label=said)
        only = f" ({next(iter(parts))})" if len(parts) == 1 else ""
        self._limit_and_title("f1", f"metrics{only}")

    def _add_line(self, curve: Curve, color: str, dashes: Any, marker: str | None) -> None:
        """Draw one curve among several."""
        self.axes.plot(
            curve.x * self.unit,
            curve.y,
            color=color,
            linestyle=dashes,
            marker=marker or ("o" if len(curve.x) <= MARKED_POINTS else None),
            markersize=5,
            markevery=max(1, len(curve.x) // 12) if marker else None,
            linewidth=2.0 if len(curve.x) <= _THIN_LINE else 1.0,
            zorder=3,
        )
        self.shown.append(curve.finite)

    def draw_loss(self, history: History, test: float | None, column: str = "loss") -> None:
        """Draw the losses, and the test loss as a star; ``column`` may be another loss."""
        self._add_parts(history, column)
        self._mark_best()
        self._mark_test(test, "{:.4g}")
        values = self.values.clip(-LARGEST, LARGEST)
        is_log = bool(len(values)) and self.limit_loss(float(values.min()), float(values.max()))
        title = column.replace("_", " ")
        self.axes.set_title(f"{title} (logarithmic axis)" if is_log else title)
        self._mark_not_finite()

    def draw_score(self, history: History, score: str, test: float | None) -> None:
        """Draw accuracies, R² or one metric, and the test data's as a star."""
        self._add_parts(history, score)
        self._mark_test(test, "{:.1%}" if score.endswith("accuracy") else "{:.4g}")
        # Only labels have a row_accuracy; the F1 of classes may be that of one of them.
        of_labels = score == "f1" and any(name.endswith("row_accuracy") for name in history)
        self._limit_and_title(score, TITLES[score] + ", mean over the labels" * of_labels)

    def _limit_and_title(self, score: str, title: str) -> None:
        """End the y axis of a score, and set the title; marks what is not finite."""
        remark = ""
        if len(self.values):
            low, high = float(self.values.min()), float(self.values.max())
            remark = self.limit_score(score, low, min(max(high, LOWEST_R2), 1.0))
        elif score.endswith("accuracy"):
            percent_axis(self.axes)
        self.axes.set_title(title + remark)
        self._mark_not_finite()

    def _add_parts(self, history: History, column: str) -> None:
        """Draw a line for training and one for validation, if they were measured."""
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
        """Draw the minibatches' losses faintly in the background, the first at x = ``step``."""
        every: Vector = np.asarray(losses, np.float64)
        at: Vector = np.arange(1, len(every) + 1, dtype=np.float64) * step
        keep = np.isfinite(every)
        x, y = at[keep], every[keep].clip(-LARGEST, LARGEST)
        faint = dict[str, Any](color=TRAINING, linewidth=0.8, zorder=1)
        if len(y) <= MOST_MINIBATCHES:
            self.axes.plot(x, y, alpha=0.3, label="minibatches", **faint)
        else:
            middle, low, mean, high, size = in_groups(x, y)
            said = f"{size:,} minibatches"
            self.axes.plot(middle, mean, alpha=0.7, label=f"mean and range of {said}", **faint)
            self.axes.fill_between(middle, low, high, **faint | {"linewidth": 0, "alpha": 0.15})
        if len(y):
            # Outliers may lie outside the panel, so that they do not flatten the curves. If there
            # are curves, the lower end is ignored: with batch size 1 many losses are near 0.
            self.minibatch_range = np.percentile(y, [1, 99])

    def _mark_best(self) -> None:
        """A ring around the lowest validation value of a run of several epochs."""
        curve = self.curves.get("validation")
        if curve is None or not len(curve.finite) or self.end <= 1:
            return
        k = int(np.nanargmin(curve.y))
        epoch, value = curve.x[k], curve.y[k]
        self.axes.plot(
            epoch * self.unit,
            value,
            "o",
            markersize=14,
            markerfacecolor="none",
            markeredgecolor=INK,
            markeredgewidth=1.4,
            label=f"best validation {value:.4g} (epoch {epoch:,.0f})",
            zorder=4,
        )

    def _mark_test(self, value: float | None, form: str) -> None:
        """A star at the end of the run; the legend gives its value, formatted by ``form``."""
        if value is None:
            return
        finite = bool(np.isfinite(value))
        self.axes.plot(
            [self.end * self.unit] if finite else [],
            [value] if finite else [],
            "*",
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
        """End the y axis at ``low`` and ``high``, and all lines within 100 axis heights of it.

        Matplotlib would draw every dash of a line that runs 1e150 axis heights off the panel.
        """
        self.axes.set_ylim(low, high)
        if self.axes.get_yscale() == "log":
            return
        far = _FAR * (high - low)
        for line in self.axes.lines:
            line.set_ydata(np.clip(line.get_ydata(), low - far, high + far))

    def limit_loss(self, low: float, high: float) -> bool:
        """End the y axis of losses; returns whether it is logarithmic (over two decades)."""
        if low > 0:
            low, high = max(low, 1 / LARGEST), max(high, 1 / LARGEST)
        is_log = spans_decades(low, high)
        if is_log:
            log_axis(self.axes)
        self.limit(*(with_room_log if is_log else with_room)(low, high))
        return is_log

    def limit_score(self, score: str, low: float, high: float) -> str:
        """End the y axis of accuracies or R²; returns the remark that the title needs."""
        remark = ""
        if score.endswith("accuracy"):
            percent_axis(self.axes)
        elif low < LOWEST_R2:
            low, remark = LOWEST_R2, f" (below {LOWEST_R2:g} not shown)"
        # At least ten points high, so that noise around 100 % does not look like a fall.
        self.limit(*with_room(min(low, high - 0.1), high))
        return remark

    def _mark_not_finite(self) -> None:
        """Crosses on the top edge at every epoch that has a value that is not finite."""
        epochs = np.unique([epoch for c in self.curves.values() for epoch in c.not_finite])
        if not len(epochs):
            return
        first = f"epoch {epochs[0]:,.0f}"
        self.axes.plot(
            epochs * self.unit,
            np.ones(len(epochs)),
            "X",
            transform=self.axes.get_xaxis_transform(),
            markersize=10,
            color=ALARM,
            clip_on=False,
            label="not a finite number: "
            + (first if len(epochs) == 1 else f"{len(epochs):,} epochs, first {first}"),
            zorder=5,
        )

    def finish(self, counted: str) -> None:
        """Set the x axis to what the run covered, and put the legend below it."""
        axes = self.axes
        if not axes.lines:
            blank(axes, "nothing has been trained yet")
            return
        first = min([float(c.x[0]) for c in self.curves.values() if len(c.x)], default=self.end)
        if len(self.minibatch_range):
            first = 0.0
        self.limit_x(counted, first)
        # In two columns, so that the long labels stand in the second one.
        both = zip(*axes.get_legend_handles_labels(), strict=True)
        handles, labels = [*zip(*sorted(both, key=lambda one: len(one[1]) > 20), strict=True)]
        where = dict[str, Any](loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
        axes.legend(handles, labels, handlelength=2.8, **where)

    def limit_x(self, label: str, first: float) -> None:
        """Set the x axis from epoch ``first`` to the end of the run, in whole numbers."""
        count_axis(self.axes, label)
        self.axes.xaxis.set_major_formatter("{x:,.0f}")
        # Leave room for the star at the end; the point of a run of one epoch is in the middle.
        room = 0.03 * (self.end - first) or 0.5
        self.axes.set_xlim((first - room) * self.unit, (self.end + room) * self.unit)
