"""A label that cannot be one: what is wrong with its column, and which other one may be meant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from chainrule.core.errors import ConfigError, Problem, shown
from chainrule.data.suspicions import MOST_NAMED, named, sample_of
from chainrule.data.tables.dates import are_dates
from chainrule.data.tables.notation import is_number
from chainrule.data.tables.roles import Roles, as_key
from chainrule.data.tables.suspicions import dropping, tells_rows_apart
from chainrule.data.tables.table import Column, Table

_MOST_CLASSES = 20
"""A column of more different cells than this is not proposed as the label of a classifier."""

_LABELS = re.compile(
    r"(?i)^(y|class(es)?|labels?|targets?|outcome|result|diagnosis|species|variety|survived|churn"
    r"|klasse|ziel|category|response|status|quality)$"
)
_VALUES = re.compile(r"(?i)(price|value|cost|amount|sales|score|rating|target|yield|mpg|load)")


def require_label(
    table: Table,
    roles: Roles,
    settings: Mapping[str, Any],
    *,
    target: str | None,
    outputs: int | None,
    several: bool = False,
) -> None:
    """Refuse a column that is the label by default and cannot be, instead of each of its cells.

    Args:
        table: the training data.
        roles: of its columns.
        settings: the ``data`` mapping of the configuration.
        target: ``class`` or ``value``, as settings or loss expect.
        outputs: the network's number of outputs where it is known.
        several: whether each output is a probability of its own, so that a case may have several
            labels.

    Raises:
        ConfigError: the column cannot be the label; the one problem names the column, says why
            not, and which other column may be.
    """
    if {"classes", "label_separator"} & {*settings} or len(roles.labels) != 1:
        return
    column = table[roles.labels[0]]
    are_values = settings.get("target") == "value" or (target == "value" and outputs == 1)
    if "target" not in settings and not are_values:
        _refuse_lists(table, column, settings, several=several)
    if "label" in settings:
        return
    if several and (outputs or 1) > 1 and "target" not in settings:
        _require_all_binary(table, roles)
    others: list[str] = []
    if are_values:
        reason, is_certain = _no_values(column)
        others = _possible_values(table, roles) if reason else []
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
        if not is_certain and len(column.distinct()[0]) > 1:
            message += f"; if it is right, write label: {as_key(table, column.name)}"
        raise ConfigError(Problem(message, key="file"))


def _refuse_lists(
    table: Table, column: Column, settings: Mapping[str, Any], *, several: bool
) -> None:
    """Refuse cells that list several labels each to be read as one label."""
    separator = _separator(column)
    if separator is None or ("label" in settings and not several):
        return
    word = next(word for word in column.words if separator in word)
    message = (
        f"the cells of {shown(column.name, 40)[1:-1]} list several labels, such as "
        f'{shown(word, 40)}; write label_separator: "{separator}"'
    )
    if not several:
        message += (
            ", and take sigmoid outputs and loss: binary_cross_entropy; if each cell is one "
            f"class, write label: {as_key(table, column.name)}"
        )
    raise ConfigError(Problem(message, key="label" if "label" in settings else "file"))


def _require_all_binary(table: Table, roles: Roles) -> None:
    """Refuse the last of several columns of 0 and 1 for outputs that are labels of their own."""
    (label,) = roles.labels
    last = takewhile(lambda name: _is_binary(table[name]), reversed(table.names))
    keys = [as_key(table, name) for name in last if name in (*roles.inputs, label)][::-1]
    if 1 < len(keys) < len(table.names):
        message = (
            f"each output of the network is a label of its own, but only {keys[-1]} would be "
            f"one; the last {len(keys)} columns hold 0 and 1, so write label: "
            f"[{', '.join(keys)}], or label: {keys[-1]} if the others are inputs"
        )
        raise ConfigError(Problem(message, key="file"))


def _is_binary(column: Column) -> bool:
    return not column.is_text and bool(np.isin(column.values, (0, 1)).all())


def _separator(column: Column) -> str | None:
    """What separates the labels that each cell lists; None if the cells list none.

    They list labels if fewer different ones result than there are different cells.
    """
    for mark in "|;," if column.is_text else "":
        pieces = {piece.strip() for word in column.words for piece in word.split(mark)}
        if any(mark in word for word in column.words) and len(pieces) < len(column.words):
            return mark
    return None


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
    if count == 1 and not missing:
        return f"all its cells are {shown(words[0], 40)[1:-1]}", False
    beyond = max(outputs or 0, 2)
    if column.is_text and count > 1 and are_dates(words):
        return f"it holds dates such as {shown(words[0], 40)[1:-1]}", True
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


def _possible_values(table: Table, roles: Roles) -> list[str]:
    """The columns of numbers that may be values to learn, the likeliest by their names first."""
    columns = [table[name] for name in roles.inputs[:1000]]
    found = [c.name for c in columns if not c.is_text and not c.missing.any()]
    some = {name: len(np.unique(table[name].values[: 10 * _MOST_CLASSES])) for name in found}
    fit = [n for n in found if some[n] > 2 and not tells_rows_apart(table, n)]
    return sorted(fit, key=lambda name: _VALUES.search(name) is None)


def _advice(table: Table, roles: Roles, others: Sequence[str], *, are_values: bool) -> str:
    """What to write instead: another label, and a column to drop."""
    right = (
        "for classes take a softmax and loss: cross_entropy"
        if are_values
        else "if its values are to be learned, take one output and loss: mse"
    )
    if not others:
        return f"write label: with the name or the number of another column; {right}"
    if are_values:
        keys = ", ".join(as_key(table, name) for name in others[:MOST_NAMED])
        more = "" if len(others) <= MOST_NAMED else f" or another of {len(others)}"
        return f"write label: with a column of numbers ({keys}{more}); {right}"
    label, *rest = others
    text = f"write label: {as_key(table, label)} ({named(table[label].distinct()[0])})"
    if rest:
        text += f" or one of {', '.join(as_key(table, name) for name in rest[:MOST_NAMED])}"
    ids = [n for n in roles.inputs if n != label and tells_rows_apart(table, n)]
    if ids:
        text += f", and {dropping(table, ids)} for what only tells the rows apart"
    return text
