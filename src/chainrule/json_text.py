"""JSON out of a file: each key once, finite numbers, and no more than a run has to say."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from chainrule.limits import MAX_JSON_BRACKETS, MAX_JSON_VALUES


def parse_json(content: bytes, at_most: int = MAX_JSON_BRACKETS) -> Any:
    r"""The value that a JSON text in UTF-8 holds.

    Args:
        content: the text.
        at_most: how many lists and objects it may hold.

    Raises:
        ValueError: it is no JSON, is nested deeply, holds more than a run has to say, a key
            twice, or a number that is not finite; in words.

    Example:
        >>> parse_json(b'{"loss": 0.5}')
        {'loss': 0.5}
        >>> parse_json(b'{"loss": 1e309}')
        Traceback (most recent call last):
        ValueError: 1e309 is no finite number
    """
    # Counted before they take memory: a list of nothing takes twenty times its two brackets.
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > at_most or content.count(b",") > MAX_JSON_VALUES:
        raise ValueError("it holds more values than any run")
    try:
        return json.loads(
            content.decode("utf-8"),
            parse_constant=_no_number,
            parse_float=_finite,
            object_pairs_hook=_each_once,
        )
    except UnicodeDecodeError:
        raise ValueError("it is not text in UTF-8") from None
    except RecursionError:
        raise ValueError("values are nested too deeply") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no finite number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is no finite number")
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def is_number(value: Any) -> bool:
    """Whether a value is a number that fits into a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) < 2**1000
