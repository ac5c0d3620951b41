"""Convolution and its two gradients: a matrix product for every place within the filter.

z[n, f, i, j] = Σ_{c,p,q} W[f, c, p, q] x[n, c, s i + p, s j + q] with stride s, x padded. The
filter is not turned round, as in all libraries and in the courses: strictly, this is a
cross-correlation.
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.sliding import nothing, offsets, padded, under, within
from chainrule.nn.parameters import sum_of_rows


def convolve(x: Array, W: Array, windows: Windows) -> Array:
    """The convolution, without biases.

    Args:
        x: images, (cases, channels, height, width).
        W: filters, (filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, filters, down, across).

    Example:
        >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
        >>> convolve(x, np.ones((1, 1, 2, 2)), Windows(1, 3, 3, 2, 2))
        array([[[[ 8., 12.],
                 [20., 24.]]]])
    """
    cases, filters = len(x), len(W)
    x = padded(x, windows)
    z = np.zeros((cases, filters, windows.places), np.result_type(x, W))
    for p, q in offsets(windows):
        z += W[:, :, p, q] @ _as_rows(under(x, windows, p, q))
    return z.reshape(cases, filters, windows.down, windows.across)


def input_gradient(delta: Array, W: Array, windows: Windows) -> Array:
    """∂L/∂x for ∂L/∂z: every δ goes back to the numbers that were under its window.

    Args:
        delta: (cases, filters, down, across).
        W: filters, (filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, channels, height, width).
    """
    J = nothing(len(delta), windows, np.result_type(delta, W))
    rows = _as_rows(delta)
    for p, q in offsets(windows):
        target = under(J, windows, p, q)
        target += (W[:, :, p, q].T @ rows).reshape(target.shape)
    return np.ascontiguousarray(within(J, windows))


def weight_gradient(x: Array, delta: Array, windows: Windows) -> Array:
    """∂L/∂W for ∂L/∂z, summed over the cases and the places.

    Args:
        x: images, (cases, channels, height, width).
        delta: (cases, filters, down, across).
        windows: where the filters stand.

    Returns:
        (filters, channels, rows, columns).
    """
    x, rows = padded(x, windows), _as_rows(delta)
    shape = (delta.shape[1], windows.channels, windows.rows, windows.columns)
    found = np.empty(shape, np.result_type(x, delta))
    for p, q in offsets(windows):
        part = _as_rows(under(x, windows, p, q))
        products = (rows @ part.transpose(0, 2, 1)).reshape(len(x), -1)
        found[:, :, p, q] = sum_of_rows(products).reshape(shape[:2])
    return found


def _as_rows(images: Array) -> Array:
    """(cases, channels, places)."""
    cases, channels, down, across = images.shape
    return images.reshape(cases, channels, down * across)
