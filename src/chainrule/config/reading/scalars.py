"""What an unquoted word means: a number, a truth value, nothing, or itself.

Both forms of a configuration and ``--set`` share this reading, the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/, section 10.3.2): ``1e-4`` is a number, and only ``true`` and
``false`` are truth values, so that ``no`` and ``on`` stay words.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}\Z")
_BASED = re.compile(r"0(?:o[0-7]{1,4000}|x[0-9a-fA-F]{1,3000})\Z")
_FLOAT = re.compile(r"(?=.*[.eE])[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z")
_NAN = (".nan", ".NaN", ".NAN")


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted word.

    Example:
        >>> [plain_scalar(word) for word in ("10", "1e-4", "true", "relu", "null")]
        [10, 0.0001, True, 'relu', None]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _INFINITY.match(text) or text in _NAN:
        return float(text.replace(".", "", 1))
    return text
