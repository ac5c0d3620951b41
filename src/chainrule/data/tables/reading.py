"""Reading a table from a file of any known format.

To add a format, write a reader that returns a `Table` in a file of its own in `data/readers`, and
add an entry to `TABLE_FORMATS`, before ``text``, which takes every other file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from chainrule.data.readers.arff import is_arff, read_arff
from chainrule.data.readers.columnar import is_feather, is_parquet, read_feather, read_parquet
from chainrule.data.readers.delimited import read_delimited
from chainrule.data.readers.excel import is_workbook, read_workbook
from chainrule.data.readers.paths import files_matching
from chainrule.data.readers.unpacking import first_bytes
from chainrule.data.tables.cells import AS_FOUND, TableOptions
from chainrule.data.tables.several import read_joined
from chainrule.data.tables.table import Table

__all__ = ["TABLE_FORMATS", "TableFormat", "TableOptions", "read_table"]


class TableFormat(NamedTuple):
    """A format of files that hold a table.

    Attributes:
        is_meant: whether a file is of this format, by its first 8 bytes, unpacked, and its name in
            lower case.
        read: the reader; it raises `DataError` for anything wrong with the file.
    """

    is_meant: Callable[[bytes, str], bool]
    read: Callable[[Path, TableOptions], Table]


TABLE_FORMATS = {
    "parquet": TableFormat(is_parquet, read_parquet),
    "feather": TableFormat(is_feather, read_feather),
    "workbook": TableFormat(is_workbook, read_workbook),
    "arff": TableFormat(is_arff, read_arff),
    "text": TableFormat(lambda head, name: True, read_delimited),
}
"""The formats by name, in the order in which they are tried."""


def _format_of(path: Path) -> str:
    head, name = first_bytes(path), path.name.lower()
    return next(k for k, form in TABLE_FORMATS.items() if form.is_meant(head, name))


def read_table(path: Path | Sequence[Path], options: TableOptions = AS_FOUND) -> Table:
    """Read the table in a file, or in all files that match a pattern, one after the other.

    Args:
        path: the file, in one of `TABLE_FORMATS`, a pattern such as ``part-*.csv``, or a list of
            these; a text may be packed.
        options: what is known about it.

    Raises:
        ConfigError: an option has a value that no table can have.
        DataError: something is wrong with the file; if possible with line and column.
        MissingExtraError: the format needs a package that is not installed.
    """
    known = options.checked()

    def read(path: Path, texts: Sequence[str]) -> Table:
        wanted = known._replace(texts=(*known.texts, *texts))
        return TABLE_FORMATS[_format_of(path)].read(path, wanted)

    paths = [path] if isinstance(path, Path) else path
    return read_joined([file for each in paths for file in files_matching(each)], read)
