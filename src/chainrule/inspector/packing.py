"""Arrays as bytes for the page: exact where they are small, in 255 levels where they are large.

What is packed begins with the length of a header, four bytes, little-endian. The header is JSON,
padded; the numbers follow, each array at a multiple of eight bytes from the beginning.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.core.arrays import Array

MOST_EXACT = 2_048
"""An array of more numbers is sent in levels; what is looked at closely is asked for exactly."""

LEVELS = 127
NOT_FINITE = -128
"""The level of NaN and of what is infinite."""


def packed(
    header: Mapping[str, Any], arrays: Mapping[str, Array], *, exact: bool = False
) -> bytes:
    """A header and arrays by key.

    The header gets ``arrays``: of each its ``key`` and ``shape``, where it ``start`` s, in bytes
    behind the header, its ``largest`` number that is finite, and its ``scale``, the number that a
    level stands for; 0 where the numbers are there themselves, as float64.

    Args:
        header: what goes before, as JSON.
        arrays: by key.
        exact: whether all of them are sent exactly.
    """
    parts: list[bytes] = []
    told, start = [], 0
    for key, values in arrays.items():
        if exact or values.size <= MOST_EXACT:
            scale, largest, numbers = 0.0, _largest(values), values.astype("<f8")
        else:
            scale, largest, numbers = _levels(values)
        part = _padded(numbers.tobytes())
        shape = [*values.shape]
        told.append(
            {"key": key, "shape": shape, "start": start, "scale": scale, "largest": largest}
        )
        parts.append(part)
        start += len(part)
    text = json.dumps({**header, "arrays": told}, allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return b"".join([len(text).to_bytes(4, "little"), text, *parts])


def _padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 8)


def _largest(values: Array) -> float:
    """The largest |number| that is finite."""
    largest = float(np.abs(values).max(initial=0.0))
    if np.isfinite(largest):
        return largest
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0))


def _levels(values: Array) -> tuple[float, float, Array]:
    """What a level stands for, the largest number, and the level of each number as int8."""
    largest = _largest(values)
    scale = largest / LEVELS or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        levels = np.rint(values / scale)
        levels[~np.isfinite(levels)] = NOT_FINITE
        return scale, largest, levels.astype(np.int8)
