"""Columns from the cells of typed sources: texts as bytes, dates, decimals, Python values.

Spreadsheets, Parquet files and data frames say of every cell what it is. The functions here make
the same columns of the same content, whichever of them it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.data.readers.cases import as_word
from chainrule.data.tables.table import MISSING, Column, numeric_column

LIST_SEPARATOR = "|"
"""It joins the texts of a list in one cell, as of a case with several labels."""

_LARGEST_EXACT = 2.0**53

At = Callable[[int, str], Problem]
"""From the index of a row and a message to a problem at the row's cell."""


def coded_column(
    name: str, cells: Iterable[Hashable], decode: Callable[[Any], str | None] = lambda cell: cell
) -> Column:
    """A column of texts from hashable cells; blanks around a text are removed.

    Args:
        name: the column's name.
        cells: (rows,) in any form in which equal texts are equal, None for a missing cell.
        decode: from such a cell to its text; called once for every distinct cell.

    Returns:
        The column, in which empty and blank texts are missing, as they are in text files.
    """
    numbers: dict[Hashable, int] = {}
    places = [numbers.setdefault(cell, len(numbers)) for cell in cells]
    words: dict[str, int] = {}
    codes, missing_words = [], []
    for cell in numbers:
        text = None if cell is None else decode(cell)
        stripped = text.strip() if text is not None else ""
        if text is not None and not stripped:
            missing_words = [""]
        codes.append(words.setdefault(stripped, len(words)) if stripped else MISSING)
    values = np.array(codes, dtype=np.int32)[places] if places else np.empty(0, dtype=np.int32)
    return Column(name, values, "text", tuple(words), missing_words=tuple(missing_words))


def categorical_column(codes: Array, categories: Column) -> Column:
    """A column of categories, whose words keep the order that the source gives them.

    Args:
        codes: (rows,) indices into ``categories``; a negative one is a missing cell.
        categories: a column with the name and, once each, the categories.

    Example:
        >>> sizes = cell_column("size", ["small", "large"])
        >>> categorical_column(np.array([1, 0, -1]), sizes).texts()
        ['large', 'small', '']
    """
    missing = np.array([MISSING if categories.is_text else np.nan], categories.values.dtype)
    values = np.append(categories.values, missing)
    return replace(categories, values=values[np.where(codes < 0, len(categories), codes)])


def join_columns(columns: Sequence[Column]) -> Column:
    """Columns of one name, one below the other; texts if one of them holds texts.

    Example:
        >>> column = join_columns([cell_column("a", [1, 2]), cell_column("a", [0.5])])
        >>> column.type, column.values.tolist()
        ('float', [1.0, 2.0, 0.5])
    """
    first = columns[0]
    if len(columns) == 1:
        return first
    details: dict[str, Any] = {
        "has_leading_zeros": any(column.has_leading_zeros for column in columns),
        "missing_words": tuple(dict.fromkeys(w for c in columns for w in c.missing_words)),
    }
    if any(column.is_text for column in columns):
        return _join_texts(columns, details)
    values = np.concatenate([column.values for column in columns])
    kinds = {column.type for column in columns}
    kind = kinds.pop() if len(kinds) == 1 else "float" if "float" in kinds else "int"
    return Column(first.name, values, kind, **details)


def _join_texts(columns: Sequence[Column], details: Mapping[str, Any]) -> Column:
    numbers: dict[str, int] = {}
    parts = []
    for column in columns:
        words, which = (column.words, column.values) if column.is_text else column.distinct()
        codes = [numbers.setdefault(word, len(numbers)) for word in words]
        parts.append(np.array([*codes, MISSING], dtype=np.int32)[which])
    return Column(columns[0].name, np.concatenate(parts), "text", tuple(numbers), **details)


def date_column(name: str, times: Array, *, in_utc: bool = False) -> Column:
    """A column of dates or times as texts in the form of ISO 8601, which sort as the times do.

    Args:
        name: the column's name.
        times: (rows,) datetime64; NaT is a missing cell. All are written to the day, the second,
            or the coarsest part of a second that is exact for every one.
        in_utc: whether the times are in UTC; each text then ends in ``Z``.

    Example:
        >>> date_column("day", np.array(["2026-11-30", "NaT"], dtype="datetime64[ns]")).texts()
        ['2026-11-30', '']
    """
    there, which = np.unique(times[~np.isnat(times)], return_inverse=True)
    units = ("s", "ms", "us") if in_utc else ("D", "s", "ms", "us")
    unit = next((u for u in units if (there.astype(f"M8[{u}]") == there).all()), "ns")
    zone: Any = "UTC" if in_utc else "naive"
    words = np.datetime_as_string(there, unit=unit, timezone=zone).tolist()  # type: ignore[call-overload]
    codes = np.full(len(times), MISSING, dtype=np.int32)
    codes[~np.isnat(times)] = which.reshape(-1)
    return Column(name, codes, "text", tuple(words))


def seconds_column(name: str, durations: Array) -> Column:
    """A column of durations, timedelta64, as numbers of seconds; NaT is a missing cell."""
    seconds = durations / np.timedelta64(1, "s")
    return numeric_column(name, seconds)


def loses_digits(integers: Array) -> bool:
    """Whether entries are integers of which float64 cannot hold every one."""
    if integers.dtype.kind not in "iu" or integers.dtype.itemsize < 8 or not len(integers):
        return False
    return bool(max(int(integers.max()), -int(integers.min())) > _LARGEST_EXACT)


def rounding_notes(names: Sequence[str]) -> tuple[str, ...]:
    """What the user is told of columns with integers that float64 does not hold."""
    if not names:
        return ()
    return (
        f"{', '.join(map(shown, names))}: whole numbers beyond 2^53 are rounded; store them as "
        "text if every digit counts, as it does for labels and groups",
    )


def cell_column(name: str, values: Any, at: At | None = None) -> Column:
    """A column from Python values, a list or an array (rows,).

    Numbers, decimals and durations become numbers; truth values the numbers 0 and 1; dates and
    times become texts of ISO 8601, lists of texts one text joined by `LIST_SEPARATOR`. In a column
    of mixed content everything becomes a text. None, NaN, NaT and pandas' NA are missing cells.

    Args:
        name: the column's name.
        values: the cells.
        at: the place of a cell, for messages; by default its row, counted from 0.

    Raises:
        DataError: a cell is something else, such as a list of numbers or an array; the message
            names the column and the row.

    Example:
        >>> cell_column("age", [31, None, 7]).type, cell_column("paid", [True, False]).type
        ('int', 'bool')
        >>> cell_column("tags", [["a", "b"], ["b"]]).words
        ('a|b', 'b')
    """
    array = values if isinstance(values, np.ndarray) else None
    if array is None or array.dtype.kind not in "biufMmUSO":
        cells = list(values)
    elif array.dtype.kind in "biuf":
        return numeric_column(name, array)
    elif array.dtype.kind == "M":
        return date_column(name, array)
    elif array.dtype.kind == "m":
        return seconds_column(name, array)
    else:
        cells = array.tolist()
    return _from_cells(name, cells, at)


def _from_cells(name: str, cells: list[Any], at: At | None) -> Column:
    """The column of Python values, by the kinds of value that there are."""
    kinds = {type(cell) for cell in cells}
    missing = {kind for kind in kinds if kind.__name__ in NOTHING}
    if missing - {type(None)}:
        cells = [None if type(cell) in missing else cell for cell in cells]
    kinds -= missing
    if kinds and all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return Column(name, _numbers(cells), "bool")
    if all(issubclass(kind, _NUMBERS) for kind in kinds):
        return numeric_column(name, _numbers(cells))
    if all(issubclass(kind, timedelta) for kind in kinds):
        seconds = [None if cell is None else cell.total_seconds() for cell in cells]
        return numeric_column(name, _numbers(seconds))
    if all(issubclass(kind, date) for kind in kinds):  # a datetime is a date too
        return _dates(name, cells)
    return text_column(name, cells, at)


def text_column(name: str, cells: Iterable[Any], at: At | None = None) -> Column:
    """A column of texts from Python values; numbers, dates and lists become texts too.

    The cells are those of `cell_column`, with None where one is missing.
    """
    return coded_column(name, _words(cells, at or (lambda row, m: _row_problem(name, row, m))))


def _dates(name: str, cells: Sequence[date | None]) -> Column:
    """Dates and moments; all of them in UTC if each has a time zone."""
    known = [cell for cell in cells if isinstance(cell, datetime)]
    if all(moment.tzinfo is None for moment in known):
        return date_column(name, np.array(cells, dtype="M8[us]"))
    if len(known) < sum(cell is not None for cell in cells) or not all(m.tzinfo for m in known):
        return coded_column(name, (cell and _iso(cell) for cell in cells))
    plain = [cell and _in_utc(cell) for cell in cells]
    return date_column(name, np.array(plain, dtype="M8[us]"), in_utc=True)


def _in_utc(moment: Any) -> datetime:
    plain: datetime = moment.astimezone(UTC).replace(tzinfo=None)
    return plain


_NUMBERS = (bool, int, float, Decimal, np.bool_, np.integer, np.floating)

NOTHING = ("NoneType", "NAType", "NaTType")
"""The types whose values stand for a missing cell: Python's None, and pandas' NA and NaT."""


def _numbers(cells: Sequence[Any]) -> Array:
    """The numbers as float64, NaN where a cell is None."""
    return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)


def _words(cells: Iterable[Any], at: At) -> Iterator[str | None]:
    for row, cell in enumerate(cells):
        yield cell if isinstance(cell, str | None) else _as_text(cell, row, at)


def _as_text(cell: Any, row: int, at: At) -> str | None:
    """The text that stands for a cell in a column of texts, or None where it is missing."""
    if isinstance(cell, _NUMBERS):
        if isinstance(cell, bool | np.bool_):
            return str(bool(cell))
        return as_word(cell) if cell == cell else None  # NaN differs from itself
    if isinstance(cell, bytes):
        return as_utf8(cell, lambda message: at(row, message))
    if isinstance(cell, datetime | date | time):
        return _iso(cell)
    if isinstance(cell, timedelta):
        return as_word(cell.total_seconds())
    if isinstance(cell, list | tuple | set | frozenset | np.ndarray):
        return joined(list(cell), lambda message: at(row, message))
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return None if np.isnat(cell) else str(cell)
    if type(cell).__name__ in _WRITTEN:
        return str(cell)
    message = f"expected a number, a text or a date, found {type(cell).__name__}"
    if isinstance(cell, dict):
        message += "; give every field a column of its own"
    raise DataError(at(row, message))


_WRITTEN = ("Period", "Interval", "UUID")
"""The types, two of them pandas', whose values stand for the texts that they are written as."""


def _iso(moment: date | time) -> str:
    if isinstance(moment, datetime) and moment.timetz() == time():
        return moment.date().isoformat()
    text = moment.isoformat()
    # Parts of a second have no zeros at their end, as in the columns of moments.
    return text.rstrip("0") if isinstance(moment, time) and "." in text[-7:] else text


def joined(items: Sequence[Any], at: Callable[[str], Problem]) -> str | None:
    """The texts of a list in one cell, joined by `LIST_SEPARATOR`; None for an empty list.

    Raises:
        DataError: the list holds numbers or anything else but texts, or a text has the separator.
    """
    if not items:
        return None
    for item in items:
        if not isinstance(item, str):
            message = f"expected a list of texts, found {type(item).__name__} in the list"
            if isinstance(item, _NUMBERS):
                message = "the cell is a list of numbers; give every number a column of its own"
            raise DataError(at(message))
        if LIST_SEPARATOR in item:
            message = f"{shown(item)} in a list holds {LIST_SEPARATOR!r}, which joins the items"
            raise DataError(at(message))
    return LIST_SEPARATOR.join(item.strip() for item in items)


def as_utf8(content: bytes, at: Callable[[str], Problem]) -> str:
    """Bytes as text.

    Raises:
        DataError: they are not UTF-8.
    """
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise DataError(at("the cell holds bytes that are no text in UTF-8")) from None


def _row_problem(name: str, row: int, message: str) -> Problem:
    return Problem(f"column {shown(name)}, row {row}: {message}")
