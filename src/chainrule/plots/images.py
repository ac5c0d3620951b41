"""A grid of images, each under the name of its class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule.core.errors import ShapeError
from chainrule.plots.style import FAINT, LARGEST, blank, house_style, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# With more images than this, the grid is a square.
_FEW = 40
_WIDEST = 14.0  # inches


def image_grid(
    images: ArrayLike, labels: Sequence[object], *, title: str, columns: int = 5
) -> Figure:
    """Images side by side, pixel by pixel, with one scale of brightness for all.

    Images of only two values are drawn with the rarer value dark and the other white. Other grey
    images have the smallest value black and the largest white; non-negative values up to 1, and
    bytes, use the whole range 0 to 1 or 0 to 255. Colours are 0 to 255 for integers, else 0 to 1;
    values outside that range, as of standardised data, are rescaled to fill it.

    Args:
        images: (cases, height, width), or (cases, height, width, 1 or 3). A value that is not
            finite leaves its pixel white, or black in a colour image.
        labels: the text above each image, in the order of the images.
        title: of the figure.
        columns: images in a row, for up to 40 images; more are arranged in a square.

    Raises:
        ShapeError: the images have another shape, or another number of labels.

    Example:
        >>> figure = image_grid(np.eye(12).reshape(1, 12, 12), ["diagonal"], title="shapes")
        >>> figure.axes[0].get_title()
        'diagonal'
    """
    images = _checked(np.asarray(images), labels)
    columns = max(1, min(columns, len(images)))
    if len(images) > _FEW:
        columns = max(columns, math.ceil(math.sqrt(len(images))))
    rows = max(1, math.ceil(len(images) / columns))
    with house_style():
        figure = new_figure(*_size(images, rows, columns), title)
        if not len(images):
            blank(figure.subplots(), "no images")
            return figure
        pixels, scale = _scaled(images)
        limit = max(6, math.ceil(figure.get_figwidth() / columns * 7))
        for k, (image, label) in enumerate(zip(pixels, labels, strict=True)):
            axes = figure.add_subplot(rows, columns, k + 1)
            axes.imshow(image, interpolation="nearest", **scale)
            axes.set_title(plain(label, limit), fontsize=14)
            axes.grid(visible=False)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set(visible=True, color=FAINT, linewidth=0.8)
    return figure


def _checked(images: NDArray[Any], labels: Sequence[object]) -> NDArray[Any]:
    """The images; a last axis of length 1 is removed."""
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise ShapeError(
            "images have the shape (cases, height, width) or (cases, height, width, 3); "
            f"found {images.shape}"
        )
    if len(labels) != len(images):
        raise ShapeError(f"{len(images)} images need as many labels; found {len(labels)}")
    return images


def _size(images: NDArray[Any], rows: int, columns: int) -> tuple[float, float]:
    """The figure's width and height in inches, for tiles of the images' aspect."""
    height, width = images.shape[1:3] if images.size else (1, 1)
    aspect = min(4.0, max(0.25, height / width))
    tile = min(2.2, _WIDEST / columns, 2.6 / aspect)
    return max(4.5, columns * tile), rows * (tile * aspect + 0.4) + 0.6


def _scaled(images: NDArray[Any]) -> tuple[NDArray[Any], dict[str, Any]]:
    """The pixels to draw, and arguments for `imshow`: colour map and limits."""
    if images.ndim == 4:
        return _colors(images), {}
    values = images.astype(np.float64)
    grey = np.ma.masked_array(_rounded(values), mask=~np.isfinite(values))
    found = grey.compressed()
    low, high = float(found.min(initial=0)), float(found.max(initial=0))
    if low >= 0 and np.isin(found, (low, high)).all():
        high = high or 1.0
        rare_is_high = (found == high).mean() <= 0.5 if len(found) else True
        return grey, {"cmap": "gray_r" if rare_is_high else "gray", "vmin": 0.0, "vmax": high}
    if low >= 0:
        high = 1.0 if high <= 1 else 255.0 if images.dtype == np.uint8 else high
    return grey, {"cmap": "gray", "vmin": low, "vmax": high}


def shades(images: ArrayLike) -> NDArray[np.uint8]:
    """Images as red, green and blue from 0 to 255, in the brightness of `image_grid`.

    Args:
        images: as `image_grid` takes them, which have one scale of brightness.

    Returns:
        (cases, height, width, 3); a value that is not finite is white, or black in a colour image.

    Raises:
        ShapeError: the images have another shape.

    Example:
        >>> shades(np.array([[[0.0, 0.5], [0.5, 1.0]]]))[0, ..., 0].tolist()
        [[0, 128], [128, 255]]
    """
    found = np.asarray(images)
    pixels, scale = _scaled(_checked(found, [""] * len(found)))
    if pixels.ndim == 3:
        low, high = scale["vmin"], scale["vmax"]
        grey = (np.ma.filled(pixels, np.nan) - low) / ((high - low) or 1.0)
        grey = 1 - grey if scale["cmap"] == "gray_r" else grey
        pixels = np.repeat(np.nan_to_num(grey, nan=1.0)[..., None], 3, axis=-1)
    return (255 * pixels).round().astype(np.uint8)


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rounded to nine digits of the largest value, which undoes the rounding of a rescaling."""
    values = values.clip(-LARGEST, LARGEST)
    largest = float(np.abs(np.nan_to_num(values)).max(initial=0)) or 1.0
    rounded: NDArray[np.float64] = (values / largest).round(9) * largest
    return rounded


def _colors(images: NDArray[Any]) -> NDArray[np.float64]:
    """Red, green and blue from 0 to 1."""
    values = np.nan_to_num(images.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    values = values.clip(-LARGEST, LARGEST)
    if np.issubdtype(images.dtype, np.integer):
        values /= 255.0
    low, high = float(values.min(initial=0)), float(values.max(initial=1))
    return (values - low) / (high - low)
