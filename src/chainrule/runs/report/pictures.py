"""Arrays as small PNG pictures that stand in the page itself."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chainrule.core.arrays import Array

LARGEST_SIDE = 160
"""A picture of a case with more pixels on a side than this is made smaller."""

POSITIVE, NEGATIVE = (178, 58, 0), (11, 98, 164)
"""The colours of weights above and below 0, as red, green and blue."""


@dataclass(frozen=True)
class Picture:
    """A picture for an ``img`` element.

    Attributes:
        address: its content, as a ``data:`` address.
        width: in pixels.
        height: in pixels.
    """

    address: str
    width: int
    height: int


def picture(pixels: NDArray[np.uint8], largest: int | None = None) -> Picture:
    """An array as a picture.

    Args:
        pixels: (height, width), or (height, width, 3) or, with opacity, (height, width, 4).
        largest: the most pixels on a side; a larger picture is made smaller.
    """
    from PIL import Image

    image = Image.fromarray(pixels)
    if largest is not None and max(image.size) > largest:
        image.thumbnail((largest, largest))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    content = base64.b64encode(buffer.getvalue()).decode()
    return Picture(f"data:image/png;base64,{content}", *image.size)


def signed(values: Array) -> NDArray[np.uint8]:
    """Values from −1 to 1 as pixels: blue below 0, orange above, white at 0; NaN is transparent.

    Args:
        values: (height, width).

    Returns:
        (height, width, 4).
    """
    strength = np.abs(np.nan_to_num(values)).clip(0, 1)[..., None]
    color = np.where(values[..., None] < 0, NEGATIVE, POSITIVE)
    mixed = 255 - strength * (255 - color)
    opaque = np.where(np.isnan(values), 0, 255)[..., None]
    return np.concatenate([mixed, opaque], axis=-1).round().astype(np.uint8)


def shares(values: Array) -> NDArray[np.uint8]:
    """Values from 0 to 1 as one colour of that opacity, which suits light and dark.

    Args:
        values: (height, width).

    Returns:
        (height, width, 4).
    """
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = NEGATIVE
    pixels[..., 3] = (255 * np.sqrt(values.clip(0, 1))).round()
    return pixels
