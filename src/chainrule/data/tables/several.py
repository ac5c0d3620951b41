"""Several files read one after the other as one table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.data.tables.table import Table
from chainrule.data.tables.typed_cells import join_columns

ReadFile = Callable[[Path, Sequence[str]], Table]
"""From a file, and the columns whose cells are texts, to its table."""


def read_joined(paths: Sequence[Path], read: ReadFile, texts: Sequence[str] = ()) -> Table:
    """The tables of several files, one below the other.

    Columns correspond by name, or by position where the files have no names.

    Args:
        paths: the files, at least one.
        read: the reader of each.
        texts: the columns whose cells are texts whatever they look like.

    Raises:
        DataError: a file cannot be read, or has other columns than the first; it is named.
    """
    tables = [read(path, texts) for path in paths]
    first = tables[0]
    if len(tables) == 1:
        return first
    for table in tables[1:]:
        _require_same_columns(first, table)
    # A column of texts in one file is one in all: numbers would lose how they were written.
    mixed = [
        name
        for name in first.names
        if len({t[name].is_text for t in tables if not t[name].missing.all()}) > 1
        and name not in texts
    ]
    if mixed:
        return read_joined(paths, read, [*texts, *mixed])
    columns = tuple(join_columns([table[name] for table in tables]) for name in first.names)
    ends = list(accumulate(len(table) for table in tables))

    def place(row: int, name: str, message: str) -> Problem:
        which = bisect_right(ends, row)
        return tables[which].place(row - ends[which] + len(tables[which]), name, message)

    notes = tuple(dict.fromkeys(note for table in tables for note in table.notes))
    return replace(first, columns=columns, place=place, notes=notes)


def _require_same_columns(first: Table, table: Table) -> None:
    """Refuse a table with other columns than the first one has."""
    assert first.path is not None
    named = first.path.name
    if table.has_names != first.has_names:
        found = "a header, but" if table.has_names else "no header, unlike"
        lacks = " has none" if table.has_names else ""
        message = f"the file has {found} {named}{lacks}; write header: true or false"
    elif missing := [name for name in first.names if name not in table]:
        guess = nearest(missing[0], [name for name in table.names if name not in first])
        hint = f"; it has {shown(guess)}" if guess else ""
        message = f"the column {shown(missing[0])} of {named} is missing{hint}"
    elif extra := [name for name in table.names if name not in first]:
        message = f"the column {shown(extra[0])} is not in {named}"
    else:
        return
    raise DataError(Problem(message, table.path))
