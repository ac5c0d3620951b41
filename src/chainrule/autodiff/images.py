"""Images: padding, windows, pooling and filters, composed of indexing, sums and products.

Indexing, sums and products have their derivatives already, so no derivative is written here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.autodiff.differentiate import backpropagate
from chainrule.autodiff.node import (
    CALL,
    Node,
    Operation,
    Pullback,
    apply,
    lift,
    register,
    variable,
)
from chainrule.autodiff.shapes import mean
from chainrule.core.arrays import Array
from chainrule.core.errors import ShapeError

Pair = int | tuple[int, int]
Around = tuple[int, int, int, int]


def pad2d(x: Any, around: Around, value: float = 0.0) -> Node:
    """Images with a constant border.

    Args:
        x: (cases, channels, height, width).
        around: rows above and below, columns left and right.
        value: the constant.

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
    """The numbers under each of the down × across windows.

    Args:
        x: images, (cases, channels, height, width).
        size: rows and columns of a window.
        stride: rows and columns from one window to the next.

    Returns:
        (cases, channels, down, across, rows · columns).

    Raises:
        ShapeError: x does not have four axes, or is smaller than a window.

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
    """The largest number under each window; the first of several equal ones gets the gradient.

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
    leading = tuple(np.ogrid[tuple(slice(length) for length in table.shape[:-1])])
    return table[(*leading, table.value.real.argmax(axis=-1))]


def average_pool2d(
    x: Any, size: tuple[int, int], stride: tuple[int, int], around: Around = (0, 0, 0, 0)
) -> Node:
    """The mean of each window, with padding counted as zeros; arguments as in `max_pool2d`.

    Example:
        >>> average_pool2d(np.arange(4.0).reshape(1, 1, 2, 2), (2, 2), (2, 2)).value
        array([[[[1.5]]]])
    """
    return mean(windows2d(pad2d(x, around), size, stride), axis=-1)


def local2d(x: Any, w: Any, stride: tuple[int, int], around: Around = (0, 0, 0, 0)) -> Node:
    """A convolution in which every output position has filters of its own.

    y[n, o, i, j] = Σ_{c,p,q} x[n, c, s i + p, s j + q] w[i, j, o, c, p, q].

    Args:
        x: images, (cases, channels, height, width).
        w: (down, across, filters, channels, rows, columns).
        stride: s.
        around: padding.

    Returns:
        (cases, filters, down, across).

    Raises:
        ShapeError: x and w do not fit.

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


def conv2d(x: Any, w: Any, b: Any = None, *, stride: Pair = 1, padding: Pair = 0) -> Node:
    """y[n, o, i, j] = b[o] + Σ_{c,p,q} x[n, c, s i + p, s j + q] w[o, c, p, q].

    The filter is not flipped: strictly speaking this is a cross-correlation.

    Args:
        x: images, (cases, channels, height, width).
        w: filters, (filters, channels, rows, columns).
        b: (filters,), or None.
        stride: s, the step in rows and columns; one number or two.
        padding: rows and columns of zeros on every side; one number or two.

    Returns:
        (cases, filters, ⌊(height + 2 padding − rows) / stride⌋ + 1, the same of the width).

    Raises:
        ShapeError: x or w does not have four axes, their channels differ, or the filter is
            larger than the padded image; or b, stride or padding does not fit.

    Example:
        >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
        >>> conv2d(x, np.ones((1, 1, 2, 2)), stride=2).value
        array([[[[10., 18.],
                 [42., 50.]]]])
    """
    steps, zeros = _pair(stride, "stride", 1), _pair(padding, "padding", 0)
    y = apply("conv2d", x, w, stride=steps, padding=zeros)
    if b is None:
        return y
    (b,) = lift([b])
    if b.shape != y.shape[1:2]:
        raise ShapeError(
            f"the biases of {y.shape[1]} filters have the shape ({y.shape[1]},), found {b.shape}"
        )
    return y + b.reshape((-1, 1, 1))


def _conv2d(x: Node, w: Node, *, stride: tuple[int, int], padding: tuple[int, int]) -> Node:
    """The convolution as a matrix product of windows and filters."""
    _check(x, w, padding)
    filters, channels, rows, columns = w.shape
    around = (padding[0], padding[0], padding[1], padding[1])
    table = windows2d(pad2d(x, around), (rows, columns), stride).transpose(0, 2, 3, 1, 4)
    size = channels * rows * columns
    products = table.reshape((*table.shape[:3], size)) @ w.reshape((filters, size)).T
    return products.transpose(0, 3, 1, 2)


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


# A convolution is one node in tables and pictures. The nodes inside it are not kept: the backward
# pass computes them again.


def _convolved(x: Array, w: Array, **options: Any) -> Array:
    return _conv2d(variable(x), variable(w), **options).value


def _convolution_back(k: int) -> Pullback:
    """The derivative with respect to the images, k = 0, or to the filters, k = 1."""

    def backward(g: Node, y: Node, *inputs: Node) -> Node:
        """g ∂y/∂input, by reverse mode through the nodes of `_conv2d`."""
        own = [apply("identity", node) for node in inputs]
        return backpropagate(_conv2d(*own, **y.options), [own[k]], g)[0]

    return backward


register(Operation("conv2d", "conv({0}, {1})", CALL, _convolved, _convolution_back))
