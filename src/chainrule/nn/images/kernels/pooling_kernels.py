"""The compiled loops of pooling: a row of windows at a time.

The usual sizes and steps have loops of their own, whose numbers the compiler can load side by
side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.kernels.jit import entry, part, wide_vectors


class PoolSizes(NamedTuple):
    """The whole numbers that kernels are given."""

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
    """The windows for which ``offset`` + j · step lies within 0 and length."""
    first = 0 if offset >= 0 else (-offset + step - 1) // step
    last = 0 if offset >= length else (length - 1 - offset) // step + 1
    return first, min(count, last)


@part
def _largest(
    x: Array, n: int, at: int, width: int, p: tuple[int, int], q: tuple[int, int], columns: int
) -> Any:
    """The largest number of one window, and which it is, in rows and columns p and q of it."""
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
    """Windows that lie within the image, of a size known to the compiler, and all of one row."""
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
def _added(
    x: Array, n: int, source: int, first: int, last: int, step: int, y: Array, target: int
) -> None:
    for j in range(first, last):
        y[n, target + j] += x[n, source + j * step]


@part
def _spread(
    J: Array,
    n: int,
    source: int,
    first: int,
    last: int,
    step: int,
    upstream: Array,
    target: int,
    size: float,
) -> None:
    for j in range(first, last):
        upstream[n, target + j * step] += J[n, source + j] / size


@entry
def largest(
    x: Array, s: PoolSizes, size: Any, first: int, last: int, y: Array, winners: Array
) -> None:
    """The largest number of each window, and which it is, of the images ``first`` to ``last``.

    Args:
        x: images as rows.
        s: `PoolSizes`.
        size: a tuple as long as a square window is wide, where it is one of the usual sizes, for
            which there is a loop of its own; else empty.
        first: image.
        last: image, no longer done.
        y: rows of outputs, written.
        winners: rows of places within the windows, p · columns + q, written.
    """
    wide_vectors()
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
def put_back(
    J: Array, winners: Array, offsets: Array, s: PoolSizes, first: int, last: int, upstream: Array
) -> int:
    """Each J to the number that was the largest.

    Args:
        J: rows of outputs.
        winners: see `largest`.
        offsets: p · width + q of each place within a window.
        s: `PoolSizes`.
        first: image.
        last: image, no longer done.
        upstream: images as rows, written.

    Returns:
        How many winners name no number of an image; nothing is written for them.
    """
    wide_vectors()
    outside = 0
    for n in range(first, last):
        for k in range(upstream.shape[1]):
            upstream[n, k] = 0
        for c in range(s.channels):
            for i in range(s.down):
                source = (c * s.down + i) * s.across
                target = (c * s.height + i * s.step_down - s.top) * s.width - s.left
                for j in range(s.across):
                    winner = winners[n, source + j]
                    known = (winner >= 0) & (winner < len(offsets))
                    place = target + j * s.step_across + offsets[winner if known else 0]
                    if known & (place >= 0) & (place < upstream.shape[1]):
                        upstream[n, place] += J[n, source + j]
                    else:
                        outside += 1
    return outside


@entry
def mean(x: Array, s: PoolSizes, first: int, last: int, y: Array) -> None:
    """The mean of each window, padding counted as zeros; the arguments as of `largest`."""
    wide_vectors()
    size = x.dtype.type(s.rows * s.columns)
    for n in range(first, last):
        for k in range(y.shape[1]):
            y[n, k] = 0
        for c in range(s.channels):
            for i in range(s.down):
                target = (c * s.down + i) * s.across
                for p in range(s.rows):
                    h = i * s.step_down + p - s.top
                    if h < 0 or h >= s.height:
                        continue
                    for q in range(s.columns):
                        a, b = _bounds(q - s.left, s.step_across, s.across, s.width)
                        source = (c * s.height + h) * s.width + q - s.left
                        if s.step_across == 1:
                            _added(x, n, source, a, b, 1, y, target)
                        elif s.step_across == 2:
                            _added(x, n, source, a, b, 2, y, target)
                        else:
                            _added(x, n, source, a, b, s.step_across, y, target)
        for k in range(y.shape[1]):
            y[n, k] /= size


@entry
def spread(J: Array, s: PoolSizes, first: int, last: int, upstream: Array) -> None:
    """Each J to all numbers of its window in equal parts; the arguments as of `put_back`."""
    wide_vectors()
    size = J.dtype.type(s.rows * s.columns)
    for n in range(first, last):
        for k in range(upstream.shape[1]):
            upstream[n, k] = 0
        for c in range(s.channels):
            for i in range(s.down):
                source = (c * s.down + i) * s.across
                for p in range(s.rows):
                    h = i * s.step_down + p - s.top
                    if h < 0 or h >= s.height:
                        continue
                    for q in range(s.columns):
                        a, b = _bounds(q - s.left, s.step_across, s.across, s.width)
                        target = (c * s.height + h) * s.width + q - s.left
                        if s.step_across == 1:
                            _spread(J, n, source, a, b, 1, upstream, target, size)
                        elif s.step_across == 2:
                            _spread(J, n, source, a, b, 2, upstream, target, size)
                        else:
                            _spread(J, n, source, a, b, s.step_across, upstream, target, size)
