"""im2col and col2im: the numbers under the windows of an image, and sums over windows as an image.

Also images as rows of numbers, as layers and Jacobians pass them on, and rows as images.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows


def images(rows: Array, windows: Windows) -> Array:
    """Rows (cases, channels · height · width) as (cases, channels, height, width)."""
    return rows.reshape(len(rows), *windows.image)


def maps(rows: Array, windows: Windows) -> Array:
    """Rows (cases, maps · places) as (cases, maps, down, across)."""
    count = rows.shape[1] // windows.places
    return rows.reshape(len(rows), count, windows.down, windows.across)


def as_rows(found: Array, out: Array | None = None) -> Array:
    """(cases, ...) as (cases, numbers), copied into ``out`` where given."""
    return into(found.reshape(len(found), prod(found.shape[1:])), out)


def into(found: Array, out: Array | None) -> Array:
    """``found`` itself, or ``out`` with its numbers."""
    if out is None or out is found:
        return found
    out[...] = found
    return out


def padded(x: Array, windows: Windows, value: complex = 0) -> Array:
    """Images with their padding.

    Args:
        x: (cases, channels, height, width).
        windows: whose padding counts.
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
    return x[..., top : top + windows.height, left : left + windows.width]


def padded_zeros(cases: int, windows: Windows, dtype: np.dtype[np.generic]) -> Array:
    """Padded images of zeros."""
    return np.zeros((cases, *windows.padded_image), dtype)


def offsets(windows: Windows) -> Iterator[tuple[int, int]]:
    """The places within a window, (row, column), in row order."""
    return product(range(windows.rows), range(windows.columns))


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


def im2col(x: Array, windows: Windows) -> Array:
    """All that lies under every window: each number as often as windows cover it.

    Args:
        x: images, (cases, channels, height, width).
        windows: where they stand.

    Returns:
        A read-only view, (cases, down, across, channels, rows, columns).
    """
    size, (down, across) = (windows.rows, windows.columns), windows.stride
    found = sliding_window_view(padded(x, windows), size, axis=(2, 3))
    return found[:, :, ::down, ::across].transpose(0, 2, 3, 1, 4, 5)


def col2im(
    parts: Iterable[Array], windows: Windows, cases: int, dtype: np.dtype[np.generic]
) -> Array:
    """The sums over all windows of what each adds to the numbers under it.

    Args:
        parts: for each of the `offsets`, what is added there, (cases, channels, down, across).
        windows: where they stand.
        cases: how many images.
        dtype: of the sums.

    Returns:
        Images, (cases, channels, height, width).
    """
    found = padded_zeros(cases, windows, dtype)
    for (p, q), part in zip(offsets(windows), parts, strict=True):
        target = under(found, windows, p, q)
        target += part
    return np.ascontiguousarray(within(found, windows))


def filter_matrix(filters: Array, windows: Windows) -> Array:
    """The matrix of a map that applies filters at every place, padding left out.

    Args:
        filters: (down, across, filters, channels, rows, columns); where all places share them the
            first two may be 1.
        windows: where they stand.

    Returns:
        (filters · places, channels · height · width).
    """
    count = filters.shape[2]
    shape = (count, windows.down, windows.across, *windows.padded_image)
    matrix = np.zeros(shape, filters.dtype)
    i, j = np.ogrid[: windows.down, : windows.across]
    row, column = i * windows.stride[0], j * windows.stride[1]
    for p, q in offsets(windows):
        matrix[:, i, j, :, row + p, column + q] = filters[..., p, q]
    return within(matrix, windows).reshape(count * windows.places, -1)
