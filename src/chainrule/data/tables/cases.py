"""From a table whose last column is the label, or that has none, to `Cases`.

So are tables read beside arrays, which have no names that their columns could go by.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MOST_SHOWN
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.delimited import MOST_COUNTED, counted
from chainrule.data.tables.cells import wrong_missing
from chainrule.data.tables.notation import Notation, wrong_number
from chainrule.data.tables.table import Column, Table


def cases_of_table(table: Table, *, features: int | None = None) -> Cases:
    """The inputs and the labels of a table all of whose inputs are numbers.

    Args:
        table: the table.
        features: the number of inputs if it is known: a table with exactly this many columns then
            has no label.

    Returns:
        x (cases, features) float64, and the labels.

    Raises:
        DataError: an input is no number, or a cell is missing; with the places.
    """
    columns = len(table.columns)
    _check_columns(table, features)
    has_labels = columns != features
    inputs = [*table.columns[: columns - has_labels]]
    _refuse_wrong(table, inputs)
    x = np.column_stack([column.values for column in inputs])
    labels = _labels(table, table.columns[-1]) if has_labels else None
    names = tuple(column.name for column in inputs) if table.has_names else None
    return Cases(x, labels, feature_names=names)


def _check_columns(table: Table, features: int | None) -> None:
    columns = len(table.columns)
    read = f" ({table.read_as})" if table.read_as else ""
    if features is None and columns < 2:
        message = f"found only one column{read}; expected inputs and a label"
    elif features is not None and columns not in (features, features + 1):
        message = (
            f"found {columns} columns{read}; expected the network's {features} inputs, "
            f"or {features + 1} columns with the label"
        )
    else:
        return
    raise DataError(Problem(message, table.path))


def _refuse_wrong(table: Table, inputs: list[Column]) -> None:
    """Refuse inputs that are texts or missing."""
    found = ((_wrong_rows(column, table.notation), column) for column in inputs)
    wrong = [(rows, column) for rows, column in found if len(rows)]
    if not wrong:
        return
    total = sum(len(rows) for rows, _ in wrong)
    first = sorted(
        (int(row), k) for k, (rows, _) in enumerate(wrong) for row in rows[:MOST_SHOWN]
    )[:MOST_SHOWN]
    problems = list(_placed(table, [(row, wrong[k][1]) for row, k in first]))
    raise DataError(counted(problems, min(total - len(first), MOST_COUNTED + 1), table.path))


def _placed(table: Table, cells: list[tuple[int, Column]]) -> Iterator[Problem]:
    for row, column in cells:
        code = int(column.values[row]) if column.is_text else -1
        if code < 0:
            message = wrong_missing(column)
        else:
            message = wrong_number(column.words[code], table.notation)
        if row == 0 and not table.has_names and code >= 0 and column is cells[0][1]:
            message += "; if this line names the columns, write header: true"
        yield table.place(row, column.name, message)


def _wrong_rows(column: Column, notation: Notation) -> Array:
    """The rows whose cell is missing or a text."""
    if not column.is_text:
        return np.flatnonzero(column.missing)
    are_wrong = [notation.number(word) is None for word in column.words]
    return np.flatnonzero(np.array([*are_wrong, True])[column.values])


def _labels(table: Table, column: Column) -> Labels:
    def at(case: int, message: str) -> Problem:
        return table.place(case, column.name, message)

    if column.missing.any():
        raise DataError(at(int(np.argmax(column.missing)), "the label is missing"))
    names = (column.name,) if table.has_names else None
    values = column.texts() if column.is_text else column.values
    return Labels(values, at, table.path, columns=names, type=column.type)
