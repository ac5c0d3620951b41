"""Which values count as numbers, and how large a number may be.

Configurations (`core.schema`) and constructors check every number by `is_finite` or `is_whole`.
This module imports nothing that takes time.
"""

from __future__ import annotations

from math import isfinite
from numbers import Integral, Real
from typing import TypeGuard

from chainrule.core.errors import ConfigError, shown

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


# Checks of the options of optimisers, schedules and callbacks.


def require(name: str, is_right: bool, expected: str, value: object) -> None:
    """Refuse the value of an option.

    Args:
        name: of the option.
        is_right: whether the value is right.
        expected: what a value must be.
        value: the value, for the message.

    Raises:
        ConfigError: it is not right.
    """
    if not is_right:
        raise ConfigError(f"{name} must be {expected}, found {shown(value)}")


def require_fraction(name: str, value: object) -> None:
    """Refuse what is no number of at least 0 and below 1."""
    require(name, is_finite(value) and 0 <= value < 1, "at least 0 and below 1", value)


def require_share(name: str, value: object) -> None:
    """Refuse what is no number from 0 to 1."""
    require(name, is_finite(value) and 0 <= value <= 1, "from 0 to 1", value)


def require_above_0(name: str, value: object) -> None:
    """Refuse what is no finite number above 0."""
    require(name, is_finite(value) and value > 0, "finite and above 0", value)


def require_at_least_0(name: str, value: object) -> None:
    """Refuse what is no finite number of at least 0."""
    require(name, is_finite(value) and value >= 0, "finite and at least 0", value)


def require_count(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is no whole number of at least ``least`` and at most ``most``."""
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    is_right = is_whole(value, least) and (most is None or value <= most)
    require(name, is_right, f"a whole number {bounds}", value)


def require_flag(name: str, value: object) -> None:
    """Refuse what is neither true nor false."""
    require(name, isinstance(value, bool), "true or false", value)
