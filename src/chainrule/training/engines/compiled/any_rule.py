"""The loss of a case, the backward pass and the update, by any loss, penalty and optimiser."""

from __future__ import annotations

from math import inf

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel, part
from chainrule.training.engines.compiled.outputs import class_cross_entropy, other_losses
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    LOSS,
    NO_PENALTY,
    OUTPUTS,
    PADDED,
    PENALTY,
    SCRATCH,
    SLOPE,
    START,
    STEPS,
    STRIDE,
    THETA,
    WEIGHTS,
    A,
    Index,
)
from chainrule.training.engines.compiled.updates import (
    corrections,
    decays_of,
    penalty_of_row,
    update,
)

ZERO, ONE = Index(0), Index(1)


@kernel
def any_loss(
    labels: Array,
    rows: Array,
    case: int,
    layers: Array,
    rules: tuple[Array, Array],
    weights: Array,
    units: Array,
) -> tuple[float, bool]:
    """The loss, penalty included, whether the case is right, and δ of the last layer.

    Args:
        labels: class numbers, or empty.
        rows: targets as rows, or empty.
        case: which of them.
        layers: see `plan`.
        rules: codes and constants.
        weights: the packed vectors.
        units: of all layers.
    """
    start = layers[Index(len(layers)) - ONE, START]
    loss, right = loss_of_case(labels, rows, case, start, layers, rules, units)
    return loss + penalty_loss(layers, rules, weights), right


@kernel
def loss_of_case(
    labels: Array,
    rows: Array,
    case: int,
    start: int,
    layers: Array,
    rules: tuple[Array, Array],
    units: Array,
) -> tuple[float, bool]:
    """`any_loss` without a penalty, of the case whose last units begin at ``start``."""
    codes, constants = rules
    k = Index(len(layers)) - ONE
    count, padded = layers[k, OUTPUTS], layers[k, PADDED]
    if codes[LOSS] == CLASS_CROSS_ENTROPY:
        return class_cross_entropy(start, count, padded, Index(labels[case]), units)
    return other_losses(start, count, codes, constants, labels, rows, case, units)


@kernel
def penalty_loss(layers: Array, rules: tuple[Array, Array], weights: Array) -> float:
    """What the penalties add to the loss."""
    codes, constants = rules
    total = 0.0
    if codes[PENALTY] == NO_PENALTY:
        return total
    for k in range(Index(len(layers))):
        start, biases, width = layers[k, WEIGHTS], layers[k, BIASES], layers[k, PADDED]
        total += penalty_of_row(decays_of(k, ZERO), start, biases - start, constants, weights)
        total += penalty_of_row(decays_of(k, ONE), biases, width, constants, weights)
    return total


@part
def gradient_is_finite(k: int, layers: Array, units: Array) -> bool:
    """Whether no δ of a layer, and no product of it with an input, is beyond all numbers."""
    total = units.dtype.type(0)
    for j in range(layers[k, START], layers[k, START] + layers[k, PADDED]):
        total += abs(units[DELTA, j])
    return total < inf and total * units[BOUND, k] < inf


@kernel
def change_all(
    x: Array,
    case: int,
    layers: Array,
    rates: Array,
    rules: tuple[Array, Array],
    number: int,
    weights: Array,
    state: Array,
    units: Array,
) -> bool:
    """Backward pass and update by any rule and penalty, from a δ of the last layer.

    Args:
        x: inputs.
        case: which of them.
        layers: see `plan`.
        rates: learning rates.
        rules: codes and constants.
        number: of steps in this call before.
        weights: changed in place.
        state: of the optimiser, likewise.
        units: of all layers.

    Returns:
        Whether every gradient was finite.
    """
    _, constants = rules
    corrected = corrections(constants, constants[STEPS] + (number + ONE))
    for back in range(Index(len(layers))):
        k = Index(len(layers)) - ONE - back
        if not gradient_is_finite(k, layers, units):
            return False
        if k > 0:
            _send_upstream(k, layers, weights, units)
        start, stride = layers[k, START], layers[k, STRIDE]
        row, biases = layers[k, WEIGHTS], layers[k, BIASES]
        # A row a unit of this layer, times what came in; in the first layer the other way round.
        vector, at = (A, layers[k - ONE, START]) if k > 0 else (DELTA, start)
        for r in range((biases - row) // stride):
            factor = units[DELTA, start + r] if k > 0 else x[case, r]
            for j in range(stride):
                units[SCRATCH, j] = factor * units[vector, at + j]
            update(
                decays_of(k, ZERO),
                rates[k, 0],
                units,
                SCRATCH,
                ZERO,
                row + r * stride,
                stride,
                rules,
                corrected,
                weights,
                state,
            )
        update(
            decays_of(k, ONE),
            rates[k, 1],
            units,
            DELTA,
            start,
            biases,
            layers[k, PADDED],
            rules,
            corrected,
            weights,
            state,
        )
    return True


@kernel
def _send_upstream(k: int, layers: Array, weights: Array, units: Array) -> None:
    """δ of the layer before."""
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    for j in range(stride):
        units[SCRATCH, j] = 0
    for o in range(layers[k, OUTPUTS]):
        row, delta = layers[k, WEIGHTS] + o * stride, units[DELTA, start + o]
        for j in range(stride):
            units[SCRATCH, j] += delta * weights[THETA, row + j]
    for j in range(stride):
        units[DELTA, before + j] = units[SCRATCH, j] * units[SLOPE, before + j]
