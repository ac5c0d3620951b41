"""Pooling and its backward pass in compiled loops, blocks of images shared among threads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from chainrule.loops import pooling_kernels as kernels
from chainrule.loops.pooling_kernels import PoolSizes
from chainrule.loops.threads import blocks_of, number_of_threads, share
from chainrule.loops.vectors import THREE_LINES, TWO_LINES
from chainrule.parameters import Array

WORTH_THREADS = 200_000
"""Numbers under all windows from which several threads pay."""

USUAL = {2: TWO_LINES, 3: THREE_LINES}
"""Sizes of windows that kernels know when they are compiled: lengths of tuples."""


class Pooling:
    """Windows of one size on images of one shape.

    Args:
        sizes: of both.
    """

    def __init__(self, sizes: PoolSizes) -> None:
        self.sizes = sizes
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
        """
        self._share(
            len(x), lambda a, b: kernels.largest(x, self.sizes, self._size, a, b, y, winners)
        )

    def put_back(self, J: Array, winners: Array, upstream: Array) -> None:
        """Write the gradient of the images, given that of the largest numbers."""
        self._share(
            len(J),
            lambda a, b: kernels.put_back(J, winners, self._offsets, self.sizes, a, b, upstream),
        )

    def mean(self, x: Array, y: Array) -> None:
        """Write the mean of each window."""
        self._share(len(x), lambda a, b: kernels.mean(x, self.sizes, a, b, y))

    def spread(self, J: Array, upstream: Array) -> None:
        """Write the gradient of the images, given that of the means."""
        self._share(len(J), lambda a, b: kernels.spread(J, self.sizes, a, b, upstream))

    def _share(self, cases: int, work: Callable[[int, int], None]) -> None:
        s = self.sizes
        numbers = cases * s.channels * s.down * s.across * s.rows * s.columns
        workers = number_of_threads() if numbers >= WORTH_THREADS else 1
        blocks = blocks_of(cases, 2 * workers)
        share(lambda _, block: work(*blocks[block]), len(blocks), workers)
