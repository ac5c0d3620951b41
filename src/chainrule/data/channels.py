"""The two orders of the numbers of a colour image: colours last, as in files, or first.

Readers and pictures have (height, width, colours); layers on images take (colours, height,
width). Grey images have one order only.
"""

from __future__ import annotations

import numpy as np

from chainrule.data.dataset import Array


def colours_first(x: Array, image_shape: tuple[int, ...] | None) -> Array:
    """Images with their colours last in the order that layers on images take.

    Args:
        x: (cases, ...), flat or not.
        image_shape: (height, width) or (height, width, colours), or None of what is no image.

    Returns:
        The same cases, of the same shape if flat, else (cases, colours, height, width).

    Example:
        >>> colours_first(np.array([[1, 10, 2, 20]]), (1, 2, 2))  # two dots of two colours
        array([[ 1,  2, 10, 20]])
    """
    if image_shape is None or len(image_shape) != 3:
        return x
    planes = x.reshape(len(x), *image_shape).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(planes.reshape(x.shape) if x.ndim == 2 else planes)


def colours_last(x: Array, image_shape: tuple[int, ...]) -> Array:
    """Images in the order that layers take as (cases, height, width[, colours]).

    Args:
        x: (cases, ...), flat or not.
        image_shape: (height, width) or (height, width, colours).

    Example:
        >>> colours_last(np.array([[1, 2, 10, 20]]), (1, 2, 2))[0, 0].tolist()
        [[1, 10], [2, 20]]
    """
    if len(image_shape) != 3:
        return x.reshape(len(x), *image_shape)
    height, width, colours = image_shape
    return x.reshape(len(x), colours, height, width).transpose(0, 2, 3, 1)


def shape_for_layers(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(channels, height, width) of images of that shape; grey ones have one channel.

    Example:
        >>> shape_for_layers((32, 30, 3)), shape_for_layers((16, 16))
        ((3, 32, 30), (1, 16, 16))
    """
    height, width, *colours = image_shape
    return (colours[0] if colours else 1, height, width)
