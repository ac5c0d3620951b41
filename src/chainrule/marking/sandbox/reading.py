"""Read what came back from the sandbox, strictly: plain numbers and short texts, or nothing.

Whatever ran inside may have written these lines itself, so nothing in them is believed: not their
types, sizes or names, and whether an input was changed is found by comparing it here.
"""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import printable
from chainrule.marking.sandbox.inside.sending import MOST_LETTERS, MOST_NUMBERS, as_text

KINDS = ("error", "time", "memory", "ended", "missing", "no number", "import", "syntax", "files")
"""The kinds of trouble."""

_TYPES = [f"{order}{code}" for order in "<>=|" for code in
          ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")]  # fmt: skip
_NAMES = (
    "array", "matrix", "NumPy scalar", "list", "tuple", "float", "int", "bool", "str", "None",
    "complex", "dict", "set", "range", "generator", "function", "method", "ndarray",
    "MaskedArray",
)  # fmt: skip
_TYPE_NAMES = {
    f"{word}{bits}"
    for word, sizes in {
        "int": (8, 16, 32, 64), "uint": (8, 16, 32, 64), "float": (16, 32, 64, 128),
        "complex": (64, 128, 256), "bool": ("",), "object": ("",),
    }.items()
    for bits in sizes
}  # fmt: skip

OTHER = "an object of another class"
"""The name of a kind that is none of the usual ones; the submission's own words are not shown."""

_MOST_SHOWN = 300
_MOST_PRINTED = 2_000
_MOST_AXES = 32


@dataclass(frozen=True)
class Trouble:
    """Why a call gave no value, or not all of them.

    Attributes:
        kind: ``error`` (an exception), ``time``, ``memory``, ``ended`` (the process ended by
            itself or was killed), ``missing`` (there is no such module, class, function or key;
            the text begins with its name), ``no number`` (what was returned cannot be read as
            numbers), ``import`` (of what the assignment does not allow), ``syntax`` (the file
            cannot be read as Python 3) or ``files`` (the submission's files cannot be read).
        text: what is reported of it, printable; empty where nothing is.
        line: the line of the submission's file where it was raised, if known.
        file: that file, relative to the submission.
    """

    kind: str
    text: str = ""
    line: int | None = None
    file: str | None = None


@dataclass(frozen=True)
class Kind:
    """What a returned value was, before it was read as numbers.

    Attributes:
        name: ``array``, ``NumPy scalar``, ``list``, ``tuple``, ``float``, ``int``, ``bool``,
            ``str``, ``None``, ``dict`` and a few more, or `OTHER`.
        type: of its numbers, such as ``float64``; ``object`` for what are none, and empty where
            it has none.
        shape: as NumPy has it; None where it has none.
    """

    name: str
    type: str = ""
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Returned:
    """What one call gave.

    Attributes:
        values: plain numbers or text by the names of the program's lines, those that could be
            read. Booleans, integers and float32 stay what they were.
        trouble: what kept the others from being read, the first of it; None if nothing did.
        changed: the inputs that the call changed in place.
        printed: what the submission printed, shortened.
        kinds: what the values were, also of those that could not be read.
        unread: for each line without a value, why, where the call itself went through.
    """

    values: Mapping[str, Array | str] = field(default_factory=dict)
    trouble: Trouble | None = None
    changed: tuple[str, ...] = ()
    printed: str = ""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    unread: Mapping[str, Trouble] = field(default_factory=dict)


def read_trouble(found: Any, files: Collection[str]) -> Trouble | None:
    """A trouble that was reported from the inside; None where there is none.

    Args:
        found: what came back.
        files: the names of the submission's files; no other is believed.
    """
    if not isinstance(found, dict):
        return None
    kind = found.get("kind")
    file, line = found.get("file"), found.get("line")
    is_place = file in files if isinstance(file, str) else False
    is_line = isinstance(line, int) and not isinstance(line, bool) and 0 < line < 10**6
    return Trouble(
        kind if kind in KINDS else "error",
        read_text(found.get("text"), _MOST_SHOWN),
        line if is_place and is_line else None,
        file if is_place else None,
    )


def read_text(found: Any, most: int = MOST_LETTERS) -> str:
    """A text without control characters, cut to a length; empty for anything else."""
    return printable(found[:most]) if isinstance(found, str) else ""


def read_answer(
    answer: Mapping[str, Any],
    given: Mapping[str, Any],
    lines: Collection[str],
    files: Collection[str],
) -> Returned:
    """What one call gave.

    Args:
        answer: what came back of it.
        given: its inputs as they were sent.
        lines: the names of what it should return; others are not read.
        files: the names of the submission's files.
    """
    values: dict[str, Array | str] = {}
    kinds: dict[str, Kind] = {}
    unread: dict[str, Trouble] = {}
    trouble = read_trouble(answer.get("trouble"), files)
    found = answer.get("values")
    found = found if isinstance(found, dict) else {}
    for line in lines:
        one = found.get(line)
        one = one if isinstance(one, dict) else {}
        if (kind := _read_kind(one.get("kind"))) is not None:
            kinds[line] = kind
        value = _read_value(one)
        if value is not None:
            values[line] = value
        elif trouble is None:
            unread[line] = read_trouble(one.get("trouble"), files) or _no_number(line, one)
    first = trouble or next(iter(unread.values()), None)
    printed = read_text(answer.get("printed"), _MOST_PRINTED)
    return Returned(values, first, _changed(answer, given), printed, kinds, unread)


def _no_number(line: str, found: Mapping[str, Any]) -> Trouble:
    why = read_text(found.get("refused"), _MOST_SHOWN) or "it cannot be read as numbers"
    return Trouble("no number", f"{line}: {why}")


def _changed(answer: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, ...]:
    """The inputs that came back otherwise than they went; only what holds others can change."""
    after = answer.get("inputs")
    after = after if isinstance(after, dict) else {}
    return tuple(
        name
        for name, value in given.items()
        if isinstance(value, dict)
        and not value.get("scalar")
        and not _is_kept(after.get(name), value)
    )


def _is_kept(after: Any, before: Mapping[str, Any]) -> bool:
    """Whether an input is as it was, but for roundings: ``w += h; w -= h`` may leave some."""
    if as_text(after) == as_text(before):
        return True
    arrays = [_read_value({"array": one}) for one in (after, before)]
    if not all(isinstance(one, np.ndarray) and one.dtype.kind == "f" for one in arrays):
        return False
    a, b = (np.asarray(one, float) for one in arrays)
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-13, equal_nan=True)


def _read_kind(found: Any) -> Kind | None:
    if not isinstance(found, dict):
        return None
    name, of = found.get("name"), found.get("type")
    return Kind(
        name if name in _NAMES else OTHER,
        of if isinstance(of, str) and (of in _TYPE_NAMES or not of) else "object",
        _shape(found.get("shape")),
    )


def _shape(found: Any) -> tuple[int, ...] | None:
    if not isinstance(found, list) or len(found) > _MOST_AXES:
        return None
    is_shape = all(type(n) is int and 0 <= n < 2**62 for n in found)
    return tuple(found) if is_shape else None


def _read_value(found: Mapping[str, Any]) -> Array | str | None:
    """Plain numbers, rebuilt here from their bytes, or a text; None for anything else."""
    if isinstance(found.get("text"), str):
        return read_text(found["text"])
    array = found.get("array")
    if not isinstance(array, dict):
        return None
    text, shape = array.get("bytes"), _shape(array.get("shape"))
    if not isinstance(text, str) or shape is None or array.get("type") not in _TYPES:
        return None
    try:
        content = b64decode(text, validate=True)
    except ValueError:
        return None
    numbers = math.prod(shape)
    if math.prod(n for n in shape if n) > MOST_NUMBERS:  # not even an empty array may be so long
        return None
    kind = np.dtype(array["type"])
    if len(content) != numbers * kind.itemsize:
        return None
    if kind.kind == "b":  # a byte that is neither 0 nor 1 is no truth
        return (np.frombuffer(content, np.uint8) != 0).reshape(shape)
    return np.frombuffer(content, kind).reshape(shape).astype(kind.newbyteorder("="))
