"""How columns become inputs: numbers, categories, and what stands for missing cells.

A `TableEncoding` is fitted once, on the training data, and belongs to the run. It is applied by
name to every later table, so that columns in another order give the same inputs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.core.limits import MAX_DATA_BYTES
from chainrule.data.readers.cases import commands_terminal
from chainrule.data.tables.cells import (
    Notation,
    TableOptions,
    is_number,
    may_be_number,
    notation_advice,
    wrong_number,
)
from chainrule.data.tables.dates import are_dates
from chainrule.data.tables.roles import OTHER_ROLES, Roles, all_named, as_key, listed, named
from chainrule.data.tables.table import LONGEST_NAME, MISSING, Column, Table, numeric_column

MOST_CATEGORIES = 10_000
"""A column of more categories than this is refused."""

MOST_SHOWN = 10
"""At most this many cells are reported with their places; the others are counted."""

MOST_FILLED = 0.5
"""If a larger fraction of a column's cells is missing, a setting must say what stands for them."""

_FEW = 20
"""A column of at most this many distinct texts is never taken for dates, names or identifiers."""

MOST_DROPPED = 50
"""At most this many columns are listed to be left out."""

_Name = Annotated[str, Field(max_length=LONGEST_NAME)]


class InputColumn(BaseModel):
    """How one column of a table becomes one or several inputs.

    Attributes:
        name: of the column.
        kind: ``number`` for its numbers as they are; ``one_hot`` for an input for each category, 1
            where it is the cell's; ``integer`` for the index of the category.
        categories: in the order of the inputs or of the indices; empty for numbers.
        fill: the number or the category that stands for a missing cell; None if there is none:
            a missing cell is then an error, or all inputs of its categories are 0.
        is_text: whether the cells are read as texts, even where all of them are numbers.
        on_missing: what is done about a missing cell.
        has_indicator: whether one more input is 1 where the cell is missing and 0 elsewhere.
        missing: how many cells of the training data's file are missing.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    name: _Name
    kind: Literal["number", "one_hot", "integer"]
    categories: list[_Name] = []
    fill: float | _Name | None = None
    is_text: bool = False
    on_missing: Literal["error", "mean", "median", "most_frequent", "zero", "drop"] = "error"
    has_indicator: bool = False
    missing: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what no training writes, and what would leave an input without its number."""
        if len(set(self.categories)) < len(self.categories):
            raise ValueError(f"a category of {shown(self.name)} is named twice")
        is_number = self.kind == "number"
        fits = isinstance(self.fill, float) if is_number else self.fill in self.categories
        if self.fill is not None and not fits:
            raise ValueError(f"what fills {shown(self.name)} cannot be one of its cells")
        return self

    @property
    def width(self) -> int:
        """The number of inputs."""
        return (len(self.categories) if self.kind == "one_hot" else 1) + self.has_indicator

    @property
    def feature_names(self) -> list[str]:
        """The names of the inputs, such as ``age``, ``city=Oslo`` and ``age is missing``."""
        names = [self.name]
        if self.kind == "one_hot":
            names = [f"{self.name}={category}" for category in self.categories]
        return [*names, f"{self.name} is missing"] if self.has_indicator else names


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

    columns: list[_Name]
    has_names: bool
    inputs: list[InputColumn]
    labels: list[_Name]
    label_is_text: bool = False
    label_words: list[_Name] = []
    weight: _Name | None = None
    group: _Name | None = None
    time: _Name | None = None
    left_out: dict[_Name, _Name] = {}
    new_categories: Literal["error", "other"] = "error"

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
        ways = _by_column(table, settings, "missing", None)
        kinds = _by_column(table, settings, "categorical", None, listed_as="one_hot")
        problems: list[Problem] = []
        inputs: list[InputColumn] = []
        unfit: dict[str, _Unfit] = {}
        indicators = settings.get("missing_indicator", False)
        for name in roles.inputs:
            column = table[name]
            if kinds[name] is None and holds_numbers(column):
                column = _as_number_column(column)
            reason = _unfit(table, column, kinds[name], ways[name])
            found = list(_unusable(table, column, kinds[name], ways[name])) if not reason else []
            problems += found
            if reason:
                unfit[name] = reason
            elif not found:
                inputs.append(_fitted(column, kinds[name], ways[name], train, indicators))
        if problems or unfit:
            raise DataError([*problems, *_to_be_left_out(table, unfit, settings)])
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
            if column.kind == "number" and holds_numbers(values):
                values = _as_number_column(values)
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


def holds_numbers(column: Column) -> bool:
    """Whether a column of texts holds nothing but numbers, none with zeros in front as in codes.

    Text files are read so that there is none; typed sources, such as data frames, may have one.
    """
    if not column.is_text:
        return False
    words = {column.words[code] for code in np.unique(column.values[~column.missing])}
    return bool(words) and all(map(_is_plain_number, words))


def _is_plain_number(word: str) -> bool:
    return is_number(word) and not re.match(r"[-+]?0[0-9]", word)


def _as_number_column(column: Column) -> Column:
    """A column of numbers from one of texts for which `holds_numbers` is true."""
    numbers = [Notation().number(word) for word in column.words]
    values = np.array([*(np.nan if n is None else n for n in numbers), np.nan])
    return numeric_column(column.name, values[column.values])


def _as_text(fill: float | str) -> str:
    return fill if isinstance(fill, str) else f"{fill:.4g}"


def dropping_inputs(table: Table, roles: Roles, settings: Mapping[str, Any]) -> list[str]:
    """The inputs whose missing cells leave out their rows, as the setting ``missing`` says.

    Args:
        table: the training data, in which a number stands for a column by its position.
        roles: of its columns.
        settings: the ``data`` mapping of the configuration.
    """
    ways = _by_column(table, settings, "missing", None)
    return [name for name in roles.inputs if ways[name] == "drop"]


def _by_column(
    table: Table, settings: Mapping[str, Any], key: str, usual: str | None, listed_as: str = ""
) -> dict[str, Any]:
    """A setting's word for each column.

    The setting is one word for all columns, a mapping from columns to words, or a list of the
    columns whose word is ``listed_as``.
    """
    value = settings.get(key, usual)
    if isinstance(value, list):
        value = dict.fromkeys(value, listed_as)
    if not isinstance(value, Mapping):
        return dict.fromkeys(table.names, value)
    # Keys in YAML are texts; one that is a number, and no column's name, is a column's number.
    keys = {c: int(c) if str(c).removeprefix("-").isdecimal() else c for c in value}
    chosen = {named(table, keys[column], key): word for column, word in value.items()}
    return {name: chosen.get(name, usual) for name in table.names}


class _Unfit(NamedTuple):
    """Why a column of the training data should be no input.

    Attributes:
        row: where that is seen.
        reason: in words.
        otherwise: what to write if it should be an input nevertheless, or "".
    """

    row: int
    reason: str
    otherwise: str


def _unfit(table: Table, column: Column, kind: str | None, way: str | None) -> _Unfit | None:
    """Why a column should be left out, unless a setting says otherwise; None if it is fit."""
    missing, name, key = column.missing, shown(column.name), as_key(table, column.name)
    if missing.all():
        return _Unfit(0, f"every cell of the column {name} is missing", "")
    first = int(np.argmin(missing))
    if column.is_text and kind is None and not _may_be_numbers(column):
        different, known = len(column.distinct()[0]), int((~missing).sum())
        are_categories = f"if they are categories: categorical: [{key}]"
        if different > _FEW and are_dates(column.words):
            reason = f"the column {name} holds dates such as {shown(column.text(first), 40)[1:-1]}"
            otherwise = f"write time: {key} to divide the data in their order, or {are_categories}"
            return _Unfit(first, f"{reason}, which are no numbers to learn from", otherwise)
        if different > max(_FEW, known / 2):
            reason = f"the column {name} has {different} different texts in {known} rows"
            return _Unfit(first, f"{reason}, as names or identifiers have", are_categories)
    if (column.is_text or kind is not None) and len(column.distinct()[0]) > MOST_CATEGORIES:
        return _Unfit(first, f"{name} has more than {MOST_CATEGORIES:,} categories", "")
    if way is None and missing.mean() > MOST_FILLED:
        ways = "most_frequent" if column.is_text else "mean"
        reason = f"{int(missing.sum())} of {len(column)} cells of {name[1:-1]} are missing"
        otherwise = f"fill them in: missing: {{{key}: {ways}}}"
        return _Unfit(int(np.argmax(missing)), reason, otherwise)
    return None


def _to_be_left_out(
    table: Table, unfit: Mapping[str, _Unfit], settings: Mapping[str, Any]
) -> Iterator[Problem]:
    """A problem for each column that should be left out, and the one setting that does it."""
    if not unfit:
        return
    already = all_named(table, settings, "drop")
    keys = [as_key(table, name) for name in (*already, *unfit)]
    more = [f"... ({len(keys) - MOST_DROPPED} more)"] * (len(keys) > MOST_DROPPED)
    setting = f"drop: [{', '.join([*keys[:MOST_DROPPED], *more])}]"
    alone = len(unfit) == 1
    for name, (row, reason, otherwise) in islice(unfit.items(), MOST_SHOWN):
        hint = f" ({otherwise})" * bool(otherwise)
        if alone:
            hint = f"; leave it out: {setting}" + f", or {otherwise}" * bool(otherwise)
        yield table.place(row, name, reason + hint)
    if not alone:
        which = f"these {len(unfit)} columns"
        yield Problem(f"leave {which} out: {setting}", table.path)


def _unusable(
    table: Table, column: Column, kind: str | None, way: str | None
) -> Iterator[Problem]:
    """The cells by which a column of the training data cannot become inputs."""
    if way == "error" and column.missing.any():
        yield from _missing_cells(table, column)
    if column.is_text and kind is None:
        yield from _no_category(table, column)


def _missing_cells(table: Table, column: Column) -> Iterator[Problem]:
    """The places of the first missing cells, and the keys that say what to do about them."""
    words = ", ".join(repr(word) for word in column.missing_words if word)
    found = f"the cell is missing ({words})" if words else "the cell is empty"
    count = int(column.missing.sum())
    ways = "most_frequent" if column.is_text else "mean"
    hint = (
        f"; {count} of {len(column)} cells of {column.name} are missing: write missing: {ways} to "
        f"fill them in, missing: drop to leave out such rows, or drop: [{column.name}]"
    )
    yield from _places(table, column, column.missing, lambda text: found, hint)


def _places(
    table: Table, column: Column, which: Array, message: Callable[[str], str], hint: str = ""
) -> Iterator[Problem]:
    """A problem at each of the first cells, with a hint at the first, and a count of the others.

    Args:
        table: for the places.
        column: of the cells.
        which: the cells, (rows,) bool.
        message: from a cell's text to the message.
        hint: text behind the first message.
    """
    rows = np.flatnonzero(which)
    for row in rows[:MOST_SHOWN].tolist():
        yield table.place(row, column.name, message(column.text(row)) + hint)
        hint = ""
    if len(rows) > MOST_SHOWN:
        more = len(rows) - MOST_SHOWN
        yield Problem(f"and {more:,} more such cells in {shown(column.name)}", table.path)


def _cells_where(column: Column, holds: Callable[[str], bool]) -> Array:
    """Which cells are not missing and have a text that ``holds`` accepts, (rows,) bool."""
    words, which = column.distinct()
    answers = np.array([*map(holds, words), False], dtype=bool)
    found: Array = answers[which]  # the index -1 of a missing cell is the last answer
    return found


def _no_number(text: str) -> str:
    return wrong_number(text, TableOptions(na=()))


def _may_be_numbers(column: Column) -> bool:
    """Whether most texts of a column are numbers, if in another notation."""
    are_numbers = _cells_where(column, lambda text: is_number(text) or may_be_number(text))
    return bool(are_numbers.sum() > (~column.missing).sum() / 2)


def _no_category(table: Table, column: Column) -> Iterator[Problem]:
    """The cells by which texts are not taken for categories unless a setting says so."""
    if _may_be_numbers(column):
        yield from _no_numbers(table, column)
    is_long = _cells_where(column, lambda text: len(text) > LONGEST_NAME)
    message = f"the cell has more than {LONGEST_NAME:,} characters, which is no category"
    yield from _places(table, column, is_long, lambda text: message)
    is_unsafe = _cells_where(column, commands_terminal)
    yield from _places(
        table, column, is_unsafe, lambda text: f"the cell {shown(text, 40)} has control characters"
    )


def _no_numbers(table: Table, column: Column) -> Iterator[Problem]:
    """The cells that keep a column from being one of numbers, and what settles it."""
    known, are_numbers = ~column.missing, _cells_where(column, is_number)
    if are_numbers[known].all():  # numbers that are kept as texts, such as codes with zeros
        return
    key = as_key(table, column.name)
    advice = f"; if {column.name} is a category, write categorical: [{key}]"
    first = int(np.argmax(known & ~are_numbers))
    text, notation = column.text(first), notation_advice(column.words)
    if notation:
        found = f"expected numbers, found cells such as {shown(text, 40)}; write {notation}"
        yield table.place(first, column.name, found + advice)
        return
    if all(map(may_be_number, column.words)):  # one of them says what is true of all
        yield table.place(first, column.name, _no_number(text) + advice)
        return
    if others := int(are_numbers.sum()):
        other = f"; {others:,} other cells of {column.name} are numbers"
        advice = f"{other}. If it stands for a missing cell, list it under na:{advice}"
    yield from _places(table, column, known & ~are_numbers, _no_number, advice)


def _fitted(
    column: Column, kind: str | None, way: Any, train: Array, indicators: bool
) -> InputColumn:
    """How a column that can be used becomes inputs."""
    chosen: Any = kind or ("one_hot" if column.is_text else "number")
    way = way or ("mean" if chosen == "number" else "most_frequent")
    categories = [] if chosen == "number" else _ordered(column)
    missing = column.missing[train]
    return InputColumn(
        name=column.name,
        kind=chosen,
        categories=categories,
        fill=_fill(column.take(train), chosen, way),
        is_text=column.is_text,
        on_missing=way,
        has_indicator=bool(indicators and missing.any()),
        missing=int(column.missing.sum()),
    )


def _ordered(column: Column) -> list[str]:
    """The categories: texts in alphabetical order, numbers in ascending order."""
    words, _ = column.distinct()
    return sorted(words) if column.is_text else words


def _fill(column: Column, kind: str, way: str) -> float | str | None:
    """What stands for a missing cell, from the training rows; None for nothing."""
    if way in ("error", "drop"):
        return None
    if kind != "number":
        return None if way == "zero" or column.missing.all() else _most_frequent(column)
    if way == "zero" or column.missing.all():
        return 0.0
    if way == "most_frequent":
        return float(_most_frequent(column))
    known = column.values[~column.missing]
    middle = np.mean if way == "mean" else np.median
    with np.errstate(over="ignore"):
        found = float(middle(known))
    if np.isfinite(found):
        return found
    scale = 2.0 ** len(known).bit_length()  # by a power of 2 nothing is rounded
    return float(middle(known / scale)) * scale


def _most_frequent(column: Column) -> str:
    words, which = column.distinct()
    return words[int(np.bincount(which[which >= 0]).argmax())]


def _not_as_fitted(
    table: Table, values: Column, column: InputColumn, new_categories: str
) -> Iterator[Problem]:
    """The cells of a later table that cannot become inputs as in training."""
    if column.kind == "number" and values.is_text:
        is_wrong = _cells_where(values, lambda text: not is_number(text))
        yield from _places(table, values, is_wrong, _no_number)
        return
    if column.on_missing in ("error", "drop"):
        hint = f"; the run was trained with missing: {column.on_missing}"
        yield from _places(table, values, values.missing, lambda text: "a missing cell", hint)
    if column.kind != "number" and new_categories == "error":
        known = set(column.categories)
        is_new = _cells_where(values, lambda text: text not in known)
        hint = (
            f"; training had {listed(column.categories)}. A run with new_categories: other takes "
            "new ones for none of them"
        )
        yield from _places(
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
