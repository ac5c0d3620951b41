"""Tables from the Arrow C data interface, by which libraries pass columns in memory.

polars, pyarrow, DuckDB and others give their tables as a stream of C structures
(``__arrow_c_stream__``). They are read here directly, so that none of these libraries is needed:
https://arrow.apache.org/docs/format/CDataInterface.html. The caller vouches for the addresses in
them: a table from a file must have been validated before.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.data.tables.table import Column, Table, numeric_column, positional_name
from chainrule.data.tables.typed_cells import (
    as_utf8,
    categorical_column,
    coded_column,
    date_column,
    decimal_numbers,
    join_columns,
    joined,
    loses_digits,
    rounding_notes,
    seconds_column,
)


class _Schema(ctypes.Structure):
    """The name and the type of a column: ``struct ArrowSchema``."""


class _Array(ctypes.Structure):
    """The buffers of a column: ``struct ArrowArray``."""


class _Stream(ctypes.Structure):
    """The chunks of a table: ``struct ArrowArrayStream``."""


_Release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)

_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Schema))),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_void_p)),
    ("release", _Release),
    ("private_data", ctypes.c_void_p),
]


class _Owned:
    """A structure that another library filled, given back to it when nothing uses it any more."""

    def __init__(self, structure: Any) -> None:
        self.structure = structure

    def __del__(self) -> None:
        if self.structure.release:
            self.structure.release(ctypes.addressof(self.structure))


class _View:
    """Memory of another library, which NumPy sees as an array and keeps alive with its owner."""

    def __init__(self, address: int, count: int, dtype: np.dtype[Any], owner: Any) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address, True),
            "shape": (count,),
            "typestr": dtype.str,
        }


def view(address: int | None, count: int, dtype: Any, owner: Any) -> Array:
    """The memory at an address as a read-only array of ``count`` entries, without a copy."""
    dtype = np.dtype(dtype)
    if count <= 0 or not address:
        return np.zeros(max(count, 0), dtype)
    return np.asarray(_View(address, count, dtype, owner))


def bits(address: int, offset: int, count: int, owner: Any) -> Array:
    """A bitmap, the least significant bit first, as (count,) bool."""
    content = view(address, (offset + count + 7) // 8, np.uint8, owner)
    return np.unpackbits(content, bitorder="little", count=offset + count)[offset:].astype(bool)


class _Piece(NamedTuple):
    """The part of a column that lies in one chunk of its table.

    Attributes:
        schema: the structure of its type.
        array: the structure of its buffers.
        name: of the column, for messages.
        first: the row of the table that its first cell is in.
        owner: what keeps the buffers alive.
        offset: how many cells of the buffers come before the first.
        length: the number of cells.
    """

    schema: Any
    array: Any
    name: str
    first: int
    owner: Any
    offset: int
    length: int

    @property
    def form(self) -> str:
        """The type, in the words of the C data interface."""
        return (self.schema.format or b"").decode("utf-8", "replace")

    def numbers(self, dtype: Any, index: int = 1, more: int = 0) -> Array:
        """The entries of a buffer of fixed width, (length + more,)."""
        address = self.array.buffers[index] if index < self.array.n_buffers else None
        return view(address, self.offset + self.length + more, dtype, self.owner)[self.offset :]

    @property
    def valid(self) -> Array:
        """Which cells are not missing, (length,) bool."""
        address = self.array.buffers[0] if self.array.n_buffers else None
        if not address or self.array.null_count == 0:
            return np.ones(self.length, dtype=bool)
        return bits(address, self.offset, self.length, self.owner)

    def inner(self) -> _Piece:
        """The items of a column of lists, all of them."""
        items = self.array.children[0].contents
        return _Piece(
            self.schema.children[0].contents, items, self.name, 0, self.owner, items.offset,
            items.length,
        )  # fmt: skip

    def at(self, row: int, message: str) -> Problem:
        """A problem at a row of this piece."""
        return Problem(f"column {shown(self.name)}, row {self.first + row}: {message}")

    def refused(self, what: str, advice: str) -> DataError:
        """The error for a type that is not read."""
        return DataError(f"the column {shown(self.name)} holds {what}; {advice}")


def table_of_stream(data: Any) -> Table:
    """The table that an object with ``__arrow_c_stream__`` gives.

    Numbers that are float64 already, in one chunk and without missing cells, are not copied. Dates
    and times become texts of ISO 8601, decimals and durations (in seconds) numbers; categories
    keep their order, and lists of texts are joined by ``|``.

    Raises:
        DataError: a column holds lists of numbers, records or another type that is no cell of a
            table, or the library that gives the stream reports an error.
    """
    schema, chunks = _read_stream(data)
    columns, rounded = [], []
    for index, pieces in enumerate(_pieces(schema, chunks)):
        name = _name(schema, index)
        columns.append(_column(name, pieces))
        if any(_loses_digits(piece) for piece in pieces):
            rounded.append(name)
    if not columns:
        raise DataError("the table has no columns")
    return Table(tuple(columns), notes=rounding_notes(rounded))


def _read_stream(data: Any) -> tuple[_Owned, list[_Owned]]:
    """The type of a stream and its chunks."""
    capsule = data.__arrow_c_stream__()
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    address = pointer(capsule, b"arrow_array_stream")
    stream = _Stream.from_address(address)
    schema = _Owned(_Schema())
    _checked(stream, address, stream.get_schema(address, ctypes.byref(schema.structure)))
    chunks: list[_Owned] = []
    while True:
        chunk = _Owned(_Array())
        _checked(stream, address, stream.get_next(address, ctypes.byref(chunk.structure)))
        if not chunk.structure.release:
            return schema, chunks
        chunks.append(chunk)


def _checked(stream: Any, address: int, code: int) -> None:
    """Refuse a stream whose library reports an error."""
    if code:
        reason = (stream.get_last_error(address) or b"").decode("utf-8", "replace")
        reason = reason.partition("\n")[0] or f"error {code}"
        raise DataError(f"the table cannot be read ({reason})")


def _pieces(schema: _Owned, chunks: Sequence[_Owned]) -> Iterator[list[_Piece]]:
    """The pieces of each column; a stream that is no table is one column."""
    whole = schema.structure
    is_table = whole.format == b"+s"
    for index in range(whole.n_children if is_table else 1):
        form, first, found = whole, 0, []
        if is_table:
            form = whole.children[index].contents
        for chunk in chunks:
            root = chunk.structure
            array = root.children[index].contents if is_table else root
            # A chunk of a table may begin in the middle of its columns.
            offset = array.offset + (root.offset if is_table else 0)
            name = _name(schema, index)
            found.append(_Piece(form, array, name, first, chunk, offset, root.length))
            first += root.length
        yield found


def _name(schema: _Owned, index: int) -> str:
    whole = schema.structure
    named = whole.children[index].contents if whole.format == b"+s" else whole
    return (named.name or b"").decode("utf-8", "replace") or positional_name(index)


def _column(name: str, pieces: Sequence[_Piece]) -> Column:
    """One column from its pieces."""
    if not pieces:
        return Column(name, np.empty(0), "float")
    form = pieces[0].form
    if form[:2] in ("td", "ts") and not pieces[0].schema.dictionary:
        times = np.concatenate([_times(piece) for piece in pieces])
        return date_column(name, times, in_utc=len(form) > len("tsn:"))
    return join_columns([_decoded(piece) for piece in pieces])


def _decoded(piece: _Piece) -> Column:
    """The column of one piece, by its type."""
    name, form = piece.name, piece.form
    if piece.schema.dictionary:
        return _categories(piece)
    if form in _NUMBERS:
        return _numbers(piece)
    if form == "b":
        found = bits(piece.array.buffers[1], piece.offset, piece.length, piece.owner)
        return Column(name, np.where(piece.valid, found, np.nan), "bool")
    if form == "n":
        return Column(name, np.full(piece.length, np.nan), "float")
    if form[:2] == "d:":
        return numeric_column(name, _decimals(piece))
    if form[:2] in ("td", "ts"):
        return date_column(name, _times(piece), in_utc=len(form) > len("tsn:"))
    if form[:2] == "tD":
        values = piece.numbers("i8").view(f"m8[{_UNITS[form[2]]}]")
        return seconds_column(name, np.where(piece.valid, values, np.timedelta64("NaT")))
    if form[:2] == "tt":
        return coded_column(name, _missing_out(piece, _clock(piece)))
    if form[:2] in ("+l", "+L", "+w"):
        return coded_column(name, _lists(piece))

    def problem(message: str) -> Problem:
        return Problem(f"column {shown(name)}: {message}")

    return coded_column(name, _byte_cells(piece), lambda cell: as_utf8(cell, problem))


_NUMBERS = {
    "c": "i1", "C": "u1", "s": "i2", "S": "u2", "i": "i4", "I": "u4", "l": "i8", "L": "u8",
    "e": "f2", "f": "f4", "g": "f8",
}  # fmt: skip
"""NumPy's dtype for each type of number."""

_UNITS = {"D": "D", "s": "s", "m": "ms", "u": "us", "n": "ns"}

_MILLISECONDS_A_DAY = 86_400_000


def _numbers(piece: _Piece) -> Column:
    found = piece.numbers(_NUMBERS[piece.form])
    valid = piece.valid
    if not valid.all():
        found = np.where(valid, found, np.nan)
    return numeric_column(piece.name, found)


def _loses_digits(piece: _Piece) -> bool:
    """Whether the piece holds integers that float64 does not hold."""
    is_whole = piece.form in ("l", "L") and not piece.schema.dictionary
    return is_whole and loses_digits(piece.numbers(_NUMBERS[piece.form])[piece.valid])


def _times(piece: _Piece) -> Array:
    """The moments of a column of dates or timestamps, datetime64."""
    form = piece.form
    if form == "tdD":
        found = piece.numbers("i4").astype("i8").view("M8[D]")
    elif form == "tdm":
        found = (piece.numbers("i8") // _MILLISECONDS_A_DAY).view("M8[D]")
    else:
        found = piece.numbers("i8").view(f"M8[{_UNITS[form[2]]}]")
    return np.where(piece.valid, found, np.datetime64("NaT"))


def _clock(piece: _Piece) -> list[str]:
    """Times of the day as texts, such as 07:30:00."""
    unit = _UNITS[piece.form[2]]
    found = piece.numbers("i4" if unit in ("s", "ms") else "i8").astype("i8")
    texts = np.datetime_as_string(found.view(f"M8[{unit}]")).tolist()
    return [text[11:].rstrip("0").rstrip(".") if "." in text else text[11:] for text in texts]


def _missing_out(piece: _Piece, cells: Sequence[Any]) -> Iterator[Any]:
    """The cells, None where they are missing."""
    for cell, there in zip(cells, piece.valid.tolist(), strict=True):
        yield cell if there else None


def _decimals(piece: _Piece) -> Array:
    """Decimals of any width, as the float64 that is nearest to each."""
    _, scale, *width = piece.form[2:].split(",")
    size = int(width[0]) // 8 if width else 16
    content = piece.numbers(f"V{size}").tobytes()
    cells = [
        int.from_bytes(content[k * size : (k + 1) * size], "little", signed=True)
        for k in range(piece.length)
    ]
    return decimal_numbers(list(_missing_out(piece, cells)), int(scale))


def _categories(piece: _Piece) -> Column:
    words = piece.array.dictionary.contents
    known = _Piece(
        piece.schema.dictionary.contents, words, piece.name, 0, piece.owner, words.offset,
        words.length,
    )  # fmt: skip
    codes = piece.numbers(_NUMBERS[piece.form]).astype(np.int64)
    return categorical_column(np.where(piece.valid, codes, -1), _decoded(known))


def _byte_cells(piece: _Piece) -> Iterator[bytes | None]:
    """The cells of a column of texts or bytes, in any of the ways in which Arrow stores them."""
    form = piece.form
    if form in ("u", "z"):
        cells = _between(piece, "i4")
    elif form in ("U", "Z"):
        cells = _between(piece, "i8")
    elif form in ("vu", "vz"):
        cells = _viewed(piece)
    elif form[:2] == "w:":
        cells = piece.numbers(f"V{int(form[2:])}").tolist()
    else:
        raise piece.refused(*_refusal(form))
    return _missing_out(piece, cells)


def _between(piece: _Piece, dtype: str) -> list[bytes]:
    """Texts that lie one behind the other, from the places where each begins."""
    begins = piece.numbers(dtype, more=1)
    if not piece.length:
        return []
    first, last = int(begins[0]), int(begins[-1])
    content = view(piece.array.buffers[2], last, np.uint8, piece.owner)[first:].tobytes()
    places = (begins - first).tolist()
    return [content[a:b] for a, b in itertools.pairwise(places)]


def _viewed(piece: _Piece) -> list[bytes]:
    """Texts of up to 12 bytes in place, or longer ones by buffer and offset; 16 bytes a cell."""
    cells = piece.numbers("V16").tolist()
    count = piece.array.n_buffers
    lengths = view(piece.array.buffers[count - 1], count - 3, "i8", piece.owner).tolist()
    buffers = [
        view(piece.array.buffers[2 + k], length, np.uint8, piece.owner).tobytes()
        for k, length in enumerate(lengths)
    ]
    found = []
    for cell in cells:
        length, _, buffer, offset = struct.unpack("<i4sii", cell)
        if length <= _LONGEST_INLINE:
            found.append(cell[4 : 4 + length])
        else:
            found.append(buffers[buffer][offset : offset + length])
    return found


_LONGEST_INLINE = 12


def _lists(piece: _Piece) -> Iterator[str | None]:
    """Lists of texts as joined texts."""
    items = piece.inner()
    if items.form not in ("u", "U", "vu", "n") and not items.schema.dictionary:
        what = "numbers" if items.form in _NUMBERS or items.form[:1] == "d" else "other values"
        raise piece.refused(f"lists of {what}", "give every number a column of its own")
    texts = _decoded(items).texts()
    form = piece.form
    if form[:2] == "+w":
        size = int(form[3:])
        begins = (np.arange(piece.length + 1) + piece.offset) * size
    elif form[:2] in ("+l", "+L"):
        begins = piece.numbers("i4" if form == "+l" else "i8", more=1)
    places = begins.tolist()
    for row, there in enumerate(piece.valid.tolist()):
        cell = texts[places[row] : places[row + 1]] if there else []
        yield joined(cell, functools.partial(piece.at, row))


def _refusal(form: str) -> tuple[str, str]:
    """What a type is that is not read, and what to do."""
    known = {
        "+s": ("records", "give every field a column of its own (unnest or flatten)"),
        "+m": ("mappings", "give every key a column of its own"),
        "+u": ("values of several types", "cast them to one type"),
        "+r": ("run-end encoded values", "decode them first"),
        "+v": ("list views", "cast them to lists"),
        "ti": ("intervals", "cast them to durations or numbers"),
    }
    return known.get(form[:2], (f"the Arrow type {shown(form)}", "cast it to numbers or text"))
