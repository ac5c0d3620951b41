"""Minibatches: forward pass, loss, backward pass and update, every product a call of gemm.

δ of all layers is computed before the first weight is changed.
"""

from __future__ import annotations

from math import inf
from typing import Any

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.training.engines.compiled.activations import (
    apply_activation,
    bound_of_outputs,
    rectify,
)
from chainrule.training.engines.compiled.any_rule import loss_of_case, penalty_loss
from chainrule.training.engines.compiled.batch_updates import (
    change,
    descend,
    outputs_of,
    place,
    place_of_outputs,
)
from chainrule.training.engines.compiled.blas import gemm
from chainrule.training.engines.compiled.outputs import class_cross_entropy
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BOUND,
    BY_OUTPUT,
    DELTA,
    INPUTS,
    OUTPUTS,
    SLOPE,
    START,
    STRIDE,
    THETA,
    WEIGHTS,
    Index,
    Z,
)

ZERO, ONE = Index(0), Index(1)


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
                descend(
                    address, came_in, at, count, batch_size, layers, rates, rules, weights, units
                )
            else:
                change(
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
        if outputs_of(k, layers) == Index(Z):
            units[BOUND, k + ONE] = rectify(units, start, stop)
        else:
            apply_activation(k, layers, options, units, start, stop)
            units[BOUND, k + ONE] = bound_of_outputs(k, layers, units, start, stop)


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
    z = (units, place(Z, k, batch_size, layers, units), width)
    if k == ZERO:
        gemm(address, shape, 1.0, (x, at, depth, False), W, 1.0, z)
    else:
        a = (units, place_of_outputs(k - ONE, batch_size, layers, units), depth, False)
        gemm(address, shape, 1.0, a, W, 1.0, z)


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
    """Compute N δ of the layers before the last; return whether every gradient is finite."""
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
            delta = (units, place(DELTA, k, batch_size, layers, units), width, False)
            W = (weights, layers[k, WEIGHTS], layers[k, STRIDE], layers[k, BY_OUTPUT] == ZERO)
            upstream = (units, place(DELTA, k - ONE, batch_size, layers, units), depth)
            gemm(address, (count, depth, width), 1.0, delta, W, 0.0, upstream)
            start = layers[k - ONE, START] * batch_size
            total = _through_activation(k - ONE, start, start + count * depth, layers, units)
    return True


@part
def _through_activation(k: int, start: int, stop: int, layers: Array, units: Array) -> float:
    """δ = J φ'(z) of the units ``start`` to ``stop`` of a layer, and Σ |δ|."""
    total, zero = units.dtype.type(0), units.dtype.type(0)
    if outputs_of(k, layers) == Index(Z):
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
