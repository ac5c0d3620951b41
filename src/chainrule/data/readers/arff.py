"""ARFF files, Weka's format: declared columns, then rows of cells separated by commas.

https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/ describes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, nearest, shown
from chainrule.core.limits import MAX_COLUMNS, MOST_SHOWN
from chainrule.data.readers.delimited import MOST_COUNTED, counted
from chainrule.data.readers.text_blocks import text_blocks
from chainrule.data.readers.unpacking import unpacked_name
from chainrule.data.tables.cells import AS_FOUND, TableOptions
from chainrule.data.tables.notation import Notation
from chainrule.data.tables.table import MISSING, Column, Table, numeric_column
from chainrule.data.tables.typed_cells import coded_column

_ROWS = 10_000
"""So many rows are converted at once."""

_NUMERIC, _TEXTS = ("numeric", "real", "integer"), ("string", "date")

_QUOTED = r"""'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)\""""

_CELL = re.compile(rf"""\s*+(?:(?:{_QUOTED})\s*+|([^,'"]*+))(?=,|$)""")
"""A cell up to the comma or the end: in quotation marks of either kind, or without."""

_NAME = re.compile(rf"\s*+(?:{_QUOTED}|([^\s{{]++))\s*+")


def is_arff(head: bytes, name: str) -> bool:
    """Whether a file is taken for ARFF, by its first bytes or its name in lower case."""
    return unpacked_name(name).endswith(".arff") or head.lstrip().lower().startswith(b"@relat")


class _Attribute(NamedTuple):
    """A declared column: its name, its kind, and the values of a nominal one."""

    name: str
    kind: str
    values: tuple[str, ...] = ()


class _Row(NamedTuple):
    """A line of cells: its number in the file, from 1, and its text."""

    line: int
    text: str


def read_arff(path: Path, options: TableOptions = AS_FOUND) -> Table:
    """Read an ARFF file, packed or not.

    Numbers are numbers; nominal columns hold texts, whose order is that of the declaration;
    ``?`` without quotation marks is a missing cell.

    Args:
        path: the file.
        options: ``encoding`` is that of the text, ``na`` adds words for missing cells, and
            ``texts`` are columns whose numbers become texts.

    Raises:
        DataError: a line is not as the format has it (with line and column), or rows are sparse.
    """
    options = options._replace(comment="%", skip_rows=0)
    return _Reading(path, options).table()


@dataclass(eq=False)
class _Reading:
    """One reading of a file."""

    path: Path
    options: TableOptions

    def __post_init__(self) -> None:
        self.attributes: list[_Attribute] = []
        self.problems: list[Problem] = []
        self.lines: list[Array] = []
        self.missing = {"?", *(self.options.na or ())}

    def rows(self) -> Iterator[_Row]:
        """The lines that are neither blank nor a comment."""
        number = 0
        for block in text_blocks(self.path, self.options):
            for text in block.split("\n")[:-1]:
                number += 1
                if text.strip() and not text.lstrip().startswith("%"):
                    yield _Row(number, text.rstrip())

    def table(self) -> Table:
        """The table that the file holds."""
        rows = self.rows()
        self._read_header(rows)
        names = [attribute.name for attribute in self.attributes]
        if len(set(names)) < len(names):
            name = Counter(names).most_common(1)[0][0]
            raise DataError(Problem(f"two attributes are called {shown(name)}", self.path))
        parts: list[list[Array | list[str | None]]] = [[] for _ in names]
        while block := list(islice(rows, _ROWS)):
            self._add(block, parts)
            if len(self.problems) > MOST_COUNTED:
                break
        if self.problems:
            more = len(self.problems) - MOST_SHOWN
            raise DataError(counted(self.problems[:MOST_SHOWN], max(0, more), self.path))
        if not self.lines:
            raise DataError(Problem("the file holds no rows after @data", self.path))
        lines = np.concatenate(self.lines)
        columns = [self._column(k, part) for k, part in enumerate(parts)]

        def place(row: int, name: str, message: str) -> Problem:
            return self._place(int(lines[row]), names.index(name), message)

        return Table(tuple(columns), True, self.path, place)

    # The header

    def _read_header(self, rows: Iterator[_Row]) -> None:
        for row in rows:
            word, _, rest = row.text.lstrip().partition(" ")
            keyword, tab, more = word.partition("\t")
            rest = f"{more} {rest}" if tab else rest
            match keyword.lower():
                case "@relation":
                    continue
                case "@attribute":
                    self.attributes.append(self._attribute(row, rest))
                    if len(self.attributes) > MAX_COLUMNS:
                        message = f"more than {MAX_COLUMNS:,} attributes"
                        raise DataError(Problem(message, self.path, row.line))
                case "@data":
                    if not self.attributes:
                        message = "found no @attribute before @data"
                        raise DataError(Problem(message, self.path, row.line))
                    return
                case other:
                    known = ("@relation", "@attribute", "@data")
                    guess = nearest(other, known)
                    hint = f"; did you mean {guess}?" if guess else ""
                    message = f"expected @attribute or @data, found {shown(word)}{hint}"
                    raise DataError(Problem(message, self.path, row.line))
        raise DataError(Problem("the file ends before @data", self.path))

    def _attribute(self, row: _Row, text: str) -> _Attribute:
        """The column that a line declares."""
        found = _NAME.match(text)
        if found is None:
            raise DataError(Problem("an attribute has no name", self.path, row.line))
        name, kind = _plain(found), text[found.end() :].strip()
        if kind.startswith("{"):
            values = self._nominal(row, kind)
            return _Attribute(name, "nominal", values)
        word = (kind.split() or [""])[0].lower()
        if word in _NUMERIC or word in _TEXTS:
            return _Attribute(name, word)
        expected = "numeric, string, date or {the, values}"
        guess = nearest(word, (*_NUMERIC, *_TEXTS))
        hint = f"; did you mean {guess}?" if guess else ""
        message = f"the attribute {shown(name)} has the type {shown(kind)}; expected {expected}"
        raise DataError(Problem(message + hint, self.path, row.line))

    def _nominal(self, row: _Row, kind: str) -> tuple[str, ...]:
        if not kind.endswith("}"):
            message = "the list of values is not closed by }"
            raise DataError(Problem(message, self.path, row.line, len(row.text)))
        cells = _cells(kind[1:-1])
        if cells is None or len(set(cells)) < len(cells):
            message = "expected different values, separated by commas"
            raise DataError(Problem(message, self.path, row.line))
        return tuple(text for text, _ in cells)

    # The rows

    def _add(self, rows: Sequence[_Row], parts: Sequence[list[Array | list[str | None]]]) -> None:
        """Append the cells of some rows to those of each column."""
        found = [self._cells_of(row) for row in rows]
        if self.problems:
            return
        self.lines.append(np.array([row.line for row in rows], dtype=np.int64))
        columns = zip(*(cells for cells in found if cells is not None), strict=True)
        for k, cells in enumerate(columns):
            attribute = self.attributes[k]
            if attribute.kind in _NUMERIC:
                parts[k].append(self._numbers(k, rows, cells))
            elif attribute.kind == "nominal":
                parts[k].append(self._codes(k, rows, cells))
            else:
                parts[k].append([None if self._is_missing(cell) else cell[0] for cell in cells])

    def _cells_of(self, row: _Row) -> list[tuple[str, bool]] | None:
        """The cells of a row, each with whether it stood in quotation marks."""
        text, expected = row.text, len(self.attributes)
        if text.lstrip().startswith("{"):
            message = "sparse rows are not read; write every row in full (Weka: SparseToNonSparse)"
            raise DataError(Problem(message, self.path, row.line))
        cells = _cells(text)
        if cells is None:
            self._note(row, 0, "a quotation mark is not closed, or text stands beside it")
        elif len(cells) != expected:
            message = f"found {len(cells)} cells, expected {expected} as there are attributes"
            self._note(row, min(len(cells), expected) - 1, message)
        else:
            return cells
        return None

    def _is_missing(self, cell: tuple[str, bool]) -> bool:
        return not cell[1] and cell[0] in self.missing

    def _numbers(self, k: int, rows: Sequence[_Row], cells: Sequence[tuple[str, bool]]) -> Array:
        """The cells of a numeric column, NaN where they are missing."""
        number, values = Notation().number, np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            if self._is_missing(cell):
                continue
            value = number(cell[0])
            if value is None:
                name = self.attributes[k].name
                message = f"{shown(name)} is numeric; expected a number, found {shown(cell[0])}"
                self._note(rows[row], k, message)
            else:
                values[row] = value
        return values

    def _codes(self, k: int, rows: Sequence[_Row], cells: Sequence[tuple[str, bool]]) -> Array:
        """The cells of a nominal column as indices of its values."""
        attribute = self.attributes[k]
        known = {value: code for code, value in enumerate(attribute.values)}
        codes = np.full(len(cells), MISSING, dtype=np.int32)
        for row, cell in enumerate(cells):
            code = known.get(cell[0])
            if code is not None:
                codes[row] = code
            elif not self._is_missing(cell):
                guess = nearest(cell[0], attribute.values[:100])
                hint = f"; did you mean {shown(guess)}?" if guess else ""
                message = f"{shown(cell[0])} is no value of {shown(attribute.name)}{hint}"
                self._note(rows[row], k, message)
        return codes

    def _column(self, k: int, parts: Sequence[Array | list[str | None]]) -> Column:
        attribute = self.attributes[k]
        if attribute.kind in _TEXTS:
            return coded_column(attribute.name, (cell for part in parts for cell in part))
        values = np.concatenate([np.asarray(part) for part in parts])
        if attribute.kind == "nominal":
            return Column(attribute.name, values, "text", attribute.values)
        column = numeric_column(attribute.name, values)
        if self.options.are_texts(k, attribute.name):
            return Column.of_texts(attribute.name, [text or None for text in column.texts()])
        return column

    # Places

    def _note(self, row: _Row, k: int, message: str) -> None:
        self.problems.append(self._problem(row, k, message))

    def _problem(self, row: _Row, k: int, message: str) -> Problem:
        """A problem at the character where a cell of a row begins."""
        start = 0
        for _ in range(k):
            match = _CELL.match(row.text, start)
            if match is None:
                break
            start = match.end() + 1
        blanks = len(row.text) - start - len(row.text[start:].lstrip())
        return Problem(message, self.path, row.line, start + blanks + 1)

    def _place(self, line: int, k: int, message: str) -> Problem:
        """A problem at a cell of a line, which is read again."""
        row = next((row for row in self.rows() if row.line == line), _Row(line, ""))
        return self._problem(row, k, message)


def _cells(text: str) -> list[tuple[str, bool]] | None:
    """The cells of a line, each with whether it stood in quotation marks; None if it is broken.

    Example:
        >>> _cells("1, 'a, b',?")
        [('1', False), ('a, b', True), ('?', False)]
    """
    if "'" not in text and '"' not in text:
        return [(cell.strip(), False) for cell in text.split(",")]
    cells, start = [], 0
    while True:
        match = _CELL.match(text, start)
        if match is None:
            return None
        cells.append((_plain(match), match[3] is None))
        if match.end() == len(text):
            return cells
        start = match.end() + 1


def _plain(match: re.Match[str]) -> str:
    """The text of a cell without its quotation marks and the marks of escape."""
    if match[3] is not None:
        return match[3].strip()
    inner = match[1] if match[1] is not None else match[2]
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), inner)


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
