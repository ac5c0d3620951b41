"""Reads a page of a report as a browser does, as far as the tests need it."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADING = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}
"""Attributes by which a page may request something."""

VOID = {"meta", "link", "input", "br", "img", "hr", "circle", "path", "rect", "line"}


class Page(HTMLParser):
    """The tags, the texts and the numbers of a page.

    Attributes:
        tags: each start tag with its attributes, in order.
        open: the tags that were left open at the end.
        addresses: what it links to or loads.
    """

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.addresses: list[str] = []
        self._texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.addresses += [value or "" for name, value in attrs if name in LOADING]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self._texts.append((tuple(self.open), data))

    def texts(self, tag: str) -> list[str]:
        """The texts that stand directly in a tag of this name."""
        return [text for within, text in self._texts if within and within[-1] == tag]

    def all_text(self) -> str:
        """What a reader sees, without styles and scripts."""
        hidden = {"style", "script"}
        return "".join(text for within, text in self._texts if not hidden & {*within})

    @property
    def charts(self) -> dict[str, Any]:
        """The numbers behind the charts, by their key."""
        return json.loads(self.texts("script")[0])


def page_at(path: Path) -> Page:
    """The page in a file."""
    return Page(path.read_text("utf-8"))
