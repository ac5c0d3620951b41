"""The header of an array as NumPy writes it, read without evaluating it.

NumPy's header is the text of a Python dictionary of three entries, such as
``{'descr': '<f8', 'fortran_order': False, 'shape': (4, 2), }``. Only that form is read, by its
pattern; what a structure of named fields would need, which hold no numbers for us, is refused.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import re
import struct
from typing import IO, NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.core.limits import MAX_DIMENSIONS, MAX_HEADER_BYTES

_LENGTHS = {1: "<H", 2: "<I", 3: "<I"}
_ENTRY = re.compile(
    r"\s*+'(?:(descr)'\s*+:\s*+'([<>=|]?[a-zA-Z][0-9]{0,10}(?:\[[a-z]{1,3}\])?)'"
    r"|(fortran_order)'\s*+:\s*+(True|False)"
    r"|(shape)'\s*+:\s*+\(((?:\s*+[0-9]{1,19}L?+\s*+,)*+(?:\s*+[0-9]{1,19}L?+\s*+)?+)\))\s*+,?+"
)


class Header(NamedTuple):
    """What a header says.

    Attributes:
        dtype: of the numbers.
        fortran: whether the first index runs fastest.
        shape: of the array.
    """

    dtype: np.dtype[np.generic]
    fortran: bool
    shape: tuple[int, ...]

    @property
    def needed(self) -> int:
        """The bytes of the numbers."""
        size = self.dtype.itemsize
        for length in self.shape:
            size *= length
        return size


def read_header(file: IO[bytes]) -> Header:
    """The header with which a .npy file begins; the position is behind it then.

    Raises:
        ValueError: it is none, or says what is not read; in words.
    """
    magic = file.read(8)
    form = _LENGTHS.get(magic[6]) if len(magic) == 8 else None
    if form is None or not magic.startswith(b"\x93NUMPY"):
        raise ValueError("it does not begin as an array of NumPy does")
    said = file.read(struct.calcsize(form))
    if len(said) < struct.calcsize(form):
        raise ValueError("it is cut short")
    (length,) = struct.unpack(form, said)
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length:,} bytes")
    found = dict(_entries(file.read(length).decode("latin-1")))
    if found.keys() != {"descr", "fortran_order", "shape"}:
        raise ValueError("its header is not NumPy's")
    shape = tuple(int(n.strip().removesuffix("L")) for n in found["shape"].split(",") if n.strip())
    if len(shape) > MAX_DIMENSIONS:
        raise ValueError(f"{len(shape)} dimensions; at most {MAX_DIMENSIONS} are read")
    try:
        dtype = np.dtype(found["descr"])
    except (TypeError, ValueError):
        raise ValueError(f"numbers of the type {found['descr']!r}") from None
    return Header(dtype, found["fortran_order"] == "True", shape)


def _entries(text: str) -> list[tuple[str, str]]:
    """The names and values of a header, each once."""
    inside = text.strip()
    if not (inside.startswith("{") and inside.endswith("}")):
        return []
    entries, at = [], 1
    while match := _ENTRY.match(inside, at):
        name, value = (group for group in match.groups() if group is not None)
        entries.append((name, value))
        at = match.end()
    whole = not inside[at:-1].strip() and len({name for name, _ in entries}) == len(entries)
    return entries if whole else []


def read_array(file: IO[bytes], header: Header) -> npt.NDArray[np.generic]:
    """The numbers behind a header, whose size has been found to be right.

    Raises:
        ValueError: there are fewer of them.
    """
    content = file.read(header.needed)
    if len(content) != header.needed:
        raise ValueError("it is cut short")
    array = np.frombuffer(content, header.dtype)
    return array.reshape(header.shape, order="F" if header.fortran else "C")
