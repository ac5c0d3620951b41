"""A convolution and its backward pass in compiled loops, blocks of images shared among threads.

Beside its results it takes room for one image a thread on grids (two in the backward pass), never
for columns of all that is under the filters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.kernels import convolution_kernels as kernels
from chainrule.nn.images.kernels.bounds import require_shape
from chainrule.nn.images.kernels.grids import WEIGHT_TILE, Grids, Shape, Tile, grids_of, up
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share

BLOCKS = 6
"""Into so many a batch is cut: enough for threads to end together, few enough to call."""

WORTH_THREADS = 1_000_000
"""Multiplications from which several threads pay."""

TOGETHER = 2
"""Images on their grids at once in the backward pass: their sums are taken out of registers
once for all of them."""


class Convolution:
    """One convolution on batches of one size, with the room that its passes need.

    Args:
        shape: of the convolution.
        cases: of a batch.
        dtype: of all numbers, float32 or float64.
    """

    def __init__(self, shape: Shape, cases: int, dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.cases = cases
        self.dtype = dtype
        self.grids: Grids = grids_of(shape, dtype)
        self.blocks = blocks_of(cases, BLOCKS)
        sizes = self.grids.sizes
        self._out_size = max(
            up(shape.filters, self.grids.forward_tile.rows) * sizes.forward_length,
            up(shape.channels, self.grids.input_tile.rows) * sizes.input_length,
        )
        self._room: dict[tuple[str, int], Array] = {}

    @property
    def nbytes(self) -> int:
        """Of the room for images on grids and for packed weights."""
        return sum(room.nbytes for room in self._room.values())

    def forward(
        self, x: Array, W: Array, b: Array | None, z: Array, a: Array | None = None
    ) -> None:
        """z = W ∗ x + b and, where wanted, a = max(z, 0).

        Args:
            x: rows of images, C-contiguous like all arrays here.
            W: (filters, channels, rows, columns).
            b: (filters,), or None.
            z: rows of outputs, written.
            a: likewise; None where it is not wanted.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W, b, z, a)
        grids, tile = self.grids, self.grids.forward_tile
        weights = self._packed(W.reshape(len(W), -1), tile, "weights")
        bias = np.zeros(len(W), self.dtype) if b is None else b
        shape = (len(weights) * tile.rows, grids.sizes.forward_length)
        rows, lines = kernels.ROWS[tile.rows], kernels.LINES[tile.lines]
        rectified = z if a is None else a

        def work(worker: int, block: int) -> None:
            kernels.forward(
                x, weights, grids.offsets[None], bias, grids.sizes, rows, lines,
                *self.blocks[block],
                self._images(worker), self._out(worker, shape), z, rectified, a is not None,
            )  # fmt: skip

        share(work, len(self.blocks), self._workers())

    def backward(
        self,
        x: Array,
        J: Array,
        W: Array,
        *,
        z: Array | None = None,
        delta: Array | None = None,
        W_grad: Array | None = None,
        b_grad: Array | None = None,
        upstream: Array | None = None,
    ) -> None:
        """Every gradient that is given room.

        Args:
            x: rows of images.
            J: of the loss with respect to the outputs, rows: δ itself, unless z is given.
            W: the filters.
            z: what was rectified: δ is J where it is above 0.
            delta: then δ, written; may be J.
            W_grad: of the shape of W, written.
            b_grad: (filters,), written.
            upstream: rows of the gradient of x, written.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, W, b_grad, J, z, delta)
        self._require(upstream, W_grad)
        grids, tile = self.grids, self.grids.input_tile
        sizes = grids.sizes
        rows, lines = kernels.ROWS[tile.rows], kernels.LINES[tile.lines]
        nothing = np.empty((1, 1), self.dtype)
        weights = self._turned(W, tile) if upstream is not None else nothing
        tiles = self._tiles()
        found = self._kept("found", 0, (len(self.blocks), *tiles))
        sums = np.zeros((len(self.blocks), sizes.filters))
        found[...] = 0
        width = up(sizes.channels, tile.rows), sizes.input_length

        def work(worker: int, block: int) -> None:
            kernels.backward(
                x, J, J if z is None else z, z is not None, nothing if delta is None else delta,
                sizes, grids.offsets, weights, grids.input_offsets, grids.taps, rows, lines,
                *self.blocks[block], TOGETHER,
                self._images(worker),
                self._kept("deltas", worker, (TOGETHER, grids.delta_size)),
                self._out(worker, width), found[block], sums[block],
                nothing if upstream is None else upstream,
                W_grad is not None, upstream is not None,
            )  # fmt: skip

        share(work, len(self.blocks), self._workers())
        if W_grad is not None:
            W_grad[...] = self._weights_of(found.sum(axis=0)).reshape(W.shape)
        if b_grad is not None:
            b_grad[...] = sums.sum(axis=0)

    def _require(
        self, x: Array | None, W: Array | None, b: Array | None = None, *outputs: Array | None
    ) -> None:
        """Every index that follows from the sizes lies within arrays of these shapes."""
        s, sizes = self.shape, self.grids.sizes
        require_shape("images", x, self.cases, s.channels * s.height * s.width)
        require_shape("filters", W, s.filters, s.channels, s.rows, s.columns)
        require_shape("biases", b, s.filters)
        for array in outputs:
            require_shape("outputs", array, self.cases, s.filters * sizes.down * sizes.across)

    def _workers(self) -> int:
        work = self.cases * self.grids.sizes.under * self.shape.filters
        work *= self.grids.sizes.down * self.grids.sizes.across
        return number_of_threads() if work >= WORTH_THREADS else 1

    def _kept(self, what: str, worker: int, shape: tuple[int, ...]) -> Array:
        """Room that is zeros when it is new, and is given again in later passes."""
        room = self._room.get((what, worker))
        if room is None:
            room = self._room[what, worker] = np.zeros(shape, self.dtype)
        return room

    def _images(self, worker: int) -> Array:
        return self._kept("images", worker, (TOGETHER, self.grids.image_size))

    def _out(self, worker: int, shape: tuple[int, int]) -> Array:
        """Room for a product, of either pass."""
        return self._kept("out", worker, (self._out_size,))[: shape[0] * shape[1]].reshape(shape)

    def _packed(self, matrix: Array, tile: Tile, what: str) -> Array:
        """(rows, taps) as (blocks, taps · rows of a tile), each tap's rows side by side."""
        rows, taps = matrix.shape
        blocks = up(rows, tile.rows) // tile.rows
        packed = self._kept(what, 0, (blocks, taps, tile.rows))
        whole = rows // tile.rows
        full = matrix[: whole * tile.rows].reshape(whole, tile.rows, taps)
        packed[:whole] = full.transpose(0, 2, 1)
        if whole < blocks:
            packed[whole, :, : rows - whole * tile.rows] = matrix[whole * tile.rows :].T
        return packed.reshape(blocks, -1)

    def _turned(self, W: Array, tile: Tile) -> Array:
        """The filters as the gradient of each phase of the images needs them."""
        grids, channels = self.grids, self.shape.channels
        blocks = up(channels, tile.rows) // tile.rows
        most = grids.input_offsets.shape[1]
        turned = self._kept("turned", 0, (len(grids.places) * blocks, most * tile.rows))
        for phase, places in enumerate(grids.places):
            if places:
                p, q = np.array(places).T
                matrix = W[:, :, p, q].transpose(1, 0, 2).reshape(channels, -1)
                part = self._packed(matrix, tile, f"turned {phase}")
                turned[phase * blocks : (phase + 1) * blocks, : part.shape[1]] = part
        return turned

    def _tiles(self) -> tuple[int, int]:
        """How many tiles the gradient of the weights has, and the numbers of one."""
        filters = up(self.shape.filters, WEIGHT_TILE.rows) // WEIGHT_TILE.rows
        under = up(self.grids.sizes.under, WEIGHT_TILE.lines) // WEIGHT_TILE.lines
        return filters * under, WEIGHT_TILE.rows * WEIGHT_TILE.lines

    def _weights_of(self, tiles: Array) -> Array:
        """Tiles as (filters, under)."""
        filters = up(self.shape.filters, WEIGHT_TILE.rows) // WEIGHT_TILE.rows
        parts = tiles.reshape(filters, -1, WEIGHT_TILE.rows, WEIGHT_TILE.lines)
        table = parts.transpose(0, 2, 1, 3).reshape(filters * WEIGHT_TILE.rows, -1)
        return table[: self.shape.filters, : self.grids.sizes.under]
