"""Which values count as numbers, and how large a number may be.

Configurations (`core.schema`) and constructors check every number by `is_finite` or `is_whole`.
This module imports nothing that takes time.
"""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import TypeGuard

MOST = 10**12
"""The largest whole number that is accepted where no other bound is given."""

MAX_SEED = 2**256 - 1
"""The largest seed. Sources of seeds, such as NumPy's, give at most 128 bits."""


def is_finite(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite real number; booleans and strings do not count.

    Example:
        >>> [is_finite(value) for value in (1, 0.5, float("nan"), "1", True)]
        [True, True, False, False, False]
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False


def is_whole(value: object, at_least: int | None = None) -> TypeGuard[int]:
    """Whether ``value`` is an integer of at least ``at_least``; booleans do not count.

    Example:
        >>> [is_whole(value) for value in (-1, 1.0, True)], is_whole(-1, at_least=0)
        ([True, False, False], False)
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        return False
    return at_least is None or int(value) >= at_least
