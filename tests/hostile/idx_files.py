"""Hostile IDX files, and gzip around them."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from hostile.configurations_yaml import special_files
from hostile.good import idx
from hostile.made import Bytes, Hostile, contents, packed_zeros

_GOOD = idx(8, (4, 2, 2), bytes(16))
_LABELS = idx(8, (4,), bytes([0, 1, 0, 1]))


def _gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _bomb() -> bytes:
    """512 KB: an honest header, and 512 MiB of zeros."""
    return _gz(idx(8, (8, 8192, 8192), b"")) + packed_zeros(2**29)


def _half_honest() -> bytes:
    """A header that asks for 4 GiB, and 400 MiB of zeros."""
    return _gz(idx(8, (16, 16384, 16384), b"")) + packed_zeros(400 * 2**20)


def _quine() -> bytes:
    """gzip in gzip in gzip, a hundred deep."""
    content = _GOOD
    for _ in range(100):
        content = _gz(content)
    return content


FILES: dict[str, Bytes] = {
    "gzip: 512 KB that unpack to 512 MiB": _bomb,
    "gzip: a header of 4 GiB over 400 MiB": _half_honest,
    "gzip: more than the header says": lambda: _gz(_GOOD) + packed_zeros(2**29),
    "gzip in gzip": _quine,
    "gzip cut short": _gz(_GOOD)[:-6],
    "gzip of a wrong checksum": _gz(_GOOD)[:-8] + bytes(8),
    "gzip of nothing": _gz(b""),
    "gzip with rubbish after it": _gz(_GOOD) + b"rubbish",
    "gzip of a name without end": b"\x1f\x8b\x08\x08" + bytes(6) + b"a" * 1_000_000,
    "gzip with a name that leads up": b"\x1f\x8b\x08\x08" + bytes(6) + b"../../owned\0" + b"x",
    "gzip of an unknown method": b"\x1f\x8b\x07" + bytes(20),
    "gzip: fifty thousand empty members": lambda: _gz(b"")[:20] * 50_000,
    "65,535 x 65,535 of nothing": idx(8, (65535, 65535, 1), b""),
    "sizes that overflow": idx(14, (2**32 - 1,) * 4, b""),
    "255 dimensions": b"\0\0\x08\xff" + struct.pack(">255I", *([1] * 255)) + b"\0",
    "255 dimensions of 2^32": b"\0\0\x08\xff" + struct.pack(">255I", *([2**32 - 1] * 255)),
    "70 dimensions of one": b"\0\0\x08\x46" + struct.pack(">70I", *([1] * 70)) + b"\0",
    "no dimensions": b"\0\0\x08\0\0",
    "no images of endless height": idx(8, (0, 2**32 - 1, 2**32 - 1), b""),
    "images of no height": idx(8, (2**32 - 1, 0, 2**32 - 1), b""),
    "a type that is none": b"\0\0\x0a\x03" + _GOOD[4:],
    "a type of zero": b"\0\0\0\x03" + _GOOD[4:],
    "other bytes in front": b"\1\0\x08\x03" + _GOOD[4:],
    "little-endian sizes": b"\0\0\x08\x03" + struct.pack("<3I", 4, 2, 2) + bytes(16),
    "a byte too few": _GOOD[:-1],
    "a byte too many": _GOOD + b"\0",
    "a header cut short": _GOOD[:7],
    "three bytes": _GOOD[:3],
    "nothing": b"",
    "floats of nan": idx(13, (4, 2, 2), struct.pack(">f", float("nan")) * 16),
    "floats of signalling nan": idx(13, (4, 2, 2), b"\x7f\x80\x00\x01" * 16),
    "doubles of infinity": idx(14, (4, 2, 2), struct.pack(">d", float("inf")) * 16),
    "labels in place of images": _LABELS,
    "five images for four labels": idx(8, (5, 2, 2), bytes(20)),
    "four colours": idx(8, (4, 2, 2, 4), bytes(64)),
    "a text under this name": b"1,2,a\n",
    "a zip file under this name": b"\0\0PK\3\4",
}

LABELS: dict[str, Bytes] = {
    "labels of two dimensions": idx(8, (4, 1), bytes(4)),
    "labels of another number": idx(8, (5,), bytes(5)),
    "labels of nan": idx(13, (4,), struct.pack(">f", float("nan")) * 4),
    "labels of infinity": idx(14, (4,), struct.pack(">d", float("inf")) * 4),
    "labels cut short": _LABELS[:-1],
    "labels that say 4 billion": idx(8, (2**32 - 1,), bytes(4)),
    "labels that are a bomb": lambda: _gz(idx(8, (2**29,), b"")) + packed_zeros(2**29),
    "labels that are text": b"0\n1\n0\n1\n",
}


def files() -> Iterator[Hostile]:
    """Images beside good labels, and labels beside good images."""
    for file in contents("idx", "images-ubyte", FILES):
        yield replace(file, make=_beside(file, "labels-ubyte", _LABELS))
    for file in contents("idx", "labels-ubyte", LABELS):
        yield replace(file, make=_instead(file))
    for file in special_files("idx", "images-ubyte"):
        yield replace(file, make=_beside(file, "labels-ubyte", _LABELS))


def _beside(file: Hostile, name: str, content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return file.make(folder)

    return make


def _instead(file: Hostile) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        file.make(folder)
        (folder / "images-ubyte").write_bytes(_GOOD)
        return folder / "images-ubyte"

    return make
