"""What the columns of the training data become as inputs, and why some cannot.

Each column is decided alone: numbers, categories, or a reason to leave it out. Fitted on training
rows are only what fills a missing cell and whether there is an indicator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MOST_SHOWN
from chainrule.data.readers.cases import commands_terminal
from chainrule.data.tables.dates import are_dates
from chainrule.data.tables.notation import (
    Notation,
    may_be_number,
    notation_advice,
    wrong_number,
)
from chainrule.data.tables.roles import Roles, all_named, as_key, in_quotes, named
from chainrule.data.tables.table import LONGEST_NAME, Column, Table, numeric_column

MOST_CATEGORIES = 10_000
"""A column of more categories than this is refused."""

MOST_FILLED = 0.5
"""If a larger fraction of a column's cells is missing, a setting must say what stands for them."""

_FEW = 20
"""A column of at most this many distinct texts is never taken for names or identifiers."""

_LONGEST_ADVISED = 40
"""A longer word is not repeated in the line that is advised."""

MOST_DROPPED = 50
"""At most this many columns are listed to be left out."""

Name = Annotated[str, Field(max_length=LONGEST_NAME)]


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

    name: Name
    kind: Literal["number", "one_hot", "integer"]
    categories: list[Name] = []
    fill: float | Name | None = None
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
        if is_number == bool(self.categories):
            raise ValueError(f"{shown(self.name)} is a number with categories, or has none")
        if is_number and (self.fill is None) != (self.on_missing in ("error", "drop")):
            raise ValueError(f"{shown(self.name)} has no fill that fits {self.on_missing}")
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


def fitted_inputs(
    table: Table, roles: Roles, settings: Mapping[str, Any], train: Array
) -> list[InputColumn]:
    """How the columns of the training data become inputs.

    Args:
        table: the table that is split; its categories are those of all rows.
        roles: of its columns.
        settings: the ``data`` mapping of the configuration.
        train: the indices of the rows on which the rest is fitted, see
            `chainrule.data.tables.encoding.TableEncoding.fit`.

    Raises:
        ConfigError: a setting names no column, or does not fit its column.
        DataError: cells are missing, or are no numbers, and no setting says what to do; columns
            that should be left out are named together.
    """
    ways = _by_column(table, settings, "missing", None)
    kinds = _by_column(table, settings, "categorical", None, listed_as="one_hot")
    problems: list[Problem] = []
    inputs: list[InputColumn] = []
    unfit: dict[str, _Unfit] = {}
    indicators = settings.get("missing_indicator", False)
    for name in roles.inputs:
        column = table[name]
        if kinds[name] is None and holds_numbers(column, table.notation):
            column = as_number_column(column, table.notation)
        reason = _unfit(table, column, kinds[name], ways[name])
        found = list(_unusable(table, column, kinds[name], ways[name])) if not reason else []
        problems += found
        if reason:
            unfit[name] = reason
        elif not found:
            inputs.append(_fitted(column, kinds[name], ways[name], train, indicators))
    if problems or unfit:
        raise DataError([*problems, *_to_be_left_out(table, unfit, settings)])
    return inputs


def holds_numbers(column: Column, used: Notation) -> bool:
    """Whether a column of texts holds nothing but numbers, none with zeros in front as in codes.

    Text files are read so that there is none; typed sources, such as data frames, may have one.
    """
    if not column.is_text:
        return False
    words = {column.words[code] for code in np.unique(column.values[~column.missing])}
    return bool(words) and all(
        used.number(word) is not None and not re.match(r"[-+]?0[0-9]", word) for word in words
    )


def as_number_column(column: Column, used: Notation) -> Column:
    """A column of numbers from one of texts for which `holds_numbers` is true."""
    numbers = [used.number(word) for word in column.words]
    values = np.array([*(np.nan if n is None else n for n in numbers), np.nan])
    return numeric_column(column.name, values[column.values])


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
    if column.is_text and kind is None and not _may_be_numbers(table, column):
        different, known = len(column.distinct()[0]), int((~missing).sum())
        are_categories = f"if they are categories: categorical: [{key}]"
        if different > 1 and are_dates(column.words):
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
    yield from at_cells(table, column, column.missing, lambda text: found, hint)


def at_cells(
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


def cells_where(column: Column, holds: Callable[[str], bool]) -> Array:
    """Which cells are not missing and have a text that ``holds`` accepts, (rows,) bool."""
    words, which = column.distinct()
    answers = np.array([*map(holds, words), False], dtype=bool)
    found: Array = answers[which]  # the index -1 of a missing cell is the last answer
    return found


def _may_be_numbers(table: Table, column: Column) -> bool:
    """Whether most texts of a column are numbers, if in another notation."""
    used = table.notation
    are_numbers = cells_where(
        column, lambda text: used.number(text) is not None or may_be_number(text, used)
    )
    return bool(are_numbers.sum() > (~column.missing).sum() / 2)


def _no_category(table: Table, column: Column) -> Iterator[Problem]:
    """The cells by which texts are not taken for categories unless a setting says so."""
    if _may_be_numbers(table, column):
        yield from _no_numbers(table, column)
    is_long = cells_where(column, lambda text: len(text) > LONGEST_NAME)
    message = f"the cell has more than {LONGEST_NAME:,} characters, which is no category"
    yield from at_cells(table, column, is_long, lambda text: message)
    is_unsafe = cells_where(column, commands_terminal)
    yield from at_cells(
        table, column, is_unsafe, lambda text: f"the cell {shown(text, 40)} has control characters"
    )


def _no_numbers(table: Table, column: Column) -> Iterator[Problem]:
    """The cells that keep a column from being one of numbers, and what settles it."""
    used, known = table.notation, ~column.missing
    are_numbers = cells_where(column, lambda text: used.number(text) is not None)
    if are_numbers[known].all():  # numbers that are kept as texts, such as codes with zeros
        return
    advice = f"; if {column.name} is a category, write categorical: [{as_key(table, column.name)}]"
    others = cells_where(column, lambda text: may_be_number(text, used))
    if others.any():  # one of them says what is true of all
        first = int(np.argmax(others))
        words = [w for w in column.words if used.number(w) is not None or may_be_number(w, used)]
        text, notation = column.text(first), notation_advice(words)
        found = f"expected numbers, found cells such as {shown(text, 40)}; write {notation}"
        message = found if notation else wrong_number(text, used)
        yield table.place(first, column.name, message + advice)
        advice = ""
    count = int((are_numbers | others).sum())
    yield from _words_among_numbers(table, column, known & ~are_numbers & ~others, count, advice)


def _words_among_numbers(
    table: Table, column: Column, which: Array, numbers: int, advice: str
) -> Iterator[Problem]:
    """The cells of a column of numbers that are none in any notation; one word is said once.

    Args:
        table: for the places.
        column: of the cells.
        which: the cells, (rows,) bool.
        numbers: how many of the other cells are numbers.
        advice: text behind the first message.
    """
    codes = np.unique(column.values[which]).tolist()
    if numbers and codes:
        word = column.words[codes[0]]
        is_short = len(codes) == 1 and len(word) <= _LONGEST_ADVISED
        setting = f"write na: [{in_quotes(word)}]" if is_short else "list it under na:"
        other = f"; {numbers:,} other cells of {column.name} are numbers"
        advice = f"{other}. If it stands for a missing cell, {setting}{advice}"
    if len(codes) == 1 and which.sum() > 1:
        advice = f" ({which.sum():,} times){advice}"
        which = np.arange(len(which)) == np.argmax(which)
    yield from at_cells(
        table, column, which, lambda text: wrong_number(text, table.notation), advice
    )


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
