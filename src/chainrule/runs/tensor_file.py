"""Write arrays to safetensors files and read them; headers are checked before memory is allocated.

A file consists of the header's length in 8 bytes (little-endian), the header in JSON, and the
arrays' bytes; see https://huggingface.co/docs/safetensors. The library safetensors encodes and
decodes it. Headers that it would accept although they are wrong or need much memory are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import ChainruleError, Problem
from chainrule.core.files import require_own
from chainrule.core.limits import MAX_DIMENSIONS, MAX_TENSOR_HEADER_BYTES, machine_memory
from chainrule.core.strict_json import parse_json
from chainrule.data.readers.paths import existing_file, read_bytes

Arrays = dict[str, npt.NDArray[Any]]
Shapes = dict[str, tuple[int, ...]]


def packed(
    path: Path, arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]
) -> bytes:
    """The content of a safetensors file, which `parse_tensors` can read.

    Args:
        path: the file to be written, for messages.
        arrays: the arrays by name.
        metadata: texts by name.

    Raises:
        ChainruleError: the header could not be read back, for example if it is too long.
    """
    from safetensors.numpy import save

    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    content: bytes = save(whole, metadata=dict(metadata))
    try:
        _checked_header(content[: 8 + MAX_TENSOR_HEADER_BYTES], len(content))
    except ValueError as error:
        message = f"this file could not be read back, and is not written: {error}"
        raise ChainruleError(Problem(message, path)) from None
    return content


def read_shapes(path: Path, what: str = "parameters") -> Shapes:
    """The shape of every array of a run's safetensors file; only the header is read.

    Args:
        path: the file.
        what: what the file holds, for messages.

    Raises:
        ChainruleError: the file is missing, is a link, pipe or device, or its header is damaged or
            does not match the file's length.
    """
    require_own(path)
    return read_header(path, what)[0]


def read_header(path: Path, what: str) -> tuple[Shapes, dict[str, str]]:
    """The shape of every array of a safetensors file, and its metadata; the rest is not read.

    Raises:
        ChainruleError: as `read_shapes`, but the file may be a link.
    """
    length = existing_file(path, at_most=machine_memory()).stat().st_size
    try:
        with path.open("rb") as file, _named(path, what):
            start = file.read(8)
            start += file.read(min(int.from_bytes(start, "little"), MAX_TENSOR_HEADER_BYTES))
            header = _checked_header(start, length)
            texts = _texts(header)
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror})"
        raise ChainruleError(Problem(problem, path)) from None
    shapes = {name: tuple(entry["shape"]) for name, entry in header.items() if name != _METADATA}
    return shapes, texts


def _texts(header: dict[str, Any]) -> dict[str, str]:
    """The metadata in a header, which `_checked_header` returned."""
    return {str(k): str(v) for k, v in header.get(_METADATA, {}).items()}


def read_tensors(path: Path, what: str = "parameters") -> tuple[Arrays, dict[str, str]]:
    """The arrays of a run's safetensors file by name, and its metadata.

    Args:
        path: the file.
        what: what the file holds, for messages.

    Raises:
        ChainruleError: as `read_own` and `parse_tensors`.
    """
    return parse_tensors(read_own(path), path, what)


def read_own(path: Path) -> bytes:
    """The content of one of a run's files of arrays.

    Raises:
        ChainruleError: the file is missing, is a link, pipe or device, or is larger than the
            machine's memory.
    """
    require_own(path)
    return read_bytes(path, at_most=machine_memory())


def parse_tensors(content: bytes, path: Path, what: str) -> tuple[Arrays, dict[str, str]]:
    """The arrays that the content of a safetensors file holds, by name, and its metadata.

    Args:
        content: the content of the file.
        path: the file, for messages.
        what: what the file holds, for messages.

    Raises:
        ChainruleError: the content is not a complete safetensors file, or NumPy lacks a type.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with _named(path, what, SafetensorError):
        header = _checked_header(content, len(content))
        arrays: Arrays = load(content)
    return arrays, _texts(header)


_METADATA = "__metadata__"


@contextmanager
def _named(path: Path, what: str, *more: type[Exception]) -> Iterator[None]:
    """Turn an error in a file's content into a message that names the file."""
    # safetensors raises the last three if NumPy lacks a type, such as bfloat16.
    kinds: tuple[type[Exception], ...] = (ValueError, TypeError, AttributeError, KeyError)
    try:
        yield
    except (*kinds, *more) as error:
        message = f"this is no whole safetensors file of {what}: {error}"
        raise ChainruleError(Problem(message, path)) from None


def _checked_header(content: bytes, length: int) -> dict[str, Any]:
    """The header at the beginning of ``content``, the start of a file of ``length`` bytes.

    Raises:
        ValueError, TypeError, AttributeError, KeyError: it is damaged or implies another length.
    """
    header_length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or header_length > MAX_TENSOR_HEADER_BYTES:
        raise ValueError(f"a header of {header_length:,} bytes")
    header = parse_json(content[8 : 8 + header_length])
    size = 8 + header_length + _size_of(header)
    if length != size:
        raise ValueError(f"its header is that of {size:,} bytes")
    return header


def _size_of(header: Any) -> int:
    """The number of bytes of all arrays; raises an error for an entry that is not an array."""
    if not isinstance(header, dict):
        raise ValueError("its header is no mapping")
    total = 0
    for name, entry in header.items():
        if name == _METADATA:
            continue
        shape, (start, end) = entry["shape"], entry["data_offsets"]
        if not all(type(n) is int and 0 <= n < 2**48 for n in (*shape, start, end)):
            raise ValueError(f"{name!r} is of a size that no file has")
        if len(shape) > MAX_DIMENSIONS:
            raise ValueError(f"{name!r} has {len(shape)} dimensions")
        if prod(shape) > 2 * (end - start):  # the smallest type, F4, has two numbers per byte
            raise ValueError(f"{name!r} has more numbers than its bytes hold")
        total += end - start
    return total
