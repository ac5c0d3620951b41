"""The frame that every page of a marking has, and small pieces of it.

A page is one file: no script, nothing requested from anywhere, every text escaped. It is read on a
phone and on paper, in light and in dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

from chainrule._version import __version__
from chainrule.core.html import escaped

MOST = 2_000
"""Longer texts are cut in the middle."""

STATUS = {
    "right": ("●", "right"),
    "wrong": ("○", "not right"),
    "charged before": ("◐", "follows from an earlier part"),
    "not run": ("–", "not run"),
}
"""For each status of a part its sign and its words."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def text(value: object) -> str:
    """A text for HTML."""
    return escaped(value, MOST)


def page(title: str, body: Iterable[str]) -> str:
    """A whole page.

    Args:
        title: of the page, as a browser shows it.
        body: pieces of HTML.
    """
    style = (files("chainrule.marking.classes.reports") / "style.css").read_text("utf-8")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{text(title)}</title><style>{style}</style></head><body><main>",
            *body,
            f"</main><footer>marked by chainrule {__version__}</footer></body></html>\n",
        ]
    )


def points(value: float) -> str:
    """Points as they are written: whole numbers without a dot.

    Example:
        >>> points(4.0), points(2.5), points(1 / 3)
        ('4', '2.5', '0.33')
    """
    return f"{round(value, 2):g}"


def share(part: float, whole: float) -> float:
    """A share of a whole, 0 where there is none."""
    return part / whole if whole else 0.0


def bar(part: float) -> str:
    """A bar for a share from 0 to 1."""
    return f'<span class="bar" aria-hidden="true"><i style="width:{100 * part:.1f}%"></i></span>'


def table(
    name: str, headings: Sequence[str], rows: Iterable[Sequence[str]], words: Sequence[int] = (0,)
) -> str:
    """A table whose cells are HTML.

    Args:
        name: of the table, for those who do not see it.
        headings: of the columns, plain text.
        rows: the cells of each row.
        words: the columns that hold words; in the others are numbers, to the right.
    """
    kinds = ["" if k in words else ' class="n"' for k in range(len(headings))]
    head = "".join(
        f'<th scope="col"{kind}>{text(heading)}</th>' if heading else "<td></td>"
        for kind, heading in zip(kinds, headings, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{cell}</td>" for kind, cell in zip(kinds, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{text(name)}">'
        f"<table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
