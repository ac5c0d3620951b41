"""Text files of cases: one a line, the label in the last or the first column."""

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
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.paths import decoded, read_bytes

BLOCK = 2**14
"""Characters that are converted at a time; where that fails, their lines are read one by one."""

SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", None: "blanks"}
"""What cells may be separated by, and its name; None stands for any run of blanks."""

MOST_SHOWN = 10
MOST_COUNTED = 1000
"""At most the first number of problems are reported with their places; the others are counted,
up to the second number."""

_SAMPLE = 50
"""How many of the first lines decide what separates the cells."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_MEANT_AS_NUMBER = re.compile(
    rf"{_NUMBER.pattern}|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)


class Line(NamedTuple):
    """A line with cells in it.

    Attributes:
        number: its number in the file, counted from 1.
        text: without its line end.
    """

    number: int
    text: str


class Form(NamedTuple):
    """How a file is written.

    Attributes:
        path: the file.
        separator: what separates the cells, None for blanks.
        columns: how many there are in the first line of cases.
        label: the number of the label's column, None where there are no labels.
    """

    path: Path
    separator: str | None
    columns: int
    label: int | None

    def problem(self, line: Line, column: int, message: str) -> Problem:
        """A problem with its place: the column's number becomes that of a character."""
        at = column_of(line.text, self.separator, column)
        return Problem(message, self.path, line.number, at)


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
        header: whether the first line names the columns; ``auto`` takes it for a header where
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
    _refuse_wide(path, lines, separator)
    if header == "auto":
        header = _begins_with_header(lines, separator, label, features)
    titles, lines = (lines[0], lines[1:]) if header else (None, lines)
    if not lines:
        raise DataError(Problem("the file holds a header and no cases", path))
    columns = len(cells_of(lines[0].text, separator))
    # A file of one column, or of the wrong number, cannot be read whatever its cells are.
    _check_columns(path, columns, separator, features)
    place = None if columns == features else (0 if label == "first" else columns - 1)
    form = Form(path, separator, columns, place)
    x, words = _inputs_and_words(lines, form, has_header=titles is not None)
    labels = None if place is None else _labels(lines, form, words)
    return Cases(x, labels, feature_names=titles and _feature_names(titles, form))


# Lines and cells


def is_number(cell: str) -> bool:
    """Whether a cell is a finite number as data files write them.

    Example:
        >>> [is_number(cell) for cell in ("-1.5e3", "1_000", "nan", "٣", "")]
        [True, False, False, False, False]
    """
    return _NUMBER.fullmatch(cell) is not None


def _is_meant_as_number(cell: str) -> bool:
    """Whether a cell is a number, or one of the words for what is no finite number."""
    return _MEANT_AS_NUMBER.fullmatch(cell) is not None


def read_lines(path: Path) -> list[Line]:
    """The lines of a text file that hold cells: neither blank nor a comment (``#``).

    Raises:
        DataError: if the file cannot be read, is not text in UTF-8, or holds no cases.
    """
    content = read_bytes(path)
    if not content.strip():
        raise DataError(Problem("the file is empty; expected one case a line", path))
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(Problem("the file is text in UTF-16; save it as UTF-8", path))
    if b"\0" in content:
        raise DataError(Problem("the file is not text; expected numbers, one case a line", path))
    found = [
        Line(number, line)
        for number, line in enumerate(decoded(path, content).split("\n"), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not found:
        raise DataError(Problem("the file holds no cases, only blank lines or comments", path))
    return found


def separator_of(lines: Sequence[Line]) -> str | None:
    """What separates the cells: the mark that most of the first lines hold, else blanks.

    Where semicolons or tabs and commas are equally frequent, the commas are decimal ones or
    part of a text.
    """
    sample = lines[:_SAMPLE]
    held = {mark: sum(mark in line.text for line in sample) for mark in (";", "\t", ",")}
    best = max(held, key=lambda mark: held[mark])
    if held[best] <= len(sample) / 2:
        return None
    # Columns drawn up with blanks and tabs alike.
    if best == "\t" and any(_holds_numbers(c) for line in sample for c in line.text.split("\t")):
        return None
    return best


def _holds_numbers(cell: str) -> bool:
    parts = cell.split()
    return len(parts) > 1 and all(map(is_number, parts))


def _refuse_wide(path: Path, lines: Sequence[Line], separator: str | None) -> None:
    """Refuse a file of more than `MAX_COLUMNS` before its lines are taken apart."""
    for line in lines:
        if len(line.text) > MAX_COLUMNS and line.text.count(separator or " ") >= MAX_COLUMNS:
            message = f"more than {MAX_COLUMNS:,} columns; no case has so many"
            raise DataError(Problem(message, path, line.number))


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

    Of a cell that the line lacks, the first character behind the line.

    Example:
        >>> [column_of("1, 2,x", ",", cell) for cell in (1, 2, 3)]
        [4, 6, 7]
    """
    if separator is None:
        begins: Iterator[int] = (match.start() for match in re.finditer(r"\S+", line))
    else:
        begins = _begins_between(line, separator)
    start = next(islice(begins, cell, None), None)
    if start is None:
        return len(line.rstrip(" ")) + 1
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


# The header and the columns


def _begins_with_header(
    lines: list[Line], separator: str | None, label: str, features: int | None
) -> bool:
    first = cells_of(lines[0].text, separator)
    if len(first) < 2 and features != 1:
        return False
    if len(first) != features:
        place = 0 if label == "first" else -1
        title = first.pop(place)
        rest = (cells_of(line.text, separator) for line in lines[1:11])
        below = [cells[place] for cells in rest if cells]
        # Names such as 0, 1, 2 over the inputs: then only the label's name gives them away.
        if below and not _is_meant_as_number(title) and all(map(is_number, below)):
            return True
    return "" not in first and not any(map(_is_meant_as_number, first))


def _feature_names(titles: Line, form: Form) -> tuple[str, ...]:
    """The names of the inputs."""
    names = cells_of(titles.text, form.separator)
    if len(names) != form.columns:
        message = f"the header names {len(names)} columns, but the cases have {form.columns}"
        raise DataError(form.problem(titles, min(len(names), form.columns), message))
    return tuple(name for k, name in enumerate(names) if k != form.label)


def _check_columns(path: Path, columns: int, separator: str | None, features: int | None) -> None:
    read = f"(read as separated by {SEPARATORS[separator]})"
    if features is None and columns < 2:
        message = f"found only one column {read}; expected inputs and a label"
    elif features is not None and columns not in (features, features + 1):
        message = (
            f"found {columns} columns {read}; expected the network's {features} inputs, "
            f"or {features + 1} columns with the label"
        )
    else:
        return
    raise DataError(Problem(message, path))


# Inputs and labels


def _inputs_and_words(
    lines: Sequence[Line], form: Form, *, has_header: bool
) -> tuple[Array, list[str]]:
    """Inputs and label texts; only where NumPy finds no numbers are the cells read one by one."""
    x: list[Array] = []
    words: list[str] = []
    problems = _Problems(form)
    for block in _blocks(lines):
        read = _fast(block, form, problems.columns)
        if read is None:
            rows = [cells_of(line.text, form.separator) for line in block]
            if block[0] is lines[0]:
                problems.expect_the_commonest(rows)
            problems.look(block, rows)
            if problems.are_enough:
                break
            read = None if problems.found else _converted(rows, form.label)
        if read is not None:
            x.append(read[0])
            words += read[1]
    if problems.found:
        raise DataError(problems.report(None if has_header else lines[0]))
    return np.concatenate(x), words


def _blocks(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """The lines, as many at a time as hold about `BLOCK` characters."""
    start = size = 0
    for end, line in enumerate(lines, start=1):
        size += len(line.text)
        if size >= BLOCK or end == len(lines):
            yield lines[start:end]
            start, size = end, 0


def _fast(lines: Sequence[Line], form: Form, columns: int) -> tuple[Array, list[str]] | None:
    """Inputs and label texts of lines without problems, or None where there may be one."""
    texts = [line.text for line in lines]
    words: list[str] = []
    inputs = columns
    if form.label is not None:
        # Only the label may hold text; what is left of the line is for NumPy's own reader.
        first = form.label == 0
        pairs = [
            text.strip().split(form.separator, 1)
            if first
            else text.strip().rsplit(form.separator, 1)
            for text in texts
        ]
        if any(len(pair) != 2 for pair in pairs):
            return None
        inputs -= 1
        words = [pair[0 if first else 1].strip() for pair in pairs]
        texts = [pair[1 if first else 0] for pair in pairs]
        # A quoted label may hold the separator itself.
        if any('"' in word for word in words):
            return None
    if not any(map(str.strip, texts)):  # NumPy warns of no data
        return None
    try:
        x = np.loadtxt(texts, delimiter=form.separator, ndmin=2, dtype=np.float64, comments=None)
    except (ValueError, OverflowError):
        return None
    return (x, words) if x.shape == (len(lines), inputs) and np.isfinite(x).all() else None


def _converted(rows: list[list[str]], label: int | None) -> tuple[Array, list[str]]:
    """The same from cells in which no problem was found."""
    words = [] if label is None else [row.pop(label) for row in rows]
    return np.array(rows, dtype=np.float64), words


def _labels(lines: Sequence[Line], form: Form, words: list[str]) -> Labels:
    """The label column: numbers if all are, otherwise texts."""
    assert form.label is not None
    column = form.label

    def at(case: int, message: str) -> Problem:
        return form.problem(lines[case], column, message)

    words = [word.strip("\"'") for word in words] if any("'" in w for w in words) else words
    for word in dict.fromkeys(words):
        if not word:
            raise DataError(at(words.index(word), "the label is missing"))
        if _is_meant_as_number(word) and not np.isfinite(float(word)):
            raise DataError(at(words.index(word), f"expected a label, found {word!r}"))
    if all(is_number(word) for word in set(words)):
        number = {word: float(word) for word in set(words)}
        return Labels(np.array([number[word] for word in words]), at, form.path)
    return Labels(words, at, form.path)


class _Problems:
    """What is wrong with a file's lines.

    Args:
        form: how the file is written.

    Attributes:
        found: the first `MOST_SHOWN` problems, with their places.
        more: the number of the others.
        columns: how many cells a line must have.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self.columns = form.columns
        self.found: list[Problem] = []
        self.more = 0

    @property
    def are_enough(self) -> bool:
        """Whether there are so many that no more are counted."""
        return self.more > MOST_COUNTED

    def expect_the_commonest(self, rows: Sequence[Sequence[str]]) -> None:
        """One short line in front must not make all others wrong."""
        if len(rows) > 2:
            self.columns = Counter(map(len, rows)).most_common(1)[0][0]

    def look(self, lines: Sequence[Line], rows: Sequence[Sequence[str]]) -> None:
        """Note what is wrong with these lines, whose cells are ``rows``."""
        for line, row in zip(lines, rows, strict=True):
            for column, message in self._of_line(line, row):
                if len(self.found) < MOST_SHOWN:
                    self.found.append(self._form.problem(line, column, message))
                elif self.are_enough:
                    return
                else:
                    self.more += 1

    def _of_line(self, line: Line, row: Sequence[str]) -> Iterator[tuple[int, str]]:
        """The number of the column, and the message, of each problem in a line."""
        if len(row) != self.columns:
            yield (
                min(len(row), self.columns),
                f"found {len(row)} column{'s' * (len(row) != 1)}, expected {self.columns} as in "
                f"the other lines (read as separated by {SEPARATORS[self._form.separator]})",
            )
        elif line.text.count('"') % 2:
            column = line.text.count(self._form.separator or " ", 0, line.text.rfind('"'))
            yield column, "a quotation mark is opened and never closed"
        else:
            for column, cell in enumerate(row):
                if column != self._form.label and (message := _wrong_with(cell)):
                    yield column, message

    def report(self, first: Line | None) -> list[Problem]:
        """All problems; ``first`` is a line that may have been meant to name the columns."""
        problems = self.found[:]
        if first and self.columns == self._form.columns and problems[0].line == first.number:
            hint = f"{problems[0].message}; if this line names the columns, write header: true"
            problems[0] = replace(problems[0], message=hint)
        if self.more:
            number = f"more than {MOST_COUNTED:,}" if self.are_enough else self.more
            problems.append(Problem(f"and {number} more problems of this kind", self._form.path))
        return problems


def _wrong_with(cell: str) -> str | None:
    """What is wrong with one input, or None."""
    if is_number(cell):
        finite = math.isfinite(float(cell))
        return None if finite else f"{cell[:40]} is too large for a float64 number"
    if not cell:
        return "expected a number, found an empty cell"
    decimal = "; write it with a decimal point" if is_number(cell.replace(",", ".", 1)) else ""
    return f"expected a number, found {shown(cell, 40)}{decimal}"
