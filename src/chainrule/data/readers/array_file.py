"""A single array from a file: .npy, .npz, or a text of rows of numbers."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.data.readers.delimited import read_delimited
from chainrule.data.readers.npz_file import read_header, read_member
from chainrule.data.readers.paths import read_bytes
from chainrule.data.tables.cells import TableOptions

TEXTS = (".csv", ".tsv", ".txt", ".dat")
"""How the names of texts end."""


def read_array(path: Path, name: str | None = None) -> Array:
    """The array in a file, in float64.

    Args:
        path: a file of NumPy's, .npy or .npz, or a text with a row of numbers on each line,
            separated by commas, semicolons, tabs or blanks, without names of columns.
        name: of an .npz file, which of its arrays; it may be left out if there is one.

    Raises:
        DataError: the file cannot be read, is damaged, or holds anything but finite numbers.
    """
    kind = path.suffix.lower()
    if kind == ".npz":
        found = read_member(path, name)
    elif name is not None:
        message = f"array: {shown(name)} names one of several arrays, but this file has only one"
        raise DataError(Problem(message, path))
    elif kind == ".npy":
        found = _npy(path)
    elif kind in TEXTS:
        found = _text(path)
    else:
        message = "an array is read from a .npy, .npz, .csv, .txt or .safetensors file"
        raise DataError(Problem(f"{message}, by the ending of its name", path))
    return finite(found, path)


def finite(found: Array, path: Path) -> Array:
    """An array from a file in float64.

    Raises:
        DataError: it is empty, or holds anything but finite real numbers; with the first place.
    """
    if found.dtype.kind not in "iuf":
        raise DataError(Problem(f"the array holds {found.dtype}; expected real numbers", path))
    if not (found.ndim and found.size):
        what = "empty" if found.ndim else "a single number"
        raise DataError(Problem(f"the array is {what}, of shape {found.shape}", path))
    values = found.astype(np.float64)
    for at in np.argwhere(~np.isfinite(values))[:1]:
        place = ", ".join(map(str, at))
        message = f"the array holds {values[tuple(at)]:g} at [{place}]; expected finite numbers"
        raise DataError(Problem(message, path))
    return values


def _npy(path: Path) -> Array:
    """An array of NumPy's own format, of which no code is run."""
    stream = io.BytesIO(read_bytes(path))
    try:
        shape, is_fortran, dtype = read_header(stream)
        content = stream.getbuffer()[stream.tell() :]
        if dtype.hasobject:
            raise ValueError("it holds Python objects, which are not loaded; save numbers")
        if dtype.itemsize * math.prod(shape) != len(content):
            raise ValueError(f"its header asks for {dtype.itemsize * math.prod(shape):,} bytes")
        array: Array = np.frombuffer(content, dtype)
        return array.reshape(shape, order="F" if is_fortran else "C")
    except (ValueError, OverflowError, EOFError) as error:
        reason = str(error).partition("\n")[0][:100]
        raise DataError(Problem(f"this is no .npy file, or damaged: {reason}", path)) from None


def _text(path: Path) -> Array:
    """Rows of numbers, (rows, columns)."""
    table = read_delimited(path, TableOptions(header=False))
    for number, column in enumerate(table.columns, start=1):
        if column.is_text:
            message = f"expected rows of numbers alone, found {shown(column.words[0])} in column "
            raise DataError(Problem(f"{message}{number}", path))
        if column.missing.any():
            row = int(column.missing.argmax())
            raise DataError(table.place(row, column.name, "expected a number, found none"))
    return np.stack([column.values for column in table.columns], axis=1)
