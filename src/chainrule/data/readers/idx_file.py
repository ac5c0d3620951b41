"""IDX files, the format of MNIST: a short header, then numbers; possibly packed.

The header is two zero bytes, a code for the type of the numbers, the number of dimensions, and the
length of each dimension as a big-endian 32-bit integer.
"""

from __future__ import annotations

import io
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_DATA_BYTES, MAX_DIMENSIONS
from chainrule.core.notation import sizes_text
from chainrule.data.readers.cases import Cases, Labels
from chainrule.data.readers.paths import refuse_bomb
from chainrule.data.readers.unpacking import is_packed, open_unpacked, unpacked_name

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""NumPy's dtype for each code of a type in the header."""


def is_idx(head: bytes, name: str) -> bool:
    """Whether a file is an IDX file, by its first bytes, unpacked, or its name in lower case."""
    by_content = len(head) > 3 and head[:2] == b"\0\0" and head[2] in TYPES
    by_name = unpacked_name(name).endswith(("-ubyte", ".idx"))
    return by_content or by_name


def read_idx_images(path: Path, labels: Path | None = None) -> Cases:
    """Read inputs from one IDX file, and their labels from another.

    Unsigned bytes are divided by 255, so that grey values lie in 0..1; other numbers stay.

    Args:
        path: the file of inputs, (cases, height, width) for images.
        labels: the file of labels, (cases,); None for inputs alone.

    Returns:
        x (cases, features), (cases, height, width) or (cases, height, width, 3), float32 for a
        file of float32 and otherwise float64; and the labels.

    Raises:
        DataError: a file is damaged, its length disagrees with its header, or the two have
            different numbers of cases.
    """
    values = read_idx(path)
    if values.ndim == 1:
        message = "found one number a case, as files of labels have; expected images"
        raise DataError(Problem(message, path))
    if values.ndim > 4 or (values.ndim == 4 and values.shape[3] != 3) or values.size == 0:
        raise DataError(Problem(f"found the dimensions {values.shape}; expected images", path))
    scale = 255.0 if values.dtype == np.uint8 else 1.0
    _refuse_non_finite(path, values)  # first, because arithmetic warns of some kinds of NaN
    x = values / scale
    found = None if labels is None else _read_labels(labels)
    if found is not None and len(found) != len(x):
        message = f"found {len(found)} labels for the {len(x)} images of {path}"
        raise DataError(Problem(message, labels))
    return Cases(x, found, image_shape=x.shape[1:] if x.ndim > 2 else None)


def read_idx(path: Path) -> Array:
    """The array of an IDX file, packed or not.

    Raises:
        DataError: the file cannot be read, is damaged, too large or empty.
        MissingExtraError: it is packed by zstandard, whose package is not installed.
    """
    with open_unpacked(path) as file:
        return _parse(path, file)


def _parse(path: Path, file: io.BufferedIOBase) -> Array:
    shape, dtype = _read_header(path, file)
    needed = dtype.itemsize * math.prod(shape)
    if needed > MAX_DATA_BYTES:
        size = f"{needed / 2**30:.1f}" if needed < 2**60 else "more than a billion"
        message = f"the header asks for {size} GiB; at most {MAX_DATA_BYTES // 2**30} are read"
        raise DataError(Problem(message, path))
    if needed == 0:
        raise DataError(Problem(f"found the dimensions {shape}; expected images", path))
    if is_packed(file):
        refuse_bomb(path, path.stat().st_size, needed)  # before anything is unpacked
    content = _at_most(file, needed + 1)
    if len(content) != needed:
        found = "more" if len(content) > needed else f"only {len(content)}"
        dimensions = sizes_text(shape)
        message = f"the header says {dimensions} numbers, {needed} bytes; found {found}"
        raise DataError(Problem(message, path))
    return np.frombuffer(content, dtype).astype(dtype.newbyteorder("=")).reshape(shape)


def _read_header(path: Path, file: io.BufferedIOBase) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype that the header states."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not magic[3]:
        raise DataError(Problem(f"not an IDX file: it begins with {magic.hex(' ')!r}", path))
    if magic[3] > MAX_DIMENSIONS:
        message = f"found {magic[3]} dimensions; at most {MAX_DIMENSIONS} are read"
        raise DataError(Problem(message, path))
    sizes = file.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(Problem("the file ends within its header", path))
    return struct.unpack(f">{magic[3]}I", sizes), np.dtype(TYPES[magic[2]])


def _at_most(file: io.BufferedIOBase, size: int) -> bytes:
    """Read up to ``size`` bytes in blocks, so that memory is only taken for bytes that exist."""
    content = io.BytesIO()
    while block := file.read(min(2**24, size - content.tell())):
        content.write(block)
    return content.getvalue()


def _read_labels(path: Path) -> Labels:
    values = read_idx(path)
    if values.ndim != 1:
        raise DataError(Problem(f"found {values.ndim} dimensions; a file of labels has one", path))
    _refuse_non_finite(path, values)

    def at(case: int, message: str) -> Problem:
        return Problem(f"label {case + 1} of {len(values)}: {message}", path)

    return Labels(values, at, path)


def _refuse_non_finite(path: Path, values: Array) -> None:
    if not np.isfinite(values).all():
        raise DataError(Problem("found NaN or infinity; expected finite numbers", path))
