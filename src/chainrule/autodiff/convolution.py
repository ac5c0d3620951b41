"""Convolution of images, composed of indexing, a matrix product and transposing.

Each of these has its way back in the table, so the convolution needs no derivative of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.node import Node, apply, lift
from chainrule.errors import ShapeError

Pair = int | tuple[int, int]


def conv2d(x: Any, w: Any, b: Any = None, *, stride: Pair = 1, padding: Pair = 0) -> Node:
    """y[n, o, i, j] = b[o] + Σ_{c,p,q} x[n, c, s i + p, s j + q] w[o, c, p, q].

    The filter is not turned round: what courses call convolution is a cross-correlation.

    Args:
        x: images, (cases, channels, height, width).
        w: filters, (filters, channels, rows, columns).
        b: (filters,), or None.
        stride: s, rows and columns to move on by; one number or two.
        padding: rows and columns of zeros on every side; one number or two.

    Returns:
        (cases, filters, ⌊(height + 2 padding − rows) / stride⌋ + 1, the same of the width).

    Raises:
        ShapeError: x and w have not four axes, other channels, or the filter is larger than the
            padded image.

    Example:
        >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
        >>> conv2d(x, np.ones((1, 1, 2, 2)), stride=2).value
        array([[[[10., 18.],
                 [42., 50.]]]])
    """
    x, w = lift([x, w])
    strides, around = _pair(stride, "stride", 1), _pair(padding, "padding", 0)
    _check(x, w, around)
    x = _padded(x, around)
    filters, _, rows, columns = w.shape
    i = _places(x.shape[2], rows, strides[0])
    j = _places(x.shape[3], columns, strides[1])
    # (cases, channels, i, p, j, q): every place of the filter, every number under it.
    under = x[:, :, i[:, :, None, None], j]
    table = under.transpose(0, 2, 4, 1, 3, 5).reshape((len(x), len(i), len(j), -1))
    y = (table @ w.reshape((filters, -1)).T).transpose(0, 3, 1, 2)
    return y if b is None else y + lift([b])[0].reshape((filters, 1, 1))


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, int) else tuple(value)
    whole = all(isinstance(n, int) and n >= least for n in pair)
    if len(pair) != 2 or not whole:
        raise ShapeError(
            f"the {name} of a convolution is one or two whole numbers of at least {least}, "
            f"found {value!r}"
        )
    return pair


def _check(x: Node, w: Node, padding: tuple[int, int]) -> None:
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1]:
        raise ShapeError(
            "convolution expects images (cases, channels, height, width) and filters (filters, "
            f"channels, rows, columns) of the same channels, found {x.shape} and {w.shape}"
        )
    height, width = (n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))
    if height < w.shape[2] or width < w.shape[3]:
        raise ShapeError(
            f"a filter of {w.shape[2]} × {w.shape[3]} does not fit into images of "
            f"{height} × {width}, padding included"
        )


def _padded(x: Node, padding: tuple[int, int]) -> Node:
    """Zeros around every image."""
    if padding == (0, 0):
        return x
    (top, left), (height, width) = padding, x.shape[2:]
    key = (slice(None), slice(None), slice(top, top + height), slice(left, left + width))
    shape = (*x.shape[:2], height + 2 * top, width + 2 * left)
    return apply("scatter", x, key=key, shape=shape)


def _places(length: int, under: int, stride: int) -> Any:
    """Indices (places, numbers under the filter) along one axis."""
    first = np.arange(0, length - under + 1, stride)
    return first[:, None] + np.arange(under)
