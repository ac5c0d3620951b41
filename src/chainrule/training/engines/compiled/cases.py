"""One case at a time: forward pass, loss, backward pass and update in one compiled loop.

Inputs that are 0 are skipped: they add nothing to z, and their weights have no gradient. Behind
the first layer the weights lie a row an output, so that the forward pass, J upstream and the
update all run along memory; plain descent takes the last two in one sweep.
"""

from __future__ import annotations

from math import inf
from typing import ClassVar

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, part
from chainrule.nn.kernels.vectors import (
    FOUR_LINES,
    LINE,
    ONE_LINE,
    TWO_LINES,
    fill,
    load,
    store,
    total,
)
from chainrule.training.engines.compiled.activations import activate
from chainrule.training.engines.compiled.any_rule import any_loss, change_all, gradient_is_finite
from chainrule.training.engines.compiled.outputs import class_cross_entropy
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    DESCENT,
    NO_PENALTY,
    OUTPUTS,
    PADDED,
    SLOPE,
    START,
    STRIDE,
    THETA,
    WEIGHTS,
    A,
    Index,
    Plan,
    Z,
    aligned,
    dense_layers,
    make_plan,
)
from chainrule.training.engines.compiled.program import NO_ORDER, Prepared, Program

FIRST_LAYER, ONE, TWO, FOUR = Index(0), Index(1), Index(2), Index(4)


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
    """z = x W + b of the first layer, as many lines of z a pass as registers hold."""
    width, line = layers[0, PADDED], Index(LINE // weights.itemsize)
    fours, twos = width - width % (FOUR * line), width - width % (TWO * line)
    for at in range(Index(0), fours, FOUR * line):
        _sum_rows(at, FOUR_LINES, x, case, shown, count, layers, weights, units)
    for at in range(fours, twos, TWO * line):
        _sum_rows(at, TWO_LINES, x, case, shown, count, layers, weights, units)
    for at in range(twos, width, line):
        _sum_rows(at, ONE_LINE, x, case, shown, count, layers, weights, units)


@part
def _sum_rows(
    at: int,
    lines: tuple[None, ...],
    x: Array,
    case: int,
    shown: Array,
    count: int,
    layers: Array,
    weights: Array,
    units: Array,
) -> None:
    """Some lines of z from ``at`` on."""
    width, row = layers[0, PADDED], layers[0, WEIGHTS] + at
    z = load(weights, THETA, layers[0, BIASES] + at, lines)
    for q in range(count):
        i = shown[q]
        z = z + x[case, i] * load(weights, THETA, row + i * width, lines)
    store(z, units, Z, at)


@part
def _from_layer(k: int, layers: Array, weights: Array, units: Array) -> None:
    """z of a layer behind the first, a product of two vectors an output."""
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    line = Index(LINE // weights.itemsize)
    for o in range(layers[k, OUTPUTS]):
        row = layers[k, WEIGHTS] + o * stride
        sums = load(units, A, before, ONE_LINE) * load(weights, THETA, row, ONE_LINE)
        for j in range(line, stride, line):
            a = load(units, A, before + j, ONE_LINE)
            sums = sums + a * load(weights, THETA, row + j, ONE_LINE)
        units[Z, start + o] = weights[THETA, layers[k, BIASES] + o] + total(sums)


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
    zero = units.dtype.type(0)
    for j in range(Index(0), stride, Index(LINE // weights.itemsize)):
        a = load(units, A, before + j, ONE_LINE)
        upstream = fill(zero, a)
        for o in range(layers[k, OUTPUTS]):
            at, delta = layers[k, WEIGHTS] + o * stride + j, units[DELTA, start + o]
            w = load(weights, THETA, at, ONE_LINE)
            upstream = upstream + delta * w
            store(w - (rates[k, 0] * delta) * a, weights, THETA, at)
        slope = load(units, SLOPE, before + j, ONE_LINE)
        store(upstream * slope, units, DELTA, before + j)


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
    """The update of the rows of the first layer whose inputs are not 0."""
    width, line = layers[0, PADDED], Index(LINE // weights.itemsize)
    fours, twos = width - width % (FOUR * line), width - width % (TWO * line)
    for at in range(Index(0), fours, FOUR * line):
        _change_rows(at, FOUR_LINES, x, case, shown, count, layers, rates, weights, units)
    for at in range(fours, twos, TWO * line):
        _change_rows(at, TWO_LINES, x, case, shown, count, layers, rates, weights, units)
    for at in range(twos, width, line):
        _change_rows(at, ONE_LINE, x, case, shown, count, layers, rates, weights, units)


@part
def _change_rows(
    at: int,
    lines: tuple[None, ...],
    x: Array,
    case: int,
    shown: Array,
    count: int,
    layers: Array,
    rates: Array,
    weights: Array,
    units: Array,
) -> None:
    """Some lines of every such row, from ``at`` on."""
    width, row = layers[0, PADDED], layers[0, WEIGHTS] + at
    step = rates[0, 0] * load(units, DELTA, at, lines)
    for q in range(count):
        i = shown[q]
        r = row + i * width
        store(load(weights, THETA, r, lines) - x[case, i] * step, weights, THETA, r)


# What the loop over single cases is given, made once.

MOST_COMMON = (CLASS_CROSS_ENTROPY, True, DESCENT, NO_PENALTY)
"""Loss, softmax, rule and penalties that have a program of their own."""


class OneCase(Program):
    """Runs minibatches of one case.

    The first layer's weights keep a row an input; those of the others are turned to a row an
    output, however many: what they are multiplied with then lies along memory in every pass.
    """

    changes_before_it_knows: ClassVar[bool] = True

    def _make_plan(self) -> Plan:
        by_output = [k > 0 for k in range(len(dense_layers(self._network)))]
        return make_plan(self._network, by_output, fill=True)

    def _make_arrays(self) -> None:
        self._units = aligned((BOUND + 1, self._plan.units), self._network.dtype)
        self._shown = np.zeros(self._network.input + 1, np.uintp)

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        ran, correct = self._call(self._cases, order, first, losses, learn=True)
        if ran < len(losses):  # some weights have changed already; θ itself has not
            self._pack()
            ran, correct = self._call(self._cases, order, first, losses[:ran], learn=True)
        return ran, correct

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Program.evaluate`."""
        cases, losses = Prepared.of(x, t), np.empty(len(x))
        self._pack()
        ran, correct = self._call(cases, None, 0, losses, learn=False)
        if ran < len(losses):
            return None
        return float(losses.sum() / len(x)) + self._network.penalty_loss(), correct

    def _call(
        self,
        cases: Prepared,
        order: Array | None,
        first: int,
        losses: Array,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        codes, rates, rules = self._tables(cases)
        if not learn:  # the penalty of one case is that of all
            codes = (*codes[:3], NO_PENALTY)
            rules = np.array(codes, np.uintp), rules[1]
        drawn = NO_ORDER if order is None else order[first : first + len(losses)]
        ran, correct = run_cases(
            cases.x,
            np.ascontiguousarray(drawn, np.int64),
            Index(first),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            rates,
            self._largest_input,
            None if codes == MOST_COMMON else rules,
            self._weights,
            self._state,
            self._units,
            self._shown,
            losses,
            learn,
        )
        return int(ran), int(correct)
