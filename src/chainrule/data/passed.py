"""Data that are passed in Python: arrays, data frames and tables, checked and named.

`passed` turns what a caller gives into `Passed`, which `chainrule.data.sources.load_data` takes in
place of a file, and into the settings that say which of its columns are labels and weights.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, weights_of_cases
from chainrule.core.errors import ConfigError, DataError, Problem, ShapeError, shown
from chainrule.data.dataset import PARTS, Dataset, DataSplit
from chainrule.data.readers.cases import Cases, channels_of, one_hot_rows
from chainrule.data.readers.encoding import class_names, encode_classes
from chainrule.data.readers.npz_file import checked_inputs
from chainrule.data.readers.sequence_file import Sequences, checked_sequences
from chainrule.data.tables.frames import as_array, is_frame, table_of
from chainrule.data.tables.loading import labels_of
from chainrule.data.tables.roles import all_named, listed
from chainrule.data.tables.table import Table, numeric_column

Part = Table | Cases | Sequences
"""The cases of one part of the data, before their inputs and targets are encoded."""

OF_TABLES = (
    "columns",
    "drop",
    "categorical",
    "new_categories",
    "missing",
    "missing_indicator",
    "weight",
    "group",
    "time",
)
"""The settings that need columns; an array with one of them is taken for a table."""

FOUND = ("python", "validation_python", "test_python", "label", "weight", "channels")
"""The settings that `passed` finds."""


@dataclass(frozen=True, eq=False)
class Passed:
    """Data that were passed in Python; all parts are of the same kind.

    Attributes:
        train: the cases to be split, or to train on.
        validation: validation cases of their own, or None.
        test: test cases of their own, or None.
    """

    train: Part
    validation: Part | None = None
    test: Part | None = None

    @property
    def parts(self) -> tuple[Part, Part | None, Part | None]:
        """The cases to be split, the validation and the test cases."""
        return self.train, self.validation, self.test


@dataclass(frozen=True, eq=False)
class _Given:
    """What a caller passes for one part.

    Attributes:
        name: how the caller calls it, for messages.
        x: the inputs, a table or an array of numbers.
        t: the targets as they were passed; None if ``x`` has their columns.
        weights: (cases,), or None.
    """

    name: str
    x: Table | Array
    t: Any = None
    weights: Array | None = None

    @cached_property
    def targets(self) -> Table:
        """The targets as a table, with a row for each case.

        Raises:
            DataError: they are no table, or there are not as many as there are inputs.
        """
        assert self.t is not None, "the targets are columns of x"
        found = targets_of(self.t, _called(self.name, "t"))
        if len(found) != len(self.x):
            raise DataError(f"{self.name}: x has {len(self.x)} cases, and t has {len(found)}")
        return found


def passed(
    settings: Mapping[str, Any], parts: Mapping[str, Any], *, sequences: bool
) -> tuple[dict[str, Any], Passed]:
    """Check data that are passed in Python, and give their columns names.

    Args:
        settings: the ``data`` part of a configuration, with ``python``.
        parts: by `PARTS` what the caller gives; None for a part that it does not give.
        sequences: whether the network reads sequences.

    Returns:
        The settings with what follows from the data: ``python``, the names of the columns of
        labels and weights, and the place of the channels of colour images; and the data.

    Raises:
        DataError: what is passed is not of a form that is taken, or its parts do not fit.
        ConfigError: a setting does not fit the data.

    Example:
        >>> settings, data = passed(
        ...     {"python": "table"}, {"train": ({"age": [31, 7]}, [1, 0])}, sequences=False)
        >>> settings["label"], data.train.names
        (['target'], ['age', 'target'])
    """
    given = {
        part: _given(value, "data" if part == "train" else part)
        for part, value in parts.items()
        if value is not None
    }
    found = {key: value for key, value in settings.items() if not key.endswith("_python")}
    if any(isinstance(one.x, np.ndarray) and one.x.ndim > 2 for one in given.values()):
        found["python"] = "arrays"
        made: Mapping[str, Part] = _of_axes(found, given, sequences=sequences)
    elif sequences:
        raise DataError(_no_sequences(next(iter(given.values()))))
    elif any(isinstance(one.x, Table) for one in given.values()) or {*OF_TABLES} & {*found}:
        found["python"] = "table"
        made = _tables(found, given)
    else:
        found["python"] = "arrays"
        made = _all_cases(given)
    found |= {f"{part}_python": found["python"] for part in given if part != "train"}
    return found, Passed(*(made.get(part) for part in PARTS))  # type: ignore[arg-type]


def passed_as_written(
    settings: Mapping[str, Any], *, sequences: bool
) -> tuple[dict[str, Any], Passed]:
    """Cases that a configuration itself holds, as if they were passed; see `passed`.

    Args:
        settings: the ``data`` part of a configuration, with ``x`` and ``t``.
        sequences: whether the network reads sequences.

    Raises:
        DataError: x and t are not of a form that is taken, or do not fit.

    Example:
        >>> settings, data = passed_as_written({"x": [[0, 0.5]], "t": ["no"]}, sequences=False)
        >>> settings["split"], data.train.x
        ([1.0, 0.0, 0.0], array([[0. , 0.5]]))
    """
    cases = tuple(settings[key] for key in ("x", "t", "weights") if key in settings)
    others = {key: value for key, value in settings.items() if key not in ("x", "t", "weights")}
    chosen = {"split": [1.0, 0.0, 0.0], **others, "python": "arrays"}
    return passed(chosen, {"train": cases}, sequences=sequences)


# What the caller gives


def _called(part: str, what: str) -> str:
    """What messages call an array of a part, such as ``t`` or ``validation's t``."""
    return what if part == "data" else f"{part}'s {what}"


def _given(value: Any, name: str) -> _Given:
    if isinstance(value, str | bytes | os.PathLike):
        message = f"{name}: {shown(str(value))} is a text; the name of a file belongs into the "
        raise DataError(f"{message}configuration, under data as file: NAME")
    if isinstance(value, DataSplit):
        raise DataError(f"{name}: a DataSplit has parts of its own; pass it alone, as data=")
    if isinstance(value, Dataset):
        value = value.arrays
    if not isinstance(value, tuple):
        table = table_of(value, name)
        refuse_infinite(table, name)
        return _Given(name, table)
    if len(value) not in (2, 3):
        message = f"{name}: found a tuple of {len(value)}"
        raise DataError(f"{message}; expected (x, t), or (x, t, weights)")
    if value[1] is None:
        raise DataError(f"{name}: t is None; pass a table alone, without t, if it has the labels")
    refuse_other_order(value[0], value[1], name)
    x = inputs_of(value[0], _called(name, "x"))
    weights = value[2] if len(value) == 3 else None
    weights = None if weights is None else weights_of_array(weights, len(x), name)
    return _Given(name, x, value[1], weights)


def targets_of(t: Any, name: str) -> Table:
    """Targets as a table.

    Args:
        t: one for each case, or a table or array of several columns.
        name: how the caller calls them; messages begin with it and the row.

    Raises:
        DataError: they are of no form that is taken.
    """
    return replace(table_of(t, name), place=partial(_at_target, name))


def _at_target(name: str, row: int, column: str, message: str) -> Problem:
    """The place of a target."""
    return Problem(f"{name}[{row}]: {message}")


def inputs_of(x: Any, name: str) -> Table | Array:
    """Inputs as an array of numbers, or as a table where they have names, texts or missing cells.

    Args:
        x: a data frame or an array of any number of axes.
        name: how the caller calls it, for messages.

    Raises:
        DataError: the inputs are of no form that is taken, or not finite.
    """
    if not is_frame(x):
        array = _numbers_in_lists(x)
        array = as_array(x, name) if array is None else array
        if array.ndim == 0:
            raise DataError(f"{name} is a single value; expected one row of inputs a case")
        are_numbers = array.dtype.kind in "buif"
        may_be_cells = array.ndim < 3 and array.dtype.kind == "f"
        if are_numbers and not (may_be_cells and bool(np.isnan(array).any())):
            return array[:, None] if array.ndim == 1 else array
        x = array
    table = table_of(x, name)
    refuse_infinite(table, name)
    return table


def _numbers_in_lists(x: Any) -> Array | None:
    """Lists within lists as an array, if they hold nothing but numbers; otherwise None."""
    if not isinstance(x, list | tuple):
        return None
    try:
        array = np.asarray(x)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return array if array.dtype.kind in "buif" else None


def refuse_infinite(table: Table, name: str) -> None:
    """Refuse a table with infinite numbers.

    Raises:
        DataError: a number is infinite; with its place.
    """
    for column in table.columns:
        if not column.is_text and np.isinf(column.values).any():
            row = int(np.argmax(np.isinf(column.values)))
            problem = table.place(row, column.name, "expected a finite number, found an infinite")
            raise DataError(replace(problem, message=f"{name}: {problem.message}"))


def refuse_other_order(x: Any, t: Any, name: str, targets: str = "t") -> None:
    """Refuse a DataFrame and a Series of pandas whose rows have the same labels in two orders.

    Args:
        x: the inputs.
        t: the targets.
        name: how the caller calls both, for messages.
        targets: how the caller calls the targets.

    Raises:
        DataError: their rows do not match.
    """
    if not (hasattr(x, "iloc") and hasattr(t, "iloc")) or len(x) != len(t):
        return
    if not x.index.equals(t.index) and x.index.sort_values().equals(t.index.sort_values()):
        message = f"{name}: x and {targets} have the same index in two orders, so their rows do "
        advice = f"pass {targets}.loc[x.index], or if they do, {targets}.to_numpy()"
        raise DataError(f"{message}not match; {advice}")


def weights_of_array(value: Any, cases: int, name: str) -> Array:
    """Weights of cases, (cases,).

    Raises:
        DataError: there is not one for each case, one is negative, or all are 0.
    """
    try:
        weights = weights_of_cases(as_array(value, _called(name, "weights")), cases)
    except ShapeError as error:
        raise DataError(f"{name}: {error}") from None
    if not weights.any():
        raise DataError(f"{name}: all weights are 0; expected one above 0")
    return weights


# Tables


def _tables(settings: dict[str, Any], given: Mapping[str, _Given]) -> dict[str, Table]:
    """Each part as a table with labels and weights; sets the keys that name these columns."""
    first, *others = given.values()
    x = _as_table(first)
    if first.t is None:
        wanted = {"label": settings.get("label", ["last"])}
        labels = all_named(x, wanted, "label")
    else:
        labels = _names_of_labels(settings, x, first)
        settings["label"] = labels
    for other in others:
        if other.weights is not None and first.weights is None:
            raise DataError(f"{other.name} has weights, but {first.name} has none")
    if first.weights is not None:
        settings["weight"] = weight = _name_of_weight(settings, x)
    else:
        weight = None
    return {part: _whole_table(one, labels, weight) for part, one in given.items()}


def _as_table(given: _Given) -> Table:
    """The inputs as a table."""
    return given.x if isinstance(given.x, Table) else table_of(given.x, _called(given.name, "x"))


def _names_of_labels(settings: Mapping[str, Any], x: Table, given: _Given) -> list[str]:
    """The names of the targets: their own, those that the setting ``label`` gives, or new ones."""
    stated = settings.get("label", [])
    stated = stated if isinstance(stated, list) else [stated]
    for name in stated:
        if name in x:
            message = (
                f"label names the column {shown(name)} of x, but t holds the labels; leave the "
                "column out of x, or pass x alone"
            )
            raise ConfigError(Problem(message, key="label"))
    count = len(given.targets.columns)
    names = given.targets.names
    if not given.targets.has_names:
        are_names = all(isinstance(n, str) and n not in ("first", "last") for n in stated)
        if are_names and len(stated) == count:
            names = stated
        else:
            names = [_unused(name, x.names) for name in _new_names(given.targets)]
    for name in names:
        if name in x:
            message = f"x and t both have a column {shown(name)}; leave it out of x"
            raise DataError(f"{given.name}: {message}")
    return list(names)


def _new_names(targets: Table) -> list[str]:
    """Names for targets that have none: of one-hot columns the numbers of their classes."""
    count = len(targets.columns)
    if count == 1:
        return ["target"]
    are_numbers = not any(column.is_text for column in targets.columns)
    rows = np.stack([column.values for column in targets.columns], axis=1)
    if are_numbers and one_hot_rows(rows).all():
        return [str(k) for k in range(count)]
    return [f"target_{k + 1}" for k in range(count)]


def _unused(name: str, taken: Iterable[str]) -> str:
    """The name, with underscores behind it if it is taken."""
    while name in taken:
        name += "_"
    return name


def _name_of_weight(settings: Mapping[str, Any], x: Table) -> str:
    """The name of the column of the weights that are passed."""
    stated = settings.get("weight")
    if stated is None:
        return _unused("weight", x.names)
    if not isinstance(stated, str) or stated in x:
        message = f"weight names the column {shown(stated)}, but weights are passed beside x and t"
        raise ConfigError(Problem(message, key="weight"))
    return stated


def _whole_table(given: _Given, labels: Sequence[str], weight: str | None) -> Table:
    """The inputs with the columns of weights and targets behind them."""
    x = _as_table(given)
    columns = [*x.columns]
    if weight is not None and weight not in x and given.t is not None:
        weights = np.ones(len(x)) if given.weights is None else given.weights
        columns.append(numeric_column(weight, weights))
    if given.t is not None:
        targets = given.targets.columns
        if len(targets) != len(labels):
            found = len(targets)
            message = f"{given.name}: t has {found} columns, expected {len(labels)}"
            raise DataError(f"{message} ({listed(labels)})")
        pairs = zip(targets, labels, strict=True)
        columns += [replace(column, name=name) for column, name in pairs]
    notes = (*x.notes, *(given.targets.notes if given.t is not None else ()))
    return replace(x, columns=tuple(columns), notes=notes)


# Arrays


def _all_cases(given: Mapping[str, _Given]) -> dict[str, Cases]:
    """Every part as rows of numbers or images, which have the same shape in all of them."""
    made = {part: _cases(one) for part, one in given.items()}
    wanted = made["train"].x.shape[1:]
    for part, cases in made.items():
        found = cases.x.shape[1:]
        if found != wanted:
            message = f"{_called(given[part].name, 'x')} has cases of the shape {found}"
            raise DataError(f"{message}, but those to train on have {wanted}")
    return made


def _cases(given: _Given) -> Cases:
    """Rows of numbers, or images, with their labels."""
    assert isinstance(given.x, np.ndarray)
    x = checked_inputs(given.x, _called(given.name, "x"))
    shape = x.shape[1:] if x.ndim > 2 else None
    targets = given.targets
    labels = labels_of(targets, targets.names)
    if labels is not None and not targets.has_names:
        labels = replace(labels, names=None, columns=None)
    return Cases(x, labels, image_shape=shape, weights=given.weights, notes=targets.notes)


def _of_axes(
    settings: dict[str, Any], given: Mapping[str, _Given], *, sequences: bool
) -> Mapping[str, Cases] | Mapping[str, Sequences]:
    """Parts whose inputs have more than two axes: sequences or images."""
    for key in OF_TABLES:
        if key in settings:
            what = "sequences" if sequences else "images"
            message = f"{key} is for tables; the data that are passed are {what}"
            raise ConfigError(Problem(message, key=key))
    for one in given.values():
        if one.t is None or not isinstance(one.x, np.ndarray):
            raise DataError(f"{one.name} is a table, but other parts are arrays of more axes")
    if sequences:
        return _sequences(given)
    images = _all_cases(given)
    order = channels_of(images["train"].image_shape)
    if order is not None:
        settings.setdefault("channels", order)
    return images


def _no_sequences(given: _Given) -> str:
    if not isinstance(given.x, np.ndarray):
        return f"{given.name} is a table, but the network reads sequences (cases, steps, features)"
    return (
        f"the x of {given.name} has the shape {given.x.shape}, but the network reads sequences "
        "(cases, steps, features); x[:, :, None] has one feature a step, as [[[1], [0]], ...] has "
        "where it is written out"
    )


def _sequences(given: Mapping[str, _Given]) -> dict[str, Sequences]:
    """Sequences with their targets; texts become the numbers of their classes."""
    targets = {part: as_array(one.t, _called(one.name, "t")) for part, one in given.items()}
    names = None
    if any(t.ndim == 1 and t.dtype.kind in "OSU" for t in targets.values()):
        labels = [labels_of(one.targets, one.targets.names) for one in given.values()]
        found = [one for one in labels if one is not None]
        classes = class_names(found)
        names = np.array(classes)
        targets = dict(zip(given, encode_classes(found, classes), strict=True))
    made = {}
    for part, one in given.items():
        arrays: dict[str, Any] = {
            "x": one.x,
            "t": targets[part],
            "classes": names,
            "weights": one.weights,
        }
        there = {key: value for key, value in arrays.items() if value is not None}
        made[part] = checked_sequences(there, name=one.name)
    return made
