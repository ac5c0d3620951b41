"""The largest number and the mean of each window, and where their gradients go."""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.sliding import nothing, offsets, padded, under, within


def largest(x: Array, windows: Windows) -> tuple[Array, Array]:
    """The largest number under each window, and which one it is.

    Of equal ones it is the first in row order; padding is never the largest. NaN counts as
    larger than any number, the last of several as in PyTorch. Complex numbers are ordered by
    their real parts.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        Two arrays (cases, channels, down, across): the numbers, and their places p · columns + q
        within the window, as whole numbers of 32 bits.
    """
    image = padded(np.ones((1, 1, windows.height, windows.width), bool), windows)
    x = padded(x, windows)
    best = np.empty((*x.shape[:2], windows.down, windows.across), x.dtype)
    winners = np.full(best.shape, -1, np.int32)
    for k, (p, q) in enumerate(offsets(windows)):
        other, inside = under(x, windows, p, q), under(image, windows, p, q)
        larger = inside & ((winners < 0) | (other.real > best.real) | np.isnan(other))
        np.copyto(best, other, where=larger)
        winners[larger] = k
    return best, winners


def leads(x: Array, windows: Windows) -> Array:
    """How far each number under a window is behind the largest, as signed distances to ties.

    The largest itself has 1, so that the signs tell which it is; the others are at most 0, and 0
    where they tie. Where all of them are 0, as behind a relu that lets nothing through, they are
    no tie but −1: none of them moves.

    Args:
        x: real images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        (rows · columns, cases, channels, down, across).
    """
    best, winners = largest(x, windows)
    x = padded(x, windows, -np.inf)
    behind = np.array([under(x, windows, p, q) - best for p, q in offsets(windows)])
    behind[(behind == 0) & (best == 0)] = -1
    np.put_along_axis(behind, winners[None], 1, axis=0)
    return behind


def taken(x: Array, winners: Array, windows: Windows) -> Array:
    """The numbers at the places that ``winners`` names: how the largest move as x moves.

    Args:
        x: (cases, channels, height, width).
        winners: see `largest`.
        windows: where they stand.
    """
    x = padded(x, windows)
    found = np.zeros(winners.shape, x.dtype)
    for k, (p, q) in enumerate(offsets(windows)):
        np.copyto(found, under(x, windows, p, q), where=winners == k)
    return found


def put_back(delta: Array, winners: Array, windows: Windows) -> Array:
    """∂L/∂x of the largest numbers: each δ goes to the number that was the largest.

    Args:
        delta: (cases, channels, down, across).
        winners: see `largest`.
        windows: where they stand.

    Returns:
        (cases, channels, height, width).
    """
    J = nothing(len(delta), windows, delta.dtype)
    for k, (p, q) in enumerate(offsets(windows)):
        target = under(J, windows, p, q)
        target += np.where(winners == k, delta, delta.dtype.type(0))
    return np.ascontiguousarray(within(J, windows))


def mean(x: Array, windows: Windows) -> Array:
    """The mean of each window; padding counts as zeros, as in PyTorch.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        (cases, channels, down, across).
    """
    x = padded(x, windows)
    total = np.zeros((*x.shape[:2], windows.down, windows.across), x.dtype)
    for p, q in offsets(windows):
        total += under(x, windows, p, q)
    total /= windows.rows * windows.columns
    return total


def spread(delta: Array, windows: Windows) -> Array:
    """∂L/∂x of the means: each δ goes to all numbers of its window in equal parts.

    Args:
        delta: (cases, channels, down, across).
        windows: where they stand.

    Returns:
        (cases, channels, height, width).
    """
    J = nothing(len(delta), windows, delta.dtype)
    share = delta / delta.dtype.type(windows.rows * windows.columns)
    for p, q in offsets(windows):
        target = under(J, windows, p, q)
        target += share
    return np.ascontiguousarray(within(J, windows))
