"""The start state h(0) of a recurrence, as it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, unknown

STARTS = ("zeros", "learnt")


def given_start(start: Any, size: int) -> Array:
    """h(0), (size,), where it is not learnt; zeros, from which it starts, where it is.

    Args:
        start: a word of `STARTS`, or the numbers.
        size: how many units there are.

    Raises:
        ConfigError: neither a word of `STARTS` nor ``size`` numbers.
    """
    if isinstance(start, str):
        if start not in STARTS:
            raise ConfigError(unknown("start of a recurrent layer", start, STARTS))
        return np.zeros(size)
    numbers = list(start) if isinstance(start, Sequence | np.ndarray) else []
    if len(numbers) != size or not all(is_finite(v) for v in numbers):
        raise ConfigError(
            f"start is zeros, learnt, or a list of {size} finite numbers, one a unit; "
            f"found {start!r}"
        )
    return np.array(numbers, dtype=np.float64)
