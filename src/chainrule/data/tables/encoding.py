"""How columns become inputs: numbers, categories, and what stands for missing cells.

A `TableEncoding` is fitted once, on the training data, and belongs to the run. It is applied by
name to every later table, so that columns in another order give the same inputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, nearest, printable, shown
from chainrule.core.limits import MAX_DATA_BYTES, MOST_SHOWN
from chainrule.core.notation import counted, in_a_line
from chainrule.data.tables.fitting import (
    InputColumn,
    Name,
    as_number_column,
    at_cells,
    cells_where,
    fitted_inputs,
    holds_numbers,
)
from chainrule.data.tables.notation import wrong_number
from chainrule.data.tables.roles import OTHER_ROLES, Roles, listed
from chainrule.data.tables.table import MISSING, Column, Table


@dataclass(frozen=True, eq=False)
class EncodedTable:
    """The inputs that a table is for a network.

    Attributes:
        x: (rows, inputs) float64.
        notes: what the user should know, such as columns that were not used.
    """

    x: Array
    notes: tuple[str, ...]


class TableEncoding(BaseModel):
    """What was decided about a table of training data, to be applied to every later table.

    Attributes:
        columns: the names of all columns, in the order of the training data.
        has_names: whether the training data named them.
        inputs: the columns that are inputs, in order.
        labels: the names of the columns of the label.
        label_is_text: whether they are read as texts, even where all of them are numbers.
        label_words: the labels, if each cell lists several of them; otherwise empty.
        weight: the column of weights; None if there is none.
        group: the column of groups; None if there is none.
        time: the column of the order; None if there is none.
        left_out: for each column without a role, the reason.
        new_categories: ``error``, or ``other`` to encode a category that training has not seen by
            zeros (as an integer: by the number of categories).
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    columns: list[Name]
    has_names: bool
    inputs: list[InputColumn]
    labels: list[Name]
    label_is_text: bool = False
    label_words: list[Name] = []
    weight: Name | None = None
    group: Name | None = None
    time: Name | None = None
    left_out: dict[Name, Name] = {}
    new_categories: Literal["error", "other"] = "error"

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        """Refuse columns that are named twice, and roles of columns that there are not."""
        inputs, known = [column.name for column in self.inputs], set(self.columns)
        for what, names in (
            ("columns", self.columns),
            ("inputs", inputs),
            ("labels", self.labels),
            ("label_words", self.label_words),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"{what} names something twice")
        others = [name for key in OTHER_ROLES if (name := getattr(self, key)) is not None]
        for name in (*inputs, *self.labels, *others, *self.left_out):
            if name not in known:
                raise ValueError(f"{shown(name)} is none of the columns")
        if not inputs or set(inputs).intersection(self.labels):
            raise ValueError("no column is an input, or one is an input and a label")
        return self

    @classmethod
    def fit(
        cls, table: Table, roles: Roles, settings: Mapping[str, Any], train: Array
    ) -> TableEncoding:
        """Decide how the columns of a table become inputs.

        The categories are those of the whole table; what stands for missing cells is computed on
        the training rows alone.

        Args:
            table: the table that is split.
            roles: of its columns.
            settings: the keys ``categorical``, ``new_categories``, ``missing`` and
                ``missing_indicator`` of the configuration's ``data``.
            train: the indices of the rows to train on, without those of weight 0.

        Raises:
            ConfigError: a setting names no column, or does not fit its column.
            DataError: cells are missing, or are no numbers, and no setting says what to do.
        """
        inputs = fitted_inputs(table, roles, settings, train)
        new = settings.get("new_categories", "error")
        return cls.of_roles(table, roles, inputs=inputs, new_categories=new)

    @classmethod
    def of_roles(cls, table: Table, roles: Roles, **decided: Any) -> TableEncoding:
        """An encoding with the given roles; by default its inputs are numbers as they are."""
        numbers = [InputColumn(name=name, kind="number") for name in roles.inputs]
        return cls(
            **{"inputs": numbers, **decided},
            columns=table.names,
            has_names=table.has_names,
            labels=list(roles.labels),
            label_is_text=any(table[name].is_text for name in roles.labels),
            weight=roles.weight,
            group=roles.group,
            time=roles.time,
            left_out=dict(roles.left_out or {}),
        )

    def __repr__(self) -> str:
        made = f"{counted(len(self.columns), 'column')}, {counted(self.width, 'input')}"
        labels = in_a_line(map(printable, self.labels), most=60)
        return f"TableEncoding({made}; the label is {labels or 'not there'})"

    __str__ = __repr__

    @property
    def width(self) -> int:
        """The number of the network's inputs."""
        return sum(column.width for column in self.inputs)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return tuple(name for column in self.inputs for name in column.feature_names)

    @property
    def dropping(self) -> list[str]:
        """The inputs whose missing cells leave out their rows."""
        return [column.name for column in self.inputs if column.on_missing == "drop"]

    @property
    def texts(self) -> tuple[str, ...]:
        """The columns whose cells are read as texts."""
        labels = self.labels if self.label_is_text else []
        return (*(column.name for column in self.inputs if column.is_text), *labels)

    @property
    def roles(self) -> Roles:
        """The roles of the columns."""
        inputs = tuple(column.name for column in self.inputs)
        others = {key: getattr(self, key) for key in OTHER_ROLES}
        return Roles(tuple(self.labels), inputs, **others, left_out=self.left_out)

    def matched(self, table: Table) -> Table:
        """The table with its columns named as those of the training data.

        A table whose columns have no names, or whose training data had none, is taken by position:
        it has all columns of the training data, or all but the labels.

        Raises:
            DataError: an input's column is missing, or the number of columns does not fit.
        """
        if self.has_names and table.has_names:
            self._require_inputs(table)
            return table
        for names in (self.columns, [name for name in self.columns if name not in self.labels]):
            if len(names) == len(table.columns):
                return table.renamed(names)
        inputs = [column.name for column in self.inputs]
        if len(inputs) == len(table.columns):
            return table.renamed(inputs)
        found = len(table.columns)
        message = (
            f"found {found} column{'s' * (found != 1)}, expected the {len(self.columns)} of the "
            f"training data ({listed(self.columns)}), or those without the label"
        )
        raise DataError(Problem(message, table.path))

    def _require_inputs(self, table: Table) -> None:
        problems: list[Problem] = []
        known = set(self.columns)
        others = [name for name in table.names if name not in known]
        for column in self.inputs:
            if column.name not in table:
                guess = nearest(column.name, others) if len(problems) < MOST_SHOWN else None
                hint = f"; is it {shown(guess)} here?" if guess else ""
                message = f"the column {shown(column.name)}, an input, is missing{hint}"
                problems.append(Problem(message, table.path))
        if problems:
            if len(problems) > MOST_SHOWN:
                more = len(problems) - MOST_SHOWN
                rest = Problem(f"and {more:,} more of the inputs are missing", table.path)
                problems = [*problems[:MOST_SHOWN], rest]
            message = f"the columns found are {listed(table.names)}"
            raise DataError([*problems, Problem(message, table.path)])

    def apply(self, table: Table, *, is_fitted_on: bool = False) -> EncodedTable:
        """The inputs that the rows of a matched table are for the network.

        Args:
            table: the table.
            is_fitted_on: whether this encoding was fitted on it, so that the cells filled in are
                reported elsewhere.

        Raises:
            DataError: cells are missing without anything that stands for them, are no numbers, or
                are categories that training has not seen; with the places of the first.
        """
        self._refuse_large(table)
        x: Array = np.empty((len(table), self.width))
        problems: list[Problem] = []
        notes = [*table.notes, *self._notes_on_columns(table)]
        if not is_fitted_on:
            notes += self._filled_in(table)
        start, as_texts = 0, []
        for column in self.inputs:
            values = table[column.name]
            if column.kind == "number" and holds_numbers(values, table.notation):
                values = as_number_column(values, table.notation)
                as_texts.append(column.name)
            found = list(_not_as_fitted(table, values, column, self.new_categories))
            problems += found
            if not found:
                notes += _write(x[:, start : start + column.width], values, column)
            start += column.width
        if problems:
            raise DataError(problems)
        if as_texts:
            notes.append(f"numbers written as texts are taken as numbers: {listed(as_texts)}")
        return EncodedTable(x, tuple(notes))

    def _refuse_large(self, table: Table) -> None:
        """Refuse inputs that would take more memory than any file of data may have bytes."""
        size = len(table) * self.width * np.dtype(np.float64).itemsize
        if size > MAX_DATA_BYTES:
            widest = max(self.inputs, key=lambda column: column.width)
            message = (
                f"{len(table):,} rows of {self.width:,} inputs would take {size / 2**30:.1f} GB, "
                f"more than {MAX_DATA_BYTES // 2**30} GB; {widest.width:,} of the inputs are of "
                f"{shown(widest.name)}"
            )
            if widest.kind == "one_hot":
                message += ", of which categorical: {NAME: integer} makes one"
            raise DataError(Problem(message, table.path))

    def _filled_in(self, table: Table) -> list[str]:
        """A note of the missing cells for which something stands."""
        found = []
        for column in self.inputs:
            number = int(table[column.name].missing.sum())
            if number and column.on_missing not in ("error", "drop"):
                what = "zeros" if column.fill is None else _as_text(column.fill)
                found.append(f"{number:,} in {column.name} ({column.on_missing}: {what})")
        if len(found) > MOST_SHOWN:
            found = [*found[: MOST_SHOWN - 1], f"and {len(found) - MOST_SHOWN + 1} more columns"]
        return [f"missing cells filled in: {', '.join(found)}"] if found else []

    def _notes_on_columns(self, table: Table) -> list[str]:
        """Columns that training did not have, and a table without names taken by position."""
        known = set(self.columns)
        extra = [name for name in table.names if name not in known]
        notes = []
        if extra:
            source = table.path.name if table.path else "the data"
            which = "column" if len(extra) == 1 else "columns"
            notes.append(f"{source}: the {which} {listed(extra)} of no use: not in training")
        if self.has_names and not table.has_names:
            without = "no header" if table.path else "no names"
            taken = f"the columns are taken by position as {listed(table.names)}"
            notes.append(f"{without}: {taken}")
        return notes


def _as_text(fill: float | str) -> str:
    return fill if isinstance(fill, str) else f"{fill:.4g}"


def _not_as_fitted(
    table: Table, values: Column, column: InputColumn, new_categories: str
) -> Iterator[Problem]:
    """The cells of a later table that cannot become inputs as in training."""
    if column.kind == "number" and values.is_text:
        used = table.notation
        is_wrong = cells_where(values, lambda text: used.number(text) is None)
        yield from at_cells(table, values, is_wrong, lambda text: wrong_number(text, used))
        return
    if column.on_missing in ("error", "drop"):
        hint = f"; the run was trained with missing: {column.on_missing}"
        yield from at_cells(table, values, values.missing, lambda text: "a missing cell", hint)
    if column.kind != "number" and new_categories == "error":
        known = set(column.categories)
        is_new = cells_where(values, lambda text: text not in known)
        hint = (
            f"; training had {listed(column.categories)}. A run with new_categories: other takes "
            "new ones for none of them"
        )
        yield from at_cells(
            table, values, is_new, lambda text: f"new category {shown(text, 40)}", hint
        )


def _write(x: Array, values: Column, column: InputColumn) -> list[str]:
    """Write a column's inputs into ``x``, (rows, width); returns what the user should know."""
    if column.has_indicator:
        x[:, -1] = values.missing
    if column.kind == "number":
        numbers = values.values
        x[:, 0] = (
            numbers if column.fill is None else np.where(values.missing, column.fill, numbers)
        )
        return []
    index = {category: k for k, category in enumerate(column.categories)}
    words, which = values.distinct()
    beyond = len(index)
    codes = np.array([index.get(word, beyond) for word in words], dtype=np.intp)
    fill = beyond if column.fill is None else index[str(column.fill)]
    found = np.append(codes, fill)[which]  # the index −1 of a missing cell is the last entry
    if column.kind == "integer":
        x[:, 0] = found
    else:
        x[:, :beyond] = found[:, None] == np.arange(beyond)
    new = int((found[which != MISSING] == beyond).sum())
    if new:
        cells = "1 cell" if new == 1 else f"{new:,} cells"
        return [f"{cells} of {column.name}: a category that training has not seen"]
    return []
