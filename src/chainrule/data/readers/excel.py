"""Workbooks: the sheets of .xlsx, .xls and .ods files, read by python-calamine.

What is read is the value of each cell: of a formula the last result that the program saved, of an
error such as #DIV/0! nothing. calamine keeps a sheet as a full rectangle of cells, so the size
that a file states is compared with the limits first.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from xml.parsers import expat

import numpy as np

from chainrule.core.errors import ConfigError, DataError, Problem, shown, unknown
from chainrule.core.limits import MAX_MEMBERS
from chainrule.core.registry import missing_extra
from chainrule.data.readers.cases import as_word
from chainrule.data.readers.paths import existing_file, read_bytes, refuse_bomb
from chainrule.data.tables.cells import (
    AS_FOUND,
    TableOptions,
    column_of_cells,
    unique_names,
)
from chainrule.data.tables.notation import Notation
from chainrule.data.tables.table import Column, Table, numeric_column
from chainrule.data.tables.typed_cells import cell_column

T = TypeVar("T")

_ZIP, _OLE = b"PK", b"\xd0\xcf\x11\xe0"

_MOST_BESIDE = 2**22
_MOST_EMPTY = 32
"""A sheet may span `_MOST_BESIDE` cells, and `_MOST_EMPTY` more for each that it holds."""

_MOST_TITLES = 20
"""At most so many rows of one cell above a table are taken for its title."""

_COLUMN_OF = re.compile(rb"""\sr\s*=\s*["']([A-Za-z]+)""")
_ROW_OF = re.compile(rb"""\sr\s*=\s*["'][A-Za-z]*([0-9]+)""")
_ROW, _CELL = re.compile(rb"<(?:\w+:)?row\b"), re.compile(rb"<(?:\w+:)?c\b")


def is_workbook(head: bytes, name: str) -> bool:
    """Whether a file is taken for a workbook, by its first bytes or its name in lower case."""
    return head.startswith(_OLE) or name.endswith((".xlsx", ".xlsm", ".xls", ".ods", ".xlsb"))


class _Grid(NamedTuple):
    """The cells of a sheet.

    Attributes:
        path: the file.
        sheet: the name of the sheet.
        top: how many rows of the sheet lie above the first.
        left: how many columns lie beside the first.
        rows: the cells, all rows of one length; "" is an empty cell.
    """

    path: Path
    sheet: str
    top: int
    left: int
    rows: list[list[Any]]

    def problem(self, row: int, column: int, message: str) -> Problem:
        """A problem at a cell, by its indices in ``rows``."""
        cell = f"{column_letters(self.left + column)}{self.top + row + 1}"
        return Problem(f"{self.sheet}!{cell}: {message}", self.path)


def read_workbook(path: Path, options: TableOptions = AS_FOUND) -> Table:
    """Read one sheet of a workbook.

    The table begins with the first row that is not blank; rows above it that hold a title in
    their first cell alone are passed over. Blank rows and columns are left out. Numbers stored as
    text are numbers; dates become texts of ISO 8601; the value of merged cells counts for
    every row that they cover.

    Args:
        path: the file.
        options: ``sheet`` is the name or the number, from 1, of the sheet; by default the first
            that is not hidden. ``header``, ``skip_rows``, ``na``, ``decimal``, ``thousands`` and
            ``texts`` are as for text files.

    Raises:
        ConfigError: there is no such sheet.
        DataError: the file is damaged or protected by a password, too large, or holds no table.
        MissingExtraError: python-calamine is not installed.
    """
    existing_file(path)
    if path.name.lower().endswith(".xlsb"):
        raise DataError(Problem("binary workbooks are not read; save it as .xlsx", path))
    with open(path, "rb") as file:
        head = file.read(len(_OLE))
    if not head.startswith((_ZIP, _OLE)):
        raise DataError(Problem("the file is a damaged workbook, or none", path))
    try:
        import python_calamine
    except ImportError:
        raise missing_extra(f"{path}: a workbook", "tables", "python-calamine") from None
    content = _checked_parts(path) if head.startswith(_ZIP) else read_bytes(path)
    book = _guarded(path, lambda: python_calamine.load_workbook(io.BytesIO(content)))
    name, note = _sheet_of(path, book, options)
    return _table(_grid(path, book, name), options, note)


def column_letters(index: int) -> str:
    """The name of a column in a sheet, from its index.

    Example:
        >>> [column_letters(index) for index in (0, 25, 26, 702)]
        ['A', 'Z', 'AA', 'AAA']
    """
    letters = ""
    while index >= 0:
        index, last = divmod(index, 26)
        letters = chr(ord("A") + last) + letters
        index -= 1
    return letters


# The file


def _checked_parts(path: Path) -> bytes:
    """The same zip file unpacked, of which every part is as long as the file says.

    Raises:
        DataError: it is damaged, unpacks to too much, or a sheet spans too many cells.
    """
    found = io.BytesIO()
    try:
        with zipfile.ZipFile(path) as source, zipfile.ZipFile(found, "w") as copy:
            parts = source.infolist()
            if len(parts) > MAX_MEMBERS or len({part.filename for part in parts}) < len(parts):
                raise DataError(Problem("the file is a damaged workbook (its parts)", path))
            refuse_bomb(path, path.stat().st_size, sum(part.file_size for part in parts))
            for part in parts:
                if not part.filename.endswith((".xml", ".rels", "mimetype")):
                    continue  # pictures and the like
                content = source.read(part)
                if part.filename.endswith((".xml", ".rels")):
                    _require_well_formed(path, part.filename, content)
                _refuse_wide_sheet(path, content)
                copy.writestr(zipfile.ZipInfo(part.filename), content)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(Problem(f"the file is a damaged workbook ({error})", path)) from None
    except (NotImplementedError, RuntimeError) as error:
        raise DataError(Problem(f"the workbook cannot be unpacked ({error})", path)) from None
    return found.getvalue()


def _require_well_formed(path: Path, name: str, content: bytes) -> None:
    """Refuse a part that is no XML, on which calamine may read for ever, or that has entities."""
    parser = expat.ParserCreate()

    def refuse(*declaration: Any) -> None:
        message = f"the file is a damaged workbook ({shown(name)} declares a type of its own)"
        raise DataError(Problem(message, path))

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, DataError):
            raise
        message = f"the file is a damaged workbook ({shown(name)}: {error})"
        raise DataError(Problem(message, path)) from None


def _refuse_wide_sheet(path: Path, content: bytes) -> None:
    """Refuse a sheet whose cells span a rectangle that would take far more memory than they."""
    if b"\0" in content[:200]:
        raise DataError(Problem("the workbook is not written in UTF-8; save it again", path))
    rows, columns, filled = _span(content)
    if rows * columns > _MOST_BESIDE + _MOST_EMPTY * filled:
        corner = f"{column_letters(columns - 1)[:9]}{rows}"
        message = (
            f"a sheet reaches to the cell {corner}, but only {filled:,} cells are filled; "
            "delete the cells that stand apart"
        )
        raise DataError(Problem(message, path))
    if b"table:table-cell" in content and _repeats_too_much(content):
        raise DataError(Problem("a sheet repeats its cells too many times", path))


def _repeats_too_much(content: bytes) -> bool:
    """Whether filled cells of an .ods file are repeated to more than the limit in all."""
    total = 0
    for row in re.split(rb"(?=<table:table-row\b)", content)[1:]:
        head, _, cells = row.partition(b">")
        times = _times(head)
        for cell in re.split(rb"(?=<table:(?:covered-)?table-cell\b)", cells)[1:]:
            tag = cell.partition(b">")[0]
            if tag.endswith(b"/") and b"value" not in tag:
                continue  # empty cells take no room unless filled ones follow
            total += times * _times(tag)
    return total > _MOST_BESIDE + _MOST_EMPTY * content.count(b"<table:table-cell")


def _times(tag: bytes) -> int:
    found = re.search(rb"""number-(?:columns|rows)-repeated\s*=\s*["'](\d+)""", tag)
    return int(found[1][:9]) if found else 1


def _span(content: bytes) -> tuple[int, int, int]:
    """The number of rows and of columns that a sheet spans, and of cells that it holds."""
    columns_of, rows_of = _COLUMN_OF.findall(content), set(_ROW_OF.findall(content))
    filled = len(_CELL.findall(content))
    rows = max((int(digits[:12]) for digits in rows_of), default=0)
    columns = max(map(_column_number, set(columns_of)), default=0)
    if filled > len(columns_of):  # some cells do not say where they are
        pieces = _ROW.split(content)
        rows += len(pieces) - 1
        columns += max(len(_CELL.findall(piece)) for piece in pieces)
    return rows, columns, filled


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper()[:9]:
        number = number * 26 + letter - ord("A") + 1
    return number


def _guarded(path: Path, read: Callable[[], T]) -> T:
    """What ``read`` returns; calamine's errors, and its panics, become one message.

    Raises:
        DataError: the workbook is damaged or protected by a password.
    """
    try:
        return read()
    except BaseException as error:
        kind = type(error).__name__
        if kind == "PasswordError":
            message = "the workbook is protected by a password; save it without one"
            raise DataError(Problem(message, path)) from None
        if not isinstance(error, Exception) and kind != "PanicException":
            raise
        reason = str(error).strip().partition("\n")[0][:200] or kind
        raise DataError(Problem(f"the file is a damaged workbook ({reason})", path)) from None


def _sheet_of(path: Path, book: Any, options: TableOptions) -> tuple[str, str]:
    """The name of the sheet to be read, and a note if it was not named and is not the only one."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets]
    if not names:
        raise DataError(Problem("the workbook has no sheet of cells", path))
    wanted = options.sheet
    if wanted is None:
        shown_ones = (s.name for s in sheets if s.visible == SheetVisibleEnum.Visible)
        name = next(shown_ones, names[0])
        others = ", ".join(shown(other) for other in names[:10] if other != name)
        note = f"{path.name}: the sheet {shown(name)} is read; sheet: names another, {others}"
        return name, note if others else ""
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return names[wanted - 1], ""
    if isinstance(wanted, int) or wanted not in names:
        message = f"{path.name}: {unknown('sheet', wanted, names)}"
        raise ConfigError(Problem(message, key="sheet"))
    return wanted, ""


def _grid(path: Path, book: Any, name: str) -> _Grid:
    """The cells of a sheet, with those that are merged filled downwards."""

    def read() -> tuple[Any, list[list[Any]], Any]:
        sheet = book.get_sheet_by_name(name)
        return sheet.start, sheet.to_python(), sheet.merged_cell_ranges

    start, rows, merged = _guarded(path, read)
    if start is None or not rows:
        raise DataError(Problem(f"the sheet {shown(name)} is empty", path))
    grid = _Grid(path, name, start[0], start[1], rows)
    _fill_merged(grid, merged or [])
    return grid


def _fill_merged(grid: _Grid, merged: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    rows, room = grid.rows, len(grid.rows) * len(grid.rows[0])
    for (top, left), (bottom, _) in merged:
        column, first = left - grid.left, top - grid.top
        if not (0 <= column < len(rows[0]) and 0 <= first < len(rows)):
            continue
        below = range(first + 1, min(bottom - grid.top + 1, len(rows)))
        room -= len(below)
        if room < 0:
            raise DataError(Problem("merged cells of the sheet overlap", grid.path))
        for row in below:
            rows[row][column] = rows[first][column]


# The table


def _table(grid: _Grid, options: TableOptions, note: str) -> Table:
    """The table in a sheet: its header, and the rows below that are not blank."""
    notes = [note] if note else []
    filled = [k for k, row in enumerate(grid.rows) if any(cell != "" for cell in row)]
    filled = [k for k in filled if grid.top + k >= options.skip_rows]
    if not options.skip_rows:
        titles = _titles(grid.rows, filled)
        if titles:
            word = shown(str(grid.rows[filled[0]][0]), 40)
            what = f"row {grid.top + filled[0] + 1} holds {word} alone"
            many = f" and {titles - 1} more" if titles > 1 else ""
            notes.append(f"{grid.path.name}: {what}{many}, taken for a title and left out")
        filled = filled[titles:]
    if not filled:
        raise DataError(Problem(f"the sheet {shown(grid.sheet)} is empty", grid.path))
    has_names = options.header is True or (
        options.header == "auto" and _is_header(grid.rows[filled[0]], options)
    )
    heads = grid.rows[filled[0]] if has_names else [""] * len(grid.rows[0])
    body = filled[1:] if has_names else filled
    if not body:
        message = f"the sheet {shown(grid.sheet)} holds a header and no rows"
        raise DataError(Problem(message, grid.path))
    used = [
        k for k, head in enumerate(heads) if head != "" or any(grid.rows[r][k] != "" for r in body)
    ]
    names, repeated = unique_names(_title(heads[k]) for k in used)
    if repeated:
        what = ", ".join(map(shown, repeated[:10]))
        notes.append(f"{grid.path.name}: several columns are called {what}; they are numbered")
    columns = []
    for index, (k, name) in enumerate(zip(used, names, strict=True)):
        columns.append(_column(grid, name, index, k, body, options))
    at = dict(zip(names, used, strict=True))

    def place(row: int, name: str, message: str) -> Problem:
        return grid.problem(body[row], at[name], message)

    notation = Notation(options.decimal or ".", options.thousands)
    return Table(tuple(columns), has_names, grid.path, place, tuple(notes), notation=notation)


def _titles(rows: Sequence[Sequence[Any]], filled: Sequence[int]) -> int:
    """How many of the first filled rows hold a title: one cell, above rows of several."""

    def is_title(row: Sequence[Any]) -> bool:
        alone = len(row) > 1 and all(cell == "" for cell in row[1:])
        return alone and isinstance(row[0], str) and row[0] != ""

    for count, k in enumerate(filled[: _MOST_TITLES + 1]):
        if not is_title(rows[k]):
            return count
    return 0


def _is_header(row: Sequence[Any], options: TableOptions) -> bool:
    """Whether the cells that are filled are texts and no numbers."""
    notation = Notation(options.decimal or ".", options.thousands)
    cells = [cell for cell in row if cell != ""]
    return all(isinstance(c, str) and notation.number(c.strip()) is None for c in cells)


def _title(cell: Any) -> str:
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return as_word(cell) if is_number else " ".join(str(cell).split())


def _column(
    grid: _Grid, name: str, index: int, k: int, body: Sequence[int], options: TableOptions
) -> Column:
    """One column of a sheet, by the kinds of cells that it holds."""
    cells = [grid.rows[row][k] for row in body]
    as_text = options.are_texts(index, name)
    kinds = {type(cell) for cell in cells}
    if not as_text and kinds <= {float, int}:
        return numeric_column(name, np.array(cells, dtype=np.float64))
    if str in kinds and kinds <= {float, int, str}:
        return _mixed(name, cells, options, as_text=as_text)
    known = [None if cell == "" else cell for cell in cells]

    def at(row: int, message: str) -> Problem:
        return grid.problem(body[row], k, message)

    if as_text:
        known = [None if cell is None else _title(cell) for cell in known]
    return cell_column(name, known, at)


def _mixed(name: str, cells: Sequence[Any], options: TableOptions, *, as_text: bool) -> Column:
    """A column of numbers and texts, which are numbers if each of them is written like one."""
    are_texts = np.array([isinstance(cell, str) for cell in cells])
    words = column_of_cells(name, (c for c in cells if isinstance(c, str)), options)
    zeros = words.has_leading_zeros
    if as_text or zeros or words.type not in ("int", "float"):
        plain = (cell if isinstance(cell, str) else as_word(cell) for cell in cells)
        return column_of_cells(name, plain, options, as_text=True)
    numbers = np.empty(len(cells))
    numbers[are_texts] = words.values
    numbers[~are_texts] = [cell for cell in cells if not isinstance(cell, str)]
    return numeric_column(name, numbers, missing_words=words.missing_words)
