"""One case at a time: forward pass, loss, backward pass and update in one compiled loop.

Inputs that are 0 are skipped: they add nothing to z, and their weights have no gradient. Behind
the first layer the weights lie a row an output, so that the forward pass, J upstream and the
update all run along memory; plain descent takes the last two in one sweep.
"""

from __future__ import annotations

from math import inf

from chainrule.engines.compiled.activations import activate
from chainrule.engines.compiled.any_rule import any_loss, change_all, gradient_is_finite
from chainrule.engines.compiled.jit import entry, part
from chainrule.engines.compiled.outputs import class_cross_entropy
from chainrule.engines.compiled.plan import (
    BIASES,
    BOUND,
    DELTA,
    OUTPUTS,
    PADDED,
    SCRATCH,
    SLOPE,
    START,
    STRIDE,
    THETA,
    WEIGHTS,
    A,
    Index,
    Z,
)
from chainrule.parameters import Array

FIRST_LAYER, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


@entry
def run_cases(
    x: Array,
    order: Array,
    first: int,
    labels: Array,
    rows: Array,
    layers: Array,
    options: Array,
    rates: Array,
    largest: float,
    rules: tuple[Array, Array] | None,
    weights: Array,
    state: Array,
    units: Array,
    shown: Array,
    losses: Array,
    learn: bool,
) -> tuple[int, int]:
    """Train on one case after the other, or evaluate them.

    None for the rules makes a program of its own, a third of the other to compile and load.

    Args:
        x: inputs, (cases, input).
        order: the cases to run; empty for those from ``first`` on, as they are in the file.
        first: see above.
        labels: class numbers; empty where targets are rows.
        rows: targets as rows; empty where they are class numbers.
        layers: a row a layer: see `plan`.
        options: of the activations, a row a layer.
        rates: learning rates of weights and biases, a row a layer.
        largest: of all inputs, by magnitude.
        rules: their codes and constants, see `plan`; None for what is most common: softmax with
            cross-entropy of class numbers, plain descent, no penalty.
        weights: θ, packed, (1, parameters), changed in place.
        state: of the optimiser, likewise, (vectors, parameters).
        units: written to.
        shown: written to; as long as the inputs, and one more.
        losses: of each case as it ran; its length says how many are run.
        learn: go back and change the weights; otherwise this is an evaluation.

    Returns:
        How many cases were run, and how many of them were right. Where a loss or a gradient
        might not be finite it stops: then the weights are of no use.
    """
    correct = 0
    units[BOUND, 0] = largest
    for k in range(Index(len(losses))):
        case = Index(order[k]) if len(order) > 0 else first + k
        count = _list_inputs(x, case, shown)
        _from_inputs(x, case, shown, count, layers, weights, units)
        activate(FIRST_LAYER, layers, options, units)
        for layer in range(ONE, Index(len(layers))):
            _from_layer(layer, layers, weights, units)
            activate(layer, layers, options, units)
        if rules is None:
            losses[k], right = _class_loss(labels, case, layers, units)
            finite = abs(losses[k]) < inf
            if finite and learn:
                finite = _descend(x, case, shown, count, layers, rates, weights, units)
        else:
            losses[k], right = any_loss(labels, rows, case, layers, rules, weights, units)
            finite = abs(losses[k]) < inf
            if finite and learn:
                finite = change_all(x, case, layers, rates, rules, k, weights, state, units)
        if not finite:
            return k, correct
        correct += right
    return len(losses), correct


@part
def _list_inputs(x: Array, case: int, shown: Array) -> int:
    """The numbers of the inputs that are not 0, without a branch; how many they are."""
    count = Index(0)
    for i in range(Index(x.shape[1])):
        shown[count] = i
        count += Index(x[case, i] != 0)
    return count


@part
def _from_inputs(
    x: Array,
    case: int,
    shown: Array,
    count: int,
    layers: Array,
    weights: Array,
    units: Array,
) -> None:
    """z = x W + b of the first layer, four inputs a pass."""
    width, row, biases = layers[0, PADDED], layers[0, WEIGHTS], layers[0, BIASES]
    for j in range(width):
        units[Z, j] = weights[THETA, biases + j]
    fours = count - count % FOUR
    for q in range(Index(0), fours, FOUR):
        i0, i1, i2, i3 = shown[q], shown[q + ONE], shown[q + TWO], shown[q + THREE]
        x0, x1, x2, x3 = x[case, i0], x[case, i1], x[case, i2], x[case, i3]
        r0, r1, r2, r3 = row + i0 * width, row + i1 * width, row + i2 * width, row + i3 * width
        for j in range(width):
            units[Z, j] += (x0 * weights[THETA, r0 + j] + x1 * weights[THETA, r1 + j]) + (
                x2 * weights[THETA, r2 + j] + x3 * weights[THETA, r3 + j]
            )
    for q in range(fours, count):
        x0, r0 = x[case, shown[q]], row + shown[q] * width
        for j in range(width):
            units[Z, j] += x0 * weights[THETA, r0 + j]


@part
def _from_layer(k: int, layers: Array, weights: Array, units: Array) -> None:
    """z of a layer behind the first, a product of two vectors an output."""
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    for o in range(layers[k, OUTPUTS]):
        row, total = layers[k, WEIGHTS] + o * stride, weights[THETA, layers[k, BIASES] + o]
        for j in range(stride):
            total += units[A, before + j] * weights[THETA, row + j]
        units[Z, start + o] = total


@part
def _class_loss(labels: Array, case: int, layers: Array, units: Array) -> tuple[float, bool]:
    """Softmax with cross-entropy, whether the case is right, and δ of the last layer."""
    k = Index(len(layers)) - ONE
    start, count, padded = layers[k, START], layers[k, OUTPUTS], layers[k, PADDED]
    return class_cross_entropy(start, count, padded, Index(labels[case]), units)


@part
def _descend(
    x: Array,
    case: int,
    shown: Array,
    count: int,
    layers: Array,
    rates: Array,
    weights: Array,
    units: Array,
) -> bool:
    """Backward pass and plain descent; whether every gradient was finite."""
    for back in range(Index(len(layers))):
        k = Index(len(layers)) - ONE - back
        if not gradient_is_finite(k, layers, units):
            return False
        if k == 0:
            _sweep_inputs(x, case, shown, count, layers, rates, weights, units)
        else:
            _sweep_layer(k, layers, rates, weights, units)
        start, biases = layers[k, START], layers[k, BIASES]
        for j in range(layers[k, PADDED]):
            weights[THETA, biases + j] -= rates[k, 1] * units[DELTA, start + j]
    return True


@part
def _sweep_layer(k: int, layers: Array, rates: Array, weights: Array, units: Array) -> None:
    """δ of the layer before, and the update, in one sweep over the weights."""
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    for j in range(stride):
        units[SCRATCH, j] = 0
    for o in range(layers[k, OUTPUTS]):
        row, delta = layers[k, WEIGHTS] + o * stride, units[DELTA, start + o]
        step = rates[k, 0] * delta
        for j in range(stride):
            w = weights[THETA, row + j]
            units[SCRATCH, j] += delta * w
            weights[THETA, row + j] = w - step * units[A, before + j]
    for j in range(stride):
        units[DELTA, before + j] = units[SCRATCH, j] * units[SLOPE, before + j]


@part
def _sweep_inputs(
    x: Array,
    case: int,
    shown: Array,
    count: int,
    layers: Array,
    rates: Array,
    weights: Array,
    units: Array,
) -> None:
    """The update of the rows of the first layer whose inputs are not 0, four a pass."""
    width, row = layers[0, PADDED], layers[0, WEIGHTS]
    for j in range(width):
        units[SCRATCH, j] = rates[0, 0] * units[DELTA, j]
    fours = count - count % FOUR
    for q in range(Index(0), fours, FOUR):
        i0, i1, i2, i3 = shown[q], shown[q + ONE], shown[q + TWO], shown[q + THREE]
        x0, x1, x2, x3 = x[case, i0], x[case, i1], x[case, i2], x[case, i3]
        r0, r1, r2, r3 = row + i0 * width, row + i1 * width, row + i2 * width, row + i3 * width
        for j in range(width):
            step = units[SCRATCH, j]
            weights[THETA, r0 + j] -= x0 * step
            weights[THETA, r1 + j] -= x1 * step
            weights[THETA, r2 + j] -= x2 * step
            weights[THETA, r3 + j] -= x3 * step
    for q in range(fours, count):
        x0, r0 = x[case, shown[q]], row + shown[q] * width
        for j in range(width):
            weights[THETA, r0 + j] -= x0 * units[SCRATCH, j]
