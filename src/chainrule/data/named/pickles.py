"""Plain data out of a pickle, without unpickling it.

A pickle is a program for a small stack machine, and its REDUCE and GLOBAL can call anything on
the machine that runs it. Some data sets are published in this form nevertheless. The walker
here is a machine that knows the opcodes of plain data alone (dictionaries, lists, tuples,
texts, whole numbers) and the few globals by which Python 2, Python 3 and NumPy write arrays and
bytes. It looks those up in a table of its own: nothing is imported, nothing in the file is ever
called, and no length is believed before it has been compared with the bytes that are there.

The opcodes are those of Python's ``pickletools``, protocols 0 to 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from chainrule.core.limits import MAX_PICKLE_BYTES, MOST_NESTED, MOST_OPCODES
from chainrule.data.named.pickle_bytes import PickleBytes
from chainrule.data.readers.paths import read_bytes

Values = dict[str, Any]

MARK = object()
"""Stands in the stack where a list, tuple or dictionary of several items begins."""


def read_pickle(path: Path) -> Values:
    """The dictionary that a pickle holds.

    Keys are given as texts. Values are bytes (also for Python 2's ``str``), texts, whole
    numbers, truth values, None, lists and tuples of these, and uint8 arrays.

    Args:
        path: a file of at most `chainrule.core.limits.MAX_PICKLE_BYTES`.

    Raises:
        DataError: the file cannot be read, is too long or cut short, holds anything else, or is
            no dictionary; with the byte at which it was found.
    """
    return Walker(read_bytes(path, at_most=MAX_PICKLE_BYTES), path).walk()


class Global:
    """A name the file asks for; one of `GLOBALS`."""

    def __init__(self, name: str) -> None:
        self.name = name


class PendingDtype:
    """NumPy's uint8, the only type of a number that is read."""


class PendingArray:
    """An array whose shape and bytes are yet to come."""

    array: npt.NDArray[np.uint8] | None = None


class Walker(PickleBytes):
    """The stack machine.

    Args:
        contents: of the file.
        path: of the file, for messages.
    """

    def __init__(self, contents: bytes, path: Path) -> None:
        super().__init__(contents, path)
        self.opcodes = self.nested = 0
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        # Texts may be encoded to bytes again and again; more than the file holds is an attack.
        self.encoded = 0

    def walk(self) -> Values:
        """Run the program to its STOP; the dictionary it leaves."""
        while True:
            self.opcode_at = self.at
            opcode = self.byte()
            if opcode == STOP:
                return self.result()
            self.opcodes += 1
            if self.opcodes > MOST_OPCODES:
                self.refuse(f"more than {MOST_OPCODES:,} opcodes")
            action = ACTIONS[opcode]
            if action is None:
                self.refuse(f"opcode {bytes([opcode])!r}")
            action(self)

    def result(self) -> Values:
        """What STOP finds on the stack."""
        if len(self.stack) != 1 or not isinstance(self.stack[0], dict):
            self.fail("the pickle is no dictionary")
        return {key: _finished(self, value) for key, value in self.stack[0].items()}

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
        mark = len(self.stack) - 1
        while mark >= 0 and self.stack[mark] is not MARK:
            mark -= 1
        if mark < 0:
            self.fail("a mark is missing")
        values = self.stack[mark + 1 :]
        del self.stack[mark:]
        return values

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
        """Put a tuple on top; those in one another are counted."""
        if tuple in map(type, values):
            self.nested += 1
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
        """Keep the top value under a number."""
        if not self.stack or self.stack[-1] is MARK:
            self.fail("there is nothing to remember")
        self.memo[key] = self.stack[-1]

    def recall(self, key: int) -> None:
        """Push what was kept under a number."""
        if key not in self.memo:
            self.fail(f"nothing was kept under number {key}")
        self.push(self.memo[key])

    # Globals, and what may be made by them

    def name(self, module: str, name: str) -> None:
        """Push a global that is known."""
        full = f"{module}.{name}"
        if full not in GLOBALS:
            self.refuse(f"the global {full[:80]!r}")
        self.push(Global(full))

    def reduce(self) -> None:
        """Push what a known global makes of its arguments; nothing is called but the table."""
        arguments, made_by = self.pop(), self.pop()
        if not isinstance(made_by, Global) or not isinstance(arguments, tuple):
            self.refuse("a call of something that is no known global")
        self.push(GLOBALS[made_by.name](self, arguments))

    def build(self) -> None:
        """Give a pending array its shape and bytes; a type's details say nothing new."""
        state, target = self.pop(), self.top(object)
        if isinstance(target, PendingArray):
            target.array = self.array_of_state(state)
        elif not isinstance(target, PendingDtype):
            self.refuse(f"the state of a {type(target).__name__}")

    def array_of_state(self, state: Any) -> npt.NDArray[np.uint8]:
        """An array from NumPy's (version, shape, type, is Fortran-ordered, bytes)."""
        if not isinstance(state, tuple) or len(state) != 5:
            self.refuse("an array's state of another form")
        _, shape, kind, fortran, raw = state
        return self.array(shape, kind, raw, "F" if fortran else "C")

    def array(self, shape: Any, kind: Any, raw: Any, order: Any) -> npt.NDArray[np.uint8]:
        """An array over ``raw``, which must have just as many bytes as the shape says."""
        if isinstance(raw, str):
            raw = self.encode((raw, "latin1"))
        sizes = shape if isinstance(shape, tuple) else (None,)
        if not isinstance(kind, PendingDtype) or not isinstance(raw, bytes):
            self.refuse("an array of anything but bytes")
        # A shape of anything else is not shown: as a text, tuples in tuples have no end.
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


def _finished(walker: Walker, value: Any) -> Any:
    """A value of the dictionary, its array ready."""
    if isinstance(value, PendingArray):
        if value.array is None:
            walker.fail("an array never got its bytes")
        return value.array
    if isinstance(value, (Global, PendingDtype)):
        walker.refuse("a global as a value")
    return value


def _reconstruct(walker: Walker, arguments: tuple[Any, ...]) -> PendingArray:
    """An empty array, as NumPy's pickles begin one."""
    if not arguments or not isinstance(arguments[0], Global):
        walker.refuse("an array of another type")
    return PendingArray()


def _dtype(walker: Walker, arguments: tuple[Any, ...]) -> PendingDtype:
    """The type of an array's numbers, of which uint8 alone is known."""
    if not arguments or not isinstance(arguments[0], str | bytes):
        walker.refuse("a type in another form")
    name = walker.text(arguments[0])
    if name not in ("u1", "|u1", "uint8"):
        walker.refuse(f"numbers of type {name[:20]!r}, where uint8 is expected")
    return PendingDtype()


def _from_buffer(walker: Walker, arguments: tuple[Any, ...]) -> PendingArray:
    """An array as NumPy writes it in protocol 5: bytes, type, shape, order."""
    if len(arguments) != 4:
        walker.refuse("an array in another form")
    raw, kind, shape, order = arguments
    pending = PendingArray()
    pending.array = walker.array(shape, kind, raw, order)
    return pending


def _bytes(walker: Walker, arguments: tuple[Any, ...]) -> bytes:
    """No bytes at all, as old protocols write them; or those of a bytearray."""
    if not arguments:
        return b""
    if len(arguments) == 1 and isinstance(arguments[0], bytes):
        return arguments[0]
    return walker.encode(arguments)


def _not_made(walker: Walker, arguments: tuple[Any, ...]) -> NoReturn:
    walker.refuse("an array made in another way")


GLOBALS: Mapping[str, Callable[[Walker, tuple[Any, ...]], Any]] = {
    **{f"numpy.{core}.multiarray._reconstruct": _reconstruct for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _from_buffer for core in ("core", "_core")},
    "numpy.ndarray": _not_made,
    "numpy.dtype": _dtype,
    "_codecs.encode": Walker.encode,
    **{f"{module}.bytes": _bytes for module in ("__builtin__", "builtins")},
    **{f"{module}.bytearray": _bytes for module in ("__builtin__", "builtins")},
}
"""What each known global makes of its arguments."""


def _int_line(walker: Walker) -> None:
    """INT; in protocol 0 truth values are 00 and 01."""
    digits = walker.line()
    walker.push(digits == b"01" if digits in (b"00", b"01") else walker.number_of_line(digits))


def _global(walker: Walker) -> None:
    module, name = walker.line(), walker.line()
    walker.name(walker.decoded(module), walker.decoded(name))


def _stack_global(walker: Walker) -> None:
    name, module = walker.pop(), walker.pop()
    walker.name(walker.text(module), walker.text(name))


def _append(walker: Walker) -> None:
    value = walker.pop()
    walker.top(list).append(value)


def _appends(walker: Walker) -> None:
    values = walker.pop_to_mark()
    walker.top(list).extend(values)


def _set_item(walker: Walker) -> None:
    value, key = walker.pop(), walker.pop()
    walker.add_items([key, value])


def _dict(walker: Walker) -> None:
    pairs = walker.pop_to_mark()
    walker.push({})
    walker.add_items(pairs)


OPCODES: Mapping[bytes, Callable[[Walker], Any]] = {
    b"\x80": lambda w: w.take(1),  # PROTO
    b"\x95": Walker.frame,
    b"(": lambda w: w.begin(MARK),
    b"N": lambda w: w.push(None),
    b"\x88": lambda w: w.push(True),
    b"\x89": lambda w: w.push(False),
    b"I": _int_line,
    b"J": lambda w: w.push(w.number("<i")),
    b"K": lambda w: w.push(w.byte()),
    b"M": lambda w: w.push(w.number("<H")),
    b"L": lambda w: w.push(w.number_of_line(w.line().removesuffix(b"L"))),
    b"\x8a": lambda w: w.push(int.from_bytes(w.take(w.byte()), "little", signed=True)),
    b"S": lambda w: w.push(w.escaped(w.line().strip())),
    b"T": lambda w: w.push(w.take(w.number("<i"))),
    b"U": lambda w: w.push(w.take(w.byte())),
    b"B": lambda w: w.push(w.take(w.number("<I"))),
    b"C": lambda w: w.push(w.take(w.byte())),
    b"\x8e": lambda w: w.push(w.take(w.number("<Q"))),
    b"\x96": lambda w: w.push(w.take(w.number("<Q"))),
    b"V": lambda w: w.push(w.decoded(w.line(), "raw_unicode_escape")),
    b"X": lambda w: w.push(w.decoded(w.take(w.number("<I")))),
    b"\x8c": lambda w: w.push(w.decoded(w.take(w.byte()))),
    b"\x8d": lambda w: w.push(w.decoded(w.take(w.number("<Q")))),
    b"}": lambda w: w.begin({}),
    b"d": _dict,
    b"s": _set_item,
    b"u": lambda w: w.add_items(w.pop_to_mark()),
    b"]": lambda w: w.begin([]),
    b"l": lambda w: w.push(w.pop_to_mark()),
    b"a": _append,
    b"e": _appends,
    b")": lambda w: w.push(()),
    b"t": lambda w: w.push_tuple(tuple(w.pop_to_mark())),
    b"\x85": lambda w: w.pop_tuple(1),
    b"\x86": lambda w: w.pop_tuple(2),
    b"\x87": lambda w: w.pop_tuple(3),
    b"c": _global,
    b"\x93": _stack_global,
    b"R": lambda w: w.reduce(),
    b"b": lambda w: w.build(),
    b"p": lambda w: w.remember(w.number_of_line(w.line())),
    b"q": lambda w: w.remember(w.byte()),
    b"r": lambda w: w.remember(w.number("<I")),
    b"\x94": lambda w: w.remember(len(w.memo)),
    b"g": lambda w: w.recall(w.number_of_line(w.line())),
    b"h": lambda w: w.recall(w.byte()),
    b"j": lambda w: w.recall(w.number("<I")),
}
"""What each opcode of plain data does; any other is refused.

Not even those that throw a value away: a pickler writes them for a tuple in itself alone.
"""

STOP = ord(".")
ACTIONS = [OPCODES.get(bytes([code])) for code in range(256)]
"""The same by number."""
