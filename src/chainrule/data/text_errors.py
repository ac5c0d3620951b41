"""What is wrong with a text file of cases, and where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chainrule.data.text_format import (
    SEPARATORS,
    Line,
    column_of,
    column_of_difference,
    is_number,
    usual,
)
from chainrule.errors import Problem

MOST_PROBLEMS = 10
"""More than these are counted, not listed."""


_OPEN_QUOTE = "a quotation mark is opened and never closed"


def problems_of(
    path: Path,
    lines: Sequence[Line],
    rows: Sequence[Sequence[str]],
    separator: str | None,
    place: int | None,
    columns: int,
    header: bool,
) -> list[Problem]:
    """Every fault in the lines of a file, the first ten of them with their places.

    Args:
        path: the file.
        lines: its lines with cells.
        rows: the cells of each line.
        separator: what separates them, None for blanks.
        place: the label's column, None where there is none.
        columns: the number of cells in the first line.
        header: whether a header has been taken off the lines.
    """
    # One short line in front must not make all others wrong.
    expected = usual([len(row) for row in rows]) if len(rows) > 2 else columns
    problems: list[Problem] = []
    more = 0
    for line, row in zip(lines, rows, strict=True):
        for cell, message in _faults(line, row, separator, place, expected):
            if len(problems) < MOST_PROBLEMS:
                column = _column(line, separator, cell, len(row), expected)
                problems.append(Problem(message, path, line.number, column))
            else:
                more += 1
    # A cell in the first line may be a column's name.
    first = problems[0] if problems else None
    whole = len(rows[0]) == expected
    if first and whole and not header and first.line == lines[0].number:
        hint = f"{first.message}; if this line names the columns, write header: true"
        problems[0] = replace(first, message=hint)
    if more:
        problems.append(Problem(f"and {more} more problems of this kind", path))
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
        if np.isfinite(float(cell)):
            return None
        return f"{_shown(cell)} is too large for a float64 number"
    if not cell:
        return "expected a number, found an empty cell"
    shown = _shown(cell)
    if is_number(cell.replace(",", ".", 1)):
        return f"expected a number, found {shown!r}; write it with a decimal point"
    return f"expected a number, found {shown!r}"
