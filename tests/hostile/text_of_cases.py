"""Hostile files of comma-separated cases."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator

from hostile.configurations_yaml import special_files
from hostile.made import Bytes, Hostile, contents, packed_zeros

_GOOD = "1,2,a\n3,4,b\n" * 5


def _cell(word: str) -> bytes:
    return f"{_GOOD}5,{word},a\n".encode()


CELLS = {
    "a number with an underscore": "1_000", "an Arabic digit": "٣", "a fullwidth digit": "５",
    "minus NaN in capitals": "-NAN", "nan with a payload": "nan(0x7)",
    "infinity": "inf", "1e309": "1e309", "minus 1e309": "-1e309", "hexadecimal": "0x10",
    "a hexadecimal float": "0x1p4", "octal": "0o7", "binary": "0b1", "an imaginary number": "1j",
    "a number in parentheses": "(1)", "a decimal comma in quotes": '"1,5"',
    "two signs": "--1", "an exponent without end": "1e" + "9" * 100_000,
    "a truth": "True", "Python": "__import__('os').system('touch owned')", "a formula": "=1+1",
    "a date": "2026-11-21", "a million letters": "x" * 500_000, "an exponent alone": "e5",
    "a minus of another kind": "−1", "a vulgar fraction": "½", "a blank inside": "1 2",
    "a blank that does not break": "1\u00a02", "a thousands' mark": "1'000",
    "an escape sequence of a terminal": "\x1b[2J", "a text from right to left": "\u202e1",
    "a backspace": "1\b2", "a line separator": "1\u20282", "a form feed": "1\f1",
    "a byte order mark inside": "\ufeff1",
}  # fmt: skip

TEXTS: dict[str, Bytes] = {
    "nothing": b"",
    "blank lines": b"\n" * 100_000,
    "comments": b"# a\n" * 100_000,
    "only a header": b"a,b,c\n",
    "one column": b"1\n" * 100_000,
    "a line of a million cells": lambda: b"1," * 1_000_000 + b"\n2,3\n",
    "a line of many bad cells": lambda: b"x," * 45_000 + b"x\n" + b"y," * 45_000 + b"x\n",
    "lines of other lengths": lambda: "".join(
        "1," * (k % 7 + 1) + "\n" for k in range(60_000)
    ).encode(),
    "a bad cell in every line": lambda: b"1,x,a\n" * 100_000,
    "commas": lambda: b"," * 45_000,
    "commas in lines": lambda: b",,\n" * 200_000,
    "quotes": lambda: b'"' * 500_000,
    "quotes in lines": lambda: b'1,"",a\n' * 150_000,
    "a quote that never closes": lambda: b'1,"' + b"2,a\n" * 100_000,
    "a quoted cell of a million letters": lambda: b'1,"' + b"x" * 1_000_000 + b'",a\n1,2,b\n',
    "labels that are all different and one cell bad": lambda: (
        "".join(f"{k},{k % 7},c{k}\n" for k in range(100_000)).encode() + b"1,x,c\n"
    ),
    "blanks without end": lambda: b"1" + b" " * 1_000_000 + b"x\n2 3 4\n",
    "tabs and commas": b"1\t2,3\n4,5\t6\n7;8,9\n",
    "separators by turns": b"1,2,a\n1;2;a\n1\t2\ta\n",
    "NUL": b"1,2,a\n\0\n",
    "NULs": bytes(100_000),
    "UTF-16": "1,2,a\n".encode("utf-16"),
    "UTF-16 without a mark": "1,2,a\n".encode("utf-16-be"),
    "UTF-32": "1,2,a\n".encode("utf-32"),
    "not UTF-8": b"1,2,\xff\n",
    "overlong UTF-8": b"1,\xc0\xb2,a\n",
    "UTF-7": b"1,2,b\n+ADE-,x,a\n1,2,b\n",
    "Latin-1": "1,2,ä\n".encode("latin-1"),
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf1,2,a\n1,2,b\n1,2,b\n",
    "carriage returns alone, a bad cell": b"1,2,a\r3,4,b\r" * 5 + b"3,x,b\r",
    "a header of too many names": b"a,b,c,d\n1,2,a\n1,2,b\n",
    "a label with an escape sequence": b"1,2,\x1b[2J\n3,4,b\n",
    "labels missing": b"a,b,y\n1,2,\n3,4,\n",
    "a label of nan": b"1,2,0\n3,4,nan\n5,6,1\n",
    "a pickle": b"\x80\x04cposix\nsystem\n(Vtouch owned\ntR.",
    "an executable": b"\x7fELF" + bytes(200),
    "a picture's head": b"\x89PNG\r\n\x1a\n" + b"1,2\n",
    "one line cut short": b"1,2,a\n3,4,b\n5,",
    "a thousand million zeros, packed by gzip": lambda: packed_zeros(10**9),
    "packed by gzip, cut short": lambda: gzip.compress(_GOOD.encode() * 1000)[:-9],
    "packed by xz, cut short": lambda: lzma.compress(_GOOD.encode() * 1000)[:-9],
    "packed by bzip2, cut short": lambda: bz2.compress(_GOOD.encode() * 1000)[:-9],
    "digits without end, packed by xz": lambda: lzma.compress(b"1,2,a\n" * 10_000_000),
    "the head of zstandard and nothing": b"\x28\xb5\x2f\xfd" + bytes(100),
    "a quotation mark closed in a later line": b'1,"2,a\n3,4,b\n5,"6",c\n7,8,d\n',
    "thousands in quotes": lambda: b'"1,907",2,a\n"2,123",4,b\n' * 1000,
    "bars without end": lambda: b"|" * 500_000,
    "a line of ten megabytes": lambda: b"1," * 5_000_000 + b",x",
}


FOR_PREDICTION = (
    "nothing", "only a header", "one column", "quotes", "NUL", "not UTF-8", "a pickle",
    "lines of other lengths", "a line of many bad cells", "a header of too many names",
)  # fmt: skip


def files() -> Iterator[Hostile]:
    """Cells, texts and what is no file; for training, the worst for prediction as well."""
    yield from contents("data", "cases.csv", {name: _cell(word) for name, word in CELLS.items()})
    yield from contents("data", "cases.csv", TEXTS)
    worst = {f"{name}, for prediction": TEXTS[name] for name in FOR_PREDICTION}
    yield from contents("inputs", "cases.csv", worst)
    yield from special_files("data", "cases.csv")
