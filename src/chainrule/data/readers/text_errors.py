"""What is wrong with a text file of cases, and where."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from chainrule.core.errors import Problem
from chainrule.data.readers.text_format import (
    SEPARATORS,
    Line,
    column_of,
    column_of_difference,
    is_number,
    usual,
)

MOST_PROBLEMS = 10
MOST_COUNTED = 1000
"""More than the first are counted, not listed; more than the second not even counted."""

_OPEN_QUOTE = "a quotation mark is opened and never closed"


class Faults:
    """The faults of a file's lines: the first ten with their places, the others counted.

    Args:
        path: the file.
        separator: what separates the cells, None for blanks.
        place: the label's column, None where there is none.
        expected: the number of cells in the first line.

    Attributes:
        problems: the first of them, with their places.
        more: the number of the others; who has heard of `MOST_COUNTED` needs to hear no more.
    """

    def __init__(
        self, path: Path, separator: str | None, place: int | None, expected: int
    ) -> None:
        self.path = path
        self.separator = separator
        self.place = place
        self.first = self.expected = expected
        self.problems: list[Problem] = []
        self.more = 0

    @property
    def enough(self) -> bool:
        """Whether to look for more of them is to no purpose."""
        return self.more > MOST_COUNTED

    def expect_the_usual(self, rows: Sequence[Sequence[str]]) -> None:
        """One short line in front must not make all others wrong."""
        if len(rows) > 2:
            self.expected = usual([len(row) for row in rows])

    def look(self, lines: Sequence[Line], rows: Sequence[Sequence[str]]) -> None:
        """Note what is wrong with these lines, whose cells are ``rows``."""
        for line, row in zip(lines, rows, strict=True):
            for cell, message in _faults(line, row, self.separator, self.place, self.expected):
                if len(self.problems) < MOST_PROBLEMS:
                    column = _column(line, self.separator, cell, len(row), self.expected)
                    self.problems.append(Problem(message, self.path, line.number, column))
                elif self.enough:
                    return
                else:
                    self.more += 1

    def told(self, first: Line | None) -> list[Problem]:
        """All that there is to say; ``first`` is a line that may name the columns."""
        problems = self.problems[:]
        # A cell in the first line may be a column's name.
        if first and self.first == self.expected and problems[0].line == first.number:
            hint = f"{problems[0].message}; if this line names the columns, write header: true"
            problems[0] = replace(problems[0], message=hint)
        if self.more:
            number = f"more than {MOST_COUNTED:,}" if self.enough else self.more
            problems.append(Problem(f"and {number} more problems of this kind", self.path))
        return problems


def _faults(
    line: Line,
    row: Sequence[str],
    separator: str | None,
    place: int | None,
    expected: int,
) -> Iterator[tuple[int | None, str]]:
    """Cell and message of each fault in a line."""
    if len(row) != expected:
        cells = "column" if len(row) == 1 else "columns"
        yield (
            None,
            f"found {len(row)} {cells}, expected {expected} as in the other lines "
            f"(read as separated by {SEPARATORS[separator]})",
        )
        return
    if line.text.count('"') % 2:
        yield (line.text.count(separator or " ", 0, line.text.rfind('"')), _OPEN_QUOTE)
        return
    for k, cell in enumerate(row):
        if k != place and (fault := _fault(cell)):
            yield k, fault


def _column(line: Line, separator: str | None, cell: int | None, found: int, expected: int) -> int:
    """Where a fault is; without a cell, where a line of another number of cells differs."""
    if cell is None:
        return column_of_difference(line.text, separator, found, expected)
    return column_of(line.text, separator, cell)


def _shown(cell: str) -> str:
    return cell if len(cell) <= 40 else f"{cell[:37]}..."


def _fault(cell: str) -> str | None:
    """What is wrong with one input."""
    if is_number(cell):
        if math.isfinite(float(cell)):
            return None
        return f"{_shown(cell)} is too large for a float64 number"
    if not cell:
        return "expected a number, found an empty cell"
    shown = _shown(cell)
    if is_number(cell.replace(",", ".", 1)):
        return f"expected a number, found {shown!r}; write it with a decimal point"
    return f"expected a number, found {shown!r}"
