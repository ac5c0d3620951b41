"""How good a network is on a data set: its loss, and scores that suit the kind of targets.

=============  ============================================================================
targets        scores
=============  ============================================================================
classes        accuracy
labels         accuracy, accuracy of whole rows, F1; and a `LabelScore` for each label
values         R², mean absolute error, root mean squared error; a `TargetScore` for each
=============  ============================================================================

Labels are targets of 0 and 1 of which a case may have several at once ("multi-label"): an output
above ½ says that the case has the label.

Where cases have weights w, every mean over cases is Σ w v / Σ w, every sum is of w v, and every
fraction of cases is that of their weights, so that a case of weight 2 counts as two. Numbers of
cases are still counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from chainrule.core import html
from chainrule.core.arrays import Array, as_numbers, cases_that_count, one_hot, weights_of_cases
from chainrule.core.errors import ShapeError
from chainrule.core.notation import counted, in_a_line
from chainrule.core.sequences import (
    number_of_targets,
    output_rows,
    target_rows,
    weights_of_targets,
)
from chainrule.data.standardization import Standardization
from chainrule.nn.activations import Sigmoid
from chainrule.nn.losses import times_weights
from chainrule.nn.network import Network
from chainrule.training.metrics import (
    HEADINGS,
    METRICS,
    Counts,
    Kind,
    Outputs,
    measure_text,
    nearest_suiting,
    predicted_labels,
    predictions_for,
    reason_against,
    spread,
    suiting,
    true_classes,
)

CASES_AT_A_TIME = 2048
NUMBERS_AT_A_TIME = 4_000_000
"""Limits on the memory of an evaluation, which splits a data set into batches: the most cases in a
batch, and the most numbers in a batch's output of the layer that has the most outputs."""


MOST_LISTED = 200
"""A score of more labels or targets than this has no entry for each of them."""


@dataclass(frozen=True)
class LabelScore:
    """How well one label is told, of those of which a case may have several.

    As in scikit-learn with ``zero_division=0``, a quotient of 0 by 0 counts as 0.

    Attributes:
        name: of the label.
        cases: how many cases have it.
        accuracy: the fraction of the cases of which it is said rightly whether they have it.
        precision: the fraction of the cases predicted to have it that do have it.
        recall: the fraction of the cases that have it that are predicted to have it.
        f1: 2 · precision · recall / (precision + recall).
    """

    name: str
    cases: int
    accuracy: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class TargetScore:
    """How well one of several values is predicted, in the value's own units.

    Attributes:
        name: of the target.
        r2: 1 − Σ(y − t)² / Σ(t − t̄)²; None if all its targets are equal.
        mae: the mean absolute error, mean |y − t|.
        rmse: the root mean squared error, √ mean (y − t)².
    """

    name: str
    r2: float | None
    mae: float
    rmse: float


@dataclass(frozen=True, repr=False)
class Score:
    """The loss of a network on a set of cases, and the scores that suit its targets.

    Attributes:
        loss: mean over the cases, penalty included; where the targets were scaled for training,
            the loss of the scaled targets.
        accuracy: the fraction of cases that are classified correctly; for sequences with targets
            at their steps, the fraction of the steps that have one. For labels, the fraction of
            all labels of all cases that are right. None if targets are values.
        r2: the coefficient of determination, 1 − Σ(y − t)² / Σ(t − t̄)². Both sums are over all
            cases and outputs, and t̄ is each output's mean target. None if targets are no values,
            or if no output's targets vary.
        cases: the number of cases, without those of weight 0.
        mae: the mean absolute error, the mean of |y − t| over all cases and outputs, in the
            targets' own units. None if targets are no values.
        rmse: the root mean squared error √ mean (y − t)² of each output, and the mean of these
            over the outputs, in the targets' own units. None if targets are no values.
        row_accuracy: the fraction of cases of which every label is right; otherwise None.
        f1: the mean over all labels of their F1, which is 0 for a label that no case has
            (`LabelScore`); otherwise None.
        labels: a score for each label.
        targets: a score for each output, if there are several. Labels and targets are left out
            if there are more than `MOST_LISTED`.
        metrics: the further metrics that were asked for, by name, of those that are defined.
    """

    loss: float
    accuracy: float | None
    r2: float | None
    cases: int
    mae: float | None = None
    rmse: float | None = None
    row_accuracy: float | None = None
    f1: float | None = None
    labels: tuple[LabelScore, ...] = ()
    targets: tuple[TargetScore, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, float]:
        """The measures that were taken, by name, in the order of `MEASURES`."""
        own = {name: getattr(self, name) for name in _ATTRIBUTES}
        found = {name: value for name, value in own.items() if value is not None}
        found.update(self.metrics)
        return {name: found[name] for name in MEASURES if name in found}

    def __repr__(self) -> str:
        figures = (f"{name} {measure_text(name, v)}" for name, v in self.figures.items())
        return f"Score({counted(self.cases, 'case')}: {in_a_line(figures)})"

    @html.never_fails
    def _repr_html_(self) -> str:
        rows = [(HEADINGS[name], measure_text(name, v)) for name, v in self.figures.items()]
        return html.piece(
            f"Score of {counted(self.cases, 'case')}", html.table(("score", "value"), rows)
        )


_ATTRIBUTES = ("loss", "accuracy", "row_accuracy", "f1", "r2", "mae", "rmse")

MEASURES = tuple(dict.fromkeys((*_ATTRIBUTES, *METRICS)))
"""The figures of a `Score` that a history may have: the loss, the scores and the metrics."""


def is_better_low(measure: str) -> bool:
    """Whether lower values are better, of a measure or of a column that ends in its name.

    Example:
        >>> [is_better_low(column) for column in ("validation_loss", "train_rmse", "accuracy")]
        [True, True, False]
    """
    return measure.endswith(("loss", "mae", "rmse"))


class _Described(Protocol):
    """What `TargetKind.of` needs to know of data or of a run."""

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The names of the classes."""

    @property
    def multi_label(self) -> bool:
        """Whether the targets are labels."""

    @property
    def target_names(self) -> tuple[str, ...] | None:
        """The names of labels or values."""

    @property
    def target_scaling(self) -> Standardization | None:
        """The scaling of the targets."""


@dataclass(frozen=True, eq=False)
class TargetKind:
    """What the targets are, which decides how outputs are scored.

    Attributes:
        classes: whether they are classes, of which a case has one.
        multi_label: whether they are labels, 0 and 1, of which a case may have several.
        names: the names of the classes, labels or values, or None.
        scaling: how values were scaled for training; scores are in their units before.
    """

    classes: bool = False
    multi_label: bool = False
    names: tuple[str, ...] | None = None
    scaling: Standardization | None = None

    @classmethod
    def of(cls, described: _Described) -> TargetKind:
        """The kind of the targets of a `DataSplit` or of a run."""
        classes, scaling = described.classes, described.target_scaling
        names = described.target_names if classes is None else classes
        return cls(classes is not None, described.multi_label, names, scaling)

    @property
    def word(self) -> Kind:
        """``classes``, ``labels`` or ``values``."""
        return "classes" if self.classes else "labels" if self.multi_label else "values"

    @property
    def measures(self) -> tuple[str, ...]:
        """The measures that such targets have, of `MEASURES`; without the loss."""
        if self.classes:
            return ("accuracy",)
        return ("accuracy", "row_accuracy", "f1") if self.multi_label else ("r2", "mae", "rmse")

    def reason_against(self, metric: str, network: Network) -> str | None:
        """Why a metric does not suit such targets and a network's outputs; None where it does.

        The reason ends with the metric that says the most similar, and all others that suit.
        """
        outputs = network.layers[-1].output_shape[-1]
        described = self.word, outputs_of(network), max(2, outputs)
        reason = reason_against(metric, *described)
        if reason is None:
            return None
        suit = suiting_metrics(self, network)
        guess = nearest_suiting(metric, suit)
        hint = f"; did you mean {guess!r}?" if guess else "."
        return f"{reason}{hint} Those that suit: {', '.join(suit)}"

    def in_own_units(self, values: Array) -> Array:
        """Outputs or prepared targets in the units of the targets before they were scaled."""
        return values if self.scaling is None else self.scaling.undo(values)


CLASSES, VALUES = TargetKind(classes=True), TargetKind()


def outputs_of(network: Network) -> Outputs:
    """Whether the outputs of a network are a distribution, probabilities, or any numbers."""
    last: Any = network.layers[-1]
    if last.gives_distribution:
        return "distribution"
    if not isinstance(getattr(last, "activation", None), Sigmoid):
        return "any"
    return "distribution" if last.output_shape[-1] == 1 else "probabilities"


def suiting_metrics(kind: TargetKind, network: Network) -> list[str]:
    """The names of the metrics that suit the targets and a network's outputs."""
    outputs = network.layers[-1].output_shape[-1]
    return suiting(kind.word, outputs_of(network), max(2, outputs))


def target_labels(names: Sequence[str] | None, count: int, *, multi_label: bool) -> list[str]:
    """The names of labels or values; without names ``label_1`` ... or ``value_1`` ...

    Example:
        >>> target_labels(None, 2, multi_label=False)
        ['value_1', 'value_2']
    """
    if names is not None:
        return list(names)
    return [f"{'label' if multi_label else 'value'}_{k + 1}" for k in range(count)]


def count_correct(y: Array, t: Array, weights: Array | None = None) -> float:
    """The number of cases whose predicted class is the true one; for sequences, of such steps.

    Args:
        y: outputs, (cases, outputs).
        t: prepared targets.
        weights: those of the cases, which are summed instead of counted; None to count.
    """
    rows = target_rows(t)
    right = predictions_for(output_rows(y, t), rows) == true_classes(rows)
    if weights is None:
        return int(np.count_nonzero(right))
    return float(weights_of_targets(weights, t)[right].sum(dtype=np.float64))


def fraction_right(correct: float, t: Array, weights: Array | None) -> float:
    """The accuracy: ``correct`` as `count_correct` sums it over all cases, as a fraction of all.

    Args:
        correct: the sum over the cases.
        t: their prepared targets.
        weights: their weights, or None.
    """
    return min(1.0, correct / _all(t, weights))  # the two sums may be rounded differently


def _all(t: Array, weights: Array | None) -> float:
    """How many targets there are, or the sum of their weights; 1 where there are none."""
    if weights is None:
        return max(1, number_of_targets(t))
    return float(weights_of_targets(weights, t).sum(dtype=np.float64)) or 1.0


def evaluate(
    network: Network,
    x: Any,
    t: Any,
    *,
    classes: bool = False,
    kind: TargetKind | None = None,
    weights: Any = None,
    metrics: Sequence[str] = (),
) -> Score | None:
    """The score of ``network`` on a set of cases.

    The outputs that the last forward pass stored in the layers are not changed.

    Args:
        network: evaluated at its current parameters θ.
        x: inputs, (cases, input) or images.
        t: targets, as `Network.loss` takes them; scaled, where ``kind`` has a scaling.
        classes: whether the targets are classes (accuracy) or values (R² and errors).
        kind: more on the targets, in place of ``classes``: labels, names, a scaling.
        weights: how much each case counts, (cases,), at least 0, of which only the ratios
            matter; None where all count the same.
        metrics: the names of further metrics that suit the targets, see `METRICS`. For them the
            outputs of all cases are kept at once.

    Returns:
        The score, or None if there are no cases, or none of a weight above 0.

    Raises:
        ShapeError: x, t or weights do not fit.

    Example:
        >>> from chainrule.nn import Dense
        >>> network = Network([Dense(1, "linear", weights="zeros")], input=1, loss="mse")
        >>> evaluate(network, [[0], [0]], [1.0, 3.0], weights=[3, 1]).loss
        3.0
    """
    kind = kind or (CLASSES if classes else VALUES)
    x = _as_cases(x)
    if len(x) == 0:
        return None
    t = network.prepare_targets(t)
    if len(t) != len(x):
        raise ShapeError(f"{len(x)} cases have {len(t)} targets")
    if weights is not None:
        x, t, weights = cases_that_count(x, t, weights_of_cases(weights, len(x)))
        if len(x) == 0:
            return None
    total, sums, kept = 0.0, _sums_for(kind, network, t), list[Array]()
    further = [name for name in metrics if name not in kind.measures]
    with np.errstate(all="ignore"):  # an infinite or NaN loss is returned as it is
        for part in _batches(network, len(x)):
            z, y = network.evaluate(network.prepare_inputs(x[part]))
            own = None if weights is None else weights[part]
            total += network.loss_of(z, y, t[part], own) * len(y)
            sums.add(y, t[part], own)
            if further:
                kept.append(output_rows(y, t[part]))
        score = sums.score(total / len(t) + network.penalty_loss(), t, weights)
        if not further:
            return score
        found = measured(further, np.concatenate(kept), t, weights, labels=kind.multi_label)
        return replace(score, metrics=found)


def measured(
    names: Iterable[str], y: Array, t: Array, weights: Array | None, *, labels: bool
) -> dict[str, float]:
    """The metrics of these names that are defined.

    Args:
        names: those of `METRICS`.
        y: outputs, (cases, outputs); of sequences those of `output_rows`.
        t: prepared targets.
        weights: those of the cases, or None.
        labels: whether the targets are labels.
    """
    own = None if weights is None else weights_of_targets(weights, t)
    rows = target_rows(t)
    found = {name: METRICS[name].function(y, rows, own, labels=labels) for name in names}
    return {name: value for name, value in found.items() if value is not None}


class _Sums(Protocol):
    """What is summed over batches, and gives the score of all cases."""

    def add(self, y: Array, t: Array, weights: Array | None) -> None:
        """Add a batch: outputs (cases, outputs), prepared targets, and weights (cases,)."""

    def score(self, loss: float, t: Array, weights: Array | None) -> Score:
        """The score, of which the loss is known already; ``t`` are all prepared targets."""


def _sums_for(kind: TargetKind, network: Network, t: Array) -> _Sums:
    if kind.classes:
        return _ClassSums()
    last = network.layers[-1]
    outputs = last.output_shape[-1] if last.gives_sequences else network.outputs
    return _LabelSums(kind, outputs) if kind.multi_label else _ValueSums(kind, outputs)


class _ClassSums:
    """The cases, or steps of sequences, whose class is right."""

    def __init__(self) -> None:
        self.correct = 0.0

    def add(self, y: Array, t: Array, weights: Array | None) -> None:
        """See `_Sums.add`."""
        self.correct += count_correct(y, t, weights)

    def score(self, loss: float, t: Array, weights: Array | None) -> Score:
        """See `_Sums.score`."""
        return Score(loss, fraction_right(self.correct, t, weights), None, len(t))


class _LabelSums:
    """For each label, the cases that have it, are predicted to have it, both, or neither."""

    def __init__(self, kind: TargetKind, outputs: int) -> None:
        self.names = target_labels(kind.names, outputs, multi_label=True)
        self.cases = np.zeros(outputs, np.int64)
        self.actual, self.predicted, self.both, self.right = np.zeros((4, outputs))
        self.rows_right = 0.0

    def add(self, y: Array, t: Array, weights: Array | None) -> None:
        """See `_Sums.add`."""
        predicted, actual = predicted_labels(output_rows(y, t)), predicted_labels(target_rows(t))
        own = None if weights is None else weights_of_targets(weights, t)
        self.cases += actual.sum(axis=0)
        self.actual += times_weights(actual, own).sum(axis=0)
        self.predicted += times_weights(predicted, own).sum(axis=0)
        self.both += times_weights(predicted & actual, own).sum(axis=0)
        right = predicted == actual
        self.right += times_weights(right, own).sum(axis=0)
        self.rows_right += float(times_weights(right.all(axis=1)[:, None], own).sum())

    def score(self, loss: float, t: Array, weights: Array | None) -> Score:
        """See `_Sums.score`."""
        rows = _all(t, weights)
        accuracy = np.minimum(self.right / rows, 1.0)
        of_each = Counts(self.actual, self.predicted, self.both)
        figures = (self.cases, accuracy, of_each.precision, of_each.recall, of_each.f1)
        columns = (column.tolist() for column in figures)
        listed = zip(self.names, *columns, strict=True) if len(accuracy) <= MOST_LISTED else ()
        return Score(
            loss,
            float(accuracy.mean()),
            None,
            len(t),
            row_accuracy=min(1.0, self.rows_right / rows),
            f1=float(of_each.f1.mean()),
            labels=tuple(LabelScore(*each) for each in listed),
        )


class _ValueSums:
    """The squares and absolute values of the residuals y − t, in the targets' own units."""

    def __init__(self, kind: TargetKind, outputs: int) -> None:
        self.kind = kind
        self.outputs = outputs
        self.residual = 0.0
        self.squares: Any = 0.0  # of each output; these are numbers where there is only one
        self.absolute: Any = 0.0

    def add(self, y: Array, t: Array, weights: Array | None) -> None:
        """See `_Sums.add`. In float64, as the rounding errors of a long float32 sum are large."""
        rows = self._targets(t)
        own = None if weights is None else weights_of_targets(weights, t)
        d = np.subtract(self.kind.in_own_units(output_rows(y, t)), rows, dtype=np.float64)
        axis = 0 if self.outputs > 1 else None  # a sum of all is faster than one of a column
        self.absolute += times_weights(np.abs(d), own).sum(axis=axis)
        np.square(d, out=d)
        d = times_weights(d, own)
        self.residual += float(d.sum())
        self.squares = self.squares + d.sum(axis=0) if self.outputs > 1 else self.residual

    def _targets(self, t: Array) -> Array:
        """The targets as rows (cases, outputs), in their own units."""
        rows = target_rows(t) if t.ndim > 1 else one_hot(t, self.outputs, float)
        return self.kind.in_own_units(rows)

    def score(self, loss: float, t: Array, weights: Array | None) -> Score:
        """See `_Sums.score`."""
        own = None if weights is None else weights_of_targets(weights, t)
        squares, count = spread(self._targets(t), own), _all(t, weights)
        total = float(squares.sum())
        mae, rmse = self.absolute / count, np.sqrt(self.squares / count)
        targets: tuple[TargetScore, ...] = ()
        if 1 < self.outputs <= MOST_LISTED:
            targets = self._of_each(squares.sum(axis=0), mae, rmse)
        return Score(
            loss,
            None,
            1 - self.residual / total if total > 0 else None,
            len(t),
            mae=float(mae.sum()) / self.outputs,
            rmse=float(rmse.sum()) / self.outputs,
            targets=targets,
        )

    def _of_each(self, totals: Array, mae: Array, rmse: Array) -> tuple[TargetScore, ...]:
        names = target_labels(self.kind.names, len(mae), multi_label=False)
        r2 = [
            1 - float(residual) / float(total) if total > 0 else None
            for residual, total in zip(self.squares, totals, strict=True)
        ]
        columns = zip(names, r2, mae.tolist(), rmse.tolist(), strict=True)
        return tuple(TargetScore(*each) for each in columns)


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


def has_r2(t: Array) -> bool:
    """Whether R² is defined: whether some output's prepared targets vary."""
    return bool(spread(target_rows(t)).sum() > 0)


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
    np.add.at(matrix, (true_classes(t), predictions_for(y, t)), 1)
    return matrix
