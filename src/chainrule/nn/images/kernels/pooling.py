"""Pooling and its backward pass in compiled loops, blocks of images shared among threads.

Windows are processed row by row. The usual sizes and strides have loops of their own, which the
compiler can vectorise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.grids import require_shape, require_windows
from chainrule.nn.kernels.jit import entry, part, wide_vectors
from chainrule.nn.kernels.threads import blocks_of, number_of_threads, share
from chainrule.nn.kernels.vectors import THREE_LINES, TWO_LINES


class PoolSizes(NamedTuple):
    """The sizes of a layer, which kernels take as a plain tuple."""

    channels: int
    height: int
    width: int
    rows: int
    columns: int
    top: int
    left: int
    step_down: int
    step_across: int
    down: int
    across: int


@part
def _bounds(offset: int, step: int, count: int, length: int) -> Any:
    """The range of j, (first, last + 1), with 0 ≤ ``offset`` + j · step < length."""
    first = 0 if offset >= 0 else (-offset + step - 1) // step
    last = 0 if offset >= length else (length - 1 - offset) // step + 1
    return first, min(count, last)


@part
def _largest(
    x: Array, n: int, at: int, width: int, p: tuple[int, int], q: tuple[int, int], columns: int
) -> Any:
    """A window's maximum and its position; p and q are its row and column ranges in the image."""
    best, winner = x[n, at + p[0] * width + q[0]], p[0] * columns + q[0]
    for k in range(p[0], p[1]):
        for m in range(q[0], q[1]):
            value = x[n, at + k * width + m]
            if value > best or value != value:
                best, winner = value, k * columns + m
    return best, winner


@part
def _largest_of_row(
    x: Array,
    n: int,
    at: int,
    s: PoolSizes,
    step: int,
    first: int,
    last: int,
    size: Any,
    y: Array,
    winners: Array,
    target: int,
) -> None:
    """The maxima of one row's windows within the image, whose size the compiler knows."""
    for j in range(first, last):
        best, winner = x[n, at + j * step], np.int32(0)
        for p in range(len(size)):
            for q in range(len(size)):
                value = x[n, at + j * step + p * s.width + q]
                wins = (value > best) | (value != value)
                best = value if wins else best
                winner = np.int32(p * len(size) + q) if wins else winner
        y[n, target + j] = best
        winners[n, target + j] = winner


@part
def _in_rows(
    function: Any, outputs: Array, images: Array, n: int, s: PoolSizes, size: float
) -> None:
    """Call a function for each row of windows of image n, and each position within a window.

    The function takes the two arrays, n, the index of the row's first output and that of the value
    under its first window, the first window and the last plus 1, the step from one window to the
    next, and the number of values under a window.
    """
    for c in range(s.channels):
        for i in range(s.down):
            at = (c * s.down + i) * s.across
            for p in range(s.rows):
                h = i * s.step_down + p - s.top
                if h < 0 or h >= s.height:
                    continue
                for q in range(s.columns):
                    a, b = _bounds(q - s.left, s.step_across, s.across, s.width)
                    under = (c * s.height + h) * s.width + q - s.left
                    if s.step_across == 1:
                        function(outputs, images, n, at, under, a, b, 1, size)
                    elif s.step_across == 2:
                        function(outputs, images, n, at, under, a, b, 2, size)
                    else:
                        function(outputs, images, n, at, under, a, b, s.step_across, size)


@part
def _add(
    y: Array, x: Array, n: int, at: int, under: int, a: int, b: int, step: int, size: float
) -> None:
    for j in range(a, b):
        y[n, at + j] += x[n, under + j * step]


@part
def _spread(
    delta: Array,
    input_gradient: Array,
    n: int,
    at: int,
    under: int,
    a: int,
    b: int,
    step: int,
    size: float,
) -> None:
    for j in range(a, b):
        input_gradient[n, under + j * step] += delta[n, at + j] / size


@entry
def find_largest(
    x: Array, s: Any, size: Any, first: int, last: int, y: Array, winners: Array
) -> None:
    """Compute each window's maximum and its position, for the images ``first`` to ``last`` − 1.

    Args:
        x: images as rows.
        s: `PoolSizes`.
        size: for a square window of a usual size, which has a loop of its own, a tuple as long as
            the window is wide; otherwise an empty tuple.
        first: the first image.
        last: the last image plus 1.
        y: receives the outputs, one row per image.
        winners: receives the positions p · columns + q within the windows, one row per image.
    """
    wide_vectors()
    s = PoolSizes(*s)
    inner, end = _bounds(-s.left, s.step_across, s.across, s.width - s.columns + 1)
    for n in range(first, last):
        for c in range(s.channels):
            for i in range(s.down):
                target, h = (c * s.down + i) * s.across, i * s.step_down - s.top
                at = (c * s.height + h) * s.width - s.left
                p = (max(0, -h), min(s.rows, s.height - h))
                a, b = 0, 0
                if len(size) > 0 and p[0] == 0 and p[1] == s.rows:
                    a, b = inner, end
                    if s.step_across == 2:
                        _largest_of_row(x, n, at, s, 2, a, b, size, y, winners, target)
                    else:
                        step = s.step_across
                        _largest_of_row(x, n, at, s, step, a, b, size, y, winners, target)
                for j in range(s.across):
                    if a <= j < b:
                        continue
                    w = j * s.step_across
                    q = (max(0, s.left - w), min(s.columns, s.width + s.left - w))
                    best, winner = _largest(x, n, at + w, s.width, p, q, s.columns)
                    y[n, target + j] = best
                    winners[n, target + j] = winner


@entry
def scatter(
    delta: Array,
    winners: Array,
    offsets: Array,
    s: Any,
    first: int,
    last: int,
    input_gradient: Array,
) -> int:
    """Compute ∂L/∂x: each δ is added at the position of its window's maximum.

    Args:
        delta: δ, one row per image.
        winners: see `find_largest`.
        offsets: p · width + q for each position within a window.
        s: `PoolSizes`.
        first: the first image.
        last: the last image plus 1.
        input_gradient: receives ∂L/∂x as rows.

    Returns:
        The number of winners outside their image, whose δ is left out.
    """
    wide_vectors()
    s = PoolSizes(*s)
    outside = 0
    for n in range(first, last):
        for k in range(input_gradient.shape[1]):
            input_gradient[n, k] = 0
        for c in range(s.channels):
            for i in range(s.down):
                source = (c * s.down + i) * s.across
                target = (c * s.height + i * s.step_down - s.top) * s.width - s.left
                for j in range(s.across):
                    winner = winners[n, source + j]
                    known = (winner >= 0) & (winner < len(offsets))
                    place = target + j * s.step_across + offsets[winner if known else 0]
                    if known & (place >= 0) & (place < input_gradient.shape[1]):
                        input_gradient[n, place] += delta[n, source + j]
                    else:
                        outside += 1
    return outside


@entry
def take_means(x: Array, s: Any, first: int, last: int, y: Array) -> None:
    """Compute the means, with padding as zeros; for the arguments see `find_largest`."""
    wide_vectors()
    s = PoolSizes(*s)
    size = x.dtype.type(s.rows * s.columns)
    for n in range(first, last):
        for k in range(y.shape[1]):
            y[n, k] = 0
        _in_rows(_add, y, x, n, s, size)
        for k in range(y.shape[1]):
            y[n, k] /= size


@entry
def spread_means(delta: Array, s: Any, first: int, last: int, input_gradient: Array) -> None:
    """Add δ / (rows · columns) at every position of its window; arguments: see `scatter`."""
    wide_vectors()
    s = PoolSizes(*s)
    size = delta.dtype.type(s.rows * s.columns)
    for n in range(first, last):
        for k in range(input_gradient.shape[1]):
            input_gradient[n, k] = 0
        _in_rows(_spread, delta, input_gradient, n, s, size)


# The class that Python calls.

WORTH_THREADS = 200_000
"""Several threads are used from this many values under all windows on."""

USUAL = {2: TWO_LINES, 3: THREE_LINES}
"""Tuples whose lengths tell the compiler the size of the window."""


class Pooling:
    """Pooling with windows of one size on images of one shape.

    Args:
        windows: the positions of the windows.

    Raises:
        ShapeError: a window is larger than the padded image.
    """

    def __init__(self, windows: Windows) -> None:
        require_windows(windows)
        w, (top, _, left, _) = windows, windows.padding
        self.sizes = PoolSizes(*w.image, w.rows, w.columns, top, left, *w.stride, w.down, w.across)
        self._image = w.channels * w.height * w.width
        self._outputs = w.channels * w.places
        self._size = USUAL.get(w.rows, ()) if w.rows == w.columns else ()
        k = np.arange(w.rows * w.columns)
        self._offsets = k // w.columns * w.width + k % w.columns

    def largest(self, x: Array, y: Array, winners: Array) -> None:
        """Compute the maximum of each window, and its position within the window.

        Args:
            x: images as rows, C-contiguous like all arrays here.
            y: receives the maxima, one row per image.
            winners: receives the positions as 32-bit integers, likewise.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, y, winners)
        s = tuple(self.sizes)
        self._share(len(x), lambda a, b: find_largest(x, s, self._size, a, b, y, winners))

    def scatter(self, delta: Array, winners: Array, input_gradient: Array) -> None:
        """Write the gradient with respect to the images, given δ of the maxima.

        Raises:
            ShapeError: the arrays are not of these shapes, or a winner is not in its image.
        """
        self._require(input_gradient, delta, winners)
        outside: list[int] = []

        def work(a: int, b: int) -> None:
            s, offsets = tuple(self.sizes), self._offsets
            outside.append(scatter(delta, winners, offsets, s, a, b, input_gradient))

        self._share(len(delta), work)
        if any(outside):
            raise ShapeError(f"{sum(outside)} of the largest numbers lie outside their windows")

    def mean(self, x: Array, y: Array) -> None:
        """Write the mean of each window.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(x, y)
        self._share(len(x), lambda a, b: take_means(x, tuple(self.sizes), a, b, y))

    def spread(self, delta: Array, input_gradient: Array) -> None:
        """Write the gradient with respect to the images, given δ of the means.

        Raises:
            ShapeError: the arrays are not of these shapes.
        """
        self._require(input_gradient, delta)
        self._share(
            len(delta), lambda a, b: spread_means(delta, tuple(self.sizes), a, b, input_gradient)
        )

    def _require(self, images: Array, outputs: Array, winners: Array | None = None) -> None:
        """Check the shapes, with which every index computed from the sizes is within bounds."""
        require_shape("images", images, len(images), self._image)
        require_shape("outputs", outputs, len(images), self._outputs)
        require_shape("winners", winners, len(images), self._outputs)

    def _share(self, cases: int, work: Callable[[int, int], None]) -> None:
        s = self.sizes
        numbers = cases * s.channels * s.down * s.across * s.rows * s.columns
        workers = number_of_threads() if numbers >= WORTH_THREADS else 1
        blocks = blocks_of(cases, 2 * workers)
        share(lambda _, block: work(*blocks[block]), len(blocks), workers)
