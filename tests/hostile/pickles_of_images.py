"""Hostile pickles, alone and in a folder of CIFAR."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hostile.configurations_yaml import special_files
from hostile.good import cifar_folder
from hostile.made import Bytes, Hostile, contents


class _Calls:
    """What pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def _dumped(value: Any, protocol: int = 2) -> bytes:
    return pickle.dumps(value, protocol=protocol)


def _deep() -> bytes:
    return b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b"."


def _long1(digits: int) -> bytes:
    return b"\x8b" + struct.pack("<i", digits) + b"\xff" * min(digits, 1_000_000)


def _doubling() -> bytes:
    """A tuple of two of the last, a hundred times over: 2^100 leaves."""
    return b"\x80\x02K\1" + b"q\0h\0\x86" * 100 + b"."


FILES: dict[str, Bytes] = {
    "28 bytes that ask for 1.6 GB": b"\x80\x04\x8e" + struct.pack("<Q", 1_600_000_000) + b"x" * 16 + b".",
    "a text of 2^63 bytes": b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b"x.",
    "a bytearray of 2^40 bytes": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
    "a frame of 2^60 bytes": b"\x80\x04\x95" + struct.pack("<Q", 2**60) + b"}.",
    "bytes of a length below zero": b"\x80\x02T" + struct.pack("<i", -5) + b"x.",
    "a number of 2 GB": _long1(2**31 - 1),
    "a number of a length below zero": _long1(-1),
    "a number of a million bytes": _long1(1_000_000) + b".",
    "digits without end": b"I" + b"9" * 1_000_000 + b"\n.",
    "a long of digits without end": b"L" + b"9" * 1_000_000 + b"L\n.",
    "a float that is none": b"F1e999x\n.",
    "os.system": _dumped(_Calls(os.system, "touch owned")),
    "os.system, protocol 0": b"cos\nsystem\n(S'touch owned'\ntR.",
    "os.system by its stack": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0btouch owned\x85R.",
    "posix.system in a dictionary": b"\x80\x02}U\4datacposix\nsystem\nU\x0btouch owned\x85Rs.",
    "builtins.eval": b"cbuiltins\neval\n(S'1'\ntR.",
    "builtins.exec": b"c__builtin__\nexec\n(S'1'\ntR.",
    "builtins.getattr": b"cbuiltins\ngetattr\n(cbuiltins\nbytes\nS'fromhex'\ntR.",
    "builtins.bytes of a billion": b"cbuiltins\nbytes\n(I1000000000\ntR.",
    "builtins.bytearray of a billion": b"cbuiltins\nbytearray\n(I1000000000\ntR.",
    "builtins.range": b"cbuiltins\nrange\n(I1000000000\ntR.",
    "importlib.import_module": b"cimportlib\nimport_module\n(S'antigravity'\ntR.",
    "an import of antigravity": b"cantigravity\nfly\n.",
    "a name with dots": b"\x80\x04\x8c\x05numpy\x8c\x12f2py.os.system.call\x93.",
    "an object of INST": b"(S'touch owned'\nios\nsystem\n.",
    "an object of OBJ": b"(cos\nsystem\nS'touch owned'\no.",
    "an object of NEWOBJ": b"cos\nsystem\n(S'a'\nt\x81.",
    "a persistent name": b"Pfile:///etc/passwd\n.",
    "a persistent name on the stack": b"U\1aQ.",
    "a number of copyreg": b"\x82\x01.",
    "a buffer from outside": b"\x80\x05\x97.",
    "the state of a dictionary": b"}}b.",
    "the state of nothing": b"}b.",
    "the state of a global": b"cnumpy\ndtype\n}b.",
    "a call of a text": b"S'a'\n(tR.",
    "numpy.ndarray called": b"cnumpy\nndarray\n(I1000000000\ntR.",
    "numpy.dtype of objects": b"cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR.",
    "numpy.load": b"cnumpy\nload\n(S'/etc/passwd'\ntR.",
    "numpy.core's _reconstruct of another class":
        b"cnumpy.core.multiarray\n_reconstruct\n(S'ndarray'\n(I0\ntS'b'\ntR.",
    "an array of objects": lambda: _dumped({"data": np.array([{}, {}], dtype=object)}),
    "an array of floats": lambda: _dumped({"data": np.zeros(4)}),
    "an array of five dimensions": lambda: _dumped({"data": np.zeros((1, 1, 1, 1, 1), np.uint8)}),
    "tuples in tuples": _doubling(),
    "lists a million deep": _deep,
    "marks without end": lambda: b"(" * 2_000_000 + b".",
    "a list in itself": b"]q\0h\0a.",
    "four million opcodes": lambda: b"N0" * 2_000_000 + b".",
    "four million values": lambda: b"(" + b"N" * 4_000_000 + b"t.",
    "tuples a million deep": lambda: b")" + b"\x85" * 1_000_000 + b".",
    "texts kept and never used": lambda: b"\x80\x02" + b"U\1ar\xff\xff\xff\x7f" * 300_000 + b".",
    "the same bytes encoded again and again":
        b"\x80\x02}(U\1aX\x10\x27\0\0" + b"x" * 10_000 + b"q\0"
        + b"U\1ac_codecs\nencode\nh\0X\6\0\0\0latin1\x86R" * 2000 + b"u.",
    "an encoding by name": b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\3\0\0\0zip\x86R.",
    "an encoding of rot13": b"\x80\x02c_codecs\nencode\nX\1\0\0\0aX\5\0\0\0rot13\x86R.",
    "no stop": b"\x80\x02}",
    "nothing": b"",
    "only a stop": b".",
    "a stop with two values": b"}}.",
    "a list": b"].",
    "a number": b"K\1.",
    "an opcode that is none": b"\xfe.",
    "protocol 255": b"\x80\xff\xfe",
    "a value that is missing": b"s.",
    "a mark that is missing": b"t.",
    "a mark as a value": b"}(s.",
    "a key that is a list": b"}]Ks.",
    "a key that is a dictionary": b"}}}s.",
    "keys without values": b"}(U\1au.",
    "nothing kept": b"h\0.",
    "a kept value that is missing": b"\x80\x02q\0.",
    "no end of a line": b"I12345",
    "a text without quotes": b"Sabc\n.",
    "a text with a wrong escape": b"S'\\x1'\n.",
    "a text that is not UTF-8": b"\x80\x02X\2\0\0\0\xff\xfe.",
    "a unicode text with wrong escapes": b"V\\ud8\n.",
    "an escape sequence as a global": b"c\x1b[2J\nx\n.",
    "a global that is not ASCII": "cnümpy\nx\n.".encode("latin-1"),
    "a global of a million letters": lambda: b"c" + b"a" * 1_000_000 + b"\nx\n.",
    "a value that is a global": b"}U\1acnumpy\nndarray\ns.",
    "a zip file": b"PK\3\4" + bytes(50),
    "XML": b"<pickle/>",
}  # fmt: skip


def _batch(data: Any, labels: Any, **others: Any) -> bytes:
    return _dumped({b"data": data, b"labels": labels, **others})


_ROWS = np.zeros((2, 3072), np.uint8)
BATCHES: dict[str, Bytes] = {
    "no data": lambda: _dumped({b"labels": [0, 1]}),
    "no labels": lambda: _dumped({b"data": _ROWS}),
    "rows too short": lambda: _batch(np.zeros((2, 3071), np.uint8), [0, 1]),
    "rows in four dimensions": lambda: _batch(_ROWS.reshape(2, 3, 32, 32), [0, 1]),
    "data that are bytes": lambda: _batch(bytes(6144), [0, 1]),
    "more labels than images": lambda: _batch(_ROWS, [0, 1, 0]),
    "a label below zero": lambda: _batch(_ROWS, [0, -1]),
    "a label of no class": lambda: _batch(_ROWS, [0, 2]),
    "a label of 2^70": lambda: _batch(_ROWS, [0, 2**70]),
    "a label that is a truth": lambda: _batch(_ROWS, [True, False]),
    "a label that is a text": lambda: _batch(_ROWS, ["0", "1"]),
    "labels that are a tuple": lambda: _batch(_ROWS, (0, 1)),
    "os.system beside good data": lambda: _batch(_ROWS, [0, 1], x=_Calls(os.system, "touch owned")),
    "cut short": lambda: _batch(_ROWS, [0, 1])[:3000],
    "one bit in the shape": lambda: _batch(_ROWS, [0, 1]).replace(b"K\x02M\x00\x0c", b"K\x03M\x00\x0c"),
}  # fmt: skip
NAMES: dict[str, Any] = {
    "class names twice": [b"cat", b"cat"],
    "class names that are numbers": [1, 2],
    "class names that are none": [],
    "class names that are a text": b"cat dog",
    "class names with an escape sequence": [b"\x1b[2J", b"dog"],
    "class names that are lists": [[b"cat"], [b"dog"]],
    "class names that are empty": [b"", b"dog"],
}


def files() -> Iterator[Hostile]:
    """Pickles, batches, class names, and what is no file."""
    yield from contents("pickle", "data_batch_1", FILES)
    yield from special_files("pickle", "data_batch_1")
    for name, content in BATCHES.items():
        yield Hostile(f"CIFAR: {name}", "folder", _folder("data_batch_1", content))
    for name, names in NAMES.items():
        meta = _dumped({b"label_names": names})
        yield Hostile(f"CIFAR: {name}", "folder", _folder("batches", meta))
    yield Hostile("CIFAR: a batch that is a link to /dev/zero", "folder", _linked)


def _folder(file: str, content: Bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        whole = content if isinstance(content, bytes) else content()
        return cifar_folder(folder, **{file: whole})

    return make


def _linked(folder: Path) -> Path:
    cifar_folder(folder)
    (folder / "data_batch_1").unlink()
    os.symlink("/dev/zero", folder / "data_batch_1")
    return folder
