"""Hostile .npz files."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from hostile.configurations_yaml import special_files
from hostile.made import Bytes, Hostile, contents, zipped

_X = np.eye(4, 2)
_T = np.array([0, 1, 0, 1])


def npy(array: Any, **arguments: Any) -> bytes:
    """An array as a .npy file holds it."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), **arguments)
    return stream.getvalue()


def headed(header: str | bytes, content: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """A .npy file of any header and content."""
    text = header if isinstance(header, bytes) else header.encode("latin-1", "replace")
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text + content


def described(
    shape: str, descr: str = "'<f8'", order: str = "False", content: bytes = b""
) -> bytes:
    """A .npy file whose header says so."""
    return headed(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n", content)


def _of(x: bytes, t: bytes | None = None, **others: bytes) -> bytes:
    members = {"x.npy": x, "t.npy": npy(_T) if t is None else t}
    return zipped({**members, **{f"{k}.npy": v for k, v in others.items()}})


def _bomb() -> bytes:
    """512 MiB of zeros in 522 KB, with an honest header."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("x.npy", "w", force_zip64=True) as member:
            member.write(described("(1024, 65536)")[:-1].ljust(127) + b"\n")
            for _ in range(512):
                member.write(bytes(2**20))
        file.writestr("t.npy", npy(np.arange(1024) % 2))
    return packed.getvalue()


def _lying(**facts: int) -> bytes:
    """A good file whose zip directory lies about x."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("t.npy", npy(_T))
        file.writestr("x.npy", npy(_X))
        for name, value in facts.items():
            setattr(file.filelist[1], name, value)
    return packed.getvalue()


def _twice() -> bytes:
    """Two members called x.npy, the second of which lies."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for content in (npy(_X), described("(100000, 100000)")):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                file.writestr("x.npy", content)
    return packed.getvalue()


def _flagged() -> bytes:
    """A member that says it is encrypted."""
    whole = bytearray(_of(npy(_X)))
    for start in (whole.find(b"PK\x03\x04") + 6, whole.find(b"PK\x01\x02") + 8):
        whole[start] |= 1
    return bytes(whole)


def _replaced(old: bytes, new: bytes) -> bytes:
    return zipped({"x.npy": npy(_X), "t.npy": npy(_T)}, how=zipfile.ZIP_STORED).replace(old, new)


def _objects() -> bytes:
    return npy(np.array([print, {}], dtype=object), allow_pickle=True)


FILES: dict[str, Bytes] = {
    "522 KB that unpack to 512 MiB": _bomb,
    "512 MiB said, nothing there": _of(described("(1024, 65536)")),
    "sizes that overflow": _of(described("(4294967296, 4294967296)")),
    "sizes beyond every word": _of(described(f"({10**30}, {10**30})")),
    "a size below zero": _of(described("(-1, -8)", content=bytes(64))),
    "sizes below zero that fit": _of(described("(-4, -2)", content=bytes(64))),
    "no cases of endless width": _of(described(f"(0, {2**62})")),
    "a size that is a truth": _of(described("(True, 8)", content=bytes(64))),
    "a size that is a float": _of(described("(4.0, 2)", content=bytes(64))),
    "a size that is a text": _of(described("('4', 2)", content=bytes(64))),
    "a shape that is a list": _of(described("[4, 2]", content=bytes(64))),
    "a shape of 40 dimensions": _of(described("(" + "1," * 40 + ")", content=bytes(8))),
    "a shape of 3,000 dimensions": _of(described("(" + "1," * 3000 + ")", content=bytes(8))),
    "no shape": _of(described("()", content=bytes(8))),
    "objects": _of(_objects()),
    "objects as targets": _of(npy(_X), _objects()),
    "objects as classes": _of(npy(_X), classes=_objects()),
    "an object type that is said": _of(described("(4, 2)", "'|O'", content=bytes(64))),
    "an object in a structure": _of(described("(4,)", "[('a', '|O')]", content=bytes(32))),
    "a structure": _of(described("(4,)", "[('a', '<f8'), ('b', '<f8')]", content=bytes(64))),
    "a structure of a thousand": _of(described("(1,)", str([(f"a{k}", "<f8") for k in range(900)]))),
    "structures in structures": _of(described("(1,)", "[('a', " * 60 + "'<f8'" + ")]" * 60)),
    "a type of 2 GiB": _of(described("(1, 1)", "'|S2147483647'")),
    "a type of void": _of(described("(4, 2)", "'|V8'", content=bytes(64))),
    "a type of no bytes": _of(described("(4, 2)", "'|S0'")),
    "texts of no letters": _of(described("(1000000000, 2)", "'<U0'")),
    "dates": _of(described("(4, 2)", "'<M8[s]'", content=bytes(64))),
    "complex numbers": _of(npy(_X.astype(complex))),
    "a type that is a module": _of(described("(4, 2)", "'os.system'", content=bytes(64))),
    "a type that is a subarray": _of(described("(1, 1)", "('<f8', (1000000, 1000000))")),
    "a type that is a number": _of(described("(4, 2)", "8", content=bytes(64))),
    "a type that is none": _of(described("(4, 2)", "None", content=bytes(64))),
    "an order that is a call": _of(described("(4, 2)", order="print(1)", content=bytes(64))),
    "a header that calls": _of(headed("__import__('os').system('touch owned')")),
    "a header of brackets": _of(headed("[" * 9000)),
    "a header of minus signs": _of(headed("-" * 9000 + "1")),
    "a header of an open text": _of(headed("{'descr': '")),
    "a header of a power": _of(headed("{'descr': '<f8', 'fortran_order': False, 'shape': (9**9**9,)}")),
    "a header of a long number": _of(described("(" + "9" * 5000 + ",)")),
    "a header of 60,000 blanks": _of(headed(" " * 60_000)),
    "a header longer than the file": _of(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
    "a header that is empty": _of(headed("")),
    "a header that is a list": _of(headed("[]")),
    "a header of another key": _of(headed("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 2), 'x': 1}")),
    "a header with NUL": _of(headed("{'descr': '<f8\0', 'fortran_order': False, 'shape': (4, 2)}")),
    "a header that is not text": _of(headed(b"\xff\xfe" * 50, version=(3, 0))),
    "a header with an escape sequence": _of(headed("{'\x1b[2J': 1}")),
    "a version that is none": _of(headed("{}", version=(9, 9))),
    "another magic": _of(b"\x94NUMPX" + npy(_X)[6:]),
    "an empty member": _of(b""),
    "a member of six bytes": _of(b"\x93NUMPY"),
    "a byte too few": _of(npy(_X)[:-1]),
    "a byte too many": _of(npy(_X) + b"\0"),
    "no x": zipped({"y.npy": npy(_X)}),
    "no t": zipped({"x.npy": npy(_X)}),
    "no arrays": zipped({"a.txt": b"hello"}),
    "no members": zipped({}),
    "names with an escape sequence": zipped({"\x1b[2J.npy": npy(_X)}),
    "a name that leads up": zipped({"../../x.npy": npy(_X), "../t.npy": npy(_T)}),
    "a name that is absolute": zipped({"/tmp/x.npy": npy(_X), "/tmp/t.npy": npy(_T)}),
    "ten thousand members": lambda: zipped({f"a{k}.npy": b"" for k in range(10_000)}),
    "a name of 60,000 letters": zipped({"x" * 60_000 + ".npy": b""}),
    "x that is a folder": zipped({"x.npy/": b""}),
    "a member twice": _twice,
    "a directory that promises more": lambda: _lying(file_size=2**31),
    "a directory that promises 2^63": lambda: _lying(file_size=2**63 - 1),
    "a directory that packs less": lambda: _lying(compress_size=1),
    "a directory of another place": lambda: _lying(header_offset=2**31),
    "a directory of a place below zero": lambda: _lying(header_offset=5),
    "a checksum that is wrong": lambda: _lying(CRC=1),
    "a way of packing that is none": lambda: _replaced(b"", b"").replace(
        b"PK\x01\x02\x14\x03\x14\0\0\0\0\0", b"PK\x01\x02\x14\x03\x14\0\0\0\x63\0"
    ),
    "a name that is not UTF-8": lambda: _of(npy(_X)).replace(b"x.npy", b"\xff.npy").replace(
        b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\0\x08"
    ),
    "a member that is encrypted": _flagged,
    "a zip within a zip": _of(zipped({"x.npy": npy(_X)})),
    "LZMA cut short": lambda: zipped({"x.npy": npy(_X)}, how=zipfile.ZIP_LZMA)[:80],
    "bzip2 of zeros": lambda: zipped({"x.npy": described("(8, 4194304)", content=bytes(2**28))},
                                     how=zipfile.ZIP_BZIP2),
    "cut in the middle": _of(npy(_X))[:150],
    "cut at the end": _of(npy(_X))[:-10],
    "only the end": _of(npy(_X))[-22:],
    "an end that says 65,535 members": b"PK\5\6" + b"\0\0\0\0" + b"\xff\xff" * 2 + bytes(10),
    "a zip64 end that lies": b"PK\6\6" + b"\xff" * 52 + b"PK\6\7" + b"\0" * 16 + b"PK\5\6" + b"\xff" * 18,
    "a .npy under this name": npy(_X),
    "not a zip file": b"PK" + b"hello" * 100,
    "x of nan": _of(npy(_X * np.nan)),
    "x of infinity": _of(npy(_X + np.inf)),
    "x of texts": _of(npy(np.full((4, 2), "a"))),
    "x of no cases": _of(npy(np.zeros((0, 2))), npy(np.zeros(0, int))),
    "x of five dimensions": _of(npy(np.zeros((4, 1, 1, 1, 1)))),
    "t of another length": _of(npy(_X), npy(np.zeros(5, int))),
    "t of bytes": _of(npy(_X), npy(np.full(4, b"a"))),
    "t of nan": _of(npy(_X), npy(np.full(4, np.nan))),
    "t of 2^63": _of(npy(_X), npy(np.array([0, 1, 2**63, 2**64 - 1], np.uint64))),
    "t of class numbers without end": _of(npy(_X), npy(np.array([0, 1, 2**40, 1])), classes=npy(["a", "b"])),
    "t below zero beside names": _of(npy(_X), npy(np.array([-1, 0, 1, 0])), classes=npy(["a", "b"])),
    "classes twice": _of(npy(_X), classes=npy(["a", "a"])),
    "classes with an escape sequence": _of(npy(_X), npy(np.array([0, 1, 7, 0])), classes=npy(["\x1b[2J", "b"])),
    "classes that are a square": _of(npy(_X), classes=npy([["a", "b"], ["c", "d"]])),
    "an image's shape that overflows": _of(npy(_X), image_shape=npy(np.array([2**63 + 1, 2], np.uint64))),
    "an image's shape below zero": _of(npy(_X), image_shape=npy(np.array([-1, -2]))),
    "an image's shape of nothing": _of(npy(_X), image_shape=npy(np.zeros(0, int))),
}  # fmt: skip


def files() -> Iterator[Hostile]:
    """Archives, and what is no file."""
    yield from contents("data", "cases.npz", FILES)
    yield from special_files("inputs", "cases.npz")
