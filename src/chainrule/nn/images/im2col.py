"""im2col and col2im: an image's values window by window, and windows summed into an image.

Also conversions between images and rows, the form in which layers and Jacobians pass images on.
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
    """Rows (cases, channels · height · width) reshaped to (cases, channels, height, width)."""
    return rows.reshape(len(rows), *windows.image)


def maps(rows: Array, windows: Windows) -> Array:
    """Rows (cases, maps · places) reshaped to (cases, maps, down, across)."""
    count = rows.shape[1] // windows.places
    return rows.reshape(len(rows), count, windows.down, windows.across)


def as_rows(found: Array, out: Array | None = None) -> Array:
    """An array (cases, ...) reshaped to (cases, numbers), copied into ``out`` if given."""
    return into(found.reshape(len(found), prod(found.shape[1:])), out)


def into(found: Array, out: Array | None) -> Array:
    """``found`` copied into ``out``; ``found`` itself if ``out`` is None."""
    if out is None or out is found:
        return found
    out[...] = found
    return out


def padded(x: Array, windows: Windows, value: complex = 0) -> Array:
    """Images with padding around them.

    Args:
        x: (cases, channels, height, width).
        windows: windows with the padding to add.
        value: the value of the padding.

    Returns:
        (cases, channels, height + top + bottom, width + left + right); x itself if there is none.
    """
    top, bottom, left, right = windows.padding
    if not any(windows.padding):
        return x
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, around, constant_values=value)


def within(x: Array, windows: Windows) -> Array:
    """Padded images without their padding, as a view."""
    top, _, left, _ = windows.padding
    return x[..., top : top + windows.height, left : left + windows.width]


def padded_zeros(cases: int, windows: Windows, dtype: np.dtype[np.generic]) -> Array:
    """Zeros in the shape of padded images."""
    return np.zeros((cases, *windows.padded_image), dtype)


def offsets(windows: Windows) -> Iterator[tuple[int, int]]:
    """The positions (p, q), row and column, within a window, in row-major order."""
    return product(range(windows.rows), range(windows.columns))


def under(x: Array, windows: Windows, p: int, q: int) -> Array:
    """The values in row p and column q of every window.

    Args:
        x: padded images.
        windows: the positions of the windows.
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
    """The values under every window; a value appears once for each window that covers it.

    Args:
        x: images, (cases, channels, height, width).
        windows: the positions of the windows.

    Returns:
        A read-only view, (cases, down, across, channels, rows, columns).
    """
    size, (down, across) = (windows.rows, windows.columns), windows.stride
    found = sliding_window_view(padded(x, windows), size, axis=(2, 3))
    return found[:, :, ::down, ::across].transpose(0, 2, 3, 1, 4, 5)


def col2im(
    parts: Iterable[Array], windows: Windows, cases: int, dtype: np.dtype[np.generic]
) -> Array:
    """Images to which every window adds its values at the pixels that it covers.

    Args:
        parts: one array for each of the `offsets`, (cases, channels, down, across).
        windows: the positions of the windows.
        cases: the number of images.
        dtype: the type of the sums.

    Returns:
        Images, (cases, channels, height, width).
    """
    found = padded_zeros(cases, windows, dtype)
    for (p, q), part in zip(offsets(windows), parts, strict=True):
        target = under(found, windows, p, q)
        target += part
    return np.ascontiguousarray(within(found, windows))


def filter_matrix(filters: Array, windows: Windows) -> Array:
    """The matrix of the linear map from an image without padding to the filters' outputs.

    Args:
        filters: (down, across, filters, channels, rows, columns); the first two may be 1 if all
            places share the filters.
        windows: the positions of the filters.

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
