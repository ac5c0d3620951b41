"""Delimited text, such as .csv and .tsv, read as a table block by block.

Nothing but a block of the text and the columns is in memory. Where a cell is in the file is found
by reading the file again, when a message needs it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS_OF_TEXTS, MOST_SHOWN
from chainrule.core.progress import Advance, progress
from chainrule.data.readers.text_form import SAMPLE, Block, Form, Row, behind, form_of
from chainrule.data.readers.unpacking import ENDINGS
from chainrule.data.tables.cells import (
    AS_FOUND,
    ColumnBuilder,
    TableOptions,
    are_whole,
    stripped,
    unique_names,
)
from chainrule.data.tables.notation import Notation, has_decimal_comma, may_be_number
from chainrule.data.tables.table import Table

MOST_COUNTED = 1000
"""Of the problems beyond `MOST_SHOWN`, at most this many are counted."""


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
    first, below = rows[0], rows[1 : SAMPLE + 1]
    header = options.header
    if header == "auto":
        header = begins_with_names(first.cells, [r.cells for r in below], notation, options)
    if not header:
        counts = Counter(len(row.cells) for row in rows[: SAMPLE + 1])
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
        message = _wrong_header(titles, columns, rows)
        raise DataError(
            form.problem(first, min(len(titles), columns) if len(titles) > 1 else 0, message)
        )
    names, repeated = unique_names(titles)
    if repeated:
        again = ", ".join(f"{shown(n)}" for n in repeated[:MOST_SHOWN])
        notes.append(f"the header has {again} more than once; .2, .3, ... tell them apart")
    return Head(names, columns, notation, tuple(notes))


def _wrong_header(titles: Sequence[str], columns: int, rows: Sequence[Row]) -> str:
    """The message for a first line that has not as many cells as the cases below it."""
    if len(titles) > 1:
        return f"the header names {len(titles)} columns, but the cases have {columns}"
    message = f"the first line is a single cell, but the lines below have {columns}"
    if not titles[0][:1].isalnum():
        return f'{message}; if it is a comment, write comment: "{titles[0][:1]}"'
    begin = next(row.line for row in rows if len(row.cells) == columns)
    return f"{message}; if the table begins in line {begin}, write skip_rows: {begin - 1}"


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
    comments: list[int] = field(default_factory=list)

    def table(self) -> Table:
        """The table that the file holds."""
        form = self.form
        first = (row for block in form.blocks() for row in form.rows(block))
        rows = list(islice(first, SAMPLE + 1))
        self._refuse_wide_texts(rows)
        self.head = head = _head_of(form, rows)
        names = head.names or [f"column_{k + 1}" for k in range(head.columns)]
        missing = form.options.missing_words

        def builder(k: int, *, as_text: bool) -> ColumnBuilder:
            return ColumnBuilder(names[k], head.notation, missing, as_text=as_text)

        builders = [
            builder(k, as_text=form.options.are_texts(k, name)) for k, name in enumerate(names)
        ]
        self._fill(dict(enumerate(builders)))
        if self.problems:
            raise DataError(self._reported())
        mixed = {k: builder(k, as_text=True) for k, b in enumerate(builders) if b.is_mixed}
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
            (*head.notes, *self._note_on_comments()),
            f"read as separated by {form.named}",
            head.notation,
        )

    def _refuse_wide_texts(self, rows: Sequence[Row]) -> None:
        """Refuse many columns of texts, each of which would take far more memory than the file."""
        if not rows or len(rows[-1].cells) <= MAX_COLUMNS_OF_TEXTS:
            return
        last, notation = rows[-1], Notation()
        texts = (
            k
            for k, cell in enumerate(map(stripped, last.cells))
            if notation.number(cell) is None and not may_be_number(cell)
        )
        if (column := next(islice(texts, MAX_COLUMNS_OF_TEXTS, None), None)) is not None:
            message = (
                f"more than {MAX_COLUMNS_OF_TEXTS:,} cells that are no numbers; no row has so many"
            )
            raise DataError(self.form.problem(last, column, message))

    def _fill(self, builders: dict[int, ColumnBuilder]) -> None:
        """Read the file and append its cells to the builders of some columns."""
        path = self.form.path
        is_packed = path.name.lower().endswith(ENDINGS)
        total = None if is_packed else path.stat().st_size
        with progress(f"reading {path.name}", total) as advance:
            self._fill_blocks(builders, advance)

    def _fill_blocks(self, builders: dict[int, ColumnBuilder], advance: Advance) -> None:
        self.counts.clear()
        self.comments.clear()
        is_first = self.head.names is not None
        header_rows = 0
        for block in self.form.blocks():
            advance(len(block.text))
            if not is_first and not self.problems:
                count = self._fill_fast(block, builders)
                if count is not None:
                    self.counts.append(count)
                    continue
            if is_first and (header := next(self.form.rows(block), None)):
                block, is_first, header_rows = behind(block, header), False, 1
            self.comments += self.form.comments_of_cells(block, self.head.columns)
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
                builder.add_numbers(columns[k])
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

    def _note_on_comments(self) -> list[str]:
        """A note on lines that are passed over as comments and may be rows or a header."""
        if not self.comments:
            return []
        mark, count = shown(self.form.options.comment), len(self.comments)
        what = "line is" if count == 1 else "lines are"
        return [
            f"{count:,} {what} passed over as comments, which begin with {mark}, but have as many "
            f'cells as the rows, as line {self.comments[0]} does; comment: "" reads them'
        ]

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


def counted(problems: Sequence[Problem], more: int, path: Path | None) -> list[Problem]:
    """Problems with their places, and the number of the others."""
    if not more:
        return list(problems)
    number = str(more) if more <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
    return [*problems, Problem(f"and {number} more problems of this kind", path)]
