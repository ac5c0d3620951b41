"""A table: named columns of numbers or texts, as they were read and before anything is decided.

Every reader of tables, and every data frame in Python, ends in a `Table`. Which of its columns is
the label, and how the others become inputs, is decided in `chainrule.data.tables.roles` and
`chainrule.data.tables.encoding`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown, unknown
from chainrule.data.readers.cases import LabelType, as_word
from chainrule.data.tables.notation import PLAIN, Notation

LONGEST_NAME = 10_000
"""A column's name, or a category, has at most so many characters."""

MISSING = -1
"""The code of a missing cell in a column of texts."""

TYPES = get_args(LabelType)
"""What the cells of a column are: whole numbers, other numbers, truth values or texts."""

PlaceOf = Callable[[int, str, str], Problem]
"""From the index of a row, the name of a column and a message to a problem at that cell."""


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a table.

    Attributes:
        name: its title, which no other column of the table has; where the source gives none,
            ``column_3`` (counted from 1).
        values: of numbers, (rows,) float64 with NaN where a cell is missing; of texts, (rows,)
            int32 indices into ``words``, with `MISSING` where a cell is missing.
        type: one of `TYPES`. Truth values are the numbers 0 and 1.
        words: the distinct texts of a column of texts, in the order of their first appearance;
            empty for numbers.
        has_leading_zeros: whether numbers were written like ``007``, so that a label or a category
            would lose its zeros. Such a column can be read again as texts.
        missing_words: how missing cells were written, such as ``?``; "" stands for an empty cell.
    """

    name: str
    values: Array
    type: LabelType
    words: tuple[str, ...] = ()
    has_leading_zeros: bool = False
    missing_words: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of_texts(cls, name: str, texts: Iterable[str | None]) -> Column:
        """A column of texts; None stands for a missing cell.

        Example:
            >>> column = Column.of_texts("city", ["Oslo", None, "Bergen", "Oslo"])
            >>> column.words, column.values.tolist()
            (('Oslo', 'Bergen'), [0, -1, 1, 0])
        """
        codes: dict[str, int] = {}
        values = [
            MISSING if text is None else codes.setdefault(text, len(codes)) for text in texts
        ]
        return cls(name, np.array(values, dtype=np.int32), "text", tuple(codes))

    @property
    def is_text(self) -> bool:
        """Whether the cells are texts."""
        return self.type == "text"

    @cached_property
    def missing(self) -> Array:
        """Which cells are missing, (rows,) bool."""
        return self.values == MISSING if self.is_text else np.isnan(self.values)

    def take(self, rows: Array) -> Column:
        """The column of the given rows only; ``words`` stay as they are."""
        return replace(self, values=self.values[rows])

    def text(self, row: int) -> str:
        """One cell as text; "" if it is missing."""
        if self.missing[row]:
            return ""
        return self.words[self.values[row]] if self.is_text else as_word(self.values[row])

    def texts(self) -> list[str]:
        """Every cell as text, "" where it is missing; a whole number has no decimal point."""
        words, which = self.distinct()
        words = ["", *words]
        return [words[k + 1] for k in which.tolist()]

    def distinct(self) -> tuple[list[str], Array]:
        """The distinct cells as texts, and for each row the index of its own; −1 if missing.

        Numbers are in ascending order, texts in the order of their first appearance.
        """
        if self.is_text:
            there, which = np.unique(self.values[~self.missing], return_inverse=True)
            words = [self.words[code] for code in there]
        else:
            numbers, which = np.unique(self.values[~self.missing], return_inverse=True)
            words = [as_word(number) for number in numbers]
        found = np.full(len(self), MISSING, dtype=np.intp)
        found[~self.missing] = which.reshape(-1)
        return words, found


def _at_row(row: int, name: str, message: str) -> Problem:
    """The place of a cell in a table from memory, whose rows are counted from 0."""
    return Problem(f"column {shown(name)}, row {row}: {message}")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of the same length, in the order of the source.

    Attributes:
        columns: at least one, with distinct names.
        has_names: whether the source names the columns; if not, names are made from positions, and
            the columns of another table without names correspond by position.
        path: the file, or None for a table from memory.
        place: where a cell is, for messages; see `PlaceOf`.
        notes: what the reader has to tell the user, such as rows that it left out.
        read_as: how the source was understood, for messages about the number of columns, such as
            "read as separated by commas"; "" if there is nothing to say.
        notation: how numbers in texts are written, for messages about cells that are none.
    """

    columns: tuple[Column, ...]
    has_names: bool = True
    path: Path | None = None
    place: PlaceOf = _at_row
    notes: tuple[str, ...] = ()
    read_as: str = ""
    notation: Notation = PLAIN

    def __post_init__(self) -> None:
        if not self.columns or len({len(column) for column in self.columns}) != 1:
            raise DataError(Problem("a table has columns of the same length", self.path))
        if max(map(len, self.names)) > LONGEST_NAME:
            message = f"a column's name has more than {LONGEST_NAME:,} characters"
            raise DataError(Problem(message, self.path))
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            message = f"two columns are called {shown(twice)}; give them different names"
            raise DataError(Problem(message, self.path))

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    def __getitem__(self, name: str) -> Column:
        """The column of this name.

        Raises:
            DataError: there is none; the message suggests the nearest name.
        """
        if name not in self._by_name:
            raise DataError(Problem(unknown("column", name, self.names), self.path))
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def take(self, rows: Array) -> Table:
        """The given rows only; problems still name the rows' places in the source."""
        rows = np.arange(len(self))[rows]

        def place(row: int, name: str, message: str) -> Problem:
            return self.place(int(rows[row]), name, message)

        columns = tuple(column.take(rows) for column in self.columns)
        return replace(self, columns=columns, place=place)

    def renamed(self, names: Sequence[str]) -> Table:
        """The same columns under other names, in this order."""
        old = dict(zip(names, self.names, strict=True))

        def place(row: int, name: str, message: str) -> Problem:
            return self.place(row, old[name], message)

        pairs = zip(self.columns, names, strict=True)
        return replace(self, columns=tuple(replace(c, name=n) for c, n in pairs), place=place)

    def with_texts(self, names: Sequence[str]) -> Table:
        """The same table with the cells of some columns as texts; names it lacks do not matter."""
        columns = (
            Column.of_texts(c.name, (text or None for text in c.texts()))
            if c.name in names and not c.is_text
            else c
            for c in self.columns
        )
        return replace(self, columns=tuple(columns))


def positional_name(index: int) -> str:
    """The name of a column that has none, from its index counted from 0.

    Example:
        >>> positional_name(0)
        'column_1'
    """
    return f"column_{index + 1}"


def column_of(name: str, values: Any) -> Column:
    """A column from a sequence of Python values or an array: numbers, truth values or texts.

    None and NaN stand for missing cells; other values become texts.

    Example:
        >>> column_of("age", [31, None, 7]).type, column_of("paid", [True, False]).type
        ('int', 'bool')
        >>> column_of("city", ["Oslo", None]).words
        ('Oslo',)
    """
    array = np.asarray(values)
    if array.dtype.kind in "biuf":
        return numeric_column(name, array)
    cells: Sequence[Any] = array.tolist()
    known = [cell for cell in cells if not _is_missing(cell)]
    if known and all(isinstance(cell, int | float | np.number) for cell in known):
        are_flags = all(isinstance(cell, bool) for cell in known)
        numbers = np.array([np.nan if _is_missing(cell) else float(cell) for cell in cells])
        column = numeric_column(name, numbers)
        return replace(column, type="bool") if are_flags else column
    return Column.of_texts(
        name, (None if _is_missing(cell) else str(cell).strip() for cell in cells)
    )


def _is_missing(cell: Any) -> bool:
    return cell is None or bool(isinstance(cell, float | np.floating) and np.isnan(cell))


def numeric_column(name: str, values: Array, **details: Any) -> Column:
    """A column of the numbers or truth values in an array, (rows,).

    Whole numbers have the type ``int`` whether or not they are stored as floating-point numbers.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if values.dtype.kind == "b":
        return Column(name, numbers, "bool", **details)
    there = numbers[~np.isnan(numbers)]
    is_whole = bool((there == np.floor(there)).all())
    return Column(name, numbers, "int" if is_whole else "float", **details)
