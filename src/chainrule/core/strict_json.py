"""JSON for files, with unique keys, finite numbers and a limited number of values.

Both directions have the same limits: `as_json` writes nothing that `parse_json` would refuse.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from chainrule.core.limits import MAX_JSON_BRACKETS, MAX_JSON_BYTES, MAX_JSON_VALUES

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")

_SURROGATE = re.compile("[\ud800-\udfff]")


def as_json(value: Any, indent: int | None = None, *, at_most: int = MAX_JSON_BYTES) -> str:
    r"""The JSON text from which `parse_json` reads the value back.

    Of the characters beyond ASCII only lone surrogates, which UTF-8 cannot encode, are escaped;
    Python uses them for undecodable bytes in a file's name.

    Args:
        value: made of dict, list, str, int, finite float, bool and None.
        indent: as of `json.dumps`.
        at_most: the most bytes that the text's reader accepts.

    Raises:
        ValueError: `parse_json` would refuse the text; the message says why.

    Example:
        >>> as_json({"δ": [0.5, None], "file": "caf\udce9"})
        '{"δ": [0.5, null], "file": "caf\\udce9"}'
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    content = text.encode()
    if len(content) > at_most:
        raise ValueError(f"it takes {len(content):,} bytes; at most {at_most:,} are read")
    _require_few(content)
    return text


def finite_or_null(value: Any) -> Any:
    """The value with None for each number that is not finite, because JSON has no such numbers.

    Example:
        >>> finite_or_null({"loss": [0.5, math.inf]})
        {'loss': [0.5, None]}
    """
    if isinstance(value, dict):
        return {key: finite_or_null(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite_or_null(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def parse_json(content: bytes) -> Any:
    r"""The value that a JSON text in UTF-8 holds.

    Args:
        content: the text.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or holds more values than a run has, a
            repeated key, or a number that is not finite; the message says which.

    Example:
        >>> parse_json(b'{"loss": 0.5}')
        {'loss': 0.5}
        >>> parse_json(b'{"loss": 1e309}')
        Traceback (most recent call last):
        ValueError: 1e309 is no finite number
    """
    _require_few(content)
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


def _require_few(content: bytes) -> None:
    """Refuse more brackets or commas, those inside strings included, than any run needs.

    They are counted before parsing, because an empty list takes twenty times the memory of its
    two brackets.

    Raises:
        ValueError: there are more.
    """
    brackets = content.count(b"[") + content.count(b"{")
    if brackets > MAX_JSON_BRACKETS or content.count(b",") > MAX_JSON_VALUES:
        raise ValueError("it holds more values than any run")


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


def as_model(model: type[M], value: Any) -> M:
    """Validate a value by a pydantic model.

    Raises:
        ValueError: the model refuses it; the message has the first place and what is wrong.
    """
    from pydantic import ValidationError

    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            raise ValueError(f"{at} is missing") from None
        message = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{at}: {message}" if at else message) from None
