"""Training on one case at a time: forward pass, loss, backward pass and update in one loop.

Inputs that are 0 are skipped: they add nothing to z, and the gradient of their weights is 0. From
the second layer on, a row of weights belongs to an output, so that the forward pass, the gradient
with respect to the layer's input and the update all read memory in order; plain descent computes
the last two in one sweep.
"""

from __future__ import annotations

from math import inf
from typing import Any, ClassVar, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, kernel, part
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
from chainrule.training.engines.compiled.loop import Loop
from chainrule.training.engines.compiled.losses import class_cross_entropy, loss_of_case, weigh
from chainrule.training.engines.compiled.tables import (
    BIASES,
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    DESCENT,
    NO_PENALTY,
    NO_SCALES,
    OUTPUTS,
    PADDED,
    SCRATCH,
    SLOPE,
    START,
    STRIDE,
    THETA,
    WEIGHTS,
    A,
    Cases,
    Index,
    Minibatches,
    Paces,
    Rules,
    Tables,
    Weighing,
    Workspace,
    Z,
    make_tables,
    weighted_layers,
)
from chainrule.training.engines.compiled.updates import (
    corrections,
    penalty_loss,
    set_rates,
    update,
)

ZERO, ONE, TWO, FOUR = Index(0), Index(1), Index(2), Index(4)


class Inputs(NamedTuple):
    """The nonzero inputs of one case.

    Attributes:
        x: inputs of all cases, (cases, input).
        case: the index of the case.
        numbers: the indices of its nonzero inputs.
        filled: how many nonzero inputs there are.
    """

    x: Array
    case: int
    numbers: Array
    filled: int


@entry
def run_cases(
    x: Array, labels: Array, rows: Array,
    order: Array, first: Any, size: Any,
    codes: Array, constants: Array, common: Any,
    layers: Array, options: Array, rates: Array,
    weights: Array, state: Array, gradient: Array, units: Array,
    numbers: Array, losses: Array, learn: bool,
    case_weights: Array, counted: Array, correct_weights: Array,
    base_rates: Array, scales: Array,
) -> tuple[int, int]:  # fmt: skip
    """Train on one case after the other, or evaluate them.

    The parameters are the fields of `Cases`, `Minibatches`, `Rules` and `Workspace`, and:

    - ``common``: None for softmax with cross-entropy of class numbers, plain descent and no
      penalty, which have a program of their own: it takes a third of the time to compile and load.
    - ``numbers``: scratch space for the indices of nonzero inputs, (input + 1,).
    - ``losses``: receives the loss of each case before its update; one element per case to run.
    - ``learn``: whether to train; otherwise the cases are only evaluated.
    - ``case_weights``, ``counted``, ``correct_weights``: the fields of `Weighing`;
      ``base_rates``, ``scales``: those of `Paces`.

    Returns:
        The numbers of cases run and of correct ones. The loop stops where a loss or a gradient
        might not be finite; some weights may then have been changed by that case.
    """
    cases, chosen = Cases(x, labels, rows), Minibatches(order, first, size)
    rules = Rules(codes, constants)
    ws = Workspace(layers, options, rates, weights, state, gradient, units)
    weighing, paces = Weighing(case_weights, counted, correct_weights), Paces(base_rates, scales)
    correct = 0
    for k in range(Index(len(losses))):
        set_rates(k, paces, ws)
        case = Index(chosen.order[k]) if len(chosen.order) > 0 else chosen.first + k
        inputs = Inputs(cases.x, case, numbers, _list_inputs(cases.x, case, numbers))
        _in_lines(_sum_rows, inputs, ws)
        activate(ZERO, ws)
        for layer in range(ONE, Index(len(ws.layers))):
            _from_layer(layer, ws)
            activate(layer, ws)
        if common is None:
            losses[k], right = _class_loss(cases.labels, case, ws)
            finite = abs(losses[k]) < inf
            if finite and learn:
                finite = _descend(inputs, ws)
        else:
            start, width = _last_units(ws.layers)
            loss, right = loss_of_case(cases, case, start, rules, ws.layers, ws.units)
            if len(weighing.weights) > 0:
                loss = weigh(loss, start, width, weighing.weights[case], ws.units)
                weighing.correct[k] = weighing.counted[case] if right else 0
            losses[k] = loss + penalty_loss(rules, ws)
            finite = abs(losses[k]) < inf
            if finite and learn:
                finite = _change_all(cases.x, case, rules, k, ws)
        if not finite:
            return k, correct
        correct += right
    return len(losses), correct


@part
def _list_inputs(x: Array, case: int, numbers: Array) -> int:
    """Write the indices of the nonzero inputs, without a branch; return how many there are."""
    count = Index(0)
    for i in range(Index(x.shape[1])):
        numbers[count] = i
        count += Index(x[case, i] != 0)
    return count


@part
def _in_lines(function: Any, inputs: Inputs, ws: Workspace) -> None:
    """Call a function for all outputs of the first layer, four, two or one lines at a time."""
    width, line = ws.layers[0, PADDED], Index(LINE // ws.weights.itemsize)
    fours, twos = width - width % (FOUR * line), width - width % (TWO * line)
    for at in range(Index(0), fours, FOUR * line):
        function(at, FOUR_LINES, inputs, ws)
    for at in range(fours, twos, TWO * line):
        function(at, TWO_LINES, inputs, ws)
    for at in range(twos, width, line):
        function(at, ONE_LINE, inputs, ws)


@part
def _sum_rows(at: int, lines: tuple[None, ...], inputs: Inputs, ws: Workspace) -> None:
    """z = x W + b of the first layer, for a few lines of outputs from ``at`` on."""
    x, case, numbers, count = inputs
    width, row = ws.layers[0, PADDED], ws.layers[0, WEIGHTS] + at
    z = load(ws.weights, THETA, ws.layers[0, BIASES] + at, lines)
    for q in range(count):
        i = numbers[q]
        z = z + x[case, i] * load(ws.weights, THETA, row + i * width, lines)
    store(z, ws.units, Z, at)


@part
def _from_layer(k: int, ws: Workspace) -> None:
    """z = a W + b of a layer after the first, one dot product per output."""
    layers, weights, units = ws.layers, ws.weights, ws.units
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    line = Index(LINE // weights.itemsize)
    for o in range(layers[k, OUTPUTS]):
        row = layers[k, WEIGHTS] + o * stride
        sums = load(units, A, before, ONE_LINE) * load(weights, THETA, row, ONE_LINE)
        for j in range(line, stride, line):
            a = load(units, A, before + j, ONE_LINE)
            sums = sums + a * load(weights, THETA, row + j, ONE_LINE)
        units[Z, start + o] = weights[THETA, layers[k, BIASES] + o] + total(sums)


# The most common program: softmax with cross-entropy of class numbers, and plain descent.


@part
def _class_loss(labels: Array, case: int, ws: Workspace) -> tuple[float, bool]:
    """Softmax with cross-entropy: the loss, whether the case is correct; δ is written."""
    layers, k = ws.layers, Index(len(ws.layers)) - ONE
    start, count, padded = layers[k, START], layers[k, OUTPUTS], layers[k, PADDED]
    return class_cross_entropy(start, count, padded, Index(labels[case]), ws.units)


@part
def _gradient_is_finite(k: int, ws: Workspace) -> bool:
    """Whether every δ of a layer and every product of δ with an input of it is finite."""
    total = ws.units.dtype.type(0)
    for j in range(ws.layers[k, START], ws.layers[k, START] + ws.layers[k, PADDED]):
        total += abs(ws.units[DELTA, j])
    return total < inf and total * ws.units[BOUND, k] < inf


@part
def _descend(inputs: Inputs, ws: Workspace) -> bool:
    """Backward pass and plain descent; return whether every gradient was finite."""
    layers, rates, weights, units = ws.layers, ws.rates, ws.weights, ws.units
    for back in range(Index(len(layers))):
        k = Index(len(layers)) - ONE - back
        if not _gradient_is_finite(k, ws):
            return False
        if k == 0:
            _in_lines(_change_rows, inputs, ws)
        else:
            _sweep_layer(k, ws)
        start, biases = layers[k, START], layers[k, BIASES]
        for j in range(layers[k, PADDED]):
            weights[THETA, biases + j] -= rates[k, 1] * units[DELTA, start + j]
    return True


@part
def _sweep_layer(k: int, ws: Workspace) -> None:
    """Compute δ of the layer before and update the weights, in one sweep over the weights."""
    layers, rates, weights, units = ws.layers, ws.rates, ws.weights, ws.units
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    zero = units.dtype.type(0)
    for j in range(Index(0), stride, Index(LINE // weights.itemsize)):
        a = load(units, A, before + j, ONE_LINE)
        sums = fill(zero, a)
        for o in range(layers[k, OUTPUTS]):
            at, delta = layers[k, WEIGHTS] + o * stride + j, units[DELTA, start + o]
            w = load(weights, THETA, at, ONE_LINE)
            sums = sums + delta * w
            store(w - (rates[k, 0] * delta) * a, weights, THETA, at)
        slope = load(units, SLOPE, before + j, ONE_LINE)
        store(sums * slope, units, DELTA, before + j)


@part
def _change_rows(at: int, lines: tuple[None, ...], inputs: Inputs, ws: Workspace) -> None:
    """Plain descent of the first layer's weights of nonzero inputs: a few lines from ``at`` on."""
    x, case, numbers, count = inputs
    width, row = ws.layers[0, PADDED], ws.layers[0, WEIGHTS] + at
    step = ws.rates[0, 0] * load(ws.units, DELTA, at, lines)
    for q in range(count):
        i = numbers[q]
        r = row + i * width
        w = load(ws.weights, THETA, r, lines)
        store(w - x[case, i] * step, ws.weights, THETA, r)


# Any loss, penalty and optimiser.


@part
def _last_units(layers: Array) -> tuple[int, int]:
    """The index of the first unit of the last layer, and how many units it has."""
    k = Index(len(layers)) - ONE
    return layers[k, START], layers[k, OUTPUTS]


@kernel
def _change_all(x: Array, case: int, rules: Rules, number: int, ws: Workspace) -> bool:
    """Backward pass and update from δ of the last layer; ``number`` counts steps of this call.

    Returns:
        Whether every gradient was finite.
    """
    layers, units, corrected = ws.layers, ws.units, corrections(rules, number)
    for back in range(Index(len(layers))):
        k = Index(len(layers)) - ONE - back
        if not _gradient_is_finite(k, ws):
            return False
        if k > 0:
            _delta_before(k, ws)
        start, stride = layers[k, START], layers[k, STRIDE]
        row, biases = layers[k, WEIGHTS], layers[k, BIASES]
        # A row of the gradient is one δ times all inputs; in layer 0, one input times all δ.
        vector, at = (A, layers[k - ONE, START]) if k > 0 else (DELTA, start)
        for r in range((biases - row) // stride):
            factor = units[DELTA, start + r] if k > 0 else x[case, r]
            for j in range(stride):
                units[SCRATCH, j] = factor * units[vector, at + j]
            gradient = (units, SCRATCH, ZERO)
            update(k, ZERO, gradient, row + r * stride, stride, rules, corrected, ws)
        gradient = (units, DELTA, start)
        update(k, ONE, gradient, biases, layers[k, PADDED], rules, corrected, ws)
    return True


@kernel
def _delta_before(k: int, ws: Workspace) -> None:
    """Compute δ of the layer before: (Σ_o δ_o w_oj) φ'(z_j)."""
    layers, weights, units = ws.layers, ws.weights, ws.units
    before, start, stride = layers[k - ONE, START], layers[k, START], layers[k, STRIDE]
    for j in range(stride):
        units[SCRATCH, j] = 0
    for o in range(layers[k, OUTPUTS]):
        row, delta = layers[k, WEIGHTS] + o * stride, units[DELTA, start + o]
        for j in range(stride):
            units[SCRATCH, j] += delta * weights[THETA, row + j]
    for j in range(stride):
        units[DELTA, before + j] = units[SCRATCH, j] * units[SLOPE, before + j]


MOST_COMMON = (CLASS_CROSS_ENTROPY, True, DESCENT, NO_PENALTY)
"""The codes of loss, softmax, update rule and penalties that have a program of their own."""


class CaseLoop(Loop):
    """Runs minibatches of one case; see `Loop`.

    A row of the first layer's weights belongs to an input. The other layers' weights are
    transposed: a row belongs to an output, so that every pass reads memory in order.
    """

    changes_before_it_knows: ClassVar[bool] = True

    def _make_tables(self) -> Tables:
        by_output = [k > 0 for k in range(len(weighted_layers(self._network)))]
        return make_tables(self._network, by_output, fill=True)

    def _make_arrays(self) -> None:
        self._units = self._make_units(self._tables.units)
        self._numbers = np.zeros(self._network.input + 1, np.uintp)

    def _train(
        self, order: Array | None, first: int, losses: Array, weighing: Weighing, paces: Paces
    ) -> tuple[int, int]:
        chosen = Minibatches.of(order, first, len(losses), 1)
        ran, correct = self._call(self._cases, chosen, losses, True, weighing, paces)
        if ran < len(losses):  # the next case may have changed weights: start again from θ
            self._pack()
            chosen, losses = Minibatches.of(order, first, ran, 1), losses[:ran]
            ran, correct = self._call(self._cases, chosen, losses, True, weighing, paces)
        return ran, correct

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Loop.evaluate`."""
        cases, losses = self._cases_of(x, t), np.empty(len(x))
        self._pack()
        every = Minibatches.of(None, 0, len(x), 1)
        none, paces = Weighing.none(self._network.dtype), Paces(self._base_rates, NO_SCALES)
        ran, correct = self._call(cases, every, losses, False, none, paces)
        if ran < len(losses):
            return None
        return float(losses.sum() / len(x)) + self._network.penalty_loss(), correct

    def _call(
        self,
        cases: Cases,
        chosen: Minibatches,
        losses: Array,
        learn: bool,
        weighing: Weighing,
        paces: Paces,
    ) -> tuple[int, int]:
        codes, _, rules = self._settings_for(cases)
        if not learn:  # `evaluate` adds the penalty once for all cases
            codes = (*codes[:3], NO_PENALTY)
            rules = Rules(np.array(codes, np.uintp), rules.constants)
        common = codes == MOST_COMMON and not len(weighing.weights)
        ran, correct = run_cases(
            *cases, *chosen, *rules, None if common else True,
            *self._workspace(self._units), self._numbers, losses, learn, *weighing, *paces,
        )  # fmt: skip
        return int(ran), int(correct)
