"""The losses of `chainrule.nn.losses` in compiled code, and δ of the last layer.

The first functions compute the loss of one case: N is 1. ``start`` is the index of the first of
the last dense layer's ``count`` units, while the outputs begin at 0. The other functions compute
the losses of a block of cases, each in one SIMD lane.
"""

from __future__ import annotations

from math import exp, log, log1p, sinh, tanh
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.exponential import exp_below_0, exp_parts
from chainrule.nn.kernels.jit import exact, kernel, part, wide_vectors
from chainrule.training.engines.compiled.tables import (
    ABSOLUTE,
    BINARY,
    CLASS_CROSS_ENTROPY,
    CROSS_ENTROPY,
    DELTA,
    HAS_SOFTMAX,
    HINGE,
    HUBER,
    LOSS,
    LOSS_OPTION,
    OUTPUTS,
    PADDED,
    SCRATCH,
    SLOPE,
    SQUARED,
    START,
    A,
    Cases,
    Index,
    Rules,
    Weighing,
    Workspace,
    Y,
    Z,
)

LN_2 = log(2)
ONE, TWO = Index(1), Index(2)


@kernel
def loss_of_case(
    cases: Cases, case: int, start: int, rules: Rules, layers: Array, units: Array
) -> tuple[float, bool]:
    """The loss of one case without penalties, and whether it is correct; writes the last δ."""
    k = Index(len(layers)) - ONE
    count, padded = layers[k, OUTPUTS], layers[k, PADDED]
    if rules.codes[LOSS] == CLASS_CROSS_ENTROPY:
        return class_cross_entropy(start, count, padded, Index(cases.labels[case]), units)
    return _other_losses(start, count, rules, cases, case, units)


@part
def weigh(loss: float, start: int, count: int, weight: float, units: Array) -> float:
    """Multiply a case's δ by the weight of the case, and return its loss times the weight."""
    for j in range(start, start + count):
        units[DELTA, j] *= weight
    return loss * weight


@part
def class_cross_entropy(
    start: int, count: int, padded: int, true: int, units: Array
) -> tuple[float, bool]:
    """Softmax with cross-entropy of a class number, from the logits a.

    With a_m the largest logit, L = ln(1 + Σ_{j≠m} e^(a_j − a_m)) + a_m − a_t. ∂L/∂a is
    −Σ_{j≠t} p_j for the true class t and p_j for the others; δ is that times φ'(z).

    Returns:
        The loss, and whether the case is correct.
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
    """The sum of two terms that are at least 0; in another order a small one would be lost."""
    return log1p(np.float64(others)) + np.float64(peak - logit)


@part
def _is_first_largest(start: int, true: int, units: Array) -> bool:
    """Whether the true class is the first with the largest probability, for which δ holds e⁰."""
    if units[DELTA, start + true] < 1:
        return False
    for j in range(start, start + true):  # noqa: SIM110 - no generators in compiled code
        if units[DELTA, j] >= 1:
            return False
    return True


@part
def largest(row: int, start: int, count: int, units: Array) -> int:
    """The index, relative to ``start``, of the first of the largest values in a row."""
    best = Index(0)
    for j in range(Index(1), count):
        if units[row, start + j] > units[row, start + best]:
            best = j
    return best


@kernel
def _other_losses(
    start: int, count: int, rules: Rules, cases: Cases, case: int, units: Array
) -> tuple[float, bool]:
    """Every other loss: computes the outputs y, then ∂L/∂y and δ, or δ directly.

    Returns:
        The loss, and whether the case is correct.
    """
    codes, labels, rows = rules.codes, cases.labels, cases.rows
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
            option = rules.constants[LOSS_OPTION]
            loss = _residuals(codes[LOSS], option, count, rows, case, units)
        _through_outputs(softmax, start, count, units)
    true = Index(labels[case]) if len(labels) > 0 else _class_of_row(rows, case, count)
    only = len(labels) > 0 and count == 1  # a single class is always predicted
    return loss, only or _class_of_outputs(count, units) == true


@kernel
def _class_of_outputs(count: int, units: Array) -> int:
    """The predicted class; see `chainrule.training.scores.predicted_classes`."""
    if count == 1:
        return Index(units[Y, 0] > 0.5)
    return largest(Y, Index(0), count, units)


@kernel
def _class_of_row(rows: Array, case: int, count: int) -> int:
    """The class that a row of targets stands for."""
    if count == 1:
        return Index(rows[case, 0] > 0.5)
    return largest(case, Index(0), count, rows)


@exact
def _softmax(count: int, units: Array) -> None:
    peak, total = units[Y, largest(Y, Index(0), count, units)], units.dtype.type(0)
    for j in range(count):
        units[Y, j] = exp_below_0(units[Y, j] - peak)
        total += units[Y, j]
    for j in range(count):
        units[Y, j] /= total


@exact
def _cross_entropy(start: int, count: int, rows: Array, case: int, units: Array) -> float:
    """Targets as rows: ∂L/∂a_j = p_j Σ_{k≠j} t_k − t_j Σ_{k≠j} p_k, each sum of terms k ≠ j."""
    zero = units.dtype.type(0)
    top = largest(A, start, count, units)
    others, targets, along = 0.0, 0.0, 0.0
    tail_p, tail_t = zero, zero
    for back in range(count):
        j = count - Index(1) - back
        t, below = rows[case, j], units[A, start + j] - units[A, start + top]
        others += zero if j == top else exp_below_0(below)
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
    """Binary cross-entropy of sigmoid outputs, computed from z."""
    loss = 0.0
    for j in range(start, start + count):
        z, t = units[Z, j], rows[case, j - start]
        e = exp_below_0(-abs(z))
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
    """The mean of ρ(y − t) over the outputs; writes ∂L/∂y to `SCRATCH`."""
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
    """δ = ∂L/∂y ∂y/∂z, through the softmax, if there is one, and the layer's activation."""
    mean = units.dtype.type(0)
    for j in range(count):
        mean += units[SCRATCH, j] * units[Y, j]
    for j in range(count):
        g = units[SCRATCH, j]
        g = units[Y, j] * (g - mean) if softmax else g
        units[DELTA, start + j] = g * units[SLOPE, start + j]


# A block of cases, each in one SIMD lane.

PEAK, TOP, TRUE, GAP, OTHERS, WRONG, PRODUCT = range(7)
"""Rows with one value per case: the largest logit, and its class; the true class, or NO_CASE; the
logit of the true class; Σ e^(a_j − peak) without the largest logit, and without the true one; a
product of factors 1 + others, minus 1."""

NO_CASE = -1.0
LARGEST = 1e15
"""Products of lanes are multiplied while none exceeds this, so that the results fit float32."""


@exact
def class_cross_entropy_of_block(
    start: int, width: int, units: Array, lane: Array
) -> tuple[float, float]:
    """Softmax with cross-entropy of class numbers, with the formulas of `class_cross_entropy`.

    The loss is ln(1 + others) + peak − a_t. Its logarithms are left to `take_logarithms`, which
    takes few of them for all lanes: it multiplies factors by (1 + o)(1 + u) − 1 = o + u + o u,
    which loses no digits where o and u are small.

    Args:
        start: the index at which the block of the first output begins.
        width: the number of outputs.
        units: the units of all layers; N δ is written to them.
        lane: the rows above, (7, cases of a block).

    Returns:
        Σ (peak − a_t), and the number of correct cases.
    """
    wide_vectors()
    block, zero, one = Index(lane.shape[1]), units.dtype.type(0), units.dtype.type(1)
    for c in range(block):
        lane[PEAK, c], lane[TOP, c] = units[A, start + c], zero
        lane[OTHERS, c] = lane[WRONG, c] = zero
        lane[GAP, c] = units[A, start + c] if lane[TRUE, c] == zero else zero
    for o in range(ONE, width):
        at, number = start + o * block, units.dtype.type(o)
        for c in range(block):
            a, peak, top, gap = units[A, at + c], lane[PEAK, c], lane[TOP, c], lane[GAP, c]
            lane[TOP, c] = number if a > peak else top
            lane[PEAK, c] = a if a > peak else peak
            lane[GAP, c] = a if lane[TRUE, c] == number else gap
    for o in range(width):
        at, number = start + o * block, units.dtype.type(o)
        for c in range(block):
            e = exp_below_0(units[A, at + c] - lane[PEAK, c])
            units[DELTA, at + c] = e
            lane[OTHERS, c] += zero if lane[TOP, c] == number else e
            lane[WRONG, c] += zero if lane[TRUE, c] == number else e
    gaps, hits = zero, zero
    for c in range(block):
        there = lane[TRUE, c] >= zero
        hits += one if lane[TRUE, c] == lane[TOP, c] else zero
        others = lane[OTHERS, c]
        lane[PRODUCT, c] = others if there else zero
        gaps += lane[PEAK, c] - lane[GAP, c] if there else zero
        lane[OTHERS, c] = one / (one + others) if there else zero
    for o in range(width):
        at, number = start + o * block, units.dtype.type(o)
        for c in range(block):
            e, wrong = units[DELTA, at + c], -lane[WRONG, c]
            e = wrong if lane[TRUE, c] == number else e
            units[DELTA, at + c] = e * (lane[OTHERS, c] * units[SLOPE, at + c])
    return gaps, hits


@exact
def take_logarithms(lane: Array) -> float:
    """Σ ln(1 + product) over the lanes; their products are then set to 0.

    Lanes are multiplied in pairs as long as no product exceeds `LARGEST`.
    """
    wide_vectors()
    width, total = Index(lane.shape[1]), 0.0
    while width > ONE and _largest_product(width, lane) <= LARGEST:
        half = (width + ONE) // TWO
        for c in range(width - half):
            a, b = lane[PRODUCT, c], lane[PRODUCT, half + c]
            lane[PRODUCT, c] = a + b + a * b
        width = half
    for c in range(width):
        total += log1p(np.float64(lane[PRODUCT, c]))
    for c in range(Index(lane.shape[1])):
        lane[PRODUCT, c] = 0
    return total


@part
def _largest_product(width: int, lane: Array) -> float:
    largest = lane.dtype.type(0)
    for c in range(width):
        product = lane[PRODUCT, c]
        largest = largest if product <= largest else product  # a NaN is kept
    return largest


@kernel
def losses_of_block(
    cases: Cases,
    numbers: Array,
    count: int,
    rules: Rules,
    weighing: Weighing,
    minibatch: int,
    ws: Workspace,
    one_case: Array,
) -> tuple[float, int]:
    """Any loss, by `loss_of_case` for one case after the other; writes N δ to the units.

    ``numbers`` are the indices of the block's cases, of which the first ``count`` exist; δ of the
    others is 0. ``one_case`` is scratch space for one case's units of the last layer.
    """
    layers, units, k = ws.layers, ws.units, Index(len(ws.layers)) - ONE
    block, width, total, right = Index(numbers.shape[1]), layers[k, OUTPUTS], 0.0, 0
    start = layers[k, START] * block
    for o in range(width):
        for c in range(count, block):
            units[DELTA, start + o * block + c] = 0
    for c in range(count):
        for o in range(width):
            at = start + o * block + c
            one_case[Z, o], one_case[A, o] = units[Z, at], units[A, at]
            one_case[SLOPE, o] = units[SLOPE, at]
        number = Index(numbers[0, c])
        loss, hit = loss_of_case(cases, number, Index(0), rules, layers, one_case)
        if len(weighing.weights) > 0:
            loss = weigh(loss, Index(0), width, weighing.weights[number], one_case)
            weighing.correct[minibatch] += weighing.counted[number] if hit else 0
        for o in range(width):
            units[DELTA, start + o * block + c] = one_case[DELTA, o]
        total += loss
        right += hit
    return total, right
