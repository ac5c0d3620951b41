"""Line charts as SVG, and the numbers behind them, which the page's script reads out.

pygal draws axes and lines. Its styles and scripts, ten kilobytes a chart, are left out: one
style sheet of the page serves all charts, and its colours follow light and dark. The numbers stand
beside the chart as JSON, so that the script gives the value at any epoch exactly, by pointer and
by keyboard, where a tooltip of a dot would need a pointer that hits it.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from chainrule.core.errors import printable
from chainrule.core.registry import missing_extra
from chainrule.plots.learning_curve import LOWEST_R2
from chainrule.plots.style import LARGEST, spans_decades, with_room

Vector = NDArray[np.float64]

WIDTH, HEIGHT = 480, 270
"""The size of a chart in its own units; the page scales it."""

MOST_DOTS = 30
"""With more points than this, a dot on each would hide the line."""

DIGITS = 9
"""Significant digits of the numbers behind a chart."""

_LABEL = 14
_MARGIN = 0.02
"""So much more than the range of an axis pygal draws at either end, as a share of the range."""

_INNER = {"top": 12, "right": 14, "bottom": 10, "left": 10}


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Attributes:
        name: what it shows, such as ``training``.
        y: a value for each x of the chart; NaN where nothing was measured, or nothing finite.
        color: the number of its colour.
        dashed: whether the line is dashed.
        not_finite: the values of x at which something was measured that is no finite number.
    """

    name: str
    y: Vector
    color: int = 0
    dashed: bool = False
    not_finite: Vector = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Chart:
    """A chart of lines over a common x.

    Attributes:
        key: a word that no other chart of the page has.
        title: what is drawn.
        counted: what x counts, such as ``epoch``.
        x: in ascending order, (points,).
        series: the lines.
        scale: ``amount``, whose axis is logarithmic where it should; ``share``, from 0 to 1 and
            read as percent; or ``score``, at most 1, which is not drawn far below 0.
        remark: a sentence that belongs to the chart.
    """

    key: str
    title: str
    counted: str
    x: Vector
    series: Sequence[Series]
    scale: Literal["amount", "share", "score"] = "amount"
    remark: str = ""

    @property
    def percent(self) -> bool:
        """Whether values are read as percent."""
        return self.scale == "share"

    @cached_property
    def is_log(self) -> bool:
        """Whether the y axis is logarithmic: amounts that are positive and span two decades."""
        found = self._finite
        return (
            self.scale == "amount"
            and bool(len(found))
            and spans_decades(float(found.min()), float(found.max()))
        )

    @cached_property
    def _finite(self) -> Vector:
        values = np.concatenate([np.empty(0), *(one.y for one in self.series)])
        return values[np.isfinite(values)]

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The lower and the upper end of the y axis; the logarithms of these on such an axis."""
        found = self._finite
        if not len(found):
            return 0.0, 1.0
        if self.is_log:
            return with_room(float(np.log10(found.min())), float(np.log10(found.max())))
        low, high = (float(end) for end in np.clip([found.min(), found.max()], -LARGEST, LARGEST))
        if self.scale == "share":
            low = min(low, max(0.0, high - 0.1))
            high = max(high, low + 0.1)
        elif self.scale == "score" and self.is_cut:
            low, high = LOWEST_R2, max(high, LOWEST_R2 + 0.1)
        return with_room(low, high)

    @property
    def is_cut(self) -> bool:
        """Whether there are scores too low to be drawn."""
        return self.scale == "score" and bool((self._finite < LOWEST_R2).any())

    def drawn(self, y: Vector) -> Vector:
        """Values as they are drawn: pygal's own logarithmic axes would take x as well."""
        if self.is_log:
            with np.errstate(all="ignore"):
                return np.log10(np.where(y > 0, y, np.nan))
        return y.clip(LOWEST_R2 if self.is_cut else -LARGEST, LARGEST)

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The first and the last x of the axis."""
        first, last = (float(self.x[0]), float(self.x[-1])) if len(self.x) else (0.0, 1.0)
        return (first, last) if last > first else (first - 0.5, first + 0.5)

    @cached_property
    def svg(self) -> str:
        """The chart as an SVG element."""
        return _drawn(self)

    @property
    def data(self) -> dict[str, Any]:
        """What the script needs: the numbers, and where the drawing stands."""
        plot = self._plot
        return {
            "counted": self.counted,
            "x": [_short(x) for x in self.x],
            "series": [{"name": one.name, "y": [_short(v) for v in one.y]} for one in self.series],
            "percent": self.percent,
            "ends": self.ends,
            "limits": self.limits,
            "log": self.is_log,
            "lowest": LOWEST_R2 if self.is_cut else -LARGEST,
            "plot": plot,
        }

    @property
    def _plot(self) -> dict[str, list[float]]:
        """Where the ends of both axes are drawn, and the top and height of the plotting area."""
        found = re.search(
            r'translate\((\d+), (\d+)\)" class="plot"><rect x="0" y="0" width="([\d.]+)" '
            r'height="([\d.]+)"',
            self.svg,
        )
        assert found is not None
        left, top, width, height = (float(number) for number in found.groups())
        view = _pygal().view
        (first, last), (low, high) = self.ends, self.limits
        drawn = view.View(width, height, view.Box(first, low, last, high))
        return {
            "x": [left + drawn.x(end) for end in self.ends],
            "y": [top + drawn.y(end) for end in self.limits],
            "area": [top, height],
        }

    def text(self, value: float) -> str:
        """A value as the page shows it."""
        return value_text(value, percent=self.percent)

    @property
    def summary(self) -> str:
        """The chart in words, for those who do not see it."""
        if not len(self.x):
            return f"{self.title}: nothing was measured."
        words = []
        for one in self.series:
            measured = np.flatnonzero(np.isfinite(one.y))
            if len(measured):
                first, last = one.y[measured[0]], one.y[measured[-1]]
                low, high = one.y[measured].min(), one.y[measured].max()
                words.append(
                    f"{one.name} from {self.text(first)} to {self.text(last)}, lowest "
                    f"{self.text(low)}, highest {self.text(high)}"
                )
        span = f"{self.counted} {self.x[0]:,.0f} to {self.x[-1]:,.0f}"
        return f"{self.title}, {span}: {'; '.join(words) or 'no finite number'}."


def value_text(value: float, *, percent: bool = False) -> str:
    """A number with `DIGITS` digits; as the script writes it.

    Example:
        >>> value_text(0.97777777777, percent=True), value_text(0.5), value_text(float("nan"))
        ('97.7777778 %', '0.5', '–')
    """
    if not np.isfinite(value):
        return "–"
    return f"{100 * value:.{DIGITS}g} %" if percent else f"{value:.{DIGITS}g}"


def _short(value: float) -> float | int | None:
    """A number with `DIGITS` digits for JSON; None if it is not finite."""
    if not np.isfinite(value):
        return None
    found = float(f"{value:.{DIGITS}g}")
    return int(found) if found.is_integer() and abs(found) < 1e9 else found


def thinned(series: Sequence[Vector], most: int) -> NDArray[np.intp]:
    """The indices of the points to keep: first, last, and the extremes of every bucket.

    Every series keeps its lowest and its highest point of each bucket, so that no peak is lost.

    Args:
        series: each (points,), of the same length; values that are not finite never are extremes.
        most: about how many points to keep.

    Returns:
        Ascending indices; all of them if there are no more than ``most``.

    Example:
        >>> y = np.where(np.arange(1000) == 777, 9.0, 1.0)
        >>> kept = thinned([y], 20)
        >>> len(kept) <= 22, 777 in kept
        (True, True)
    """
    count = len(series[0]) if series else 0
    if count <= most:
        return np.arange(count)
    buckets = max(1, most // (2 * len(series)))
    chosen = {0, count - 1}
    edges = np.linspace(0, count, buckets + 1).astype(int)
    for y in series:
        low, high = (np.where(np.isfinite(y), y, end) for end in (np.inf, -np.inf))
        for start, stop in pairwise(edges):
            if np.isfinite(y[start:stop]).any():
                chosen |= {start + int(low[start:stop].argmin())}
                chosen |= {start + int(high[start:stop].argmax())}
    return np.array(sorted(chosen))


def _drawn(chart: Chart) -> str:
    """The chart as pygal draws it, without what the page has already."""
    pygal = _pygal()
    sizes = ("label", "major_label", "title")
    style = pygal.style.Style(**{f"{name}_font_size": _LABEL for name in sizes})
    drawing = pygal.XY(
        width=WIDTH,
        height=HEIGHT,
        style=style,
        js=[],
        css=[],
        show_dots=len(chart.x) <= MOST_DOTS,
        dots_size=3,
        show_legend=False,
        allow_interruptions=True,
        explicit_size=False,
        margin_top=_INNER["top"],
        margin_right=_INNER["right"],
        margin_bottom=_INNER["bottom"],
        margin_left=_INNER["left"],
        x_title=chart.counted,
        xrange=chart.ends,
        range=chart.limits,
        x_labels=[_tick(tick, f"{tick:,.0f}") for tick in _whole_ticks(*chart.ends)],
        y_labels=_y_labels(chart),
        truncate_label=-1,
    )
    drawing.uuid = chart.key  # by default a new one each time
    for one in chart.series:
        drawing.add(one.name, _points(chart, one))
    root = drawing.render_tree()
    _leave_out(root)
    _mark_series(root, chart.series)
    root.set("role", "img")
    root.set("aria-label", chart.summary)
    return _compact(printable(ElementTree.tostring(root, encoding="unicode")))


def _pygal() -> Any:
    """The library, without the finder that it adds to Python's.

    The finder is for maps, and of a form that Python 3.11 warns of at every later import.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pygal
        import pygal.style
        import pygal.view
    except ImportError:
        raise missing_extra("a report", "report", "pygal") from None
    sys.meta_path[:] = [one for one in sys.meta_path if type(one).__module__ != "pygal"]
    return pygal


def _points(chart: Chart, one: Series) -> list[tuple[float, float | None]]:
    """The points of a line; None where it is interrupted."""
    y = chart.drawn(one.y)
    measured = np.isfinite(y)
    gaps = np.isin(chart.x, one.not_finite)
    return [
        (float(x), float(v) if there else None)
        for x, v, there, gap in zip(chart.x, y, measured, gaps, strict=True)
        if there or gap
    ]


def _tick(value: float, label: str) -> dict[str, Any]:
    return {"value": float(value), "label": label}


def _whole_ticks(first: float, last: float) -> Iterable[float]:
    from matplotlib.ticker import MaxNLocator

    ticks = MaxNLocator(nbins=6, integer=True, min_n_ticks=1).tick_values(first, last)
    return [tick for tick in ticks if first <= tick <= last and tick == round(tick)]


def _y_labels(chart: Chart) -> list[dict[str, Any]]:
    from matplotlib.ticker import MaxNLocator

    low, high = chart.limits
    if chart.is_log and high - low < 3:
        exponents = range(math.floor(low), math.ceil(high) + 1)
        ticks = np.log10([step * 10.0**k for k in exponents for step in (1, 2, 5)])
    else:
        locator = MaxNLocator(nbins=6, steps=[1, 2, 5, 10], integer=chart.is_log)
        ticks = np.asarray(locator.tick_values(low, high))
    kept = ticks[(ticks >= low) & (ticks <= high)]
    if chart.is_log:
        texts = [f"{10.0**v:.6g}" for v in kept]
    else:
        texts = _distinct_texts(kept * 100 if chart.percent else kept)
    end = " %" if chart.percent else ""
    return [_tick(v, text + end) for v, text in zip(kept, texts, strict=True)]


def _distinct_texts(values: Vector) -> list[str]:
    """The numbers at an axis, with as many digits as it takes to tell them apart.

    Example:
        >>> _distinct_texts(np.array([0.1 + 0.2, 1.0])), _distinct_texts(1 + np.array([0, 1e-7]))
        (['0.3', '1'], ['1', '1.0000001'])
    """
    for digits in (4, 6, 9, 12, 17):
        texts = [f"{value:.{digits}g}" for value in values]
        if len(set(texts)) == len(texts):
            break
    return texts


def _leave_out(root: ElementTree.Element) -> None:
    """Remove what only pygal's own styles and scripts need, and the date it was drawn on."""
    for child in [*root]:
        if not isinstance(child.tag, str) or child.tag in ("defs", "title"):
            root.remove(child)
    for parent in [*root.iter()]:
        for child in [*parent]:
            is_empty = child.tag == "g" and not len(child)
            for_script = child.get("class") == "plot tooltip-overlay"
            if child.tag in ("title", "desc") or for_script or is_empty:
                parent.remove(child)
    for circle in root.iter("circle"):
        circle.set("class", "dot")


def _mark_series(root: ElementTree.Element, series: Sequence[Series]) -> None:
    """Give every line the classes of its colour and its dashes."""
    for number, one in enumerate(series):
        classes = f"color-{one.color}{' dashed' * one.dashed}"
        for group in root.iter("g"):
            words = (group.get("class") or "").split()
            if f"serie-{number}" in words:
                group.set("class", classes)
                for path in group.iter("path"):
                    path.set("class", "curve")


_LONG = re.compile(r"(\d+\.\d)\d+")


def _compact(svg: str) -> str:
    """The SVG with one decimal place in each coordinate, a tenth of its unit."""
    head, *rest = re.split(r'(?= (?:d|x|y|cx|cy)=")', svg)
    return head + "".join(
        _LONG.sub(r"\1", part[: (end := part.index('"', part.index('"') + 1))]) + part[end:]
        for part in rest
    )


def kept_note(kept: int, count: int, counted: str) -> str:
    """What the page says of a chart that does not show every point; empty if it does.

    Args:
        kept: how many points are shown.
        count: of how many.
        counted: what is counted, in the plural.
    """
    if kept >= count:
        return ""
    return (
        f"{kept:,} of {count:,} {counted} are shown: the first, the last, and the lowest and the "
        "highest value of every line in each short stretch, so that no peak is hidden."
    )


def by_key(charts: Iterable[Chart]) -> Mapping[str, dict[str, Any]]:
    """The data of all charts, for the page's script."""
    return {chart.key: chart.data for chart in charts}
