"""What goes in and out of the sandbox, as JSON: arrays by type, shape and bytes in base64."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
from numpy import asarray, ascontiguousarray

MOST_NUMBERS = 1_000_000
"""The most numbers of one array that comes back."""

MOST_LETTERS = 1_000_000
"""The most letters of a returned text."""

_PLAIN = (bool, int, float, str, type(None))


def encoded(value: Any) -> Any:
    """An input as JSON: arrays, NumPy's scalars, numbers, texts, and lists, tuples, dicts of them.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind not in "biufcSU":
            raise TypeError(f"arrays of {value.dtype} cannot be inputs")
        found = _array(asarray(value))
        return {**found, "scalar": True} if isinstance(value, np.generic) else found
    if isinstance(value, list | tuple):
        return {type(value).__name__: [encoded(one) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[encoded(key), encoded(one)] for key, one in value.items()]}
    if isinstance(value, _PLAIN):
        return value
    raise TypeError(f"{type(value).__name__} cannot be an input")


def decoded(value: Any) -> Any:
    """The inverse of `encoded`; every array is new and may be written in."""
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        flat = np.frombuffer(b64decode(value["bytes"]), value["type"])
        found = flat.reshape(value["shape"]).copy()
        return found[()] if value.get("scalar") else found
    if "dict" in value:
        return {decoded(key): decoded(one) for key, one in value["dict"]}
    if "tuple" in value:
        return tuple(decoded(one) for one in value["tuple"])
    return [decoded(one) for one in value["list"]]


def _array(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    text = b64encode(ascontiguousarray(array).tobytes()).decode("ascii")
    return {"type": array.dtype.str, "shape": list(array.shape), "bytes": text}


def as_text(value: Any) -> str:
    """JSON in one spelling, by which two inputs are compared, NaN included."""
    return json.dumps(value, sort_keys=True)


def returned(value: Any) -> dict[str, Any]:
    """What a submission returned, with what it was; ``refused`` says why there is no number.

    The value of any class becomes an array of plain numbers or is refused.
    """
    kind = _kind(value)
    if type(value) is str:
        if len(value) > MOST_LETTERS:
            return {"kind": kind, "refused": f"a text of {len(value):,} letters"}
        return {"kind": kind, "text": value}
    try:
        array = _plain(value)
    except MemoryError:
        raise
    except Exception as error:
        return {"kind": kind, "refused": str(error)[:200] or type(error).__name__}
    kind["type"], kind["shape"] = kind["type"] or array.dtype.name, list(array.shape)
    return {"kind": kind, "array": _array(array)}


def _kind(value: Any) -> dict[str, Any]:
    """What a value is: a word, the type of its numbers, its shape where it has one."""
    found = type(value)
    if issubclass(found, np.ndarray):
        name = "array" if found is np.ndarray else found.__name__
        return {"name": name, "type": str(value.dtype), "shape": list(value.shape)}
    if issubclass(found, np.generic):
        return {"name": "NumPy scalar", "type": str(value.dtype), "shape": []}
    return {"name": "None" if value is None else found.__name__, "type": "", "shape": None}


def _plain(value: Any) -> np.ndarray[Any, Any]:
    if value is None:
        raise ValueError("it is None")
    if isinstance(value, dict | set | frozenset | bytes):
        raise ValueError(f"it is a {type(value).__name__}, no number or array")
    array = asarray(value)
    if array.size > MOST_NUMBERS:
        raise ValueError(f"it has {array.size:,} numbers; at most {MOST_NUMBERS:,} are read")
    if array.dtype.kind == "c":
        raise ValueError("it has complex numbers")
    if array.dtype.kind not in "biuf":
        array = asarray([float(one) for one in array.ravel()]).reshape(array.shape)
    if array.dtype.itemsize > 8 or array.dtype == np.float16:
        array = array.astype(float)
    return array.astype(array.dtype.newbyteorder("="))
