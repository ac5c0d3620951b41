"""Pooling and its backward pass in compiled loops, blocks of images shared among threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.images.kernels import pooling_kernels as kernels
from chainrule.nn.images.kernels.bounds import require_shape, require_windows
from chainrule.nn.images.kernels.pooling_kernels import PoolSizes
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share
from chainrule.nn.kernels.vectors import THREE_LINES, TWO_LINES

WORTH_THREADS = 200_000
"""Numbers under all windows from which several threads pay."""

USUAL = {2: TWO_LINES, 3: THREE_LINES}
"""Sizes of windows that kernels know when they are compiled: lengths of tuples."""


class Pooling:
    """Windows of one size on images of one shape.

    Args:
        sizes: of both.

    Raises:
        ShapeError: the last windows begin beyond the image.
    """

    def __init__(self, sizes: PoolSizes) -> None:
        s = self.sizes = sizes
        require_windows(s.height, s.rows, s.step_down, s.down, s.top, s.rows - 1, by="rows")
        require_windows(
            s.width, s.columns, s.step_across, s.across, s.left, s.columns - 1, by="columns"
        )
        self._image = s.channels * s.height * s.width
        self._outputs = s.channels * s.down * s.across
        square = sizes.rows == sizes.columns
        self._size = USUAL.get(sizes.rows, ()) if square else ()
        k = np.arange(sizes.rows * sizes.columns)
        self._offsets = k // sizes.columns * sizes.width + k % sizes.columns

    def largest(self, x: Array, y: Array, winners: Array) -> None:
        """Write the largest number of each window, and its place within the window.

        Args:
            x: rows of images, C-contiguous like all arrays here.
            y: rows of outputs.
            winners: likewise, whole numbers of 32 bits.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, y, winners)
        self._share(
            len(x), lambda a, b: kernels.largest(x, self.sizes, self._size, a, b, y, winners)
        )

    def put_back(self, J: Array, winners: Array, upstream: Array) -> None:
        """Write the gradient of the images, given that of the largest numbers.

        Raises:
            ShapeError: the arrays are not of these shapes, or a winner is not in its image.
        """
        self._require(upstream, J, winners)
        outside: list[int] = []

        def work(a: int, b: int) -> None:
            s, offsets = self.sizes, self._offsets
            outside.append(kernels.put_back(J, winners, offsets, s, a, b, upstream))

        self._share(len(J), work)
        if any(outside):
            raise ShapeError(f"{sum(outside)} of the largest numbers lie outside their windows")

    def mean(self, x: Array, y: Array) -> None:
        """Write the mean of each window.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, y)
        self._share(len(x), lambda a, b: kernels.mean(x, self.sizes, a, b, y))

    def spread(self, J: Array, upstream: Array) -> None:
        """Write the gradient of the images, given that of the means.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(upstream, J)
        self._share(len(J), lambda a, b: kernels.spread(J, self.sizes, a, b, upstream))

    def _require(self, images: Array, outputs: Array, winners: Array | None = None) -> None:
        """Every index that follows from the sizes lies within arrays of these shapes."""
        require_shape("images", images, len(images), self._image)
        require_shape("outputs", outputs, len(images), self._outputs)
        require_shape("winners", winners, len(images), self._outputs)

    def _share(self, cases: int, work: Callable[[int, int], None]) -> None:
        s = self.sizes
        numbers = cases * s.channels * s.down * s.across * s.rows * s.columns
        workers = number_of_threads() if numbers >= WORTH_THREADS else 1
        blocks = blocks_of(cases, 2 * workers)
        share(lambda _, block: work(*blocks[block]), len(blocks), workers)
