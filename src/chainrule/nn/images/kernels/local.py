"""Filters of each place's own in compiled loops, places or images shared among threads."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.kernels import local_kernels as kernels
from chainrule.nn.images.kernels.bounds import require_shape, require_windows
from chainrule.nn.images.kernels.grids import up
from chainrule.nn.images.kernels.local_kernels import LocalSizes
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share
from chainrule.nn.kernels.vectors import LINE

BLOCKS = 8

GROUP = 16
"""Places that are read and written at once: a line of the cache in float32."""

WORTH_THREADS = 1_000_000
"""Multiplications from which several threads pay."""


class Local:
    """Filters of each place's own on padded images of one shape.

    Args:
        image: (channels, height, width), padding included.
        size: rows and columns of a filter.
        stride: from one place to the next.
        places: down and across.
        filters: at each place.

    Raises:
        ShapeError: a filter reaches beyond the image.
    """

    def __init__(
        self,
        image: tuple[int, int, int],
        size: tuple[int, int],
        stride: tuple[int, int],
        places: tuple[int, int],
        filters: int,
    ) -> None:
        channels, height, width = image
        c, p, q = np.ogrid[:channels, : size[0], : size[1]]
        self.offsets = ((c * height + p) * width + q).ravel().astype(np.int64)
        count = places[0] * places[1]
        require_windows(height, size[0], stride[0], places[0], 0, 0, by="rows")
        require_windows(width, size[1], stride[1], places[1], 0, 0, by="columns")
        self._image = channels * height * width
        self._filters = (*places, filters, channels, *size)
        self.sizes = LocalSizes(
            width, *stride, places[1], count, filters, channels * size[0] * size[1]
        )

    def forward(self, x: Array, W: Array, b: Array | None, z: Array) -> None:
        """Write z.

        Args:
            x: padded images as rows.
            W: (down, across, filters, channels, rows, columns).
            b: (down, across, filters), or None.
            z: rows of outputs.

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
            kernels.forward(
                turned, matrix, self.offsets, biases, self.sizes, *here, room[worker], z
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
            kernels.weights(
                x, delta, self.offsets, self.sizes, first, last,
                under[worker], some[worker], room[worker], matrix, biases,
            )  # fmt: skip

        blocks = blocks_of(self.sizes.places, BLOCKS)
        share(work, len(blocks), workers)

    def images(self, delta: Array, W: Array, upstream: Array) -> None:
        """Write the gradient of the padded images, rows.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(upstream, W, None, delta)
        line = LINE // delta.itemsize
        matrix, workers = self._matrix(W), self._workers(len(delta))
        some = np.zeros((workers, GROUP * self.sizes.filters, line), delta.dtype)
        room = np.empty((workers, 8, line), delta.dtype)
        turned = np.empty((workers, upstream.shape[1], line), delta.dtype)

        def work(worker: int, block: int) -> None:
            kernels.images(
                delta, matrix, self.offsets, self.sizes, block * line,
                some[worker], room[worker], turned[worker], upstream,
            )  # fmt: skip

        share(work, up(len(delta), line) // line, workers)

    def _require(self, images: Array, W: Array, b: Array | None, outputs: Array) -> None:
        """Every index that follows from the sizes lies within arrays of these shapes."""
        cases, s = len(images), self.sizes
        require_shape("images", images, cases, self._image)
        require_shape("filters", W, *self._filters)
        require_shape("biases", b, *self._filters[:3])
        require_shape("outputs", outputs, cases, s.filters * s.places)

    def _matrix(self, W: Array) -> Array:
        """A view: a row a filter."""
        return W.reshape(-1, self.sizes.under)

    def _biases(self, b: Array | None, like: Array) -> Array:
        shape = (self.sizes.places, self.sizes.filters)
        return np.zeros(shape, like.dtype) if b is None else b.reshape(shape)

    def _workers(self, cases: int) -> int:
        work = cases * self.sizes.places * self.sizes.filters * self.sizes.under
        return number_of_threads() if work >= WORTH_THREADS else 1
