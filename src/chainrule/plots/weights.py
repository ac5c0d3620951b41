"""The weights of a layer on images, drawn as images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import ShapeError
from chainrule.plots.style import blank, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More tiles than this would be too small to read.
MOST = 400
# Between tiles of fewer rows or columns than this the gap is one pixel instead of two.
_FEW_PIXELS = 8


def weight_images(
    W: ArrayLike,
    image_shape: tuple[int, ...],
    *,
    title: str,
    most: int = MOST,
    what: str = "units",
) -> Figure:
    """The incoming weights of each unit, arranged as the image that is the unit's input.

    Weights on grey images are drawn red where positive, blue where negative and white at 0, each
    unit by its largest magnitude. Weights on images in colour are drawn as colours, each unit
    rescaled from its smallest to its largest weight. The units of largest norm come first.

    Args:
        W: weights, (inputs, units), as ``layer.W`` has them.
        image_shape: (height, width), (height, width, 1) or (height, width, 3) of an input.
        title: of the figure.
        most: how many units to show at most.
        what: the plural noun for the units in the title.

    Raises:
        ShapeError: the inputs are not the pixels of an image of that shape.

    Example:
        >>> figure = weight_images(np.eye(12), (3, 4), title="units that see one pixel each")
        >>> figure.axes[0].get_title()
        '12 units'
    """
    sheet, shown = weight_sheet(W, image_shape, most)
    with house_style():
        figure = new_figure(9, 9.6, title)
        axes = figure.subplots()
        if not shown:
            blank(axes, f"no {what}")
            return figure
        if sheet.ndim == 3:
            axes.imshow(np.nan_to_num(sheet, nan=1.0), interpolation="nearest")
        else:
            drawn = axes.imshow(sheet, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
            ticks = (-1, -0.5, 0, 0.5, 1)
            scale = figure.colorbar(
                drawn, ax=axes, location="bottom", shrink=0.5, aspect=40, ticks=ticks
            )
            scale.set_label("weight, by the largest in its tile")
        axes.set_axis_off()
        units = np.shape(W)[1]
        rest = f" of the largest weights, of {units:,}" if shown < units else ""
        axes.set_title(f"{shown} {what}{rest}")
    return figure


def weight_sheet(
    W: ArrayLike, image_shape: tuple[int, ...], most: int = MOST
) -> tuple[NDArray[np.float64], int]:
    """The tiles of `weight_images` as one array.

    Args:
        W: weights, (inputs, units).
        image_shape: (height, width), (height, width, 1) or (height, width, 3) of an input.
        most: how many units to show at most.

    Returns:
        The sheet with NaN between the tiles, and how many tiles there are. Weights on grey images
        are divided by the largest of their tile, (rows, columns); those on images in colour are
        rescaled to fill 0 to 1, (rows, columns, 3).

    Raises:
        ShapeError: the inputs are not the pixels of an image of that shape.
    """
    W = np.asarray(W, dtype=float)
    is_image = len(image_shape) >= 2 and image_shape[2:] in ((), (1,), (3,))
    if W.ndim != 2 or len(W) != math.prod(image_shape) or not is_image:
        raise ShapeError(f"weights of shape {W.shape} are no images of shape {image_shape}")
    chosen = np.argsort(-np.linalg.norm(W, axis=0), kind="stable")[:most]
    images = W.T[chosen].reshape(len(chosen), *(*image_shape, 1)[:3])
    if not images.size:
        return np.empty((0, 0)), 0
    gap = 1 if min(images.shape[1:3]) < _FEW_PIXELS else 2
    if images.shape[3] == 3:
        return tiled(stretched(images), padding=gap, fill=np.nan), len(chosen)
    largest = np.abs(images).max(axis=(1, 2, 3), keepdims=True)
    relative = images / np.where(largest > 0, largest, 1.0)  # -1 to 1
    return tiled(relative, padding=gap, fill=np.nan)[..., 0], len(chosen)


def filter_images(W: ArrayLike, *, title: str, most: int = MOST) -> Figure:
    """The filters of a convolution: in colour if they have 3 channels, else a tile per channel.

    Args:
        W: filters, (filters, channels, rows, columns), as ``layer.W`` has them.
        title: of the figure.
        most: how many tiles to show at most; those of largest norm.

    Raises:
        ShapeError: W does not have four axes.

    Example:
        >>> figure = filter_images(np.ones((8, 3, 5, 5)), title="eight filters of colours")
        >>> figure.axes[0].get_title()
        '8 filters'
    """
    rows, shape, what = filter_tiles(W)
    return weight_images(rows, shape, title=title, most=most, what=what)


def filter_tiles(W: ArrayLike) -> tuple[NDArray[np.float64], tuple[int, ...], str]:
    """The filters of a convolution as the weights of units on images, for `weight_sheet`.

    Args:
        W: filters, (filters, channels, rows, columns).

    Returns:
        Weights (inputs, tiles), the shape of a tile, and what the tiles are.

    Raises:
        ShapeError: W does not have four axes.
    """
    W = np.asarray(W, dtype=float)
    if W.ndim != 4:
        raise ShapeError(
            f"filters have the shape (filters, channels, rows, columns), found {W.shape}"
        )
    filters, channels, *sides = W.shape
    if channels == 3:
        tiles, shape, what = W.transpose(0, 2, 3, 1), (*sides, 3), "filters"
    else:
        tiles, shape = W.reshape(-1, *sides), tuple(sides)
        what = "filters" if channels == 1 else f"channels of {filters} filters"
    return tiles.reshape(len(tiles), -1).T, shape, what


def stretched(images: NDArray[Any]) -> NDArray[np.float64]:
    """Each image rescaled so that its values fill 0 to 1; an image of one value becomes 0.

    Args:
        images: (cases, height, width, channels).
    """
    low = images.min(axis=(1, 2, 3), keepdims=True)
    spread = images.max(axis=(1, 2, 3), keepdims=True) - low
    return np.asarray((images - low) / np.where(spread > 0, spread, 1.0), dtype=float)


def tiled(images: NDArray[Any], *, padding: int, fill: float = 0.0) -> NDArray[np.float64]:
    """Images side by side in a nearly square grid, as one image.

    Args:
        images: (cases, height, width, channels).
        padding: pixels between two images.
        fill: the value of pixels that belong to no image.

    Returns:
        (rows · (height + padding) − padding, columns · (width + padding) − padding, channels).

    Example:
        >>> tiled(np.ones((3, 1, 1, 1)), padding=1)[..., 0]
        array([[1., 0., 1.],
               [0., 0., 0.],
               [1., 0., 0.]])
    """
    count, height, width, channels = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / max(columns, 1))
    down, across = height + padding, width + padding
    sheet = np.full((rows * down - padding, columns * across - padding, channels), float(fill))
    for k, image in enumerate(images):
        top, left = k // columns * down, k % columns * across
        sheet[top : top + height, left : left + width] = image
    return sheet
