"""Checks of a generator's arguments that report everything wrong at once."""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Sequence
from math import isfinite
from numbers import Integral, Real
from typing import Any, TypeGuard

import numpy as np

from chainrule.core.errors import ConfigError, Problem, unknown
from chainrule.core.limits import MAX_DATA_BYTES

MOST = 10**12
"""The largest whole number where no other bound is given."""

MAX_SEED = 2**256 - 1
"""More than any source of seeds gives."""


class Checks:
    """Collects what is wrong with a set of arguments.

    Each method returns the checked value, or a harmless stand-in when it is wrong, so that
    the checks after it can go on; `finish` raises if anything was wrong.

    Example:
        >>> checks = Checks()
        >>> checks.integer("count", 10, at_least=1)
        10
        >>> _ = checks.integer("size", 1.5, at_least=1), checks.number("noise", -1, at_least=0)
        >>> checks.finish()
        Traceback (most recent call last):
        chainrule.core.errors.ConfigError: size must be a whole number of at least 1, not 1.5
        noise must be a number of at least 0, not -1
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def fail(self, message: str, key: str | None = None) -> None:
        """Note one thing that is wrong, with the argument ``key``."""
        self.problems.append(Problem(message, key=key))

    def finish(self) -> None:
        """Raise a `ConfigError` of everything noted, if there is anything."""
        if self.problems:
            raise ConfigError(self.problems)

    def integer(
        self, name: str, value: Any, *, at_least: int, at_most: int | None = None, most: int = MOST
    ) -> int:
        """A whole number within bounds; ``most`` is told only where it is passed."""
        found = as_integer(value)
        if at_most is None and found is not None and found > most:
            at_most = most
        if found is None or found < at_least or (at_most is not None and found > at_most):
            bounds = _bounds(at_least, at_most)
            self.fail(f"{name} must be a whole number {bounds}, not {_shown(value)}", name)
            return at_least
        return found

    def number(
        self, name: str, value: Any, *, at_least: float, at_most: float | None = None
    ) -> float:
        """A finite number within bounds."""
        good = isinstance(value, numbers.Real) and not isinstance(value, bool)
        found = _as_float(value) if good else math.nan
        if not (found >= at_least and found <= (math.inf if at_most is None else at_most)) or (
            math.isinf(found)
        ):
            bounds = _bounds(at_least, at_most)
            self.fail(f"{name} must be a number {bounds}, not {_shown(value)}", name)
            return at_least
        return found

    def whole_range(
        self, name: str, value: Any, *, at_least: int, at_most: int | None = None, limit: str = ""
    ) -> tuple[int, int]:
        """A range ``[lo, hi]`` of whole numbers, or one number for both ends.

        Args:
            name: the argument's name.
            value: what was given.
            at_least: the smallest ``lo``.
            at_most: the largest ``hi``.
            limit: what ``at_most`` is, in words, for the message.
        """
        both = [value, value] if as_integer(value) is not None else value
        ends = [as_integer(v) for v in both] if _is_list(both) and len(both) == 2 else []
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            shown = _shown(value)
            self.fail(f"{name} must be a range [lo, hi] of whole numbers, not {shown}", name)
        elif ends[0] > ends[1]:
            self.fail(f"{name} must be a range [lo, hi] with lo <= hi, not {_shown(value)}", name)
        elif ends[0] < at_least:
            self.fail(f"{name} must start at {at_least} or more, not at {_shown(ends[0])}", name)
        elif at_most is not None and ends[1] > at_most:
            end = _shown(ends[1])
            self.fail(f"{name} must not pass {limit or at_most}, but goes up to {end}", name)
        else:
            return ends[0], ends[1]
        return at_least, at_least

    def flag(self, name: str, value: Any, *, other: str = "") -> bool:
        """True or false; ``other`` is a word that the caller takes besides."""
        if not isinstance(value, bool | np.bool_):
            words = f"true, false or {other}" if other else "true or false"
            self.fail(f"{name} must be {words}, not {value!r}", name)
        return bool(value)

    def choice(self, name: str, value: Any, known: Sequence[str]) -> str:
        """One of the words in ``known``."""
        if value not in known:
            self.fail(unknown(name, value, known), name)
            return known[0]
        return str(value)

    def fractions(self, value: Any, name: str = "split") -> tuple[float, float, float]:
        """Three fractions that sum to 1, the first above 0; see `as_fractions`."""
        parts = list(value) if _is_list(value) else []
        good = [isinstance(v, numbers.Real) and not isinstance(v, bool) for v in parts]
        fallback = (1.0, 0.0, 0.0)
        if len(parts) != 3 or not all(good):
            shown = _shown(value)
            self.fail(
                f"{name} must be three fractions [train, validation, test], not {shown}", name
            )
            return fallback
        given = [_as_float(v) for v in parts]
        found = as_fractions(given)
        if not all(0 <= v <= 100 for v in given):
            self.fail(f"{name} must hold fractions between 0 and 1, not {_shown(value)}", name)
        elif found is None:
            total = f"{value!r} sums to {sum(given):.10g}"
            self.fail(f"{name} must sum to 1, or to 100 in percent, but {total}", name)
        elif found[0] == 0:
            self.fail(
                f"{name} must leave something to train on, but its first fraction is 0", name
            )
        else:
            first, second, third = found
            return first, second, third
        return fallback

    def room(self, what: str, size: int, key: str = "count") -> None:
        """Refuse an array of more than `core.limits.MAX_DATA_BYTES` before it is made."""
        if size > MAX_DATA_BYTES:
            gib = size / 2**30
            self.fail(
                f"{what} would need {gib:.1f} GiB; at most {MAX_DATA_BYTES // 2**30} are made",
                key,
            )


def as_integer(value: Any) -> int | None:
    """``value`` if it is a whole number (NumPy's too, but no bool), else None."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def _as_float(value: Any) -> float:
    """A real number as a float; infinity for a whole number beyond every float."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _is_list(value: Any) -> bool:
    return hasattr(value, "__len__") and hasattr(value, "__iter__") and not isinstance(value, str)


def _shown(value: Any) -> str:
    """A value as it is written, shortened; Python writes no integer of very many digits."""
    try:
        text = repr(value)
    except ValueError:
        return "a far larger number"
    return text if len(text) <= 60 else f"{text[:56]} ..."


def _bounds(at_least: float, at_most: float | None) -> str:
    low = f"{at_least:g}"
    return f"of at least {low}" if at_most is None else f"from {low} to {at_most:g}"


def as_fractions(parts: Sequence[float]) -> list[float] | None:
    """Fractions that sum to 1 within 1e-9, or percentages that sum to 100; None for others.

    Example:
        >>> as_fractions([0.7, 0.2, 0.1]), as_fractions([70, 20, 10]), as_fractions([7, 2, 1])
        ([0.7, 0.2, 0.1], [0.7, 0.2, 0.1], None)
    """
    total = sum(parts)
    if abs(total - 100) <= 1e-7:
        return [part / 100 for part in parts]
    return [float(part) for part in parts] if abs(total - 1) <= 1e-9 else None


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
