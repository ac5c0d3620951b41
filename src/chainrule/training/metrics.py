"""Metrics: how good outputs are for their targets, each a pure function of y, t and weights.

================================================  ========================================
targets                                           metrics
================================================  ========================================
classes                                           accuracy, balanced accuracy, top-k accuracy,
                                                  precision, recall, F1, ROC AUC, log loss
labels of which a case may have several           precision, recall, F1, ROC AUC, log loss
values                                            R², MAE, RMSE
================================================  ========================================

Every function takes outputs y, (cases, outputs), targets t as the network prepares them, and
weights of the cases, (cases,), or None. Targets are class numbers (cases,), rows of which the
largest number stands for the class, or one column of 0 and 1; for labels and values rows (cases,
outputs). With weights w, a case counts as w cases. What is undefined is None, and NaN where
outputs that are NaN leave nothing to say.

Precision, recall and F1 are those of the second class where there are two, as in scikit-learn,
and otherwise the mean over the classes that occur among targets or predictions; of labels, the
mean over all. A quotient of 0 by 0 counts as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import nearest
from chainrule.nn.losses import times_weights

# How outputs and targets are read


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


def predictions_for(y: Array, t: Array) -> Array:
    """`predicted_classes`, or class 0 for every case if there is only one class."""
    if t.ndim == 1 and y.shape[1] == 1:
        return np.zeros(len(y), np.intp)
    return predicted_classes(y)


def predicted_labels(y: Array) -> Array:
    """Whether a case has each label, as booleans: whether the output exceeds ½.

    Args:
        y: outputs, (..., labels).
    """
    return y > 0.5


# Classes and labels: which cases have one, and which are predicted to have it


class Counts(NamedTuple):
    """How many cases have each class or label, or the sums of their weights; each (classes,).

    Attributes:
        actual: the cases that have it.
        predicted: those that are predicted to have it.
        both: those of which this is right.
    """

    actual: Array
    predicted: Array
    both: Array

    @property
    def precision(self) -> Array:
        """The fraction of the cases predicted to have it that do have it; 0 for none."""
        return quotient(self.both, self.predicted)

    @property
    def recall(self) -> Array:
        """The fraction of the cases that have it that are predicted to have it; 0 for none."""
        return quotient(self.both, self.actual)

    @property
    def f1(self) -> Array:
        """2 · precision · recall / (precision + recall), from the counts; 0 for 0 by 0."""
        return quotient(2 * self.both, self.predicted + self.actual)


def quotient(a: Array, b: Array) -> Array:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(len(a)), where=b > 0)


def counts_of_classes(y: Array, t: Array, weights: Array | None = None) -> Counts:
    """The `Counts` of each class, of which a case has one.

    Example:
        >>> counts_of_classes(np.eye(3)[[0, 1, 1]], np.array([0, 1, 2])).predicted.tolist()
        [1.0, 2.0, 0.0]
    """
    true, predicted = true_classes(t), predictions_for(y, t)
    classes = y.shape[1] if t.ndim == 1 else max(2, y.shape[1])
    w = np.ones(len(y)) if weights is None else weights
    actual, found = (np.bincount(numbers, w, classes) for numbers in (true, predicted))
    right = true == predicted
    return Counts(actual, found, np.bincount(true[right], w[right], classes))


def counts_of_labels(y: Array, t: Array, weights: Array | None = None) -> Counts:
    """The `Counts` of each label, of which a case may have several."""
    predicted, actual = predicted_labels(y), predicted_labels(t)
    parts = (actual, predicted, actual & predicted)
    sums = (times_weights(each, weights).sum(axis=0) for each in parts)
    return Counts(*(each.astype(np.float64) for each in sums))


Average = Literal["usual", "macro", "weighted", "micro"]
Part = Literal["precision", "recall", "f1"]


def averaged(
    part: Part,
    average: Average,
    y: Array,
    t: Array,
    weights: Array | None = None,
    *,
    labels: bool = False,
) -> float | None:
    """Precision, recall or F1 of all classes or labels together.

    Args:
        part: which of them.
        average: ``macro``, the mean over labels, or over the classes that occur among targets or
            predictions; ``weighted``, the mean weighted by the number of cases that have each;
            ``micro``, from sums over all; ``usual``, that of the second of two classes, and
            otherwise ``macro``.
        y: outputs, (cases, outputs).
        t: prepared targets.
        weights: those of the cases, or None.
        labels: whether the targets are labels.

    Source: Sokolova and Lapalme, *A systematic analysis of performance measures for
    classification tasks* (2009), tables 3 and 4.

    Example:
        >>> y, t = np.array([[0.2], [0.7], [0.9]]), np.array([[0.0], [0.0], [1.0]])
        >>> averaged("precision", "usual", y, t), averaged("recall", "macro", y, t)
        (0.5, 0.75)
    """
    counts = (counts_of_labels if labels else counts_of_classes)(y, t, weights)
    if average == "micro":
        counts = Counts(*(column.sum(keepdims=True) for column in counts))
    values: Array = getattr(counts, part)
    if average == "usual" and not labels and len(values) == 2:
        return float(values[1]) if len(y) else None
    if average == "weighted":
        total = counts.actual.sum()
        return float(values @ counts.actual / total) if total > 0 else 0.0 if len(y) else None
    occur = np.full(len(values), labels) | (counts.actual + counts.predicted > 0)
    return float(values[occur].mean()) if len(y) and occur.any() else None


def accuracy(
    y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The fraction of the cases whose class is right; of labels, of all labels of all cases."""
    if labels:
        right = (predicted_labels(y) == predicted_labels(t)).mean(axis=1)
    else:
        right = (predictions_for(y, t) == true_classes(t)).astype(np.float64)
    return _mean(right, weights)


def balanced_accuracy(
    y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The mean recall of the classes that occur among the targets, so that all count the same.

    Source: Brodersen and others, *The balanced accuracy and its posterior distribution* (2010),
    equation 1, which has two classes.
    """
    counts = counts_of_classes(y, t, weights)
    actual = counts.actual > 0
    return float(counts.recall[actual].mean()) if actual.any() else None


def top_k_accuracy(
    k: int, y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The fraction of the cases whose class is among the k of the largest outputs.

    Of equal outputs the first is taken first, so that k = 1 gives the accuracy.

    Example:
        >>> y = np.array([[0.1, 0.4, 0.5], [0.4, 0.5, 0.1]])
        >>> top_k_accuracy(2, y, np.array([1, 2]))
        0.5
    """
    true, places = true_classes(t)[:, None], np.arange(y.shape[1])
    own = np.take_along_axis(y, true, axis=1)
    # Written so that an output that is NaN is ahead of the true class, or the true class last.
    ahead = np.where(places < true, ~(y < own), ~(y <= own)) & (places != true)
    return _mean((ahead.sum(axis=1) < k).astype(np.float64), weights)


def _mean(values: Array, weights: Array | None) -> float | None:
    """Σ w v / Σ w; None where no case has a weight above 0."""
    total = float(len(values)) if weights is None else float(weights.sum(dtype=np.float64))
    if not total > 0:
        return None
    w = values if weights is None else values * weights
    return float(w.sum(dtype=np.float64)) / total


# Probabilities


def roc_auc_of(scores: Array, actual: Array, weights: Array | None = None) -> float | None:
    """The area under the ROC curve of one class or label.

    It is the probability that a case that has the label has a larger score than a case that has
    it not, equal scores counting half: (1 / (P N)) Σ_i Σ_j wᵢ wⱼ ([sᵢ > sⱼ] + ½ [sᵢ = sⱼ]) over
    cases i that have it, of total weight P, and others j, of total weight N. It is found from the
    sorted scores, in O(n log n).

    Source: Hanley and McNeil, *The meaning and use of the area under a receiver operating
    characteristic (ROC) curve* (1982).

    Args:
        scores: the larger, the surer that the case has the label, (cases,).
        actual: whether it has, as booleans (cases,).
        weights: those of the cases, or None.

    Returns:
        The area, from 0 to 1; None unless some cases have the label and some have it not; NaN if
        a score is NaN.

    Example:
        >>> roc_auc_of(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
        0.875
    """
    w = np.ones(len(scores)) if weights is None else weights.astype(np.float64)
    positive, negative = np.where(actual, w, 0.0), np.where(actual, 0.0, w)
    whole = float(positive.sum()) * float(negative.sum())
    if not whole > 0:
        return None
    if np.isnan(scores).any():
        return float("nan")
    # The last bit of a sum of weights depends on their order, that of a count does not.
    order = np.argsort(scores, kind=None if weights is None else "stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    up = np.add.reduceat(positive[order], starts)
    down = np.add.reduceat(negative[order], starts)
    below = np.cumsum(down) - down
    return min(1.0, float(up @ (below + 0.5 * down)) / whole)


def roc_auc(
    y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The area under the ROC curve (`roc_auc_of`).

    Of two classes it is that of the second; of more, the mean over the classes of each against
    the rest, and of labels the mean over the labels, without those that all cases have or none.
    """
    if labels:
        areas = [
            roc_auc_of(s, h, weights) for s, h in zip(y.T, predicted_labels(t).T, strict=True)
        ]
    elif y.shape[1] <= 2:
        areas = [roc_auc_of(y[:, -1], true_classes(t) == 1, weights)]
    else:
        true = true_classes(t)
        areas = [roc_auc_of(y[:, k], true == k, weights) for k in range(y.shape[1])]
    known = [area for area in areas if area is not None]
    return float(np.mean(known)) if known else None


def log_loss(
    y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The mean of −ln p, p being the probability that the outputs give to what is true.

    Of labels, the mean over the labels as well. A probability of 0 counts as the smallest normal
    number, so that one case that is surely wrong leaves the mean finite. Neither penalties nor
    label smoothing nor class weights play a part, as they do in the network's own loss.
    """
    tiny = np.finfo(y.dtype).tiny
    with np.errstate(divide="ignore"):
        if labels or (y.shape[1] == 1 and t.ndim == 2):
            actual = predicted_labels(t)
            found = -np.where(actual, np.log(np.maximum(y, tiny)), np.log1p(-np.minimum(y, 1)))
            by_case = np.minimum(found, -np.log(tiny)).mean(axis=1)
        else:
            p = np.take_along_axis(y, true_classes(t)[:, None], axis=1)[:, 0]
            by_case = -np.log(np.maximum(p, tiny))
    return _mean(by_case, weights)


# Values


def mae(y: Array, t: Array, weights: Array | None = None, *, labels: bool = False) -> float | None:
    """The mean absolute error, mean |y − t| over cases and outputs."""
    return _mean(np.abs(np.subtract(y, t, dtype=np.float64)).mean(axis=1), weights)


def rmse(
    y: Array, t: Array, weights: Array | None = None, *, labels: bool = False
) -> float | None:
    """The root mean squared error √ mean (y − t)² of each output, and the mean over these."""
    squares = np.square(np.subtract(y, t, dtype=np.float64))
    each = [_mean(column, weights) for column in squares.T]
    known = [mean for mean in each if mean is not None]
    return float(np.sqrt(known).mean()) if known else None


def r2(y: Array, t: Array, weights: Array | None = None, *, labels: bool = False) -> float | None:
    """The coefficient of determination 1 − Σ(y − t)² / Σ(t − t̄)² over cases and outputs.

    t̄ is the mean target of each output. None where no output's targets vary.
    """
    total = float(spread(t, weights).sum())
    residual = times_weights(np.square(np.subtract(y, t, dtype=np.float64)), weights).sum()
    return 1 - float(residual) / total if total > 0 else None


def spread(t: Array, weights: Array | None = None) -> Array:
    """(t − t̄)² of every target, (cases, outputs), t̄ being the mean of each output's targets.

    With weights, (cases,), t̄ is the weighted mean, and each row is multiplied by its weight.

    If all targets of an output are equal, t̄ is set to that number. The computed mean could differ
    from it by rounding, and the sum of the squares would not be 0.
    """
    if not len(t):
        return np.zeros(t.shape)
    lowest = t.min(axis=0)
    if weights is None:
        mean = t.mean(axis=0, dtype=np.float64)
    else:
        mean = np.average(t.astype(np.float64), axis=0, weights=weights)
    mean = np.where(lowest == t.max(axis=0), lowest, mean)
    d = np.subtract(t, mean, dtype=np.float64)
    return times_weights(np.square(d, out=d), weights)


# The table of metrics

Kind = Literal["classes", "labels", "values"]
Outputs = Literal["any", "probabilities", "distribution"]


@dataclass(frozen=True)
class Metric:
    """A metric that a configuration can name.

    Attributes:
        heading: what it is called in tables and pictures.
        function: of y, t and weights, with ``labels`` by name.
        kinds: of targets that it is for.
        outputs: what the outputs for classes have to be: ``probabilities`` for numbers from 0 to
            1, ``distribution`` for such that add up to 1, or the probability of the second class.
        classes: the fewest classes with which it says something.
    """

    heading: str
    function: Callable[..., float | None]
    kinds: tuple[Kind, ...]
    outputs: Outputs = "any"
    classes: int = 1


MOST_K = 10
"""The largest k of the top-k accuracies."""

_BOTH: tuple[Kind, ...] = ("classes", "labels")
_PARTS: Mapping[Part, str] = {"precision": "precision", "recall": "recall", "f1": "F1"}


def _averages(
    average: Average, kinds: tuple[Kind, ...], ending: str = "", suffix: str = ""
) -> dict[str, Metric]:
    return {
        f"{part}{ending}": Metric(f"{heading}{suffix}", partial(averaged, part, average), kinds)
        for part, heading in _PARTS.items()
    }


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("accuracy", accuracy, _BOTH),
    "balanced_accuracy": Metric("balanced accuracy", balanced_accuracy, ("classes",)),
    **_averages("usual", _BOTH),
    "roc_auc": Metric("ROC AUC", roc_auc, _BOTH, "probabilities"),
    "log_loss": Metric("log loss", log_loss, _BOTH, "distribution"),
    "r2": Metric("R²", r2, ("values",)),
    "mae": Metric("MAE", mae, ("values",)),
    "rmse": Metric("RMSE", rmse, ("values",)),
    **{
        f"top_{k}_accuracy": Metric(
            f"top-{k} accuracy", partial(top_k_accuracy, k), ("classes",), classes=k + 1
        )
        for k in range(2, MOST_K + 1)
    },
    **_averages("macro", _BOTH, "_macro", ", mean"),
    **_averages("weighted", _BOTH, "_weighted", ", weighted mean"),
    **_averages("micro", ("labels",), "_micro", " of all labels"),
}
"""The metrics by the names that a configuration uses."""


def reason_against(name: str, kind: Kind, outputs: Outputs, classes: int) -> str | None:
    """Why a metric does not suit a network and its targets; None where it does.

    Args:
        name: of the metric.
        kind: of the targets.
        outputs: what the network's outputs are.
        classes: how many classes there are.
    """
    metric = METRICS[name]
    if kind not in metric.kinds:
        if name.endswith("_micro"):
            return f"{name} is for labels; of classes it is the accuracy"
        return f"{name} is for {' and '.join(metric.kinds)}, and these targets are {kind}"
    if kind != "classes":
        return None
    if classes < metric.classes:
        return f"{name} of {classes} classes is always 1"
    if metric.outputs == "any" or outputs in (metric.outputs, "distribution"):
        return None
    end = "softmax" if metric.outputs == "distribution" else "softmax or sigmoid"
    return f"{name} needs outputs that are probabilities, those of {end} as the last function"


def suiting(kind: Kind, outputs: Outputs, classes: int) -> list[str]:
    """The names of the metrics that suit a network and its targets, see `reason_against`."""
    return [name for name in METRICS if reason_against(name, kind, outputs, classes) is None]


def nearest_suiting(name: str, suit: Iterable[str]) -> str | None:
    """The metric that says for other targets what ``name`` says for its own; None for none."""
    suit = [*suit]
    for like, instead in (
        (("mae", "rmse", "log_loss"), ("log_loss", "rmse", "accuracy")),
        (("r2", "accuracy", "f1", "roc_auc"), ("accuracy", "r2")),
    ):
        if name in like:
            return next((one for one in instead if one in suit), None)
    return nearest(name, suit) or next(iter(suit), None)


HEADINGS: Mapping[str, str] = {
    "loss": "loss",
    "row_accuracy": "whole row",
    **{name: metric.heading for name, metric in METRICS.items()},
}
"""What each measure of a score is called."""


def measure_text(name: str, value: float | None) -> str:
    """A figure of a score as text, with as many digits as it takes to compare two of them.

    Args:
        name: the measure, or a column of a history that ends in its name.
        value: the figure; None if there is none.

    Example:
        >>> measure_text("validation_accuracy", 0.5), measure_text("rmse", 12345.678)
        ('50.00%', '12346')
        >>> measure_text("r2", 0.98765), measure_text("r2", -1e90)
        ('0.9877', '-1e+90')
    """
    if value is None:
        return "–"
    if name.endswith("accuracy"):
        return f"{value:.2%}"
    if name.endswith(("loss", "mae", "rmse")) or abs(value) >= 1e4:  # as R² may be, below 0
        return f"{value:.5g}"
    return f"{value:.4f}"
