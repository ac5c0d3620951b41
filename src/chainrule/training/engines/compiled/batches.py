"""Training on minibatches with BLAS: every product is a call of gemm.

δ of all layers is computed before the first weight is changed. Plain descent with or without an L2
penalty stores no gradient: one call of gemm makes its update,
W ← (1 − rate · λ) W − (rate / N) aᵀ δ.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, kernel, part, wide_vectors
from chainrule.nn.layer_types import Dense
from chainrule.training.engines.compiled.activations import (
    apply_activation,
    bound_of_outputs,
    rectify,
)
from chainrule.training.engines.compiled.blas import gemm, gemm_address
from chainrule.training.engines.compiled.loop import MinibatchLoop
from chainrule.training.engines.compiled.losses import class_cross_entropy, loss_of_case, weigh
from chainrule.training.engines.compiled.normalization import (
    Norms,
    follow,
    go_back,
    make_norms,
    normalise,
    update_all,
)
from chainrule.training.engines.compiled.tables import (
    BIASES,
    BOUND,
    BY_OUTPUT,
    CLASS_CROSS_ENTROPY,
    DELTA,
    DESCENT,
    DROPS,
    FUNCTION,
    INPUTS,
    KEPT,
    KIND,
    OUTPUTS,
    PENALTY,
    RELU,
    SLOPE,
    START,
    STRIDE,
    THETA,
    UPDATE,
    WEIGHTS,
    WITH_L1,
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
    dropouts,
    make_tables,
    normalises,
    weighted_layers,
)
from chainrule.training.engines.compiled.updates import (
    OF_L2,
    decays_of,
    penalty_loss,
    set_rates,
    update_by_gradient,
)

ZERO, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


@entry
def run_batches(
    address: Any,
    x: Array, labels: Array, rows: Array,
    order: Array, first: Any, size: Any,
    codes: Array, constants: Array, common: Any,
    layers: Array, options: Array, rates: Array,
    weights: Array, state: Array, gradient: Array, units: Array,
    gathered: Array, losses: Array, learn: bool,
    case_weights: Array, counted: Array, correct_weights: Array,
    base_rates: Array, scales: Array, stays: Array, norms: Any,
) -> tuple[int, int]:  # fmt: skip
    """Train on one minibatch after the other, or evaluate them.

    The parameters are the fields of `Cases`, `Minibatches`, `Rules` and `Workspace`, and:

    - ``address``: the address of gemm, see `blas`.
    - ``common``: None for softmax with cross-entropy of class numbers and plain descent without
      an L1 penalty, a program of its own: it takes half of the time to compile and load.
    - ``gathered``: scratch space, (cases of a minibatch, input); unused where the order is empty.
    - ``losses``: receives each minibatch's loss before its update; one element per minibatch.
    - ``learn``: whether to train; otherwise the minibatches are only evaluated.
    - ``case_weights``, ``counted``, ``correct_weights``: the fields of `Weighing`;
      ``base_rates``, ``scales``: those of `Paces`.
    - ``stays``: for each minibatch, 1 where dropout behind a layer keeps a unit and 0 where it
      does not, (minibatches, units of a minibatch); empty where nothing is dropped.
    - ``norms``: the arrays of the layers that normalise, see `normalization`. Without such layers
      it is None; with them the network has a program of its own.

    Returns:
        The numbers of minibatches run and of correct cases in them. The loop stops where a loss
        or a gradient might not be finite, before that minibatch changes any weight.
    """
    wide_vectors()
    cases, chosen = Cases(x, labels, rows), Minibatches(order, first, size)
    rules = Rules(codes, constants)
    ws = Workspace(layers, options, rates, weights, state, gradient, units)
    weighing, paces = Weighing(case_weights, counted, correct_weights), Paces(base_rates, scales)
    correct = 0
    ordered = len(chosen.order) > 0
    there = Index(len(chosen.order)) if ordered else Index(len(cases.x))
    for k in range(Index(len(losses))):
        set_rates(k, paces, ws)
        start = k * chosen.size if ordered else chosen.first + k * chosen.size
        count = min(chosen.size, there - start)
        if ordered:
            _gather(cases.x, chosen.order, start, count, gathered)
            x, at = gathered, ZERO
        else:
            x, at = cases.x, start * Index(cases.x.shape[1])
        sizes = (count, chosen.size)
        _forward(address, x, at, sizes, learn, stays[k : k + ONE], norms, ws)
        losses[k], right = _losses(
            cases, chosen.order, start, sizes, rules, common, weighing, k, ws
        )
        if not abs(losses[k]) < inf:
            return k, correct
        if learn:
            if not _backward(address, sizes, norms, ws):
                return k, correct
            if common is None:
                _descend(address, x, at, sizes, rules, ws)
            elif norms is not None:
                _change_with_norms(address, x, at, sizes, rules, k, norms, ws)
            else:
                _change(address, x, at, sizes, rules, k, ws)
        correct += right
    return len(losses), correct


@part
def _gather(x: Array, order: Array, start: int, count: int, gathered: Array) -> None:
    """Copy the inputs of a minibatch into consecutive rows."""
    for row in range(count):
        case = Index(order[start + row])
        for i in range(Index(x.shape[1])):
            gathered[row, i] = x[case, i]


# The positions of z, a and δ of a layer in the array of the units, for the cases of a minibatch.
#
# A layer's units form one block, (cases, units): an activation is one loop over the block, and
# gemm takes it as a matrix. ``sizes`` are the number of cases, and the number for which the block
# has space.


@part
def _row_of_outputs(k: int, layers: Array) -> int:
    """The row of the units with a of a layer: a hidden layer's relu overwrites z.

    Behind dropout it does not: there φ'(z) is multiplied by the mask, and has to be written.
    """
    plain = k + ONE < Index(len(layers)) and layers[k, DROPS] == ZERO
    return Index(Z) if plain and layers[k, FUNCTION] == RELU else Index(A)


@part
def _place(row: int, k: int, size: int, ws: Workspace) -> int:
    """The flat index at which z, a or δ of a layer begins in the array of the units."""
    return Index(row) * Index(ws.units.shape[1]) + ws.layers[k, START] * size


@part
def _outputs(k: int, size: int, ws: Workspace) -> Any:
    """a of a layer in the form in which `gemm` takes a matrix."""
    at = _place(_row_of_outputs(k, ws.layers), k, size, ws)
    return ws.units, at, ws.layers[k, OUTPUTS]


@part
def _forward(
    address: Any,
    x: Array,
    at: int,
    sizes: tuple[int, int],
    learn: bool,
    stays: Array,
    norms: Any,
    ws: Workspace,
) -> None:
    """z = a W + b and a = φ(z) of all layers, and an upper bound of each layer's |a|.

    ``stays`` has one row, that of this minibatch, or none.
    """
    count, size = sizes
    layers, units = ws.layers, ws.units
    for k in range(Index(len(layers))):
        start = layers[k, START] * size
        if norms is None or layers[k, KIND] == ZERO:
            _weigh_inputs(address, k, x, at, sizes, ws)
        else:
            normalise(k, _row_of_outputs(k - ONE, layers), sizes, learn, norms, ws)
        stop = start + count * layers[k, OUTPUTS]
        if _row_of_outputs(k, layers) == Index(Z):
            units[BOUND, k + ONE] = rectify(units, start, stop)
        else:
            apply_activation(k, ws, start, stop)
            units[BOUND, k + ONE] = bound_of_outputs(k, ws, start, stop)
            if layers[k, DROPS] > ZERO and len(stays) > 0:
                _drop(units, start, stop, stays, ws.options[k, KEPT])
                units[BOUND, k + ONE] *= ws.options[k, KEPT]


@part
def _drop(units: Array, start: int, stop: int, stays: Array, kept: float) -> None:
    """a ← a ⊙ m and φ'(z) ← φ'(z) ⊙ m for dropout's mask m, so that δ needs no mask of its own."""
    for j in range(start, stop):
        mask = units.dtype.type(stays[0, j]) * kept
        units[A, j] *= mask
        units[SLOPE, j] *= mask


@part
def _weigh_inputs(
    address: Any, k: int, x: Array, at: int, sizes: tuple[int, int], ws: Workspace
) -> None:
    """z = a W + b of a dense layer."""
    count, size = sizes
    start, width, biases = ws.layers[k, START] * size, ws.layers[k, OUTPUTS], ws.layers[k, BIASES]
    for row in range(count):
        for j in range(width):
            ws.units[Z, start + row * width + j] = ws.weights[THETA, biases + j]
    _times_weights(address, k, x, at, sizes, ws)


@part
def _times_weights(
    address: Any, k: int, x: Array, at: int, sizes: tuple[int, int], ws: Workspace
) -> None:
    """z ← z + a W, with a of the layer before, or with the inputs in the first layer."""
    count, size = sizes
    layers, depth, width = ws.layers, ws.layers[k, INPUTS], ws.layers[k, OUTPUTS]
    shape = (count, width, depth)
    W = (ws.weights, layers[k, WEIGHTS], layers[k, STRIDE], layers[k, BY_OUTPUT] > ZERO)
    z = (ws.units, _place(Z, k, size, ws), width)
    if k == ZERO:
        gemm(address, shape, 1.0, (x, at, depth, False), W, 1.0, z)
    else:
        gemm(address, shape, 1.0, (*_outputs(k - ONE, size, ws), False), W, 1.0, z)


@part
def _losses(
    cases: Cases,
    order: Array,
    start: int,
    sizes: tuple[int, int],
    rules: Rules,
    common: Any,
    weighing: Weighing,
    minibatch: int,
    ws: Workspace,
) -> tuple[float, int]:
    """The mean loss, penalty included, and the number of correct cases; writes the last N δ."""
    count, size = sizes
    k = Index(len(ws.layers)) - ONE
    block, width = ws.layers[k, START] * size, ws.layers[k, OUTPUTS]
    total, right = 0.0, 0
    for row in range(count):
        case = Index(order[start + row]) if len(order) > 0 else start + row
        at = block + row * width
        if common is None:
            true = Index(cases.labels[case])
            loss, hit = class_cross_entropy(at, width, width, true, ws.units)
        else:
            loss, hit = loss_of_case(cases, case, at, rules, ws.layers, ws.units)
            if len(weighing.weights) > 0:
                loss = weigh(loss, at, width, weighing.weights[case], ws.units)
                weighing.correct[minibatch] += weighing.counted[case] if hit else 0
        total += loss
        right += hit
    return total / count + penalty_loss(rules, ws), right


@part
def _backward(address: Any, sizes: tuple[int, int], norms: Any, ws: Workspace) -> bool:
    """Compute N δ of the layers before the last; return whether every gradient is finite.

    Of layers that normalise it also writes the gradients.
    """
    count, size = sizes
    layers, units = ws.layers, ws.units
    last = Index(len(layers)) - ONE
    start = layers[last, START] * size
    total = units.dtype.type(0)
    for j in range(start, start + count * layers[last, OUTPUTS]):
        total += abs(units[DELTA, j])
    for back in range(Index(len(layers))):
        k = last - back
        # The product bounds every sum over cases of δ times an input of the layer.
        if not (total < inf and total * units[BOUND, k] < inf):
            return False
        if k > 0:
            if norms is None or layers[k, KIND] == ZERO:
                _through_weights(address, k, sizes, ws)
            elif total * units.dtype.type(count + layers[k, OUTPUTS]) < inf:  # |x̂| is less
                go_back(k, sizes, norms, ws)
            else:
                return False
            start, depth = layers[k - ONE, START] * size, layers[k, INPUTS]
            total = _through_activation(k - ONE, start, start + count * depth, layers, units)
    return True


@part
def _through_weights(address: Any, k: int, sizes: tuple[int, int], ws: Workspace) -> None:
    """N ∂L/∂a of the layer before a dense layer, from N δ of that one."""
    (count, size), layers = sizes, ws.layers
    depth, width = layers[k, INPUTS], layers[k, OUTPUTS]
    delta = (ws.units, _place(DELTA, k, size, ws), width, False)
    W = (ws.weights, layers[k, WEIGHTS], layers[k, STRIDE], layers[k, BY_OUTPUT] == ZERO)
    before = (ws.units, _place(DELTA, k - ONE, size, ws), depth)
    gemm(address, (count, depth, width), 1.0, delta, W, 0.0, before)


@part
def _through_activation(k: int, start: int, stop: int, layers: Array, units: Array) -> float:
    """δ = (∂L/∂a) φ'(z) of the units ``start`` to ``stop`` − 1 of a layer, and Σ |δ|."""
    total, zero = units.dtype.type(0), units.dtype.type(0)
    if _row_of_outputs(k, layers) == Index(Z):
        for j in range(start, stop):
            # Both are read before one is chosen: with a branch the loop would not be vectorised.
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


# The update of the weights by a minibatch, from the inputs and δ of every layer.


@kernel
def _change(
    address: Any,
    x: Array,
    at: int,
    sizes: tuple[int, int],
    rules: Rules,
    number: int,
    ws: Workspace,
) -> None:
    """Update the weights by any rule and penalty; ``number`` counts the steps of this call."""
    if rules.codes[UPDATE] == DESCENT and rules.codes[PENALTY] != WITH_L1:
        _descend(address, x, at, sizes, rules, ws)
        return
    for k in range(Index(len(ws.layers))):
        _gradient_of_dense(address, k, x, at, sizes, ws)
    update_by_gradient(number, rules, ws)


@part
def _gradient_of_dense(
    address: Any, k: int, x: Array, at: int, sizes: tuple[int, int], ws: Workspace
) -> None:
    """∂L/∂W = aᵀ δ and ∂L/∂b = Σ δ of a dense layer, from N δ."""
    count, width, biases = sizes[0], ws.layers[k, OUTPUTS], ws.layers[k, BIASES]
    _add_products(address, k, x, at, sizes, (1 / count, 0.0), ws.gradient, ws)
    for j in range(width):
        ws.gradient[0, biases + j] = 0
    _add_deltas(ws.gradient, k, ws.gradient.dtype.type(1 / count), sizes, ws)


@kernel
def _change_with_norms(
    address: Any,
    x: Array,
    at: int,
    sizes: tuple[int, int],
    rules: Rules,
    number: int,
    norms: Any,
    ws: Workspace,
) -> None:
    """`_change` with layers that normalise, and a step of their running statistics."""
    share = ws.gradient.dtype.type(1 / sizes[0])
    for k in range(Index(len(ws.layers))):
        if ws.layers[k, KIND] == ZERO:
            _gradient_of_dense(address, k, x, at, sizes, ws)
        else:
            row = ws.layers[k, WEIGHTS]
            for j in range(row, row + TWO * ws.layers[k, OUTPUTS]):
                ws.gradient[0, j] *= share
    update_all(number, rules, ws)
    follow(sizes, norms, ws)


@part
def _descend(
    address: Any, x: Array, at: int, sizes: tuple[int, int], rules: Rules, ws: Workspace
) -> None:
    """Plain descent: W ← (1 − rate · λ) W − (rate / N) aᵀ δ, b ← (1 − rate · λ) b − (rate/N) Σ δ.

    λ is the rate of the L2 penalty, or 0.
    """
    constants, rates, weights = rules.constants, ws.rates, ws.weights
    count, real = sizes[0], weights.dtype.type
    for k in range(Index(len(ws.layers))):
        decay = constants[decays_of(k, ZERO) + OF_L2]
        factors = (-rates[k, 0] / count, 1 - rates[k, 0] * decay)
        _add_products(address, k, x, at, sizes, factors, weights, ws)
        width, biases = ws.layers[k, OUTPUTS], ws.layers[k, BIASES]
        decay = constants[decays_of(k, ONE) + OF_L2]
        if decay > 0:
            kept = real(1 - rates[k, 1] * decay)
            for j in range(width):
                weights[THETA, biases + j] *= kept
        _add_deltas(weights, k, real(-rates[k, 1] / count), sizes, ws)


@part
def _add_deltas(
    changed: Array, k: int, share: float, sizes: tuple[int, int], ws: Workspace
) -> None:
    """Add ``share`` times the sum of δ over all cases to the biases of layer k in ``changed``."""
    count, size = sizes
    start, width, at = ws.layers[k, START] * size, ws.layers[k, OUTPUTS], ws.layers[k, BIASES]
    units, fours = ws.units, count - count % FOUR
    for c in range(ZERO, fours, FOUR):
        d0 = start + c * width
        d1, d2, d3 = d0 + width, d0 + TWO * width, d0 + THREE * width
        for j in range(width):
            together = (units[DELTA, d0 + j] + units[DELTA, d1 + j]) + (
                units[DELTA, d2 + j] + units[DELTA, d3 + j]
            )
            changed[THETA, at + j] += share * together
    for c in range(fours, count):
        for j in range(width):
            changed[THETA, at + j] += share * units[DELTA, start + c * width + j]


@part
def _add_products(
    address: Any,
    k: int,
    x: Array,
    at: int,
    sizes: tuple[int, int],
    factors: tuple[float, float],
    changed: Array,
    ws: Workspace,
) -> None:
    """C ← β C + α aᵀ δ for the factors (α, β), where C has the layout of layer k's weights."""
    count, size = sizes
    depth, width = ws.layers[k, INPUTS], ws.layers[k, OUTPUTS]
    delta = (ws.units, _place(DELTA, k, size, ws), width)
    whole = (changed, ws.layers[k, WEIGHTS], ws.layers[k, STRIDE])
    turned = ws.layers[k, BY_OUTPUT] > ZERO
    if k == ZERO:
        _add_product(address, turned, count, (x, at, depth), delta, factors, whole)
    else:
        a = _outputs(k - ONE, size, ws)
        _add_product(address, turned, count, a, delta, factors, whole)


@part
def _add_product(
    address: Any,
    turned: bool,
    count: int,
    a: tuple[Array, int, int],
    delta: tuple[Array, int, int],
    factors: tuple[float, float],
    changed: tuple[Array, int, int],
) -> None:
    """C ← β C + α aᵀ δ, or the transpose; each matrix is an array, a flat index and a width."""
    alpha, beta = factors
    if turned:
        shape = (delta[2], a[2], count)
        gemm(address, shape, alpha, (*delta, True), (*a, False), beta, changed)
    else:
        shape = (a[2], delta[2], count)
        gemm(address, shape, alpha, (*a, True), (*delta, False), beta, changed)


# The loop that Python calls.

NARROW, DEEP = 64, 1024
"""The most outputs and the fewest inputs of a layer whose weights are transposed: `is_turned`."""


def is_turned(layer: Dense, dtype: np.dtype[Any]) -> bool:
    """Whether a layer's weights are transposed to one row per output, which needs a packed copy.

    OpenBLAS works on blocks of 16 or 24 columns of float64 at a time, and with few columns the
    last block is mostly empty. Microseconds per step without and with transposition, on two
    threads, unshuffled: 3072-50-10 in float64 2,154 and 1,690, in float32 977 and 1,159;
    3072-500-5 in float64 6,705 and 7,130; 1000×7-10 no difference.
    """
    return dtype == np.float64 and layer.size <= NARROW and layer.inputs >= DEEP


NOTHING_DROPPED = np.zeros((0, 0), np.uint8)
"""Stands for the masks of a network without dropout, and of one that is evaluated."""


class BlasLoop(MinibatchLoop):
    """Runs minibatches of several cases with products by BLAS; see `Loop`."""

    def _make_tables(self) -> Tables:
        dtype = self._network.dtype
        layers = weighted_layers(self._network)
        by_output = [isinstance(layer, Dense) and is_turned(layer, dtype) for layer in layers]
        return make_tables(self._network, by_output, fill=False)

    def _make_arrays(self) -> None:
        self._gemm = np.uintp(gemm_address(self._network.dtype))  # before threads are limited
        self._units = self._gathered = self._nothing
        self._norms: Norms | None = None

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
        normal = normalises(self._network)
        direct = codes[UPDATE] == DESCENT and codes[PENALTY] != WITH_L1  # needs no gradient
        direct = direct and not normal
        units = self._room(chosen, direct, learn=learn)
        norms = self._norms_for(units) if normal else None
        common = direct and self._tables.softmax and codes[0] == CLASS_CROSS_ENTROPY
        common = common and not len(weighing.weights)
        ran, correct = run_batches(
            self._gemm, *cases, *chosen, *rules, None if common else True,
            *self._workspace(units), self._gathered, losses, learn, *weighing, *paces,
            self._stays(len(losses), int(chosen.size)) if learn else NOTHING_DROPPED,
            norms,
        )  # fmt: skip
        return int(ran), int(correct)

    def _stays(self, minibatches: int, size: int) -> Array:
        """What dropout keeps in each of the next minibatches, in the layout of the units."""
        layers, context = dropouts(self._network), self._network.context
        if not any(layers):
            return NOTHING_DROPPED
        found = np.zeros((minibatches, self._tables.units * size), np.uint8)
        for k in range(minibatches):
            context.step = self._optimizer.steps + k
            for row, layer in zip(self._tables.layers.astype(int), layers, strict=True):
                if layer is not None:
                    start = row[START] * size
                    stop = start + row[OUTPUTS] * size
                    found[k, start:stop] = layer.draw_stays(size).reshape(-1)
        return found

    def _norms_for(self, units: Array) -> Norms:
        """The arrays of the layers that normalise, for these units."""
        if self._norms is None or self._norms[0].shape[1] < units.shape[1]:
            self._norms = make_norms(self._network, units.shape[1])
        return self._norms

    def _room(self, chosen: Minibatches, direct: bool, *, learn: bool) -> Array:
        """The units' array for a minibatch; in training it is kept, with the other buffers."""
        size, dtype, units = int(chosen.size), self._network.dtype, self._units
        if units.shape[1] < self._tables.units * size:
            units = self._make_units(self._tables.units * size)
        if learn:
            self._units = units
            if len(chosen.order) and len(self._gathered) < size:
                self._gathered = aligned((size, self._network.input), dtype)
            if not len(self._gradient) and not direct:
                self._gradient = aligned((1, self._tables.parameters), dtype)
        return units
