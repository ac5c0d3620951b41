"""Cases of a run's data with what the network says of them, for the page to count and to show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError
from chainrule.core.sequences import are_sequences, has_target, output_rows, target_rows
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.nn.description import describe
from chainrule.runs.run import Run
from chainrule.training.metrics import predictions_for, true_classes
from chainrule.training.scores import TargetKind

MOST_MULTIPLICATIONS = 4e9
"""A forward pass over more than this would keep the reader of the page waiting."""

FEWEST = 200
"""So many cases are examined in any case."""


@dataclass(frozen=True)
class Examined:
    """Cases of one part of a run's data.

    Attributes:
        run: whose network was asked.
        data: its data.
        part: ``test``, ``validation`` or ``training``: the first of these that has cases.
        x: inputs as the network takes them, (cases, ...).
        t: prepared targets of these.
        y: outputs, (cases, outputs); values in their own units.
        numbers: of the cases, counted from 1 in their part.
        count: how many cases of weight above 0 the part has.
    """

    run: Run
    data: DataSplit
    part: str
    x: Array
    t: Array
    y: Array
    numbers: Array
    count: int

    @property
    def kind(self) -> TargetKind:
        """What the targets are."""
        return TargetKind.of(self.run)

    @cached_property
    def places(self) -> Array:
        """For each target its case and, in sequences with targets at their steps, its step."""
        if are_sequences(self.t):
            return np.argwhere(has_target(self.t))
        return np.column_stack([np.arange(len(self.t)), np.zeros(len(self.t), np.intp)])

    @cached_property
    def rows(self) -> tuple[Array, Array]:
        """Outputs and targets, a row for each target, values in their own units."""
        y, t = output_rows(self.y, self.t), target_rows(self.t)
        return (y, t) if self.kind.word != "values" else (y, self.kind.in_own_units(t))

    @cached_property
    def finite(self) -> Array:
        """Of which rows all outputs are finite numbers."""
        return np.asarray(np.isfinite(self.rows[0]).all(axis=1))

    @cached_property
    def true(self) -> Array:
        """The number of the true class of each row."""
        return true_classes(self.rows[1])

    @cached_property
    def said(self) -> Array:
        """The number of the class that the network says of each row."""
        return predictions_for(*self.rows)

    def name_of(self, number: Any) -> str:
        """The name of a class."""
        assert self.run.classes is not None
        return self.run.classes[int(number)]


def examined(run: Run) -> Examined:
    """What the network says of the run's test data; else of its validation or training data.

    Raises:
        ChainruleError: the data cannot be read again, or have no cases.
    """
    data = run.data
    named = {"test": data.test, "validation": data.validation, "training": data.train}
    part = next((name for name, cases in named.items() if _counting(cases).any()), None)
    if part is None:
        raise DataError("none of the run's cases is left in its data")
    return examined_cases(run, data, part, named[part])


def examined_cases(run: Run, data: DataSplit, part: str, cases: Dataset) -> Examined:
    """What the network says of some cases.

    Args:
        run: whose network is asked.
        data: what is known of the inputs: their names, scaling and shape.
        part: what the cases are called.
        cases: with inputs as the network takes them.
    """
    counting = np.flatnonzero(_counting(cases))
    chosen = counting[_some(len(counting), describe(run.network).multiplications)]
    x, t = cases.x[chosen], run.network.prepare_targets(cases.t[chosen])
    with np.errstate(all="ignore"):
        y = run.outputs_of_scaled(x)
    return Examined(run, data, part, x, t, y, chosen + 1, len(counting))


def _counting(cases: Dataset) -> Array:
    """Which cases have a weight above 0."""
    return np.ones(len(cases), bool) if cases.weights is None else cases.weights > 0


def _some(count: int, multiplications: int) -> Array:
    """The indices of the cases to examine: all, or some that are spread evenly."""
    most = max(FEWEST, int(MOST_MULTIPLICATIONS // max(1, multiplications)))
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.intp)
