"""The loss of a block of cases, of which every lane holds one, and N δ of the last layer."""

from __future__ import annotations

from math import log1p

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import exact, kernel, part, wide_vectors
from chainrule.training.engines.compiled.any_rule import loss_of_case
from chainrule.training.engines.compiled.exponentials import exp_parts
from chainrule.training.engines.compiled.plan import DELTA, OUTPUTS, SLOPE, START, A, Index, Z

PEAK, TOP, TRUE, GAP, OTHERS, WRONG, PRODUCT = range(7)
"""Rows of numbers a case: the largest logit and which it is; the true class, or NO_CASE; the
largest logit less the true one; Σ e^(a_j − peak) over all but the largest, and over all but the
true one; a product of factors 1 + others, less 1."""

NO_CASE = -1.0
LARGEST = 1e15
"""Of products that are multiplied: what comes of it float32 still holds."""

ONE, TWO = Index(1), Index(2)


@exact
def class_cross_entropy_of_block(
    start: int, width: int, units: Array, lane: Array
) -> tuple[float, float]:
    """Softmax with cross-entropy of class numbers, as `outputs.class_cross_entropy` has it.

    Of the loss ln(1 + others) + peak − a_t the logarithms are not taken here: (1 + o)(1 + u)
    − 1 = o + u + o u loses no digit where both are small, so that `take_logarithms` needs few
    for all lanes.

    Args:
        start: where the block of the first of the outputs begins.
        width: how many outputs there are.
        units: of all layers; N δ is written to.
        lane: the rows above, (7, cases of a block).

    Returns:
        Σ (peak − a_t), and how many cases are right.
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
            p, s = exp_parts(units[A, at + c] - lane[PEAK, c])
            e = s * p + s
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
    """Σ ln(1 + product) of the lanes, which then begin anew.

    Lanes are multiplied in pairs as long as no number comes near the largest there is.
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
        largest = largest if product <= largest else product  # NaN is taken
    return largest


@kernel
def losses_of_block(
    labels: Array,
    rows: Array,
    numbers: Array,
    count: int,
    layers: Array,
    rules: tuple[Array, Array],
    units: Array,
    one_case: Array,
) -> tuple[float, int]:
    """Any loss, a case after the other, as `any_rule.loss_of_case` has it.

    Args:
        labels: class numbers, or empty.
        rows: targets as rows, or empty.
        numbers: which cases the block holds, (1, cases of a block).
        count: how many they are; δ of the others is 0.
        layers: see `plan`.
        rules: codes and constants.
        units: of all layers; N δ is written to.
        one_case: written to: the units of one case's last layer.
    """
    k = Index(len(layers)) - ONE
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
        loss, hit = loss_of_case(
            labels, rows, Index(numbers[0, c]), Index(0), layers, rules, one_case
        )
        for o in range(width):
            units[DELTA, start + o * block + c] = one_case[DELTA, o]
        total += loss
        right += hit
    return total, right
