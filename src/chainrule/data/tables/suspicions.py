"""What is doubtful about the columns of a table, and a label that cannot be one.

Every look at all rows is made only after a look at a sample has found a reason for it, so that a
million rows, or a thousand columns, take a tenth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, shown
from chainrule.data.suspicions import MOST_NAMED, Rank, Suspicion, named, sample_of
from chainrule.data.tables.cells import is_number
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.fitting import InputColumn
from chainrule.data.tables.roles import Roles, as_key
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

_MOST_CLASSES = 20
"""A column of more different cells than this is not proposed as the label of a classifier."""

_ID = re.compile(
    r"(?i:(?:^|[_\s.-])(?:id|uuid|guid|index|idx|rowid|number|no|nr|key))$|[a-z]I[dD]$|^Unnamed: 0"
)
_TIMES = re.compile(r"(?i)^(year|month|day|date|time|hour|week|t|x|step|.*_(year|date|time))$")
_LABELS = re.compile(
    r"(?i)^(y|class(es)?|labels?|targets?|outcome|result|diagnosis|species|variety|survived|churn"
    r"|klasse|ziel|category|response|status|quality)$"
)


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
    yield from sample.constants()
    yield from _filled(encoding, settings)
    yield from _leading_zeros(table, encoding)


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


# A label that cannot be one


def require_label(
    table: Table,
    roles: Roles,
    settings: Mapping[str, Any],
    *,
    target: str | None,
    outputs: int | None,
) -> None:
    """Refuse a column that is the label by default and cannot be, instead of each of its cells.

    Args:
        table: the training data.
        roles: of its columns.
        settings: the ``data`` mapping of the configuration.
        target: ``class`` or ``value``, as settings or loss expect.
        outputs: the network's number of outputs where it is known.

    Raises:
        ConfigError: the column cannot be the label; the one problem names the column, says why
            not, and which other column may be.
    """
    if {"label", "classes", "label_separator"} & {*settings} or len(roles.labels) != 1:
        return
    column = table[roles.labels[0]]
    are_values = settings.get("target") == "value" or (target == "value" and outputs == 1)
    others: list[str] = []
    if are_values:
        reason, is_certain = _no_values(column)
    elif target == "class" or (outputs or 1) > 1 or column.is_text:
        reason, is_certain = _no_classes(column, outputs, is_class=target == "class")
        others = _possible_labels(table, roles, outputs) if reason else []
    else:
        return
    if reason and (is_certain or others):
        message = (
            f"the last column, {shown(column.name, 40)[1:-1]}, was taken for the label, but "
            f"{reason}; {_advice(table, roles, others, are_values=are_values)}"
        )
        if not is_certain:
            message += f"; if it is right, write label: {as_key(table, column.name)}"
        raise ConfigError(Problem(message, key="file"))


def _no_classes(column: Column, outputs: int | None, *, is_class: bool) -> tuple[str, bool]:
    """Why the cells of a column name no classes, or "", and whether that is certain."""
    words, _ = column.distinct()
    count, missing = len(words), int(column.missing.sum())
    if column.type == "float" and is_class:
        known = column.values[~column.missing]
        broken = known[known != np.floor(known)]
        if len(broken) > len(known) / 2:  # a few are mistakes, which have their places
            return f"it holds numbers such as {broken[0]:.6g}, which name no class", True
        return "", False
    beyond = max(outputs or 0, 2)
    if column.is_text and count > max(_MOST_CLASSES, (len(column) - missing) / 2, beyond):
        return f"it holds {count:,} different texts in {len(column):,} rows", True
    if missing:
        return f"{missing:,} of its cells are missing", False
    if outputs is not None and count > max(beyond, _MOST_CLASSES) and column.type != "float":
        size = f"{outputs} output{'s' * (outputs != 1)}"
        return f"it has {count:,} different values, and the network {size}", False
    return "", False


def _no_values(column: Column) -> tuple[str, bool]:
    """Why the cells of a column are no values, or "", and whether that is certain."""
    texts = [word for word in column.words if not is_number(word)]
    if len(texts) > len(column.words) / 2:
        example = shown(texts[0], 40)[1:-1]
        return f"it holds texts such as {example}, which are no values to learn", True
    return "", False


def _possible_labels(table: Table, roles: Roles, outputs: int | None) -> list[str]:
    """The columns whose cells may name classes, the likeliest first.

    Those that are called class, label or the like come first, then texts, then whole numbers.
    """
    found: dict[str, tuple[bool, bool]] = {}
    rows, most = sample_of(len(table)), max(outputs, 2) if outputs else _MOST_CLASSES
    for name in roles.inputs[:1000]:
        column = table[name]
        if column.type == "float" or column.missing.any():
            continue
        if len(np.unique(column.values[rows])) > most:
            continue
        if 2 <= len(column.distinct()[0]) <= min(most, len(table) / 2):
            found[name] = (_LABELS.match(name) is None, not column.is_text)
    return sorted(found, key=lambda name: found[name])


def _advice(table: Table, roles: Roles, others: Sequence[str], *, are_values: bool) -> str:
    """What to write instead: another label, and a column to drop."""
    if not others:
        right = (
            "for classes take a softmax and loss: cross_entropy"
            if are_values
            else "if its values are to be learned, take one output and loss: mse"
        )
        return f"write label: with the name or the number of another column; {right}"
    label, *more = others
    text = f"write label: {as_key(table, label)} ({named(table[label].distinct()[0])})"
    if more:
        text += f" or one of {', '.join(as_key(table, name) for name in more[:MOST_NAMED])}"
    ids = [n for n in roles.inputs if n != label and tells_rows_apart(table, n)]
    if ids:
        text += f", and {dropping(table, ids)} for what only tells the rows apart"
    return text
