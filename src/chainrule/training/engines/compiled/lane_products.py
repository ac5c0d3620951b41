"""Sums of products for a block of cases, of which every lane of a register holds one.

A unit lies along memory, a number a case; a weight is one number, times such lines. A kernel
takes up to four outputs of a layer at a time, whose weights and sums then stay in registers.
"""

from __future__ import annotations

from typing import Any

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import kernel, part
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
from chainrule.training.engines.compiled.plan import (
    BIASES,
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
    Index,
    Z,
)

ZERO, ONE, TWO, THREE, FOUR = Index(0), Index(1), Index(2), Index(3), Index(4)


@part
def lanes(like: Array) -> int:
    """How many numbers stand in a line."""
    return Index(LINE // like.itemsize)


@part
def is_rectified(k: int, layers: Array) -> bool:
    """Whether a of a layer stands in place of z: relu in a hidden layer."""
    return k + ONE < Index(len(layers)) and layers[k, FUNCTION] == RELU


@part
def row_of_outputs(k: int, layers: Array) -> int:
    """The row of units that has a of a layer."""
    return Index(Z) if is_rectified(k, layers) else Index(A)


@part
def row_of_delta(k: int, layers: Array) -> int:
    """The row of units that has δ of a layer: in a hidden one it takes the place of a.

    Where it had a row of its own, the units of a block would fill twice as much of the nearest
    cache.
    """
    return row_of_outputs(k, layers) if k + ONE < Index(len(layers)) else Index(DELTA)


@kernel
def times_weights(
    k: int, a: Array, of: int, at: int, block: int, layers: Array, weights: Array, units: Array
) -> None:
    """z = a W + b of a block; relu at once in a hidden layer.

    Args:
        k: the layer.
        a: what comes in, in a[of, at:], ``block`` numbers a unit.
        of: see above.
        at: see above.
        block: cases, whole lines of them.
        layers: see `plan`.
        weights: θ, (1, parameters).
        units: z is written to; a instead, where `is_rectified`.
    """
    width = layers[k, OUTPUTS]
    rest = width % FOUR
    for o in range(ZERO, width - rest, FOUR):
        _outputs(FOUR_LINES, o, k, a, of, at, block, layers, weights, units)
    if rest == ONE:
        _outputs(ONE_LINE, width - rest, k, a, of, at, block, layers, weights, units)
    elif rest == TWO:
        _outputs(TWO_LINES, width - rest, k, a, of, at, block, layers, weights, units)
    elif rest == THREE:
        _outputs(THREE_LINES, width - rest, k, a, of, at, block, layers, weights, units)


@part
def _outputs(
    outputs: tuple[None, ...],
    o: int,
    k: int,
    a: Array,
    of: int,
    at: int,
    block: int,
    layers: Array,
    weights: Array,
    units: Array,
) -> None:
    """z of a few outputs from ``o`` on, two lines of cases a pass."""
    lane, W, stride = lanes(units), layers[k, WEIGHTS] + o, layers[k, STRIDE]
    z, rectify = (layers[k, START] + o) * block, is_rectified(k, layers)
    b, odd = layers[k, BIASES] + o, block % (TWO * lane)
    if odd > ZERO:
        s = load_filled(weights, THETA, b, outputs)
        for i in range(layers[k, INPUTS]):
            w = load_filled(weights, THETA, W + i * stride, outputs)
            s = s + w * repeat(load(a, of, at + i * block, ONE_LINE), outputs)
        store_rows(rectified(s) if rectify else s, units, Z, z, block)
    for c in range(odd, block, TWO * lane):
        s = load_filled(weights, THETA, b, outputs)
        t = s
        for i in range(layers[k, INPUTS]):
            w = load_filled(weights, THETA, W + i * stride, outputs)
            x = at + i * block + c
            s = s + w * repeat(load(a, of, x, ONE_LINE), outputs)
            t = t + w * repeat(load(a, of, x + lane, ONE_LINE), outputs)
        store_rows(rectified(s) if rectify else s, units, Z, z + c, block)
        store_rows(rectified(t) if rectify else t, units, Z, z + c + lane, block)


@kernel
def add_bias_gradient(k: int, block: int, layers: Array, units: Array, gradient: Array) -> None:
    """Σ δ of a layer."""
    width = layers[k, OUTPUTS]
    rest = width % FOUR
    for o in range(ZERO, width - rest, FOUR):
        _sum_delta(FOUR_LINES, o, k, block, layers, units, gradient)
    for o in range(width - rest, width):
        _sum_delta(ONE_LINE, o, k, block, layers, units, gradient)


@part
def _sum_delta(
    outputs: tuple[None, ...],
    o: int,
    k: int,
    block: int,
    layers: Array,
    units: Array,
    gradient: Array,
) -> None:
    d, of = (layers[k, START] + o) * block, row_of_delta(k, layers)
    sums = load_rows(units, of, d, block, outputs)
    for c in range(lanes(units), block, lanes(units)):
        sums = sums + load_rows(units, of, d + c, block, outputs)
    add_totals(sums, gradient, ZERO, layers[k, BIASES] + o)


@kernel
def add_gradient_of_inputs(
    k: int, x: Array, block: int, layers: Array, units: Array, gradient: Array
) -> None:
    """Σ δ and Σ xᵀ δ of the first layer, whose inputs need no δ of their own."""
    width = layers[k, OUTPUTS]
    rest = width % FOUR
    for o in range(ZERO, width - rest, FOUR):
        _sum_products(FOUR_LINES, o, k, x, block, layers, units, gradient)
    for o in range(width - rest, width):
        _sum_products(ONE_LINE, o, k, x, block, layers, units, gradient)


@part
def _sum_products(
    outputs: tuple[None, ...],
    o: int,
    k: int,
    x: Array,
    block: int,
    layers: Array,
    units: Array,
    gradient: Array,
) -> None:
    """A few of Σ δ and columns of Σ xᵀ δ, two inputs a pass; the first pass takes Σ δ along."""
    lane, d, of = lanes(units), (layers[k, START] + o) * block, row_of_delta(k, layers)
    W, stride, depth = layers[k, WEIGHTS] + o, layers[k, STRIDE], layers[k, INPUTS]
    # An input alone is taken twice, and its sums are added to the gradient once.
    second = ONE if depth > ONE else ZERO
    sums = fill(units.dtype.type(0), load_rows(units, of, d, block, outputs))
    others = biases = sums
    for c in range(ZERO, block, lane):
        delta = load_rows(units, of, d + c, block, outputs)
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
            at, delta = i * block + c, load_rows(units, of, d + c, block, outputs)
            sums = sums + delta * repeat(load(x, ZERO, at, ONE_LINE), outputs)
            at += second * block
            others = others + delta * repeat(load(x, ZERO, at, ONE_LINE), outputs)
        add_totals(sums, gradient, ZERO, W + i * stride)
        if second > ZERO:
            add_totals(others, gradient, ZERO, W + (i + ONE) * stride)


@kernel
def add_gradient(
    k: int, block: int, layers: Array, weights: Array, units: Array, gradient: Array
) -> None:
    """Σ aᵀ δ of a layer behind the first, and δ of the layer before, two of its units a pass.

    Args:
        k: the layer.
        block: cases, whole lines of them.
        layers: see `plan`.
        weights: θ, (1, parameters).
        units: δ of the layer before is written to.
        gradient: added to, (1, parameters).
    """
    depth, width = layers[k, INPUTS], layers[k, OUTPUTS]
    rest = width % FOUR
    for i in range(ZERO, depth, TWO):
        # An odd last unit is taken twice, and its sums are added to the gradient once.
        second = ONE if i + ONE < depth else ZERO
        for o in range(ZERO, width - rest, FOUR):
            _sweep(FOUR_LINES, o, i, second, k, block, layers, weights, units, gradient)
        o = width - rest
        if rest == ONE:
            _sweep(ONE_LINE, o, i, second, k, block, layers, weights, units, gradient)
        elif rest == TWO:
            _sweep(TWO_LINES, o, i, second, k, block, layers, weights, units, gradient)
        elif rest == THREE:
            _sweep(THREE_LINES, o, i, second, k, block, layers, weights, units, gradient)


@part
def _sweep(
    outputs: tuple[None, ...],
    o: int,
    i: int,
    second: int,
    k: int,
    block: int,
    layers: Array,
    weights: Array,
    units: Array,
    gradient: Array,
) -> None:
    """What a few outputs from ``o`` on add to J upstream and to the gradient of two rows of W.

    J is summed up in the first units of the row of δ, which nothing else in a hidden layer uses;
    the last of the outputs turn it into δ, which takes the place of a.
    """
    lane, d, delta_of = lanes(units), (layers[k, START] + o) * block, row_of_delta(k, layers)
    of, next_sum = row_of_outputs(k - ONE, layers), second * block
    at = (layers[k - ONE, START] + i) * block
    next_at = at + second * block
    v = layers[k, WEIGHTS] + i * layers[k, STRIDE] + o
    w = v + second * layers[k, STRIDE]
    first, last = o == ZERO, o + FOUR >= layers[k, OUTPUTS]
    rectify = is_rectified(k - ONE, layers)
    row = load_filled(weights, THETA, v, outputs)
    next_row = load_filled(weights, THETA, w, outputs)
    sums = fill(units.dtype.type(0), row)
    others, nothing = sums, fill(units.dtype.type(0), load(units, of, at, ONE_LINE))
    for c in range(ZERO, block, lane):
        delta = load_rows(units, delta_of, d + c, block, outputs)
        a, b = load(units, of, at + c, ONE_LINE), load(units, of, next_at + c, ONE_LINE)
        sums = sums + delta * repeat(a, outputs)
        others = others + delta * repeat(b, outputs)
        up = nothing if first else load(units, DELTA, c, ONE_LINE)
        next_up = nothing if first else load(units, DELTA, next_sum + c, ONE_LINE)
        up, next_up = add_products(up, row, delta), add_products(next_up, next_row, delta)
        if last:
            next_up = _through(rectify, next_up, b, next_at + c, units)
            store(_through(rectify, up, a, at + c, units), units, of, at + c)
            if second > ZERO:
                store(next_up, units, of, next_at + c)
        else:
            store(up, units, DELTA, c)
            store(next_up, units, DELTA, next_sum + c)
    add_totals(sums, gradient, ZERO, v)
    if second > ZERO:
        add_totals(others, gradient, ZERO, w)


@part
def _through(rectify: bool, upstream: Any, a: Any, at: int, units: Array) -> Any:
    """δ = J φ'(z) of one line of a unit."""
    return where_positive(upstream, a) if rectify else upstream * load(units, SLOPE, at, ONE_LINE)
