"""How a text file of cases is written: encoding, separator, lines and cells."""

from __future__ import annotations

import contextlib
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.paths import read_bytes

SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", None: "blanks"}
"""What cells may be separated by, and its name; None stands for any run of blanks."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MEANT_AS_NUMBER = re.compile(
    rf"{_NUMBER.pattern}|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
# So many lines decide on the separator.
_SAMPLE = 50


class Line(NamedTuple):
    """A line with cells in it.

    Attributes:
        number: its number in the file, counted from 1.
        text: without its line end.
    """

    number: int
    text: str


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number as data files write them.

    Example:
        >>> [is_number(cell) for cell in ("-1.5e3", "1_000", "nan", "٣", "")]
        [True, False, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def is_meant_as_number(cell: str) -> bool:
    """Whether a cell is a number, or one of the words for what is no finite number."""
    return _MEANT_AS_NUMBER.fullmatch(cell) is not None


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file that hold cells: neither blank nor a comment (``#``).

    Raises:
        DataError: if the file cannot be read, is not text in UTF-8, or holds no cases.
    """
    text = _decoded(path, read_bytes(path))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    kept = [
        Line(number, line)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not kept:
        raise DataError(Problem("the file holds no cases, only blank lines or comments", path))
    return kept


def _decoded(path: Path, content: bytes) -> str:
    if not content.strip():
        raise DataError(Problem("the file is empty; expected one case a line", path))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(Problem("the file is text in UTF-16; save it as UTF-8", path))
    if b"\0" in content:
        raise DataError(Problem("the file is not text; expected numbers, one case a line", path))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        found = f"the byte 0x{content[error.start]:02X} is not text in UTF-8"
        raise DataError(Problem(found, path, line, column)) from None


def separator_of(lines: Sequence[Line]) -> str | None:
    """What separates the cells: the mark that most of the first lines hold, else blanks.

    Where semicolons or tabs and commas are equally frequent, the commas are decimal ones or
    part of a text.
    """
    sample = lines[:_SAMPLE]
    marks = (";", "\t", ",")
    held = {mark: sum(mark in line.text for line in sample) for mark in marks}
    best = max(marks, key=lambda mark: held[mark])
    if held[best] <= len(sample) / 2:
        return None
    # Columns drawn up with blanks and tabs alike.
    if best == "\t" and any(_holds_numbers(c) for line in sample for c in line.text.split("\t")):
        return None
    return best


def refuse_wide(path: Path, lines: Sequence[Line], separator: str | None) -> None:
    """Refuse a file of more than `MAX_COLUMNS` before its lines are taken apart.

    Raises:
        DataError: with the line.
    """
    for line in lines:
        if len(line.text) > MAX_COLUMNS and line.text.count(separator or " ") >= MAX_COLUMNS:
            message = f"more than {MAX_COLUMNS:,} columns; no case has so many"
            raise DataError(Problem(message, path, line.number))


def _holds_numbers(cell: str) -> bool:
    parts = cell.split()
    return len(parts) > 1 and all(map(is_number, parts))


def cells_of(line: str, separator: str | None) -> list[str]:
    """A line's cells, without the blanks and the quotes around them.

    Example:
        >>> cells_of(' 5.1, "Iris, wild" ', ",")
        ['5.1', 'Iris, wild']
    """
    if separator is None:
        return [cell.strip("\"'") for cell in line.split()]
    if '"' in line:
        reader = csv.reader([line], delimiter=separator, skipinitialspace=True)
        with contextlib.suppress(csv.Error):  # a cell too long for that module
            return [cell.strip() for cell in next(reader)]
    cells = line.split(separator)
    if "'" in line or line.split(None, 1) != [line]:  # there is something to strip
        return [cell.strip().strip("'") for cell in cells]
    return cells


def column_of(line: str, separator: str | None, cell: int) -> int:
    """The character, counted from 1, where the cell of that number begins.

    Example:
        >>> column_of("1, 2,x", ",", 1), column_of("1, 2,x", ",", 2)
        (4, 6)
    """
    begins: Iterator[int]
    if separator is None:
        begins = (match.start() for match in re.finditer(r"\S+", line))
    else:
        begins = _begins_between(line, separator)
    *_, start = islice(begins, cell + 1)
    blanks = re.compile(" *").match(line, start)
    return (blanks.end() if blanks else start) + 1


def _begins_between(line: str, separator: str) -> Iterator[int]:
    """Where each cell begins, one after the other."""
    yield 0
    quoted = False
    for mark in re.finditer(f'["{separator}]', line):
        quoted ^= mark[0] == '"'
        if mark[0] == separator and not quoted:
            yield mark.end()


def column_of_difference(line: str, separator: str | None, found: int, expected: int) -> int:
    """Where a line of another number of cells differs, counted from 1.

    The first cell too many, or just behind the end of a line that is too short.

    Example:
        >>> [column_of_difference("1,2,3", ",", 3, expected) for expected in (2, 4)]
        [5, 6]
    """
    if found > expected:
        return column_of(line, separator, expected)
    return len(line.rstrip(" ")) + 1


def usual(lengths: Sequence[int]) -> int:
    """The commonest number of cells."""
    return Counter(lengths).most_common(1)[0][0]
