"""Parquet and Feather (Arrow IPC) files, read by pyarrow.

pyarrow only decodes: the sizes that a file states are compared with the limits before, and
everything in the decoded table is validated before anything is read from it.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule.core.errors import DataError, Problem, shown
from chainrule.core.limits import MAX_COLUMNS, MAX_DATA_BYTES
from chainrule.core.registry import missing_extra
from chainrule.core.strict_json import parse_json
from chainrule.data.readers.paths import existing_file, refuse_bomb
from chainrule.data.tables.arrow import table_of_arrow
from chainrule.data.tables.cells import AS_FOUND, TableOptions, column_of_cells
from chainrule.data.tables.table import Column, Table
from chainrule.data.tables.typed_cells import categorical_column

_BYTES_OF_A_NUMBER = 8

_MAGIC, _OLD_FEATHER = b"ARROW1\0\0", b"FEA1"

_LONG = 2**22
"""A file of more bytes is decoded by several threads."""


def is_parquet(head: bytes, name: str) -> bool:
    """Whether a file is taken for Parquet, by its first bytes or its name in lower case."""
    return head.startswith(b"PAR1") or name.endswith((".parquet", ".pq", ".parq"))


def is_feather(head: bytes, name: str) -> bool:
    """Whether a file is taken for Feather or another form of Arrow IPC."""
    magic = (_MAGIC, _OLD_FEATHER, b"\xff\xff\xff\xff")
    return head.startswith(magic) or name.endswith((".feather", ".arrow", ".arrows", ".ipc"))


def read_parquet(path: Path, options: TableOptions = AS_FOUND) -> Table:
    """Read a Parquet file.

    Numbers, decimals and durations (in seconds) become numbers, dates and times texts of ISO 8601,
    and lists of texts one text, joined by ``|``; dictionaries keep the order of their categories.
    An index that pandas saved is left out, with a note.

    Args:
        path: the file.
        options: ``na`` adds words for missing cells, by default only nulls and empty texts are
            missing; ``decimal`` and ``thousands`` say how texts are numbers; ``texts`` are the
            columns whose numbers become texts.

    Raises:
        DataError: the file is damaged, too large, or a column holds what is no cell of a table.
        MissingExtraError: pyarrow is not installed.
    """
    existing_file(path)
    arrow = _pyarrow(path, "Parquet")
    import pyarrow.parquet as parquet

    def read() -> Any:
        with arrow.OSFile(str(path)) as source:
            file = parquet.ParquetFile(source, page_checksum_verification=True, pre_buffer=False)
            found = file.metadata
            groups = [found.row_group(k) for k in range(found.num_row_groups)]
            _refuse_large(path, found.num_rows, found.num_columns)
            refuse_bomb(path, path.stat().st_size, sum(g.total_byte_size for g in groups))
            return file.read(use_threads=_is_long(path))

    return _table(path, _guarded(path, "Parquet", read), options)


def read_feather(path: Path, options: TableOptions = AS_FOUND) -> Table:
    """Read a Feather file, which is Arrow's IPC format; also a stream in that format.

    The types are those of `read_parquet`.

    Raises:
        DataError: the file is damaged, too large, or a column holds what is no cell of a table.
        MissingExtraError: pyarrow is not installed.
    """
    existing_file(path)
    arrow = _pyarrow(path, "Feather")
    import pyarrow.ipc as ipc

    def read() -> Any:
        _refuse_large_messages(path, _opened(arrow, path))
        wanted = ipc.IpcReadOptions(use_threads=_is_long(path))
        return ipc.open_stream(_opened(arrow, path), options=wanted).read_all()

    return _table(path, _guarded(path, "Feather", read), options)


def _opened(arrow: Any, path: Path) -> Any:
    """The stream of messages in a file; in Feather it stands between two words and a footer.

    The file is opened here, so that a name is never taken for an address on the network.
    """
    source = arrow.OSFile(str(path))
    head = bytes(source.read(len(_MAGIC)))
    if head.startswith(_OLD_FEATHER):
        message = "the file is Feather of version 1; write it again as version 2"
        raise DataError(Problem(message, path))
    if head != _MAGIC:
        source.seek(0)
    return source


def _refuse_large_messages(path: Path, source: Any) -> None:
    """Compare the sizes that the messages of a stream state with the limits."""
    from pyarrow.ipc import MessageReader

    rows = unpacked = 0
    for message in MessageReader.open_stream(source):
        stated = _stated(message.metadata.to_pybytes(), message.body)
        rows, unpacked = rows + stated[0], unpacked + stated[1]
        _refuse_large(path, rows, 1)
        refuse_bomb(path, path.stat().st_size, unpacked)


def _stated(metadata: bytes, body: Any) -> tuple[int, int]:
    """How many rows a message of Arrow IPC states, and how many bytes unpacked.

    The metadata are a FlatBuffer: a table's first four bytes lead back to the list of the places
    of its fields. https://arrow.apache.org/docs/format/Columnar.html has the tables.

    Raises:
        ValueError: a place lies outside of the metadata.
    """

    def number(form: str, place: int) -> int:
        if place < 0:
            raise ValueError("a message's metadata are damaged")
        return int(struct.unpack_from(f"<{form}", metadata, place)[0])

    def field(table: int, index: int) -> int:
        """The place of a table's field, or 0 if the table does not have it."""
        fields = table - number("i", table)
        here = 4 + 2 * index
        offset = number("H", fields + here) if here < number("H", fields) else 0
        return table + offset if offset else 0

    def target(place: int) -> int:
        return place + number("I", place)

    def batch_of(message: int) -> int:
        kind, header = field(message, 1), field(message, 2)
        if not kind or not header or metadata[kind] not in (_DICTIONARY, _BATCH):
            return 0
        table = target(header)
        return table if metadata[kind] == _BATCH else target(field(table, 1))

    try:
        batch = batch_of(number("I", 0))
        if not batch:
            return 0, 0
        rows = number("q", field(batch, 0)) if field(batch, 0) else 0
        if not field(batch, 3):  # nothing is compressed
            return rows, 0
        buffers = target(field(batch, 2))
        unpacked = 0
        for k in range(number("I", buffers)):
            place, length = (number("q", buffers + 4 + 16 * k + part) for part in (0, 8))
            if length >= 8 and 0 <= place <= len(body) - 8:
                unpacked += max(0, struct.unpack("<q", body[place : place + 8].to_pybytes())[0])
        return rows, unpacked
    except (struct.error, IndexError):
        raise ValueError("a message's metadata are damaged") from None


_DICTIONARY, _BATCH = 2, 3
"""The kinds of messages that hold columns."""


def _pyarrow(path: Path, what: str) -> Any:
    try:
        import pyarrow
    except ImportError:
        raise missing_extra(f"{path}: a {what} file", "tables", "pyarrow") from None
    return pyarrow


def _guarded(path: Path, what: str, read: Any) -> Any:
    """What ``read`` returns, validated; pyarrow's errors become one message.

    Raises:
        DataError: the file is damaged or needs more memory than there is.
    """
    import pyarrow

    try:
        table = read()
        table.validate(full=True)
    except DataError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        reason = str(error).strip().partition("\n")[0][:200] or type(error).__name__
        message = f"the file is no {what} file, or is damaged ({reason})"
        raise DataError(Problem(message, path)) from None
    return table


def _is_long(path: Path) -> bool:
    return path.stat().st_size > _LONG


def _refuse_large(path: Path, rows: int, columns: int) -> None:
    """Refuse a table that would not fit into the memory, by the sizes that the file states."""
    if columns > MAX_COLUMNS:
        message = f"found {columns:,} columns; at most {MAX_COLUMNS:,} are read"
        raise DataError(Problem(message, path))
    size = rows * columns * _BYTES_OF_A_NUMBER
    if size > MAX_DATA_BYTES:
        message = f"{rows:,} rows of {columns:,} columns take {size / 2**30:,.0f} GiB"
        raise DataError(Problem(f"{message}; at most {MAX_DATA_BYTES // 2**30} are read", path))
    refuse_bomb(path, path.stat().st_size, size)


def _table(path: Path, found: Any, options: TableOptions) -> Table:
    """The columns of a validated Arrow table, with the place of a cell in the file."""
    index = _index_of_pandas(found.schema.metadata)
    names = [name for name in found.schema.names if name not in index]
    if not names:
        raise DataError(Problem("the file has no columns", path))
    if not found.num_rows:
        raise DataError(Problem("the file has no rows", path))
    try:
        table = table_of_arrow(found.drop_columns(index) if index else found)
    except DataError as error:
        raise DataError(replace(p, path=path) for p in error.problems) from None
    columns = tuple(_by_options(c, k, options) for k, c in enumerate(table.columns))
    notes = [f"{path.name}: {note}" for note in table.notes]
    if index:
        what = f"{', '.join(map(shown, index))}, the index of a DataFrame, is no column"
        notes.append(f"{path.name}: {what}; reset_index() before writing makes it one")

    def place(row: int, name: str, message: str) -> Problem:
        return Problem(f"column {shown(name)}, row {row + 1}: {message}", path)

    return replace(table, columns=columns, path=path, place=place, notes=tuple(notes))


def _index_of_pandas(metadata: Any) -> list[str]:
    """The columns that hold the index of the DataFrame that was written."""
    try:
        stored = parse_json((metadata or {}).get(b"pandas", b"{}"))["index_columns"]
        return [name for name in stored if isinstance(name, str)]
    except (KeyError, TypeError, ValueError):
        return []


def _by_options(column: Column, index: int, options: TableOptions) -> Column:
    """The column with the words for missing cells, and as texts where that is wanted.

    With a decimal mark or a mark of thousands, texts that are such numbers become numbers.
    """
    as_text = options.are_texts(index, column.name)
    if not column.is_text:
        return Column.of_texts(column.name, _texts(column)) if as_text else column
    are_written = options.decimal is not None or options.thousands is not None
    if not column.words or (options.na is None and not are_written):
        return column
    known = options._replace(na=options.na or ())
    words = column_of_cells(column.name, column.words, known, as_text=as_text)
    if options.na is None and (words.is_text or words.has_leading_zeros):
        return column
    return categorical_column(column.values, words)


def _texts(column: Column) -> Sequence[str | None]:
    return [text or None for text in column.texts()]
