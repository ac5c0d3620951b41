"""From the tables of a configuration to labels, inputs and the order in which they are split."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem, shown, unknown
from chainrule.data.readers.cases import Labels, one_hot_rows
from chainrule.data.settings import has_its_own
from chainrule.data.tables.dates import dates_of
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.fitting import dropping_inputs, holds_numbers
from chainrule.data.tables.reading import TableOptions, read_table, require_used
from chainrule.data.tables.roles import Roles, listed, named, roles_of
from chainrule.data.tables.table import PlaceOf, Table


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a configuration with the roles of their columns.

    Attributes:
        whole: the table that is split; without the rows that are dropped.
        validation: the table of the validation data, or None.
        test: the table of the test data, or None.
        roles: of the columns of all of them.
        notes: what the user should know about them.
    """

    whole: Table
    validation: Table | None
    test: Table | None
    roles: Roles
    notes: tuple[str, ...] = ()

    @property
    def present(self) -> list[Table]:
        """The tables that there are."""
        return [table for table in (self.whole, self.validation, self.test) if table is not None]


Reader = Callable[[str, Sequence[str]], Table]
"""From a key, such as ``test_file``, and the columns to read as texts to the table of that key."""


def file_reader(settings: Mapping[str, Any], paths_of: Callable[[str], list[Path]]) -> Reader:
    """A reader of the files that a configuration's ``data`` names.

    Raises:
        ConfigError: a setting means nothing for files of their formats.
    """
    parts = ("file", *(key for key in ("validation_file", "test_file") if key in settings))
    stated = [key for key in TableOptions._fields if key in settings]
    require_used(stated, [path for key in parts for path in paths_of(key)])
    return lambda key, texts: read_table(paths_of(key), table_options(settings, texts))


def read_tables(
    settings: Mapping[str, Any], read: Reader, fitted: TableEncoding | None = None
) -> Tables:
    """Read the tables of a configuration's ``data``, with the same names of columns.

    Args:
        settings: the ``data`` mapping.
        read: the reader of each of them.
        fitted: the encoding of an earlier training, if the tables are read for its run.

    Raises:
        ConfigError: the settings do not fit the columns.
        DataError: a file cannot be read, or lacks a column.
    """
    if fitted is None:
        whole, roles, texts = _training_table(read, settings)
        names = TableEncoding.of_roles(whole, roles)
        dropping = dropping_inputs(whole, roles, settings)
    else:
        names, roles, texts = fitted, fitted.roles, fitted.texts
        whole, dropping = fitted.matched(read("file", texts)), fitted.dropping
    own = [
        names.matched(read(f"{part}_file", texts)) if has_its_own(settings, part) else None
        for part in ("validation", "test")
    ]
    complete = [None if t is None else without_gaps(t, roles, dropping) for t in (whole, *own)]
    notes = [note for found in complete if found is not None for note in found[1]]
    train, validation, test = (None if found is None else found[0] for found in complete)
    assert train is not None
    return Tables(train, validation, test, roles, tuple(notes))


def without_gaps(table: Table, roles: Roles, dropping: Sequence[str]) -> tuple[Table, list[str]]:
    """The table without the rows that ``missing: drop`` leaves out, and a note of them.

    Args:
        table: the training data, or others with the same names of columns.
        roles: of its columns.
        dropping: the inputs whose missing cells leave out their rows. If there are any, a row
            without a label or a weight is left out as well.

    Raises:
        DataError: no row is left.
    """
    others = [name for name in (*roles.labels, roles.weight) if name and name in table]
    kept: Array = np.ones(len(table), dtype=bool)
    for name in [*dropping, *others] if dropping else []:
        kept &= ~table[name].missing
    if kept.all():
        return table, []
    if not kept.any():
        raise DataError(Problem("every row has a missing cell, so none is left", table.path))
    source = table.path.name if table.path else "data"
    count = f"{int((~kept).sum()):,} of {len(table):,} rows"
    return table.take(kept), [f"{source}: {count} have missing cells and are left out"]


def table_options(settings: Mapping[str, Any], texts: Sequence[str] = ()) -> TableOptions:
    """The reader's options among the settings of a configuration's ``data``."""
    own = {key: settings[key] for key in TableOptions._fields if key in settings}
    if "na" in own:
        own["na"] = tuple(own["na"])
    return TableOptions(**own, texts=tuple(texts))


def _training_table(
    read: Reader, settings: Mapping[str, Any]
) -> tuple[Table, Roles, tuple[str, ...]]:
    """A table, its roles, and the columns that validation and test data are to have as texts.

    These are all that are texts here. A label or a category with leading zeros is one of them, and
    the table is read a second time to keep these.
    """
    table = read("file", ())
    roles = roles_of(table, settings)
    categorical = settings.get("categorical", ())
    categories = [named(table, column, "categorical") for column in categorical]
    zeros = [n for n in (*roles.labels, *categories) if table[n].has_leading_zeros]
    table = read("file", zeros) if zeros else table
    used = (*roles.inputs, *roles.labels)
    texts = [n for n in used if table[n].is_text and not holds_numbers(table[n], table.notation)]
    return table, roles, tuple(texts)


class LabelLists(NamedTuple):
    """How the cells of one column list several labels each.

    Attributes:
        separator: the text between two labels of a cell.
        words: the labels that there are, in the order of the targets' columns.
    """

    separator: str
    words: tuple[str, ...]

    @classmethod
    def of_tables(cls, tables: Iterable[Table], name: str, separator: str) -> LabelLists:
        """The labels in the cells of a column of all tables, in alphabetical order.

        Raises:
            DataError: there is only one.
        """
        there = [table for table in tables if name in table]
        cells = {cell for table in there for cell in table[name].distinct()[0]}
        words = sorted({word for cell in cells for word in _split(cell, separator)})
        if len(words) < 2:
            message = (
                f"the cells of {shown(name)} hold {len(words)} different labels, separated by "
                f"{shown(separator)}; several labels a case need two"
            )
            raise ConfigError(Problem(message, key="label_separator"))
        return cls(separator, tuple(words))

    def rows(self, table: Table, name: str) -> Array:
        """1 for each label of a cell and otherwise 0, (rows, labels); a missing cell has none.

        Raises:
            DataError: a label is not among ``words``; with the place of the first.
        """
        cells, which = table[name].distinct()
        index = {word: k for k, word in enumerate(self.words)}
        rows: Array = np.zeros((len(cells) + 1, len(self.words)))  # the last: of a missing cell
        for k, cell in enumerate(cells):
            for word in _split(cell, self.separator):
                if word not in index:
                    message = unknown("label", word, self.words)
                    raise DataError(table.place(int(np.argmax(which == k)), name, message))
                rows[k, index[word]] = 1
        return rows[which]


def _split(cell: str, separator: str) -> list[str]:
    return [word.strip() for word in cell.split(separator) if word.strip()]


def _at_label(place: PlaceOf, name: str, case: int, message: str) -> Problem:
    """The place of a label; a function of this module, so that labels can be pickled."""
    return place(case, name, message)


def labels_of(
    table: Table, names: Sequence[str], lists: LabelLists | None = None
) -> Labels | None:
    """The labels in the columns of these names; None if the table has none of them.

    Args:
        table: the table.
        names: of the label's columns.
        lists: how the cells of the only one of them list several labels each; None if they do not.

    Raises:
        DataError: some of the columns are missing, a label is missing, or one of several columns
            holds texts.
    """
    there = [name for name in names if name in table]
    if not there:
        return None
    if len(there) < len(names):
        missing = next(name for name in names if name not in table)
        message = f"the column {shown(missing)} of the label is missing, but {there[0]} is there"
        raise DataError(Problem(message, table.path))
    columns = [table[name] for name in names]

    place = partial(_at_label, table.place, names[0])

    if lists is not None:
        rows = lists.rows(table, names[0])
        return Labels(rows, place, table.path, columns=lists.words, are_sets=True)
    for column in columns:
        if column.missing.any():
            row = int(np.argmax(column.missing))
            hint = "; missing: drop leaves out the rows without one"
            raise DataError(table.place(row, column.name, f"the label is missing{hint}"))
    if len(columns) == 1:
        (column,) = columns
        values = column.texts() if column.is_text else column.values
        titles = (column.name,) if table.has_names else None
        return Labels(values, place, table.path, columns=titles, type=column.type)
    for column in columns:
        if column.is_text:
            word = shown(column.words[0], 40)
            message = f"of several label columns each holds numbers, found {word}"
            raise DataError(table.place(0, column.name, message))
    values = np.stack([column.values for column in columns], axis=1)
    are_one_hot = bool(one_hot_rows(values).all())
    return Labels(
        values,
        place,
        table.path,
        tuple(names) if are_one_hot else None,
        columns=tuple(names),
        place_in_column=lambda case, k, message: table.place(case, names[k], message),
    )


def labels_of_tables(tables: Tables, lists: LabelLists | None) -> list[Labels]:
    """The labels of each table.

    Raises:
        DataError: a table has no label, or as `labels_of`.
    """
    names, labels = tables.roles.labels, []
    for table in tables.present:
        found = labels_of(table, names, lists)
        if found is None:
            message = f"found no column {listed(names)}, the label, among {listed(table.names)}"
            raise DataError(Problem(message, table.path))
        labels.append(found)
    return labels


def weights_of(table: Table, name: str | None) -> Array | None:
    """The weights in the column of this name, (rows,); None if the table has none of this name.

    Raises:
        DataError: a weight is missing, is no number, or is negative.
    """
    if name is None or name not in table:
        return None
    column = table[name]
    if column.is_text:
        wrong: Array = np.ones(len(table), dtype=bool)
    else:
        wrong = ~(column.values >= 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        found = shown(column.text(row), 40) if not column.missing[row] else "an empty cell"
        raise DataError(
            table.place(row, name, f"a weight is a number of at least 0, found {found}")
        )
    return column.values


def notes_on_own_files(tables: Tables) -> list[str]:
    """What is doubtful about validation and test data in files of their own."""
    notes, weight, group = [], tables.roles.weight, tables.roles.group
    for part, table in (("validation", tables.validation), ("test", tables.test)):
        if table is None:
            continue
        notes += without_weights(table, weight)
        if group is None or group not in table:
            continue
        known = {*tables.whole[group].distinct()[0]}
        common = [word for word in table[group].distinct()[0] if word in known]
        if common:
            notes.append(
                f"{len(common):,} of the groups in {group} are in the training data and in the "
                f"{part} data, such as {shown(common[0], 40)}; only the split of one file keeps "
                "groups apart"
            )
    return notes


def without_weights(table: Table, name: str | None) -> list[str]:
    """A note if a table lacks the column of the weights that the training data have."""
    if name is None or name in table:
        return []
    source = table.path.name if table.path else "the data"
    return [f"{source} has no column {shown(name)} of weights, so every case counts the same"]


def order_in_time(table: Table, name: str) -> Array:
    """The rows in the order of a column of numbers or dates, (rows,) indices.

    Raises:
        ConfigError: the cells are neither numbers nor dates of one format.
    """
    column = table[name]
    if column.missing.any():
        row = int(np.argmax(column.missing))
        raise DataError(table.place(row, name, "the time is missing; a split in order needs it"))
    keys = column.values
    if column.is_text:
        keys = dates_of(column.words, name)[column.values]
    return np.argsort(keys, kind="stable")
