"""What is done to data once they are read and split: other numbers, the same cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.errors import DataError
from chainrule.core.sequences import NO_CLASS
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.standardization import Standardization


def with_values(part: Dataset) -> Dataset:
    """Sequences with values in place of the numbers of classes, NaN where there is no class."""
    return replace(part, t=np.where(part.t == NO_CLASS, np.nan, part.t)[..., None])


def in_numbers(data: DataSplit, dtype: str, *, are_bytes: bool) -> DataSplit:
    """The data with bytes divided by 255, and with float32 inputs as float64 if ``dtype`` is.

    Inputs of float64 stay float64 for a network of float32, so that standardising loses nothing.
    """

    def numbers(x: Array) -> Array:
        if are_bytes:
            return np.divide(x, 255, dtype=dtype)
        return x.astype(dtype) if x.dtype == np.float32 and dtype == "float64" else x

    return changed(data, lambda part: replace(part, x=numbers(part.x)))


def with_note_of_weights(data: DataSplit) -> DataSplit:
    """The data with a note on the range of the weights of the training cases, if they have any.

    Raises:
        DataError: all training cases have the weight 0.
    """
    weights = data.train.weights
    if weights is None:
        return data
    above = weights[weights > 0]
    if not len(above):
        raise DataError(f"{data.source}: all {len(weights)} training cases have the weight 0")
    note = f"the training cases have weights from {above.min():g} to {above.max():g}"
    if len(above) < len(weights):
        note += f"; {len(weights) - len(above)} of weight 0 are not trained on"
    notes = [note]
    for name, part in (("validation", data.validation), ("test", data.test)):
        if part.weights is not None and len(part) and not part.weights.any():
            notes.append(
                f"all {len(part):,} {name} cases have the weight 0, so they have no score"
            )
    return replace(data, notes=(*data.notes, *notes))


def standardized(data: DataSplit, *, center_only: bool) -> DataSplit:
    """All parts, standardised with the mean and deviation of the training inputs."""
    x, _, _ = cases_that_count(*data.train.arrays)
    scaling = Standardization.fit(x, center_only=center_only)
    return changed(data, lambda part: replace(part, x=scaling.apply(part.x)), scaling=scaling)


def changed(data: DataSplit, change: Callable[[Dataset], Dataset], **other: Any) -> DataSplit:
    """The same data with each part changed, and other attributes set."""
    train, validation, test = map(change, data)
    return replace(data, train=train, validation=validation, test=test, **other)
