"""Cases from a text file: one a line, the label in the last or the first column."""

from __future__ import annotations

import contextlib
import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.paths import read_bytes

BLOCK = 2**14
"""Characters that are read at a time: where a fault is, so many are looked at one by one."""


def read_text(
    path: Path,
    *,
    label: str = "last",
    header: bool | str = "auto",
    features: int | None = None,
) -> Cases:
    """Read a text file of cases separated by commas, semicolons, tabs or blanks.

    Blank lines and lines that begin with ``#`` are passed over; line ends of any kind, a byte
    order mark and a missing last line end are fine. Inputs are finite numbers.

    Args:
        path: the file.
        label: the label's column, ``last`` or ``first``.
        header: whether the first line names the columns; ``auto`` finds out: it does where
            none of its inputs is a number, or its label alone is text.
        features: the number of inputs where it is known: a file with exactly so many columns
            then has no label.

    Returns:
        x (cases, features) float64, and the labels.

    Raises:
        DataError: with line and column, for everything that is wrong with the file.
    """
    lines = read_lines(path)
    separator = separator_of(lines)
    refuse_wide(path, lines, separator)
    titles, lines = _titles(lines, separator, label, header, features)
    if not lines:
        raise DataError(Problem("the file holds a header and no cases", path))
    columns = len(cells_of(lines[0].text, separator))
    labelled = features is None or columns != features
    # A file of one column, or of the wrong number, cannot be read whatever its cells are.
    _check_columns(path, columns, separator, features)
    place = (0 if label == "first" else columns - 1) if labelled else None
    faults = Faults(path, separator, place, columns)
    x, words = _inputs_and_words(lines, separator, place, faults, titles is not None)
    labels = None
    if place is not None:
        labels = _labels(path, lines, separator, place, words)
    names = _feature_names(path, titles, separator, place, columns)
    return Cases(x, labels, feature_names=names)


def _titles(
    lines: list[Line], separator: str | None, label: str, header: bool | str, features: int | None
) -> tuple[Line | None, list[Line]]:
    """The header, if there is one, and the lines after it."""
    if header == "auto":
        header = _begins_with_header(lines, separator, label, features)
    return (lines[0], lines[1:]) if header else (None, lines)


def _begins_with_header(
    lines: list[Line], separator: str | None, label: str, features: int | None
) -> bool:
    first = cells_of(lines[0].text, separator)
    if len(first) < 2 and features != 1:
        return False
    if len(first) != features:
        title = first.pop(0 if label == "first" else -1)
        rest = (cells_of(line.text, separator) for line in lines[1:11])
        below = [cells[0 if label == "first" else -1] for cells in rest if cells]
        # Names such as 0, 1, 2 over the inputs: then only the label's name gives them away.
        if below and not is_meant_as_number(title) and all(map(is_number, below)):
            return True
    return "" not in first and not any(map(is_meant_as_number, first))


def _check_columns(path: Path, columns: int, separator: str | None, features: int | None) -> None:
    read = f"(read as separated by {SEPARATORS[separator]})"
    if features is None and columns < 2:
        raise DataError(
            Problem(f"found only one column {read}; expected inputs and a label", path)
        )
    if features is not None and columns not in (features, features + 1):
        raise DataError(
            Problem(
                f"found {columns} columns {read}; expected the network's {features} inputs, "
                f"or {features + 1} columns with the label",
                path,
            )
        )


def _inputs_and_words(
    lines: Sequence[Line], separator: str | None, place: int | None, faults: Faults, header: bool
) -> tuple[Array, list[str]]:
    """Inputs and label texts, the lines read once, and slowly only where a fault may be."""
    x: list[Array] = []
    words: list[str] = []
    for block in _blocks(lines):
        read = _fast(block, separator, place, faults.expected - (place is not None))
        if read is None:
            rows = [cells_of(line.text, separator) for line in block]
            if block[0] is lines[0]:
                faults.expect_the_usual(rows)
            faults.look(block, rows)
            if faults.enough:
                break
            read = None if faults.problems else _converted(rows, place)
        if read is not None:
            x.append(read[0])
            words += read[1]
    if faults.problems:
        raise DataError(faults.told(None if header else lines[0]))
    return np.concatenate(x), words


def _blocks(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """The lines, so many at a time as hold about `BLOCK` characters."""
    start = size = 0
    for end, line in enumerate(lines, start=1):
        size += len(line.text)
        if size >= BLOCK or end == len(lines):
            yield lines[start:end]
            start, size = end, 0


def _fast(
    lines: Sequence[Line], separator: str | None, place: int | None, inputs: int
) -> tuple[Array, list[str]] | None:
    """Inputs and label texts of lines without faults, or None where there may be one."""
    texts = [line.text for line in lines]
    words: list[str] = []
    if place is not None:
        # Only the label may hold text; what is left of the line is for NumPy's own reader.
        first = place == 0
        pairs = [
            text.strip().split(separator, 1) if first else text.strip().rsplit(separator, 1)
            for text in texts
        ]
        if any(len(pair) != 2 for pair in pairs):
            return None
        words = [pair[0 if first else 1].strip() for pair in pairs]
        texts = [pair[1 if first else 0] for pair in pairs]
        # A quoted label may hold the separator itself.
        if any('"' in word for word in words):
            return None
    if not any(map(str.strip, texts)):  # NumPy warns of no data
        return None
    try:
        x = np.loadtxt(texts, delimiter=separator, ndmin=2, dtype=np.float64, comments=None)
    except (ValueError, OverflowError):
        return None
    return (x, words) if x.shape == (len(lines), inputs) and np.isfinite(x).all() else None


def _converted(rows: list[list[str]], place: int | None) -> tuple[Array, list[str]]:
    """The same of cells without faults."""
    words = [] if place is None else [row.pop(place) for row in rows]
    return np.array(rows, dtype=np.float64), words


def _labels(
    path: Path, lines: Sequence[Line], separator: str | None, place: int, words: list[str]
) -> Labels:
    """The label column: numbers if all are, otherwise texts."""

    def at(case: int, message: str) -> Problem:
        line = lines[case]
        return Problem(message, path, line.number, column_of(line.text, separator, place))

    words = [word.strip("\"'") for word in words] if any("'" in w for w in words) else words
    for word in dict.fromkeys(words):
        if not word:
            raise DataError(at(words.index(word), "the label is missing"))
        if is_meant_as_number(word) and not np.isfinite(float(word)):
            raise DataError(at(words.index(word), f"expected a label, found {word!r}"))
    if all(is_number(word) for word in set(words)):
        number = {word: float(word) for word in set(words)}
        return Labels(np.array([number[word] for word in words]), at, path)
    return Labels(words, at, path)


def _feature_names(
    path: Path, titles: Line | None, separator: str | None, place: int | None, columns: int
) -> tuple[str, ...] | None:
    if titles is None:
        return None
    names = cells_of(titles.text, separator)
    if len(names) != columns:
        message = f"the header names {len(names)} columns, but the cases have {columns}"
        column = column_of_difference(titles.text, separator, len(names), columns)
        raise DataError(Problem(message, path, titles.number, column))
    return tuple(name for k, name in enumerate(names) if k != place)


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
