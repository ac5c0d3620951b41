"""What is doubtful about the columns of a table.

Every look at all rows is made only after a look at a sample has found a reason for it, so that a
million rows, or a thousand columns, take a tenth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import shown
from chainrule.data.suspicions import MOST_NAMED, Rank, Suspicion, named, sample_of
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.fitting import InputColumn
from chainrule.data.tables.roles import as_key
from chainrule.data.tables.table import Column, Table

FEWEST_ROWS = 20
"""In a shorter table a column may equal the label, or count the rows, by chance."""

CORRELATION = 0.9999
"""An input whose correlation with a value target is larger gives it away."""

FILLED = "missing cells are filled in"
"""How the sentence on missing cells begins for which something stands by default."""

_MISSING = -1.5e300
"""Stands for a missing number where columns are compared; no cell is so small."""

_FAMILY = 16
"""At least so many columns whose names differ by a number alone belong together, as pixels do."""

_FEW_GROUPS, _FEW_ROWS = 20, 10
"""More values than the first, of fewer rows each than the second, may be those of a group."""

_ID = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|uuid|guid|index|idx|rowid|number|no|nr|key))$|[a-z]I[dD]$|^Unnamed: 0"
)
_WEIGHT = re.compile(r"(?i)(?:^|[_\s.-])(weights?|wt|wgt|gewicht)$")
_TIMES = re.compile(r"(?i)^(year|month|day|date|time|hour|week|t|x|step|.*_(year|date|time))$")


def suspicions_of_table(
    table: Table, encoding: TableEncoding, targets: Array, settings: Mapping[str, Any]
) -> Iterator[Suspicion]:
    """The doubts about the columns of the table that is split.

    Args:
        table: the table.
        encoding: how its columns become inputs.
        targets: of its rows: class numbers (rows,), or values (rows, outputs).
        settings: the ``data`` mapping of the configuration.
    """
    sample = _Sample(table, encoding, targets)
    yield from _left_out(table, encoding, settings)
    if len(table) >= FEWEST_ROWS and len(encoding.inputs) > 1:
        yield from sample.leaks()
        yield from sample.identifiers()
        yield from sample.groups()
    yield from sample.constants()
    yield from _weights(table, encoding)
    yield from _filled(encoding, settings)
    yield from _leading_zeros(table, encoding)
    yield from _twins(table, encoding)


class _Sample:
    """The inputs of some rows of a table, as numbers; texts as their codes.

    Args:
        table: as for `suspicions_of_table`, like the others.
    """

    def __init__(self, table: Table, encoding: TableEncoding, targets: Array) -> None:
        self.table, self.targets = table, targets
        self.inputs = encoding.inputs
        self.names = [column.name for column in encoding.inputs]
        self.together = families(self.names)
        self.rows = sample_of(len(table))
        columns = (table[name].values[self.rows] for name in self.names)
        x = np.stack([values.astype(np.float64) for values in columns], axis=1)
        self.x = np.where(np.isnan(x), _MISSING, x)
        self.lowest, self.highest = self.x.min(axis=0), self.x.max(axis=0)

    def leaks(self) -> Iterator[Suspicion]:
        """Columns from which the label follows."""
        are_classes = self.targets.ndim == 1
        found = self._one_to_one() if are_classes else self._proportional()
        if not found:
            return
        how = (
            f"each class has one value of its own in {named(found)}"
            if are_classes
            else f"the label is {named(found)} in other units (a correlation of 1)"
        )
        it = "it was" if len(found) == 1 else "they were"
        yield Suspicion(
            Rank.SCORES_MISLEAD,
            f"{how}, which gives the label away; if {it} made from the label, "
            f"leave out what will not be known: {dropping(self.table, found)}",
        )

    def _one_to_one(self) -> list[str]:
        """The columns that have one value in each class, and another in every other."""
        t = self.targets[self.rows]
        order = np.argsort(t, kind="stable")
        starts = np.flatnonzero(np.diff(t[order], prepend=-1))
        if not 1 < len(starts) <= len(self.rows) / 5:
            return []
        x = self.x[order]
        lowest = np.minimum.reduceat(x, starts)
        are_equal = (lowest == np.maximum.reduceat(x, starts)).all(axis=0)
        few = [k for k in np.flatnonzero(are_equal) if len(set(lowest[:, k])) == len(starts)]
        return [self.names[k] for k in few if self._is_one_to_one(self.table[self.names[k]])]

    def _is_one_to_one(self, column: Column) -> bool:
        values = np.nan_to_num(column.values.astype(np.float64), nan=_MISSING)
        value_of = np.full(int(self.targets.max()) + 1, np.nan)
        value_of[self.targets] = values  # of several rows of a class, any
        known = value_of[~np.isnan(value_of)]
        are_all = bool((value_of[self.targets] == values).all())
        return are_all and len(set(known.tolist())) == len(known)

    def _proportional(self) -> list[str]:
        """The columns of numbers that are a multiple of a target plus a constant."""
        found = []
        targets = self.targets.reshape(len(self.targets), -1)
        for k, name in enumerate(self.names):
            if self.inputs[k].kind != "number" or self.lowest[k] == self.highest[k]:
                continue
            for t in targets.T:
                if _are_proportional(self.x[:, k], t[self.rows]):
                    values = np.nan_to_num(self.table[name].values, nan=_MISSING)
                    found += [name] * _are_proportional(values, t)
                    break
        return found

    def identifiers(self) -> Iterator[Suspicion]:
        """Columns of numbers that count the rows, or are called an identifier."""
        found = [
            column.name
            for column in self.inputs
            if column.kind == "number"
            and column.name not in self.together
            and tells_rows_apart(self.table, column.name)
        ]
        if found:
            which, it = ("columns", "them") if len(found) > 1 else ("column", "it")
            verb = "only tell" if len(found) > 1 else "only tells"
            yield Suspicion(
                Rank.SOMETHING_IS_NOT_LEARNT,
                f"the {which} {named(found)} {verb} the rows apart, as an identifier does, and "
                f"nothing of new ones; leave {it} out: {dropping(self.table, found)}",
            )

    def groups(self) -> Iterator[Suspicion]:
        """Columns of which many values occur in a few rows each, as the persons of a survey do."""
        found = []
        for column in self.inputs:
            if column.kind == "number" and _ID.search(column.name) is None:
                continue
            rows, count = len(self.table), len(column.categories)
            if column.kind == "number":
                count = len(np.unique(self.table[column.name].values))
            is_apart = column.kind == "number" and tells_rows_apart(self.table, column.name)
            if count > _FEW_GROUPS and rows < _FEW_ROWS * count and not is_apart:
                found.append((column.name, count))
        for name, count in found[:MOST_NAMED]:
            key = as_key(self.table, name)
            yield Suspicion(
                Rank.SCORES_MISLEAD,
                f"the column {shown(name, 40)[1:-1]} has {count:,} values, of about "
                f"{len(self.table) / count:.2g} rows each; if it names whom the rows are about, "
                f"write group: {key}, which keeps the rows of each in one part, or leave it "
                f"out: {dropping(self.table, [name])}",
            )

    def constants(self) -> Iterator[Suspicion]:
        """Columns that are the same in every row, unless they are some of many pixels."""
        found = [
            self.names[k]
            for k in np.flatnonzero(self.lowest == self.highest)
            if self.names[k] not in self.together and _is_constant(self.table[self.names[k]])
        ]
        if found:
            which = "columns" if len(found) > 1 else "column"
            verb = "are" if len(found) > 1 else "is"
            yield Suspicion(
                Rank.TO_KNOW,
                f"the {which} {named(found)} {verb} the same in every row, which tells nothing; "
                f"leave out: {dropping(self.table, found)}",
            )


def _are_proportional(x: Array, t: Array) -> bool:
    """Whether the correlation of two arrays, (rows,), is 1 or −1."""
    there = (x != _MISSING) & np.isfinite(t)
    if there.sum() < FEWEST_ROWS:
        return False
    with np.errstate(all="ignore"):
        x, t = x[there] - x[there].mean(), t[there] - t[there].mean()
        scale = np.sqrt((x @ x) * (t @ t))
        return bool(scale > 0 and np.isfinite(scale) and abs(x @ t) > CORRELATION * scale)


def tells_rows_apart(table: Table, name: str) -> bool:
    """Whether a column of whole numbers counts the rows, or names each of them.

    It counts them if it holds k, k + 1, ... in any order, unless its name is one of time. It names
    them if its own name says so, or in a table without names if it is the first column and holds
    large numbers, and its numbers are all, or nearly all, different.
    """
    column = table[name]
    if column.type != "int" or len(column) < FEWEST_ROWS or _TIMES.match(name):
        return False
    sample = column.values[sample_of(len(column))]
    span = sample.max() - sample.min()
    if (len(column) - 1) / 2 <= span <= len(column) - 1 and _are_in_sequence(column.values):
        return True
    if not table.has_names and name == table.names[0] and sample.min() >= 1000:
        return len(np.unique(column.values)) == len(column)
    return _ID.search(name) is not None and len(np.unique(sample)) > 0.9 * len(sample)


def _are_in_sequence(values: Array) -> bool:
    """Whether whole numbers are k, k + 1, k + 2, ... in this order or another."""
    lowest, count = values.min(), len(values)
    if values.max() - lowest != count - 1:
        return False
    is_there: Array = np.zeros(count, dtype=bool)
    is_there[(values - lowest).astype(np.intp)] = True
    return bool(is_there.all())


def _is_constant(column: Column) -> bool:
    return not column.missing.any() and bool((column.values == column.values[0]).all())


def _left_out(
    table: Table, encoding: TableEncoding, settings: Mapping[str, Any]
) -> Iterator[Suspicion]:
    """Columns that are no inputs although no setting says so."""
    if "columns" in settings:
        return
    for name, reason in encoding.left_out.items():
        if "drop" not in reason.split():
            yield Suspicion(
                Rank.TO_KNOW,
                f"the column {shown(name)[1:-1]} is left out: {reason}; columns: with the names "
                "of all inputs takes it in",
            )


def _weights(table: Table, encoding: TableEncoding) -> Iterator[Suspicion]:
    """An input that is called a weight and is about 1, as the weights of a survey are."""
    if encoding.weight is not None:
        return
    for column in encoding.inputs:
        if column.kind != "number" or _WEIGHT.search(column.name) is None:
            continue
        values = table[column.name].values
        if np.nanmin(values) > 0 and 1 / 3 < np.nanmean(values) < 3:
            key = as_key(table, column.name)
            yield Suspicion(
                Rank.SCORES_MISLEAD,
                f"the column {shown(column.name, 40)[1:-1]} is an input; if it says how much a "
                f"row counts, write weight: {key}",
            )


def _filled(encoding: TableEncoding, settings: Mapping[str, Any]) -> Iterator[Suspicion]:
    """Missing cells for which something stands by default."""
    filled = [column for column in encoding.inputs if column.missing]
    if "missing" in settings or not filled:
        return
    words = [f"{c.missing:,} of {shown(c.name)[1:-1]} ({filling(c)})" for c in filled[:MOST_NAMED]]
    more = len(filled) - len(words)
    others = f" and of {more} more columns" if more else ""
    yield Suspicion(
        Rank.TO_KNOW,
        f"{FILLED}: {', '.join(words)}{others}; missing: says what stands for "
        "them, and missing: drop leaves out their rows",
    )


def filling(column: InputColumn) -> str:
    """What stands for a column's missing cells, in words."""
    if column.fill is None:
        return "none of its categories"
    if isinstance(column.fill, str):
        return f"the most frequent, {shown(column.fill, 40)[1:-1]}"
    return f"the {column.on_missing.replace('_', ' ')}, {column.fill:.4g}"


def _leading_zeros(table: Table, encoding: TableEncoding) -> Iterator[Suspicion]:
    """Numbers with leading zeros, as codes have, and labels that are texts because of them."""
    found = [
        c.name for c in encoding.inputs if c.kind == "number" and table[c.name].has_leading_zeros
    ]
    if found:
        yield Suspicion(
            Rank.TO_KNOW,
            f"cells of {named(found)} have leading zeros, as codes do, and are read as numbers; "
            f"if they are codes: categorical: [{', '.join(as_key(table, n) for n in found)}]",
        )
    for name in encoding.labels:
        words = table[name].words if encoding.label_is_text else ()
        zeros = next((w for w in words if len(w) > 1 and w[0] == "0" and w.isdigit()), None)
        if zeros is not None and all(word.isdigit() for word in words):
            yield Suspicion(
                Rank.TO_KNOW,
                f"the labels in {shown(name)[1:-1]} keep their leading zeros: {shown(zeros)} is "
                "the name of a class, not a number",
            )


def _twins(table: Table, encoding: TableEncoding) -> Iterator[Suspicion]:
    """Categories, or classes, that differ only in capital letters, such as yes and Yes."""
    names = [column.name for column in encoding.inputs if column.categories]
    for name in (*encoding.labels, *names):
        if name not in table or not table[name].is_text:
            continue
        first: dict[str, str] = {}
        for word in table[name].distinct()[0]:
            other = first.setdefault(word.casefold(), word)
            if other != word:
                yield Suspicion(
                    Rank.SOMETHING_IS_NOT_LEARNT,
                    f"{shown(name)[1:-1]} holds {shown(other, 40)} and {shown(word, 40)}, which "
                    "are two categories; if they mean the same, write them alike in the file",
                )
                break


def dropping(table: Table, names: Sequence[str]) -> str:
    """The setting that leaves columns out."""
    keys = [as_key(table, name) for name in names[:MOST_NAMED]]
    return f"drop: [{', '.join([*keys, *['...'] * (len(names) > MOST_NAMED)])}]"


def families(names: Sequence[str]) -> dict[str, str]:
    """The columns that belong together, as pixels do, with what their names begin with.

    Example:
        >>> found = families(["id", *(f"pixel{k}" for k in range(64))])
        >>> len(found), set(found.values())
        (64, {'pixel'})
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        beginning = name.rstrip("0123456789")
        if beginning != name or name.isdigit():
            beginning = re.sub(r"\d+", "#", beginning)
            groups.setdefault(beginning, []).append(name)
    large = {start: group for start, group in groups.items() if len(group) >= _FAMILY}
    return {name: start for start, group in large.items() for name in group}
