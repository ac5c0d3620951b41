"""Arrays out of a safetensors file, after its header has been found to be one.

The file is the header's length in 8 bytes (little-endian), the header in JSON, and the numbers;
see https://huggingface.co/docs/safetensors. The library reads it; what it would let pass, or
take much memory for, is refused before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from chainrule.data.paths import read_bytes
from chainrule.errors import ChainruleError, Problem
from chainrule.json_text import parse_json
from chainrule.limits import MAX_DIMENSIONS, MAX_JSON_BRACKETS, MAX_TENSOR_HEADER_BYTES

Arrays = dict[str, npt.NDArray[Any]]


def read_tensors(path: Path) -> tuple[Arrays, dict[str, str]]:
    """The arrays of a safetensors file of parameters by name, and its metadata.

    Raises:
        ChainruleError: the file is missing, no ordinary file, too long, or no whole safetensors
            file of arrays as NumPy has them.
    """
    return parse_tensors(read_bytes(path), path, "parameters")


def parse_tensors(
    content: bytes,
    path: Path,
    what: str,
    header_bytes: int = MAX_TENSOR_HEADER_BYTES,
    brackets: int = MAX_JSON_BRACKETS,
) -> tuple[Arrays, dict[str, str]]:
    """The arrays that the content of a safetensors file holds, by name, and its metadata.

    Args:
        content: of the file.
        path: the file, for messages.
        what: the file is of.
        header_bytes: how long the header may be.
        brackets: how many lists and objects may stand in it.

    Raises:
        ChainruleError: this is no whole safetensors file of arrays as NumPy has them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        length = int.from_bytes(content[:8], "little")
        if len(content) < 8 or length > header_bytes:
            raise ValueError(f"a header of {length:,} bytes")
        header = parse_json(content[8 : 8 + length], brackets)
        size = 8 + length + _size_of(header)
        if len(content) != size:
            raise ValueError(f"its header is that of {size:,} bytes")
        arrays: Arrays = load(content)
    except (SafetensorError, ValueError, TypeError, AttributeError, KeyError) as error:
        # the last three are how it says that NumPy lacks a type, such as bfloat16
        message = f"this is no whole safetensors file of {what}: {error}"
        raise ChainruleError(Problem(message, path)) from None
    return arrays, _metadata(header)


def _size_of(header: Any) -> int:
    """The bytes of all arrays, which lie one behind the other.

    Raises:
        ValueError: an entry is none.
    """
    if not isinstance(header, dict):
        raise ValueError("its header is no mapping")
    end = 0
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, offsets = entry["shape"], entry["data_offsets"]
        numbers = [*shape, *offsets]
        if len(offsets) != 2 or not all(
            type(number) is int and 0 <= number < 2**48 for number in numbers
        ):
            raise ValueError(f"{name!r} is of a size that no file has")
        if len(shape) > MAX_DIMENSIONS:
            raise ValueError(f"{name!r} has {len(shape)} dimensions")
        end = max(end, offsets[1])
    return end


def _metadata(header: dict[str, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}
