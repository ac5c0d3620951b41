"""Convolution of images, composed of indexing, a matrix product and transposing.

Each of these has its way back in the table, so the convolution needs no derivative of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.composed import composed
from chainrule.autodiff.node import Node, apply, lift, register
from chainrule.core.errors import ShapeError

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
            padded image; or b, stride or padding does not fit.

    Example:
        >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
        >>> conv2d(x, np.ones((1, 1, 2, 2)), stride=2).value
        array([[[[10., 18.],
                 [42., 50.]]]])
    """
    y = apply(
        "conv2d", x, w, stride=_pair(stride, "stride", 1), padding=_pair(padding, "padding", 0)
    )
    if b is None:
        return y
    (b,) = lift([b])
    if b.shape != y.shape[1:2]:
        raise ShapeError(
            f"the biases of {y.shape[1]} filters have the shape ({y.shape[1]},), found {b.shape}"
        )
    return y + b.reshape((-1, 1, 1))


def _conv2d(x: Node, w: Node, stride: tuple[int, int], padding: tuple[int, int]) -> Node:
    """The convolution of what was checked for its options."""
    _check(x, w, padding)
    x = _padded(x, padding)
    filters, channels, rows, columns = w.shape
    i = _places(x.shape[2], rows, stride[0])
    j = _places(x.shape[3], columns, stride[1])
    # (cases, channels, i, p, j, q): every place of the filter, every number under it.
    under = x[:, :, i[:, :, None, None], j]
    size = channels * rows * columns
    table = under.transpose(0, 2, 4, 1, 3, 5).reshape((len(x), len(i), len(j), size))
    return (table @ w.reshape((filters, size)).T).transpose(0, 3, 1, 2)


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    pair = tuple(value) if isinstance(value, tuple | list) else (value, value)
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


CONVOLUTION = (composed("conv2d", "conv({0}, {1})", _conv2d),)
"""The convolution as one node."""

register(*CONVOLUTION)
