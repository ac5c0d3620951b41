"""The compiled loops of a convolution: images to grids, products with sums in registers, and back.

In a product a tile of sums stays in registers: some rows times some lines of positions. In the
convolution and in the gradient of the image each step adds one shifted stretch of the grid times
one weight of each row; in the gradient of the weights each step multiplies stretches of δ with
shifted stretches of the image, and the lines are summed up at the end.
"""

from __future__ import annotations

from typing import Any

from chainrule.core.arrays import Array
from chainrule.nn.images.kernels.grids import Sizes
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.kernels.vectors import (
    EIGHT_LINES,
    FOUR_LINES,
    ONE_LINE,
    SIX_LINES,
    THREE_LINES,
    add_outer_products,
    add_totals,
    fill,
    lanes,
    load,
    load_at,
    load_filled,
    load_rows,
    rectified,
    store,
    store_block,
    zeros,
)


@part
def _multiply(
    weights: Array,
    block: int,
    taps: int,
    source: Array,
    image: int,
    offsets: Array,
    phase: int,
    at: int,
    target: Array,
    row: int,
    rows: Any,
    lines: Any,
) -> None:
    """One tile: target[row:, at:] = weights[block] times the shifted stretches of an image."""
    sums = zeros(source, rows, lines)
    for k in range(taps):
        stretch = load(source, image, offsets[phase, k] + at, lines)
        factors = load_filled(weights, block, k * len(rows), rows)
        sums = add_outer_products(sums, factors, stretch)
    store_block(sums, target, row, at, lines)


@part
def _product(
    weights: Array,
    first: int,
    count: int,
    taps: int,
    source: Array,
    image: int,
    offsets: Array,
    phase: int,
    length: int,
    target: Array,
    rows: Any,
    lines: Any,
) -> None:
    """All tiles of some blocks of rows; positions come first, so that stretches stay near."""
    step = len(lines) * lanes(source)
    for at in range(0, length, step):
        for block in range(count):
            _multiply(
                weights, first + block, taps, source, image, offsets, phase, at, target,
                block * len(rows), rows, lines,
            )  # fmt: skip


@part
def _copy_row(
    source: Array,
    source_row: int,
    source_at: int,
    target: Array,
    target_row: int,
    target_at: int,
    length: int,
) -> None:
    width = lanes(source)
    if length < width:
        for k in range(length):
            target[target_row, target_at + k] = source[source_row, source_at + k]
        return
    for k in range(0, length - width, width):
        store(load(source, source_row, source_at + k, ONE_LINE), target, target_row, target_at + k)
    k = length - width
    store(load(source, source_row, source_at + k, ONE_LINE), target, target_row, target_at + k)


@part
def _image_to_grid(x: Array, n: int, s: Sizes, grid: Array, at: int) -> None:
    """Image n into grid[at]; what lies around it is never written, and stays 0."""
    for c in range(s.channels):
        for h in range(s.height):
            high, low = divmod(h + s.top, s.step_down)
            source = (c * s.height + h) * s.width
            if s.step_across == 1:
                plane = c * s.step_down + low
                target = (plane * s.grid_height + high) * s.grid_width + s.left
                _copy_row(x, n, source, grid, at, target, s.width)
            else:
                for w in range(s.width):
                    right, side = divmod(w + s.left, s.step_across)
                    plane = (c * s.step_down + low) * s.step_across + side
                    target = (plane * s.grid_height + high) * s.grid_width + right
                    grid[at, target] = x[n, source + w]


@part
def _finish(grid: Array, s: Sizes, bias: Array, n: int, z: Array, a: Array, rectify: bool) -> None:
    """The outputs from their grid, with biases; rectified into a where that is asked for."""
    width = lanes(z)
    for f in range(s.filters):
        for i in range(s.down):
            at, start = i * s.grid_width, (f * s.down + i) * s.across
            if s.across < width:
                for j in range(s.across):
                    value = grid[f, at + j] + bias[f]
                    z[n, start + j] = value
                    if rectify:
                        a[n, start + j] = z.dtype.type(0) if value < 0 else value
                continue
            j = 0
            while j < s.across:
                j = min(j, s.across - width)
                value = load(grid, f, at + j, ONE_LINE)
                value = value + fill(bias[f], value)
                store(value, z, n, start + j)
                if rectify:
                    store(rectified(value), a, n, start + j)
                j += width


@entry
def forward(
    x: Array,
    weights: Array,
    offsets: Array,
    bias: Array,
    s: Sizes,
    rows: Any,
    lines: Any,
    first: int,
    last: int,
    grid: Array,
    out: Array,
    z: Array,
    a: Array,
    rectify: bool,
) -> None:
    """The images ``first`` to ``last`` of a convolution.

    Args:
        x: images as rows, (cases, channels · height · width).
        weights: packed, (blocks of rows, under · rows of a tile).
        offsets: of what is under place 0, (1, under).
        bias: (filters,).
        s: `Sizes`.
        rows: as many as a tile has, of which the length counts.
        lines: likewise.
        first: image.
        last: image, no longer done.
        grid: room for one image, (1, numbers); zeros where the image is never written.
        out: room for the outputs on their grid, (rows of all blocks, positions).
        z: rows of outputs, written.
        a: likewise their rectified values.
        rectify: whether those are wanted.
    """
    wide_vectors()
    for n in range(first, last):
        _image_to_grid(x, n, s, grid, 0)
        _product(
            weights,
            0,
            len(weights),
            s.under,
            grid,
            0,
            offsets,
            0,
            s.forward_length,
            out,
            rows,
            lines,
        )
        _finish(out, s, bias, n, z, a, rectify)


@part
def _delta_to_grid(
    J: Array,
    z: Array,
    rectify: bool,
    delta: Array,
    n: int,
    s: Sizes,
    grid: Array,
    at: int,
    sums: Array,
) -> None:
    """δ of image n, J where z > 0 if rectified, into its grid; its sums go to the biases."""
    for f in range(s.filters):
        plane = f * s.delta_plane + s.margin
        total = J.dtype.type(0)
        for i in range(s.down):
            target, start = plane + i * s.grid_width, (f * s.down + i) * s.across
            if rectify:
                for j in range(s.across):
                    value = J[n, start + j]
                    delta[n, start + j] = value if z[n, start + j] > 0 else J.dtype.type(0)
                # A loop of its own: where δ takes the place of J the one above runs another way.
                for j in range(s.across):
                    total += delta[n, start + j]
                _copy_row(delta, n, start, grid, at, target, s.across)
            else:
                for j in range(s.across):
                    total += J[n, start + j]
                _copy_row(J, n, start, grid, at, target, s.across)
        sums[f] += total


@part
def _weight_tile(
    deltas: Array,
    images: Array,
    count: int,
    s: Sizes,
    block: int,
    offsets: Array,
    k: int,
    found: Array,
    at: int,
) -> None:
    """Sums of δ times what was under the filters, a tile of filters and numbers under them."""
    width = lanes(deltas)
    sums = zeros(deltas, FOUR_LINES, SIX_LINES)
    start = block * len(FOUR_LINES) * s.delta_plane + s.margin
    for g in range(count):
        for m in range(0, s.weight_length, width):
            left = load_rows(deltas, g, start + m, s.delta_plane, FOUR_LINES)
            right = load_at(images, g, m, offsets, k, SIX_LINES)
            sums = add_outer_products(sums, left, right)
    add_totals(sums, found, at, 0)


@part
def _grid_to_image(grid: Array, s: Sizes, low: int, side: int, n: int, J: Array) -> None:
    """One phase of the gradient of image n, padding left out."""
    for c in range(s.channels):
        for h in range(s.height):
            high, own = divmod(h + s.top, s.step_down)
            if own != low:
                continue
            at, target = high * s.grid_width, (c * s.height + h) * s.width
            if s.step_across == 1:
                _copy_row(grid, c, at + s.left, J, n, target, s.width)
            else:
                w = (side - s.left) % s.step_across
                while w < s.width:
                    J[n, target + w] = grid[c, at + (w + s.left) // s.step_across]
                    w += s.step_across


@entry
def backward(
    x: Array,
    J: Array,
    z: Array,
    rectify: bool,
    delta: Array,
    s: Sizes,
    offsets: Array,
    weights: Array,
    input_offsets: Array,
    taps: Array,
    rows: Any,
    lines: Any,
    first: int,
    last: int,
    together: int,
    images: Array,
    deltas: Array,
    out: Array,
    found: Array,
    sums: Array,
    upstream: Array,
    to_weights: bool,
    to_input: bool,
) -> None:
    """The backward pass of the images ``first`` to ``last``.

    Args:
        x: images as rows.
        J: of the loss with respect to the outputs, rows.
        z: what was rectified, or anything.
        rectify: whether δ is J where z > 0; otherwise J is δ itself.
        delta: δ, rows, written where rectified; else of no use.
        s: `Sizes`.
        offsets: of what is under place 0, in whole tiles.
        weights: packed for the gradient of the images, (phases · blocks, taps · rows of a tile).
        input_offsets: see `Grids`.
        taps: see `Grids`.
        rows: as many as a tile of the gradient of the images has.
        lines: likewise.
        first: image.
        last: image, no longer done.
        together: how many images are on their grids at once.
        images: room for them, (together, numbers).
        deltas: room for their δ, (together, numbers); zeros where δ is never written.
        out: room for a phase of the gradient of an image.
        found: the gradient of the weights in tiles, (tiles, 24), added to.
        sums: of the biases, (filters,) in float64, added to.
        upstream: the gradient of the images, rows, written.
        to_weights: whether ``found`` and ``sums`` are wanted.
        to_input: whether ``upstream`` is wanted.
    """
    wide_vectors()
    blocks = -(-s.channels // len(rows))
    for group in range(first, last, together):
        count = min(together, last - group)
        for g in range(count):
            _delta_to_grid(J, z, rectify, delta, group + g, s, deltas, g, sums)
            if to_weights:
                _image_to_grid(x, group + g, s, images, g)
        if to_weights:
            at = 0
            for block in range(-(-s.filters // len(FOUR_LINES))):
                for k in range(0, s.under, len(SIX_LINES)):
                    _weight_tile(deltas, images, count, s, block, offsets, k, found, at)
                    at += 1
        if to_input:
            for g in range(count):
                for phase in range(len(taps)):
                    low, side = divmod(phase, s.step_across)
                    _product(
                        weights, phase * blocks, blocks, taps[phase], deltas, g,
                        input_offsets, phase, s.input_length, out, rows, lines,
                    )  # fmt: skip
                    _grid_to_image(out, s, low, side, group + g, upstream)


ROWS: dict[int, Any] = {4: FOUR_LINES, 8: EIGHT_LINES}
LINES: dict[int, Any] = {3: THREE_LINES, 6: SIX_LINES}
