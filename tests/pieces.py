"""Reads HTML back that was made for a notebook: its elements, and the cells of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

WITHOUT_END = {"br", "img", "meta", "link", "input", "hr"}


@dataclass
class Piece:
    """What was found.

    Attributes:
        tags: the names of all elements.
        attributes: the names of all their attributes.
        rows: the texts of the cells of all rows of all tables.
        text: all text.
    """

    tags: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found, self.open = Piece(), []

    def handle_starttag(self, tag, attributes):
        self.found.tags.add(tag)
        self.found.attributes |= {name for name, _ in attributes}
        if tag not in WITHOUT_END:
            self.open.append(tag)
        if tag == "tr":
            self.found.rows.append([])
        if tag in ("td", "th"):
            self.found.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> ends another element"

    def handle_data(self, data):
        self.found.text += data
        if self.open and self.open[-1] in ("td", "th"):
            self.found.rows[-1][-1] += data


def read(html: str) -> Piece:
    """The elements of a piece of HTML; an AssertionError if one is not ended rightly."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open, f"not ended: {reader.open}"
    return reader.found
