"""The compiled loops of pooling: a row of windows at a time, one place within them after the other.

The steps 1 and 2 from one window to the next have loops of their own, whose numbers the compiler
can then load side by side.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from chainrule.loops.jit import entry, part, wide_vectors


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
def _bounds(offset, step, count, length) -> Any:  # type: ignore[no-untyped-def]
    """The windows for which ``offset`` + j · step lies within 0 and length."""
    first = 0 if offset >= 0 else (-offset + step - 1) // step
    last = 0 if offset >= length else (length - 1 - offset) // step + 1
    return first, min(count, last)


@part
def _larger(x, n, source, first, last, step, y, winners, target, k) -> None:  # type: ignore[no-untyped-def]
    for j in range(first, last):
        value, best, before = x[n, source + j * step], y[n, target + j], winners[n, target + j]
        wins = (value > best) | (value != value) | (before < 0)
        y[n, target + j] = value if wins else best
        winners[n, target + j] = k if wins else before


@part
def _added(x, n, source, first, last, step, y, target) -> None:  # type: ignore[no-untyped-def]
    for j in range(first, last):
        y[n, target + j] += x[n, source + j * step]


@part
def _spread(J, n, source, first, last, step, upstream, target, size) -> None:  # type: ignore[no-untyped-def]
    for j in range(first, last):
        upstream[n, target + j * step] += J[n, source + j] / size


@entry
def largest(x, s, first, last, y, winners):  # type: ignore[no-untyped-def]
    """The largest number of each window, and which it is, of the images ``first`` to ``last``.

    Args:
        x: images as rows.
        s: `PoolSizes`.
        first: image.
        last: image, no longer done.
        y: rows of outputs, written.
        winners: rows of places within the windows, p · columns + q, written.
    """
    wide_vectors()
    for n in range(first, last):
        for c in range(s.channels):
            for i in range(s.down):
                target = (c * s.down + i) * s.across
                for j in range(target, target + s.across):
                    y[n, j] = -x.dtype.type(float("inf"))
                    winners[n, j] = -1
                for p in range(s.rows):
                    h = i * s.step_down + p - s.top
                    if h < 0 or h >= s.height:
                        continue
                    for q in range(s.columns):
                        a, b = _bounds(q - s.left, s.step_across, s.across, s.width)
                        source, k = (c * s.height + h) * s.width + q - s.left, p * s.columns + q
                        if s.step_across == 1:
                            _larger(x, n, source, a, b, 1, y, winners, target, k)
                        elif s.step_across == 2:
                            _larger(x, n, source, a, b, 2, y, winners, target, k)
                        else:
                            _larger(x, n, source, a, b, s.step_across, y, winners, target, k)


@entry
def put_back(J, winners, offsets, s, first, last, upstream):  # type: ignore[no-untyped-def]
    """Each J to the number that was the largest.

    Args:
        J: rows of outputs.
        winners: see `largest`.
        offsets: p · width + q of each place within a window.
        s: `PoolSizes`.
        first: image.
        last: image, no longer done.
        upstream: images as rows, written.
    """
    wide_vectors()
    for n in range(first, last):
        for k in range(upstream.shape[1]):
            upstream[n, k] = 0
        for c in range(s.channels):
            for i in range(s.down):
                source = (c * s.down + i) * s.across
                target = (c * s.height + i * s.step_down - s.top) * s.width - s.left
                for j in range(s.across):
                    place = target + j * s.step_across + offsets[winners[n, source + j]]
                    upstream[n, place] += J[n, source + j]


@entry
def mean(x, s, first, last, y):  # type: ignore[no-untyped-def]
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
def spread(J, s, first, last, upstream):  # type: ignore[no-untyped-def]
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
