"""What is under the windows, and sums put back to where it lay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows


def padded(x: Array, windows: Windows, value: complex = 0) -> Array:
    """Images with what lies around them.

    Args:
        x: (cases, channels, height, width).
        windows: their padding counts.
        value: of the padding.

    Returns:
        (cases, channels, height + top + bottom, width + left + right); x itself without padding.
    """
    top, bottom, left, right = windows.padding
    if not any(windows.padding):
        return x
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, around, constant_values=value)


def within(x: Array, windows: Windows) -> Array:
    """The part of padded images that is the images, a view."""
    top, _, left, _ = windows.padding
    return x[:, :, top : top + windows.height, left : left + windows.width]


def nothing(cases: int, windows: Windows, dtype: np.dtype[np.generic]) -> Array:
    """Padded images of zeros."""
    top, bottom, left, right = windows.padding
    shape = (windows.height + top + bottom, windows.width + left + right)
    return np.zeros((cases, windows.channels, *shape), dtype)


def offsets(windows: Windows) -> Iterator[tuple[int, int]]:
    """The places within a window, (row, column), in row order."""
    for p in range(windows.rows):
        for q in range(windows.columns):
            yield p, q


def under(x: Array, windows: Windows, p: int, q: int) -> Array:
    """What every window has in its row p and column q.

    Args:
        x: padded images.
        windows: where they stand.
        p: row within the window.
        q: column within the window.

    Returns:
        A view, (cases, channels, down, across).
    """
    down, across = windows.stride
    rows = slice(p, p + (windows.down - 1) * down + 1, down)
    columns = slice(q, q + (windows.across - 1) * across + 1, across)
    return x[:, :, rows, columns]


def columns(x: Array, windows: Windows) -> Array:
    """All that is under every window: each number as often as windows cover it.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        (cases, down, across, channels, rows, columns).
    """
    x = padded(x, windows)
    size = (windows.channels, windows.rows, windows.columns)
    found = np.empty((len(x), windows.down, windows.across, *size), x.dtype)
    for p, q in offsets(windows):
        found[..., p, q] = under(x, windows, p, q).transpose(0, 2, 3, 1)
    return found


def spread_out(filters: Array, windows: Windows) -> Array:
    """The matrix of a map that applies filters at every place, padding left out.

    Args:
        filters: (down, across, filters, channels, rows, columns); where all places share them the
            first two may be 1.
        windows: where they stand.

    Returns:
        (filters · places, channels · height · width).
    """
    count = filters.shape[2]
    top, bottom, left, right = windows.padding
    padded_image = (
        windows.channels,
        windows.height + top + bottom,
        windows.width + left + right,
    )
    matrix = np.zeros((count, windows.down, windows.across, *padded_image), filters.dtype)
    i, j = np.ogrid[: windows.down, : windows.across]
    row, column = i * windows.stride[0], j * windows.stride[1]
    for p, q in offsets(windows):
        matrix[:, i, j, :, row + p, column + q] = filters[..., p, q]
    inside = matrix[..., top : top + windows.height, left : left + windows.width]
    return inside.reshape(count * windows.places, -1)
