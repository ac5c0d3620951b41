"""Hostile files of a single array, such as initial values: .npy, and texts of rows of numbers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from hostile import archives
from hostile.archives import described, npy
from hostile.configurations_yaml import special_files
from hostile.made import Bytes, Hostile, contents

GOOD_HERE = ("x of five dimensions",)
"""What is wrong with cases, but not with an array."""


def _members() -> dict[str, Bytes]:
    """The arrays x of the hostile .npz files, each as a file of its own."""
    good, found = npy(archives._X), dict[str, Bytes]()
    for name, content in archives.FILES.items():
        if not isinstance(content, bytes):
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                member = file.read("x.npy")
        except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError):
            continue
        if member != good and name not in GOOD_HERE:
            found[name] = member
    return found


ARRAYS: dict[str, Bytes] = {
    **_members(),
    "a gigabyte said, nothing there": described("(8192, 16384)"),
    "no numbers": npy([]),
    "nothing": b"",
}

ROWS: dict[str, Bytes] = {
    "nothing": b"",
    "words": b"a,b\nc,d\n",
    "a header": b"w1,w2\n1,2\n",
    "infinity": b"1,2\n3,inf\n",
    "nan": b"1,2\n3,nan\n",
    "1e309": b"1,2\n3,1e309\n",
    "a row too short": b"1,2\n3,4\n5\n",
    "a hole": b"1,2\n,4\n",
    "an escape sequence": b"1,\x1b[2J\n",
    "a formula": b"1,=1+1\n",
    "not UTF-8": b"1,2\n\xff,4\n",
    "a pickle": b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00cos\nsystem\n.",
    "a million columns": lambda: b"1," * 999_999 + b"1\n",
}


def files() -> Iterator[Hostile]:
    """Arrays, rows, and what is no file."""
    yield from contents("array", "W.npy", ARRAYS)
    yield from contents("array", "W.csv", {f"rows: {k}": v for k, v in ROWS.items()})
    yield from special_files("array", "W.npy")
