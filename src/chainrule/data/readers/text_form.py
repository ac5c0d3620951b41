"""The format of a delimited text: its lines, the cells of its rows, and where each cell is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS
from chainrule.data.readers.text_blocks import MAX_LINE, text_blocks
from chainrule.data.tables.cells import MARKS, TableOptions
from chainrule.data.tables.notation import Notation

SAMPLE = 100
"""How many lines or rows, from the first, tell how a file is written."""

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

    def comments_of_cells(self, block: Block, count: int) -> list[int]:
        """The lines of comments that have as many cells as a row, ``count``, unless it is one."""
        if count < 2 or not self.has_comments(block.text):
            return []
        lines = enumerate(io.StringIO(block.text), start=block.line)
        return [
            number
            for number, line in lines
            if self._is_comment(line) and len(self._split(line.rstrip("\n"))) == count
        ]

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
            if len(rest) > MAX_LINE:
                message = f"a row of more than {MAX_LINE:,} characters"
                raise DataError(Problem(message, self.path, line))
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
            if count == 1 and self.separator not in text and not self.has_comments(text):
                cells = text.split()
                if cells == [line for line in text.split("\n") if line]:  # one word a line
                    return [cells]
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


def behind(block: Block, row: Row) -> Block:
    """The block without its first row."""
    lines = row.line - block.line + row.text.rstrip("\n").count("\n") + 1
    at = 0
    for _ in range(lines):
        at = block.text.index("\n", at) + 1
    return Block(block.line + lines, block.text[at:], block.cells and block.cells[1:])


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
            separator = options.delimiter or separator_of(kept[:SAMPLE])
            return Form(path, options, separator)
    if is_blank:
        raise DataError(Problem("the file is empty; expected one case a line", path))
    raise DataError(Problem("the file holds no cases, only blank lines or comments", path))
