"""What each column of a table is for: label, input, weight, group, time, or left out.

What a default would get wrong without a word is put right or refused here, with the key that
settles it: the index that pandas writes, and labels in one-hot columns of which only the last
would be the label.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, shown, unknown
from chainrule.data.tables.table import Column, Table, positional_name

OTHER_ROLES = ("weight", "group", "time")
"""The roles of columns that are neither labels nor inputs; also the keys that name them."""

MOST_LISTED = 12
"""A message lists at most this many columns."""

_LONGEST_ONE_HOT = 1000

_PLAIN = re.compile(r"[A-Za-z_][\w./ -]*(?<! )\Z", re.ASCII)
_YAML_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


@dataclass(frozen=True)
class Roles:
    """The columns of a table by their roles, as names.

    Attributes:
        labels: one column, or several targets or one-hot columns; empty if there are none.
        inputs: in the order of the network's inputs.
        weight: the column of the cases' weights, or None.
        group: the column of the groups that the split does not divide, or None.
        time: the column by which the split is made in order, or None.
        left_out: for each column without a role, the reason.
    """

    labels: tuple[str, ...]
    inputs: tuple[str, ...]
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    left_out: Mapping[str, str] | None = None


def roles_of(table: Table, settings: Mapping[str, Any]) -> Roles:
    """The roles that the settings give the columns of a table.

    Args:
        table: the training data.
        settings: the keys ``label``, ``columns``, ``drop``, ``weight``, ``group`` and ``time`` of
            the configuration's ``data``; those that are absent have their defaults.

    Raises:
        ConfigError: a column is not there or has two roles, no input is left, or the label is one
            of several one-hot columns; the problem has the key that settles it.

    Example:
        >>> from chainrule.data.tables.table import column_of
        >>> columns = {"id": [7, 8], "a": [1, 2], "y": [0, 1]}
        >>> table = Table(tuple(column_of(name, values) for name, values in columns.items()))
        >>> roles_of(table, {"drop": ["id"]})
        Roles(labels=('y',), inputs=('a',), weight=None, group=None, time=None,
        left_out={'id': 'drop names it'})
    """
    empty = _empty_at_end(table)
    labels = _labels(table, settings, empty)
    others = {k: named(table, settings[k], k) for k in OTHER_ROLES if k in settings}
    if "group" in others and "time" in others:
        message = "group and time each say how the cases are divided; name one of them"
        raise ConfigError(Problem(message, key="time"))
    dropped = dict.fromkeys(all_named(table, settings, "drop"), "drop names it")
    _refuse_two_roles(dropped, labels, others)
    if "columns" in settings:
        inputs = all_named(table, settings, "columns")
        left = {name: "columns does not name it" for name in table.names if name not in inputs}
    else:
        left = _row_numbers(table) | empty
        taken = {*labels, *others.values(), *dropped, *left}
        inputs = [name for name in table.names if name not in taken]
    _refuse_input_roles(inputs, labels, dropped)
    left_out = {**left, **dropped}
    for name in (*labels, *others.values()):
        left_out.pop(name, None)
    if "label" not in settings:
        _refuse_one_hot(table, inputs, labels)
        _refuse_label_first(table, inputs)
    if not inputs:
        message = f"no column is left as an input; the table has {listed(table.names)}"
        message += "".join(f"; {note}" for note in table.notes)
        raise ConfigError(Problem(message, key="columns" if "columns" in settings else "file"))
    return Roles(labels, tuple(inputs), **others, left_out=left_out)


def listed(names: Sequence[str]) -> str:
    """The names of columns for a message; the middle ones of many are left out."""
    words = [shown(name)[1:-1] for name in names]
    if len(words) > MOST_LISTED:
        words = [*words[: MOST_LISTED - 2], "...", words[-1]]
    many = f" ({len(names)} columns)" if len(names) > MOST_LISTED else ""
    return ", ".join(words) + many


def as_key(table: Table, name: str) -> str:
    """How a configuration names a column: its name, in quotes if it needs them, or its number.

    Example:
        >>> from chainrule.data.tables.table import column_of
        >>> table = Table((column_of("id", [1]), column_of("a: b", [2])))
        >>> as_key(table, "id"), as_key(table, "a: b")
        ('id', '"a: b"')
    """
    if not table.has_names:
        return str(table.names.index(name) + 1)
    if _PLAIN.match(name) and name.lower() not in _YAML_WORDS:
        return name
    return in_quotes(name)


def in_quotes(text: str) -> str:
    """A text in double quotes, as YAML reads it, with escapes for what cannot be seen."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)


def _labels(
    table: Table, settings: Mapping[str, Any], empty: Mapping[str, str]
) -> tuple[str, ...]:
    """The names of the label's columns, by default the last one that has a name or cells."""
    wanted = settings.get("label", "last")
    if wanted in ("last", ["last"]) and "last" not in table:
        wanted = [name for name in table.names if name not in empty][-1:]
    return tuple(all_named(table, {"label": wanted}, "label"))


def all_named(table: Table, settings: Mapping[str, Any], key: str) -> list[str]:
    """The names of the columns that a setting lists, each once."""
    wanted = settings.get(key, [])
    wanted = wanted if isinstance(wanted, list | tuple | dict) else [wanted]
    names = [named(table, column, key) for column in wanted]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(Problem(f"{key} names the column {shown(name)} twice", key=key))
    return names


def named(table: Table, column: str | int, key: str) -> str:
    """The name of the column that a setting means: a name, a number from 1, first or last."""
    names = table.names
    if str(column) in names:
        return str(column)
    if column in ("first", "last"):
        return names[0 if column == "first" else -1]
    if isinstance(column, int):
        index = column - 1 if column > 0 else column
        if -len(names) <= index < len(names) and column != 0:
            return names[index]
        message = f"{key}: there is no column {column}; the table has {len(names)} columns"
        raise ConfigError(Problem(message, key=key))
    if not table.has_names:
        message = (
            f"{key}: the table has no header, so its columns have numbers and no names; found "
            f"{shown(column)}, expected a number from 1 to {len(names)}"
        )
        raise ConfigError(Problem(message + _where_names_may_be(table), key=key))
    raise ConfigError(Problem(unknown("column", column, names[:100]), key=key))


def _where_names_may_be(table: Table) -> str:
    """How the first line of a file comes to name the columns, for the end of a message."""
    if table.path is None:
        return ""
    notes = "".join(f"; {note}" for note in table.notes if "comments" in note)
    return notes or "; if its first line names them, write header: true"


def _refuse_two_roles(
    dropped: Iterable[str], labels: Iterable[str], others: Mapping[str, str]
) -> None:
    """Refuse a column that is dropped although it is used, or a label that is also a weight."""
    for name in dropped:
        for key, column in (*(("label", label) for label in labels), *others.items()):
            if column == name:
                message = f"drop and {key} both name the column {shown(name)}"
                raise ConfigError(Problem(message, key="drop"))
    for key, column in others.items():
        if column in labels and key != "group":
            message = f"label and {key} both name the column {shown(column)}"
            raise ConfigError(Problem(message, key=key))


def _refuse_input_roles(
    inputs: Iterable[str], labels: Iterable[str], dropped: Iterable[str]
) -> None:
    for name in inputs:
        other = "label" if name in labels else "drop" if name in dropped else None
        if other is not None:
            message = f"columns and {other} both name the column {shown(name)}"
            raise ConfigError(Problem(message, key="columns"))


def _row_numbers(table: Table) -> dict[str, str]:
    """The first column, with the reason to leave it out, if it is the index that pandas wrote.

    Such a column has no name (or the name that pandas gives to a column without one) and counts
    the rows.
    """
    first = table.columns[0]
    is_unnamed = first.name in (positional_name(0), "Unnamed: 0")
    if not table.has_names or not is_unnamed or len(table.columns) < 3 or not counts_rows(first):
        return {}
    return {first.name: "it has no name and counts the rows, as the index that pandas writes"}


def _empty_at_end(table: Table) -> dict[str, str]:
    """The last columns, with the reason to leave them out, if they have no name and no cell.

    A separator at the end of every line makes such a column.
    """
    found: dict[str, str] = {}
    for k in reversed(range(1, len(table.columns))):
        column = table.columns[k]
        has_name = table.has_names and column.name not in (positional_name(k), f"Unnamed: {k}")
        if has_name or not column.missing.all():
            break
        found[column.name] = "it has no name and no cells, as after a separator at the line's end"
    return found


def counts_rows(column: Column) -> bool:
    """Whether a column holds k, k + 1, k + 2, ... with k = 0 or 1, in this order or another."""
    if column.type != "int" or len(column) < 2:
        return False
    start = column.values.min()
    in_order: Array = np.arange(len(column)) + start
    return start in (0, 1) and np.array_equal(np.sort(column.values), in_order)


_TITLES_OF_LABELS = ("label", "labels", "target")

_FEWEST_PIXELS = 64


def _refuse_label_first(table: Table, inputs: Sequence[str]) -> None:
    """Refuse to take the last column for the label if another input shows that it is.

    It is called so, or the file has no names and is one of images as they are passed around: a
    class number first, then 784 pixels of 0 to 255.
    """
    first, last = table.columns[0], table.columns[-1]
    if not table.has_names:
        are_images = first.name in inputs and _are_pixels(table)
        if are_images and _number_of_classes(first) and not _may_be_classes(last, first):
            message = "the rows look like images: a class number, then pixels of 0 to 255"
            advice = "write label: first, or label: last if it is the last column"
            raise ConfigError(Problem(f"{message}; {advice}", key="file"))
        return
    titles = {name.lower(): name for name in inputs}
    named = next((titles[word] for word in _TITLES_OF_LABELS if word in titles), None)
    if named is not None and last.name.lower() not in _TITLES_OF_LABELS:
        message = f"the label is the last column, {shown(last.name)}, unless label names another"
        advice = f"but one is called {shown(named)}; write label: {named}, or label: last"
        raise ConfigError(Problem(f"{message}, {advice}", key="file"))


def _are_pixels(table: Table) -> bool:
    """Whether all columns hold whole numbers of 0 to 255, one more than a square image has."""
    pixels = len(table.columns) - 1
    if pixels < _FEWEST_PIXELS or math.isqrt(pixels) ** 2 != pixels:
        return False
    of_bytes = (c.type == "int" and c.values.min() >= 0 for c in table.columns)
    return all(of_bytes) and 1 < max(c.values.max() for c in table.columns) <= 255


def _number_of_classes(column: Column) -> int:
    """How many classes a column numbers by 0, 1, 2, ..., each of them; 0 if it does not."""
    numbers = np.unique(column.values)
    are_classes = len(numbers) > 1 and np.array_equal(numbers, np.arange(len(numbers)))
    return len(numbers) if are_classes else 0


def _may_be_classes(last: Column, first: Column) -> bool:
    """Whether the last column numbers classes, and not by far more of them than the first."""
    return 0 < _number_of_classes(last) <= 2 * _number_of_classes(first)


def _refuse_one_hot(table: Table, inputs: Sequence[str], labels: Sequence[str]) -> None:
    """Refuse one-hot columns at the end of the table if only the last one would be the label."""
    total: Array = np.zeros(len(table))
    names: list[str] = []
    for column in reversed(table.columns[-_LONGEST_ONE_HOT:]):
        if column.is_text or not np.isin(column.values, (0, 1)).all():
            return
        if not names and column.name not in labels:
            return
        if names and column.name not in inputs:
            return
        total, names = total + column.values, [column.name, *names]
        are_all = len(names) > len(inputs)  # then they are no labels, but inputs and a label
        if len(names) > 1 and (total == 1).all() and not are_all:
            message = (
                f"the last {len(names)} columns ({listed(names)}) have a single 1 in every row, "
                f"as one-hot labels do, but only {names[-1]} would be the label; write label: "
                f"[{', '.join(names)}], or label: {names[-1]} if the others are inputs"
            )
            raise ConfigError(Problem(message, key="file"))
