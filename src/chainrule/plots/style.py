"""One look for every picture: colours, text that cannot break a figure, axes and legends."""

from __future__ import annotations

import logging
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette without its yellow, which is too pale on white: these stay apart for
# colour-blind eyes and on a weak projector.
INK = "#222222"
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", INK)
# As many again by shape. Six shapes against seven colours make 42 different pairs.
MARKERS = ("o", "s", "^", "D", "v", "P")

TRAINING, VALIDATION, TEST, ALARM = PALETTE[0], PALETTE[1], PALETTE[2], "#B00020"
FAINT = "#8A8A8A"

# Numbers beyond this are drawn as if they were this: Matplotlib adds, multiplies and squares
# what it draws, and would overflow.
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
    # SVG names its clip paths by a random salt; a fixed one makes equal figures equal files.
    "svg.hashsalt": "chainrule",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw or save in this project's look, whatever the user's matplotlibrc says.

    Matplotlib's settings are put back at the end.

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

    logging.getLogger("matplotlib.font_manager").addFilter(_is_no_notice)
    with matplotlib.style.context(dict(_SETTINGS), after_reset=True):
        yield


def _is_no_notice(record: logging.LogRecord) -> bool:
    """On a slow machine the first picture would say on the error stream that it takes a moment."""
    return "building the font cache" not in record.getMessage()


def plain(text: object, limit: int = 60) -> str:
    r"""``text`` on one line, without control characters, cut in the middle at ``limit``.

    Class names and titles come from files, and any string may stand there.

    Example:
        >>> plain("a\tlong\nname")
        'a long name'
        >>> plain("abcdefghijkl", limit=7)
        'abc…jkl'
    """
    words = str(text).encode("utf-8", "replace").decode("utf-8").split()
    line = "".join(c for c in " ".join(words) if unicodedata.category(c) != "Cc")
    if len(line) <= limit:
        return line
    tail = (limit - 1) // 2
    return f"{line[: limit - 1 - tail]}…{line[len(line) - tail :]}"


def new_figure(width: float, height: float, title: object) -> Figure:
    """A figure of this size in inches that belongs to nobody else, with ``title`` above it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    put_title(figure, title)
    return figure


def put_title(figure: Figure, title: object) -> None:
    """Write ``title`` above the whole figure, on at most two lines of its width."""
    line = int(7 * figure.get_figwidth())
    figure.suptitle(textwrap.fill(plain(title, 2 * line - 12), line))


def with_room(low: float, high: float) -> tuple[float, float]:
    """The limits of an axis that shows everything from ``low`` to ``high``, and a little more.

    A spread of rounding errors alone is shown as the flat line it is.

    Example:
        >>> with_room(0.0, 1.0), with_room(5.0, 5.0), with_room(0.0, 0.0)
        ((-0.05, 1.05), (4.5, 5.5), (-0.1, 0.1))
    """
    size = max(abs(low), abs(high))
    room = 0.05 * (high - low) if high - low > 1e-9 * size else 0.1 * size or 0.1
    return low - room, high + room


def marker_of(k: int) -> tuple[str, str]:
    """The colour and the marker of class number ``k``; the first 42 pairs all differ.

    Example:
        >>> marker_of(0)
        ('#0072B2', 'o')
        >>> len({marker_of(k) for k in range(42)})
        42
    """
    return PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]


def blank(axes: Axes, message: str) -> None:
    """Leave ``axes`` empty but for a sentence that says why it is."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, message, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def count_axis(axes: Axes, label: str) -> None:
    """The x axis of something that is counted, such as epochs."""
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def percent_axis(axes: Axes) -> None:
    """The y axis of shares between 0 and 1, written in percent."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))


def log_axis(axes: Axes, form: str = "{x:g}") -> None:
    """A logarithmic y axis whose numbers are written by ``form``."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(form)
    axes.yaxis.set_minor_formatter("")


def spans_decades(low: float, high: float) -> bool:
    """Whether positive numbers from ``low`` to ``high`` need a logarithmic axis: two decades."""
    return low > 0 and high / low > 100


def with_room_log(low: float, high: float) -> tuple[float, float]:
    """The same as `with_room` for a logarithmic axis."""
    bottom, top = with_room(np.log10(low), np.log10(high))
    return 10**bottom, 10**top


def add_legend(
    figure: Figure, entries: Sequence[tuple[Mapping[str, Any], str]], **settings: Any
) -> None:
    """A legend of the whole figure.

    Args:
        figure: the figure.
        entries: how each line or marker looks, as arguments of Matplotlib's `Line2D`, and its
            label, which may be any text.
        settings: of Matplotlib's `Figure.legend`.
    """
    from matplotlib.lines import Line2D

    # Matplotlib drops labels that begin with an underscore, so they are written afterwards.
    handles = [Line2D([], [], **look) for look, _ in entries]
    legend = figure.legend(handles, ["."] * len(entries), **settings)
    for text, (_, label) in zip(legend.get_texts(), entries, strict=True):
        text.set_text(label)
