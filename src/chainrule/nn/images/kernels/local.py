"""Filters that each place has for itself, in compiled loops; places or images among threads.

Every place needs a small product. In the forward pass and in the gradient of the images a line
holds the values of several cases; in the gradient of the weights it holds the values under a
filter. A tile of sums stays in registers: eight rows, or one where fewer are left.

In z and δ the places of a case are adjacent, so that they are read and written for a group of
places at once: otherwise images of 2ⁿ values would evict each other from the cache.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.grids import require_shape, require_windows, up
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share
from chainrule.nn.kernels.vectors import (
    EIGHT_LINES,
    LINE,
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
    """The sizes of a layer with padded images; kernels take them as a plain tuple."""

    width: int
    step_down: int
    step_across: int
    across: int
    places: int
    filters: int
    under: int


@part
def _start(place: int, s: LocalSizes) -> int:
    """The index in an image at which the window of a place begins."""
    i, j = divmod(place, s.across)
    return i * s.step_down * s.width + j * s.step_across


@part
def _in_eights(function: Any, count: int, arguments: Any) -> None:
    """Call a function for ``count`` rows of a tile: eight at a time, and the rest one by one."""
    whole = count - count % 8
    for row in range(0, whole, 8):
        function(EIGHT_LINES, row, arguments)
    for row in range(whole, count):
        function(ONE_LINE, row, arguments)


@part
def _outputs(rows: Any, f: int, arguments: Any) -> None:
    """Compute z of some filters of a place, without biases, for all cases."""
    turned, W, offsets, place, s, found, row = arguments
    start = _start(place, s)
    for at in range(0, turned.shape[1], 2 * lanes(turned)):
        sums = zeros(turned, rows, TWO_LINES)
        for k in range(s.under):
            numbers = load(turned, start + offsets[k], at, TWO_LINES)
            factors = load_filled_apart(W, place * s.filters + f, k, s.under, rows)
            sums = add_outer_products(sums, factors, numbers)
        store_block(sums, found, row + f, at, TWO_LINES)


@entry
def apply_filters(
    turned: Array,
    W: Array,
    offsets: Array,
    b: Array,
    s: Any,
    first: int,
    last: int,
    found: Array,
    z: Array,
) -> None:
    """Compute z of the places ``first`` to ``last`` − 1.

    Args:
        turned: padded images, one column per case, padded to whole pairs of lines.
        W: one row per filter, (places · filters, under).
        offsets: indices of the values under a filter, relative to the start of its window.
        b: (places, filters).
        s: `LocalSizes`.
        first: the first place.
        last: the last place plus 1.
        found: scratch space for a group of places, (group · filters, columns of turned + a line).
        z: receives the outputs, one row per case.
    """
    wide_vectors()
    s = LocalSizes(*s)
    group = len(found) // s.filters
    for start in range(first, last, group):
        count = min(group, last - start)
        for g in range(count):
            arguments = (turned, W, offsets, start + g, s, found, g * s.filters)
            _in_eights(_outputs, s.filters, arguments)
        for f in range(s.filters):
            for n in range(len(z)):
                for g in range(count):
                    value = found[g * s.filters + f, n] + b[start + g, f]
                    z[n, f * s.places + start + g] = value


@part
def _weights(rows: Any, f: int, arguments: Any) -> None:
    """Compute the gradients of some filters of a place, whose δ begin in a row of ``delta``."""
    under, delta, row, place, s, block, W_grad = arguments
    for at in range(0, under.shape[1], 2 * lanes(under)):
        sums = zeros(under, rows, TWO_LINES)
        for n in range(len(under)):
            numbers = load(under, n, at, TWO_LINES)
            factors = load_filled(delta, row + n, f, rows)
            sums = add_outer_products(sums, factors, numbers)
        store_block(sums, block, 0, 0, TWO_LINES)
        for r in range(len(rows)):
            for k in range(at, min(at + 2 * lanes(under), s.under)):
                W_grad[place * s.filters + f + r, k] = block[r, k - at]


@entry
def weight_gradients(
    x: Array,
    delta: Array,
    offsets: Array,
    s: Any,
    first: int,
    last: int,
    under: Array,
    some: Array,
    block: Array,
    W_grad: Array,
    b_grad: Array,
) -> None:
    """Compute the gradients of W and b of the places ``first`` to ``last`` − 1.

    Args:
        x: padded images as rows.
        delta: δ, one row per case.
        offsets: see `apply_filters`.
        s: `LocalSizes`.
        first: the first place.
        last: the last place plus 1.
        under: scratch space, (cases, values under a filter in whole pairs of lines).
        some: scratch space for δ of a group of places, (group · cases, filters).
        block: scratch space for a tile, (8, values of two lines).
        W_grad: receives the gradient of W, one row per filter.
        b_grad: receives the gradient of b, (places, filters).
    """
    wide_vectors()
    s = LocalSizes(*s)
    cases = len(x)
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
            _in_eights(_weights, s.filters, (under, some, row, place, s, block, W_grad))
            for f in range(s.filters):
                total = delta.dtype.type(0)
                for n in range(cases):
                    total += some[row + n, f]
                b_grad[place, f] = total


@part
def _back(rows: Any, k: int, arguments: Any) -> None:
    """Add Σ_f δ_f W_f to the gradients of some values under a place, for one line of cases."""
    some, row, W, offsets, place, s, block, turned = arguments
    start, sums = _start(place, s), zeros(some, rows, ONE_LINE)
    for f in range(s.filters):
        numbers = load(some, row + f, 0, ONE_LINE)
        factors = load_filled(W, place * s.filters + f, k, rows)
        sums = add_outer_products(sums, factors, numbers)
    store_block(sums, block, 0, 0, ONE_LINE)
    for r in range(len(rows)):
        h = start + offsets[k + r]
        store(load(turned, h, 0, ONE_LINE) + load(block, r, 0, ONE_LINE), turned, h, 0)


@entry
def image_gradients(
    delta: Array,
    W: Array,
    offsets: Array,
    s: Any,
    first: int,
    some: Array,
    block: Array,
    turned: Array,
    input_gradient: Array,
) -> None:
    """Compute the gradient of one line of padded images, from ``first`` on.

    Args:
        delta: δ, one row per case.
        W: one row per filter.
        offsets: see `apply_filters`.
        s: `LocalSizes`.
        first: the index of the first image.
        some: scratch space for δ of a group of places, (group · filters, values of a line).
        block: scratch space for a tile, (8, values of a line).
        turned: scratch space for images, one column per case, (values of an image, of a line).
        input_gradient: receives the gradient as rows of padded images.
    """
    wide_vectors()
    s = LocalSizes(*s)
    count = min(lanes(delta), len(delta) - first)
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
            arguments = (some, g * s.filters, W, offsets, begin + g, s, block, turned)
            _in_eights(_back, s.under, arguments)
    for n in range(count):
        for h in range(len(turned)):
            input_gradient[first + n, h] = turned[h, n]


# The class that Python calls.

BLOCKS = 8

GROUP = 16
"""Places that are read and written at once: a cache line in float32."""

WORTH_THREADS = 1_000_000
"""Several threads are used from this many multiplications on."""


class Local:
    """Filters that each place has for itself, on padded images of one shape.

    Args:
        windows: the positions of the filters.
        filters: the number of filters at each place.

    Raises:
        ShapeError: a window is larger than the padded image.
    """

    def __init__(self, windows: Windows, filters: int) -> None:
        require_windows(windows)
        w, (channels, height, width) = windows, windows.padded_image
        c, p, q = np.ogrid[:channels, : w.rows, : w.columns]
        self.offsets = ((c * height + p) * width + q).ravel().astype(np.int64)
        self._image = channels * height * width
        self._filters = (w.down, w.across, filters, channels, w.rows, w.columns)
        self.sizes = LocalSizes(width, *w.stride, w.across, w.places, filters, w.under)

    def forward(self, x: Array, W: Array, b: Array | None, z: Array) -> None:
        """Compute z = W ∗ x + b, with W and b of each place.

        Args:
            x: padded images as rows.
            W: (down, across, filters, channels, rows, columns).
            b: (down, across, filters), or None.
            z: receives the outputs, one row per case.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W, b, z)
        pair = 2 * LINE // x.itemsize
        turned = np.zeros((x.shape[1], up(len(x), pair)), x.dtype)
        turned[:, : len(x)] = x.T
        matrix, biases = self._matrix(W), self._biases(b, x)
        rows = GROUP * self.sizes.filters
        room = np.empty((self._workers(len(x)), rows, turned.shape[1] + pair // 2), x.dtype)

        def work(worker: int, block: int) -> None:
            here = blocks[block]
            apply_filters(
                turned, matrix, self.offsets, biases, tuple(self.sizes), *here, room[worker], z
            )

        blocks = blocks_of(self.sizes.places, BLOCKS)
        share(work, len(blocks), len(room))

    def weights(self, x: Array, delta: Array, W_grad: Array, b_grad: Array | None) -> None:
        """Write the gradients of W and, where given, b, of their shapes.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W_grad, b_grad, delta)
        pair = 2 * LINE // x.itemsize
        matrix, biases = self._matrix(W_grad), self._biases(b_grad, x)
        workers = self._workers(len(x))
        under = np.zeros((workers, len(x), up(self.sizes.under, pair)), x.dtype)
        some = np.empty((workers, GROUP * len(x), self.sizes.filters), x.dtype)
        room = np.empty((workers, 8, pair), x.dtype)

        def work(worker: int, block: int) -> None:
            first, last = blocks[block]
            weight_gradients(
                x, delta, self.offsets, tuple(self.sizes), first, last,
                under[worker], some[worker], room[worker], matrix, biases,
            )  # fmt: skip

        blocks = blocks_of(self.sizes.places, BLOCKS)
        share(work, len(blocks), workers)

    def images(self, delta: Array, W: Array, input_gradient: Array) -> None:
        """Write the gradient of the padded images, rows.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(input_gradient, W, None, delta)
        line = LINE // delta.itemsize
        matrix, workers = self._matrix(W), self._workers(len(delta))
        some = np.zeros((workers, GROUP * self.sizes.filters, line), delta.dtype)
        room = np.empty((workers, 8, line), delta.dtype)
        turned = np.empty((workers, input_gradient.shape[1], line), delta.dtype)

        def work(worker: int, block: int) -> None:
            image_gradients(
                delta, matrix, self.offsets, tuple(self.sizes), block * line,
                some[worker], room[worker], turned[worker], input_gradient,
            )  # fmt: skip

        share(work, up(len(delta), line) // line, workers)

    def _require(self, images: Array, W: Array, b: Array | None, outputs: Array) -> None:
        """Check the shapes, with which every index computed from the sizes is within bounds."""
        cases, s = len(images), self.sizes
        require_shape("images", images, cases, self._image)
        require_shape("filters", W, *self._filters)
        require_shape("biases", b, *self._filters[:3])
        require_shape("outputs", outputs, cases, s.filters * s.places)

    def _matrix(self, W: Array) -> Array:
        """A view of W with one row per filter."""
        return W.reshape(-1, self.sizes.under)

    def _biases(self, b: Array | None, like: Array) -> Array:
        shape = (self.sizes.places, self.sizes.filters)
        return np.zeros(shape, like.dtype) if b is None else b.reshape(shape)

    def _workers(self, cases: int) -> int:
        work = cases * self.sizes.places * self.sizes.filters * self.sizes.under
        return number_of_threads() if work >= WORTH_THREADS else 1
