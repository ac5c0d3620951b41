"""Reading plain data from a pickle without unpickling it.

A pickle is a program for a small stack machine, and its opcodes REDUCE and GLOBAL can call any
function of the computer that runs it. Some data sets are published in this form nevertheless.
`pickletools` knows how each opcode's argument is written; the machine here knows only the opcodes
of plain data (dictionaries, lists, tuples, texts, whole numbers) and the few globals by which
Python 2, Python 3 and NumPy write arrays and bytes. It looks those up in a table of its own:
nothing is imported, and nothing in the file is ever called. Every length that the file states is
checked: `pickletools` compares it with the bytes that are there.
"""

from __future__ import annotations

import io
import math
import pickletools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import numpy as np
import numpy.typing as npt

from chainrule.core.errors import DataError, Problem
from chainrule.core.limits import MAX_PICKLE_BYTES, MOST_NESTED, MOST_OPCODES
from chainrule.data.readers.paths import read_bytes

MARK = object()
"""Marks on the stack where the items of a list, tuple or dictionary begin."""

UINT8 = object()
"""Stands for NumPy's uint8, the only dtype of arrays that is read."""


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary that a pickle holds.

    Keys are given as texts. Values are bytes (also for Python 2's ``str``), texts, whole
    numbers, truth values, None, lists and tuples of these, and uint8 arrays.

    Args:
        path: a file of at most `chainrule.core.limits.MAX_PICKLE_BYTES`.

    Raises:
        DataError: the file cannot be read, is too long or cut short, holds anything else, or
            holds no dictionary; the error gives the byte where this was found.
    """
    return Machine(read_bytes(path, at_most=MAX_PICKLE_BYTES), path).run()


@dataclass(frozen=True, eq=False)
class Global:
    """A reference in the file to the global ``name``, which is one of `GLOBALS`."""

    name: str


class PendingArray:
    """An array that was begun; its shape and bytes follow later in the file."""

    array: npt.NDArray[np.uint8] | None = None


class Machine:
    """The stack machine that reads a pickle.

    Args:
        contents: the bytes of the file.
        path: the path of the file, for messages.
    """

    def __init__(self, contents: bytes, path: Path) -> None:
        self.contents = contents
        self.path = path
        self.at = 0  # the byte of the current opcode, for messages
        self.nested = 0  # how many tuples of the file contain a tuple
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # The number of characters encoded to bytes. One text may be encoded many times, but a
        # total of more characters than the file has bytes is an attack.
        self.encoded = 0

    def fail(self, message: str) -> NoReturn:
        """Raise an error with the message and the position of the opcode."""
        raise DataError(Problem(f"byte {self.at:,}: {message}", self.path)) from None

    def refuse(self, found: str) -> NoReturn:
        """Raise an error because the file holds something other than plain data."""
        self.fail(f"found {found}; a data file holds plain data alone, and nothing else is read")

    def run(self) -> dict[str, Any]:
        """Run the program up to STOP, and return the dictionary that it leaves on the stack."""
        stream = io.BytesIO(self.contents)
        with warnings.catch_warnings(action="ignore"):  # about invalid escapes in texts
            for _ in range(MOST_OPCODES):
                self.at = stream.tell()
                name, argument = self.opcode(stream)
                if name == "STOP":
                    break
                if name not in ACTIONS:
                    self.refuse(f"opcode {name}")
                ACTIONS[name](self, argument)
            else:
                self.refuse(f"more than {MOST_OPCODES:,} opcodes")
        return self.result()

    def opcode(self, stream: IO[bytes]) -> tuple[str, Any]:
        """Read the next opcode: its name and its argument."""
        code = stream.read(1)
        opcode = OPCODES.get(code)
        if opcode is None:
            found = f"there is no opcode {code!r}" if code else "it has no end"
            self.fail(f"the file is damaged or cut short ({found})")
        if opcode.arg is None:
            return opcode.name, None
        try:
            return opcode.name, READERS.get(opcode.name, opcode.arg.reader)(stream)
        except ValueError as error:
            self.fail(f"the file is damaged or cut short ({str(error)[:100]})")

    def frame(self, length: int) -> None:
        """Check that a frame of this length, which begins here, ends within the file."""
        left = len(self.contents) - self.at - 9
        if length > left:
            self.fail(f"a frame of {length:,} bytes, {left:,} are left: the file is cut short")

    def result(self) -> dict[str, Any]:
        """The dictionary, alone on the stack at STOP, with its arrays as NumPy arrays."""
        if len(self.stack) != 1 or not isinstance(self.stack[0], dict):
            self.fail("the pickle is no dictionary")
        found = self.stack[0]
        for key, value in found.items():
            if isinstance(value, PendingArray):
                if value.array is None:
                    self.fail("an array never got its bytes")
                found[key] = value.array
            elif isinstance(value, Global) or value is UINT8:
                self.refuse("a global as a value")
        return found

    # The stack

    def push(self, value: Any) -> None:
        """Push a value."""
        self.stack.append(value)

    def begin(self, opens: Any) -> None:
        """Push an empty list or dictionary, which is filled later, or a mark."""
        if len(self.stack) > MOST_NESTED:
            self.refuse_nesting()
        self.stack.append(opens)

    def pop(self) -> Any:
        """Remove the top value and return it."""
        if not self.stack or self.stack[-1] is MARK:
            self.fail("a value is missing")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Remove the values above the last mark, and the mark; return the values in order."""
        values = []
        while self.stack and self.stack[-1] is not MARK:
            values.append(self.stack.pop())
        if not self.stack:
            self.fail("a mark is missing")
        self.stack.pop()
        return values[::-1]

    def top(self, kind: type) -> Any:
        """The top value, which stays on the stack and must be of the type ``kind``."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            self.fail(f"a {kind.__name__} is missing")
        return self.stack[-1]

    def pop_tuple(self, count: int) -> None:
        """Replace the top ``count`` values by one tuple of them."""
        values = tuple(self.stack[-count:])
        if len(values) < count or MARK in values:
            self.fail("a value is missing")
        del self.stack[-count:]
        self.push_tuple(values)

    def push_tuple(self, values: tuple[Any, ...]) -> None:
        """Push a tuple; the number of tuples that contain tuples is limited."""
        self.nested += tuple in map(type, values)
        if self.nested > MOST_NESTED:
            self.refuse_nesting()
        self.push(values)

    def refuse_nesting(self) -> NoReturn:
        """Raise an error because too many values are nested."""
        self.refuse(f"more than {MOST_NESTED:,} values in values")

    def add_items(self, pairs: list[Any]) -> None:
        """Add alternating keys and values to the dictionary on top of the stack."""
        target = self.top(dict)
        if len(pairs) % 2:
            self.fail("a key has no value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[self.text(key)] = value

    def text(self, value: Any) -> str:
        """A name or a key as text; Python 2 wrote it as bytes."""
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if not isinstance(value, str):
            self.refuse(f"a key of type {type(value).__name__}")
        return value

    def remember(self, key: int) -> None:
        """Store the top value in the memo under the number ``key``."""
        if not self.stack or self.stack[-1] is MARK:
            self.fail("there is nothing to remember")
        self.memo[key] = self.stack[-1]

    def recall(self, key: int) -> None:
        """Push the value stored in the memo under the number ``key``."""
        if key not in self.memo:
            self.fail(f"nothing was stored under number {key}")
        self.push(self.memo[key])

    # Globals, and the values that they make

    def name(self, name: str) -> None:
        """Push a reference to a global, if it is one of `GLOBALS`."""
        if name not in GLOBALS:
            self.refuse(f"the global {name[:80]!r}")
        self.push(Global(name))

    def reduce(self) -> None:
        """Push what the function in `GLOBALS` for a global returns; nothing else is called."""
        arguments, made_by = self.pop(), self.pop()
        if not isinstance(made_by, Global) or not isinstance(arguments, tuple):
            self.refuse("a call of something that is no known global")
        self.push(GLOBALS[made_by.name](self, arguments))

    def build(self) -> None:
        """Give a pending array its shape and bytes; the state of a dtype is ignored."""
        state, target = self.pop(), self.top(object)
        if isinstance(target, PendingArray):
            if not isinstance(state, tuple) or len(state) != 5:
                self.refuse("an array's state of another form")
            _, shape, kind, is_fortran, raw = state  # the first is a version
            target.array = self.array(shape, kind, raw, "F" if is_fortran else "C")
        elif target is not UINT8:
            self.refuse(f"the state of a {type(target).__name__}")

    def array(self, shape: Any, kind: Any, raw: Any, order: Any) -> npt.NDArray[np.uint8]:
        """An array over ``raw``, which must have exactly as many bytes as the shape takes."""
        if isinstance(raw, str):
            raw = self.encode((raw, "latin1"))
        sizes = shape if isinstance(shape, tuple) else (None,)
        if kind is not UINT8 or not isinstance(raw, bytes):
            self.refuse("an array of anything but bytes")
        # The message does not show the shape: nested tuples could be huge as text.
        if len(sizes) > 4 or not all(type(size) is int for size in sizes):
            self.refuse("an array whose shape is not up to 4 whole numbers")
        if not all(0 <= size <= MAX_PICKLE_BYTES for size in sizes):
            self.refuse("an array of a size that no file has")
        if math.prod(sizes) != len(raw):
            self.fail(f"an array of shape {shape} has {len(raw):,} bytes")
        if order not in ("C", "F"):
            self.refuse("an array of another order")
        try:
            return np.frombuffer(raw, np.uint8).reshape(sizes, order=order)
        except ValueError:  # one size is 0, and the others multiply to more than NumPy allows
            self.refuse("an array of a size that no file has")

    def encode(self, arguments: tuple[Any, ...]) -> bytes:
        """The bytes of a text in which each character below 256 stands for one byte."""
        if len(arguments) != 2 or not isinstance(arguments[0], str):
            self.refuse("bytes in another form")
        if self.text(arguments[1]) not in ("latin1", "latin-1"):
            self.refuse("bytes in another encoding")
        self.encoded += len(arguments[0])
        if self.encoded > len(self.contents):
            self.refuse("more bytes than the file has")
        try:
            return arguments[0].encode("latin-1")
        except UnicodeEncodeError:
            self.fail("a character above 255 is no byte")


def _reconstruct(machine: Machine, arguments: tuple[Any, ...]) -> PendingArray:
    """A pending array, as NumPy's pickles begin one; the state follows (see `build`)."""
    if not arguments or not isinstance(arguments[0], Global):
        machine.refuse("an array of another type")
    return PendingArray()


def _dtype(machine: Machine, arguments: tuple[Any, ...]) -> object:
    """The dtype of an array, which must be uint8."""
    if not arguments or not isinstance(arguments[0], str | bytes):
        machine.refuse("a type in another form")
    name = machine.text(arguments[0])
    if name not in ("u1", "|u1", "uint8"):
        machine.refuse(f"numbers of type {name[:20]!r}, where uint8 is expected")
    return UINT8


def _from_buffer(machine: Machine, arguments: tuple[Any, ...]) -> PendingArray:
    """An array as NumPy writes it in protocol 5: bytes, type, shape, order."""
    if len(arguments) != 4:
        machine.refuse("an array in another form")
    raw, kind, shape, order = arguments
    pending = PendingArray()
    pending.array = machine.array(shape, kind, raw, order)
    return pending


def _bytes(machine: Machine, arguments: tuple[Any, ...]) -> bytes:
    """The bytes of a bytearray, or empty bytes, which old protocols write as a call."""
    if not arguments:
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], bytes):
        return arguments[0]
    return machine.encode(arguments)


def _not_made(machine: Machine, arguments: tuple[Any, ...]) -> NoReturn:
    machine.refuse("an array made in another way")


GLOBALS: Mapping[str, Callable[[Machine, tuple[Any, ...]], Any]] = {
    **{f"numpy.{core}.multiarray._reconstruct": _reconstruct for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": _not_made,
    "numpy.dtype": _dtype,
    "_codecs.encode": Machine.encode,
    **{f"{module}.bytes": _bytes for module in ("__builtin__", "builtins")},
    **{f"{module}.bytearray": _bytes for module in ("__builtin__", "builtins")},
}
"""For each known global, the function that makes a value from its arguments."""


def _stack_global(machine: Machine, _: None) -> None:
    name, module = machine.pop(), machine.pop()
    machine.name(f"{machine.text(module)}.{machine.text(name)}")


def _append(machine: Machine, _: None) -> None:
    value = machine.pop()
    machine.top(list).append(value)


def _appends(machine: Machine, _: None) -> None:
    values = machine.pop_to_mark()
    machine.top(list).extend(values)


def _set_item(machine: Machine, _: None) -> None:
    value, key = machine.pop(), machine.pop()
    machine.add_items([key, value])


def _dict(machine: Machine, _: None) -> None:
    pairs = machine.pop_to_mark()
    machine.push({})
    machine.add_items(pairs)


OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
"""All opcodes of pickles, by the byte that stands for each."""

READERS: Mapping[str, Callable[[IO[bytes]], bytes]] = {
    "BINSTRING": pickletools.read_bytes4,
    "SHORT_BINSTRING": pickletools.read_bytes1,
    "BYTEARRAY8": pickletools.read_bytes8,
}
"""Readers for opcodes whose argument is read as bytes.

`pickletools` would make text of the first two, as Python 2 did, and a copy of the third."""

_PUSHED = (
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
)
"""Opcodes whose argument is the value itself."""

ACTIONS: Mapping[str, Callable[[Machine, Any], Any]] = {
    "PROTO": lambda m, _: None,
    "FRAME": Machine.frame,
    "MARK": lambda m, _: m.begin(MARK),
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    **dict.fromkeys(_PUSHED, Machine.push),
    "STRING": lambda m, text: m.push(text.encode("latin-1")),  # a str of Python 2 holds bytes
    "EMPTY_DICT": lambda m, _: m.begin({}),
    "DICT": _dict,
    "SETITEM": _set_item,
    "SETITEMS": lambda m, _: m.add_items(m.pop_to_mark()),
    "EMPTY_LIST": lambda m, _: m.begin([]),
    "LIST": lambda m, _: m.push(m.pop_to_mark()),
    "APPEND": _append,
    "APPENDS": _appends,
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "TUPLE": lambda m, _: m.push_tuple(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m, _: m.pop_tuple(1),
    "TUPLE2": lambda m, _: m.pop_tuple(2),
    "TUPLE3": lambda m, _: m.pop_tuple(3),
    "GLOBAL": lambda m, name: m.name(name.replace(" ", ".", 1)),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine.remember),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.recall),
}
"""The action of each opcode of plain data; all other opcodes are refused.

POP and POP_MARK are among those refused: a pickler writes them only for a tuple that contains
itself.
"""
