"""Targets brought to mean 0 and standard deviation 1 for training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.data.dataset import Dataset, DataSplit
from chainrule.data.standardization import Standardization

FAR_FROM_1, NEAR_0 = 100.0, 1e-3
"""Targets of a larger mean or deviation, or of a smaller deviation, need to be scaled."""


def scaling_of_targets(t: Array, weights: Array | None = None) -> Standardization:
    """The scaling that takes each output's training targets to mean 0 and deviation 1.

    Args:
        t: values, (cases,), (cases, outputs), or (cases, steps, outputs) with NaN where a step
            has no target.
        weights: how much each case counts, (cases,), above 0; of rows alone, not of sequences.

    Raises:
        DataError: there are no targets, or they are too large.
    """
    return Standardization.fit(_rows(t), of="targets", weights=weights)


def scaled_targets(t: Array, scaling: Standardization) -> Array:
    """Values of the shapes that `scaling_of_targets` takes, scaled; NaN stays NaN."""
    return scaling.apply(t.reshape(-1, scaling.mean.size)).reshape(t.shape)


def with_scaled_targets(data: DataSplit, scaling: Standardization | None = None) -> DataSplit:
    """The data with the targets of all parts scaled; they are values.

    Args:
        data: the data.
        scaling: by default that of the training targets, without those of weight 0.
    """
    if scaling is None:
        _, t, _ = cases_that_count(*data.train.arrays)
        scaling = scaling_of_targets(t)

    def scaled(part: Dataset) -> Dataset:
        return replace(part, t=scaled_targets(part.t, scaling))

    train, validation, test = map(scaled, data)
    return replace(data, train=train, validation=validation, test=test, target_scaling=scaling)


def note_on_targets(t: Array) -> str | None:
    """What is to be said of values whose size makes training hard; None if there is nothing.

    Args:
        t: values, as `scaling_of_targets` takes them.

    Example:
        >>> print(note_on_targets(np.array([2e6, 4e6])))  # doctest: +ELLIPSIS
        the targets have mean 3e+06 and deviation 1e+06; a network learns best ...
        >>> note_on_targets(np.array([2.0, 4.0])) is None
        True
    """
    rows = _rows(t)
    if not is_far_from_1(t):
        return None
    largest = np.abs(rows).max(axis=0, initial=0)
    unit = np.where(largest > 0, largest, 1)  # so that no square overflows
    mean, deviation = (rows / unit).mean(axis=0) * unit, (rows / unit).std(axis=0) * unit
    k = int(_far(rows).argmax())
    which = f"of value {k + 1} " if rows.shape[1] > 1 else ""
    return (
        f"the targets {which}have mean {mean[k]:.3g} and deviation {deviation[k]:.3g}; a network "
        "learns best where these are near 0 and 1. scale_targets: true (in data) scales them for "
        "training, and predictions and scores stay in their own units"
    )


def is_far_from_1(t: Array) -> bool:
    """Whether values have a mean or deviation far from 0 and 1, so that they need to be scaled."""
    return bool(_far(_rows(t)).any())


def _far(rows: Array) -> Array:
    """Which outputs have such values, (outputs,)."""
    if not len(rows):
        return np.zeros(rows.shape[1], bool)
    with np.errstate(all="ignore"):
        mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    is_small = (deviation < NEAR_0) & (rows.min(axis=0) < rows.max(axis=0))
    far: Array = (np.abs(mean) > FAR_FROM_1) | (deviation > FAR_FROM_1) | is_small
    return far


def _rows(t: Array) -> Array:
    """Values as rows (cases, outputs), for sequences those of the steps that have a target."""
    rows = t.reshape(-1, t.shape[-1] if t.ndim > 1 else 1)
    return rows[~np.isnan(rows).any(axis=1)]
