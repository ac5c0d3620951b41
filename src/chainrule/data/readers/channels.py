"""Where the colours of an image stand.

Most files hold the three numbers of a pixel together, (height, width, 3), as one looks at an
image; convolution takes a plane a colour, (3, height, width).
"""

from __future__ import annotations

import numpy as np

from chainrule.core.arrays import Array

Shape = tuple[int, ...] | None


def are_last(shape: Shape) -> bool:
    """Whether images of this shape have their colours last.

    Example:
        >>> [are_last(shape) for shape in ((32, 32, 3), (3, 32, 32), (16, 16), None)]
        [True, False, False, False]
    """
    return shape is not None and len(shape) == 3 and shape[2] in (1, 3)


def are_first(shape: Shape) -> bool:
    """Whether images of this shape have a plane a colour; last where both could be meant."""
    return shape is not None and len(shape) == 3 and shape[0] in (1, 3) and not are_last(shape)


def picture_shape(shape: Shape) -> Shape:
    """The shape of an image with its colours last, wherever they stood.

    Example:
        >>> [picture_shape(shape) for shape in ((3, 32, 16), (32, 16, 3), (32, 16))]
        [(32, 16, 3), (32, 16, 3), (32, 16)]
    """
    if shape is None or not are_first(shape):
        return shape
    return (shape[1], shape[2], shape[0])


def placed(x: Array, shape: Shape, channels: str | None) -> Array:
    """Colour images with their colours where they are wanted; other inputs as they are.

    Args:
        x: (cases, *shape) or the same in rows.
        shape: of an image as it lies in x; None for inputs that are no images.
        channels: ``first``, ``last``, or None for where they stand.

    Returns:
        (cases, channels, height, width) or (cases, height, width, channels), or in rows where
        ``x`` is.

    Example:
        >>> placed(np.array([[1, 2, 3, 4, 5, 6]]), (1, 2, 3), "first")
        array([[1, 4, 2, 5, 3, 6]])
    """
    if shape is None:
        return x
    if channels == "first" and are_last(shape):
        axes = (0, 3, 1, 2)
    elif channels == "last" and are_first(shape):
        axes = (0, 2, 3, 1)
    else:
        return x
    moved = np.ascontiguousarray(x.reshape(-1, *shape).transpose(axes))
    return moved.reshape(len(x), -1) if x.ndim == 2 else moved
