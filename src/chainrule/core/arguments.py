"""Whether an argument is a number, and how large a number may be."""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import TypeGuard

MOST = 10**12
"""The largest whole number where no other bound is given."""

MAX_SEED = 2**256 - 1
"""More than any source of seeds gives."""


def is_finite(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite real number; a truth value or a text is none.

    Example:
        >>> [is_finite(value) for value in (1, 0.5, float("nan"), "1", True)]
        [True, True, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # a whole number beyond every float
        return False


def is_whole(value: object) -> bool:
    """Whether ``value`` is a whole number; a truth value is none.

    Example:
        >>> [is_whole(value) for value in (1, 1.0, True)]
        [True, False, False]
    """
    return isinstance(value, Integral) and not isinstance(value, bool)
