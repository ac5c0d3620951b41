"""A convolution and its backward pass in compiled loops, blocks of images shared among threads.

Images are copied onto grids, see `grids`, and the products are copied from their grids to the
results. In a product a tile of sums stays in registers: some rows times some lines of positions.
In the convolution and in the gradient of the image, each step adds one shifted block of the grid
times one weight of each row; in the gradient of the weights, each step multiplies blocks of δ by
shifted blocks of the image, and each line is summed to one number at the end.

Kernels are given plain tuples and make named tuples of them, because Numba takes longer to
recognise the type of a named tuple.

Beside the results, each thread needs memory for one image on grids (two in the backward pass), but
never for an im2col matrix.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.grids import (
    WEIGHT_TILE,
    Grids,
    Sizes,
    Tile,
    grids_of,
    require_shape,
    up,
)
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share
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


class Packed(NamedTuple):
    """The weights of a product, and the offsets of the values that they multiply.

    Attributes:
        weights: for each phase, blocks of rows, (phases · blocks, taps · rows of a tile).
        offsets: the shift of the block that each tap's weights multiply, (phases, taps).
    """

    weights: Array
    offsets: Array


class Room(NamedTuple):
    """The buffers of a thread in the backward pass.

    Attributes:
        images: images on their grids, (images, values); 0 where no pixel is written.
        deltas: likewise for their δ.
        out: for one phase of the gradient of an image.
    """

    images: Array
    deltas: Array
    out: Array


@part
def _multiply(
    packed: Packed,
    block: int,
    taps: int,
    source: tuple[Array, int],
    phase: int,
    at: int,
    target: Array,
    row: int,
    tile: Any,
) -> None:
    """One tile: target[row:, at:] = weights[block] times the shifted blocks of an image."""
    (weights, offsets), (grid, image), (rows, lines) = packed, source, tile
    sums = zeros(grid, rows, lines)
    for k in range(taps):
        numbers = load(grid, image, offsets[phase, k] + at, lines)
        factors = load_filled(weights, block, k * len(rows), rows)
        sums = add_outer_products(sums, factors, numbers)
    store_block(sums, target, row, at, lines)


@part
def _product(
    packed: Packed,
    first: int,
    count: int,
    taps: int,
    source: tuple[Array, int],
    phase: int,
    length: int,
    target: Array,
    tile: Any,
) -> None:
    """All tiles of ``count`` blocks of rows from ``first`` on.

    Each sums over ``taps`` weights, for ``length`` positions. ``source`` is an array of images on
    grids and the index of one, ``phase`` a row of the offsets, ``tile`` two tuples whose lengths
    are the rows and lines. The outer loop is over positions, whose values then stay in the cache.
    """
    rows, lines = tile
    step = len(lines) * lanes(source[0])
    for at in range(0, length, step):
        for block in range(count):
            row = block * len(rows)
            _multiply(packed, first + block, taps, source, phase, at, target, row, tile)


@part
def _copy_row(source: tuple[Array, int, int], target: tuple[Array, int, int], length: int) -> None:
    """Copy ``length`` values; source and target are each an array, a row and a column."""
    (x, i, at), (y, o, to) = source, target
    width = lanes(x)
    if length < width:
        for k in range(length):
            y[o, to + k] = x[i, at + k]
        return
    for k in range(0, length - width, width):
        store(load(x, i, at + k, ONE_LINE), y, o, to + k)
    k = length - width
    store(load(x, i, at + k, ONE_LINE), y, o, to + k)


@part
def _image_to_grid(x: Array, n: int, s: Sizes, grid: Array, at: int) -> None:
    """Copy image n into grid[at]; the padding around it is never written, and stays 0."""
    for c in range(s.channels):
        for h in range(s.height):
            high, low = divmod(h + s.top, s.step_down)
            source = (c * s.height + h) * s.width
            if s.step_across == 1:
                plane = c * s.step_down + low
                target = (plane * s.grid_height + high) * s.grid_width + s.left
                _copy_row((x, n, source), (grid, at, target), s.width)
            else:
                for w in range(s.width):
                    right, side = divmod(w + s.left, s.step_across)
                    plane = (c * s.step_down + low) * s.step_across + side
                    target = (plane * s.grid_height + high) * s.grid_width + right
                    grid[at, target] = x[n, source + w]


@part
def _finish(grid: Array, s: Sizes, bias: Array, n: int, z: Array, a: Array, rectify: bool) -> None:
    """Copy the outputs from their grid, add biases and, if ``rectify``, write a = relu(z)."""
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
def convolve(
    x: Array,
    packed: Any,
    bias: Array,
    s: Any,
    tile: Any,
    images: tuple[int, int],
    room: tuple[Array, Array],
    z: Array,
    a: Array,
    rectify: bool,
) -> None:
    """Compute the convolution of some of the images.

    Args:
        x: images as rows, (cases, channels · height · width).
        packed: see `Packed`; one phase.
        bias: (filters,).
        s: `Sizes`.
        tile: see `_product`.
        images: the index of the first image, and that of the last plus 1.
        room: buffers for an image on its grid, (1, values), 0 where no pixel is written, and for
            the outputs on their grid, (rows of all blocks, positions).
        z: receives the outputs, one row per image.
        a: likewise receives relu(z) if ``rectify``.
        rectify: whether to write ``a``.
    """
    wide_vectors()
    packed, s = Packed(*packed), Sizes(*s)
    grid, out = room
    for n in range(images[0], images[1]):
        _image_to_grid(x, n, s, grid, 0)
        blocks = len(packed.weights)
        _product(packed, 0, blocks, s.under, (grid, 0), 0, s.forward_length, out, tile)
        _finish(out, s, bias, n, z, a, rectify)


class OutputGradient(NamedTuple):
    """The gradient with respect to the outputs of a convolution.

    Attributes:
        values: ∂L/∂a if ``rectified``, otherwise δ; one row per image.
        z: the inputs of relu; unused unless ``rectified``.
        delta: receives δ, which is ∂L/∂a where z > 0 and else 0; unused unless ``rectified``.
        rectified: whether the layer's activation is relu.
    """

    values: Array
    z: Array
    delta: Array
    rectified: bool


class Gradients(NamedTuple):
    """The arrays that the backward pass writes.

    Attributes:
        found: the gradient of the weights in tiles is added to it, (tiles, 24).
        sums: the gradient of the biases is added to it, (filters,) in float64.
        images: receives the gradient of the images, one row per image.
        of_weights: whether to compute ``found``.
        of_images: whether to compute ``images``.
    """

    found: Array
    sums: Array
    images: Array
    of_weights: bool
    of_images: bool


@part
def _delta_to_grid(
    given: OutputGradient, n: int, s: Sizes, grid: Array, at: int, sums: Array
) -> None:
    """Copy δ of image n onto its grid, and add its sums to the gradient of the biases."""
    values, z, delta, rectify = given
    for f in range(s.filters):
        plane = f * s.delta_plane + s.margin
        total = values.dtype.type(0)
        for i in range(s.down):
            target, start = plane + i * s.grid_width, (f * s.down + i) * s.across
            if rectify:
                for j in range(s.across):
                    value = values[n, start + j]
                    delta[n, start + j] = value if z[n, start + j] > 0 else values.dtype.type(0)
                # A separate loop: where δ overwrites ∂L/∂a, the one above is compiled differently.
                for j in range(s.across):
                    total += delta[n, start + j]
                _copy_row((delta, n, start), (grid, at, target), s.across)
            else:
                for j in range(s.across):
                    total += values[n, start + j]
                _copy_row((values, n, start), (grid, at, target), s.across)
        sums[f] += total


@part
def _weight_tile(
    room: Room, count: int, s: Sizes, block: int, offsets: Array, k: int, found: Array, at: int
) -> None:
    """Add the sums of δ times the values under the filters to one tile of weights' gradients."""
    images, deltas, _ = room
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
def _grid_to_image(grid: Array, s: Sizes, low: int, side: int, n: int, to: Array) -> None:
    """Copy one phase of the gradient of image n from its grid, without padding."""
    for c in range(s.channels):
        for h in range(s.height):
            high, own = divmod(h + s.top, s.step_down)
            if own != low:
                continue
            at, target = high * s.grid_width, (c * s.height + h) * s.width
            if s.step_across == 1:
                _copy_row((grid, c, at + s.left), (to, n, target), s.width)
            else:
                w = (side - s.left) % s.step_across
                while w < s.width:
                    to[n, target + w] = grid[c, at + (w + s.left) // s.step_across]
                    w += s.step_across


@entry
def send_back(
    x: Array,
    given: Any,
    s: Any,
    offsets: Array,
    packed: Any,
    taps: Array,
    tile: Any,
    images: tuple[int, int],
    room: Any,
    gradients: Any,
) -> None:
    """Compute the backward pass of some of the images.

    Args:
        x: images as rows.
        given: see `OutputGradient`.
        s: `Sizes`.
        offsets: see `Grids.offsets`.
        packed: for the gradient of the images, see `Packed`.
        taps: see `Grids`.
        tile: see `_product`.
        images: the index of the first image, and that of the last plus 1.
        room: see `Room`; its length is the number of images that are on their grids at once.
        gradients: see `Gradients`.
    """
    wide_vectors()
    given, s, packed = OutputGradient(*given), Sizes(*s), Packed(*packed)
    room, gradients = Room(*room), Gradients(*gradients)
    blocks, together = -(-s.channels // len(tile[0])), len(room.images)
    for group in range(images[0], images[1], together):
        count = min(together, images[1] - group)
        for g in range(count):
            _delta_to_grid(given, group + g, s, room.deltas, g, gradients.sums)
            if gradients.of_weights:
                _image_to_grid(x, group + g, s, room.images, g)
        if gradients.of_weights:
            at = 0
            for block in range(-(-s.filters // len(FOUR_LINES))):
                for k in range(0, s.under, len(SIX_LINES)):
                    _weight_tile(room, count, s, block, offsets, k, gradients.found, at)
                    at += 1
        if gradients.of_images:
            for g in range(count):
                for phase in range(len(taps)):
                    low, side = divmod(phase, s.step_across)
                    _product(
                        packed, phase * blocks, blocks, taps[phase], (room.deltas, g), phase,
                        s.input_length, room.out, tile,
                    )  # fmt: skip
                    _grid_to_image(room.out, s, low, side, group + g, gradients.images)


ROWS: dict[int, Any] = {4: FOUR_LINES, 8: EIGHT_LINES}
LINES: dict[int, Any] = {3: THREE_LINES, 6: SIX_LINES}


# The class that Python calls.

BLOCKS = 6
"""Parts of a batch: enough for threads to finish together, and few enough to call cheaply."""

WORTH_THREADS = 1_000_000
"""Several threads are used from this many multiplications on."""

TOGETHER = 2
"""Images that are on their grids at once in the backward pass; the sums in registers are written
to memory once for all of them."""


class Convolution:
    """One convolution on batches of one size, with the buffers that its passes need.

    Args:
        windows: the positions of the filters.
        filters: the number of filters.
        cases: the number of cases in a batch.
        dtype: the type of all arrays, float32 or float64.

    Raises:
        ShapeError: a window is larger than the padded image.
    """

    def __init__(self, windows: Windows, filters: int, cases: int, dtype: np.dtype[Any]) -> None:
        self.windows = windows
        self.filters = filters
        self.cases = cases
        self.dtype = dtype
        self.grids: Grids = grids_of(windows, filters, dtype)
        self.blocks = blocks_of(cases, BLOCKS)
        sizes = self.grids.sizes
        self._out_size = max(
            up(filters, self.grids.forward_tile.rows) * sizes.forward_length,
            up(windows.channels, self.grids.input_tile.rows) * sizes.input_length,
        )
        self._room: dict[tuple[str, int], Array] = {}

    @property
    def nbytes(self) -> int:
        """The bytes of the buffers for images on grids and for packed weights."""
        return sum(room.nbytes for room in self._room.values())

    def forward(
        self, x: Array, W: Array, b: Array | None, z: Array, a: Array | None = None
    ) -> None:
        """Compute z = W ∗ x + b and, if ``a`` is given, a = max(z, 0).

        Args:
            x: images as rows, C-contiguous like all arrays here.
            W: (filters, channels, rows, columns).
            b: (filters,), or None.
            z: receives the outputs, one row per image.
            a: likewise receives max(z, 0); None to leave it out.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W, b, z, a)
        grids, tile = self.grids, self.grids.forward_tile
        weights = self._packed(W.reshape(len(W), -1), tile, "weights")
        bias = np.zeros(len(W), self.dtype) if b is None else b
        shape = (len(weights) * tile.rows, grids.sizes.forward_length)
        in_lines = ROWS[tile.rows], LINES[tile.lines]
        rectified = z if a is None else a

        packed, sizes = (weights, grids.offsets[None]), tuple(grids.sizes)

        def work(worker: int, block: int) -> None:
            room = self._images(worker), self._out(worker, shape)
            convolve(
                x, packed, bias, sizes, in_lines, self.blocks[block], room,
                z, rectified, a is not None,
            )  # fmt: skip

        share(work, len(self.blocks), self._workers())

    def backward(
        self,
        x: Array,
        output_gradient: Array,
        W: Array,
        *,
        z: Array | None = None,
        delta: Array | None = None,
        W_grad: Array | None = None,
        b_grad: Array | None = None,
        input_gradient: Array | None = None,
    ) -> None:
        """Compute each gradient for which an array is given.

        Args:
            x: images as rows.
            output_gradient: δ as rows, or ∂L/∂a if z is given.
            W: the filters.
            z: the inputs of relu, if that is φ: δ is ∂L/∂a where z > 0, and else 0.
            delta: receives δ if z is given; may be the array ``output_gradient``.
            W_grad: receives ∂L/∂W, in the shape of W.
            b_grad: receives ∂L/∂b, (filters,).
            input_gradient: receives ∂L/∂x as rows.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W, b_grad, output_gradient, z, delta)
        self._require(input_gradient, W_grad)
        grids, tile = self.grids, self.grids.input_tile
        sizes = grids.sizes
        in_lines = ROWS[tile.rows], LINES[tile.lines]
        nothing = np.empty((1, 1), self.dtype)
        weights = self._turned(W, tile) if input_gradient is not None else nothing
        tiles = self._tiles()
        found = self._buffer("found", 0, (len(self.blocks), *tiles))
        sums = np.zeros((len(self.blocks), sizes.filters))
        found[...] = 0
        width = up(sizes.channels, tile.rows), sizes.input_length

        given = (
            output_gradient,
            output_gradient if z is None else z,
            nothing if delta is None else delta,
            z is not None,
        )
        packed, all_sizes = (weights, grids.input_offsets), tuple(sizes)

        def work(worker: int, block: int) -> None:
            deltas = self._buffer("deltas", worker, (TOGETHER, grids.delta_size))
            room = self._images(worker), deltas, self._out(worker, width)
            gradients = (
                found[block], sums[block], nothing if input_gradient is None else input_gradient,
                W_grad is not None, input_gradient is not None,
            )  # fmt: skip
            send_back(
                x, given, all_sizes, grids.offsets, packed, grids.taps, in_lines,
                self.blocks[block], room, gradients,
            )  # fmt: skip

        share(work, len(self.blocks), self._workers())
        if W_grad is not None:
            W_grad[...] = self._weights_of(found.sum(axis=0)).reshape(W.shape)
        if b_grad is not None:
            b_grad[...] = sums.sum(axis=0)

    def _require(
        self, x: Array | None, W: Array | None, b: Array | None = None, *outputs: Array | None
    ) -> None:
        """Check the shapes, with which every index computed from the sizes is within bounds."""
        w = self.windows
        require_shape("images", x, self.cases, w.channels * w.height * w.width)
        require_shape("filters", W, self.filters, w.channels, w.rows, w.columns)
        require_shape("biases", b, self.filters)
        for array in outputs:
            require_shape("outputs", array, self.cases, self.filters * w.places)

    def _workers(self) -> int:
        work = self.cases * self.windows.under * self.filters * self.windows.places
        return number_of_threads() if work >= WORTH_THREADS else 1

    def _buffer(self, what: str, worker: int, shape: tuple[int, ...]) -> Array:
        """A buffer, created with zeros and then reused in later passes."""
        room = self._room.get((what, worker))
        if room is None:
            room = self._room[what, worker] = np.zeros(shape, self.dtype)
        return room

    def _images(self, worker: int) -> Array:
        return self._buffer("images", worker, (TOGETHER, self.grids.image_size))

    def _out(self, worker: int, shape: tuple[int, int]) -> Array:
        """The buffer for a product, which both passes share."""
        return self._buffer("out", worker, (self._out_size,))[: shape[0] * shape[1]].reshape(shape)

    def _packed(self, matrix: Array, tile: Tile, what: str) -> Array:
        """A matrix (rows, taps) as (blocks, taps · rows of a tile), each tap's rows adjacent."""
        rows, taps = matrix.shape
        blocks = up(rows, tile.rows) // tile.rows
        packed = self._buffer(what, 0, (blocks, taps, tile.rows))
        whole = rows // tile.rows
        full = matrix[: whole * tile.rows].reshape(whole, tile.rows, taps)
        packed[:whole] = full.transpose(0, 2, 1)
        if whole < blocks:
            packed[whole, :, : rows - whole * tile.rows] = matrix[whole * tile.rows :].T
        return packed.reshape(blocks, -1)

    def _turned(self, W: Array, tile: Tile) -> Array:
        """The filters, transposed and packed for each phase of the gradient of the images."""
        grids, channels = self.grids, self.windows.channels
        blocks = up(channels, tile.rows) // tile.rows
        most = grids.input_offsets.shape[1]
        turned = self._buffer("turned", 0, (len(grids.places) * blocks, most * tile.rows))
        for phase, places in enumerate(grids.places):
            if places:
                p, q = np.array(places).T
                matrix = W[:, :, p, q].transpose(1, 0, 2).reshape(channels, -1)
                part = self._packed(matrix, tile, f"turned {phase}")
                turned[phase * blocks : (phase + 1) * blocks, : part.shape[1]] = part
        return turned

    def _tiles(self) -> tuple[int, int]:
        """The number of tiles of the gradient of the weights, and the values of a tile."""
        filters = up(self.filters, WEIGHT_TILE.rows) // WEIGHT_TILE.rows
        under = up(self.windows.under, WEIGHT_TILE.lines) // WEIGHT_TILE.lines
        return filters * under, WEIGHT_TILE.rows * WEIGHT_TILE.lines

    def _weights_of(self, tiles: Array) -> Array:
        """The gradient of the weights, (filters, under), from its tiles."""
        filters = up(self.filters, WEIGHT_TILE.rows) // WEIGHT_TILE.rows
        parts = tiles.reshape(filters, -1, WEIGHT_TILE.rows, WEIGHT_TILE.lines)
        table = parts.transpose(0, 2, 1, 3).reshape(filters * WEIGHT_TILE.rows, -1)
        return table[: self.filters, : self.windows.under]
