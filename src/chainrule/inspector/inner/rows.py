"""The inner arrays of layers of rows: the mask of dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.inspector.record import Record


def keep_mask(record: Record, k: int, x: Array) -> None:
    """Keep the mask of a dropout layer: 0 where a number is left out, else 1 / (1 − rate)."""
    layer: Any = record.layer(k)
    mask = np.ones_like(x) if layer.mask is None else layer.mask
    says = "0 where a number is left out; the others are made larger, by 1 / (1 − rate)."
    record.keep(k, "mask", mask, "value", "m", layer.input_shape, says)
