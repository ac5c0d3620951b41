"""What quick and simple models reach on the data, to see what a network could have learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.core.arrays import Array, one_hot
from chainrule.core.sequences import are_sequences
from chainrule.data.suspicions import sample_of
from chainrule.training.scores import TargetKind
from chainrule.training.trainer import Part

CASES = 1500
"""The simple models see at most so many training cases, and are scored on half as many others."""

NEIGHBOURS = 5

WIDEST = 4096
"""Cases of more numbers are compared by this many of them, evenly spaced."""


@dataclass(frozen=True)
class Reference:
    """The skills of simple models on cases that they were not fitted on.

    Attributes:
        neighbours: of the nearest neighbours; None where they cannot be asked.
        linear: of a linear model with a small ridge penalty; likewise.
        cases: on how many cases they were scored.
        error: two standard errors of such a skill.
    """

    neighbours: float | None
    linear: float | None
    cases: int
    error: float

    @property
    def best(self) -> float:
        """The better of the two; −1 where there is neither."""
        return max((v for v in (self.neighbours, self.linear) if v is not None), default=-1.0)


NO_REFERENCE = Reference(None, None, 0, 1.0)
"""That of data which simple models cannot take."""


def reference(train: Part, held: Part, kind: TargetKind, outputs: int) -> Reference:
    """The skills of nearest neighbours and a linear model.

    Args:
        train: prepared training cases.
        held: prepared cases held out; where there are few, a quarter of the training cases.
        kind: what the targets are.
        outputs: the number of outputs of the network.
    """
    if are_sequences(train.t):
        return NO_REFERENCE
    x, t = _rows(train.x), _targets(train.t, kind, outputs)
    if len(held) >= max(20, len(train) // 20):
        at, of = sample_of(len(train))[:CASES], sample_of(len(held))[: CASES // 2]
        fit, seen = (x[at], t[at]), (_rows(held.x)[of], _targets(held.t, kind, outputs)[of])
    else:
        at = sample_of(len(train))
        test = np.arange(len(at)) % 4 == 3
        fit, seen = (x[at[~test]], t[at[~test]]), (x[at[test]], t[at[test]])
    if len(fit[0]) < 4 or len(seen[0]) < 4:
        return NO_REFERENCE
    fit, seen = _scaled(fit, seen)
    cases = len(seen[0])
    values = not (kind.classes or kind.multi_label)
    found = [_skill(model(*fit, seen[0]), seen[1], values) for model in (_neighbours, _linear)]
    return Reference(found[0], found[1], cases, 2 * np.sqrt(0.25 / cases))


def _rows(x: Array) -> Array:
    rows = np.nan_to_num(x.reshape(len(x), -1).astype(np.float64))
    if rows.shape[1] <= WIDEST:
        return rows
    return rows[:, np.linspace(0, rows.shape[1] - 1, WIDEST).astype(np.intp)]


def _targets(t: Array, kind: TargetKind, outputs: int) -> Array:
    """Targets as rows: one-hot of classes."""
    if t.ndim == 1 and (kind.classes or kind.multi_label):
        return one_hot(t.astype(np.intp), max(2, outputs), np.dtype(np.float64))
    rows = t.reshape(len(t), -1).astype(np.float64)
    if kind.classes and rows.shape[1] == 1:
        return np.concatenate([1 - rows, rows], axis=1)
    return rows


def _scaled(
    fit: tuple[Array, Array], seen: tuple[Array, Array]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Inputs of mean 0 and deviation 1 by those that are fitted."""
    with np.errstate(all="ignore"):
        mean, scale = fit[0].mean(axis=0), fit[0].std(axis=0)
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        first, second = (np.nan_to_num((x - mean) / scale) for x in (fit[0], seen[0]))
    return (first, fit[1]), (np.clip(second, -1e6, 1e6), seen[1])


def _neighbours(x: Array, t: Array, seen: Array) -> Array:
    """The mean target of the nearest cases, (cases, outputs)."""
    squares = (x * x).sum(axis=1) - 2 * seen @ x.T
    near = np.argpartition(squares, min(NEIGHBOURS, len(x) - 1), axis=1)[:, :NEIGHBOURS]
    found: Array = t[near].mean(axis=1)
    return found


def _linear(x: Array, t: Array, seen: Array) -> Array:
    """The outputs of a linear model with a ridge penalty, (cases, outputs)."""
    mean = t.mean(axis=0)
    ridge = 0.01 * len(x)
    if x.shape[1] <= len(x):
        weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (t - mean))
    else:
        weights = x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), t - mean)
    found: Array = seen @ weights + mean
    return found


def _skill(y: Array, t: Array, values: bool) -> float:
    """The accuracy of rows of classes or labels, or R²."""
    if values:
        total = float(np.square(t - t.mean(axis=0)).sum())
        return 1 - float(np.square(y - t).sum()) / total if total > 0 else 0.0
    if (t.sum(axis=1) == 1).all():
        return float((y.argmax(axis=1) == t.argmax(axis=1)).mean())
    return float(((y > 0.5) == (t > 0.5)).mean())
