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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Up to this many images the grid keeps the columns it was given; more make it square.
_FEW = 40
_WIDEST = 14.0  # inches


def image_grid(
    images: ArrayLike, labels: Sequence[object], *, title: str, columns: int = 5
) -> Figure:
    """Images side by side, pixel by pixel, with one scale of brightness for all.

    Images of two values are drawn as ink on paper, the rarer value dark; grey ones with the
    smallest value black and the largest white, where values that fit 0 to 1 or 0 to 255 take
    that whole range. Colours of integers are 0 to 255 and others 0 to 1; if they leave that
    range (standardised data do), they are stretched to fill it.

    Args:
        images: (cases, height, width), or (cases, height, width, 1 or 3). A value that is not
            finite leaves its pixel white, or black in a colour image.
        labels: what to write above each image, in the order of the images.
        title: what is shown.
        columns: images in a row, for up to 40 images.

    Raises:
        ShapeError: the images have another shape, or there are more or fewer labels.

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
            _frame(axes)
    return figure


def _checked(images: NDArray[Any], labels: Sequence[object]) -> NDArray[Any]:
    """The images with a last axis only if they have colours."""
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
    """The pixels to draw, and how Matplotlib is to read them."""
    if images.ndim == 4:
        return _colors(images), {}
    values = images.astype(np.float64)
    grey = np.ma.masked_array(_tidy(values), mask=~np.isfinite(values))
    found = grey.compressed()
    low, high = float(found.min(initial=0)), float(found.max(initial=0))
    if low >= 0 and np.isin(found, (low, high)).all():
        high = high or 1.0
        rare_is_high = (found == high).mean() <= 0.5 if len(found) else True
        return grey, {"cmap": "gray_r" if rare_is_high else "gray", "vmin": 0.0, "vmax": high}
    if low >= 0:
        high = 1.0 if high <= 1 else 255.0 if images.dtype == np.uint8 else high
    return grey, {"cmap": "gray", "vmin": low, "vmax": high}


def _tidy(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nine digits of the largest value: scaled and scaled back, 0 and 1 are 0 and 1 again."""
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


def _frame(axes: Axes) -> None:
    """A thin line around the image, and nothing else."""
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT, linewidth=0.8)
