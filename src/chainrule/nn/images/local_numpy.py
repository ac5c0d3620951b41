"""Filters of each place's own: a batch of small products for every row of places.

z[n, f, i, j] = Σ_{c,p,q} W[i, j, f, c, p, q] x[n, c, s i + p, s j + q] with stride s, x padded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chainrule.core.arrays import Array
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.sliding import nothing, padded, within


def apply_filters(x: Array, W: Array, windows: Windows) -> Array:
    """Each place's filters on what is under its window, without biases.

    Args:
        x: images, (cases, channels, height, width).
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.

    Returns:
        (cases, filters, down, across).
    """
    x, filters = padded(x, windows), W.shape[2]
    shape = (len(x), filters, windows.down, windows.across)
    z = np.empty(shape, np.result_type(x, W))
    for i in range(windows.down):
        product = _columns(x, windows, i) @ _matrices(W[i]).transpose(0, 2, 1)
        z[:, :, i, :] = product.transpose(1, 2, 0)
    return z


def input_gradient(delta: Array, W: Array, windows: Windows) -> Array:
    """∂L/∂x for ∂L/∂z, (cases, channels, height, width).

    Args:
        delta: (cases, filters, down, across).
        W: (down, across, filters, channels, rows, columns).
        windows: where the filters stand.
    """
    J = nothing(len(delta), windows, np.result_type(delta, W))
    inner = (windows.channels, windows.rows, windows.columns)
    for i in range(windows.down):
        product = delta[:, :, i, :].transpose(2, 0, 1) @ _matrices(W[i])
        parts = product.reshape(windows.across, len(delta), *inner).transpose(1, 2, 3, 4, 0)
        for target, q in _row_of_places(J, windows, i):
            target += parts[:, :, :, q]
    return np.ascontiguousarray(within(J, windows))


def weight_gradient(x: Array, delta: Array, windows: Windows, out: Array | None = None) -> Array:
    """∂L/∂W for ∂L/∂z, summed over the cases, (down, across, filters, channels, rows, columns).

    Args:
        x: images, (cases, channels, height, width).
        delta: (cases, filters, down, across).
        windows: where the filters stand.
        out: to be written into.
    """
    x = padded(x, windows)
    shape = (windows.down, windows.across, delta.shape[1])
    inner = (windows.channels, windows.rows, windows.columns)
    found = np.empty((*shape, *inner), np.result_type(x, delta)) if out is None else out
    for i in range(windows.down):
        product = delta[:, :, i, :].transpose(2, 1, 0) @ _columns(x, windows, i)
        found[i] = product.reshape(*shape[1:], *inner)
    return found


def _matrices(W: Array) -> Array:
    """One row of places' filters as matrices, (across, filters, numbers under a window)."""
    return W.reshape(*W.shape[:2], -1)


def _columns(x: Array, windows: Windows, i: int) -> Array:
    """What is under the windows of row i of places, (across, cases, numbers under one)."""
    shape = (windows.across, len(x), windows.channels, windows.rows, windows.columns)
    found = np.empty(shape, x.dtype)
    for part, q in _row_of_places(x, windows, i):
        found[..., q] = part.transpose(3, 0, 1, 2)
    return found.reshape(windows.across, len(x), windows.under)


def _row_of_places(x: Array, windows: Windows, i: int) -> Iterator[tuple[Array, int]]:
    """Views (cases, channels, rows, across) of a row of places, one for each window column."""
    top, step = i * windows.stride[0], windows.stride[1]
    for q in range(windows.columns):
        columns = slice(q, q + (windows.across - 1) * step + 1, step)
        yield x[:, :, top : top + windows.rows, columns], q
