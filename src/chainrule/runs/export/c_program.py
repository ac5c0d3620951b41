"""A C program under construction: its constants, functions, statements and memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.runs.export.c_text import identifier, number, numbers

_PLACEHOLDERS = re.compile(
    r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|\$\w+|(?<=[0-9.])R\b|\breal\b|@', re.DOTALL
)
"""Strings, comments, and what is replaced outside them."""


@dataclass
class Buffer:
    """An array that lives from one statement of the pass to another.

    Attributes:
        name: in the program.
        size: how many numbers it has.
        first: the number of the layer that writes it.
        last: the number of the last layer that reads it.
        offset: where it lies in the memory that all share.
    """

    name: str
    size: int
    first: int
    last: int
    offset: int = 0


class Program:
    """The parts of the file.

    In texts of C, ``@`` stands for the prefix of all names, ``real`` for the type of numbers,
    ``$exp`` for the function of ``math.h`` for that type, and ``0.5R`` for a number of that type.

    Args:
        prefix: of all names.
        dtype: float64 (``double``) or float32 (``float``).
        functions: the text of each function that a layer may need, in the order of their use of
            each other.

    Attributes:
        lines: the statements of the pass.
        now: the number of the layer whose statements are being added.
        steps: the number of steps of a sequence in C: a number, or the variable ``length``.
    """

    def __init__(self, prefix: str, dtype: np.dtype[Any], functions: Mapping[str, str]) -> None:
        self.prefix = prefix
        self.dtype = dtype
        self.lines: list[str] = []
        self.now = 0
        self.steps = ""
        self.constants: list[str] = []
        self.stored = 0
        self.buffers: dict[str, Buffer] = {}
        self._functions = functions
        self._used: set[str] = set()
        self._taken: set[str] = set()

    def constant(self, name: str, values: Array) -> str:
        """A constant array with a name near to the given one, which is returned."""
        own = f"@{identifier(name, self._taken)}"
        body = ",\n".join(numbers(values, self.dtype))
        self.constants.append(f"static const real {own}[{values.size}] = {{\n{body}\n}};\n")
        self.stored += values.size * self.dtype.itemsize
        return own

    def declared(self, name: str, text: str) -> str:
        """A constant of another type; ``{}`` in its text is its name, which is returned."""
        own = f"@{identifier(name, self._taken)}"
        self.constants.append(text.replace("{}", own))
        return own

    def use(self, *names: str) -> None:
        """The pass needs these functions."""
        self._used.update(names)

    def buffer(self, size: int, what: str = "b") -> str:
        """The name of an array that is written now."""
        name = f"{what}{len(self.buffers)}"
        self.buffers[name] = Buffer(name, size, self.now, self.now)
        return name

    def reads(self, *names: str) -> None:
        """The layer whose statements are added reads these arrays."""
        for name in names:
            if name in self.buffers:
                self.buffers[name].last = self.now

    def add(self, text: str) -> None:
        """Add a statement."""
        self.lines.append(text)

    def number(self, value: float) -> str:
        """A number as C writes it."""
        return number(value, self.dtype)

    def memory(self) -> int:
        """Give every buffer its place; how many numbers they take together.

        Buffers that live at the same time do not overlap; each lies as low as possible.
        """
        placed: list[Buffer] = []
        for buffer in self.buffers.values():
            others = [o for o in placed if o.last >= buffer.first and buffer.last >= o.first]
            offset = 0
            for other in sorted(others, key=lambda o: o.offset):
                if other.offset < offset + buffer.size and offset < other.offset + other.size:
                    offset = other.offset + other.size
            buffer.offset = offset
            placed.append(buffer)
        return max((b.offset + b.size for b in placed), default=0)

    def functions(self) -> Iterator[str]:
        """The functions that are used, and those that they use, in their order."""
        wanted, todo = set(), list(self._used)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted.add(name)
                todo += re.findall(r"@(\w+)", self._functions[name])
                todo = [one for one in todo if one in self._functions]
        return (text for name, text in self._functions.items() if name in wanted)

    def as_c(self, text: str) -> str:
        """The text with its placeholders filled in."""
        is_double = self.dtype == np.float64
        meant = {"real": "double" if is_double else "float", "R": "" if is_double else "f"}
        meant["@"] = f"{self.prefix}_"

        def filled(found: re.Match[str]) -> str:
            word = found[0]
            if word[0] == "$":
                return word[1:] if is_double else f"{word[1:]}f"
            return meant.get(word, word)  # texts and comments stay as they are

        return _PLACEHOLDERS.sub(filled, text)
