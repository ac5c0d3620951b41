"""The update rules of `chainrule.training.optimizers` and the penalties, in compiled code."""

from __future__ import annotations

from math import sqrt
from typing import Any

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel, part
from chainrule.training.engines.compiled.tables import (
    ADAM,
    BIASES,
    BY_ROOT,
    DECAY,
    DECAYS,
    DESCENT,
    FIRST,
    IN_FULL,
    L1,
    L2,
    MOMENTA,
    NADAM,
    NESTEROV,
    NO_PENALTY,
    OPTION_1,
    OPTION_2,
    OPTION_3,
    OPTION_4,
    OPTION_5,
    OUTPUTS,
    PADDED,
    PENALTY,
    SECOND,
    STEPS,
    THETA,
    THIRD,
    UPDATE,
    WEIGHTS,
    Index,
    Paces,
    Rules,
    Workspace,
)

OF_L1, OF_L2 = Index(L1), Index(L2)
FIRST_OF_DECAY = Index(DECAY)
FIRST_DECAY, PER_ARRAY, PER_LAYER = Index(DECAYS), Index(2), Index(4)
ZERO, ONE, TWO = Index(0), Index(1), Index(2)


@kernel
def decays_of(k: int, b: int) -> int:
    """The position of the penalties' rates on the weights (b = 0) or biases (1) of layer k."""
    return FIRST_DECAY + PER_LAYER * k + PER_ARRAY * b


@part
def set_rates(number: int, paces: Paces, ws: Workspace) -> None:
    """Set the rates of minibatch ``number`` of this call, base rate × its factor."""
    if len(paces.scales) > 0:
        for k in range(Index(len(ws.layers))):
            for b in range(TWO):
                ws.rates[k, b] = ws.rates.dtype.type(paces.base[k, b] * paces.scales[number])


@part
def update_by_gradient(number: int, rules: Rules, ws: Workspace) -> None:
    """Update all weights with the gradient in the workspace; ``number``: see `corrections`."""
    corrected = corrections(rules, number)
    for k in range(Index(len(ws.layers))):
        row, biases = ws.layers[k, WEIGHTS], ws.layers[k, BIASES]
        for b in range(TWO):
            start, stop = (biases, biases + ws.layers[k, OUTPUTS]) if b else (row, biases)
            update(k, b, (ws.gradient, ZERO, start), start, stop - start, rules, corrected, ws)


@kernel
def update(
    k: int,
    b: int,
    gradient: tuple[Array, int, int],
    row: int,
    count: int,
    rules: Rules,
    corrected: tuple[float, float, float],
    ws: Workspace,
) -> None:
    """Update ``count`` weights (b = 0) or biases (b = 1) of layer k, from index ``row`` on.

    ``gradient`` is an array, and the row and the column at which the gradient begins in it; the
    derivatives of penalties are added to it. ``corrected`` are the `corrections` of this step.
    """
    (codes, constants), rate, weights, state = rules, ws.rates[k, b], ws.weights, ws.state
    if codes[PENALTY] != NO_PENALTY:
        _add_penalty(decays_of(k, b), constants, gradient, row, count, weights)
    if codes[UPDATE] == DESCENT:
        g, which, at = gradient
        for j in range(count):
            weights[THETA, row + j] -= rate * g[which, at + j]
    elif codes[UPDATE] == ADAM or codes[UPDATE] == NADAM:
        kept = 1 - rate * constants[FIRST_OF_DECAY + b]
        _adam(rate, kept, gradient, row, count, constants, corrected, weights, state)
    elif codes[UPDATE] == BY_ROOT:
        _by_root(rate, gradient, row, count, constants, weights, state)
    elif codes[UPDATE] == IN_FULL:
        _rmsprop_in_full(rate, gradient, row, count, constants, weights, state)
    else:
        _momentum(codes[UPDATE], rate, gradient, row, count, constants, weights, state)


@kernel
def _add_penalty(
    decays: int, constants: Array, gradient: Any, row: int, count: int, weights: Array
) -> None:
    """Add the derivatives of the penalties, rate · sign(w) for L1 and rate · w for L2."""
    g, which, at = gradient
    zero = weights.dtype.type(0)
    strength = weights.dtype.type(constants[decays + OF_L1])
    if strength > zero:
        for j in range(count):
            w = weights[THETA, row + j]
            g[which, at + j] += strength if w > zero else (-strength if w < zero else zero)
    strength = weights.dtype.type(constants[decays + OF_L2])
    if strength > zero:
        for j in range(count):
            g[which, at + j] += strength * weights[THETA, row + j]


@kernel
def _momentum(
    rule: int,
    rate: float,
    gradient: Any,
    row: int,
    count: int,
    constants: Array,
    weights: Array,
    state: Array,
) -> None:
    gradients, which, at = gradient
    kept = weights.dtype.type(constants[OPTION_1])
    for j in range(count):
        g = gradients[which, at + j]
        v = kept * state[FIRST, row + j] + g
        state[FIRST, row + j] = v
        weights[THETA, row + j] -= rate * (g + kept * v if rule == NESTEROV else v)


@kernel
def corrections(rules: Rules, number: int) -> tuple[float, float, float]:
    """What Adam and Nadam need in step n, computed once per step because powers are slow.

    ``number`` is the number of the step within this call, from 0; each step is asked for once, and
    carries Nadam's product of momenta on.

    Returns:
        The divisor of m, which is 1 − β₁ⁿ or (1 − P μ') / μ'; √(1 − β₂ⁿ); and the factor of the
        gradient beside m, which is 0 or (1 − μ) / (1 − P).
    """
    codes, constants = rules
    step = constants[STEPS] + (number + ONE)
    if codes[UPDATE] == NADAM:
        now = _momentum_of_nadam(constants, step)
        later = _momentum_of_nadam(constants, step + 1)
        product = constants[MOMENTA] * now
        constants[MOMENTA] = product
        root = sqrt(1 - constants[OPTION_2] ** step)
        return (1 - product * later) / later, root, (1 - now) / (1 - product)
    if codes[UPDATE] == ADAM:
        root = sqrt(1 - constants[OPTION_2] ** step)
        return 1 - constants[OPTION_1] ** step, root, 0.0
    return 1.0, 1.0, 0.0


@kernel
def _momentum_of_nadam(constants: Array, step: float) -> float:
    """μ of a step: β₁ (1 − ½ · 0.96ⁿᵈ), d the option ``momentum_decay``."""
    return constants[OPTION_1] * (1 - 0.5 * 0.96 ** (step * constants[OPTION_4]))


@kernel
def _adam(
    rate: float,
    kept: float,
    gradient: Any,
    row: int,
    count: int,
    constants: Array,
    corrected: tuple[float, float, float],
    weights: Array,
    state: Array,
) -> None:
    """Adam, AdamW and Nadam: w ← kept · w − (beside · g + length · m) / (√v · root + ε)."""
    gradients, which, at = gradient
    real = weights.dtype.type
    beta1, beta2 = constants[OPTION_1], constants[OPTION_2]
    kept1, new1, kept2, new2 = real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)
    root, epsilon = real(1 / corrected[1]), real(constants[OPTION_3])
    length, beside, left = real(rate / corrected[0]), real(rate * corrected[2]), real(kept)
    for j in range(count):
        g = gradients[which, at + j]
        m = kept1 * state[FIRST, row + j] + new1 * g
        v = kept2 * state[SECOND, row + j] + new2 * (g * g)
        state[FIRST, row + j] = m
        state[SECOND, row + j] = v
        change = (beside * g + length * m) / (sqrt(v) * root + epsilon)
        weights[THETA, row + j] = left * weights[THETA, row + j] - change


@kernel
def _by_root(
    rate: float,
    gradient: Any,
    row: int,
    count: int,
    constants: Array,
    weights: Array,
    state: Array,
) -> None:
    """AdaGrad and plain RMSProp: w ← w − rate · g / (√v + ε), with v ← kept · v + new · g²."""
    gradients, which, at = gradient
    real = weights.dtype.type
    kept, new, epsilon = (
        real(constants[OPTION_1]),
        real(constants[OPTION_2]),
        real(constants[OPTION_3]),
    )
    for j in range(count):
        g = gradients[which, at + j]
        v = kept * state[FIRST, row + j] + new * (g * g)
        state[FIRST, row + j] = v
        weights[THETA, row + j] -= rate * g / (sqrt(v) + epsilon)


@kernel
def _rmsprop_in_full(
    rate: float,
    gradient: Any,
    row: int,
    count: int,
    constants: Array,
    weights: Array,
    state: Array,
) -> None:
    """RMSProp, centred or with momentum; a mean or velocity that has no part in it stays 0."""
    gradients, which, at = gradient
    real, zero = weights.dtype.type, weights.dtype.type(0)
    kept, new, epsilon = (
        real(constants[OPTION_1]),
        real(constants[OPTION_2]),
        real(constants[OPTION_3]),
    )
    momentum, of_mean = real(constants[OPTION_4]), real(constants[OPTION_5]) * new
    moves = real(1) if momentum > zero else zero
    for j in range(count):
        g = gradients[which, at + j]
        v = kept * state[FIRST, row + j] + new * (g * g)
        mean = kept * state[SECOND, row + j] + of_mean * g
        variance = v - mean * mean
        variance = variance if variance > zero else zero
        velocity = momentum * state[THIRD, row + j] + g / (sqrt(variance) + epsilon)
        state[FIRST, row + j] = v
        state[SECOND, row + j] = mean
        state[THIRD, row + j] = moves * velocity
        weights[THETA, row + j] -= rate * velocity


@part
def penalty_loss(rules: Rules, ws: Workspace) -> float:
    """The penalties' part of the loss, Σ rate · Ω(w), with Ω = Σ |w| for L1 and ½ Σ w² for L2."""
    total = 0.0
    if rules.codes[PENALTY] == NO_PENALTY:
        return total
    for k in range(Index(len(ws.layers))):
        start, biases = ws.layers[k, WEIGHTS], ws.layers[k, BIASES]
        width = ws.layers[k, PADDED]
        total += _penalty_of_row(decays_of(k, ZERO), start, biases - start, rules, ws.weights)
        total += _penalty_of_row(decays_of(k, ONE), biases, width, rules, ws.weights)
    return total


@part
def _penalty_of_row(decays: int, row: int, count: int, rules: Rules, weights: Array) -> float:
    """The penalties of ``count`` weights from index ``row`` on."""
    constants, found = rules.constants, 0.0
    if constants[decays + OF_L1] > 0:
        total = weights.dtype.type(0)
        for j in range(row, row + count):
            total += abs(weights[THETA, j])
        found += constants[decays + OF_L1] * total
    if constants[decays + OF_L2] > 0:
        total = weights.dtype.type(0)
        for j in range(row, row + count):
            total += weights[THETA, j] * weights[THETA, j]
        found += constants[decays + OF_L2] * (total * weights.dtype.type(0.5))
    return found
