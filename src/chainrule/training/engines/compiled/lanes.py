"""Minibatches of a network of few units: a block of cases through all layers and back.

Every lane of a register holds one case. A call of BLAS costs more than such a product, and here
nothing between the inputs and the gradient leaves the nearest cache.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.network import Network
from chainrule.training.engines.compiled.activations import apply_activation
from chainrule.training.engines.compiled.any_rule import penalty_loss
from chainrule.training.engines.compiled.lane_losses import (
    NO_CASE,
    PRODUCT,
    TRUE,
    class_cross_entropy_of_block,
    losses_of_block,
    take_logarithms,
)
from chainrule.training.engines.compiled.lane_products import (
    add_bias_gradient,
    add_gradient,
    add_gradient_of_inputs,
    is_rectified,
    row_of_outputs,
    times_weights,
)
from chainrule.training.engines.compiled.plan import (
    BIASES,
    BOUND,
    CLASS_CROSS_ENTROPY,
    DELTA,
    LINE,
    OUTPUTS,
    START,
    STEPS,
    WEIGHTS,
    Index,
    Plan,
    aligned,
    dense_layers,
    make_plan,
)
from chainrule.training.engines.compiled.program import NO_ORDER, Prepared, Program
from chainrule.training.engines.compiled.updates import corrections, decays_of, update
from chainrule.training.optimizers import Optimizer

ZERO, ONE, TWO = Index(0), Index(1), Index(2)


@entry
def run_lanes(
    x: Array,
    order: Array,
    first: int,
    batch_size: int,
    labels: Array,
    rows: Array,
    layers: Array,
    options: Array,
    rates: Array,
    rules: tuple[Array, Array],
    common: Any,
    weights: Array,
    state: Array,
    room: tuple[Array, Array, Array, Array],
    numbers: Array,
    gradient: Array,
    losses: Array,
    learn: bool,
) -> tuple[int, int]:
    """Train on one minibatch after the other, or evaluate them; see `batches.run_batches`.

    Args:
        x: inputs, (cases, input).
        order: the cases of these minibatches; empty where they stand in the order of the file.
        first: the number of the first case in the file, where ``order`` is empty.
        batch_size: cases a minibatch; the last one takes what is left.
        labels: class numbers; empty where targets are rows.
        rows: targets as rows; empty where they are class numbers.
        layers: a row a layer: see `plan`.
        options: of the activations, a row a layer.
        rates: learning rates of weights and biases, a row a layer.
        rules: codes and constants, see `plan`.
        common: None for softmax with cross-entropy of class numbers: that is a program of its
            own, half of the other to compile and load.
        weights: θ, (1, parameters), changed in place.
        state: of the optimiser, likewise, (vectors, parameters).
        room: written to: the inputs of a block, (1, input × cases); its units; what the loss
            keeps of each case; the last units of one case.
        numbers: written to: which cases the block holds, (1, cases of a block).
        gradient: written to, (1, parameters).
        losses: of each minibatch as it ran; its length says how many are run.
        learn: go back and change the weights; otherwise this is an evaluation.

    Returns:
        How many minibatches were run, and how many cases of them were right. Where a loss or a
        gradient might not be finite it stops, and that minibatch has changed nothing.
    """
    wide_vectors()
    inputs, units, lane, one_case = room
    correct, ordered, block = 0, len(order) > 0, Index(numbers.shape[1])
    cases = Index(len(order)) if ordered else Index(len(x))
    for k in range(Index(len(losses))):
        start = k * batch_size if ordered else first + k * batch_size
        stop = min(start + batch_size, cases)
        total, right = 0.0, 0
        if learn:
            for p in range(Index(gradient.shape[1])):
                gradient[0, p] = 0
        for at in range(start, stop, block):
            count = min(block, stop - at)
            _take(x, order, at, count, inputs, numbers)
            _forward(inputs, block, layers, options, weights, units)
            if common is None:
                loss, hits = _class_losses(labels, numbers, count, layers, units, lane)
            else:
                loss, hits = losses_of_block(
                    labels, rows, numbers, count, layers, rules, units, one_case
                )
            total += loss
            right += hits
            if learn:
                _backward(inputs, block, layers, weights, units, gradient)
        losses[k] = total / (stop - start) + penalty_loss(layers, rules, weights)
        finite = abs(losses[k]) < inf
        if learn:
            share = weights.dtype.type(1 / (stop - start))
            finite = _divide(share, gradient) < inf and finite
        if not finite:
            return k, correct
        if learn:
            _change(layers, rates, rules, k, weights, state, gradient)
        correct += right
    return len(losses), correct


@part
def _take(x: Array, order: Array, at: int, count: int, inputs: Array, numbers: Array) -> None:
    """The inputs of up to a block of cases; those that are missing repeat the first."""
    block = Index(numbers.shape[1])
    for c in range(block):
        place = at + c if c < count else at
        numbers[0, c] = Index(order[place]) if len(order) > 0 else place
    for i in range(Index(x.shape[1])):
        for c in range(block):
            inputs[0, i * block + c] = x[Index(numbers[0, c]), i]


@part
def _forward(
    inputs: Array, block: int, layers: Array, options: Array, weights: Array, units: Array
) -> None:
    """z = a W + b and a = φ(z) of all layers."""
    for k in range(Index(len(layers))):
        if k == ZERO:
            times_weights(k, inputs, ZERO, ZERO, block, layers, weights, units)
        else:
            of, before = row_of_outputs(k - ONE, layers), layers[k - ONE, START] * block
            times_weights(k, units, of, before, block, layers, weights, units)
        if not is_rectified(k, layers):
            start = layers[k, START] * block
            apply_activation(k, layers, options, units, start, start + layers[k, OUTPUTS] * block)


@part
def _class_losses(
    labels: Array, numbers: Array, count: int, layers: Array, units: Array, lane: Array
) -> tuple[float, int]:
    """Softmax with cross-entropy of class numbers, and how many cases are right."""
    k = Index(len(layers)) - ONE
    for c in range(Index(numbers.shape[1])):
        true = lane.dtype.type(labels[Index(numbers[0, c])])
        lane[TRUE, c] = true if c < count else lane.dtype.type(NO_CASE)
    start = layers[k, START] * Index(numbers.shape[1])
    gaps, hits = class_cross_entropy_of_block(start, layers[k, OUTPUTS], units, lane)
    return take_logarithms(lane) + gaps, Index(hits)


@part
def _backward(
    inputs: Array, block: int, layers: Array, weights: Array, units: Array, gradient: Array
) -> None:
    """What a block adds to the gradients of all layers."""
    for back in range(Index(len(layers))):
        k = Index(len(layers)) - ONE - back
        if k == ZERO:
            add_gradient_of_inputs(k, inputs, block, layers, units, gradient)
        else:
            add_bias_gradient(k, block, layers, units, gradient)
            add_gradient(k, block, layers, weights, units, gradient)


@part
def _divide(share: float, gradient: Array) -> float:
    """Make a mean of the sums, and give Σ |g|."""
    size = gradient.dtype.type(0)
    for p in range(Index(gradient.shape[1])):
        g = share * gradient[0, p]
        gradient[0, p] = g
        size += abs(g)
    return size


@part
def _change(
    layers: Array,
    rates: Array,
    rules: tuple[Array, Array],
    number: int,
    weights: Array,
    state: Array,
    gradient: Array,
) -> None:
    """An update by any rule and penalty."""
    _, constants = rules
    corrected = corrections(constants, constants[STEPS] + (number + ONE))
    for k in range(Index(len(layers))):
        row, biases, width = layers[k, WEIGHTS], layers[k, BIASES], layers[k, OUTPUTS]
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


# What the loop over blocks of cases is given, made once.

LARGEST_BLOCK = 304
"""Cases. The sums of a block have to be added up, which favours large blocks; from 600 on their
units no longer fit the second cache. With blocks of 48, 104, 152, 304, 608 and 3,000 cases a
minibatch of 3,000 took 2-100-3 249, 230, 228, 208, 203 and 390 µs; one of 1,000 took 10-50-50-5
480, 472, 471, 538, 544 and 516."""

EVALUATED = 256
"""Cases that are evaluated at a time, at least."""


class FewUnits(Program):
    """Runs minibatches without BLAS, every lane of a register one case.

    Args:
        network: see `Program`.
        optimizer: see `Program`.
        x: see `Program`.
        t: see `Program`.
        batch_size: cases a minibatch.
    """

    def __init__(
        self, network: Network, optimizer: Optimizer, x: Array, t: Array, batch_size: int
    ) -> None:
        self._batch_size = batch_size
        super().__init__(network, optimizer, x, t)

    def _make_plan(self) -> Plan:
        return make_plan(self._network, [False] * len(dense_layers(self._network)), fill=False)

    def _make_arrays(self) -> None:
        dtype, plan = self._network.dtype, self._plan
        block, outputs = self._block(), self._network.layers[-1].size
        self._room = (
            aligned((1, self._network.input * block), dtype),
            aligned((DELTA + 1, plan.units * block), dtype),
            aligned((PRODUCT + 1, block), dtype),
            aligned((BOUND, outputs), dtype),
        )
        self._numbers = np.zeros((1, block), np.int64)
        self._gradient = aligned((1, plan.parameters), dtype)

    def _block(self) -> int:
        """Cases of a block: a minibatch in equal parts, filled up to whole lines."""
        cases = max(1, min(self._batch_size, len(self._cases.x)))
        parts, lane = -(-cases // LARGEST_BLOCK), LINE // self._network.dtype.itemsize
        return -(-cases // (parts * lane)) * lane

    def _train(self, order: Array | None, first: int, losses: Array) -> tuple[int, int]:
        begin, size = first * self._batch_size, self._batch_size
        if order is None:
            return self._call(self._cases, NO_ORDER, begin, losses, size, learn=True)
        drawn = order[begin : begin + len(losses) * size]
        return self._call(self._cases, drawn, 0, losses, size, learn=True)

    def evaluate(self, x: Array, t: Array) -> tuple[float, int] | None:
        """See `Program.evaluate`."""
        size = min(max(self._batch_size, EVALUATED), len(x))
        losses = np.empty(-(-len(x) // size))
        self._pack()
        ran, correct = self._call(Prepared.of(x, t), NO_ORDER, 0, losses, size, learn=False)
        if ran < len(losses):
            return None
        counts = np.minimum(size, len(x) - size * np.arange(len(losses)))
        return float(losses @ counts) / len(x), correct

    def _call(
        self,
        cases: Prepared,
        order: Array,
        first: int,
        losses: Array,
        batch_size: int,
        *,
        learn: bool,
    ) -> tuple[int, int]:
        codes, rates, rules = self._tables(cases)
        is_common = codes[0] == CLASS_CROSS_ENTROPY and self._plan.softmax
        ran, correct = run_lanes(
            cases.x,
            np.ascontiguousarray(order, np.int64),
            Index(first),
            Index(batch_size),
            cases.labels,
            cases.rows,
            self._plan.layers,
            self._plan.options,
            rates,
            rules,
            None if is_common else True,
            self._weights,
            self._state,
            self._room,
            self._numbers,
            self._gradient,
            losses,
            learn,
        )
        return int(ran), int(correct)
