"""Hostile Parquet, Feather, workbooks and ARFF files."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from functools import cache

import numpy as np

from hostile.made import Bytes, Hostile, contents, zipped

try:
    import pyarrow
    import pyarrow.feather as feather
    import pyarrow.parquet as parquet
except ImportError:  # then reading such files ends in the message that pyarrow is missing
    pyarrow = None

SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"

MANIFEST = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"

CELLS = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>y</t></is></c></row>'
    '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>0</v></c></row>'
    '<row r="3"><c r="A3"><v>2</v></c><c r="B3"><v>1</v></c></row>'
)


def workbook(cells: str = CELLS, **others: str) -> bytes:
    """A workbook of one sheet, written by hand, with other parts added or replaced."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SPACE}" xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
        f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{SPACE}"><sheetData>{cells}</sheetData>'
        "</worksheet>",
    }
    parts |= {f"xl/{name}": text for name, text in others.items()}
    return zipped({name: text.encode() for name, text in parts.items()})


def _entities() -> str:
    """A document whose entities would unfold to a billion letters."""
    names = [f'<!ENTITY a{k} "{f"&a{k - 1};" * 10 if k else "ha"}">' for k in range(10)]
    return f"<!DOCTYPE x [{''.join(names)}]><sst xmlns='{SPACE}'><si><t>&a9;</t></si></sst>"


_ROW = '<table:table-row><table:table-cell office:value-type="x"/></table:table-row>'


def open_document(rows: str, end: str = "</table:table>") -> bytes:
    """An .ods file of one sheet with these rows; without an end the document ends there too."""
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    text = (
        f"<office:document-content {names}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{rows}{end}'
    )
    if end:
        text += "</office:spreadsheet></office:body></office:document-content>"
    parts = {
        "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<m:manifest xmlns:m="{MANIFEST}"/>'.encode(),
        "content.xml": text.encode(),
    }
    return zipped(parts)


def _repeated(columns: int, rows: int) -> bytes:
    cell = (
        f'<table:table-cell office:value-type="float" office:value="1" '
        f'table:number-columns-repeated="{columns}"><text:p>1</text:p></table:table-cell>'
    )
    return open_document(
        f'<table:table-row table:number-rows-repeated="{rows}">{cell}</table:table-row>'
    )


WORKBOOKS: dict[str, Bytes] = {
    "cells at the corners of the largest sheet": workbook(
        '<row r="1"><c r="A1"><v>1</v></c></row>'
        '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    ),
    "a cell beyond every sheet": workbook(
        '<row r="1"><c r="ZZZZZZ99999999999"><v>1</v></c></row>'
    ),
    "a row beyond every sheet": workbook('<row r="99999999999999999999"><c><v>1</v></c></row>'),
    "rows of no place, and one wide": workbook(
        "<row/>" * 50_000 + "<row>" + "<c/>" * 50_000 + "</row>"
    ),
    "blanks that unpack to 64 MiB": lambda: workbook(" " * 2**26),
    "entities that unfold to a billion letters": workbook(
        '<row r="1"><c r="A1" t="s"><v>0</v></c></row>', **{"sharedStrings.xml": _entities()}
    ),
    "an entity of a file": workbook(
        '<row r="1"><c r="A1" t="s"><v>0</v></c></row>',
        **{
            "sharedStrings.xml": "<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]>"
            f"<sst xmlns='{SPACE}'><si><t>&f;</t></si></sst>"
        },
    ),
    "tags in tags": workbook("<row>" * 100_000),
    "a text that is not there": workbook('<row r="1"><c r="A1" t="s"><v>4294967295</v></c></row>'),
    "a text before the first": workbook('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'),
    "a style that is not there": workbook('<row r="1"><c r="A1" s="99999"><v>1</v></c></row>'),
    "a sheet of another place": workbook(
        **{
            "_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" '
            f'Type="{RELATIONS}/worksheet" Target="../../../../etc/passwd"/></Relationships>'
        }
    ),
    "no sheets": workbook(**{"workbook.xml": f'<workbook xmlns="{SPACE}"><sheets/></workbook>'}),
    "merged cells that cover each other": workbook(
        f'{CELLS}<row r="60000"><c r="A60000"><v>1</v></c></row></sheetData><mergeCells>'
        + "<mergeCell ref='A1:A60000'/>" * 10_000
        + "</mergeCells><sheetData>"
    ),
    "only the first bytes": b"PK\3\4",
    "no zip file": b"x,y\n1,2\n",
    "a name in another encoding": zipped(
        {"xl/\udcff.xml".encode("utf-8", "replace").decode(): b"<x/>"}
    ),
    "UTF-16": zipped({"xl/workbook.xml": '<?xml version="1.0"?><x/>'.encode("utf-16")}),
}

OPEN_DOCUMENTS: dict[str, Bytes] = {
    "a cell repeated over the largest sheet": _repeated(16_384, 1_048_576),
    "a cell repeated beyond every sheet": _repeated(2**31, 2**31),
    "rows in rows": open_document("<table:table-row>" * 50_000),
    "a tag without end": open_document("<table:table-row"),
    "a table that the document ends in": open_document(_ROW, end=""),
    "a table that ends in a tag that is none": open_document(_ROW, end="<\0\0able:table>"),
}

OLD_WORKBOOKS: dict[str, Bytes] = {
    "only the first bytes of an .xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "an .xls of zeros": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096),
    "an .xls whose sectors are everywhere": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 4096,
}

HEAD = b"@relation r\n@attribute x numeric\n@attribute y {a,b}\n@data\n"

ARFF: dict[str, Bytes] = {
    "blanks before an open quotation mark": HEAD + b" " * 2**20 + b"'x\n",
    "quotation marks without end": HEAD + b"'\\'" * 300_000,
    "marks of escape": HEAD + b"'" + b"\\" * 500_001,
    "a header without end": b"@relation r\n" + b"@attribute x numeric\n" * 100_000,
    "names without end": b"@relation r\n"
    + b"".join(b"@attribute a%d numeric\n" % k for k in range(100_000)),
    "a list of values without end": b"@relation r\n@attribute y {" + b"a," * 500_000,
    "a row without end": HEAD + b"1," * 500_000,
    "rows of faults": HEAD + b"x,c\n" * 200_000,
    "bytes that are no text": HEAD + b"1,\xff\n",
    "zeros": HEAD + bytes(1000),
    "commands to the terminal": HEAD + b"\x1b[2J,\x1b]0;x\x07\n",
}


def _written(write: str, table: dict[str, object], **options: object) -> bytes:
    """A table in Parquet or Feather; what reads like neither if pyarrow is missing."""
    if pyarrow is None:
        return b"PAR1"
    stream = io.BytesIO()
    writer = parquet.write_table if write == "parquet" else feather.write_feather
    writer(pyarrow.table(table), stream, **options)
    return stream.getvalue()


@cache
def _small(write: str) -> bytes:
    return _written(write, {"x": np.arange(500.0), "y": np.arange(500) % 2}, compression="zstd")


def _changed(write: str, old: bytes, new: bytes) -> bytes:
    return _small(write).replace(old, new)


def _footer_of(length: int) -> bytes:
    """A Parquet file that says how long its footer is."""
    content = _small("parquet")
    return content[:-8] + struct.pack("<I", length) + content[-4:]


def _varint(number: int) -> bytes:
    """A whole number of at least 0 as Thrift writes it, with its sign."""
    left, found = 2 * number, b""
    while left > 127:
        left, found = left >> 7, found + bytes([left & 127 | 128])
    return found + bytes([left])


def _page_of(size: int) -> bytes:
    """A Parquet file of one column whose only page says that it unpacks to ``size`` bytes."""
    table = {"x": np.arange(500.0)}
    content = _written("parquet", table, use_dictionary=False, compression="zstd")
    if pyarrow is None:
        return content
    rows = parquet.read_metadata(io.BytesIO(content)).row_group(0)
    chunk = rows.column(0).total_compressed_size
    # A page begins with its kind and, behind a mark each, its size unpacked: two bytes here.
    page = content[4:7] + _varint(size) + content[9 : 4 + chunk]
    footer = content[4 + chunk :].replace(_varint(chunk), _varint(len(page)))
    return content[:4] + page + footer


PARQUET: dict[str, Bytes] = {
    "a page said to unpack to 2 GiB": lambda: _page_of(2**31 - 1),
    "a page said to unpack to 200 MiB": lambda: _page_of(200 * 2**20),
    "a page said to unpack to nothing": lambda: _page_of(0),
    "zeros that unpack to 64 MiB": lambda: _written("parquet", {"x": np.zeros(2**23)}),
    "a footer of 4 GiB": lambda: _footer_of(2**32 - 1),
    "a footer of nothing": lambda: _footer_of(0),
    "half a file": lambda: _small("parquet")[: len(_small("parquet")) // 2],
    "only the words at both ends": b"PAR1" * 3,
    "no rows": lambda: _written("parquet", {"x": np.zeros(0)}),
    "no columns": lambda: _written("parquet", {}),
}

FEATHER: dict[str, Bytes] = {
    "zeros that unpack to 64 MiB, in Feather": lambda: _written(
        "feather", {"x": np.zeros(2**23)}, compression="zstd"
    ),
    "a buffer said to have a petabyte": lambda: _changed(
        "feather", struct.pack("<q", 4000), struct.pack("<q", 2**50)
    ),
    "a buffer said to have less than nothing": lambda: _changed(
        "feather", struct.pack("<q", 4000), struct.pack("<q", -(2**40))
    ),
    "a number of rows beyond every file": lambda: _changed(
        "feather", struct.pack("<q", 500), struct.pack("<q", 2**60)
    ),
    "half a Feather file": lambda: _small("feather")[: len(_small("feather")) // 2],
    "only the first word": b"ARROW1\0\0",
    "a message of 2 GiB": b"ARROW1\0\0\xff\xff\xff\xff\xff\xff\xff\x7f",
    "the first version": b"FEA1" + bytes(100) + b"FEA1",
}


def good_tables() -> dict[str, bytes]:
    """A good file of every format, by name."""
    tables = {"cases.xlsx": workbook(), "cases.arff": HEAD + b"1,a\n2,b\n" * 8}
    if pyarrow is not None:
        tables |= {"cases.parquet": _small("parquet"), "cases.feather": _small("feather")}
    return tables


def files() -> Iterator[Hostile]:
    """All of them."""
    yield from contents("data", "cases.xlsx", WORKBOOKS)
    yield from contents("data", "cases.ods", OPEN_DOCUMENTS)
    yield from contents("data", "cases.xls", OLD_WORKBOOKS)
    yield from contents("data", "cases.arff", ARFF)
    yield from contents("data", "cases.parquet", PARQUET)
    yield from contents("data", "cases.feather", FEATHER)
