"""Plain data out of a pickle, without unpickling it.

A pickle is a program for a small stack machine, and its opcodes REDUCE and GLOBAL can call any
function of the computer that runs it. Some data sets are published in this form nevertheless.
`pickletools` knows how each opcode's argument is written; the machine here knows the opcodes of
plain data alone (dictionaries, lists, tuples, texts, whole numbers) and the few globals by which
Python 2, Python 3 and NumPy write arrays and bytes. It looks those up in a table of its own:
nothing is imported, and nothing in the file is ever called. No length that the file states is
believed: `pickletools` compares it with the bytes that are there.
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
"""Stands in the stack where a list, tuple or dictionary of several items begins."""

UINT8 = object()
"""NumPy's uint8, the only type of a number that is read."""


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary that a pickle holds.

    Keys are given as texts. Values are bytes (also for Python 2's ``str``), texts, whole
    numbers, truth values, None, lists and tuples of these, and uint8 arrays.

    Args:
        path: a file of at most `chainrule.core.limits.MAX_PICKLE_BYTES`.

    Raises:
        DataError: the file cannot be read, is too long or cut short, holds anything else, or is
            no dictionary; with the byte at which it was found.
    """
    return Machine(read_bytes(path, at_most=MAX_PICKLE_BYTES), path).run()


@dataclass(frozen=True, eq=False)
class Global:
    """A name the file asks for; one of `GLOBALS`."""

    name: str


class PendingArray:
    """An array whose shape and bytes are yet to come."""

    array: npt.NDArray[np.uint8] | None = None


class Machine:
    """The stack machine.

    Args:
        contents: of the file.
        path: of the file, for messages.
    """

    def __init__(self, contents: bytes, path: Path) -> None:
        self.contents = contents
        self.path = path
        self.at = 0  # the byte of the current opcode, for messages
        self.nested = 0  # the number of tuples in tuples
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # The number of characters encoded to bytes. A text may be encoded again and again, but
        # more than the file holds is an attack.
        self.encoded = 0

    def fail(self, message: str) -> NoReturn:
        """End with a message and the place of the opcode."""
        raise DataError(Problem(f"byte {self.at:,}: {message}", self.path)) from None

    def refuse(self, found: str) -> NoReturn:
        """End because the file holds what plain data have no need of."""
        self.fail(f"found {found}; a data file holds plain data alone, and nothing else is read")

    def run(self) -> dict[str, Any]:
        """Run the program to its STOP, and return the dictionary it leaves."""
        stream = io.BytesIO(self.contents)
        with warnings.catch_warnings(action="ignore"):  # of wrong escapes in texts
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
        """The name and the argument of the opcode that comes next."""
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
        """Check that the frame that begins ends within the file."""
        left = len(self.contents) - self.at - 9
        if length > left:
            self.fail(f"a frame of {length:,} bytes, {left:,} are left: the file is cut short")

    def result(self) -> dict[str, Any]:
        """What STOP finds on the stack: the dictionary, its arrays ready."""
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
        """Put a value on top."""
        self.stack.append(value)

    def begin(self, opens: Any) -> None:
        """Put what is yet to be filled on top: an empty list or dictionary, or a mark."""
        if len(self.stack) > MOST_NESTED:
            self.refuse_nesting()
        self.stack.append(opens)

    def pop(self) -> Any:
        """Take the top value."""
        if not self.stack or self.stack[-1] is MARK:
            self.fail("a value is missing")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        values = []
        while self.stack and self.stack[-1] is not MARK:
            values.append(self.stack.pop())
        if not self.stack:
            self.fail("a mark is missing")
        self.stack.pop()
        return values[::-1]

    def top(self, kind: type) -> Any:
        """The top value, which stays."""
        if not self.stack or not isinstance(self.stack[-1], kind):
            self.fail(f"a {kind.__name__} is missing")
        return self.stack[-1]

    def pop_tuple(self, count: int) -> None:
        """Put the top values back as one tuple."""
        values = tuple(self.stack[-count:])
        if len(values) < count or MARK in values:
            self.fail("a value is missing")
        del self.stack[-count:]
        self.push_tuple(values)

    def push_tuple(self, values: tuple[Any, ...]) -> None:
        """Put a tuple on top; tuples in tuples are counted."""
        self.nested += tuple in map(type, values)
        if self.nested > MOST_NESTED:
            self.refuse_nesting()
        self.push(values)

    def refuse_nesting(self) -> NoReturn:
        """End because there are too many values in values."""
        self.refuse(f"more than {MOST_NESTED:,} values in values")

    def add_items(self, pairs: list[Any]) -> None:
        """Keys and values by turns into the dictionary on top."""
        target = self.top(dict)
        if len(pairs) % 2:
            self.fail("a key has no value")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[self.text(key)] = value

    def text(self, value: Any) -> str:
        """A name as a text."""
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if not isinstance(value, str):
            self.refuse(f"a key of type {type(value).__name__}")
        return value

    def remember(self, key: int) -> None:
        """Store the top value under a number in the memo."""
        if not self.stack or self.stack[-1] is MARK:
            self.fail("there is nothing to remember")
        self.memo[key] = self.stack[-1]

    def recall(self, key: int) -> None:
        """Push the value that was stored under a number."""
        if key not in self.memo:
            self.fail(f"nothing was stored under number {key}")
        self.push(self.memo[key])

    # Globals, and what may be made by them

    def name(self, name: str) -> None:
        """Push a global that is known."""
        if name not in GLOBALS:
            self.refuse(f"the global {name[:80]!r}")
        self.push(Global(name))

    def reduce(self) -> None:
        """Push what a known global makes of its arguments; nothing is called but the table."""
        arguments, made_by = self.pop(), self.pop()
        if not isinstance(made_by, Global) or not isinstance(arguments, tuple):
            self.refuse("a call of something that is no known global")
        self.push(GLOBALS[made_by.name](self, arguments))

    def build(self) -> None:
        """Give a pending array its shape and bytes; a type's state adds nothing."""
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
        # Another shape is not shown: tuples in tuples could be endless as a text.
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
        except ValueError:  # no cases, each of more numbers than NumPy counts
            self.refuse("an array of a size that no file has")

    def encode(self, arguments: tuple[Any, ...]) -> bytes:
        """Bytes that were written as a text, each a character below 256."""
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
    """An empty array, as NumPy's pickles begin one."""
    if not arguments or not isinstance(arguments[0], Global):
        machine.refuse("an array of another type")
    return PendingArray()


def _dtype(machine: Machine, arguments: tuple[Any, ...]) -> object:
    """The type of an array's numbers, of which uint8 alone is known."""
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
    """No bytes at all, as old protocols write them; or those of a bytearray."""
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
"""What each known global makes of its arguments."""


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
"""All opcodes there are, by the byte that stands for each."""

READERS: Mapping[str, Callable[[IO[bytes]], bytes]] = {
    "BINSTRING": pickletools.read_bytes4,
    "SHORT_BINSTRING": pickletools.read_bytes1,
    "BYTEARRAY8": pickletools.read_bytes8,
}
"""Opcodes whose bytes are read as such.

`pickletools` would make texts of the first two, as Python 2 did, and a copy of the third."""

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
    "STRING": lambda m, text: m.push(text.encode("latin-1")),  # a text of Python 2 is bytes
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
"""What each opcode of plain data does; any other is refused.

Not even those that throw a value away are known: a pickler writes them only for a tuple that
contains itself.
"""
