"""Reading a table from a file of any known format.

To add a format, write a reader that returns a `Table` in a file of its own in `data/readers`, and
add an entry to `TABLE_FORMATS`, before ``text``, which takes every other file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from chainrule.core.errors import ConfigError, Problem
from chainrule.core.schema import one_of
from chainrule.data.readers.arff import is_arff, read_arff
from chainrule.data.readers.columnar import is_feather, is_parquet, read_feather, read_parquet
from chainrule.data.readers.delimited import read_delimited
from chainrule.data.readers.excel import is_workbook, read_workbook
from chainrule.data.readers.paths import files_matching
from chainrule.data.readers.unpacking import first_bytes
from chainrule.data.tables.cells import AS_FOUND, TableOptions
from chainrule.data.tables.several import read_joined
from chainrule.data.tables.table import Table

__all__ = ["TABLE_FORMATS", "TableFormat", "TableOptions", "read_table", "require_used"]


class TableFormat(NamedTuple):
    """A format of files that hold a table.

    Attributes:
        is_meant: whether a file is of this format, by its first 8 bytes, unpacked, and its name in
            lower case.
        read: the reader; it raises `DataError` for anything wrong with the file.
        title: what a file of this format is, for messages.
        without: the options that mean nothing for this format.
    """

    is_meant: Callable[[bytes, str], bool]
    read: Callable[[Path, TableOptions], Table]
    title: str
    without: frozenset[str]


_OF_TEXT = ("delimiter", "encoding", "comment")
_WITH_NAMES = frozenset((*_OF_TEXT, "header", "skip_rows", "sheet"))

TABLE_FORMATS = {
    "parquet": TableFormat(is_parquet, read_parquet, "a Parquet file", _WITH_NAMES),
    "feather": TableFormat(is_feather, read_feather, "a Feather file", _WITH_NAMES),
    "workbook": TableFormat(is_workbook, read_workbook, "a workbook", frozenset(_OF_TEXT)),
    "arff": TableFormat(
        is_arff,
        read_arff,
        "an ARFF file",
        frozenset((*_WITH_NAMES, "decimal", "thousands")) - {"encoding"},
    ),
    "text": TableFormat(
        lambda head, name: True, read_delimited, "a text file", frozenset(("sheet",))
    ),
}
"""The formats by name, in the order in which they are tried."""


def _format_of(path: Path) -> str:
    head, name = first_bytes(path), path.name.lower()
    return next(k for k, form in TABLE_FORMATS.items() if form.is_meant(head, name))


def require_used(stated: Iterable[str], files: Sequence[Path]) -> None:
    """Refuse options that mean nothing for any of the files.

    Args:
        stated: the names of options.
        files: the files of all parts of the data, at least one.

    Raises:
        ConfigError: an option is for other formats than those of the files.
    """
    formats = {_format_of(file): file.name for file in files}
    for option in stated:
        if all(option in TABLE_FORMATS[name].without for name in formats):
            takes = [form.title for form in TABLE_FORMATS.values() if option not in form.without]
            name, file = next(iter(formats.items()))
            message = f"{option} is for {one_of(takes)}; {file} is {TABLE_FORMATS[name].title}"
            raise ConfigError(Problem(message, key=option))


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
