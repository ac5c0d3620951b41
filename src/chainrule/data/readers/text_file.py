"""Text files with one case in each line and its label in the last or the first column."""

from __future__ import annotations

import contextlib
import csv
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.cases import Cases, Labels, is_numeric
from chainrule.data.readers.paths import decoded, read_bytes

BLOCK = 2**14
"""Characters that are converted at once; if that fails, their cells are read one by one."""

SEPARATORS = {";": "semicolons", "\t": "tabs", ",": "commas", None: "blanks"}
"""What may separate cells, and its name; None stands for any run of blanks."""

MOST_SHOWN = 10
MOST_COUNTED = 1000
"""At most `MOST_SHOWN` problems are reported with their places; of the others, at most
`MOST_COUNTED` are counted."""

_SAMPLE = 50
"""How many lines, from the first, are examined to find what separates the cells."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class Line(NamedTuple):
    """A line that holds cells: its number in the file, from 1, and its text without line end."""

    number: int
    text: str


class Form(NamedTuple):
    """The format of one text file.

    Attributes:
        path: the file.
        separator: what separates the cells; None for blanks.
        columns: the number of cells in the first line of cases.
        label: the index of the label's column, or None if there are no labels.
    """

    path: Path
    separator: str | None
    columns: int
    label: int | None

    def problem(self, line: Line, column: int, message: str) -> Problem:
        """A problem at the line and the character where the cell of a column begins."""
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

    Blank lines and lines that begin with ``#`` are skipped. Line ends of any kind, a byte order
    mark and a missing last line end are accepted. Inputs must be finite numbers.

    Args:
        path: the file.
        label: the label's column, ``last`` or ``first``.
        header: whether the first line names the columns; with ``auto`` it does if none of its
            inputs is empty or a number, or if its label is text and those below are numbers.
        features: the number of inputs if it is known: a file with exactly this many columns
            then has no label.

    Returns:
        x (cases, features) float64, and the labels.

    Raises:
        DataError: something is wrong with the file; if possible with line and column.
    """
    lines = _read_lines(path)
    separator = _separator_of(lines)
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


def _read_lines(path: Path) -> list[Line]:
    """The lines of a text file that are neither blank nor a comment (``#``)."""
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


def _separator_of(lines: Sequence[Line]) -> str | None:
    """The mark that most of the first lines contain, if more than half do; else None for blanks.

    If semicolons or tabs occur in as many lines as commas, they are the separator: the commas
    are then decimal commas or part of a text.
    """
    sample = lines[:_SAMPLE]
    held = {mark: sum(mark in line.text for line in sample) for mark in (";", "\t", ",")}
    best = max(held, key=lambda mark: held[mark])
    if held[best] <= len(sample) / 2:
        return None
    # Numbers separated by blanks between tabs: a mixture of both aligns the columns.
    if best == "\t" and any(_holds_numbers(c) for line in sample for c in line.text.split("\t")):
        return None
    return best


def _holds_numbers(cell: str) -> bool:
    parts = cell.split()
    return len(parts) > 1 and all(map(is_number, parts))


def _refuse_wide(path: Path, lines: Sequence[Line], separator: str | None) -> None:
    """Refuse lines of more than `MAX_COLUMNS` columns before any line is split into cells."""
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
    """The character, counted from 1, at which the cell of index ``cell`` begins.

    For a cell that the line does not have, the position after the end of the line.

    Example:
        >>> [column_of("1, 2,x", ",", cell) for cell in (1, 2, 3)]
        [4, 6, 7]
    """
    start = next(islice(_begins(line, separator), cell, None), None)
    if start is None:
        return len(line.rstrip(" ")) + 1
    blanks = len(line) - start - len(line[start:].lstrip(" "))
    return start + blanks + 1


def _begins(line: str, separator: str | None) -> Iterator[int]:
    """The index at which each cell begins; its first characters may be blanks."""
    if separator is None:
        yield from (match.start() for match in re.finditer(r"\S+", line))
        return
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
        # The inputs may be named 0, 1, 2, ...; then only the name of the label shows the header.
        if below and not is_numeric(title) and all(map(is_number, below)):
            return True
    return "" not in first and not any(map(is_numeric, first))


def _feature_names(titles: Line, form: Form) -> tuple[str, ...]:
    """The names of the inputs: the titles without that of the label."""
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
    """Inputs and label texts; cells are read one by one only in blocks that NumPy cannot read."""
    x: list[Array] = []
    words: list[str] = []
    problems: list[tuple[Line, int, str]] = []
    columns, most = form.columns, MOST_SHOWN + MOST_COUNTED + 1
    for block in _blocks(lines):
        read = _fast(block, form, columns)
        if read is None:
            rows = [cells_of(line.text, form.separator) for line in block]
            if block[0] is lines[0] and len(rows) > 2:
                # A first line of wrong length must not make all others wrong.
                columns = Counter(map(len, rows)).most_common(1)[0][0]
            found = _problems(block, rows, form, columns)
            problems += islice(found, most - len(problems))
            if len(problems) == most:
                break
            read = None if problems else _converted(rows, form.label)
        if read is not None:
            x.append(read[0])
            words += read[1]
    if problems:
        line, column, message = problems[0]
        if line is lines[0] and not has_header and columns == form.columns:
            message += "; if this line names the columns, write header: true"
            problems[0] = line, column, message
        raise DataError(_placed(problems, form))
    return np.concatenate(x), words


def _problems(
    lines: Sequence[Line], rows: Sequence[Sequence[str]], form: Form, columns: int
) -> Iterator[tuple[Line, int, str]]:
    """The line, the column and the message of each problem in some lines."""
    for line, row in zip(lines, rows, strict=True):
        if len(row) != columns:
            message = (
                f"found {len(row)} column{'s' * (len(row) != 1)}, expected {columns} as in "
                f"the other lines (read as separated by {SEPARATORS[form.separator]})"
            )
            yield line, min(len(row), columns), message
        elif line.text.count('"') % 2:
            column = line.text.count(form.separator or " ", 0, line.text.rfind('"'))
            yield line, column, "a quotation mark is opened and never closed"
        else:
            for column, cell in enumerate(row):
                if column != form.label and (wrong := _wrong_with(cell)):
                    yield line, column, wrong


def _wrong_with(cell: str) -> str | None:
    """What is wrong with one input, or None."""
    if is_number(cell):
        finite = math.isfinite(float(cell))
        return None if finite else f"{cell[:40]} is too large for a float64 number"
    if not cell:
        return "expected a number, found an empty cell"
    decimal = "; write it with a decimal point" if is_number(cell.replace(",", ".", 1)) else ""
    return f"expected a number, found {shown(cell, 40)}{decimal}"


def _placed(problems: Sequence[tuple[Line, int, str]], form: Form) -> list[Problem]:
    """The first `MOST_SHOWN` problems with their places, and the number of the others."""
    placed = [form.problem(*problem) for problem in problems[:MOST_SHOWN]]
    if more := len(problems[MOST_SHOWN:]):
        number = more if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
        placed.append(Problem(f"and {number} more problems of this kind", form.path))
    return placed


def _blocks(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    """The lines in blocks of at least `BLOCK` characters each, except the last."""
    start = size = 0
    for end, line in enumerate(lines, start=1):
        size += len(line.text)
        if size >= BLOCK or end == len(lines):
            yield lines[start:end]
            start, size = end, 0


def _fast(lines: Sequence[Line], form: Form, columns: int) -> tuple[Array, list[str]] | None:
    """The inputs and label texts of some lines, or None if there may be a problem in them."""
    texts = [line.text for line in lines]
    words: list[str] = []
    inputs = columns
    if form.label is not None:
        # Only the label may be text; NumPy reads the rest of the line.
        divide, word, rest = (str.split, 0, 1) if form.label == 0 else (str.rsplit, 1, 0)
        pairs = [divide(text.strip(), form.separator, 1) for text in texts]
        if any(len(pair) != 2 for pair in pairs):
            return None
        inputs -= 1
        words = [pair[word].strip() for pair in pairs]
        texts = [pair[rest] for pair in pairs]
        # A quoted label may hold the separator itself.
        if any('"' in word for word in words):
            return None
    if not any(map(str.strip, texts)):  # NumPy would warn about empty input
        return None
    try:
        x = np.loadtxt(texts, delimiter=form.separator, ndmin=2, dtype=np.float64, comments=None)
    except (ValueError, OverflowError):
        return None
    return (x, words) if x.shape == (len(lines), inputs) and np.isfinite(x).all() else None


def _converted(rows: list[list[str]], label: int | None) -> tuple[Array, list[str]]:
    """The inputs and label texts from cells in which no problem was found."""
    words = [] if label is None else [row.pop(label) for row in rows]
    return np.array(rows, dtype=np.float64), words


def _labels(lines: Sequence[Line], form: Form, words: list[str]) -> Labels:
    """The label column as numbers if all labels are numbers, otherwise as texts."""
    assert form.label is not None
    column = form.label

    def at(case: int, message: str) -> Problem:
        return form.problem(lines[case], column, message)

    words = [word.strip("\"'") for word in words] if any("'" in w for w in words) else words
    for word in dict.fromkeys(words):
        if not word:
            raise DataError(at(words.index(word), "the label is missing"))
        if is_numeric(word) and not np.isfinite(float(word)):
            raise DataError(at(words.index(word), f"expected a label, found {word!r}"))
    if all(is_number(word) for word in set(words)):
        number = {word: float(word) for word in set(words)}
        return Labels(np.array([number[word] for word in words]), at, form.path)
    return Labels(words, at, form.path)
