"""How a minibatch changes the weights, from what came in and δ of every layer.

Plain descent with or without an L2 penalty needs no gradient at all: its update
W ← (1 − rate · λ) W − (rate / N) aᵀ δ is a product that is added to what is there.
"""

from __future__ import annotations

from typing import Any

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel, part
from chainrule.training.engines.compiled.blas import gemm
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BY_OUTPUT,
    DELTA,
    DESCENT,
    FUNCTION,
    INPUTS,
    OUTPUTS,
    PENALTY,
    RELU,
    START,
    STEPS,
    STRIDE,
    THETA,
    UPDATE,
    WEIGHTS,
    WITH_L1,
    A,
    Index,
    Z,
)
from chainrule.training.engines.compiled.updates import OF_L2, corrections, decays_of, update

# Where z, a and δ of a layer lie in the array of the units, for the cases of a minibatch.
#
# The units of a layer lie case after case in one block, so that an activation is one loop over
# all of them, and a block is a matrix to gemm.


@part
def outputs_of(k: int, layers: Array) -> int:
    """The row of units that has a of a layer: a hidden layer's relu stands in place of z."""
    hidden = k + ONE < Index(len(layers))
    return Index(Z) if hidden and layers[k, FUNCTION] == RELU else Index(A)


@part
def place(of: int, k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where z, a or δ of a layer begins in the array of the units."""
    return Index(of) * Index(units.shape[1]) + layers[k, START] * batch_size


@part
def place_of_outputs(k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where a of a layer begins."""
    return place(outputs_of(k, layers), k, batch_size, layers, units)


ZERO, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


@kernel
def change(
    address: Any,
    x: Array,
    at: int,
    count: int,
    batch_size: int,
    layers: Array,
    rates: Array,
    rules: tuple[Array, Array],
    number: int,
    weights: Array,
    state: Array,
    gradient: Array,
    units: Array,
) -> None:
    """An update by any rule and penalty, from gradients."""
    codes, constants = rules
    if codes[UPDATE] == DESCENT and codes[PENALTY] != WITH_L1:
        descend(address, x, at, count, batch_size, layers, rates, rules, weights, units)
        return
    corrected = corrections(constants, constants[STEPS] + (number + ONE))
    for k in range(Index(len(layers))):
        row, biases, width = layers[k, WEIGHTS], layers[k, BIASES], layers[k, OUTPUTS]
        share = 1 / count
        _add_products(
            address, k, x, at, count, batch_size, layers, share, 0.0, units, gradient, row
        )
        _bias_gradient(k, count, batch_size, layers, gradient, units)
        for b in range(TWO):
            start, stop = (biases, biases + width) if b else (row, biases)
            update(
                decays_of(k, b),
                rates[k, b],
                gradient,
                ZERO,
                start,
                start,
                stop - start,
                rules,
                corrected,
                weights,
                state,
            )


@part
def descend(
    address: Any,
    x: Array,
    at: int,
    count: int,
    batch_size: int,
    layers: Array,
    rates: Array,
    rules: tuple[Array, Array],
    weights: Array,
    units: Array,
) -> None:
    """Plain descent, the weights by a product that is added, with an L2 penalty or none."""
    _, constants = rules
    for k in range(Index(len(layers))):
        decay = constants[decays_of(k, ZERO) + OF_L2]
        alpha, beta = -rates[k, 0] / count, 1 - rates[k, 0] * decay
        row = layers[k, WEIGHTS]
        _add_products(
            address, k, x, at, count, batch_size, layers, alpha, beta, units, weights, row
        )
        _descend_biases(k, count, batch_size, layers, rates, rules, weights, units)


@part
def _descend_biases(
    k: int,
    count: int,
    batch_size: int,
    layers: Array,
    rates: Array,
    rules: tuple[Array, Array],
    weights: Array,
    units: Array,
) -> None:
    """b ← (1 − rate · λ) b − (rate / N) Σ δ."""
    _, constants = rules
    start, width, biases = layers[k, START] * batch_size, layers[k, OUTPUTS], layers[k, BIASES]
    real, decay = weights.dtype.type, constants[decays_of(k, ONE) + OF_L2]
    if decay > 0:
        kept = real(1 - rates[k, 1] * decay)
        for j in range(width):
            weights[THETA, biases + j] *= kept
    _add_rows(weights, THETA, biases, real(-rates[k, 1] / count), start, count, width, units)


@part
def _bias_gradient(
    k: int, count: int, batch_size: int, layers: Array, gradient: Array, units: Array
) -> None:
    """Σ δ over the cases, of which each is 1/N."""
    start, width, biases = layers[k, START] * batch_size, layers[k, OUTPUTS], layers[k, BIASES]
    for j in range(width):
        gradient[0, biases + j] = 0
    share = gradient.dtype.type(1 / count)
    _add_rows(gradient, 0, biases, share, start, count, width, units)


@part
def _add_rows(
    changed: Array,
    row: int,
    at: int,
    share: float,
    start: int,
    count: int,
    width: int,
    units: Array,
) -> None:
    """Add the δ of all cases times ``share``, four cases a pass."""
    fours = count - count % FOUR
    for c in range(ZERO, fours, FOUR):
        d0 = start + c * width
        d1, d2, d3 = d0 + width, d0 + TWO * width, d0 + THREE * width
        for j in range(width):
            together = (units[DELTA, d0 + j] + units[DELTA, d1 + j]) + (
                units[DELTA, d2 + j] + units[DELTA, d3 + j]
            )
            changed[row, at + j] += share * together
    for c in range(fours, count):
        for j in range(width):
            changed[row, at + j] += share * units[DELTA, start + c * width + j]


@part
def _add_products(
    address: Any,
    k: int,
    x: Array,
    at: int,
    count: int,
    batch_size: int,
    layers: Array,
    alpha: float,
    beta: float,
    units: Array,
    changed: Array,
    changed_at: int,
) -> None:
    """C ← β C + α aᵀ δ, where C lies as the weights of layer k do."""
    depth, width = layers[k, INPUTS], layers[k, OUTPUTS]
    delta = (units, place(DELTA, k, batch_size, layers, units), width)
    whole = (changed, changed_at, layers[k, STRIDE])
    turned = layers[k, BY_OUTPUT] > ZERO
    if k == ZERO:
        _add_product(address, turned, count, (x, at, depth), delta, alpha, beta, whole)
    else:
        a = (units, place_of_outputs(k - ONE, batch_size, layers, units), depth)
        _add_product(address, turned, count, a, delta, alpha, beta, whole)


@part
def _add_product(
    address: Any,
    turned: bool,
    count: int,
    a: tuple[Array, int, int],
    delta: tuple[Array, int, int],
    alpha: float,
    beta: float,
    changed: tuple[Array, int, int],
) -> None:
    """C ← β C + α aᵀ δ, or its transpose; the three are arrays, places and widths."""
    if turned:
        shape = (delta[2], a[2], count)
        gemm(address, shape, alpha, (*delta, True), (*a, False), beta, changed)
    else:
        shape = (a[2], delta[2], count)
        gemm(address, shape, alpha, (*a, True), (*delta, False), beta, changed)
