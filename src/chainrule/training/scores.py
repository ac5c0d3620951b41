"""How good a network is on a data set: loss, and accuracy or R²."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.core.arrays import Array, as_numbers
from chainrule.core.errors import ShapeError
from chainrule.core.sequences import number_of_targets, output_rows, target_rows
from chainrule.nn.network import Network

CASES_AT_A_TIME = 2048
NUMBERS_AT_A_TIME = 4_000_000
"""Limits on the memory of an evaluation, which splits a data set into batches: the most cases in a
batch, and the most numbers in a batch's output of the layer that has the most outputs."""


@dataclass(frozen=True)
class Score:
    """The loss of a network on a set of cases, and its accuracy or R².

    Attributes:
        loss: mean over the cases, penalty included.
        accuracy: the fraction of cases that are classified correctly; for sequences with targets
            at their steps, the fraction of the steps that have one. None if targets are values.
        r2: the coefficient of determination, 1 − Σ(y − t)² / Σ(t − t̄)². Both sums are over all
            cases and outputs, and t̄ is each output's mean target. None if targets are classes,
            or if no output's targets vary.
        cases: the number of cases.
    """

    loss: float
    accuracy: float | None
    r2: float | None
    cases: int


def predicted_classes(y: Array) -> Array:
    """The predicted class number of each case, shape (cases,).

    It is the index of the largest output, and the smallest such index if several are equal. If
    there is only one output, it is 1 where the output exceeds ½, and 0 elsewhere.

    Args:
        y: outputs, (cases, outputs).
    """
    if y.shape[1] == 1:
        return (y[:, 0] > 0.5).astype(np.intp)
    return y.argmax(axis=1)


def true_classes(t: Array) -> Array:
    """The true class number of each case, shape (cases,).

    Args:
        t: prepared targets: class numbers (cases,), one-hot rows (cases, classes), or one column
            of 0 and 1, (cases, 1).
    """
    return t if t.ndim == 1 else predicted_classes(t)


def count_correct(y: Array, t: Array) -> int:
    """The number of cases whose predicted class is the true one; for sequences, of such steps.

    Args:
        y: outputs, (cases, outputs).
        t: prepared targets.
    """
    y, t = output_rows(y, t), target_rows(t)
    return int(np.count_nonzero(_predictions_for(y, t) == true_classes(t)))


def _predictions_for(y: Array, t: Array) -> Array:
    """`predicted_classes`, or class 0 for every case if there is only one class."""
    if t.ndim == 1 and y.shape[1] == 1:
        return np.zeros(len(y), np.intp)
    return predicted_classes(y)


def evaluate(network: Network, x: Any, t: Any, *, classes: bool) -> Score | None:
    """The score of ``network`` on a set of cases.

    The outputs that the last forward pass stored in the layers are not changed.

    Args:
        network: evaluated at its current parameters θ.
        x: inputs, (cases, input) or images.
        t: targets, as `Network.loss` takes them.
        classes: whether the targets are classes (accuracy) or values (R²).

    Returns:
        The score, or None if there are no cases.

    Raises:
        ShapeError: x or t does not fit the network.
    """
    x = _as_cases(x)
    if len(x) == 0:
        return None
    t = network.prepare_targets(t)
    if len(t) != len(x):
        raise ShapeError(f"{len(x)} cases have {len(t)} targets")
    total, correct, residual = 0.0, 0, 0.0
    with np.errstate(all="ignore"):  # an infinite or NaN loss is returned as it is
        for part in _batches(network, len(x)):
            z, y = network.evaluate(network.prepare_inputs(x[part]))
            total += network.loss_of(z, y, t[part]) * len(y)
            if classes:
                correct += count_correct(y, t[part])
            else:
                residual += _sum_of_squares(output_rows(y, t[part]), target_rows(t[part]))
        return Score(
            loss=total / len(t) + network.penalty_loss(),
            accuracy=correct / max(1, number_of_targets(t)) if classes else None,
            r2=None if classes else _r2(residual, target_rows(t)),
            cases=len(t),
        )


def outputs(network: Network, x: npt.ArrayLike) -> Array:
    """The outputs for any number of cases, (cases, outputs), computed in batches.

    Args:
        network: evaluated at its current parameters θ.
        x: inputs, (cases, input) or images.

    Raises:
        ShapeError: x does not fit the network.
    """
    x = _as_cases(x)
    if len(x) == 0:
        return np.empty((0, network.outputs), network.dtype)
    with np.errstate(all="ignore"):
        batches = (network.prepare_inputs(x[part]) for part in _batches(network, len(x)))
        return np.concatenate([network.evaluate(batch)[1] for batch in batches])


def _as_cases(x: Any) -> Array:
    """Inputs as an array whose first axis counts the cases."""
    x = as_numbers(x, "inputs", "biuf")
    if not x.ndim:
        raise ShapeError(f"inputs are rows of numbers, one a case, found the number {x}")
    return x


def _batches(network: Network, cases: int) -> Iterator[slice]:
    """Consecutive batches of the cases, small enough for both limits on memory."""
    widest = max(layer.outputs for layer in network.layers)
    step = max(1, min(CASES_AT_A_TIME, NUMBERS_AT_A_TIME // widest))
    for start in range(0, cases, step):
        yield slice(start, start + step)


def _r2(residual: float, t: Array) -> float | None:
    """1 − residual / Σ(t − t̄)², or None if the denominator is 0.

    If all targets of an output are equal, t̄ is set to that number. The computed mean could differ
    from it by rounding, and the denominator would not be 0.
    """
    if not len(t):
        return None
    lowest = t.min(axis=0)
    mean = np.where(lowest == t.max(axis=0), lowest, t.mean(axis=0, dtype=np.float64))
    spread = _sum_of_squares(t, mean)
    return 1 - residual / spread if spread > 0 else None


def has_r2(t: Array) -> bool:
    """Whether R² is defined: whether some output's prepared targets vary."""
    return _r2(0.0, target_rows(t)) is not None


def _sum_of_squares(a: Array, b: Array) -> float:
    """Σ (a − b)², in float64, because in float32 the rounding errors of a long sum are large."""
    d = np.subtract(a, b, dtype=np.float64)
    return float(np.square(d, out=d).sum())


def confusion_matrix(y: Array, t: Array, classes: int) -> Array:
    """The number of cases of each true class (row) with each predicted class (column).

    Args:
        y: outputs, (cases, outputs).
        t: prepared targets.
        classes: the number of classes.

    Returns:
        The counts, shape (classes, classes).

    Example:
        >>> y = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
        >>> confusion_matrix(y, np.array([0, 1, 1]), 2)
        array([[1, 0],
               [1, 1]])
    """
    matrix = np.zeros((classes, classes), dtype=int)
    y, t = output_rows(y, t), target_rows(t)
    np.add.at(matrix, (true_classes(t), _predictions_for(y, t)), 1)
    return matrix
