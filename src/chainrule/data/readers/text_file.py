"""Cases from a text file: one a line, the label in the last or the first column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem
from chainrule.data.readers.cases import Cases
from chainrule.data.readers.labels import Labels
from chainrule.data.readers.text_errors import Faults
from chainrule.data.readers.text_format import (
    SEPARATORS,
    Line,
    cells_of,
    column_of,
    column_of_difference,
    is_meant_as_number,
    is_number,
    read_lines,
    refuse_wide,
    separator_of,
)

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
