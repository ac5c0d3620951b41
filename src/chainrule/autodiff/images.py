"""Windows on images, composed of indexing, sums and products: padding, pooling, local filters.

Each of these has its way back in the table, so none of this needs a derivative of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff import functions as f
from chainrule.autodiff.node import Node, apply, lift
from chainrule.core.errors import ShapeError

Around = tuple[int, int, int, int]


def pad2d(x: Any, around: Around, value: float = 0.0) -> Node:
    """Images with rows and columns of one number around them.

    Args:
        x: (cases, channels, height, width).
        around: rows above and below, columns left and right.
        value: of what is added.

    Example:
        >>> pad2d(np.ones((1, 1, 1, 1)), (0, 1, 0, 1)).value
        array([[[[1., 0.],
                 [0., 0.]]]])
    """
    (x,) = lift([x])
    if not any(around):
        return x
    top, bottom, left, right = around
    height, width = x.shape[2:]
    key = (slice(None), slice(None), slice(top, top + height), slice(left, left + width))
    shape = (*x.shape[:2], height + top + bottom, width + left + right)
    padded = apply("scatter", x, key=key, shape=shape)
    if not value:
        return padded
    outside = np.full(shape, value)
    outside[key] = 0
    return padded + outside


def windows2d(x: Any, size: tuple[int, int], stride: tuple[int, int]) -> Node:
    """What is under every window, (cases, channels, down, across, rows · columns).

    Args:
        x: images, (cases, channels, height, width).
        size: rows and columns of a window.
        stride: rows and columns from one window to the next.

    Raises:
        ShapeError: x has not four axes, or is smaller than a window.

    Example:
        >>> windows2d(np.arange(4.0).reshape(1, 1, 2, 2), (1, 2), (1, 1)).value[0, 0, :, 0]
        array([[0., 1.],
               [2., 3.]])
    """
    (x,) = lift([x])
    if x.ndim != 4 or x.shape[2] < size[0] or x.shape[3] < size[1]:
        raise ShapeError(
            f"windows of {size[0]} × {size[1]} expect images (cases, channels, height, width) of "
            f"at least that size, found {x.shape}"
        )
    i = np.arange(0, x.shape[2] - size[0] + 1, stride[0])[:, None] + np.arange(size[0])
    j = np.arange(0, x.shape[3] - size[1] + 1, stride[1])[:, None] + np.arange(size[1])
    under = x[:, :, i[:, None, :, None], j[None, :, None, :]]
    return under.reshape((*x.shape[:2], len(i), len(j), size[0] * size[1]))


def max_pool2d(
    x: Any, size: tuple[int, int], stride: tuple[int, int], around: Around = (0, 0, 0, 0)
) -> Node:
    """The largest number under each window; the first of equal ones has the gradient.

    Args:
        x: images, (cases, channels, height, width).
        size: of a window.
        stride: from one window to the next.
        around: padding, which is never the largest.

    Example:
        >>> max_pool2d(np.arange(4.0).reshape(1, 1, 2, 2), (2, 2), (2, 2)).value
        array([[[[3.]]]])
    """
    table = windows2d(pad2d(x, around, -np.inf), size, stride)
    first = tuple(np.ogrid[tuple(slice(length) for length in table.shape[:-1])])
    return table[(*first, table.value.real.argmax(axis=-1))]


def average_pool2d(
    x: Any, size: tuple[int, int], stride: tuple[int, int], around: Around = (0, 0, 0, 0)
) -> Node:
    """The mean of each window, padding counted as zeros; the arguments as of `max_pool2d`.

    Example:
        >>> average_pool2d(np.arange(4.0).reshape(1, 1, 2, 2), (2, 2), (2, 2)).value
        array([[[[1.5]]]])
    """
    return f.mean(windows2d(pad2d(x, around), size, stride), axis=-1)


def local2d(x: Any, w: Any, stride: tuple[int, int], around: Around = (0, 0, 0, 0)) -> Node:
    """Filters of each place's own.

    y[n, o, i, j] = Σ_{c,p,q} x[n, c, s i + p, s j + q] w[i, j, o, c, p, q].

    Args:
        x: images, (cases, channels, height, width).
        w: (down, across, filters, channels, rows, columns).
        stride: s.
        around: padding.

    Returns:
        (cases, filters, down, across).

    Raises:
        ShapeError: the two do not fit.

    Example:
        >>> local2d(np.ones((1, 1, 1, 2)), np.arange(2.0).reshape(1, 2, 1, 1, 1, 1), (1, 1)).value
        array([[[[0., 1.]]]])
    """
    (w,) = lift([w])
    down, across, filters, channels, rows, columns = w.shape
    table = windows2d(pad2d(x, around), (rows, columns), stride)
    if table.shape[1:4] != (channels, down, across):
        raise ShapeError(f"filters {w.shape} do not fit windows {table.shape} on the images")
    under = table.transpose(2, 3, 0, 1, 4).reshape((down, across, len(table), -1))
    matrices = w.reshape((down, across, filters, -1)).transpose(0, 1, 3, 2)
    return (under @ matrices).transpose(2, 3, 0, 1)
