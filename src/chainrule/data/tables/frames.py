"""Tables from data in memory: data frames of any library, mappings, records and arrays.

No library is imported for pandas and polars, which are known by what their objects can do. Others
give their columns by Arrow's or the older interchange protocol, which pyarrow reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, shown
from chainrule.data.tables.arrow import table_of_arrow
from chainrule.data.tables.table import Column, Table, numeric_column, positional_name
from chainrule.data.tables.typed_cells import (
    categorical_column,
    cell_column,
    date_column,
    loses_digits,
    rounding_notes,
    text_column,
)


def table_of(data: Any, name: str = "data") -> Table:
    """The table that an object in memory is.

    Args:
        data: a DataFrame or a Series of pandas, of polars or of another library that gives its
            columns by ``__arrow_c_stream__`` or ``__dataframe__``; a pyarrow Table or RecordBatch;
            a mapping from names to columns; a list of mappings, one a row; a structured array; an
            array (rows, columns) of numbers or texts, or what NumPy makes one of, such as a list
            of rows or a tensor. A `Table` is returned as it is.
        name: how the caller calls the object, for messages.

    Returns:
        The table. Columns of an array are called ``column_1``, ``column_2``, ... and
        ``has_names`` is False. float64 without missing cells is not copied where the source allows
        it.

    Raises:
        DataError: the object is sparse, on another device or no table; a cell holds an array, a
            record or another object; two columns have the same name. The message names the column
            and, counted from 0, the row.

    Example:
        >>> table = table_of({"age": [31, 7], "city": ["Oslo", None]})
        >>> table.names, table["city"].texts()
        (['age', 'city'], ['Oslo', ''])
        >>> table_of([[1.0, 2.0], [3.0, 4.0]]).names
        ['column_1', 'column_2']
    """
    try:
        table = _table_of(data, name)
        if not len(table):
            raise DataError("the table has no rows")
        return table
    except DataError as error:
        problems = [
            replace(p, message=p.message if p.path else f"{name}: {p.message}")
            for p in error.problems
        ]
        raise DataError(problems) from None


def _table_of(data: Any, name: str) -> Table:
    if isinstance(data, Table):
        return data
    refuse_sparse(data, name)
    if isinstance(data, str | bytes) or data is None:
        raise DataError(f"expected a data frame or an array, found {shown(data)}")
    if isinstance(data, Mapping):
        return _from_columns({key: data[key] for key in data})
    if hasattr(data, "iloc"):
        return _from_pandas(data, name)
    if hasattr(data, "get_columns") or hasattr(data, "to_physical"):
        return _from_polars(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__dataframe__"):
        return table_of_arrow(data)
    if _are_records(data):
        return _from_records(data)
    return _from_array(as_array(data, name))


def is_frame(data: Any) -> bool:
    """Whether an object is a table by its kind, and not an array or a list of rows."""
    is_column_wise = hasattr(data, "__arrow_c_stream__") or hasattr(data, "__dataframe__")
    is_known = isinstance(data, Table | Mapping) or hasattr(data, "iloc")
    is_known |= isinstance(data, np.ndarray) and data.dtype.names is not None
    return is_known or is_column_wise or _are_records(data)


def _are_records(data: Any) -> bool:
    is_list = isinstance(data, Sequence) and not isinstance(data, str | bytes)
    return is_list and len(data) > 0 and all(isinstance(row, Mapping) for row in data)


def refuse_sparse(data: Any, name: str) -> None:
    """Refuse SciPy's sparse matrices, and PyTorch's sparse tensors."""
    if hasattr(data, "toarray") and hasattr(data, "nnz"):
        advice = f"{name}.toarray() makes an array of it"
        raise DataError(f"a sparse matrix is not read; {advice}")
    if getattr(data, "is_sparse", False) is True:
        raise DataError(f"a sparse tensor is not read; {name}.to_dense() makes a dense one of it")


# pandas


def _from_pandas(data: Any, name: str) -> Table:
    """A DataFrame or a Series of pandas, or of a library that imitates it."""
    if not hasattr(data, "columns"):  # a Series
        title = positional_name(0) if data.name is None else str(data.name)
        _refuse_sparse_columns({title: data}, name)
        found = (_of_series(title, data),)
        return Table(found, data.name is not None, notes=_index_note(data, name))
    titles = list(data.columns)
    if any(isinstance(title, tuple) for title in titles):
        raise DataError(
            f"the columns have several levels of names, such as {shown(titles[0])}; give each one "
            f"name: {name}.columns = ['_'.join(map(str, c)) for c in {name}.columns]"
        )
    if not titles:
        raise DataError("the table has no columns")
    names = [str(title) for title in titles]
    series = [data.iloc[:, k] for k in range(len(titles))]
    _refuse_sparse_columns(dict(zip(names, series, strict=True)), name)
    made = [_of_series(n, s) for n, s in zip(names, series, strict=True)]
    has_names = titles != list(range(len(titles)))  # pandas counts the columns that have no name
    if not has_names:
        made = [replace(column, name=positional_name(k)) for k, column in enumerate(made)]
    rounded = [c.name for c, s in zip(made, series, strict=True) if _beyond(s)]
    notes = (*_index_note(data, name), *rounding_notes(rounded))
    return Table(tuple(made), has_names, notes=notes)


def _refuse_sparse_columns(series: Mapping[str, Any], name: str) -> None:
    sparse = [title for title, each in series.items() if str(each.dtype).startswith("Sparse")]
    if sparse:
        title = shown(sparse[0])
        dense = f"{name}.sparse.to_dense() makes dense columns of them"
        if len(sparse) < len(series):
            dense = f"write {name}[{title}] = {name}[{title}].sparse.to_dense()"
        raise DataError(f"the column {title} is sparse, which is not read; {dense}")


def _of_series(title: str, series: Any) -> Column:
    """The column of a Series, by its dtype."""
    dtype = series.dtype
    if hasattr(dtype, "categories"):
        known = cell_column(title, np.asarray(dtype.categories))
        return categorical_column(np.asarray(series.cat.codes), known)
    if isinstance(dtype, np.dtype):
        return cell_column(title, np.asarray(series))
    if hasattr(dtype, "pyarrow_dtype") and hasattr(series, "__arrow_c_stream__"):
        return replace(table_of_arrow(series).columns[0], name=title)
    kind = getattr(dtype, "kind", "O")
    if kind in "iufb":  # with NA for missing cells
        numbers = series.to_numpy(dtype=np.float64, na_value=np.nan)
        return Column(title, numbers, "bool") if kind == "b" else numeric_column(title, numbers)
    if kind == "M":  # in a time zone
        return date_column(title, series.to_numpy(dtype="M8[ns]"), in_utc=True)
    return cell_column(title, series.to_numpy(dtype=object))


def _index_note(data: Any, name: str) -> tuple[str, ...]:
    """What the user is told of an index that holds more than the number of the row."""
    index = data.index
    names = [str(each) for each in index.names if each is not None]
    is_counted = getattr(index.dtype, "kind", "O") in "iu" and not names
    if is_counted or not len(index):
        return ()
    title = f" {', '.join(map(shown, names))}" if names else f" ({shown(str(index[0]))}, ...)"
    return (f"the index{title} is no column; {name}.reset_index() makes it one",)


def _beyond(series: Any) -> bool:
    """Whether a Series holds integers that float64 does not hold."""
    is_long = getattr(series.dtype, "kind", "O") in "iu" and series.dtype.itemsize == 8
    return is_long and loses_digits(series.dropna().to_numpy())


# polars


def _from_polars(data: Any) -> Table:
    """A DataFrame or a Series of polars."""
    series = data.get_columns() if hasattr(data, "get_columns") else [data]
    if not series:
        raise DataError("the table has no columns")
    columns = tuple(
        _of_polars(each.name or positional_name(k), each) for k, each in enumerate(series)
    )
    rounded = [
        column.name
        for column, each in zip(columns, series, strict=True)
        if str(each.dtype) in ("Int64", "UInt64") and loses_digits(each.drop_nulls().to_numpy())
    ]
    return Table(columns, notes=rounding_notes(rounded))


def _of_polars(title: str, series: Any) -> Column:
    """The column of a Series of polars, by its dtype."""
    dtype = series.dtype
    kind = dtype.base_type().__name__
    if kind == "Enum":  # its categories have an order
        codes = series.to_physical().cast(int).fill_null(-1).to_numpy()
        return categorical_column(codes, cell_column(title, dtype.categories.to_list()))
    if kind in ("Date", "Datetime"):
        in_utc = getattr(dtype, "time_zone", None) is not None
        return date_column(title, series.to_numpy(), in_utc=in_utc)
    if kind == "Boolean":
        return Column(title, series.cast(float).to_numpy(), "bool")
    if kind in ("Decimal", "Null", "Int128", "UInt128"):
        return cell_column(title, series.to_list())
    if kind == "Duration" or dtype.is_numeric():
        return cell_column(title, series.to_numpy())
    return text_column(title, series.to_list())


# Python and NumPy


def _from_columns(columns: Mapping[Any, Any]) -> Table:
    """A mapping from names to columns, each of which is one-dimensional."""
    if not columns:
        raise DataError("the table has no columns")
    made = [_one_column(str(key), values) for key, values in columns.items()]
    lengths = {column.name: len(column) for column in made}
    first = made[0].name
    for key, length in lengths.items():
        if length != lengths[first]:
            message = f"the column {shown(key)} has {length} rows"
            raise DataError(f"{message}, but {shown(first)} has {lengths[first]}")
    arrays = {str(k): v for k, v in columns.items() if isinstance(v, np.ndarray)}
    rounded = [key for key, array in arrays.items() if loses_digits(array)]
    return Table(tuple(made), notes=rounding_notes(rounded))


def _one_column(name: str, values: Any) -> Column:
    """One column from an array, a list, a Series or a tensor."""
    if hasattr(values, "iloc") or hasattr(values, "__arrow_c_stream__"):
        return replace(_table_of(values, name).columns[0], name=name)
    refuse_sparse(values, name)
    if isinstance(values, list | tuple | range):
        return cell_column(name, values)
    array = as_array(values, name)
    if array.ndim != 1:
        message = f"the column {shown(name)} has the shape {array.shape}"
        raise DataError(f"{message}; expected one number or text a row")
    return _checked_column(name, array)


def _checked_column(name: str, array: Array) -> Column:
    if array.dtype.name.startswith(("bfloat", "float8")):  # of JAX and its relatives
        array = array.astype(np.float32)
    if array.dtype.kind not in "biufMmUSO":
        message = f"the column {shown(name)} holds {array.dtype}"
        raise DataError(f"{message}; expected real numbers, texts or dates")
    return cell_column(name, array)


def _from_records(rows: Sequence[Mapping[Any, Any]]) -> Table:
    """A list of mappings, one a row; a key that a row lacks is a missing cell."""
    names = dict.fromkeys(key for row in rows for key in row)
    return _from_columns({key: [row.get(key) for row in rows] for key in names})


def as_array(data: Any, name: str) -> Array:
    """The object as NumPy's array, with NaN or None where it is masked.

    Raises:
        DataError: NumPy makes no array of it; the message says why.
    """
    refuse_sparse(data, name)
    if isinstance(data, np.ma.MaskedArray) and np.ma.is_masked(data):
        dtype = np.float64 if data.dtype.kind in "biuf" else np.object_
        filled: Any = data.astype(dtype)
        return np.asarray(filled.filled(np.nan if dtype == np.float64 else None))
    if getattr(data, "requires_grad", False) is True:
        raise DataError(f"a tensor that requires a gradient is no data; use {name}.detach()")
    if isinstance(data, list | tuple) and data and all(_is_row(row) for row in data):
        return _from_rows(data)
    try:
        return np.asarray(data)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        reason = str(error).partition("\n")[0][:200]
        hint = f"; use {name}.cpu()" if "device" in reason else ""
        if "BFloat16" in reason:
            hint = f"; use {name}.float()"
        raise DataError(f"NumPy makes no array of it ({reason}){hint}") from None


def _is_row(row: Any) -> bool:
    return isinstance(row, list | tuple)


def _from_rows(rows: Sequence[Sequence[Any]]) -> Array:
    """Rows of the same length as an array (rows, columns) of their own values."""
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            message = f"row {index} has {len(row)} cells, but row 0 has {len(rows[0])}"
            raise DataError(message)
    found = np.empty((len(rows), len(rows[0])), dtype=object)
    for index, row in enumerate(rows):
        found[index, :] = row
    return found


def _from_array(array: Array) -> Table:
    """A structured array, or one of one or two dimensions."""
    if array.dtype.names:
        fields = {title: array[title] for title in array.dtype.names}
        if array.ndim != 1:
            raise DataError(f"found records in the shape {array.shape}; expected one a row")
        return _from_columns(fields)
    if array.ndim == 0:
        raise DataError(f"expected a data frame or an array, found {shown(array.item())}")
    if array.ndim > 2 or 0 in array.shape[1:]:
        message = f"found an array of the shape {array.shape}; expected (rows, columns)"
        raise DataError(message)
    columns = [array] if array.ndim == 1 else list(array.T)
    made = [_checked_column(positional_name(k), column) for k, column in enumerate(columns)]
    rounded = [positional_name(k) for k, column in enumerate(columns) if loses_digits(column)]
    return Table(tuple(made), has_names=False, notes=rounding_notes(rounded))
