"""Hostile .npz files of sequences."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import numpy as np

from hostile.archives import described, npy
from hostile.made import Bytes, Hostile, contents, zipped

_X = np.ones((4, 3, 2))
_GOOD = {
    "x": npy(_X),
    "lengths": npy(np.array([3, 1, 2, 3])),
    "t": npy(np.array([[0, 1, 0], [1, -1, -1], [0, 0, -1], [1, 1, 1]])),
}


def _of(**members: bytes) -> bytes:
    return zipped({f"{name}.npy": content for name, content in {**_GOOD, **members}.items()})


def _lengths(values: object, dtype: str = "int64") -> bytes:
    return _of(lengths=npy(np.array(values, dtype=dtype)))


def _t(values: object, dtype: str = "int64", **others: bytes) -> bytes:
    return _of(t=npy(np.array(values, dtype=dtype)), **others)


def _with(place: object, value: float) -> bytes:
    x = _X.copy()
    x[place] = value
    return _of(x=npy(x))


def _bomb() -> bytes:
    """512 MiB of zeros in 522 KB, with honest headers and lengths."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        with file.open("x.npy", "w", force_zip64=True) as member:
            member.write(described("(64, 1024, 1024)")[:-1].ljust(127) + b"\n")
            for _ in range(512):
                member.write(bytes(2**20))
        file.writestr("lengths.npy", npy(np.full(64, 1024)))
        file.writestr("t.npy", npy(np.arange(64) % 2))
    return packed.getvalue()


FILES: dict[str, Bytes] = {
    "sequences of 512 MiB in 522 KB": _bomb,
    "steps said, nothing there": _of(x=described("(4, 1048576, 1024)")),
    "lengths said, nothing there": _of(lengths=described(f"({2**40},)", "'<i8'")),
    "lengths that are objects": _of(
        lengths=npy(np.array([print, {}, 1, 2], dtype=object), allow_pickle=True)
    ),
    "lengths below zero": _lengths([3, -1, 2, 3]),
    "lengths of nothing": _lengths([3, 0, 2, 3]),
    "lengths beyond the steps": _lengths([3, 4, 2, 3]),
    "lengths of 2^63": _lengths([3, 2**63, 2, 3], "uint64"),
    "lengths that are no whole numbers": _lengths([3.0, 1.5, 2, 3], "float64"),
    "lengths of nan": _lengths([3, np.nan, 2, 3], "float64"),
    "lengths of texts": _lengths(["3", "1", "2", "3"], "U1"),
    "lengths of truths": _lengths([True] * 4, "bool"),
    "too few lengths": _lengths([3, 1, 2]),
    "lengths that are a square": _lengths([[3, 1], [2, 3]]),
    "one length for all": _lengths(3),
    "lengths that are damaged": _of(lengths=b"\x93NUMPY\x01\x00"),
    "lengths that are empty": _of(lengths=b""),
    "sequences of no cases": _of(x=npy(_X[:0]), lengths=npy(np.zeros(0, int))),
    "sequences of no steps": _of(x=npy(_X[:, :0])),
    "sequences of no features": _of(x=npy(_X[:, :, :0])),
    "sequences that are rows": _of(x=npy(_X[:, 0])),
    "sequences of four axes": _of(x=npy(_X[..., None])),
    "sequences of complex numbers": _of(x=npy(_X.astype(complex))),
    "sequences of texts": _of(x=npy(np.full((4, 3, 2), "a"))),
    "nan within a case": _with((1, 0, 0), np.nan),
    "infinity within a case": _with((0, 2, 1), np.inf),
    "a class without end": _t([0, 1, 2**40, 1]),
    "a class of 2^64": _t([0, 1, 2**64 - 1, 1], "uint64"),
    "a class without end at a step": _t([[0, 1, 0], [1, 0, 0], [0, 2**62, 0], [1, 1, 1]]),
    "a class below none at a step": _t([[0, 1, 0], [-7, 0, 0], [0, 0, 0], [1, 1, 1]]),
    "a class below zero of a case": _t([0, -1, 0, 1]),
    "targets of other steps": _t([[0, 1]] * 4),
    "targets of other cases": _t([0, 1, 1]),
    "targets of four axes": _t(np.zeros((4, 3, 1, 1)), "float64"),
    "targets of texts": _t(["a", "b", "a", "b"], "U1"),
    "targets of nan": _t([0.0, np.nan, 1, 1], "float64"),
    "targets of infinity": _t(np.full((4, 3, 1), np.inf), "float64"),
    "targets that are partly nan": _t(np.where(_X < 2, [1.0, np.nan], 0), "float64"),
    "targets of complex numbers": _t([0, 1, 1, 0], "complex128"),
    "more classes than names": _t([0, 1, 2, 1], classes=npy(["a", "b"])),
    "one name": _of(classes=npy(["a"])),
    "names twice": _of(classes=npy(["a", "a"])),
    "names with an escape sequence": _of(classes=npy(["\x1b[2J", "b"])),
    "names that are a square": _of(classes=npy([["a", "b"], ["c", "d"]])),
    "no inputs": zipped({"lengths.npy": npy(np.array([1]))}),
}


def files() -> Iterator[Hostile]:
    """Files that say that they hold sequences."""
    yield from contents("data", "cases.npz", FILES)
