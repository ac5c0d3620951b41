"""The optimisers' rules on a chunk of weights; the twin of `chainrule.training.optimizers`."""

from __future__ import annotations

from math import sqrt

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel
from chainrule.training.engines.compiled.plan import (
    ADAM,
    DECAYS,
    DESCENT,
    FIRST,
    L1,
    L2,
    NESTEROV,
    NO_PENALTY,
    OPTION_1,
    OPTION_2,
    OPTION_3,
    PENALTY,
    SECOND,
    THETA,
    UPDATE,
    Index,
)

OF_L1, OF_L2 = Index(L1), Index(L2)
FIRST_DECAY, PER_ARRAY, PER_LAYER = Index(DECAYS), Index(2), Index(4)


@kernel
def decays_of(k: int, b: int) -> int:
    """Where the penalties' rates on the weights (b is 0) or the biases (1) of layer k stand."""
    return FIRST_DECAY + PER_LAYER * k + PER_ARRAY * b


@kernel
def update(
    decays: int,
    rate: float,
    gradient: Array,
    which: int,
    at: int,
    row: int,
    count: int,
    rules: tuple[Array, Array],
    corrections: tuple[float, float],
    weights: Array,
    state: Array,
) -> None:
    """Change ``count`` weights from ``row`` on by the gradient gradient[which, at:].

    Args:
        decays: where the rates of their penalties stand among the constants; the penalties'
            derivatives are added to the gradient.
        rate: the learning rate.
        gradient: changed where there is a penalty.
        which: see above.
        at: see above.
        row: where the weights begin.
        count: how many they are.
        rules: codes and constants.
        corrections: `corrections` of this step.
        weights: θ, (1, parameters).
        state: of the optimiser, (vectors, parameters).
    """
    codes, constants = rules
    if codes[PENALTY] != NO_PENALTY:
        _add_penalty(decays, constants, gradient, which, at, row, count, weights)
    if codes[UPDATE] == DESCENT:
        for j in range(count):
            weights[THETA, row + j] -= rate * gradient[which, at + j]
    elif codes[UPDATE] == ADAM:
        _adam(rate, gradient, which, at, row, count, constants, corrections, weights, state)
    else:
        _momentum(codes[UPDATE], rate, gradient, which, at, row, count, constants, weights, state)


@kernel
def _add_penalty(
    decays: int,
    constants: Array,
    gradient: Array,
    which: int,
    at: int,
    row: int,
    count: int,
    weights: Array,
) -> None:
    """The derivatives of the penalties."""
    zero = weights.dtype.type(0)
    strength = weights.dtype.type(constants[decays + OF_L1])
    if strength > zero:
        for j in range(count):
            w = weights[THETA, row + j]
            gradient[which, at + j] += strength if w > zero else (-strength if w < zero else zero)
    strength = weights.dtype.type(constants[decays + OF_L2])
    if strength > zero:
        for j in range(count):
            gradient[which, at + j] += strength * weights[THETA, row + j]


@kernel
def _momentum(
    rule: int,
    rate: float,
    gradient: Array,
    which: int,
    at: int,
    row: int,
    count: int,
    constants: Array,
    weights: Array,
    state: Array,
) -> None:
    kept = weights.dtype.type(constants[OPTION_1])
    for j in range(count):
        g = gradient[which, at + j]
        v = kept * state[FIRST, row + j] + g
        state[FIRST, row + j] = v
        weights[THETA, row + j] -= rate * (g + kept * v if rule == NESTEROV else v)


@kernel
def corrections(constants: Array, step: float) -> tuple[float, float]:
    """1 − β₁ⁿ and √(1 − β₂ⁿ) in step n, counted from 1: once a step, for powers take long."""
    return 1 - constants[OPTION_1] ** step, sqrt(1 - constants[OPTION_2] ** step)


@kernel
def _adam(
    rate: float,
    gradient: Array,
    which: int,
    at: int,
    row: int,
    count: int,
    constants: Array,
    corrections: tuple[float, float],
    weights: Array,
    state: Array,
) -> None:
    real = weights.dtype.type
    beta1, beta2 = constants[OPTION_1], constants[OPTION_2]
    kept1, new1, kept2, new2 = real(beta1), real(1 - beta1), real(beta2), real(1 - beta2)
    root, epsilon = real(1 / corrections[1]), real(constants[OPTION_3])
    length = real(rate / corrections[0])
    for j in range(count):
        g = gradient[which, at + j]
        m = kept1 * state[FIRST, row + j] + new1 * g
        v = kept2 * state[SECOND, row + j] + new2 * (g * g)
        state[FIRST, row + j] = m
        state[SECOND, row + j] = v
        weights[THETA, row + j] -= length * m / (sqrt(v) * root + epsilon)


@kernel
def penalty_of_row(decays: int, row: int, count: int, constants: Array, weights: Array) -> float:
    """Σ rate · Ω(w) over ``count`` weights from ``row`` on, for every penalty."""
    found = 0.0
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
