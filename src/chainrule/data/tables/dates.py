"""Texts that are dates."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, shown

_DAYS = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y")
_FORMS = [f"{day}{time}" for time in ("", " %H:%M", " %H:%M:%S") for day in _DAYS]
"""How dates are written beside ISO 8601; the one that all cells of a column have is taken."""

_ENOUGH = 500


def are_dates(words: Sequence[str]) -> bool:
    """Whether texts are dates, by the first ones; they may be day first or month first.

    Example:
        >>> are_dates(["2026-11-30", "2026-12-01 08:15"]), are_dates(["01.12.2026"])
        (True, True)
        >>> are_dates(["2026", "2027"]), are_dates(["12-34", "Oslo"]), are_dates([])
        (False, False, False)
    """
    some = list(islice(words, _ENOUGH))
    if not some or not all(len(word) > 7 and word[:1].isdigit() for word in some):
        return False
    return _iso(some) is not None or any(_all_in(form, some) for form in _FORMS)


def dates_of(words: Sequence[str], name: str) -> Array:
    """Texts as dates, (words,) datetime64.

    Args:
        words: the texts.
        name: of their column, for messages.

    Raises:
        ConfigError: they are not all dates of one form, or it is open which number is the day.
    """
    iso = _iso(words)
    if iso is not None:
        return iso
    found = [form for form in _FORMS if _all_in(form, words)]
    if len(found) == 1:
        parsed = [datetime.strptime(word, found[0]) for word in words]
        return np.array(parsed, dtype="datetime64[us]")
    example = shown(words[0], 40)
    message = f"time: {name} holds texts such as {example}, which are no dates of one form"
    if len(found) > 1:
        message = f"time: dates such as {example} may be day first or month first"
    raise ConfigError(Problem(f"{message}; write them as 2026-11-30", key="time"))


def _iso(words: Sequence[str]) -> Array | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # of time zones: NumPy converts to UTC
            return np.array(words, dtype="datetime64[us]")
    except ValueError:
        return None


def _all_in(form: str, words: Sequence[str]) -> bool:
    try:
        for word in words:
            datetime.strptime(word, form)
    except ValueError:
        return False
    return True
