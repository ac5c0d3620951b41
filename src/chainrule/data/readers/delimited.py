"""Delimited text, such as .csv and .tsv, read as a table block by block.

Nothing but a block of the text and the columns is in memory. Where a cell is in the file is found
by reading the file again, when a message needs it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.text_blocks import text_blocks
from chainrule.data.tables.cells import (
    AS_FOUND,
    MARKS,
    ColumnBuilder,
    Notation,
    TableOptions,
    stripped,
    unique_names,
)
from chainrule.data.tables.table import Table

MOST_SHOWN = 10
MOST_COUNTED = 1000
"""At most `MOST_SHOWN` problems are reported with their places; of the others, at most
`MOST_COUNTED` are counted."""

_SAMPLE = 100
"""How many rows, from the first, tell what separates the cells and whether there is a header."""

_END = "\ue000\ue001"
"""A last line that shows whether a quotation mark is still open before it."""

_SHEET_ERRORS = ("#N/A", "#NA", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!")
"""What spreadsheets write into cells: no lines of comments."""


class Row(NamedTuple):
    """A row: the number of its first line, from 1, its text, and its cells as written."""

    line: int
    text: str
    cells: list[str]


class Block(NamedTuple):
    """Complete rows: the number of the first line, from 1, and the text with all line ends."""

    line: int
    text: str


@dataclass(frozen=True, eq=False)
class Form:
    """The format of one text file.

    Attributes:
        path: the file.
        options: what was said about it.
        separator: what separates the cells, one of `MARKS` or another character.
    """

    path: Path
    options: TableOptions
    separator: str

    @property
    def named(self) -> str:
        """What separates the cells, in words."""
        return MARKS.get(self.separator, shown(self.separator))

    def is_skipped(self, line: str) -> bool:
        """Whether a line is blank or a comment."""
        comment = self.options.comment
        if comment and line.startswith(comment):
            return not line.startswith(_SHEET_ERRORS)
        return not line or line.isspace()

    def blocks(self) -> Iterator[Block]:
        """The file in blocks of complete rows.

        Raises:
            DataError: the file is no text, a line is too long or has too many columns, or a
                quotation mark is not closed.
        """
        line, rest = self.options.skip_rows + 1, ""
        for text in text_blocks(self.path, self.options):
            text = rest + text
            self._refuse_wide(line, text)
            rest = ""
            if '"' in text:
                *_, rest = self._quoted_rows(Block(line, text))
                text = text[: len(text) - len(rest)]
            if text:
                yield Block(line, text)
                line += text.count("\n")
        if rest:
            raise DataError(self._never_closed(line, rest))

    def rows(self, block: Block) -> list[Row]:
        """The rows of a block with their lines."""
        if '"' in block.text:
            return self._quoted_rows(block)[0]
        return [
            Row(number, line, self._split(line))
            for number, line in enumerate(block.text.split("\n"), start=block.line)
            if not self.is_skipped(line)
        ]

    def cells(self, block: Block) -> list[list[str]]:
        """The cells of a block, row by row."""
        if '"' in block.text:
            return [row.cells for row in self._quoted_rows(block)[0]]
        lines = [line for line in block.text.split("\n") if not self.is_skipped(line)]
        return (
            [line.split() for line in lines]
            if self.separator == " "
            else [line.split(self.separator) for line in lines]
        )

    def _split(self, line: str) -> list[str]:
        return line.split() if self.separator == " " else line.split(self.separator)

    def _quoted_rows(self, block: Block) -> tuple[list[Row], str]:
        """The complete rows of a text with quotation marks, and the text of the last, if open."""
        start, is_new = block.line, True
        parts: list[str] = []

        def lines() -> Iterator[str]:
            nonlocal start, is_new
            for number, line in enumerate(io.StringIO(block.text), start=block.line):
                if is_new:
                    if self.is_skipped(line):
                        continue
                    start, is_new = number, False
                    parts.clear()
                parts.append(line)
                yield f"{line.strip()}\n".replace("\t", " ") if self.separator == " " else line
            if is_new:
                parts.clear()
            yield _END

        rows: list[Row] = []
        reader = csv.reader(lines(), delimiter=self.separator, skipinitialspace=True)
        try:
            for cells in reader:
                rows.append(Row(start, "".join(parts), cells))
                is_new = True
        except csv.Error:
            message = (
                f"a cell has more than {csv.field_size_limit():,} characters; is a quotation mark "
                "missing?"
            )
            raise DataError(Problem(message, self.path, start)) from None
        last = rows.pop()
        return rows, "" if last.cells == [_END] else last.text

    def _never_closed(self, line: int, text: str) -> Problem:
        *_, start = self.starts(text)
        return self.problem_in(
            Row(line, text, []), start, "a quotation mark is opened and never closed"
        )

    def _refuse_wide(self, line: int, text: str) -> None:
        """Refuse lines of more than `MAX_COLUMNS` columns before any line is split into cells."""
        if len(text) > MAX_COLUMNS and text.count(self.separator) >= MAX_COLUMNS:
            for number, each in enumerate(io.StringIO(text), start=line):
                if each.count(self.separator) >= MAX_COLUMNS:
                    message = f"more than {MAX_COLUMNS:,} columns; no case has so many"
                    raise DataError(Problem(message, self.path, number))

    # Places

    def starts(self, text: str) -> Iterator[int]:
        """The index at which each cell of a row's text begins, after blanks."""
        if self.separator == " ":
            yield from (match.start() for match in re.finditer(r'"[^"]*"?\S*|\S+', text))
            return
        mark = re.escape(self.separator)
        cell = re.compile(rf'( *)(?:"(?:[^"]|"")*"?[^{mark}\n]*|[^{mark}\n]*)')
        at = 0
        while True:
            match = cell.match(text, at)
            assert match is not None
            yield match.end(1)
            at = match.end()
            if text[at : at + 1] != self.separator:
                return
            at += 1

    def problem(self, row: Row, column: int, message: str) -> Problem:
        """A problem at the line and the character where a cell of a row begins."""
        text = row.text.rstrip("\n")
        start = next(islice(self.starts(text), column, None), None)
        return self.problem_in(row, len(text.rstrip(" ")) if start is None else start, message)

    def problem_in(self, row: Row, start: int, message: str) -> Problem:
        """A problem at a character of a row's text."""
        before = row.text[:start]
        line = row.line + before.count("\n")
        return Problem(message, self.path, line, start - before.rfind("\n"))


# What separates the cells


def separator_of(lines: Sequence[str]) -> str:
    """The mark that most of the first lines contain, if more than half do; else blanks.

    If semicolons or tabs occur in as many lines as commas, they are the separator: the commas
    are then decimal commas or part of a text. What stands in quotation marks does not count.
    """
    lines = [re.sub('"[^"]*"', '""', line) if '"' in line else line for line in lines]
    held = {mark: sum(mark in line for line in lines) for mark in (";", "\t", ",", "|")}
    best = max(held, key=lambda mark: held[mark])
    if held[best] <= len(lines) / 2:
        return " "
    # Numbers separated by blanks between tabs: a mixture of both aligns the columns.
    if best == "\t" and any(_holds_numbers(c) for line in lines for c in line.split("\t")):
        return " "
    return best


def _holds_numbers(cell: str) -> bool:
    parts = cell.split()
    return len(parts) > 1 and all(Notation().number(part) is not None for part in parts)


def form_of(path: Path, options: TableOptions) -> Form:
    """The format of a text file, found from its first lines.

    Raises:
        DataError: the file holds no rows, or is no text.
    """
    form = Form(path, options, options.delimiter or ",")
    is_blank = True
    for text in text_blocks(path, options):
        lines = [line for line in text.split("\n") if line.strip()]
        is_blank &= not lines
        kept = [line for line in lines if not form.is_skipped(line)]
        if kept:
            separator = options.delimiter or separator_of(kept[:_SAMPLE])
            return Form(path, options, separator)
    if is_blank:
        raise DataError(Problem("the file is empty; expected one case a line", path))
    raise DataError(Problem("the file holds no cases, only blank lines or comments", path))


# The header


class Head(NamedTuple):
    """What the first rows say: the names or None, the number of columns, and notes."""

    names: list[str] | None
    columns: int
    notation: Notation
    notes: tuple[str, ...]


def _head_of(form: Form, rows: Sequence[Row]) -> Head:
    """The header and the number of columns, from the first rows of the file."""
    options = form.options
    notation = Notation(options.decimal or ".", options.thousands)
    first, below = rows[0], rows[1 : _SAMPLE + 1]
    header = options.header
    if header == "auto":
        header = begins_with_names(first.cells, [r.cells for r in below], notation, options)
    if not header:
        counts = Counter(len(row.cells) for row in rows[: _SAMPLE + 1])
        columns = counts.most_common(1)[0][0] if len(rows) > 2 else len(first.cells)
        return Head(None, columns, notation, ())
    if not below:
        raise DataError(Problem("the file holds a header and no cases", form.path))
    columns = Counter(len(row.cells) for row in below).most_common(1)[0][0]
    titles = [stripped(cell) for cell in first.cells]
    notes: list[str] = []
    if len(titles) + 1 == columns and len(below) > 1:
        if all(not row.cells[-1].strip() for row in below if len(row.cells) == columns):
            titles.append("")
        elif _are_row_names([row.cells[0] for row in below]):
            titles.insert(0, "")
            notes.append("the header has one name less than there are columns: the first column "
                         "holds names of rows")  # fmt: skip
    if len(titles) != columns:
        message = f"the header names {len(titles)} columns, but the cases have {columns}"
        raise DataError(form.problem(first, min(len(titles), columns), message))
    names, repeated = unique_names(titles)
    if repeated:
        again = ", ".join(f"{shown(n)}" for n in repeated[:MOST_SHOWN])
        notes.append(f"the header has {again} more than once; .2, .3, ... tell them apart")
    return Head(names, columns, notation, tuple(notes))


def begins_with_names(
    first: Sequence[str],
    below: Sequence[Sequence[str]],
    notation: Notation,
    options: TableOptions,
) -> bool:
    """Whether the cells of the first row are the names of the columns.

    They are if no cell of the first row is a number and a column below is one of numbers; if all
    columns below are texts, unless a cell of the first row occurs again below it. Where the
    columns are named 0, 1, 2, ..., a text above a column of numbers shows it.
    """
    missing = options.missing_words
    first = [stripped(cell) for cell in first]
    columns = [
        [text for row in below if k < len(row) and (text := stripped(row[k])) not in missing]
        for k in range(len(first))
    ]
    are_numbers = [
        bool(cells) and all(_is_numeric(cell, notation) for cell in cells) for cells in columns
    ]
    numbers = [cell for cell in first if _is_numeric(cell, notation)]
    if numbers:
        texts_above = any(
            is_number and not _is_numeric(cell, notation) and cell not in missing
            for cell, is_number in zip(first, are_numbers, strict=True)
        )
        whole = [int(cell) for cell in numbers if cell.isdigit()]
        counted = whole == list(range(whole[0], whole[0] + len(numbers))) if whole else False
        return texts_above and counted and len(whole) > 1 and whole[0] in (0, 1)
    for k, (cell, cells) in enumerate(zip(first, columns, strict=True)):
        if cell in missing and (cell or (k > 0 and cells)):
            return False
    if not any(first):
        return False
    if any(are_numbers):
        return True
    return not any(cell in cells for cell, cells in zip(first, columns, strict=True) if cell)


def _is_numeric(cell: str, notation: Notation) -> bool:
    if notation.number(cell) is not None:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return cell.isascii() and "_" not in cell and cell.lower().strip("+-") != "nan"


def _are_row_names(cells: Sequence[str]) -> bool:
    """Whether the rows' first cells may be their names: distinct texts, or 1, 2, 3, ..."""
    cells = [stripped(cell) for cell in cells]
    if any(Notation().number(cell) is not None for cell in cells):
        return cells == [str(k) for k in range(1, len(cells) + 1)]
    return len(set(cells)) == len(cells)


# The table


def read_delimited(path: Path, options: TableOptions = AS_FOUND) -> Table:
    """Read a text of cells separated by commas, semicolons, tabs, vertical bars or blanks.

    Blank lines and comments are skipped. Line ends of any kind, a byte order mark and a missing
    last line end are accepted. Cells in quotation marks may hold separators and line ends.

    Args:
        path: the file; it may be packed (see `chainrule.data.readers.unpacking`).
        options: what is known about it.

    Raises:
        DataError: something is wrong with the file; if possible with line and column.
        MissingExtraError: it is packed by zstandard, whose package is not installed.
    """
    return _Reading(form_of(path, options)).table()


@dataclass(eq=False)
class _Reading:
    """One reading of a file: what was found so far."""

    form: Form
    problems: list[Problem] = field(default_factory=list)
    more: int = 0
    counts: list[int] = field(default_factory=list)

    def table(self) -> Table:
        """The table that the file holds."""
        form = self.form
        first = (row for block in form.blocks() for row in form.rows(block))
        rows = list(islice(first, _SAMPLE + 1))
        self.head = head = _head_of(form, rows)
        names = head.names or [f"column_{k + 1}" for k in range(head.columns)]
        builders = [
            ColumnBuilder(
                name,
                head.notation,
                form.options.missing_words,
                as_text=form.options.are_texts(k, name),
            )
            for k, name in enumerate(names)
        ]
        self._fill(dict(enumerate(builders)))
        if self.problems:
            raise DataError(self._reported())
        mixed = {
            k: ColumnBuilder(each.name, head.notation, form.options.missing_words, as_text=True)
            for k, each in enumerate(builders)
            if each.is_mixed
        }
        if mixed:
            self._fill(mixed)
        columns = tuple(mixed.get(k, each).column() for k, each in enumerate(builders))
        places = {name: k for k, name in enumerate(names)}

        def place(row: int, name: str, message: str) -> Problem:
            return self._place(row, places.get(name, 0), message)

        return Table(
            columns,
            head.names is not None,
            form.path,
            place,
            head.notes,
            f"read as separated by {form.named}",
        )

    def _fill(self, builders: dict[int, ColumnBuilder]) -> None:
        """Read the file and append its cells to the builders of some columns."""
        self.counts.clear()
        is_first = self.head.names is not None
        for block in self.form.blocks():
            rows = self.form.cells(block)
            if any(len(row) != self.head.columns for row in rows):
                self._note_ragged(block, is_first=is_first)
                if self.more > MOST_COUNTED:
                    break
                rows = []
            self.counts.append(len(rows))
            if is_first:
                rows, is_first = rows[1:], False
            if rows and not self.problems:
                columns = list(zip(*rows, strict=True))
                for k, builder in builders.items():
                    builder.add(columns[k])

    def _note_ragged(self, block: Block, *, is_first: bool) -> None:
        expected = self.head.columns
        for row in self.form.rows(block)[is_first:]:
            if (found := len(row.cells)) == expected:
                continue
            if len(self.problems) == MOST_SHOWN:
                self.more += 1
                continue
            message = (
                f"found {found} column{'s' * (found != 1)}, expected {expected} as in "
                f"the other lines (read as separated by {self.form.named})"
            )
            lines = row.text.rstrip("\n").count("\n") + 1
            if lines > 1:
                message += f"; a quoted cell goes over {lines} lines: is a quotation mark missing?"
            self.problems.append(self.form.problem(row, min(found, expected), message))

    def _reported(self) -> list[Problem]:
        return counted(self.problems, self.more, self.form.path)

    def _place(self, row: int, column: int, message: str) -> Problem:
        """A problem at a cell, whose line is found by reading the file again."""
        row += self.head.names is not None
        try:
            for count, block in zip(self.counts, self.form.blocks(), strict=False):
                if row < count:
                    return self.form.problem(self.form.rows(block)[row], column, message)
                row -= count
        except DataError:
            pass
        return Problem(message, self.form.path)


def counted(problems: Sequence[Problem], more: int, path: Path | None) -> list[Problem]:
    """Problems with their places, and the number of the others."""
    if not more:
        return list(problems)
    number = str(more) if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
    return [*problems, Problem(f"and {number} more problems of this kind", path)]
