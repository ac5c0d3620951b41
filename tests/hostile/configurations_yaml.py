"""Hostile configurations in YAML."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hostile.good import yaml_text
from hostile.made import Bytes, Hostile, contents


def _with(line: str) -> bytes:
    """A whole configuration and one line more."""
    return (yaml_text() + line + "\n").encode()


def _laughs(levels: int) -> bytes:
    """Aliases of aliases: ten to the power of ``levels`` values."""
    lines = ["a0: &a0 [lol]"]
    for k in range(1, levels + 1):
        lines.append(f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]")
    return "\n".join(lines).encode()


def _epochs(word: str) -> bytes:
    return _with(f"training: {{epochs: {word}}}")


NUMBERS = {
    "with an underscore": "1_000", "Arabic": "٣", "fullwidth": "５", "superscript": "²",
    "nan": ".nan", "infinite": ".inf", "beyond every float": "1e309", "minus beyond": "-1e309",
    "of 4,000 digits": "9" * 4000, "of 100,000 digits": "9" * 100_000,
    "with an exponent of a million": "1e1000000", "hexadecimal of 3,000 digits": "0x" + "f" * 3000,
    "sexagesimal": "1:30", "octal of old": "017x", "a date": "2026-11-21", "negative": "-5",
    "a fraction": "1.5", "a truth": "true", "nothing": "~", "beyond every epoch": "10000000000000",
}  # fmt: skip

TEXTS: dict[str, Bytes] = {
    "a billion laughs": _laughs(9),
    "quadratic aliases": ("a: &a " + "x" * 50_000 + "\nb: [" + "*a, " * 20_000 + "]").encode(),
    "an alias of itself": b"a: &a [*a]",
    "a merge of itself": b"a: &a {<<: *a}",
    "a merge key": b"network: {<<: {loss: mse}}",
    "Python's os.system": b"!!python/object/apply:os.system ['touch owned']",
    "Python's object, new": b"a: !!python/object/new:subprocess.Popen [['touch', 'owned']]",
    "Python's module": b"a: !!python/module:antigravity",
    "Python's name": b"a: !!python/name:os.system",
    "a tag of its own": b"a: !include /etc/passwd",
    "a tag of binary": b"a: !!binary aGVsbG8=",
    "a tag of set": b"a: !!set {b, c}",
    "a %TAG directive": b"%TAG ! tag:python.org,2002:\n---\na: !python/none x",
    "a %YAML directive of 9.9": b"%YAML 9.9\n---\na: 1",
    "nested lists": b"[" * 20_000,
    "nested mappings": b"{a: " * 20_000,
    "nested blocks": "\n".join(" " * k + "a:" for k in range(1000)).encode(),
    "nested dashes": b"- " * 20_000,
    "nested questions": b"? " * 20_000,
    "nested and closed": b"a: " + b"[" * 20_000 + b"]" * 20_000,
    "a key of a million letters": lambda: b"a" * 999_000 + b": 1",
    "a value of a million letters": lambda: b"network: " + b"a" * 990_000,
    "a hundred thousand keys": lambda: b"".join(b"k%d: 1\n" % k for k in range(80_000)),
    "a hundred thousand unknown keys inside": lambda: _with(
        "training:\n" + "".join(f"  epoch{k}: 1\n" for k in range(60_000))
    ),
    "one key again and again": lambda: b"network: 1\n" * 80_000,
    "a hundred thousand wrong layers": lambda: (
        "network:\n  layers:\n" + "    - size: x\n" * 60_000
    ).encode(),
    "a hundred thousand layers of an unknown kind": lambda: (
        "network:\n  layers:\n" + "    - type: d\n" * 60_000
    ).encode(),
    "quotes that never close": lambda: b'a: "' + b"x\n" * 400_000,
    "escapes without end": lambda: b'a: "' + b"\\x41" * 240_000 + b'"',
    "a folded text of blank lines": lambda: b"a: >\n" + b" \n" * 450_000,
    "tabs": b"network:\n\tloss: mse",
    "a million dashes": lambda: b"-" * 990_000,
    "a million colons": lambda: b":" * 990_000,
    "a million colons apart": lambda: b": " * 490_000,
    "a million commas": lambda: b"[" + b"," * 990_000,
    "a million hashes": lambda: b"#" * 990_000,
    "a million ampersands": lambda: b"&a " * 330_000,
    "a million exclamation marks": lambda: b"!" * 990_000,
    "a million percent signs": lambda: b"%" * 990_000,
    "documents": lambda: b"---\n" * 200_000,
    "directives": lambda: b"%TAG !a! b\n" * 80_000,
    "over a million bytes": lambda: b"#" * 1_000_001,
    "a gigabyte that is not there": b"",
    "nothing but blanks": b"  \n\n ",
    "only null": b"null",
    "only a number": b"3",
    "only a list": b"[1, 2]",
    "NUL": b"network: {}\0",
    "NUL in front": b"\0\0\0\0",
    "an escape sequence of a terminal": b"network: \x1b[2J",
    "an escape sequence, escaped": b'network: {"\\e[2Jx": "\\e[2J"}',
    "a text that runs from right to left": b'network: {loss: "\\u202Eesm"}',
    "a lone surrogate, escaped": b'network: {loss: "\\uD800"}',
    "a lone surrogate as a file's name": b'data: {file: "\\uD800"}',
    "not UTF-8": b"network: \xff\xfe\xfa",
    "overlong UTF-8": b"network: \xc0\xaf",
    "a surrogate in UTF-8": b"network: \xed\xa0\x80",
    "UTF-16": "network: {}".encode("utf-16"),
    "UTF-32": "network: {}".encode("utf-32"),
    "UTF-7": b"+AG4AZQB0-: 1",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbfnetwork: 1",
    "cut within a letter": b"network: \xc3",
    "a line separator in a key": "net\u2028work: 1".encode(),
    "a carriage return between": b"network: 1\rnetwork: 2\r",
    "duplicate keys": _with("network: {}"),
    "duplicate keys inside": _with("training: {epochs: 1, epochs: 2}"),
    "keys that look the same": _with("trаining: {}"),  # the second letter is Cyrillic
    "a key that is a list": b"[a, b]: 1",
    "a key that is a mapping": b"{a: b}: 1",
    "a key that is a dunder": _with("__class__: {__init__: 1}"),
    "a NUL in a file's name": b'network: {}\ndata: {file: "a\\0b"}',
    "a pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
    "a zip file": b"PK\x03\x04" + bytes(100),
    "weights of nan": _with("").replace(b"size: 3", b"size: 3\n      weights: [.nan, .nan]"),
    **{
        f"weights that are {name}": _with("").replace(
            b"size: 3", b"size: 3\n      weights: " + value
        )
        for name, value in {
            "lists within a list": b"[" * 39 + b"1" + b"]" * 39,
            "rows of two lengths": b"[[1, 2], [3]]",
            "truths": b"[[true, false]]",
            "a number of 4,000 digits": b"[[" + b"9" * 4000 + b", 1]]",
            "beyond every float": b"[[1e309, 1]]",
            "an alias of themselves": b"&a [[1, *a]]",
            "of another shape": b"[[1, 2, 3]]",
            "many numbers": b"[[" + b"1," * 18_000 + b"1]]",
            "a mapping": b"{values: {values: [[1]]}}",
            "a file without a name": b"{file: ''}",
            "a file with NUL": b'{file: "a\\0b"}',
        }.items()
    },
    "cases within cases": _with("").replace(b"generator: xor", b"x: " + b"[" * 30 + b"]" * 30),
    "a layer of 10^12 units": _with("").replace(b"size: 3", b"size: 1000000000000"),
    "a layer of 10^30 units": _with("").replace(b"size: 3", b"size: 1" + b"0" * 30),
    "an input of 10^15": _with("").replace(b"input: 2", b"input: 1" + b"0" * 15),
    "an unknown engine that is a module": _with("training: {engine: os.system}"),
    "an unknown loss that is a module": _with("").replace(b"cross_entropy", b"os:system"),
    "an activation that is a module": _with("").replace(
        b"size: 3", b"size: 3\n      activation: antigravity:fly"
    ),
}


def files() -> Iterator[Hostile]:
    """Texts, numbers, and paths that lead to no file."""
    yield from contents("config", "config.yaml", TEXTS)
    epochs: dict[str, Bytes] = {f"epochs {name}": _epochs(word) for name, word in NUMBERS.items()}
    yield from contents("config", "config.yaml", epochs)
    yield from special_files("config", "config.yaml")


def special_files(reader: str, name: str) -> Iterator[Hostile]:
    """What is no ordinary file, under the name of one."""

    def link(target: str) -> Hostile:
        def make(folder: Path) -> Path:
            os.symlink(target, folder / name)
            return folder / name

        return Hostile(f"a link to {target}", reader, make)

    def pipe(folder: Path) -> Path:
        os.mkfifo(folder / name)
        return folder / name

    def directory(folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    yield from map(link, ("/dev/zero", "/dev/stdin", "/proc/self/fd", name, "nowhere"))
    yield Hostile("a pipe that nobody writes to", reader, pipe)
    yield Hostile("a folder", reader, directory)
    yield Hostile("a NUL in the path", reader, lambda folder: folder / f"a\0{name}")
    yield Hostile("a path of 5,000 letters", reader, lambda folder: folder / ("a" * 5000))
