"""Numbers."""

from __future__ import annotations

from collections.abc import Iterator

from proof.line import Line, Part


def lines(full: bool) -> Iterator[Line]:
    """The lines of this part."""
    yield from ()


PART = Part("Numbers", lines)
