"""Small pieces of HTML, by which objects show themselves in notebooks.

Every text is escaped, because names of classes and layers come from files. Styles stand in the
elements and name no colours of their own but half-transparent grey, so that the pieces can be read
on light and on dark pages. Tables and texts are shortened, so that a piece stays small.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from functools import wraps
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

from chainrule.core.errors import printable
from chainrule.core.notation import cut, left_out

if TYPE_CHECKING:
    from chainrule.core.arrays import Array

MOST_ROWS = 24
"""Of more rows of a table than this, the first and the last are shown."""

MOST_COLUMNS = 9
"""Of more columns, likewise."""

MOST_LETTERS = 30
"""Longer texts in a table are cut in the middle."""

MOST_BYTES = 10_000
"""After so many bytes of images no further one is shown."""

SIDE = 64
"""Larger images are made as small as this, in pixels."""

_PIXELS = "width:64px;image-rendering:pixelated"
_TILE = "display:inline-block;margin:.3em;text-align:center"
_LINE = "1px solid rgba(128,128,128,.4)"
_TABLE = "border-collapse:collapse;margin:.4em 0"
_CELL = "padding:.1em .6em"

Shown = TypeVar("Shown")


def never_fails(show: Callable[[Shown], str]) -> Callable[[Shown], str | None]:
    """A ``_repr_html_`` that gives None where ``show`` fails, so that the text is shown instead.

    A notebook would show neither the object nor its text, but the traceback of the failure.
    """

    @wraps(show)
    def safe(self: Shown) -> str | None:
        try:
            return show(self)
        except Exception:
            return None

    return safe


def escaped(text: object, most: int = 400) -> str:
    """The text for HTML: escaped, printable, and cut in the middle to ``most`` characters.

    Example:
        >>> escaped("<script>"), escaped("a" * 10, 5)
        ('&lt;script&gt;', 'aa…aa')
    """
    return html.escape(cut(printable(str(text)), most))


def piece(title: str, *parts: str) -> str:
    """What a notebook shows: a title, a text, in bold, and below it parts, which are HTML."""
    return f"<div><p><strong>{escaped(title)}</strong></p>{''.join(parts)}</div>"


def lines(*texts: object) -> str:
    """Texts below each other; those that are empty or None are left out."""
    shown = "<br>".join(escaped(text) for text in texts if text)
    return f"<p>{shown}</p>" if shown else ""


def table(
    headings: Sequence[object],
    rows: Sequence[Sequence[object]],
    *,
    words: int = 1,
) -> str:
    """A table of texts, shortened in the middle.

    Args:
        headings: of the columns.
        rows: the texts of each row, one for each column.
        words: how many of the first columns hold words, which stand to the left; numbers stand to
            the right.

    Example:
        >>> "a &amp; b" in table(["layer", "size"], [["a & b", 3]])
        True
    """
    columns = left_out(range(len(headings)), MOST_COLUMNS)
    head, *body = [
        [None if k is None or row is None else row[k] for k in columns]
        for row in (headings, *left_out(rows, MOST_ROWS))
    ]
    cells = "".join(_cell("th", text, k < words, ' scope="col"') for k, text in enumerate(head))
    shown = [f'<tr style="text-align:right;border-bottom:{_LINE}">{cells}</tr>']
    for row in body:
        cells = "".join(_cell("td", text, k < words) for k, text in enumerate(row))
        shown.append(f'<tr style="text-align:right">{cells}</tr>')
    return (
        f'<table style="{_TABLE}"><thead>{shown[0]}</thead>'
        f"<tbody>{''.join(shown[1:])}</tbody></table>"
    )


def _cell(tag: str, text: object, is_word: bool, more: str = "") -> str:
    place = ";text-align:left" if is_word else ""
    shown = escaped("…" if text is None else text, MOST_LETTERS)
    return f'<{tag}{more} style="{_CELL}{place}">{shown}</{tag}>'


def matrix(values: Array) -> str:
    """A matrix of numbers with the indices of its rows and columns, shortened in the middle.

    Args:
        values: (rows, columns), or (rows, ...): then a row has the numbers of all further axes,
            and a column their indices.
    """
    rows = values.reshape(len(values), -1)
    down, across = (left_out(range(size), MOST_COLUMNS - 1) for size in rows.shape)
    names = [None if k is None else _index(k, values.shape[1:]) for k in across]
    numbers = [
        [j, *("…" if j is None or k is None else f"{rows[j, k]:.4g}" for k in across)]
        for j in down
    ]
    return table(["row", *names], numbers)


def _index(k: int, shape: Sequence[int]) -> str:
    """The indices of element number ``k`` of an array."""
    found: list[int] = []
    for size in reversed(shape):
        k, rest = divmod(k, size)
        found.insert(0, rest)
    return ", ".join(map(str, found))


def picture(png: bytes, text: str, style: str = "max-width:100%") -> str:
    """A picture, within the page itself.

    Args:
        png: its bytes.
        text: what it shows, for those who do not see it.
        style: of the element.
    """
    source = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escaped(text)}" style="{style}" src="data:image/png;base64,{source}">'


def images(pixels: Array, names: Sequence[str]) -> str:
    """Images side by side, each above its name, on one scale of brightness.

    Those that would make the piece larger than `MOST_BYTES` are left out.

    Args:
        pixels: (cases, height, width) or (cases, height, width, 1 or 3), of any range.
        names: one for each.
    """
    from PIL import Image

    pixels = pixels.reshape(*pixels.shape[:3], -1)
    low, high = float(pixels.min(initial=0)), float(pixels.max(initial=0))
    in_bytes = ((pixels - low) * (255 / ((high - low) or 1.0))).astype("uint8")
    found, size = "", 0
    for values, name in zip(in_bytes, names, strict=True):
        image = Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
        image.thumbnail((SIDE, SIDE))
        file = BytesIO()
        image.save(file, "png", optimize=True)
        text = f"<br>{escaped(name, MOST_LETTERS)}" if name else ""
        shown = picture(file.getvalue(), f"a case {name}", _PIXELS)
        found += f'<span style="{_TILE}">{shown}{text}</span>'
        size += len(shown)
        if size > MOST_BYTES:
            break
    return f"<div>{found}</div>"
