"""Minibatches: forward pass, loss, backward pass and update, every product a call of gemm.

The units of a layer lie case after case, so that an activation is one loop over all of them.
What δ is made of is computed for all layers before the first weight is changed.

Plain descent with or without an L2 penalty needs no gradient at all: its update
W ← (1 − rate · λ) W − (rate / N) aᵀ δ is a product that is added to what is there.
"""

from __future__ import annotations

from math import inf
from typing import Any

from chainrule.engines.compiled.activations import apply_activation, bound_of_outputs, rectify
from chainrule.engines.compiled.any_rule import loss_of_case, penalty_loss
from chainrule.engines.compiled.blas import gemm
from chainrule.engines.compiled.jit import entry, kernel, part, wide_vectors
from chainrule.engines.compiled.outputs import class_cross_entropy
from chainrule.engines.compiled.plan import (
    BIASES,
    BOUND,
    BY_OUTPUT,
    DELTA,
    DESCENT,
    FUNCTION,
    INPUTS,
    L1,
    L2,
    OF_BIASES,
    OF_WEIGHTS,
    OUTPUTS,
    PENALTY_RATE,
    RELU,
    SLOPE,
    START,
    STEPS,
    STRIDE,
    THETA,
    UPDATE,
    WEIGHTS,
    A,
    Index,
    Z,
)
from chainrule.engines.compiled.updates import corrections, update
from chainrule.parameters import Array

ZERO, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


@entry
def run_batches(
    address: Any,
    x: Array,
    order: Array,
    first: int,
    batch_size: int,
    labels: Array,
    rows: Array,
    layers: Array,
    options: Array,
    rates: Array,
    largest: float,
    rules: tuple[Array, Array],
    common: Any,
    weights: Array,
    state: Array,
    gradient: Array,
    units: Array,
    gathered: Array,
    losses: Array,
    learn: bool,
) -> tuple[int, int]:
    """Train on one minibatch after the other, or evaluate them.

    Args:
        address: of gemm: see `blas`.
        x: inputs, (cases, input).
        order: the cases of these minibatches; empty where they stand in the order of the file.
        first: the number of the first case in the file, where ``order`` is empty.
        batch_size: cases a minibatch; the last one takes what is left.
        labels: class numbers; empty where targets are rows.
        rows: targets as rows; empty where they are class numbers.
        layers: a row a layer: see `plan`.
        options: of the activations, a row a layer.
        rates: learning rates of weights and biases, a row a layer.
        largest: of all inputs, by magnitude.
        rules: codes and constants, see `plan`.
        common: None for softmax with cross-entropy of class numbers and plain descent without
            an L1 penalty: that is a program of its own, half of the other to compile and load.
        weights: θ, (1, parameters), changed in place.
        state: of the optimiser, likewise, (vectors, parameters).
        gradient: written to, (1, parameters); empty where none is needed.
        units: written to; room for ``batch_size`` cases.
        gathered: written to, (batch_size, input); empty where ``order`` is.
        losses: of each minibatch as it ran; its length says how many are run.
        learn: go back and change the weights; otherwise this is an evaluation.

    Returns:
        How many minibatches were run, and how many cases of them were right. Where a loss or a
        gradient might not be finite it stops, and that minibatch has changed nothing.
    """
    wide_vectors()
    correct = 0
    units[BOUND, 0] = largest
    ordered = len(order) > 0
    cases = Index(len(order)) if ordered else Index(len(x))
    for k in range(Index(len(losses))):
        start = k * batch_size if ordered else first + k * batch_size
        count = min(batch_size, cases - start)
        if ordered:
            _gather(x, order, start, count, gathered)
            came_in, at = gathered, ZERO
        else:
            came_in, at = x, start * Index(x.shape[1])
        _forward(address, came_in, at, count, batch_size, layers, options, weights, units)
        losses[k], right = _losses(
            order, start, count, batch_size, labels, rows, layers, rules, common, weights, units
        )
        if not abs(losses[k]) < inf:
            return k, correct
        if learn:
            if not _backward(address, count, batch_size, layers, weights, units):
                return k, correct
            if common is None:
                _descend(
                    address, came_in, at, count, batch_size, layers, rates, rules, weights, units
                )
            else:
                _change(
                    address,
                    came_in,
                    at,
                    count,
                    batch_size,
                    layers,
                    rates,
                    rules,
                    k,
                    weights,
                    state,
                    gradient,
                    units,
                )
        correct += right
    return len(losses), correct


@part
def _gather(x: Array, order: Array, start: int, count: int, gathered: Array) -> None:
    """The inputs of a minibatch, one after the other."""
    for row in range(count):
        case = Index(order[start + row])
        for i in range(Index(x.shape[1])):
            gathered[row, i] = x[case, i]


@part
def _forward(
    address: Any,
    x: Array,
    at: int,
    count: int,
    batch_size: int,
    layers: Array,
    options: Array,
    weights: Array,
    units: Array,
) -> None:
    """z = a W + b and a = φ(z) of all layers, and a bound of each layer's |a|."""
    for k in range(Index(len(layers))):
        start, width, biases = layers[k, START] * batch_size, layers[k, OUTPUTS], layers[k, BIASES]
        for row in range(count):
            for j in range(width):
                units[Z, start + row * width + j] = weights[THETA, biases + j]
        _times_weights(address, k, x, at, count, batch_size, layers, weights, units)
        stop = start + count * width
        if _outputs_of(k, layers) == Index(Z):
            units[BOUND, k + ONE] = rectify(units, start, stop)
        else:
            apply_activation(k, layers, options, units, start, stop)
            units[BOUND, k + ONE] = bound_of_outputs(k, layers, units, start, stop)


@part
def _outputs_of(k: int, layers: Array) -> int:
    """The row of units that has a of a layer: a hidden layer's relu stands in place of z."""
    hidden = k + ONE < Index(len(layers))
    return Index(Z) if hidden and layers[k, FUNCTION] == RELU else Index(A)


@part
def _times_weights(
    address: Any,
    k: int,
    x: Array,
    at: int,
    count: int,
    batch_size: int,
    layers: Array,
    weights: Array,
    units: Array,
) -> None:
    """z ← z + a W, with a of the layer before or the inputs themselves."""
    depth, width = layers[k, INPUTS], layers[k, OUTPUTS]
    shape = (count, width, depth)
    W = (weights, layers[k, WEIGHTS], layers[k, STRIDE], layers[k, BY_OUTPUT] > ZERO)
    z = (units, _place(Z, k, batch_size, layers, units), width)
    if k == ZERO:
        gemm(address, shape, 1.0, (x, at, depth, False), W, 1.0, z)
    else:
        a = (units, _place_of_outputs(k - ONE, batch_size, layers, units), depth, False)
        gemm(address, shape, 1.0, a, W, 1.0, z)


@part
def _place(of: int, k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where z, a or δ of a layer begins in the array of the units."""
    return Index(of) * Index(units.shape[1]) + layers[k, START] * batch_size


@part
def _place_of_outputs(k: int, batch_size: int, layers: Array, units: Array) -> int:
    """Where a of a layer begins."""
    return _place(_outputs_of(k, layers), k, batch_size, layers, units)


@part
def _losses(
    order: Array,
    start: int,
    count: int,
    batch_size: int,
    labels: Array,
    rows: Array,
    layers: Array,
    rules: tuple[Array, Array],
    common: Any,
    weights: Array,
    units: Array,
) -> tuple[float, int]:
    """The mean loss, penalty included, how many cases are right, and N δ of the last layer."""
    k = Index(len(layers)) - ONE
    block, width = layers[k, START] * batch_size, layers[k, OUTPUTS]
    total, right = 0.0, 0
    for row in range(count):
        case = Index(order[start + row]) if len(order) > 0 else start + row
        at = block + row * width
        if common is None:
            loss, hit = class_cross_entropy(at, width, width, Index(labels[case]), units)
        else:
            loss, hit = loss_of_case(labels, rows, case, at, layers, rules, units)
        total += loss
        right += hit
    return total / count + penalty_loss(layers, rules, weights), right


@part
def _backward(
    address: Any, count: int, batch_size: int, layers: Array, weights: Array, units: Array
) -> bool:
    """N δ of the layers before the last; whether every gradient is finite."""
    last = Index(len(layers)) - ONE
    start = layers[last, START] * batch_size
    total = units.dtype.type(0)
    for j in range(start, start + count * layers[last, OUTPUTS]):
        total += abs(units[DELTA, j])
    for back in range(Index(len(layers))):
        k = last - back
        # A bound of every sum of products of a δ with what came in
        if not (total < inf and total * units[BOUND, k] < inf):
            return False
        if k > 0:
            depth, width = layers[k, INPUTS], layers[k, OUTPUTS]
            delta = (units, _place(DELTA, k, batch_size, layers, units), width, False)
            W = (weights, layers[k, WEIGHTS], layers[k, STRIDE], layers[k, BY_OUTPUT] == ZERO)
            upstream = (units, _place(DELTA, k - ONE, batch_size, layers, units), depth)
            gemm(address, (count, depth, width), 1.0, delta, W, 0.0, upstream)
            start = layers[k - ONE, START] * batch_size
            total = _through_activation(k - ONE, start, start + count * depth, layers, units)
    return True


@part
def _through_activation(k: int, start: int, stop: int, layers: Array, units: Array) -> float:
    """δ = J φ'(z) of the units ``start`` to ``stop`` of a layer, and Σ |δ|."""
    total, zero = units.dtype.type(0), units.dtype.type(0)
    if _outputs_of(k, layers) == Index(Z):
        for j in range(start, stop):
            # Both are read before one is chosen: with a branch the loop would not run in vectors.
            d, a = units[DELTA, j], units[Z, j]
            d = d if a > zero else zero
            units[DELTA, j] = d
            total += abs(d)
    else:
        for j in range(start, stop):
            d = units[DELTA, j] * units[SLOPE, j]
            units[DELTA, j] = d
            total += abs(d)
    return total


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
    delta = (units, _place(DELTA, k, batch_size, layers, units), width)
    place = (changed, changed_at, layers[k, STRIDE])
    turned = layers[k, BY_OUTPUT] > ZERO
    if k == ZERO:
        _add_product(address, turned, count, (x, at, depth), delta, alpha, beta, place)
    else:
        a = (units, _place_of_outputs(k - ONE, batch_size, layers, units), depth)
        _add_product(address, turned, count, a, delta, alpha, beta, place)


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


@part
def _descend(
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
    codes, constants = rules
    for k in range(Index(len(layers))):
        decay = constants[PENALTY_RATE] if codes[OF_WEIGHTS] == L2 else 0.0
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
    codes, constants = rules
    start, width, biases = layers[k, START] * batch_size, layers[k, OUTPUTS], layers[k, BIASES]
    real = weights.dtype.type
    if codes[OF_BIASES] == L2:
        kept = real(1 - rates[k, 1] * constants[PENALTY_RATE])
        for j in range(width):
            weights[THETA, biases + j] *= kept
    _add_rows(weights, THETA, biases, real(-rates[k, 1] / count), start, count, width, units)


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


@kernel
def _change(
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
    if codes[UPDATE] == DESCENT and codes[OF_WEIGHTS] != L1:
        _descend(address, x, at, count, batch_size, layers, rates, rules, weights, units)
        return
    corrected = corrections(constants, constants[STEPS] + (number + ONE))
    for k in range(Index(len(layers))):
        row, biases, width = layers[k, WEIGHTS], layers[k, BIASES], layers[k, OUTPUTS]
        share = 1 / count
        _add_products(
            address, k, x, at, count, batch_size, layers, share, 0.0, units, gradient, row
        )
        _bias_gradient(k, count, batch_size, layers, gradient, units)
        of_weights, of_biases = codes[OF_WEIGHTS], codes[OF_BIASES]
        update(
            of_weights,
            rates[k, 0],
            gradient,
            ZERO,
            row,
            row,
            biases - row,
            rules,
            corrected,
            weights,
            state,
        )
        update(
            of_biases,
            rates[k, 1],
            gradient,
            ZERO,
            biases,
            biases,
            width,
            rules,
            corrected,
            weights,
            state,
        )


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
