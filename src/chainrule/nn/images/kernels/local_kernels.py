"""The compiled loops of filters that each place has for itself: a small product a place.

In the convolution and in the gradient of the images the numbers of several cases lie side by side
in a line; in the gradient of the weights those under a filter do. A tile of sums stays in
registers: eight rows, or one where fewer are left.

Outputs and their δ of one case lie side by side place by place, and so are read and written for a
group of places at once: images of 2ⁿ numbers would otherwise drive each other out of the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.kernels.vectors import (
    EIGHT_LINES,
    ONE_LINE,
    TWO_LINES,
    add_outer_products,
    lanes,
    load,
    load_filled,
    load_filled_apart,
    store,
    store_block,
    zeros,
)


class LocalSizes(NamedTuple):
    """The whole numbers that kernels are given; images are padded."""

    width: int
    step_down: int
    step_across: int
    across: int
    places: int
    filters: int
    under: int


@part
def _start(place: int, s: LocalSizes) -> int:
    """Where the window of a place begins in an image."""
    i, j = divmod(place, s.across)
    return i * s.step_down * s.width + j * s.step_across


@part
def _outputs(
    turned: Array,
    W: Array,
    offsets: Array,
    place: int,
    f: int,
    s: LocalSizes,
    rows: Any,
    found: Array,
    row: int,
) -> None:
    """z of some filters of a place, without biases, for all cases."""
    start = _start(place, s)
    for at in range(0, turned.shape[1], 2 * lanes(turned)):
        sums = zeros(turned, rows, TWO_LINES)
        for k in range(s.under):
            stretch = load(turned, start + offsets[k], at, TWO_LINES)
            factors = load_filled_apart(W, place * s.filters + f, k, s.under, rows)
            sums = add_outer_products(sums, factors, stretch)
        store_block(sums, found, row + f, at, TWO_LINES)


@entry
def forward(
    turned: Array,
    W: Array,
    offsets: Array,
    b: Array,
    s: LocalSizes,
    first: int,
    last: int,
    found: Array,
    z: Array,
) -> None:
    """z of the places ``first`` to ``last``.

    Args:
        turned: padded images, a column a case, in whole pairs of lines.
        W: a row a filter, (places · filters, under).
        offsets: of what is under a filter, from its window's beginning.
        b: (places, filters).
        s: `LocalSizes`.
        first: place.
        last: place, no longer done.
        found: room for a group of places, (group · filters, the cases and a line more).
        z: rows of outputs, written.
    """
    wide_vectors()
    whole, group = s.filters - s.filters % 8, len(found) // s.filters
    for start in range(first, last, group):
        count = min(group, last - start)
        for g in range(count):
            for f in range(0, whole, 8):
                _outputs(turned, W, offsets, start + g, f, s, EIGHT_LINES, found, g * s.filters)
            for f in range(whole, s.filters):
                _outputs(turned, W, offsets, start + g, f, s, ONE_LINE, found, g * s.filters)
        for f in range(s.filters):
            for n in range(len(z)):
                for g in range(count):
                    value = found[g * s.filters + f, n] + b[start + g, f]
                    z[n, f * s.places + start + g] = value


@part
def _weights(
    under: Array,
    delta: Array,
    row: int,
    place: int,
    f: int,
    s: LocalSizes,
    rows: Any,
    block: Array,
    W_grad: Array,
) -> None:
    """The gradients of some filters of a place, whose δ begin in a row of ``delta``."""
    for at in range(0, under.shape[1], 2 * lanes(under)):
        sums = zeros(under, rows, TWO_LINES)
        for n in range(len(under)):
            stretch = load(under, n, at, TWO_LINES)
            factors = load_filled(delta, row + n, f, rows)
            sums = add_outer_products(sums, factors, stretch)
        store_block(sums, block, 0, 0, TWO_LINES)
        for r in range(len(rows)):
            for k in range(at, min(at + 2 * lanes(under), s.under)):
                W_grad[place * s.filters + f + r, k] = block[r, k - at]


@entry
def weights(
    x: Array,
    delta: Array,
    offsets: Array,
    s: LocalSizes,
    first: int,
    last: int,
    under: Array,
    some: Array,
    block: Array,
    W_grad: Array,
    b_grad: Array,
) -> None:
    """The gradients of W and b of the places ``first`` to ``last``.

    Args:
        x: padded images as rows.
        delta: rows of δ.
        offsets: see `forward`.
        s: `LocalSizes`.
        first: place.
        last: place, no longer done.
        under: room, (cases, numbers under a filter in whole pairs of lines).
        some: room for the δ of a group of places, (group · cases, filters).
        block: room for a tile, (8, numbers of two lines).
        W_grad: a row a filter, written.
        b_grad: (places, filters), written.
    """
    wide_vectors()
    whole, cases = s.filters - s.filters % 8, len(x)
    group = len(some) // cases
    for begin in range(first, last, group):
        count = min(group, last - begin)
        for f in range(s.filters):
            for n in range(cases):
                for g in range(count):
                    some[g * cases + n, f] = delta[n, f * s.places + begin + g]
        for g in range(count):
            place = begin + g
            start, row = _start(place, s), g * cases
            for n in range(cases):
                for k in range(s.under):
                    under[n, k] = x[n, start + offsets[k]]
            for f in range(0, whole, 8):
                _weights(under, some, row, place, f, s, EIGHT_LINES, block, W_grad)
            for f in range(whole, s.filters):
                _weights(under, some, row, place, f, s, ONE_LINE, block, W_grad)
            for f in range(s.filters):
                total = delta.dtype.type(0)
                for n in range(cases):
                    total += some[row + n, f]
                b_grad[place, f] = total


@part
def _back(
    some: Array,
    row: int,
    W: Array,
    offsets: Array,
    place: int,
    k: int,
    s: LocalSizes,
    rows: Any,
    block: Array,
    turned: Array,
) -> None:
    """Add what some numbers under a place get, for the cases of a line."""
    start, sums = _start(place, s), zeros(some, rows, ONE_LINE)
    for f in range(s.filters):
        stretch = load(some, row + f, 0, ONE_LINE)
        factors = load_filled(W, place * s.filters + f, k, rows)
        sums = add_outer_products(sums, factors, stretch)
    store_block(sums, block, 0, 0, ONE_LINE)
    for r in range(len(rows)):
        h = start + offsets[k + r]
        store(load(turned, h, 0, ONE_LINE) + load(block, r, 0, ONE_LINE), turned, h, 0)


@entry
def images(
    delta: Array,
    W: Array,
    offsets: Array,
    s: LocalSizes,
    first: int,
    some: Array,
    block: Array,
    turned: Array,
    upstream: Array,
) -> None:
    """The gradient of as many padded images as a line has numbers, from ``first`` on.

    Args:
        delta: rows of δ.
        W: a row a filter.
        offsets: see `forward`.
        s: `LocalSizes`.
        first: image.
        some: room for the δ of a group of places, (group · filters, numbers of a line).
        block: room for a tile, (8, numbers of a line).
        turned: room for the images, a column a case, (numbers of an image, numbers of a line).
        upstream: padded images as rows, written.
    """
    wide_vectors()
    count = min(lanes(delta), len(delta) - first)
    whole = s.under - s.under % 8
    for h in range(len(turned)):
        for n in range(lanes(delta)):
            turned[h, n] = 0
    group = len(some) // s.filters
    for begin in range(0, s.places, group):
        for f in range(s.filters):
            for n in range(count):
                for g in range(min(group, s.places - begin)):
                    some[g * s.filters + f, n] = delta[first + n, f * s.places + begin + g]
        for g in range(min(group, s.places - begin)):
            row = g * s.filters
            for k in range(0, whole, 8):
                _back(some, row, W, offsets, begin + g, k, s, EIGHT_LINES, block, turned)
            for k in range(whole, s.under):
                _back(some, row, W, offsets, begin + g, k, s, ONE_LINE, block, turned)
    for n in range(count):
        for h in range(len(turned)):
            upstream[first + n, h] = turned[h, n]
