"""The frames of a training: its parameters at the start, after some epochs, and at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array

MOST_FRAME_BYTES = 2**26
"""The most bytes of parameters that are kept: of a large network there are fewer frames."""

FRAME_ARRAYS = ("epochs", "theta", "losses")
"""Frames as arrays: how many epochs had run (frames,); then a row for each frame."""


class Frame(NamedTuple):
    """The parameters after an epoch, with its losses.

    Attributes:
        epoch: how many epochs had run: 0 for the start; parts of one are only in frames of a
            training that is being followed.
        theta: all parameters, (parameters,).
        losses: the training and the validation loss of the epoch, (2,); NaN where there is none.
    """

    epoch: float
    theta: Array
    losses: Array


def problem_of_frames(found: Mapping[str, Any], size: int, dtype: Any) -> str | None:
    """Why arrays are no frames of a network of so many parameters; None if they are.

    Args:
        found: arrays by the names in `FRAME_ARRAYS`.
        size: the number of parameters.
        dtype: their floating-point type.
    """
    epochs, theta, losses = (found[name] for name in FRAME_ARRAYS)
    if epochs.ndim != 1 or epochs.dtype != np.int64 or (np.diff(epochs, prepend=-1) <= 0).any():
        return "the epochs of its frames are in no order"
    if (theta.shape, theta.dtype) != ((len(epochs), size), np.dtype(dtype)):
        return "its frames are those of another network"
    if (losses.shape, losses.dtype) != ((len(epochs), 2), np.float64):
        return "the losses of its frames are no table of numbers"
    return None if np.isfinite(theta).all() else "the parameters of a frame are not finite"
