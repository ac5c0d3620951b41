"""Hostile safetensors files of parameters."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from safetensors.numpy import save

from hostile.configurations_yaml import special_files
from hostile.good import parameters
from hostile.made import Bytes, Hostile, contents


def headed(header: Any, content: bytes = b"", length: int | None = None) -> bytes:
    """A file of any header: JSON, or bytes; its length may lie."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + content


def entry(shape: list[Any], start: int, end: int, dtype: Any = "F64") -> dict[str, Any]:
    """What a header says of one array."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def _whole(**changes: Any) -> bytes:
    """The network's own parameters, some of them changed."""
    arrays = {**parameters(), **{k.replace("__", "."): v for k, v in changes.items()}}
    return save({k: v for k, v in arrays.items() if v is not None})


def _bit(byte: int) -> bytes:
    whole = bytearray(_whole())
    whole[byte] ^= 0x10
    return bytes(whole)


def _nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


def _twice() -> bytes:
    """The network's own parameters, one of them named twice at the same place."""
    whole = _whole()
    length = struct.unpack("<Q", whole[:8])[0]
    header = whole[8 : 8 + length].rstrip()
    name, found = next(iter(json.loads(header).items()))
    again = json.dumps({name: found}).encode()[1:-1]
    return headed(header[:-1] + b"," + again + b"}", whole[8 + length :])


FILES: dict[str, Bytes] = {
    "nothing": b"",
    "seven bytes": b"\1\2\3\4\5\6\7",
    "a header of 2^64": headed({}, length=2**64 - 1),
    "a header of 2^63": headed({}, length=2**63),
    "a header of 100 MB said": headed({}, length=100_000_000),
    "a header a byte too long": headed({}, length=3),
    "a header of no length": headed(b""),
    "a header of nothing": headed({}),
    "a header of blanks": lambda: headed(b" " * 5_000_000),
    "a header that is a list": headed([]),
    "a header that is no JSON": headed(b"{'a': 1}"),
    "a header nested": lambda: headed(_nested(100_000)),
    "a header not UTF-8": headed(b'{"\xff": 1}'),
    "a header with NUL": headed(b'{"a\0": 1}'),
    "a header of a hundred thousand arrays": lambda: headed(
        {f"a{k}": entry([0], 0, 0) for k in range(100_000)}
    ),
    "a name of a million letters": lambda: headed({"a" * 1_000_000: entry([0], 0, 0)}),
    "a name with an escape sequence": headed({"\x1b[2J": entry([0], 0, 0)}),
    "a name that leads up": headed({"../../owned": entry([0], 0, 0)}),
    "names twice": headed(
        b'{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},'
        b'"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}', bytes(8)
    ),
    "names of the network twice": lambda: _twice(),
    "metadata twice": headed(b'{"__metadata__":{"a":"1"},"__metadata__":{"a":"2"}}'),
    "metadata that are a list": headed({"__metadata__": [1, 2]}),
    "metadata nested": headed({"__metadata__": {"a": {"b": {}}}}),
    "metadata of five megabytes": lambda: headed({"__metadata__": {"a": "x" * 5_000_000}}),
    "data that begin below zero": headed({"a": entry([1], -8, 0)}, bytes(8)),
    "data that end before they begin": headed({"a": entry([1], 8, 0)}, bytes(8)),
    "data of one offset": headed({"a": {**entry([1], 0, 8), "data_offsets": [0]}}, bytes(8)),
    "data of three offsets": headed({"a": {**entry([1], 0, 8), "data_offsets": [0, 8, 8]}}, bytes(8)),
    "data beyond the end": headed({"a": entry([1], 0, 2**60)}, bytes(8)),
    "data that overlap": headed({"a": entry([1], 0, 8), "b": entry([1], 0, 8)}, bytes(8)),
    "data with a hole": headed({"a": entry([1], 0, 8), "b": entry([1], 16, 24)}, bytes(24)),
    "data that nobody names": headed({"a": entry([1], 0, 8)}, bytes(800)),
    "fewer data than the shape": headed({"a": entry([1000, 1000], 0, 8)}, bytes(8)),
    "a shape that overflows": headed({"a": entry([2**40, 2**40], 0, 8)}, bytes(8)),
    "a shape that comes round to 8 bytes": headed({"a": entry([2**61 + 1], 0, 8)}, bytes(8)),
    "a shape below zero": headed({"a": entry([-1, -1], 0, 8)}, bytes(8)),
    "a shape of floats": headed({"a": entry([1.0], 0, 8)}, bytes(8)),
    "a shape of a thousand ones": headed({"a": entry([1] * 1000, 0, 8)}, bytes(8)),
    "a shape of texts": headed({"a": entry(["1"], 0, 8)}, bytes(8)),
    "no shape": headed({"a": {"dtype": "F64", "data_offsets": [0, 8]}}, bytes(8)),
    "no cases of endless width": headed({"a": entry([0, 2**62], 0, 0)}),
    "a type that is none": headed({"a": entry([1], 0, 8, "F1024")}, bytes(8)),
    "a type that NumPy lacks": headed({"a": entry([4], 0, 8, "BF16")}, bytes(8)),
    "a type of eight bits": headed({"a": entry([8], 0, 8, "F8_E4M3")}, bytes(8)),
    "a type that is a number": headed({"a": entry([1], 0, 8, 3)}, bytes(8)),
    "a type of whole numbers": lambda: _whole(dense_1__W=np.zeros((2, 3), np.int64)),
    "a type of truths": lambda: _whole(dense_1__W=np.zeros((2, 3), bool)),
    "another shape": lambda: _whole(dense_1__W=np.zeros((4, 2))),
    "a shape transposed": lambda: _whole(dense_1__W=np.zeros((3, 2))),
    "one dimension more": lambda: _whole(dense_1__W=np.zeros((1, 2, 3))),
    "nan": lambda: _whole(dense_1__W=np.full((2, 3), np.nan)),
    "infinity": lambda: _whole(dense_1__W=np.full((2, 3), np.inf)),
    "an array missing": lambda: _whole(dense_1__b=None),
    "an array too many": lambda: _whole(dense_9__W=np.zeros(2)),
    "a bit of the header's length": lambda: _bit(1),
    "a bit of a name": lambda: _bit(12),
    "a bit of the first quotes": lambda: _bit(9),
    "a byte too few": lambda: _whole()[:-1],
    "a byte too many": lambda: _whole() + b"\0",
    "cut in the header": lambda: _whole()[:50],
    "only the header": lambda: _whole()[:8 + struct.unpack("<Q", _whole()[:8])[0]],
    "a pickle": b"\x80\x04cposix\nsystem\n(Vtouch owned\ntR.",
    "a zip file, as PyTorch writes": b"PK\3\4" + bytes(200),
    "64 MiB of zeros": lambda: bytes(2**26),
    "64 MiB of an array nobody asked for": lambda: headed({"a": entry([2**23], 0, 2**26)}, bytes(2**26)),
}  # fmt: skip


def files() -> Iterator[Hostile]:
    """Each through the reader of parameters."""
    yield from contents("parameters", "parameters.safetensors", FILES)
    yield from special_files("parameters", "parameters.safetensors")
