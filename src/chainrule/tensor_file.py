"""Arrays out of a safetensors file, after its header has been found to be one.

The file is the header's length in 8 bytes (little-endian), the header in JSON, and the numbers;
see https://huggingface.co/docs/safetensors. The library reads it; what it would let pass, or
take much memory for, is refused before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy.typing as npt

from chainrule.data.paths import existing_file
from chainrule.errors import ChainruleError, Problem
from chainrule.json_text import parse_json
from chainrule.limits import MAX_DIMENSIONS, MAX_TENSOR_HEADER_BYTES

Arrays = dict[str, npt.NDArray[Any]]


def read_tensors(path: Path) -> tuple[Arrays, dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    Raises:
        ChainruleError: the file is missing, no ordinary file, too long, or no whole safetensors
            file of arrays as NumPy has them.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    existing_file(path)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or length > MAX_TENSOR_HEADER_BYTES:
                raise ValueError(f"a header of {length:,} bytes")
            header = file.read(length)
            size = 8 + length + _size_of(parse_json(header))
            if path.stat().st_size != size:
                raise ValueError(f"its header is that of {size:,} bytes")
            arrays: Arrays = load(start + header + file.read())
    except OSError as error:
        raise ChainruleError(Problem(f"cannot read this file: {error.strerror}", path)) from None
    except (SafetensorError, ValueError, TypeError, AttributeError, KeyError) as error:
        # the last three are how it says that NumPy lacks a type, such as bfloat16
        message = f"this is no whole safetensors file of parameters: {error}"
        raise ChainruleError(Problem(message, path)) from None
    return arrays, _metadata(parse_json(header))


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
