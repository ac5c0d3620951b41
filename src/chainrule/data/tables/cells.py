"""From the texts of cells to columns: what a number is, what a missing cell is, and what else.

`TableOptions` is what is known about a table before it is read. Every reader of texts passes its
cells, a block of rows at a time, to one `ColumnBuilder` a column, which decides what they are.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, nearest, shown
from chainrule.data.tables.notation import Notation
from chainrule.data.tables.table import MISSING, Column, numeric_column

MISSING_WORDS = (
    *("", "?", "-", ".", "NA", "N/A", "n/a", "na", "<NA>", "#N/A", "#NA"),
    *("NaN", "nan", "NAN", "-nan", "-NaN", "null", "NULL", "None"),
)
"""The words that stand for a missing cell unless ``na`` lists others."""

TRUTH = {"TRUE": 1.0, "True": 1.0, "true": 1.0, "FALSE": 0.0, "False": 0.0, "false": 0.0}
"""The words of a column of truth values, with their numbers."""

MARKS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "blanks"}
"""What may separate cells, and its name; " " stands for any run of blanks and tabs."""

_MARK_WORDS = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "\\t": "\t",
    "bar": "|",
    "pipe": "|",
    "blank": " ",
    "blanks": " ",
    "space": " ",
    "spaces": " ",
    "whitespace": " ",
}


class TableOptions(NamedTuple):
    """What is known about a table; each reader uses the options that its format needs.

    Attributes:
        header: whether the first row names the columns; ``auto`` to decide from the cells.
        delimiter: the character that separates the cells of a text file, or its name, such as
            ``tab``; None to find it.
        decimal: the mark between the whole and the fractional digits, ``.`` or ``,``; None for a
            point, unless the cells show that it is a comma, or a point separates thousands.
        thousands: the mark between groups of three digits: a comma, a point, a blank or an
            apostrophe; None if there is none.
        encoding: the name of the text's encoding; None for UTF-8, or what its first bytes say.
        comment: lines of a text file that begin with this text are skipped; "" for none.
        skip_rows: how many lines of a text file, or rows of a sheet, come before the table.
        na: the words that stand for a missing cell beside ""; None for `MISSING_WORDS`.
        sheet: the name or the number, from 1, of a workbook's sheet; None for the first.
        texts: the columns, by name or by number from 1, whose cells are texts even if they look
            like numbers.
    """

    header: bool | str = "auto"
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    comment: str = "#"
    skip_rows: int = 0
    na: tuple[str, ...] | None = None
    sheet: str | int | None = None
    texts: tuple[str | int, ...] = ()

    @property
    def missing_words(self) -> frozenset[str]:
        """The words that stand for a missing cell; an empty cell always is one."""
        return frozenset(MISSING_WORDS if self.na is None else ("", *self.na))

    def are_texts(self, index: int, name: str) -> bool:
        """Whether the cells of a column are texts whatever they look like."""
        return name in self.texts or index + 1 in self.texts

    def checked(self) -> TableOptions:
        """The same options, with the delimiter and the encoding in their usual spelling.

        Raises:
            ConfigError: an option has a value that no table can have.
        """
        delimiter, encoding = self.delimiter, self.encoding
        if delimiter is not None:
            delimiter = _MARK_WORDS.get(delimiter, delimiter)
            if len(delimiter) != 1 or delimiter in "\"'\n\r\0" or delimiter.isalnum():
                found = f"expected one character that separates cells, found {shown(delimiter)}"
                raise ConfigError(Problem(found, key="delimiter"))
        if self.decimal not in (None, ".", ","):
            found = f'expected "." or ",", found {shown(self.decimal)}'
            raise ConfigError(Problem(found, key="decimal"))
        if self.thousands not in (None, ",", ".", " ", "'"):
            found = f'expected ",", ".", " " or "\'", found {shown(self.thousands)}'
            raise ConfigError(Problem(found, key="thousands"))
        decimal = "," if self.thousands == "." and self.decimal is None else self.decimal
        if self.thousands is not None and self.thousands == (decimal or "."):
            found = f"{shown(self.thousands)} is already the decimal mark"
            raise ConfigError(Problem(found, key="thousands"))
        if encoding is not None:
            encoding = checked_encoding(encoding)
        return self._replace(delimiter=delimiter, encoding=encoding, decimal=decimal)


AS_FOUND = TableOptions()
"""Nothing is known: everything is found from the file."""

_NO_PLAIN_TEXT = {"undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape"}


def checked_encoding(name: str) -> str:
    """Python's name of a text encoding.

    Raises:
        ConfigError: there is no such encoding, or it is not one of plain text.

    Example:
        >>> checked_encoding("Latin-1"), checked_encoding("windows-1252")
        ('iso8859-1', 'cp1252')
    """
    try:
        found = codecs.lookup(name)
        if found._is_text_encoding and found.name.replace("-", "_") not in _NO_PLAIN_TEXT:
            return found.name
    except (LookupError, ValueError):
        pass
    from encodings.aliases import aliases

    known = {*aliases, *aliases.values(), "cp1252", "latin-1", "utf-8"}
    guess = nearest(name, (word.replace("_", "-") for word in known))
    hint = f"; did you mean {guess!r}?" if guess else "; known are utf-8, cp1252, latin-1, ..."
    message = f"there is no text encoding {shown(name)}{hint}"
    raise ConfigError(Problem(message, key="encoding"))


def wrong_missing(column: Column) -> str:
    """What is wrong with a missing cell of a column where a number is expected.

    Example:
        >>> print(wrong_missing(column_of_cells("age", ["31", "?"], TableOptions())))
        expected a number, found '?'; write missing: with what stands for missing cells
    """
    words = column.missing_words
    found = (
        "a missing cell" if len(words) != 1 else shown(words[0]) if words[0] else "an empty cell"
    )
    return f"expected a number, found {found}; write missing: with what stands for missing cells"


# Columns


class _Missing(NamedTuple):
    """The words for a missing cell: themselves, with a blank at their sides, and as numbers."""

    words: frozenset[str]
    as_written: frozenset[str]
    numbers: Mapping[float, str]


@cache
def _missing_of(words: frozenset[str], notation: Notation) -> _Missing:
    sides = (("", ""), (" ", ""), ("", " "), (" ", " "))
    as_written = frozenset(f"{before}{word}{behind}" for word in words for before, behind in sides)
    numbers = {value: w for w in words if (value := notation.number(w)) is not None}
    return _Missing(words, as_written, numbers)


class _Words(dict[str, int]):
    """The code of each text as it is written; texts that differ only by blanks share one.

    Args:
        missing: the words that stand for a missing cell.
    """

    def __init__(self, missing: frozenset[str]) -> None:
        self.missing = missing
        self.codes: dict[str, int] = {}
        self.found_missing: dict[str, None] = {}

    def __missing__(self, written: str) -> int:
        text = stripped(written)
        if text in self.missing:
            self.found_missing[text] = None
            code = MISSING
        else:
            code = self.codes.setdefault(text, len(self.codes))
        self[written] = code
        return code


def stripped(cell: str) -> str:
    """A cell without the blanks around it, and without a pair of apostrophes around these.

    Example:
        >>> stripped(" 'Oslo ' "), stripped("'s-Gravenhage")
        ('Oslo', "'s-Gravenhage")
    """
    cell = cell.strip()
    if len(cell) > 1 and cell[0] == cell[-1] == "'":
        return cell[1:-1].strip()
    return cell


class _Growing:
    """An array, (length,), that grows in place, so that no second copy of it is in memory."""

    def __init__(self, dtype: type) -> None:
        self._array: Array = np.empty(0, dtype)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, values: Array) -> None:
        """Append values, (n,)."""
        end = self._length + len(values)
        if end > len(self._array):
            # A fixed part more each time: the cost of all values together is linear.
            self._array.resize(end + end // 8, refcheck=False)
        self._array[self._length : end] = values
        self._length = end

    def array(self) -> Array:
        """All values; nothing can be appended after it."""
        self._array.resize(self._length, refcheck=False)
        return self._array


class ColumnBuilder:
    """One column, built from blocks of its cells.

    It holds numbers as long as all cells are numbers or missing, else texts. If numbers come
    first and a text later, ``is_mixed`` is set: then the column is to be read a second time by a
    builder with ``as_text``, because numbers do not tell how they were written.

    Args:
        name: of the column.
        notation: how numbers are written.
        missing: the words that stand for a missing cell.
        as_text: whether the cells are texts whatever they look like.
    """

    def __init__(
        self, name: str, notation: Notation, missing: frozenset[str], *, as_text: bool = False
    ) -> None:
        self.name = name
        self.is_text = as_text
        self.is_mixed = False
        self._stays_text = as_text
        self._notation = notation
        self._missing = _missing_of(missing, notation)
        self._written: _Words | None = None
        self._values = _Growing(np.int32 if as_text else np.float64)
        self._has_numbers = False
        self._has_zeros = False

    @property
    def _words(self) -> _Words:
        """The words found; made when the first is, as a table may have very many columns."""
        if self._written is None:
            self._written = _Words(self._missing.words)
        return self._written

    @property
    def is_settled(self) -> bool:
        """Whether a text or a number was found, so that the next cells are probably the same."""
        return self.is_text or self._has_numbers

    @property
    def wants_numbers(self) -> bool:
        """Whether all cells so far were numbers or missing."""
        return not (self.is_text or self.is_mixed)

    def add(self, cells: Sequence[str]) -> None:
        """Append cells as they are written."""
        if self.is_mixed:
            return
        if not self.is_text:
            numbers = self._numbers(cells)
            if numbers is not None:
                self.add_numbers(numbers)
                self._has_zeros |= _have_leading_zeros(cells, numbers)
                return
            if self._has_numbers:
                self.is_mixed = True
                return
            self.is_text = True
            before = len(self._values)
            self._values = _Growing(np.int32)
            self._values.append(np.full(before, MISSING, np.int32))
        words = self._words
        self._values.append(np.array([words[cell] for cell in cells], dtype=np.int32))

    def add_numbers(self, numbers: Array) -> None:
        """Append cells that are known to be numbers, with NaN for missing ones."""
        for number, word in self._missing.numbers.items():
            if (numbers == number).any():
                numbers = np.where(numbers == number, np.nan, numbers)
                self._words.found_missing[word] = None
        self._has_numbers = self._has_numbers or not bool(np.isnan(numbers).all())
        self._values.append(numbers)

    def column(self) -> Column:
        """The column of all cells so far."""
        values = self._values.array()
        words: tuple[str, ...] = ()
        missing: tuple[str, ...] = ()
        if self._written is not None:
            words, missing = tuple(self._written.codes), tuple(self._written.found_missing)
        if not self.is_text:
            return numeric_column(
                self.name, values, has_leading_zeros=self._has_zeros, missing_words=missing
            )
        if words and not self._stays_text and all(word in TRUTH for word in words):
            numbers = np.array([*map(TRUTH.__getitem__, words), np.nan])[values]
            return Column(self.name, numbers, "bool", missing_words=missing)
        return Column(self.name, values, "text", words, missing_words=missing)

    def _numbers(self, cells: Sequence[str]) -> Array | None:
        """The cells as numbers, with NaN for missing ones; None if some are neither."""
        plain = self._notation.pythons(cells)
        if plain is not None:
            try:
                numbers = np.fromiter(map(float, plain), np.float64, len(cells))
                there = np.isfinite(numbers)
            except ValueError:
                there = None
            if there is not None and there.all():
                # Python also accepts underscores and the digits of all scripts.
                return numbers if _are_plain(cells) else self._one_by_one(cells)
            if there is None or np.isnan(numbers).any():
                found = self._with_gaps(plain)
                if found is not None:
                    return found
        return self._one_by_one(cells)

    def _with_gaps(self, cells: Sequence[str]) -> Array | None:
        """The cells as numbers if Python reads them and the others are plain words for missing."""
        words = self._missing.as_written
        try:
            found = [math.nan if cell in words else float(cell) for cell in cells]
        except ValueError:
            return None
        numbers = np.array(found)
        gaps = [cell for cell in cells if cell in words]
        if np.isfinite(numbers).sum() + len(gaps) != len(cells) or not _are_plain(cells):
            return None
        self._words.found_missing.update(dict.fromkeys(map(stripped, dict.fromkeys(gaps))))
        return numbers

    def _one_by_one(self, cells: Sequence[str]) -> Array | None:
        number, missing, found = self._notation.number, self._missing.words, []
        for cell in cells:
            text = stripped(cell)
            value = number(text)
            if value is None or text in missing:
                if text not in missing:
                    return None
                self._words.found_missing[text] = None
                value = math.nan
            found.append(value)
        return np.array(found, dtype=np.float64)


def are_whole(numbers: Array) -> bool:
    """Whether all numbers are whole."""
    return bool((numbers == np.floor(numbers)).all())


def _are_plain(cells: Iterable[str]) -> bool:
    """Whether no cell has a character that Python's numbers may have and those of tables not."""
    text = "".join(cells)
    return text.isascii() and "_" not in text


def _have_leading_zeros(cells: Sequence[str], numbers: Array) -> bool:
    """Whether a whole number is written like 007, in cells that are all whole."""
    if not are_whole(numbers[~np.isnan(numbers)]):
        return False
    text = "\n" + "\n".join(cells)
    return "\n0" in text and re.search(r"\n0\d", text) is not None


def column_of_cells(
    name: str, cells: Iterable[Any], options: TableOptions, *, as_text: bool = False
) -> Column:
    """A column from the texts of its cells; see `ColumnBuilder`.

    Example:
        >>> column_of_cells("age", ["31", "?", "007"], TableOptions()).values.tolist()
        [31.0, nan, 7.0]
        >>> column_of_cells("size", ["31", "large"], TableOptions()).words
        ('31', 'large')
    """
    cells = list(cells)
    notation = Notation(options.decimal or ".", options.thousands)
    builder = ColumnBuilder(name, notation, options.missing_words, as_text=as_text)
    builder.add(cells)
    return builder.column()


def unique_names(titles: Iterable[str], taken: Iterable[str] = ()) -> tuple[list[str], list[str]]:
    """The names of columns from their titles, and which titles occurred more than once.

    An empty title becomes the column's positional name; a repeated one gets ``.2``, ``.3``.

    Example:
        >>> unique_names(["a", "", "a"])
        (['a', 'column_2', 'a.2'], ['a'])
    """
    titles = list(titles)
    names: list[str] = []
    used = {*titles, *taken}
    repeated: dict[str, None] = {}
    seen: set[str] = set()
    numbers: dict[str, int] = {}  # the last one that was given out, by name
    for index, title in enumerate(titles):
        name = title or f"column_{index + 1}"
        if name in seen or (not title and name in used):
            first = name
            repeated[first] = None
            numbers[first], name = next(
                (k, n)
                for k in count(numbers.get(first, 1) + 1)
                if (n := f"{first}.{k}") not in used
            )
        seen.add(name)
        used.add(name)
        names.append(name)
    return names, list(repeated)
