"""Images side by side, under the name that the exercise's script imports."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from chainrule.plots.weights import stretched, tiled

Array = npt.NDArray[Any]


def visualize_grid(Xs: Array, ubound: float = 255.0, padding: int = 1) -> Array:
    """Images as one, each stretched from its smallest to its largest value.

    Args:
        Xs: images, (N, H, W, C).
        ubound: what the largest value of each becomes; the smallest becomes 0.
        padding: black pixels between two images.

    Returns:
        The sheet, (rows · (H + padding) − padding, columns · (W + padding) − padding, C).
    """
    return ubound * tiled(stretched(Xs), padding=padding)
