"""Plain values as a YAML text that reads back as the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isinf, isnan
from typing import Any

from chainrule.config.reading.tree import plain_scalar

# Words that YAML reads as themselves in any position; all others are put in quotes.
_SAFE = re.compile(r"[A-Za-z_./][\w./+-]*\Z", re.ASCII)


def write_yaml(value: Mapping[str, Any]) -> str:
    """A configuration's sections with a key or a layer per line and the rest in flow style.

    Example:
        >>> print(write_yaml({"data": {"name": "iris", "split": [0.5, 0.5, 0.0]}}))
        data:
          name: iris
          split: [0.5, 0.5, 0.0]
        <BLANKLINE>
    """
    return "\n".join(_lines(value)) + "\n"


def _lines(sections: Mapping[str, Any]) -> Iterator[str]:
    for name, section in sections.items():
        yield f"{name}:"
        for key, value in section.items():
            if isinstance(value, list) and any(isinstance(item, dict) for item in value):
                yield f"  {flow(key)}:"
                yield from (f"    - {flow(item)}" for item in value)
            else:
                yield f"  {flow(key)}: {flow(value)}"


def flow(value: Any) -> str:
    """A value on one line.

    Example:
        >>> flow({"type": "elu", "alpha": 1e-4, "names": ["a", "1", "b: c"], "x": None})
        '{type: elu, alpha: 0.0001, names: [a, "1", "b: c"], x: null}'
    """
    if isinstance(value, Mapping):
        items = ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items())
        return f"{{{items}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, float):
        return _number(value)
    return _text(value) if isinstance(value, str) else str(value)


def _number(value: float) -> str:
    if isnan(value):
        return ".nan"
    if isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return repr(value)


def _text(text: str) -> str:
    """A text unchanged if YAML reads it as itself, in double quotes otherwise."""
    if _SAFE.match(text) and plain_scalar(text) == text:
        return text
    return f'"{"".join(_escaped(char) for char in text)}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    # Unprintable characters, such as the byte order mark, must be escaped in YAML.
    return char if char.isprintable() else f"\\U{ord(char):08X}"
