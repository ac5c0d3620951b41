"""Tables from the dataframe interchange protocol, ``__dataframe__``.

An older protocol than Arrow's: objects with methods that give the address, the type and the
missing cells of every column, https://data-apis.org/dataframe-protocol/latest/.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.data.tables.arrow import bits, view
from chainrule.data.tables.table import Column, Table, numeric_column
from chainrule.data.tables.typed_cells import (
    as_utf8,
    categorical_column,
    coded_column,
    date_column,
    join_columns,
    loses_digits,
    rounding_notes,
)

_INT, _UINT, _FLOAT, _BOOL, _STRING, _DATETIME, _CATEGORICAL = 0, 1, 2, 20, 21, 22, 23
"""The protocol's kinds of types."""

_NO_NULLS, _NAN, _SENTINEL, _BIT_MASK, _BYTE_MASK = range(5)
"""How the protocol marks missing cells."""

_UNITS = {"s": "s", "m": "ms", "u": "us", "n": "ns"}


def table_of_interchange(data: Any) -> Table:
    """The table that an object with ``__dataframe__`` gives.

    Raises:
        DataError: a column holds a type that is no cell of a table.
    """
    frame = data.__dataframe__()
    chunks = [chunk for chunk in frame.get_chunks() if chunk.num_rows()] or [frame]
    columns, rounded = [], []
    for index, name in enumerate(map(str, frame.column_names())):
        parts = [(name, _given(chunk, index, name)) for chunk in chunks]
        columns.append(join_columns([_column(*part) for part in parts]))
        if any(_loses_digits(part) for _, part in parts):
            rounded.append(name)
    if not columns:
        raise DataError("the table has no columns")
    return Table(tuple(columns), notes=rounding_notes(rounded))


def _given(chunk: Any, index: int, name: str) -> Any:
    """A column of a chunk, unless its library cannot give it."""
    try:
        column = chunk.get_column(index)
        column.get_buffers()
    except (ValueError, TypeError, RuntimeError) as error:  # NotImplementedError is one of them
        reason = str(error).partition("\n")[0][:200]
        raise DataError(f"the column {shown(name)} cannot be passed on ({reason})") from None
    return column


def _loses_digits(column: Any) -> bool:
    return column.dtype[0] in (_INT, _UINT) and loses_digits(_entries(column))


def _column(name: str, column: Any) -> Column:
    """One column of one chunk."""
    kind = column.dtype[0]
    if kind == _STRING:
        return _texts(name, column)
    if kind not in (_INT, _UINT, _FLOAT, _BOOL, _DATETIME, _CATEGORICAL):
        message = f"the column {shown(name)} holds the type {shown(column.dtype)}"
        raise DataError(f"{message}; cast it to numbers or text")
    found = _entries(column)
    missing = _missing(column, found)
    if kind == _CATEGORICAL:
        known = column.describe_categorical["categories"]
        return categorical_column(np.where(missing, -1, found), _column(name, known))
    if kind == _DATETIME:
        return date_column(name, np.where(missing, np.datetime64("NaT"), _moments(column, found)))
    numbers = np.where(missing, np.nan, found) if missing.any() else found
    if kind == _BOOL:
        return Column(name, numbers.astype(np.float64), "bool")
    return numeric_column(name, numbers)


def _entries(column: Any) -> Array:
    """The numbers, codes or truth values of a column, (rows,)."""
    buffer, (kind, width, *_) = column.get_buffers()["data"]
    count = column.offset + column.size()
    if kind == _BOOL and width == 1:
        return bits(buffer.ptr, column.offset, column.size(), buffer)
    letter = {_INT: "i", _UINT: "u", _FLOAT: "f", _BOOL: "u", _DATETIME: "i", _CATEGORICAL: "i"}
    found = view(buffer.ptr, count, f"{letter[kind]}{width // 8}", buffer)[column.offset :]
    return found.astype(bool) if kind == _BOOL else found


def _missing(column: Any, entries: Array) -> Array:
    """Which cells are missing, (rows,) bool, in any of the ways in which that is marked."""
    how, value = column.describe_null
    nothing = np.zeros(column.size(), dtype=bool)
    if how == _NAN:
        return np.isnan(entries) if entries.dtype.kind == "f" else nothing
    if how == _SENTINEL:
        return entries == value
    mask = column.get_buffers()["validity"] if how in (_BIT_MASK, _BYTE_MASK) else None
    if mask is None:
        return nothing
    buffer = mask[0]
    if how == _BIT_MASK:
        found = bits(buffer.ptr, column.offset, column.size(), buffer)
    else:
        whole = view(buffer.ptr, column.offset + column.size(), np.uint8, buffer)
        found = whole[column.offset :].astype(bool)
    return found if value else ~found


def _moments(column: Any, found: Array) -> Array:
    """Dates and timestamps, datetime64; the type is written as in Arrow's C data interface."""
    form = column.dtype[2]
    if form == "tdD":
        return found.astype("i8").view("M8[D]")
    if form[:2] != "ts":
        raise DataError(f"a column holds the type {shown(form)}; cast it to numbers or text")
    return found.view(f"M8[{_UNITS[form[2]]}]")


def _texts(name: str, column: Any) -> Column:
    buffers = column.get_buffers()
    data, (offsets, (_, width, *_)) = buffers["data"][0], buffers["offsets"]
    count = column.offset + column.size() + 1
    places = view(offsets.ptr, count, f"i{width // 8}", offsets)[column.offset :].tolist()
    content = view(data.ptr, data.bufsize, np.uint8, data).tobytes()
    missing = _missing(column, np.zeros(column.size())).tolist()
    cells = [
        None if gone else content[a:b]
        for gone, (a, b) in zip(missing, itertools.pairwise(places), strict=True)
    ]

    def problem(message: str) -> Problem:
        return Problem(f"column {shown(name)}: {message}")

    return coded_column(name, cells, lambda cell: as_utf8(cell, problem))
