"""Delimited text, such as .csv and .tsv, read as a table block by block.

Nothing but a block of the text and the columns is in memory. Where a cell is in the file is found
by reading the file again, when a message needs it.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.text_blocks import text_blocks
from chainrule.data.tables.cells import (
    AS_FOUND,
    MARKS,
    ColumnBuilder,
    Notation,
    TableOptions,
    are_whole,
    has_decimal_comma,
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

_QUOTED = r'"[^"]*(?:""[^"]*)*"'
"""A cell in quotation marks, in which a quotation mark is doubled."""

_SHEET_ERRORS = ("#N/A", "#NA", "#DIV/0!", "#REF!", "#VALUE!", "#NUM!", "#NAME?", "#NULL!")
"""What spreadsheets write into cells: no lines of comments."""


class Row(NamedTuple):
    """A row: the number of its first line, from 1, its text, and its cells as written."""

    line: int
    text: str
    cells: list[str]


class Block(NamedTuple):
    """Complete rows: the number of the first line, from 1, and the text with all line ends.

    Where the text has quotation marks, ``cells`` are those of its rows.
    """

    line: int
    text: str
    cells: list[list[str]] | None = None


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
        if self._is_comment(line):
            return True
        return not line or (line.isspace() and (self.separator not in line or self.by_blanks))

    def _is_comment(self, line: str) -> bool:
        comment = self.options.comment
        if not comment or not line.startswith(comment):
            return False
        return not line.startswith(_SHEET_ERRORS)

    def has_comments(self, text: str) -> bool:
        """Whether a line of a text may be a comment."""
        comment = self.options.comment
        return bool(comment) and (text.startswith(comment) or f"\n{comment}" in text)

    @property
    def by_blanks(self) -> bool:
        """Whether any run of blanks separates the cells."""
        return self.separator == " "

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
            rest, cells = "", None
            if '"' in text:
                cells = self._quoted_cells(text)
                if cells is None:
                    rows, rest = self._quoted_rows(line, text)
                    text, cells = text[: len(text) - len(rest)], [row.cells for row in rows]
            if text:
                yield Block(line, text, cells)
                line += text.count("\n")
        if rest:
            raise DataError(self._never_closed(line, rest))

    def rows(self, block: Block) -> Iterator[Row]:
        """The rows of a block with their lines."""
        if block.cells is not None:
            yield from self._quoted_rows(block.line, block.text)[0]
            return
        for number, line in enumerate(io.StringIO(block.text), start=block.line):
            if not self.is_skipped(line):
                yield Row(number, line, self._split(line.rstrip("\n")))

    def columns(self, block: Block, count: int) -> list[Sequence[str]] | None:
        """The cells of a block by columns; None if a row has not ``count`` cells."""
        rows, text = block.cells, block.text
        if rows is None and not self.by_blanks and count > 1 and not self.has_comments(text):
            columns = self._sliced(text, count)
            if columns is not None:
                return columns
        if rows is None:
            lines = [line for line in text.split("\n") if not self.is_skipped(line)]
            rows = list(map(self._split, lines))
        if any(len(row) != count for row in rows):
            return None
        return list(zip(*rows, strict=True)) if rows else [()] * count

    def _sliced(self, text: str, count: int) -> list[Sequence[str]] | None:
        """The columns of a text that has ``count`` cells in every line, or None.

        The whole text is split at once, with a cell for each line end: if every line has ``count``
        cells, these are the cells of index ``count``, ``2 count + 1``, ...
        """
        mark = self.separator
        cells = text.replace("\n", f"{mark}\n{mark}").split(mark)
        width = count + 1
        ends = cells[count::width]
        if len(cells) != len(ends) * width + 1 or ends.count("\n") != len(ends):
            return None
        return [cells[k:-1:width] for k in range(count)]

    def _split(self, line: str) -> list[str]:
        return line.split() if self.by_blanks else line.split(self.separator)

    def _quoted_cells(self, text: str) -> list[list[str]] | None:
        """The cells of a text with quotation marks; None if `_quoted_rows` must look closer."""
        if self.by_blanks or self.has_comments(text):
            return None
        lines = chain(io.StringIO(text), [_END])
        try:
            rows = list(csv.reader(lines, delimiter=self.separator, skipinitialspace=True))
        except csv.Error:
            return None
        if rows.pop() != [_END] or any(len(row) < 2 for row in rows):
            return None
        return rows

    def _quoted_rows(self, line: int, text: str) -> tuple[list[Row], str]:
        """The complete rows of a text with quotation marks, and the text of the last, if open."""
        start, is_new = line, True
        parts: list[str] = []

        def lines() -> Iterator[str]:
            nonlocal start, is_new
            for number, each in enumerate(io.StringIO(text), start=line):
                if is_new:
                    if self.is_skipped(each):
                        continue
                    start, is_new = number, False
                    parts.clear()
                parts.append(each)
                yield f"{each.strip()}\n".replace("\t", " ") if self.by_blanks else each
            if is_new:
                parts.clear()
            yield _END

        rows: list[Row] = []
        reader = csv.reader(lines(), delimiter=self.separator, skipinitialspace=True)
        try:
            for cells in reader:
                row = Row(start, "".join(parts), cells)
                if len(parts) > 1 and is_new is False and cells[-1][-len(_END) :] != _END:
                    self._check_quotes(row)
                rows.append(row)
                is_new = True
        except csv.Error:
            message = (
                f"a cell has more than {csv.field_size_limit():,} characters; is a quotation mark "
                "missing?"
            )
            raise DataError(Problem(message, self.path, start)) from None
        last = rows.pop()
        return rows, "" if last.cells == [_END] else last.text

    def _check_quotes(self, row: Row) -> None:
        """Refuse a row of several lines in which text follows a closing quotation mark.

        There, a quotation mark is missing or one too many, and lines become part of a cell.
        """
        text = row.text.rstrip("\n")
        for start, end in self._spans(text):
            cell = text[start:end]
            if "\n" in cell and re.fullmatch(f"{_QUOTED} *", cell) is None:
                message = (
                    "text follows the quotation mark that closes this cell, "
                    f"{cell.count(chr(10))} lines below; is a quotation mark missing?"
                )
                raise DataError(self.problem_in(row, start, message))

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
        return (start for start, _ in self._spans(text))

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """The indices at which each cell of a row's text begins, after blanks, and ends."""
        if self.by_blanks:
            yield from (match.span() for match in re.finditer(rf"{_QUOTED}?\S*|\S+", text))
            return
        mark = re.escape(self.separator)
        cell = re.compile(rf"( *)(?:{_QUOTED}?[^{mark}\n]*|[^{mark}\n]*)")
        at = 0
        while True:
            match = cell.match(text, at)
            assert match is not None
            yield match.end(1), match.end()
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
        first, _, rest = text.partition("\n")
        if is_blank and re.fullmatch("sep=.", first, re.IGNORECASE):  # as Excel writes it
            options = options._replace(
                skip_rows=options.skip_rows + 1, delimiter=options.delimiter or first[-1]
            )
            form, text = Form(path, options, options.delimiter or ","), rest
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
    notation, notes = _notation_of(form, rows)
    first, below = rows[0], rows[1 : _SAMPLE + 1]
    header = options.header
    if header == "auto":
        header = begins_with_names(first.cells, [r.cells for r in below], notation, options)
    if not header:
        counts = Counter(len(row.cells) for row in rows[: _SAMPLE + 1])
        columns = counts.most_common(1)[0][0] if len(rows) > 2 else len(first.cells)
        if options.header == "auto" and _may_be_names(first.cells):
            notes.append(
                f"line {first.line} is read as a row of values; if it names the columns, write "
                "header: true"
            )
        return Head(None, columns, notation, tuple(notes))
    if not below:
        raise DataError(Problem("the file holds a header and no cases", form.path))
    columns = Counter(len(row.cells) for row in below).most_common(1)[0][0]
    titles = [stripped(cell) for cell in first.cells]
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


def _may_be_names(first: Sequence[str]) -> bool:
    """Whether the numbers of a row that has texts as well are years, or count up otherwise."""
    whole = [int(cell) for cell in map(stripped, first) if cell.isdigit() and cell.isascii()]
    return 2 < len(whole) < len(first) and whole == list(range(whole[0], whole[0] + len(whole)))


def _notation_of(form: Form, rows: Sequence[Row]) -> tuple[Notation, list[str]]:
    """How the numbers are written: what the options say, or what the first rows prove.

    A comma is taken for the decimal mark only if it does not separate cells, no number has a
    decimal point, and in one number, such as 2,5 or 0,125, it cannot separate thousands.
    """
    options = form.options
    said = Notation(options.decimal or ".", options.thousands)
    if options.decimal is not None or options.thousands is not None or form.separator == ",":
        return said, []
    proof = None
    for row in rows:
        for column, cell in enumerate(map(stripped, row.cells)):
            if "." in cell and said.number(cell) is not None:
                return said, []
            if proof is None and has_decimal_comma(cell):
                proof = form.problem(row, column, cell)
    if proof is None:
        return said, []
    note = f"the numbers have a decimal comma, as {proof.message} in line {proof.line}"
    return Notation(","), [f'{note}; read as decimal: ","']


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
        header_rows = 0
        for block in self.form.blocks():
            if not is_first and not self.problems:
                count = self._fill_fast(block, builders)
                if count is not None:
                    self.counts.append(count)
                    continue
            if is_first and (header := next(self.form.rows(block), None)):
                block, is_first, header_rows = _behind(block, header), False, 1
            columns = self.form.columns(block, self.head.columns)
            if columns is None:
                self._note_ragged(block)
                if self.more > MOST_COUNTED:
                    break
                continue
            self.counts.append(len(columns[0]) + header_rows)
            header_rows = 0
            if not self.problems:
                for k, builder in builders.items():
                    builder.add(columns[k])

    def _fill_fast(self, block: Block, builders: Mapping[int, ColumnBuilder]) -> int | None:
        """Append a block that NumPy reads just so, and return its number of rows; or None.

        It is taken only if every cell of a column of numbers is a finite number.
        """
        form = self.form
        if block.cells is not None or self.head.notation != Notation():
            return None
        if not form.separator.isascii():
            return None
        if block.text.isspace() or form.has_comments(block.text):
            return None
        if not all(b.is_settled for b in builders.values()):
            return None
        are_numbers = [
            k in builders and builders[k].wants_numbers for k in range(self.head.columns)
        ]
        lines = block.text.split("\n")
        lines.pop()
        kinds = [
            (f"{k}", float if is_number else object) for k, is_number in enumerate(are_numbers)
        ]
        try:
            found = np.loadtxt(
                lines,
                dtype=float if all(are_numbers) else kinds,
                delimiter=None if form.by_blanks else form.separator,
                comments=None,
                ndmin=2 if all(are_numbers) else 1,
            )
        except (ValueError, OverflowError):
            return None
        if len(found) != len(lines) or (found.ndim == 2 and found.shape[1] != len(kinds)):
            return None
        columns = list(found.T) if all(are_numbers) else [found[name] for name, _ in kinds]
        return len(lines) if self._are_taken(block.text, columns, builders) else None

    def _are_taken(
        self, text: str, columns: Sequence[Array], builders: Mapping[int, ColumnBuilder]
    ) -> bool:
        """Append the columns that NumPy read if the numbers are finite and begin with no zero."""
        numbers = [columns[k] for k, builder in builders.items() if builder.wants_numbers]
        if not all(np.isfinite(column).all() for column in numbers):
            return False
        if any(are_whole(column) for column in numbers) and self._may_have_zeros(text):
            return False
        for k, builder in builders.items():
            if builder.wants_numbers:
                builder.add_numbers(columns[k].copy())
            elif builder.is_text:
                builder.add(columns[k].tolist())
        return True

    def _may_have_zeros(self, text: str) -> bool:
        """Whether a cell of a text may begin with a zero and another digit."""
        found = np.frombuffer(text.encode(), np.uint8)
        mark = ord(self.form.separator)
        before = found[:-2]
        begins = (before == mark) | (before == 10) | (before == 32) | (before == 9)
        zeros = begins & (found[1:-1] == 48) & (found[2:] - np.uint8(48) < 10)
        return bool(zeros.any()) or re.match(r"0\d", text) is not None

    def _note_ragged(self, block: Block) -> None:
        expected = self.head.columns
        for row in self.form.rows(block):
            if (found := len(row.cells)) == expected:
                continue
            if len(self.problems) == MOST_SHOWN:
                self.more += 1
                continue
            message = (
                f"found {found} column{'s' * (found != 1)}, expected {expected} as in "
                f"the other lines (read as separated by {self.form.named})"
            )
            column, lines = min(found, expected), row.text.rstrip("\n").count("\n") + 1
            if lines > 1:
                message += f"; this cell goes over {lines} lines: is a quotation mark missing?"
                column = next(k for k, cell in enumerate(row.cells) if "\n" in cell)
            self.problems.append(self.form.problem(row, column, message))

    def _reported(self) -> list[Problem]:
        return counted(self.problems, self.more, self.form.path)

    def _place(self, row: int, column: int, message: str) -> Problem:
        """A problem at a cell, whose line is found by reading the file again."""
        row += self.head.names is not None
        try:
            for count, block in zip(self.counts, self.form.blocks(), strict=False):
                if row < count:
                    found = next(islice(self.form.rows(block), row, None))
                    return self.form.problem(found, column, message)
                row -= count
        except DataError:
            pass
        return Problem(message, self.form.path)


def _behind(block: Block, row: Row) -> Block:
    """The block without its first row."""
    lines = row.line - block.line + row.text.rstrip("\n").count("\n") + 1
    at = 0
    for _ in range(lines):
        at = block.text.index("\n", at) + 1
    return Block(block.line + lines, block.text[at:], block.cells and block.cells[1:])


def counted(problems: Sequence[Problem], more: int, path: Path | None) -> list[Problem]:
    """Problems with their places, and the number of the others."""
    if not more:
        return list(problems)
    number = str(more) if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
    return [*problems, Problem(f"and {number} more problems of this kind", path)]
