"""Columns of Arrow, which pyarrow decodes: Parquet and Feather files, and data frames in memory.

Libraries of data frames give their columns by Arrow's or the older interchange protocol
(``__arrow_c_stream__`` and ``__dataframe__``), and pyarrow reads both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.registry import missing_extra
from chainrule.data.tables.table import Column, Table, numeric_column, positional_name
from chainrule.data.tables.typed_cells import (
    as_utf8,
    categorical_column,
    cell_column,
    coded_column,
    date_column,
    loses_digits,
    rounding_notes,
    seconds_column,
    text_column,
)


def table_of_arrow(data: Any) -> Table:
    """The table that an object with ``__arrow_c_stream__`` or ``__dataframe__`` gives.

    Numbers that are float64 already, in one chunk and without missing cells, are not copied. Dates
    and times become texts of ISO 8601, decimals and durations (in seconds) numbers; categories
    keep their order, and lists of texts are joined by ``|``.

    Raises:
        DataError: a column holds lists of numbers, records or another type that is no cell of a
            table, or the library that gives the columns reports an error.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow
    except ImportError:
        what = f"a data frame of the type {type(data).__name__}"
        raise missing_extra(what, "tables", "pyarrow") from None
    try:
        given = [*_given(data)]
        columns = tuple(_column(name, column) for name, column in given)
    except DataError:
        raise
    except (pyarrow.ArrowException, OSError, RuntimeError, ValueError, TypeError) as error:
        raise DataError(f"the table cannot be read ({_reason(error)})") from None
    if not columns:
        raise DataError("the table has no columns")
    rounded = [name for name, column in given if _loses_digits(column)]
    return Table(columns, notes=rounding_notes(rounded))


def _reason(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def _given(data: Any) -> Iterator[tuple[str, Any]]:
    """The names and the columns, as pyarrow's ChunkedArray, that an object gives."""
    import pyarrow

    if not hasattr(data, "__arrow_c_stream__"):
        yield from _interchanged(data)
        return
    found = pyarrow.chunked_array(data)
    if not pyarrow.types.is_struct(found.type):  # a single column
        yield positional_name(0), found
        return
    table = pyarrow.Table.from_struct_array(found)
    for index, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
        yield name or positional_name(index), column


def _interchanged(data: Any) -> Iterator[tuple[str, Any]]:
    """The columns of the older protocol, https://data-apis.org/dataframe-protocol/latest/."""
    from pyarrow.interchange import from_dataframe

    frame = data.__dataframe__()
    for index, name in enumerate(map(str, frame.column_names())):
        try:
            yield name, from_dataframe(frame.select_columns([index])).column(0)
        except (ValueError, TypeError, RuntimeError) as error:  # NotImplementedError is one too
            message = f"the column {shown(name)} cannot be passed on ({_reason(error)})"
            raise DataError(message) from None


def _loses_digits(column: Any) -> bool:
    """Whether a column holds integers that float64 does not hold."""
    is_long = str(column.type) in ("int64", "uint64")
    return is_long and loses_digits(column.drop_null().to_numpy())


def _column(name: str, column: Any) -> Column:
    """One column, by its type."""
    from pyarrow import BaseExtensionType, int8, types

    kind = column.type
    if isinstance(kind, BaseExtensionType):
        return _column(name, column.cast(kind.storage_type))
    if types.is_integer(kind) or types.is_floating(kind):
        return numeric_column(name, column.to_numpy())
    if types.is_boolean(kind):
        return Column(name, column.cast(int8()).to_numpy().astype(np.float64), "bool")
    if types.is_null(kind):
        return Column(name, np.full(len(column), np.nan), "float")
    if types.is_date(kind) or types.is_timestamp(kind):
        in_utc = getattr(kind, "tz", None) is not None
        return date_column(name, column.to_numpy(), in_utc=in_utc)
    if types.is_duration(kind):
        return seconds_column(name, column.to_numpy())
    if types.is_decimal(kind):
        return cell_column(name, column.to_pylist())
    if types.is_time(kind):
        return coded_column(name, column.cast("string").to_pylist(), _without_zeros)
    if _are_lists_of_texts(kind):
        return text_column(name, column.to_pylist())
    return _coded(name, column)


def _without_zeros(clock: str) -> str:
    """A time of the day without zeros at the end of its part of a second."""
    return clock.rstrip("0").rstrip(".") if "." in clock else clock


def _coded(name: str, column: Any) -> Column:
    """A column of categories, or of texts, each of which is decoded once."""
    import pyarrow

    is_categorical = pyarrow.types.is_dictionary(column.type)
    if not (is_categorical or _is_text(column.type)):
        raise _refused(name, column.type)
    coded = (column if is_categorical else column.dictionary_encode()).combine_chunks()
    words = coded.dictionary
    if is_categorical:
        known = _column(name, pyarrow.chunked_array([words]))
    else:
        known = coded_column(name, words.to_pylist(), lambda cell: _text(name, cell))
    codes: Array = coded.indices.cast("int64").fill_null(-1).to_numpy()
    return categorical_column(codes, known)


def _text(name: str, cell: str | bytes) -> str:
    if isinstance(cell, str):
        return cell
    return as_utf8(cell, lambda message: Problem(f"column {shown(name)}: {message}"))


_TEXTS = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")

_LISTS = ("list", "large_list", "fixed_size_list")


def _is_text(kind: Any) -> bool:
    return str(kind) in _TEXTS or str(kind).startswith("fixed_size_binary")


def _are_lists_of_texts(kind: Any) -> bool:
    if _family(kind) not in _LISTS:
        return False
    inner = getattr(kind.value_type, "value_type", kind.value_type)  # of categories, the words'
    return str(inner) in (*_TEXTS[:3], "null")


def _family(kind: Any) -> str:
    """The name of a type without what stands in its angle brackets."""
    return str(kind).partition("<")[0]


def _refused(name: str, kind: Any) -> DataError:
    """The error for a type that is not read: what it is, and what to do."""
    unknown = (f"the Arrow type {shown(str(kind))}", "cast it to numbers or text")
    what, advice = _REFUSED.get(_family(kind), unknown)
    if _family(kind) in _LISTS:
        is_number = str(kind.value_type).startswith(("int", "uint", "float", "double", "decimal"))
        what = f"lists of {'numbers' if is_number else 'other values'}"
        advice = "give every number a column of its own"
    return DataError(f"the column {shown(name)} holds {what}; {advice}")


_REFUSED = {
    "struct": ("records", "give every field a column of its own (unnest or flatten)"),
    "map": ("mappings", "give every key a column of its own"),
    "dense_union": ("values of several types", "cast them to one type"),
    "sparse_union": ("values of several types", "cast them to one type"),
    "run_end_encoded": ("run-end encoded values", "decode them first"),
    "list_view": ("list views", "cast them to lists"),
    "large_list_view": ("list views", "cast them to lists"),
    "month_day_nano_interval": ("intervals", "cast them to durations or numbers"),
}
