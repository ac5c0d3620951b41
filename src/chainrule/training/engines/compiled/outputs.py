"""The loss of one case, and δ of the last layer; the twin of `chainrule.nn.losses`.

With one case the mean over the cases is that case. ``start`` is where the units of the last
dense layer begin, ``count`` how many there are; the outputs themselves begin at 0.
"""

from __future__ import annotations

from math import exp, log, log1p, sinh, tanh
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import exact, kernel, part
from chainrule.training.engines.compiled.exponentials import exp_parts
from chainrule.training.engines.compiled.plan import (
    ABSOLUTE,
    BINARY,
    CROSS_ENTROPY,
    DELTA,
    HAS_SOFTMAX,
    HINGE,
    HUBER,
    LOSS,
    LOSS_OPTION,
    SCRATCH,
    SLOPE,
    SQUARED,
    A,
    Index,
    Y,
    Z,
)

LN_2 = log(2)


@part
def class_cross_entropy(
    start: int, count: int, padded: int, true: int, units: Array
) -> tuple[float, bool]:
    """Softmax with cross-entropy of a class number, from the logits a.

    With m the largest logit, L = ln(1 + Σ_{j≠m} e^(a_j − a_m)) + a_m − a_t; δ is p_j for the
    others and −Σ_{j≠t} p_j for the true class, times the slope of the layer.

    Returns:
        The loss, and whether the case is right.
    """
    zero, one = units.dtype.type(0), units.dtype.type(1)
    top = start + largest(A, start, count, units)
    peak, others, wrong = units[A, top], zero, zero
    for j in range(start, start + padded):
        p, s = exp_parts(units[A, j] - peak)
        units[DELTA, j] = s * p + s
    right = _is_first_largest(start, true, units)
    units[DELTA, top] = zero
    for j in range(start, start + count):
        others += units[DELTA, j]
    units[DELTA, top] = one
    units[DELTA, start + true] = zero
    inverse = one / (one + others)
    for j in range(start, start + count):
        wrong += units[DELTA, j]
    for j in range(start, start + padded):
        units[DELTA, j] *= inverse * units[SLOPE, j]
    for j in range(start + count, start + padded):
        units[DELTA, j] = zero
    units[DELTA, start + true] = -wrong * inverse * units[SLOPE, start + true]
    return _class_loss(others, peak, units[A, start + true]), right


@exact
def _class_loss(others: float, peak: float, logit: float) -> float:
    """Two terms that are at least 0; in another order the small one would be lost."""
    return log1p(np.float64(others)) + np.float64(peak - logit)


@part
def _is_first_largest(start: int, true: int, units: Array) -> bool:
    """Whether the true class has the largest probability, e⁰ = 1, and none before it."""
    if units[DELTA, start + true] < 1:
        return False
    for j in range(start, start + true):  # noqa: SIM110 - no generators in compiled code
        if units[DELTA, j] >= 1:
            return False
    return True


@part
def largest(of: int, start: int, count: int, units: Array) -> int:
    """Which of the units has the first of the largest values, from 0."""
    best = Index(0)
    for j in range(Index(1), count):
        if units[of, start + j] > units[of, start + best]:
            best = j
    return best


@kernel
def other_losses(
    start: int,
    count: int,
    codes: Array,
    constants: Array,
    labels: Array,
    rows: Array,
    case: int,
    units: Array,
) -> tuple[float, bool]:
    """Every other loss: the outputs y, then J = ∂L/∂y and δ, or δ itself.

    Returns:
        The loss, and whether the case is right.
    """
    softmax = codes[HAS_SOFTMAX] == 1
    for j in range(count):
        units[Y, j] = units[A, start + j]
    if softmax:
        _softmax(count, units)
    if codes[LOSS] == CROSS_ENTROPY:
        loss = _cross_entropy(start, count, rows, case, units)
    elif codes[LOSS] == BINARY:
        loss = _binary(start, count, rows, case, units)
    else:
        if codes[LOSS] == HINGE:
            loss = _hinge(count, Index(labels[case]), units)
        else:
            loss = _residuals(codes[LOSS], constants[LOSS_OPTION], count, rows, case, units)
        _through_outputs(softmax, start, count, units)
    true = Index(labels[case]) if len(labels) > 0 else _class_of_row(rows, case, count)
    only = len(labels) > 0 and count == 1  # an only class is named always
    return loss, only or _class_of_outputs(count, units) == true


@kernel
def _class_of_outputs(count: int, units: Array) -> int:
    """The class that the outputs name: see `chainrule.training.scores.predicted_classes`."""
    if count == 1:
        return Index(units[Y, 0] > 0.5)
    return largest(Y, Index(0), count, units)


@kernel
def _class_of_row(rows: Array, case: int, count: int) -> int:
    """The class that a row of targets names."""
    if count == 1:
        return Index(rows[case, 0] > 0.5)
    return largest(case, Index(0), count, rows)


@exact
def _softmax(count: int, units: Array) -> None:
    peak, total = units[Y, largest(Y, Index(0), count, units)], units.dtype.type(0)
    for j in range(count):
        p, s = exp_parts(units[Y, j] - peak)
        units[Y, j] = s * p + s
        total += units[Y, j]
    for j in range(count):
        units[Y, j] /= total


@exact
def _cross_entropy(start: int, count: int, rows: Array, case: int, units: Array) -> float:
    """Rows as targets: δ_j = p_j Σ_{k≠j} t_k − t_j Σ_{k≠j} p_k, without a difference of sums."""
    zero = units.dtype.type(0)
    top = largest(A, start, count, units)
    others, targets, along = 0.0, 0.0, 0.0
    tail_p, tail_t = zero, zero
    for back in range(count):
        j = count - Index(1) - back
        t, below = rows[case, j], units[A, start + j] - units[A, start + top]
        p, s = exp_parts(below)
        others += zero if j == top else s * p + s
        targets += t
        along += zero if t == zero else t * below
        units[SCRATCH, j], units[DELTA, start + j] = tail_p, tail_t
        tail_p += units[Y, j]
        tail_t += t
    head_p, head_t = zero, zero
    for j in range(count):
        t, p = rows[case, j], units[Y, j]
        d = p * (head_t + units[DELTA, start + j]) - t * (head_p + units[SCRATCH, j])
        units[DELTA, start + j] = d * units[SLOPE, start + j]
        head_p += p
        head_t += t
    return log1p(others) * targets - along


@exact
def _binary(start: int, count: int, rows: Array, case: int, units: Array) -> float:
    """Sigmoid with binary cross-entropy, from z."""
    loss = 0.0
    for j in range(start, start + count):
        z, t = units[Z, j], rows[case, j - start]
        p, s = exp_parts(-abs(z))
        e = s * p + s
        big, small = 1 / (1 + e), e / (1 + e)
        up, down = (big, small) if z >= 0 else (small, big)
        spill = log1p(np.float64(e))
        loss += (1 - t) * (max(z, 0) + spill) + t * (max(-z, 0) + spill)
        units[DELTA, j] = ((1 - t) * up - t * down) / count
    return loss / count


@exact
def _residuals(
    code: int, option: float, count: int, rows: Array, case: int, units: Array
) -> float:
    """A mean of ρ(y − t) over the outputs, and J = ∂L/∂y."""
    loss, share = 0.0, 1.0 / count
    for j in range(count):
        d: Any = np.float64(units[Y, j] - rows[case, j])
        r = abs(d)
        if code == SQUARED:
            rho, slope = d * d, 2 * d
        elif code == ABSOLUTE:
            rho, slope = r, np.sign(d)
        elif code == HUBER:
            rho = 0.5 * d * d if r <= option else option * (r - 0.5 * option)
            slope = d if r <= option else (option if d > 0 else -option)
        else:
            rho, slope = _log_cosh(r), tanh(d)
        loss += rho
        units[SCRATCH, j] = slope * share
    return loss * share


@exact
def _log_cosh(r: float) -> float:
    if r < 1:
        half = sinh(0.5 * r)
        return log1p(2 * half * half)
    return r + log1p(exp(-2 * r)) - LN_2


@exact
def _hinge(count: int, true: int, units: Array) -> float:
    loss, within = 0.0, 0.0
    for j in range(count):
        margin = 1 + units[Y, j] - units[Y, true]
        inside = j != true and not margin <= 0
        units[SCRATCH, j] = 1 if inside else 0
        loss += margin if inside else 0
        within += 1 if inside else 0
    units[SCRATCH, true] = -within
    return loss


@exact
def _through_outputs(softmax: bool, start: int, count: int, units: Array) -> None:
    """δ = J ∂y/∂z, through the softmax and through the layer's activation."""
    mean = units.dtype.type(0)
    for j in range(count):
        mean += units[SCRATCH, j] * units[Y, j]
    for j in range(count):
        J = units[SCRATCH, j]
        g = units[Y, j] * (J - mean) if softmax else J
        units[DELTA, start + j] = g * units[SLOPE, start + j]
