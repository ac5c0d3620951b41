"""Training networks of few units on minibatches: each SIMD lane of a register holds one case.

A block of cases goes through all layers and back. A call of BLAS would take longer than such a
small product, and here all values of a block stay in the nearest cache. The values of a unit for
all cases are contiguous; a weight is a scalar that multiplies lines of them. A kernel computes up
to four outputs of a layer at a time, and keeps their weights and sums in registers.
"""

from __future__ import annotations

from math import inf
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, kernel, part, wide_vectors
from chainrule.nn.kernels.vectors import (
    FOUR_LINES,
    LINE,
    ONE_LINE,
    THREE_LINES,
    TWO_LINES,
    add_products,
    add_totals,
    fill,
    load,
    load_filled,
    load_rows,
    rectified,
    repeat,
    store,
    store_rows,
    where_positive,
)
from chainrule.training.engines.compiled.activations import apply_activation
from chainrule.training.engines.compiled.loop import MinibatchLoop
from chainrule.training.engines.compiled.losses import (
    NO_CASE,
    PRODUCT,
    TRUE,
    class_cross_entropy_of_block,
    losses_of_block,
    take_logarithms,
)
from chainrule.training.engines.compiled.tables import (
    BIASES,
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    FUNCTION,
    INPUTS,
    OUTPUTS,
    RELU,
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
    aligned,
    make_tables,
    weighted_layers,
)
from chainrule.training.engines.compiled.updates import (
    penalty_loss,
    set_rates,
    update_by_gradient,
)

ZERO, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


class Block(NamedTuple):
    """The buffers for a block of cases, beside its units.

    Attributes:
        inputs: the inputs of the cases, (1, input · cases).
        numbers: the indices of the cases in the block, (1, cases).
        lane: intermediate values of the loss for each case; see `losses.PEAK` for the rows.
        one_case: the last layer's units of one case.
    """

    inputs: Array
    numbers: Array
    lane: Array
    one_case: Array


@entry
def run_lanes(
    x: Array, labels: Array, rows: Array,
    order: Array, first: Any, size: Any,
    codes: Array, constants: Array, common: Any,
    layers: Array, options: Array, rates: Array,
    weights: Array, state: Array, gradient: Array, units: Array,
    inputs: Array, numbers: Array, lane: Array, one_case: Array,
    losses: Array, learn: bool,
    case_weights: Array, counted: Array, correct_weights: Array,
    base_rates: Array, scales: Array,
) -> tuple[int, int]:  # fmt: skip
    """Train on one minibatch after the other, or evaluate them; see `batches.run_batches`.

    The parameters are as there, with the units of a block and the fields of `Block`. ``common`` is
    None for softmax with cross-entropy of class numbers, which has a program of its own: it takes
    half of the time to compile and load.
    """
    wide_vectors()
    cases, chosen = Cases(x, labels, rows), Minibatches(order, first, size)
    rules = Rules(codes, constants)
    ws = Workspace(layers, options, rates, weights, state, gradient, units)
    room, block = Block(inputs, numbers, lane, one_case), Index(numbers.shape[1])
    weighing, paces = Weighing(case_weights, counted, correct_weights), Paces(base_rates, scales)
    correct, ordered = 0, len(chosen.order) > 0
    there = Index(len(chosen.order)) if ordered else Index(len(cases.x))
    for k in range(Index(len(losses))):
        set_rates(k, paces, ws)
        start = k * chosen.size if ordered else chosen.first + k * chosen.size
        stop = min(start + chosen.size, there)
        total, right = 0.0, 0
        if learn:
            for p in range(Index(gradient.shape[1])):
                gradient[0, p] = 0
        for at in range(start, stop, block):
            count = min(block, stop - at)
            _gather(cases.x, chosen.order, at, count, room)
            _forward(room.inputs, block, ws)
            if common is None:
                loss, hits = _class_losses(cases.labels, count, room, ws)
            else:
                loss, hits = losses_of_block(
                    cases, room.numbers, count, rules, weighing, k, ws, room.one_case
                )
            total += loss
            right += hits
            if learn:
                _backward(room.inputs, block, ws)
        losses[k] = total / (stop - start) + penalty_loss(rules, ws)
        finite = abs(losses[k]) < inf
        if learn:
            share = ws.weights.dtype.type(1 / (stop - start))
            finite = _divide(share, gradient) < inf and finite
        if not finite:
            return k, correct
        if learn:
            update_by_gradient(k, rules, ws)
        correct += right
    return len(losses), correct


@part
def _gather(x: Array, order: Array, at: int, count: int, room: Block) -> None:
    """Copy the inputs of the cases of a block; a last block is filled up with its first case."""
    inputs, numbers = room.inputs, room.numbers
    block = Index(numbers.shape[1])
    for c in range(block):
        place = at + c if c < count else at
        numbers[0, c] = Index(order[place]) if len(order) > 0 else place
    for i in range(Index(x.shape[1])):
        for c in range(block):
            inputs[0, i * block + c] = x[Index(numbers[0, c]), i]


@part
def _forward(inputs: Array, block: int, ws: Workspace) -> None:
    """z = a W + b and a = φ(z) of all layers."""
    layers = ws.layers
    for k in range(Index(len(layers))):
        if k == ZERO:
            _times_weights(k, (inputs, ZERO, ZERO), block, ws)
        else:
            before = (ws.units, _row_of_outputs(k - ONE, layers), layers[k - ONE, START] * block)
            _times_weights(k, before, block, ws)
        if not _is_rectified(k, layers):
            start = layers[k, START] * block
            apply_activation(k, ws, start, start + layers[k, OUTPUTS] * block)


@part
def _class_losses(labels: Array, count: int, room: Block, ws: Workspace) -> tuple[float, int]:
    """Softmax with cross-entropy of class numbers: the sum of losses, and the correct cases."""
    lane, numbers, k = room.lane, room.numbers, Index(len(ws.layers)) - ONE
    for c in range(Index(numbers.shape[1])):
        true = lane.dtype.type(labels[Index(numbers[0, c])])
        lane[TRUE, c] = true if c < count else lane.dtype.type(NO_CASE)
    start = ws.layers[k, START] * Index(numbers.shape[1])
    gaps, hits = class_cross_entropy_of_block(start, ws.layers[k, OUTPUTS], ws.units, lane)
    return take_logarithms(lane) + gaps, Index(hits)


@part
def _backward(inputs: Array, block: int, ws: Workspace) -> None:
    """Add the gradients of a block of cases to those of all layers."""
    for back in range(Index(len(ws.layers))):
        k = Index(len(ws.layers)) - ONE - back
        if k == ZERO:
            _add_gradient_of_inputs(k, inputs, block, ws)
        else:
            _add_bias_gradient(k, block, ws)
            _add_gradient(k, block, ws)


@part
def _divide(share: float, gradient: Array) -> float:
    """Multiply the summed gradient by ``share``, 1 / cases, and return Σ |g|."""
    size = gradient.dtype.type(0)
    for p in range(Index(gradient.shape[1])):
        g = share * gradient[0, p]
        gradient[0, p] = g
        size += abs(g)
    return size


# Sums of products for a block of cases.


@part
def _lanes(like: Array) -> int:
    """The number of values in a line."""
    return Index(LINE // like.itemsize)


@part
def _is_rectified(k: int, layers: Array) -> bool:
    """Whether a of a layer overwrites z: for relu in a hidden layer."""
    return k + ONE < Index(len(layers)) and layers[k, FUNCTION] == RELU


@part
def _row_of_outputs(k: int, layers: Array) -> int:
    """The row of the units with a of a layer."""
    return Index(Z) if _is_rectified(k, layers) else Index(A)


@part
def _row_of_delta(k: int, layers: Array) -> int:
    """The row of the units with δ of a layer: in a hidden layer δ overwrites a.

    With a row of its own for δ, the units of a block would take twice as much of the nearest
    cache.
    """
    return _row_of_outputs(k, layers) if k + ONE < Index(len(layers)) else Index(DELTA)


@part
def _in_fours(function: Any, width: int, arguments: Any) -> None:
    """Call a function for all outputs of a layer: four at a time, and the rest at once."""
    rest = width % FOUR
    for o in range(ZERO, width - rest, FOUR):
        function(FOUR_LINES, o, arguments)
    o = width - rest
    if rest == ONE:
        function(ONE_LINE, o, arguments)
    elif rest == TWO:
        function(TWO_LINES, o, arguments)
    elif rest == THREE:
        function(THREE_LINES, o, arguments)


@part
def _in_fours_and_ones(function: Any, width: int, arguments: Any) -> None:
    """Call a function for all outputs of a layer: four at a time, and the rest one by one."""
    rest = width % FOUR
    for o in range(ZERO, width - rest, FOUR):
        function(FOUR_LINES, o, arguments)
    for o in range(width - rest, width):
        function(ONE_LINE, o, arguments)


@kernel
def _times_weights(k: int, source: tuple[Array, int, int], block: int, ws: Workspace) -> None:
    """Compute z = a W + b of layer k, and apply relu where `_is_rectified`.

    ``source`` is an array, and the row and the column at which a begins in it; ``block`` is the
    number of cases of a block, a multiple of a line.
    """
    _in_fours(_sum_outputs, ws.layers[k, OUTPUTS], (k, source, block, ws))


@part
def _sum_outputs(outputs: tuple[None, ...], o: int, arguments: Any) -> None:
    """Compute z of a few outputs from ``o`` on, two lines of cases at a time."""
    k, (a, a_row, at), block, ws = arguments
    layers, weights, units = ws.layers, ws.weights, ws.units
    lane, W, stride = _lanes(units), layers[k, WEIGHTS] + o, layers[k, STRIDE]
    z, rectify = (layers[k, START] + o) * block, _is_rectified(k, layers)
    b, odd = layers[k, BIASES] + o, block % (TWO * lane)
    if odd > ZERO:
        s = load_filled(weights, THETA, b, outputs)
        for i in range(layers[k, INPUTS]):
            w = load_filled(weights, THETA, W + i * stride, outputs)
            s = s + w * repeat(load(a, a_row, at + i * block, ONE_LINE), outputs)
        store_rows(rectified(s) if rectify else s, units, Z, z, block)
    for c in range(odd, block, TWO * lane):
        s = load_filled(weights, THETA, b, outputs)
        t = s
        for i in range(layers[k, INPUTS]):
            w = load_filled(weights, THETA, W + i * stride, outputs)
            x = at + i * block + c
            s = s + w * repeat(load(a, a_row, x, ONE_LINE), outputs)
            t = t + w * repeat(load(a, a_row, x + lane, ONE_LINE), outputs)
        store_rows(rectified(s) if rectify else s, units, Z, z + c, block)
        store_rows(rectified(t) if rectify else t, units, Z, z + c + lane, block)


@kernel
def _add_bias_gradient(k: int, block: int, ws: Workspace) -> None:
    """Add ∂L/∂b = Σ δ of a layer to its gradient, with the sum over the cases of a block."""
    _in_fours_and_ones(_sum_delta, ws.layers[k, OUTPUTS], (k, block, ws))


@part
def _sum_delta(outputs: tuple[None, ...], o: int, arguments: Any) -> None:
    k, block, ws = arguments
    layers, units = ws.layers, ws.units
    d, delta_row = (layers[k, START] + o) * block, _row_of_delta(k, layers)
    sums = load_rows(units, delta_row, d, block, outputs)
    for c in range(_lanes(units), block, _lanes(units)):
        sums = sums + load_rows(units, delta_row, d + c, block, outputs)
    add_totals(sums, ws.gradient, ZERO, layers[k, BIASES] + o)


@kernel
def _add_gradient_of_inputs(k: int, x: Array, block: int, ws: Workspace) -> None:
    """Add Σ δ and Σ xᵀ δ of the first layer to its gradients; its inputs need no δ."""
    _in_fours_and_ones(_sum_products, ws.layers[k, OUTPUTS], (k, x, block, ws))


@part
def _sum_products(outputs: tuple[None, ...], o: int, arguments: Any) -> None:
    """Σ δ and Σ xᵀ δ of a few outputs, two inputs at a time; Σ δ along with the first two."""
    k, x, block, ws = arguments
    layers, units, gradient = ws.layers, ws.units, ws.gradient
    lane, d, row = _lanes(units), (layers[k, START] + o) * block, _row_of_delta(k, layers)
    W, stride, depth = layers[k, WEIGHTS] + o, layers[k, STRIDE], layers[k, INPUTS]
    # A single input is processed as two, but its sums are added to the gradient once.
    second = ONE if depth > ONE else ZERO
    sums = fill(units.dtype.type(0), load_rows(units, row, d, block, outputs))
    others = biases = sums
    for c in range(ZERO, block, lane):
        delta = load_rows(units, row, d + c, block, outputs)
        biases = biases + delta
        sums = sums + delta * repeat(load(x, ZERO, c, ONE_LINE), outputs)
        others = others + delta * repeat(load(x, ZERO, second * block + c, ONE_LINE), outputs)
    add_totals(biases, gradient, ZERO, layers[k, BIASES] + o)
    add_totals(sums, gradient, ZERO, W)
    if second > ZERO:
        add_totals(others, gradient, ZERO, W + stride)
    for i in range(TWO, depth, TWO):
        second = ONE if i + ONE < depth else ZERO
        sums = fill(units.dtype.type(0), sums)
        others = sums
        for c in range(ZERO, block, lane):
            at, delta = i * block + c, load_rows(units, row, d + c, block, outputs)
            sums = sums + delta * repeat(load(x, ZERO, at, ONE_LINE), outputs)
            at += second * block
            others = others + delta * repeat(load(x, ZERO, at, ONE_LINE), outputs)
        add_totals(sums, gradient, ZERO, W + i * stride)
        if second > ZERO:
            add_totals(others, gradient, ZERO, W + (i + ONE) * stride)


@kernel
def _add_gradient(k: int, block: int, ws: Workspace) -> None:
    """Add Σ aᵀ δ of a later layer to its gradient; compute δ of two units of the layer before."""
    depth = ws.layers[k, INPUTS]
    for i in range(ZERO, depth, TWO):
        # An odd last unit is processed as two, but its sums are added to the gradient once.
        second = ONE if i + ONE < depth else ZERO
        _in_fours(_sweep, ws.layers[k, OUTPUTS], (i, second, k, block, ws))


@part
def _sweep(outputs: tuple[None, ...], o: int, arguments: Any) -> None:
    """Add the terms of a few outputs to ∂L/∂a of two units and to the gradient of their weights.

    ∂L/∂a is summed in the first units of the row `DELTA`, which is otherwise used only by the
    last layer; the call for the last outputs turns it into δ, which overwrites a.
    """
    i, second, k, block, ws = arguments
    layers, weights, units = ws.layers, ws.weights, ws.units
    lane, d, delta_row = _lanes(units), (layers[k, START] + o) * block, _row_of_delta(k, layers)
    a_row, next_sum = _row_of_outputs(k - ONE, layers), second * block
    at = (layers[k - ONE, START] + i) * block
    next_at = at + second * block
    v = layers[k, WEIGHTS] + i * layers[k, STRIDE] + o
    w = v + second * layers[k, STRIDE]
    first, last = o == ZERO, o + FOUR >= layers[k, OUTPUTS]
    rectify = _is_rectified(k - ONE, layers)
    row = load_filled(weights, THETA, v, outputs)
    next_row = load_filled(weights, THETA, w, outputs)
    sums = fill(units.dtype.type(0), row)
    others, nothing = sums, fill(units.dtype.type(0), load(units, a_row, at, ONE_LINE))
    for c in range(ZERO, block, lane):
        delta = load_rows(units, delta_row, d + c, block, outputs)
        a, b = load(units, a_row, at + c, ONE_LINE), load(units, a_row, next_at + c, ONE_LINE)
        sums = sums + delta * repeat(a, outputs)
        others = others + delta * repeat(b, outputs)
        up = nothing if first else load(units, DELTA, c, ONE_LINE)
        next_up = nothing if first else load(units, DELTA, next_sum + c, ONE_LINE)
        up, next_up = add_products(up, row, delta), add_products(next_up, next_row, delta)
        if last:
            next_up = _through(rectify, next_up, b, next_at + c, units)
            store(_through(rectify, up, a, at + c, units), units, a_row, at + c)
            if second > ZERO:
                store(next_up, units, a_row, next_at + c)
        else:
            store(up, units, DELTA, c)
            store(next_up, units, DELTA, next_sum + c)
    add_totals(sums, ws.gradient, ZERO, v)
    if second > ZERO:
        add_totals(others, ws.gradient, ZERO, w)


@part
def _through(rectify: bool, up: Any, a: Any, at: int, units: Array) -> Any:
    """δ = (∂L/∂a) φ'(z) for one line of cases of a unit."""
    return where_positive(up, a) if rectify else up * load(units, SLOPE, at, ONE_LINE)


# The loop that Python calls.

LARGEST_BLOCK = 304
"""The most cases of a block. Each block's sums have to be added up, which favours large blocks;
from 600 cases on the units no longer fit the second cache. With blocks of 48, 104, 152, 304, 608
and 3,000 cases, 2-100-3 took 249, 230, 228, 208, 203 and 390 µs for a minibatch of 3,000 cases,
and 10-50-50-5 took 480, 472, 471, 538, 544 and 516 µs for one of 1,000."""


class LaneLoop(MinibatchLoop):
    """Runs minibatches without BLAS, every SIMD lane one case; see `Loop`."""

    def _make_tables(self) -> Tables:
        return make_tables(
            self._network, [False] * len(weighted_layers(self._network)), fill=False
        )

    def _make_arrays(self) -> None:
        dtype, tables = self._network.dtype, self._tables
        block, outputs = self._block(), self._network.layers[-1].size
        self._room = Block(
            inputs=aligned((1, self._network.input * block), dtype),
            numbers=np.zeros((1, block), np.int64),
            lane=aligned((PRODUCT + 1, block), dtype),
            one_case=aligned((BOUND, outputs), dtype),
        )
        self._units = aligned((DELTA + 1, tables.units * block), dtype)
        self._gradient = aligned((1, tables.parameters), dtype)

    def _block(self) -> int:
        """The cases of a block: those of a minibatch in equal parts, rounded up to whole lines."""
        cases = max(1, min(self._batch_size, len(self._cases.x)))
        parts, lane = -(-cases // LARGEST_BLOCK), LINE // self._network.dtype.itemsize
        return -(-cases // (parts * lane)) * lane

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
        common = (
            codes[0] == CLASS_CROSS_ENTROPY and self._tables.softmax and not len(weighing.weights)
        )
        ran, correct = run_lanes(
            *cases, *chosen, *rules, None if common else True,
            *self._workspace(self._units), *self._room, losses, learn, *weighing, *paces,
        )  # fmt: skip
        return int(ran), int(correct)
