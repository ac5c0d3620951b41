"""The common style of all pictures: colours, fonts, titles, axes and legends."""

from __future__ import annotations

import logging
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.notation import cut

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette, whose colours colour-blind readers can tell apart, without its yellow,
# which is too pale on white.
INK = "#222222"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
# Six markers and seven colours, counted up together, give 42 different pairs.
MARKERS = ("o", "s", "^", "D", "v", "P")

TRAINING, VALIDATION, TEST, ALARM = PALETTE[0], PALETTE[1], PALETTE[2], "#B00020"
FAINT = "#8A8A8A"

# Larger numbers are drawn as this one: Matplotlib adds, multiplies and squares coordinates, which
# would overflow.
LARGEST = 1e150

_SETTINGS: Mapping[str, Any] = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "font.size": 13,
    "axes.titlesize": 15,
    "axes.labelsize": 14,
    "legend.fontsize": 12,
    "figure.titlesize": 17,
    "figure.constrained_layout.w_pad": 0.1,  # inches
    "figure.constrained_layout.h_pad": 0.1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.8,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    # A class called "$5" is a name, not a formula that fails to parse.
    "text.parse_math": False,
    # Matplotlib names the clip paths of an SVG file by a hash; with a fixed salt, equal figures
    # give equal files.
    "svg.hashsalt": "chainrule",
}


@contextmanager
def house_style() -> Iterator[None]:
    """A context in which figures are drawn and saved in the common style, despite matplotlibrc.

    Matplotlib's settings are restored at the end.

    Example:
        >>> import matplotlib
        >>> before = matplotlib.rcParams["font.size"]
        >>> with house_style():
        ...     matplotlib.rcParams["font.size"]
        13.0
        >>> matplotlib.rcParams["font.size"] == before
        True
    """
    import matplotlib.style

    logging.getLogger("matplotlib.font_manager").addFilter(_is_worth_showing)
    with matplotlib.style.context(dict(_SETTINGS), after_reset=True):
        yield


def _is_worth_showing(record: logging.LogRecord) -> bool:
    """False for Matplotlib's notice that the first picture takes a moment on a slow machine."""
    return "building the font cache" not in record.getMessage()


def plain(text: object, limit: int = 60) -> str:
    r"""``text`` on one line, without control characters, cut in the middle to ``limit``.

    Class names and titles come from files and may be any string.

    Example:
        >>> plain("a\tlong\nname")
        'a long name'
        >>> plain("abcdefghijkl", limit=7)
        'abc…jkl'
    """
    words = str(text).encode("utf-8", "replace").decode("utf-8").split()
    line = "".join(c for c in " ".join(words) if unicodedata.category(c) != "Cc")
    return cut(line, limit)


def new_figure(width: float, height: float, title: object) -> Figure:
    """A figure of this size in inches, with ``title`` above it on at most two lines.

    It is not registered with pyplot.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    line = int(7 * figure.get_figwidth())  # characters
    figure.suptitle(textwrap.fill(plain(title, 2 * line - 12), line))
    return figure


def panels_of(figure: Figure, count: int) -> list[Axes]:
    """As many panels, in one row up to three of them, and in two rows from four on.

    Example:
        >>> figure = new_figure(*size_of_panels(5, 6, 6), "five")
        >>> [axes.get_subplotspec().colspan.start for axes in panels_of(figure, 5)]
        [0, 1, 2, 0, 1]
    """
    rows = 1 if count <= 3 else 2
    places = figure.subplots(rows, -(-count // rows), squeeze=False).ravel()
    for axes in places[count:]:
        axes.remove()
    return [*places[:count]]


def size_of_panels(count: int, width: float, height: float) -> tuple[float, float]:
    """The size of a figure whose panels, placed by `panels_of`, have about this size each."""
    rows = 1 if count <= 3 else 2
    return -(-count // rows) * width, rows * height


def with_room(low: float, high: float) -> tuple[float, float]:
    """The limits of an axis that shows ``low`` to ``high`` with a margin.

    A range that is only rounding error is shown as a flat line.

    Example:
        >>> with_room(0.0, 1.0), with_room(5.0, 5.0), with_room(0.0, 0.0)
        ((-0.05, 1.05), (4.5, 5.5), (-0.1, 0.1))
    """
    size = max(abs(low), abs(high))
    room = 0.05 * (high - low) if high - low > 1e-9 * size else 0.1 * size or 0.1
    return low - room, high + room


def marker_of(k: int) -> tuple[str, str]:
    """The colour and the marker of number ``k``; the first 42 pairs all differ.

    Example:
        >>> marker_of(0)
        ('#0072B2', 'o')
        >>> len({marker_of(k) for k in range(42)})
        42
    """
    return PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]


def blank(axes: Axes, message: str) -> None:
    """Leave ``axes`` empty except for ``message``, which says why."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def count_axis(axes: Axes, label: str) -> None:
    """Label the x axis of something that is counted, such as epochs, in whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def percent_axis(axes: Axes) -> None:
    """Write the y axis of shares between 0 and 1 in percent."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def log_axis(axes: Axes, form: str = "{x:g}") -> None:
    """Make the y axis logarithmic, with numbers formatted by ``form``."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(form)
    axes.yaxis.set_minor_formatter("")


def spans_decades(low: float, high: float) -> bool:
    """Whether ``low`` to ``high`` are positive and span two decades, which need a log axis."""
    return low > 0 and high / low > 100


def with_room_log(low: float, high: float) -> tuple[float, float]:
    """`with_room` for a logarithmic axis."""
    bottom, top = with_room(np.log10(low), np.log10(high))
    return 10**bottom, 10**top


def add_legend(
    figure: Figure, entries: Sequence[tuple[Mapping[str, Any], str]], **settings: Any
) -> None:
    """Add a legend to the whole figure.

    Args:
        figure: to add it to.
        entries: for each line or marker, arguments for Matplotlib's `Line2D`, and its label,
            which may be any text.
        settings: for Matplotlib's `Figure.legend`.
    """
    from matplotlib.lines import Line2D

    # Labels are set afterwards, because Matplotlib drops labels that begin with an underscore.
    handles = [Line2D([], [], **look) for look, _ in entries]
    legend = figure.legend(handles, ["."] * len(entries), **settings)
    for text, (_, label) in zip(legend.get_texts(), entries, strict=True):
        text.set_text(label)
