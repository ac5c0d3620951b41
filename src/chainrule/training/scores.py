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
"""To bound its memory, evaluation goes through a set in pieces, each of at most so many cases and
of so many numbers in the widest layer."""


@dataclass(frozen=True)
class Score:
    """The result of a network on a set of cases.

    Attributes:
        loss: mean over the cases, penalty included.
        accuracy: the fraction of cases classified correctly, in sequences the fraction of the
            steps with a target; None where targets are values.
        r2: 1 − Σ(y − t)² / Σ(t − mean t)², over all outputs; None where targets are classes,
            or where they do not vary.
        cases: how many there were.
    """

    loss: float
    accuracy: float | None
    r2: float | None
    cases: int


def predicted_classes(y: Array) -> Array:
    """The class of each case: the largest output, ties to the smaller number, shape (cases,).

    With one output, class 1 where it is above ½.
    """
    if y.shape[1] == 1:
        return (y[:, 0] > 0.5).astype(np.intp)
    return y.argmax(axis=1)


def true_classes(t: Array) -> Array:
    """The class numbers (cases,) of prepared targets, which may be one-hot rows or one column."""
    return t if t.ndim == 1 else predicted_classes(t)


def count_correct(y: Array, t: Array) -> int:
    """How many outputs name the class of their prepared target; in sequences, how many steps."""
    y, t = output_rows(y, t), target_rows(t)
    return int(np.count_nonzero(_named_classes(y, t) == true_classes(t)))


def _named_classes(y: Array, t: Array) -> Array:
    """`predicted_classes`; but if there is a single class, one output always names that."""
    if t.ndim == 1 and y.shape[1] == 1:
        return np.zeros(len(y), np.intp)
    return predicted_classes(y)


def evaluate(network: Network, x: Any, t: Any, *, classes: bool) -> Score | None:
    """The score of ``network`` on a set of cases; no pass in progress is disturbed.

    Args:
        network: at its present θ.
        x: inputs, (cases, input) or images.
        t: targets, as `Network.loss` takes them.
        classes: whether the targets are classes (accuracy) or values (R²).

    Returns:
        The score, or None where there is no case.

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
    with np.errstate(all="ignore"):  # a loss that is not finite is shown as such
        for part in _pieces(network, len(x)):
            z, y = network.evaluate(network.prepare_inputs(x[part]))
            total += network.loss_of(z, y, t[part]) * len(y)
            if classes:
                correct += count_correct(y, t[part])
            else:
                residual += _squares(output_rows(y, t[part]), target_rows(t[part]))
        return Score(
            loss=total / len(t) + network.penalty_loss(),
            accuracy=correct / max(1, number_of_targets(t)) if classes else None,
            r2=None if classes else _r2(residual, target_rows(t)),
            cases=len(t),
        )


def outputs(network: Network, x: npt.ArrayLike) -> Array:
    """The outputs for any number of cases, (cases, outputs), computed in pieces.

    Args:
        network: at its present θ.
        x: inputs, (cases, input) or images.

    Raises:
        ShapeError: x does not fit the network.
    """
    x = _as_cases(x)
    if len(x) == 0:
        return np.empty((0, network.outputs), network.dtype)
    with np.errstate(all="ignore"):
        pieces = (network.prepare_inputs(x[part]) for part in _pieces(network, len(x)))
        return np.concatenate([network.evaluate(piece)[1] for piece in pieces])


def _as_cases(x: Any) -> Array:
    """Inputs as an array, whose first axis is that of the cases."""
    x = as_numbers(x, "inputs", "biuf")
    if not x.ndim:
        raise ShapeError(f"inputs are rows of numbers, one a case, found the number {x}")
    return x


def _pieces(network: Network, cases: int) -> Iterator[slice]:
    widest = max(layer.outputs for layer in network.layers)
    step = max(1, min(CASES_AT_A_TIME, NUMBERS_AT_A_TIME // widest))
    for start in range(0, cases, step):
        yield slice(start, start + step)


def _r2(residual: float, t: Array) -> float | None:
    """1 − residual / Σ(t − mean t)²; the mean of what does not vary is that number itself."""
    if not len(t):
        return None
    lowest = t.min(axis=0)
    mean = np.where(lowest == t.max(axis=0), lowest, t.mean(axis=0, dtype=np.float64))
    spread = _squares(t, mean)
    return 1 - residual / spread if spread > 0 else None


def has_r2(t: Array) -> bool:
    """Whether prepared targets vary, so that R² is a number."""
    return _r2(0.0, target_rows(t)) is not None


def _squares(a: Array, b: Array) -> float:
    """Σ (a − b)² in float64: in float32 a sum over many cases has few digits left."""
    d = np.subtract(a, b, dtype=np.float64)
    return float(np.square(d, out=d).sum())


def confusion_matrix(y: Array, t: Array, classes: int) -> Array:
    """How often each class (row) was taken for each class (column), shape (classes, classes).

    Args:
        y: outputs, (cases, outputs).
        t: prepared targets.
        classes: how many there are.

    Example:
        >>> y = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
        >>> confusion_matrix(y, np.array([0, 1, 1]), 2)
        array([[1, 0],
               [1, 1]])
    """
    matrix = np.zeros((classes, classes), dtype=int)
    y, t = output_rows(y, t), target_rows(t)
    np.add.at(matrix, (true_classes(t), _named_classes(y, t)), 1)
    return matrix
