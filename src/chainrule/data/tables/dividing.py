"""From tables with roles to training, validation and test data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.core.randomness import stream
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.readers.cases import Labels, as_word
from chainrule.data.readers.npz_file import BRIGHT, TOO_BRIGHT
from chainrule.data.settings import fractions_of
from chainrule.data.splits import split_cases, split_groups, split_in_order
from chainrule.data.suspicions import Suspicion
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.label import require_label
from chainrule.data.tables.loading import (
    LabelLists,
    Reader,
    Tables,
    labels_of_tables,
    notes_on_own_files,
    order_in_time,
    read_tables,
    weights_of,
)
from chainrule.data.tables.suspicions import suspicions_of_table
from chainrule.data.targets import TargetRule, Targets

Rows = tuple[Array, Array, Array]
"""The rows of a table that are training, validation and test cases."""


@dataclass(frozen=True)
class _Encoded:
    """Tables as cases, which are to be divided.

    Attributes:
        whole: the cases of the table that is split.
        apart: validation and test cases from tables of their own, or None.
        rows: the rows of ``whole`` for each part; those of a part that is apart are not used.
        encoding: how the columns became inputs.
        targets: the targets of all tables, with what describes them.
        notes: sentences for the user.
    """

    whole: Dataset
    apart: tuple[Dataset | None, Dataset | None]
    rows: Rows
    encoding: TableEncoding
    targets: Targets
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TableLoading:
    """How tables become data: which columns are labels, what the inputs are, who is in which part.

    Args:
        settings: the ``data`` part of a configuration.
        seed: of the random split.
        rule: what decides whether the targets are classes, labels or values.
        encoding: that of an earlier training, to encode the columns as it did; or None.
        doubts: what is suspicious about the table is appended here.
    """

    settings: Mapping[str, Any]
    seed: int
    rule: TargetRule
    encoding: TableEncoding | None
    doubts: list[Suspicion]

    def load(self, read: Reader) -> DataSplit:
        """The data, split but not scaled, without a description of their source.

        Args:
            read: reads the table of a part.

        Raises:
            ConfigError: the settings do not fit the tables.
            DataError: the tables cannot be read, or do not hold what they must.
        """
        found = self._encoded(read)
        shape, notes = self._image_of_rows(found.encoding, found.whole.x[found.rows[0]])
        flat = shape is None or self.settings.get("flatten", True)

        def placed(part: Dataset) -> Dataset:
            return part if flat else replace(part, x=part.x.reshape(-1, *(shape or ())))

        whole = placed(found.whole)
        validation, test = (
            whole.take(rows) if own is None else placed(own)
            for own, rows in zip(found.apart, found.rows[1:], strict=True)
        )
        return DataSplit(
            whole.take(found.rows[0]),
            validation,
            test,
            image_shape=shape,
            classes=found.targets.classes,
            feature_names=found.encoding.feature_names,
            encoding=found.encoding,
            notes=(*found.notes, *notes),
            **found.targets.described,
        )

    def _encoded(self, read: Reader) -> _Encoded:
        """The cases to be divided.

        No table is part of the result, so that its memory is free when the cases are divided.
        """
        tables = self._tables(read)
        lists = self._label_lists(tables)
        targets = self._targets(labels_of_tables(tables, lists), tables)
        rows = self._rows(tables, targets)
        weights = [weights_of(table, tables.roles.weight) for table in tables.present]
        train = rows[0] if weights[0] is None else rows[0][weights[0][rows[0]] > 0]
        encoding = self.encoding or TableEncoding.fit(
            tables.whole, tables.roles, self.settings, train
        ).model_copy(update={"label_words": list(lists.words) if lists else []})
        is_new = self.encoding is None
        encoded = [
            encoding.apply(table, is_fitted_on=is_new and table is tables.whole)
            for table in tables.present
        ]
        if is_new:
            self.doubts.extend(
                suspicions_of_table(tables.whole, encoding, targets.parts[0], self.settings)
            )
        whole, *own = map(Dataset, (one.x for one in encoded), targets.parts, weights)
        given = iter(own)
        validation, test = (
            None if table is None else next(given) for table in (tables.validation, tables.test)
        )
        notes = [*tables.notes, *notes_on_own_files(tables)]
        notes += [note for one in encoded for note in one.notes]
        notes += targets.notes
        return _Encoded(whole, (validation, test), rows, encoding, targets, tuple(notes))

    def _tables(self, read: Reader) -> Tables:
        """The tables, of which it is clear which columns are labels."""
        if "labels" in self.settings:
            message = "labels names a file of labels, as IDX files have; a table holds its own"
            raise ConfigError(Problem(message, key="labels"))
        tables = read_tables(self.settings, read, self.encoding)
        if self.encoding is None:
            require_label(
                tables.whole,
                tables.roles,
                self.settings,
                target=self.settings.get("target", self.rule.target),
                outputs=self.rule.outputs,
                several=self.rule.labels,
            )
        return tables

    def _label_lists(self, tables: Tables) -> LabelLists | None:
        """How the label's cells list several labels each, if the settings say so."""
        separator, names = self.settings.get("label_separator"), tables.roles.labels
        if separator is None:
            return None
        if len(names) != 1:
            message = f"label_separator is for one column of labels, but label names {len(names)}"
            raise ConfigError(Problem(message, key="label_separator"))
        if self.encoding is not None:
            return LabelLists(separator, tuple(self.encoding.label_words))
        return LabelLists.of_tables(tables.present, names[0], separator)

    def _targets(self, labels: Sequence[Labels], tables: Tables) -> Targets:
        """The targets; what is wrong with them may be that another sheet was meant."""
        try:
            return self.rule.targets(labels)
        except DataError as error:
            notes = [note for note in tables.whole.notes if "sheet" in note]
            if type(error) is not DataError or not notes:
                raise
            path = tables.whole.path
            raise DataError([*error.problems, *(Problem(note, path) for note in notes)]) from None

    def _rows(self, tables: Tables, targets: Targets) -> Rows:
        """The rows of each part of the table that is split."""
        try:
            classes = targets.parts[0] if targets.classes is not None else None
            return self._divided(tables, classes)
        except (ConfigError, DataError):
            if self.encoding is None:
                raise
            # Of an earlier training a run knows the parts; what divided them may be gone by now.
            everything = np.arange(len(tables.whole))
            return everything, everything[:0], everything[:0]

    def _divided(self, tables: Tables, classes: Array | None) -> Rows:
        """The rows of each part: by group, in the order of time, or at random."""
        whole, roles, fractions = tables.whole, tables.roles, fractions_of(self.settings)
        if roles.time is not None:
            return split_in_order(order_in_time(whole, roles.time), fractions)
        rng = stream(self.seed, "data", "split")
        if roles.group is not None:
            _, groups = whole[roles.group].distinct()
            return split_groups(groups, fractions, rng)
        return split_cases(len(whole), fractions, rng, classes)

    def _image_of_rows(
        self, encoding: TableEncoding, x: Array
    ) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
        """The shape of the images that the rows of a table are, or None, and a note on them."""
        if "image" not in self.settings:
            return None, ()
        height, width = self.settings["image"]
        if encoding.width != height * width:
            message = f"a row has {encoding.width} inputs, but an image of {height} x {width} has"
            raise ConfigError(Problem(f"{message} {height * width}", key="image"))
        if not x.size or x.max() <= BRIGHT or self.settings.get("standardize", False):
            return (height, width), ()
        return (height, width), (f"the images hold values up to {as_word(x.max())}; {TOO_BRIGHT}",)
