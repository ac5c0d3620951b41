"""The door for data that are passed in Python, to `chainrule.train` and to a trained run.

``chainrule.train(config, data=...)`` takes

- ``(x, t)`` or ``(x, t, weights)``: x is an array or a data frame of one row a case, images
  (cases, height, width) or with channels, or sequences (cases, steps, features) for a network
  that reads them; t is an array, list or Series of one target a case, or has several columns;
- a data frame of pandas, polars or pyarrow, a mapping from names to columns, a list of mappings,
  or a `chainrule.data.tables.table.Table`, of which the configuration's ``label`` names the
  targets.

Such data stand in place of the source that the configuration names, if it names one; its other
settings, such as ``split``, ``standardize`` or ``missing``, hold for them.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from chainrule.config.load import Config, Source, load_config, read_source
from chainrule.config.reading.tree import Tree
from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ConfigError, DataError, DataWarning, ShapeError
from chainrule.data.dataset import PARTS, Dataset, DataSplit, Digests
from chainrule.data.digests import known_cases
from chainrule.data.passed import FOUND, Passed, passed, refuse_infinite, targets_of
from chainrule.data.readers.cases import Cases, place_channels
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.frames import as_array, is_frame, refuse_sparse, table_of
from chainrule.data.tables.loading import (
    LabelLists,
    labels_of,
    weights_of,
    without_gaps,
    without_weights,
)
from chainrule.data.tables.roles import listed
from chainrule.data.tables.table import Table
from chainrule.runs import predictions
from chainrule.runs.predictions import encoded_labels, numbers_of, scaled
from chainrule.runs.resolve import locate_data, placed
from chainrule.runs.shape_checks import takes_sequences


def configured(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config,
    overrides: Sequence[str] = (),
    data: Any = None,
    validation: Any = None,
    test: Any = None,
) -> tuple[Config, DataSplit | None, Passed | None]:
    """A checked configuration, and the data that a caller of `chainrule.train` passes.

    Args:
        config: as `chainrule.train` takes it, as are the others.
        overrides: items that replace settings of ``config``.
        data: None to make or read the data that the configuration describes.
        validation: None to split them off.
        test: None likewise.

    Returns:
        The configuration, in which the data that are passed stand in place of its own; and these:
        a `DataSplit` that is shared by several trainings, or what `resolve` takes as ``given``.

    Raises:
        ConfigError: the configuration cannot be run.
        DataError: the data are not of a form that is taken.
    """
    own = {"validation": validation, "test": test}
    stated = [part for part, value in own.items() if value is not None]
    if isinstance(data, DataSplit | None):
        if stated:
            found = "a DataSplit has parts of its own" if data is not None else "data= is missing"
            raise DataError(f"{stated[0]}= goes with data=, what to train on; {found}")
        return load_config(config, overrides), data, None
    checked = locate_data(_in_python(config).config(overrides))
    parts = dict(zip(PARTS, (data, validation, test), strict=True))
    try:
        settings, given = passed(checked.data, parts, sequences=takes_sequences(checked))
    except ConfigError as error:
        raise placed(error, checked) from error
    return replace(checked, data=settings).replace(), None, given


def source_of_passed(
    config: str | os.PathLike[str] | Mapping[str, Any],
    overrides: Sequence[str],
    data: Any,
    validation: Any,
    test: Any,
) -> tuple[Source, Passed | None]:
    """An unchecked configuration for several trainings, and the data that they share.

    Args:
        config: as `chainrule.train` takes it, as are the others.
        overrides: those of one of the trainings, which decide how the data are read for all.
        data: None to make or read the data that the configuration describes.
        validation: None to split them off.
        test: None likewise.

    Raises:
        ChainruleError: what `configured` raises; or the data are a `DataSplit`, which worker
            processes do not take.
    """
    if isinstance(data, DataSplit):
        raise DataError("data= takes (x, t) or a table here, not a DataSplit")
    if data is None:
        configured(config, overrides, data, validation, test)
        return read_source(config), None
    checked, _, given = configured(config, overrides, data, validation, test)
    source = _in_python(config)
    of_data = {key: checked.data[key] for key in FOUND if key in checked.data}
    parts = source.tree.value
    value = {**parts, "data": {**parts["data"], **of_data}}
    return replace(source, tree=replace(source.tree, value=value)), given


def packed(given: Passed | None) -> Array | None:
    """Data that were passed as bytes, to be sent to a worker process; `unpacked` reads them."""
    return None if given is None else np.frombuffer(pickle.dumps(given), dtype=np.uint8)


def unpacked(content: Array | None) -> Passed | None:
    """What `packed` has made of the data in the process that started this one."""
    found: Passed | None = None if content is None else pickle.loads(content.tobytes())
    return found


def _in_python(config: str | os.PathLike[str] | Mapping[str, Any] | Config) -> Source:
    """The configuration with ``python: table`` among its data; their form is found later."""
    if isinstance(config, Config):
        source = Source(Tree(config.parts), config.folder, config.path, config.name)
    else:
        source = read_source(config)
    parts = source.tree.value
    data = parts.get("data") if isinstance(parts, dict) else None
    if not isinstance(parts, dict) or not isinstance(data, dict | None):
        return source  # the check of the configuration reports what is wrong with it
    value = {**parts, "data": {**(data or {}), "python": "table"}}
    return replace(source, tree=replace(source.tree, value=value))


class Trained(predictions.Trained, Protocol):
    """What this module needs of a `chainrule.runs.run.Run`."""

    config: Config
    encoding: TableEncoding | None

    @property
    def digests(self) -> Digests | None:
        """The digests of the cases that it was trained, validated and tested on."""


def encoded_table(run: Trained, table: Table, *, with_labels: bool = True) -> Cases:
    """The cases that a table is for a network that was trained on one; columns go by their names.

    Args:
        run: what was trained.
        table: with the columns of the inputs.
        with_labels: whether labels and weights are wanted, without the rows that ``missing: drop``
            leaves out. If not, they may be anything, and every row is a case.

    Returns:
        x (cases, inputs) in original units, the labels and the weights if the table has their
        columns, and notes on what was left out or filled in.

    Raises:
        DataError: a column is missing, or a cell is not as in training; with its place.
    """
    assert run.encoding is not None
    matched = run.encoding.matched(table).with_texts(run.encoding.texts)
    if not with_labels:
        encoded = run.encoding.apply(matched)
        return Cases(encoded.x, None, notes=encoded.notes)
    matched, gaps = without_gaps(matched, run.encoding.roles, run.encoding.dropping)
    encoded = run.encoding.apply(matched)
    separator, lists = run.config.data.get("label_separator"), None
    if separator is not None:
        lists = LabelLists(separator, tuple(run.encoding.label_words))
    labels = labels_of(matched, run.encoding.labels, lists)
    weights = weights_of(matched, run.encoding.weight)
    notes = (*gaps, *encoded.notes, *without_weights(matched, run.encoding.weight))
    return Cases(encoded.x, labels, weights=weights, notes=notes)


def cases_for(run: Trained, data: Any, *, with_labels: bool = False) -> Cases:
    """The cases that data are for a trained network.

    Args:
        run: what was trained.
        data: as `chainrule.runs.run.Run.predict` takes them.
        with_labels: whether an array may have the columns of the labels too.

    Returns:
        x in original units, with labels and weights if a table has their columns.

    Raises:
        DataError: the data are sparse, lack a column, or a cell is not as in training.
        ShapeError: an array is no array of the run's columns.
    """
    refuse_sparse(data, "x")
    if run.encoding is None:
        return Cases(_without_names(run, data), None)
    data = _as_rows(data, run.encoding)
    if not is_frame(data):
        data = _as_array(data)
        if _are_inputs(data, run.encoding):
            return Cases(data, None)
        _require_columns(data, run.encoding, with_labels=with_labels)
    table = table_of(data, "x")
    refuse_infinite(table, "x")
    return encoded_table(run, table, with_labels=with_labels)


def _as_array(data: Any) -> Array:
    """Lists, tensors or an array as an array of numbers or, if there are texts, of objects."""
    try:
        return as_numbers(data, "inputs", "biuf")
    except ShapeError:
        if isinstance(data, str | bytes) or not hasattr(data, "__len__"):
            raise
    return as_array(data, "x")


def _require_columns(array: Array, encoding: TableEncoding, *, with_labels: bool) -> None:
    """Refuse an array of another number of columns than a run was trained on."""
    inputs = [column.name for column in encoding.inputs]
    raw = [name for name in encoding.columns if name not in encoding.labels]
    taken = [raw, inputs, encoding.columns] if with_labels else [raw, inputs]
    if array.ndim == 2 and array.shape[1] in map(len, taken):
        return
    message = f"expected an array of shape (cases, {len(raw)}) with the columns {listed(raw)}"
    if len(inputs) < len(raw):
        message += f", or (cases, {len(inputs)}) with {listed(inputs)}"
    raise ShapeError(f"{message}; found the shape {array.shape}")


def warn(notes: Sequence[str], depth: int) -> None:
    """Warn of what the user should know; ``depth`` counts the calls since the user's own."""
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=depth + 1)


def _as_rows(data: Any, encoding: TableEncoding) -> Any:
    """A mapping from columns to single cells, or a row of a DataFrame of pandas, as a table."""
    names = [column.name for column in encoding.inputs]
    if hasattr(data, "iloc") and not hasattr(data, "columns"):
        found = dict(data)
        if set(names) <= set(map(str, found)):
            data = found
    if isinstance(data, Mapping) and data:
        cells = [data[key] for key in data]
        if all(isinstance(cell, str) or not hasattr(cell, "__len__") for cell in cells):
            return [data]
    return data


def _are_inputs(array: Array, encoding: TableEncoding) -> bool:
    """Whether an array holds the network's inputs as they are, with nothing to encode."""
    if array.dtype.kind not in "biuf":
        return False
    if array.ndim > 2:  # images or sequences that are rows in the table of the training data
        return True
    are_numbers = all(c.kind == "number" and not c.has_indicator for c in encoding.inputs)
    names = [column.name for column in encoding.inputs]
    in_order = [name for name in encoding.columns if name in names] == names
    fits = array.ndim == 2 and array.shape[1] == len(names)
    return are_numbers and in_order and fits and not np.isnan(array).any()


def _without_names(run: Trained, data: Any) -> Array:
    """Inputs of a network that was trained on arrays."""
    if is_frame(data):
        return _numbers_of(table_of(data, "x"))
    x = as_numbers(data, "inputs", "biuf")
    if x.ndim > 2 and not run.network.reads_sequences:
        channels = run.config.data.get("channels")
        x = place_channels(x, x.shape[1:], channels)
    return x


def _numbers_of(table: Table) -> Array:
    """The columns of a table as numbers, (rows, columns)."""
    refuse_infinite(table, "x")
    for column in table.columns:
        if column.is_text or column.missing.any():
            row = 0 if column.is_text else int(np.argmax(column.missing))
            message = "a number is expected: the run was trained on an array of numbers"
            raise DataError(table.place(row, column.name, message))
    return np.column_stack([column.values for column in table.columns])


@dataclass(frozen=True, eq=False)
class Scored:
    """Cases with targets, as `chainrule.runs.run.Run.evaluate` scores them.

    Attributes:
        x: in original units.
        t: as the network takes them.
        weights: (cases,), or None.
        notes: what the user should know.
    """

    x: Array
    t: Array
    weights: Any
    notes: tuple[str, ...]


def scored(run: Trained, x: Any, t: Any, weights: Any) -> Scored:
    """The cases and targets that a caller of `chainrule.runs.run.Run.evaluate` passes.

    Raises:
        DataError: there are no targets, or one is not as in training.
        ShapeError: the targets do not fit the network's outputs.
    """
    if isinstance(x, Dataset):
        x = x.arrays
    if isinstance(x, tuple):
        x, t, weights = _of_tuple(x, t, weights)
    cases = cases_for(run, x, with_labels=t is None)
    if t is None:
        if cases.labels is None:
            names = listed(run.encoding.labels) if run.encoding else "t"
            raise DataError(f"x holds no labels ({names}); pass them too, as evaluate(x, t)")
        numbers = encoded_labels(run, cases.labels)
        weights = cases.weights if weights is None else weights
    else:
        numbers = _numbers_of_targets(run, t)
    notes = cases.notes
    if run.digests is not None and len(numbers) == len(cases.x):
        known = known_cases(cases.x, numbers, run.digests)
        notes = notes if known is None else (*notes, known)
    return Scored(cases.x, scaled(run, numbers), weights, notes)


def _of_tuple(given: tuple[Any, ...], t: Any, weights: Any) -> tuple[Any, Any, Any]:
    if t is not None or weights is not None or len(given) not in (2, 3):
        message = "evaluate takes (x, t) or (x, t, weights) as one tuple, or x, t and weights"
        raise DataError(f"{message}; found a tuple of {len(given)}")
    return given if len(given) == 3 else (*given, None)


def _numbers_of_targets(run: Trained, t: Any) -> Array:
    """Targets as the run's data have them: numbers of classes, or values in their own units."""
    refuse_sparse(t, "t")
    if not is_frame(t):
        return numbers_of(run, t)
    table = targets_of(t, "t")
    labels = [] if run.encoding is None else run.encoding.labels
    names = labels if {*labels} == {*table.names} else table.names
    found = labels_of(table, names)
    assert found is not None
    return encoded_labels(run, found)
