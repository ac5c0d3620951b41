"""A table in words: what each of its columns is, holds, and is for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from chainrule.core.errors import shown
from chainrule.data.readers.cases import as_word
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.roles import OTHER_ROLES, Roles
from chainrule.data.tables.suspicions import families
from chainrule.data.tables.table import Column, Table

KINDS = {"int": "whole numbers", "float": "numbers", "bool": "truth values", "text": "texts"}
"""What the types of a column are called."""

MOST_WORDS = 4
"""How many of a column's cells or texts are shown as examples."""

_LONGEST = 24
"""At most so many letters of a cell are shown."""


@dataclass(frozen=True)
class ColumnDescription:
    """One column in words, or several neighbours that are alike.

    Attributes:
        name: of the column, or of the first and the last of several.
        role: label, input, weight, group, time, or left out, with the reason; "" if not known.
        kind: what its cells are, and what they become as inputs.
        holds: the range and the mean of numbers, or the commonest texts with their counts.
        missing: how many cells are missing, and how they are written; "" if none is.
        distinct: how many different cells there are.
        examples: the first cells.
    """

    name: str
    role: str
    kind: str
    holds: str
    missing: str
    distinct: str
    examples: str


def describe_columns(
    table: Table, roles: Roles | None, encoding: TableEncoding | None = None
) -> list[ColumnDescription]:
    """Each column of a table in words; neighbours such as pixels share a description.

    Args:
        table: the table.
        roles: of its columns; None if they are not known.
        encoding: what the inputs become, if that is decided.
    """
    together = families(table.names)
    role_of = {} if roles is None else dict(_roles_by_name(roles))
    kinds = {column.name: column for column in encoding.inputs} if encoding else {}

    def kind(column: Column) -> str:
        text = KINDS[column.type]
        fitted = kinds.get(column.name)
        if fitted is None or fitted.kind == "number":
            is_one_hot = (
                column.is_text and encoding is None and role_of.get(column.name) == "input"
            )
            return f"{text}, one-hot" if is_one_hot else text
        into = f"one-hot of {len(fitted.categories)}" if fitted.kind == "one_hot" else "an index"
        return f"{text}, {into}"

    def alike(column: Column) -> tuple[str, ...]:
        family = together.get(column.name)
        if family is None:
            return (column.name,)
        return ("", family, role_of.get(column.name, ""), kind(column))

    found = []
    for _, group in groupby(table.columns, alike):
        columns = list(group)
        first = columns[0]
        describe = _several if len(columns) > 1 else _one
        found.append(describe(columns, role_of.get(first.name, ""), kind(first)))
    return found


def _roles_by_name(roles: Roles) -> Iterator[tuple[str, str]]:
    for name, reason in (roles.left_out or {}).items():
        yield name, f"left out: {reason}"
    for name in roles.inputs:
        yield name, "input"
    for key in OTHER_ROLES:
        name = getattr(roles, key)
        if name is not None:
            yield name, key
    for name in roles.labels:
        yield name, "label"


def _one(columns: Sequence[Column], role: str, kind: str) -> ColumnDescription:
    (column,) = columns
    words, which = column.distinct()
    counts = np.bincount(which[which >= 0], minlength=len(words))
    few = column.is_text or (role == "label" and len(words) <= 10)
    cells = [column.text(row) for row in np.flatnonzero(~column.missing)[:MOST_WORDS]]
    return ColumnDescription(
        _short(column.name),
        role,
        kind,
        commonest(words, counts) if few else _range([column]),
        _missing([column]),
        f"{len(words):,}",
        ", ".join(map(_short, cells)),
    )


def _several(columns: Sequence[Column], role: str, kind: str) -> ColumnDescription:
    first, last = columns[0], columns[-1]
    plural = f"{role}s" if role in ("input", "label") else role
    cells = [_short(column.text(0)) for column in columns[:MOST_WORDS]]
    return ColumnDescription(
        f"{_short(first.name)} … {_short(last.name)}",
        f"{len(columns):,} {plural}".rstrip(),
        kind,
        "" if first.is_text else _range(columns),
        _missing(columns),
        "",
        ", ".join([*cells, "…"]),
    )


def _short(text: str) -> str:
    """A cell or a name for a table; of a long one the beginning."""
    return shown(text, _LONGEST)[1:-1]


def commonest(words: Sequence[str], counts: Any, most: int = MOST_WORDS) -> str:
    """The commonest words with their counts, and how many more there are.

    Example:
        >>> commonest(["a", "b", "c"], [1, 30, 2], most=2)
        'b (30), c (2) and 1 more'
    """
    order = np.argsort(-np.asarray(counts), kind="stable")
    text = ", ".join(f"{_short(words[k])} ({int(counts[k]):,})" for k in order[:most])
    return text + (f" and {len(words) - most:,} more" if len(words) > most else "")


def _range(columns: Sequence[Column]) -> str:
    """The least and the largest number, and the mean, of columns of numbers."""
    known = [column.values[~column.missing] for column in columns]
    known = [values for values in known if len(values)]
    if not known:
        return ""
    lowest, highest = min(v.min() for v in known), max(v.max() for v in known)
    if lowest == highest:
        return f"always {as_word(lowest)}"
    with np.errstate(over="ignore"):
        mean = sum(v.sum() for v in known) / sum(map(len, known))
    return f"{readable(lowest)} … {readable(highest)}, mean {readable(mean, 4)}"


def readable(number: float, digits: int = 6) -> str:
    """A number of so many digits, with all of those before the decimal point.

    Example:
        >>> readable(1678830.27), readable(0.123456789), readable(468912.3, 4), readable(1e30)
        ('1678830', '0.123457', '468912', '1e+30')
    """
    return f"{number:.0f}" if 10 ** (digits - 1) <= abs(number) < 1e15 else f"{number:.{digits}g}"


def _missing(columns: Sequence[Column]) -> str:
    count = sum(int(column.missing.sum()) for column in columns)
    if not count:
        return ""
    written = dict.fromkeys(word for column in columns for word in column.missing_words)
    words = ", ".join(_short(word) if word else "empty" for word in [*written][:MOST_WORDS])
    return f"{count:,} ({words})" if words else f"{count:,}"
