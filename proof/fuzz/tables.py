"""Readers of tables for the fuzzer: the first bytes of an input choose options or a wrapping.

Random bytes never become a zip file with the right checksums. So the fuzzer may also change what
is inside: a text is packed, and a part of a workbook is put into its place, before it is read.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from chainrule.core.errors import ChainruleError
from chainrule.core.strict_json import as_model, parse_json
from chainrule.data.readers.npz_file import parts_in, read_npz
from chainrule.data.tables.encoding import EncodedTable, TableEncoding
from chainrule.data.tables.reading import TableOptions, read_table
from chainrule.data.tables.table import Table, column_of

_OPTIONS: Mapping[str, tuple[object, ...]] = {
    "header": ("auto", True, False),
    "delimiter": (None, ",", ";", "tab", "|", "blank"),
    "decimal": (None, ".", ","),
    "thousands": (None, ",", ".", " ", "'"),
    "encoding": (None, "latin-1", "utf-16", "cp1252", "utf-32-be"),
    "comment": ("#", "", "//"),
    "skip_rows": (0, 1, 3),
    "na": (None, ("-999",), ("none", "0")),
    "texts": ((), (1,), ("a", 2)),
    "sheet": (None, 1, 2, "S"),
}


def read_with_options(path: Path) -> Table:
    """Read a text behind a byte for each option, which chooses one of its values."""
    content = path.read_bytes()
    options = {
        key: values[byte % len(values)]
        for byte, (key, values) in zip(content, _OPTIONS.items(), strict=False)
    }
    other = path.with_name("other.csv")
    other.write_bytes(content[len(_OPTIONS) :])
    return read_table(other, TableOptions(**options))


_PACKERS: tuple[Callable[[bytes], bytes], ...] = (
    lambda content: content,
    lambda content: gzip.compress(content, mtime=0),
    bz2.compress,
    lambda content: lzma.compress(content, preset=0),
)


def read_packed(path: Path) -> Table:
    """Read what a byte says how to pack, with one byte of the result changed by the next three."""
    content = path.read_bytes()
    way, high, low, value = content[:4].ljust(4, b"\0")
    packed = bytearray(_PACKERS[way % len(_PACKERS)](content[4:]))
    place = high * 256 + low
    if place < len(packed):
        packed[place] ^= value
    other = path.with_name("other.csv")
    other.write_bytes(packed)
    return read_table(other)


PARTS = ("xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml")
"""The parts of an .xlsx file that the first byte of an input chooses from; behind them an .xls
file as it is, and the content of an .ods file."""


@cache
def workbook() -> Mapping[str, bytes]:
    """The parts of a small workbook."""
    from openpyxl import Workbook

    book, file = Workbook(), io.BytesIO()
    for row in (["x", "city", "y"], [1, "Oslo", 0], [2, "Rome", 1], [3.5, None, True]):
        book.active.append(row)
    book.save(file)
    with zipfile.ZipFile(file) as parts:
        return {name: parts.read(name) for name in parts.namelist()}


def read_workbook_part(path: Path) -> Table:
    """Read a workbook of which one part, by the first byte, is the rest of the input."""
    way, text = path.read_bytes()[:1], path.read_bytes()[1:]
    number = way[0] % (len(PARTS) + 2) if way else 0
    if number < len(PARTS):
        other = path.with_name("other.xlsx")
        other.write_bytes(_zipped({**workbook(), PARTS[number]: text}))
    elif number == len(PARTS):
        other = path.with_name("other.xls")
        other.write_bytes(text)
    else:
        other = path.with_name("other.ods")
        other.write_bytes(_zipped({**OPEN_DOCUMENT, "content.xml": text}))
    return read_table(other)


OPEN_DOCUMENT = {
    "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
    "META-INF/manifest.xml": b"<m:manifest "
    b'xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
}


def _zipped(parts: Mapping[str, bytes]) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w") as file:
        for name, content in parts.items():
            file.writestr(zipfile.ZipInfo(name), content)
    return found.getvalue()


_NAMES = (
    "x_train", "y_train", "x_test", "y_test", "x_val", "y_val", "train_images", "train_labels",
    "X", "y", "data", "target", "x", "t", "classes", "image_shape", "weights", "target_names",
)  # fmt: skip
_TYPES = ("u1", "i8", "f8", "f4", "?", "U2", "S1", "O", "c8", "u8")


def read_npz_of_parts(path: Path) -> None:
    """Read an .npz file whose arrays are described by bytes: name, type, two sizes, a value."""
    content, arrays = path.read_bytes(), {}
    for start in range(0, len(content) - 4, 5):
        name, kind, rows, columns, value = content[start : start + 5]
        shape = (rows % 7,) if columns % 5 == 0 else (rows % 7, columns % 5)
        cells = (np.arange(np.prod(shape, dtype=int)) * value % 11).reshape(shape)
        arrays[_NAMES[name % len(_NAMES)]] = cells.astype(_TYPES[kind % len(_TYPES)])
    np.savez(path.with_name("other.npz"), **arrays)
    other = path.with_name("other.npz")
    for part in parts_in(other, to_train=True):
        read_npz(other, part or None)


_TABLES = (
    Table(
        (
            column_of("age", [31.0, None, 7.0, 4.0]),
            column_of("city", ["Oslo", None, "Bergen", "Rome"]),
            column_of("y", [0, 1, 1, 0]),
        )
    ),
    Table((column_of("column_1", [1.0, 2.0]), column_of("column_2", ["a", "b"])), has_names=False),
)


def apply_encoding(path: Path) -> list[EncodedTable]:
    """Encode tables by the ``encoding`` of a run.json, as predictions do; width is compared."""
    try:
        encoding = as_model(TableEncoding, parse_json(path.read_bytes()))
    except ValueError as error:
        raise ChainruleError(str(error)) from None
    found = [encoding.apply(encoding.matched(table)) for table in _TABLES[:1]]
    assert all(one.x.shape[1] == len(encoding.feature_names) for one in found)
    if len(encoding.columns) == len(_TABLES[1].columns):
        found.append(encoding.apply(encoding.matched(_TABLES[1])))
    return found
