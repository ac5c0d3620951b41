"""Hostile configurations in the compact form."""

from __future__ import annotations

from collections.abc import Iterator

from hostile.made import Bytes, Hostile, contents

_HEAD = "GLOBALS\nloss: cross_entropy\nLAYERS\ninput: 2\n"
_TAIL = "size: 2\ntype: softmax\nDATA\ngenerator: xor\n"


def _layer(line: str) -> bytes:
    return f"{_HEAD}{line}\n{_TAIL}".encode()


TEXTS: dict[str, Bytes] = {
    "a size with an underscore": _layer("size: 1_000"),
    "a size in Arabic": _layer("size: ٣"),
    "a size of nan": _layer("size: nan"),
    "a size of .nan": _layer("size: .nan"),
    "a size of 1e309": _layer("size: 1e309"),
    "a size of 100,000 digits": _layer("size: " + "9" * 100_000),
    "a size below zero": _layer("size: -3"),
    "a range of nan": _layer("size: 3 wr: (.nan .nan)"),
    "a range of infinity": _layer("size: 3 wr: (-.inf .inf)"),
    "nested lists": _layer("size: " + "(" * 20_000),
    "nested and closed": _layer("size: " + "(" * 20_000 + ")" * 20_000),
    "nested mappings": _layer("size: " + "{a: " * 20_000),
    "quotes that never close": _layer("size: '" + "x" * 400_000),
    "backslashes in quotes": _layer('size: "' + "\\" * 400_001),
    "quotes without end": _layer("size: " + "''" * 200_001 + "'"),
    "a word of a million letters": lambda: _layer("size: " + "a" * 900_000),
    "a word of blanks": lambda: _layer("size: a" + " " * 900_000 + "b"),
    "commas without end": lambda: _layer("size: 3" + "," * 900_000 + "("),
    "a line of pairs": lambda: _layer("size: 3 " * 100_000),
    "a line of unknown pairs": lambda: _layer(" ".join(f"k{i}: 1" for i in range(60_000))),
    "a list without end": lambda: _layer("size: (" + "1 " * 400_000),
    "a list of half a million": lambda: _layer("size: (" + "1 " * 450_000 + ")"),
    "sections without end": lambda: b"LAYERS\n" * 140_000,
    "layers without end": lambda: _layer("size: x\n" * 100_000),
    "unknown words for sections": lambda: _layer("ABC\n" * 100_000),
    "colons without end": lambda: _layer(":" * 900_000),
    "letters and colons": lambda: _layer("a:" * 400_000),
    "hashes without end": lambda: _layer("size: 3 " + "#" * 900_000 + "\nsize: x"),
    "blank lines without end": lambda: b"\n" * 900_000 + b"LAYERS\nx",
    "closing first": _layer("size: )"),
    "another bracket closes": _layer("size: (1 2]"),
    "a section misspelt": b"LAYRS\ninput: 2",
    "a section twice": (_HEAD + _TAIL + "LAYERS\nsize: 3\n").encode(),
    "a key twice": _layer("size: 3 size: 4"),
    "a key without a value": _layer("size:"),
    "no key": _layer("3"),
    "dunders": _layer("__class__: 1 size: 3"),
    "a penalty and its rate": b"GLOBALS\nwreg: 1 wrt: {type: l2} breg: (1)\nLAYERS\nsize: 1",
    "a loss that is a list": b"GLOBALS\nloss: (mse)\nLAYERS\nsize: 1",
    "YAML's aliases": _layer("size: &a 3 act: *a"),
    "YAML's tags": _layer("size: !!python/object/apply:os.system [touch]"),
    "NUL": _layer("size: 3\0"),
    "an escape sequence of a terminal": _layer("size: \x1b[2J"),
    "not UTF-8": _layer("size: 3") + b"\xff",
    "carriage returns alone": _layer("size: x").replace(b"\n", b"\r"),
    "a letter that looks the same": _layer("sizе: 3"),  # the last letter is Cyrillic
    "only a section": b"LAYERS",
    "only globals": b"GLOBALS\nloss: mse\n",
    "Windows paths": b"DATA\nfile: \\\\?\\C:\\con\nLAYERS\nsize: x",
}


def files() -> Iterator[Hostile]:
    """Texts; what is no file is tried with YAML, whose reader is the same."""
    yield from contents("config", "config.txt", TEXTS)
