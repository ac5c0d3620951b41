"""How good a network is in one number: accuracy, or R² of values, and what chance alone gives."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.sequences import target_rows
from chainrule.nn.network import Network
from chainrule.training.metrics import true_classes
from chainrule.training.scores import Score, TargetKind, confusion_matrix, outputs


def percent(share: float) -> str:
    """A share as text.

    Example:
        >>> percent(0.1234)
        '12.3%'
    """
    return f"{100 * share:.1f}%"


def number(value: float | None) -> str:
    """A number as text with three digits.

    Example:
        >>> number(1234.5), number(None)
        ('1.23e+03', 'unknown')
    """
    return "unknown" if value is None else f"{value:.3g}"


def skill_of(score: Score | None) -> float:
    """The accuracy, or R², of a score; R² is at least −1, which also stands for none."""
    if score is None:
        return -1.0
    found = score.accuracy if score.accuracy is not None else score.r2
    return -1.0 if found is None or not np.isfinite(found) else max(-1.0, float(found))


def chance_of(t: Array, kind: TargetKind) -> float:
    """The accuracy of always giving the commonest answer; 0, the R² of the mean, of values."""
    rows = target_rows(t)
    if kind.classes and len(rows):
        counts = np.bincount(true_classes(rows).astype(np.intp))
        return float(counts.max() / max(1, counts.sum()))
    if kind.multi_label and len(rows):
        share = rows.mean(axis=0)
        return float(np.maximum(share, 1 - share).mean())
    return 0.0


def recalls(network: Network, x: Array, t: Array) -> tuple[Array, Array]:
    """For each class the share of its cases that are named rightly, and their number."""
    matrix = confusion_matrix(outputs(network, x), t, max(2, network.layers[-1].output_shape[-1]))
    counts = matrix.sum(axis=1)
    return matrix.diagonal() / np.maximum(1, counts), counts


def balanced_accuracy(network: Network, x: Array, t: Array) -> float:
    """The mean of `recalls` over the classes that have cases."""
    shares, counts = recalls(network, x, t)
    return float(shares[counts > 0].mean())
