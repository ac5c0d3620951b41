"""Delimited text as a table: whatever is written is read back, and every fault has its place."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, ConfigError, DataError
from chainrule.core.limits import BOMB_BYTES
from chainrule.data.readers import delimited, text_blocks
from chainrule.data.readers.files import is_table
from chainrule.data.tables.cells import MISSING_WORDS
from chainrule.data.tables.notation import Notation, wrong_number
from chainrule.data.tables.reading import TableOptions, read_table


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def read(write):
    def read_content(content, **options):
        return read_table(write(content), TableOptions(**options))

    return read_content


def cells(table):
    """The rows of a table: numbers, texts, and None for missing cells."""
    columns = [
        [None if m else (c.words[int(v)] if c.is_text else float(v)) for v, m in pairs(c)]
        for c in table.columns
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def pairs(column):
    return zip(column.values.tolist(), column.missing.tolist(), strict=True)


def faults(read, content, **options):
    """The problems as ``line:column: message``."""
    with pytest.raises(DataError) as caught:
        read(content, **options)
    return [
        str(problem).partition("table.csv")[2].lstrip(":") for problem in caught.value.problems
    ]


# Whatever is written is read back


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)
COLUMNS = st.lists(st.sampled_from(["numbers", "texts", "both"]), min_size=2, max_size=4)


@st.composite
def tables(draw):
    """The kinds of the columns and the rows of a table."""
    kinds = draw(COLUMNS)
    of_kind = {"numbers": NUMBERS, "texts": TEXTS, "both": NUMBERS | TEXTS}
    row = st.tuples(*(of_kind[kind] for kind in kinds))
    return kinds, draw(st.lists(row, min_size=1, max_size=12))


def written(value):
    return repr(value) if isinstance(value, float) else value


@pytest.mark.exhaustive
@given(
    table=tables(),
    delimiter=st.sampled_from(",;|\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    end=st.sampled_from(["\n", "\r\n"]),
    block=st.sampled_from([1, 7, 2**20]),
    fast=st.booleans(),
)
def test_every_table_that_csv_writes_is_read_back(
    write, monkeypatch, table, delimiter, quoting, end, block, fast
):
    kinds, rows = table
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow([f"column {k}" for k in range(len(kinds))])
    writer.writerows(rows)
    monkeypatch.setattr(text_blocks, "BLOCK", block)
    if not fast:
        monkeypatch.setattr(delimited._Reading, "_fill_fast", lambda *_: None)
    options = TableOptions(header=True, delimiter=delimiter, na=(), comment="")
    found = read_table(write(text.getvalue()), options)
    assert found.names == [f"column {k}" for k in range(len(kinds))]
    for column, values in zip(found.columns, zip(*rows, strict=True), strict=True):
        texts = [stripped(written(value)) for value in values]
        numbers = [Notation().number(each) if each else np.nan for each in texts]
        if None not in numbers:
            assert np.array_equal(column.values, np.array(numbers), equal_nan=True)
            known = ~np.isnan(column.values)
            signs = np.signbit(column.values) == np.signbit(np.array(numbers))
            assert signs[known].all()
        elif column.type == "bool":
            assert set(texts) <= {"TRUE", "True", "true", "FALSE", "False", "false", ""}
        else:
            assert column.texts() == texts


def stripped(text):
    """Cells lose the blanks around them and a pair of apostrophes."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == "'":
        text = text[1:-1].strip()
    return text


CELLS = st.sampled_from(
    [
        *("1", "-2.5", "007", "0", "x", "", "nan", "NA", '"3"', '"', '"a\nb"', "1e999", " 4 "),
        *("'5'", "1_0", "٣", "inf", "#", "TRUE", "0x10", "1 2", "\u00a07", "1d3", "1e5"),
    ]
)


@pytest.mark.exhaustive
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=12),
    separator=st.sampled_from([",", " ", ";"]),
)
def test_how_a_file_is_read_changes_nothing(write, monkeypatch, rows, separator):
    """With blocks of any size, by NumPy or cell by cell: the same cells or the same message."""
    path = write("\n".join(separator.join(row) for row in rows))
    options = TableOptions(header=False, delimiter=separator)
    fast = delimited._Reading._fill_fast

    def outcome(block, fill):
        monkeypatch.setattr(text_blocks, "BLOCK", block)
        monkeypatch.setattr(delimited._Reading, "_fill_fast", fill)
        try:
            table = read_table(path, options)
        except DataError as error:
            return str(error)
        columns = [(c.type, c.has_leading_zeros, sorted(c.missing_words)) for c in table.columns]
        places = [
            str(table.place(row, name, "")) for row in range(len(table)) for name in table.names
        ]
        return cells(table), columns, places

    slow = outcome(2**20, lambda *_: None)
    assert [outcome(block, fast) for block in (1, 9, 2**20)] == [slow] * 3


@given(st.lists(st.floats() | st.integers(-(10**12), 10**12), min_size=2, max_size=30))
def test_numbers_are_those_of_python_to_the_bit(write, values):
    words = [repr(value) for value in values]
    table = read_table(write("\n".join(f"{w},1" for w in words)), TableOptions(header=False))
    column = table.columns[0]
    if any(word in ("inf", "-inf") for word in words):
        assert column.is_text or column.missing.all()
    else:
        found = [float(w) for w in words if w not in MISSING_WORDS]
        assert column.values[~column.missing].tolist() == found


# What a cell is


def test_columns_of_numbers_texts_and_truth(read):
    table = read("a,b,c,d\n1,x,TRUE,1.5\n,y,FALSE,?\n3,NA,,2\n")
    assert [column.type for column in table.columns] == ["int", "text", "bool", "float"]
    assert cells(table) == [[1, "x", 1, 1.5], [None, "y", 0, None], [3, None, None, 2]]
    assert [column.missing_words for column in table.columns] == [("",), ("NA",), ("",), ("?",)]


def test_a_column_of_numbers_and_words_keeps_how_they_were_written(read, monkeypatch):
    monkeypatch.setattr(text_blocks, "BLOCK", 64)
    table = read("a,b\n" + "1.50,2\n" * 100 + "A12,3\n" + "007,4\n")
    assert table["a"].words == ("1.50", "A12", "007")
    assert table["a"].texts() == ["1.50"] * 100 + ["A12", "007"]
    assert table["b"].values.sum() == 207


@pytest.mark.parametrize("word", [w for w in MISSING_WORDS if w])
def test_words_for_missing_cells(read, word):
    table = read(f"a,b\n1,x\n{word},{word}\n {word} ,y\n4,z\n")
    assert table["a"].values[[0, 3]].tolist() == [1, 4]
    assert table["a"].missing.tolist() == [False, True, True, False]
    assert table["b"].missing.tolist() == [False, True, False, False]
    assert table["a"].missing_words == (word,)


def test_other_words_for_missing_cells_replace_the_usual_ones(read):
    table = read("a,b,c\n1,?,nan\n-999,unknown,1\n-999.0,x,2\n", na=("-999", "unknown"))
    assert table["a"].missing.tolist() == [False, True, True]
    assert table["b"].texts() == ["?", "", "x"]
    assert table["c"].words == ("nan", "1", "2")


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1_000", "٣", "1e999", "0x10", "½", "1 2"])
def test_what_is_no_number(read, cell):
    table = read(f"a,b\n{cell},1\n2,2\n", delimiter=",")
    assert table["a"].words == (cell, "2")
    assert table["b"].type == "int"


@pytest.mark.parametrize(
    ("cells_", "flagged"),
    [("007 8", True), ("0 10", False), ("0.5 1", False), ("01 02", True), ("00 1", True),
     ("1 20", False), ("? 012", True), ("-0 1", False)],
)  # fmt: skip
@pytest.mark.parametrize("before", [0, 5000])
def test_leading_zeros_are_told(read, monkeypatch, cells_, flagged, before):
    monkeypatch.setattr(text_blocks, "BLOCK", 4096)
    rows = ["1,2"] * before + [f"{cell},5" for cell in cells_.split()]
    table = read("\n".join(["a,b", *rows]))
    assert table["a"].has_leading_zeros == flagged
    assert not table["b"].has_leading_zeros


def test_columns_are_read_as_texts_where_that_is_said(read):
    content = "plz,n\n01067,1\n80331,2\n"
    assert read(content, texts=("plz",))["plz"].words == ("01067", "80331")
    assert read(content, texts=(2,))["n"].words == ("1", "2")
    assert read("a,b\nTRUE,1\nFALSE,2\n", texts=("a",))["a"].words == ("TRUE", "FALSE")


# Numbers of other countries


GERMAN = "Ort;Fläche;Einwohner\nBonn;141,06;331.885\nKöln;405,02;1.084.831\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16", "latin-1", "utf-16-le"])
def test_a_german_export(read, encoding):
    stated = None if encoding in ("utf-8-sig", "utf-16") else encoding
    table = read(GERMAN.encode(encoding), thousands=".", encoding=stated)
    assert table.names == ["Ort", "Fläche", "Einwohner"]
    assert cells(table) == [["Bonn", 141.06, 331885], ["Köln", 405.02, 1084831]]


def test_a_decimal_comma_is_found_where_it_cannot_be_anything_else(read):
    table = read("a;b\n1,5;x\n2;y\n")
    assert cells(table) == [[1.5, "x"], [2, "y"]]
    assert len(table.notes) == 1
    assert "'1,5' in line 2" in table.notes[0].replace("1,5", "'1,5'", 1)
    # Three digits may be thousands, and a decimal point says otherwise.
    assert read("a;b\n1,907;x\n2,123;y\n")["a"].words == ("1,907", "2,123")
    assert read("a;b\n1,5;2.25\n2;1\n")["a"].is_text
    assert read('a,b\n"1,5",1\n')["a"].is_text


@pytest.mark.parametrize(
    ("thousands", "decimal", "good", "value", "bad"),
    [
        (",", None, "1,234,567.5", 1234567.5, "1,23"),
        (".", ",", "1.234,5", 1234.5, "12.34"),
        (" ", ",", "12 345,5", 12345.5, "1 2"),
        (" ", None, "12\u00a0345", 12345, "1  234"),
        ("'", None, "1'234.5", 1234.5, "1'2"),
        (",", None, "12,345", 12345, "1234,567"),
        (",", None, "-1,000", -1000, ",100"),
    ],
)
def test_thousands_count_only_in_groups_of_three(read, thousands, decimal, good, value, bad):
    options = {"thousands": thousands, "decimal": decimal, "delimiter": "|"}
    assert read(f"a|b\n{good}|1\n5|2\n", **options)["a"].values.tolist() == [value, 5]
    assert read(f"a|b\n{bad}|1\n5|2\n", **options)["a"].is_text


@given(
    cell=st.text("0123456789,.'+-e ", max_size=9),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from([None, ",", ".", " ", "'"]),
)
def test_advice_is_right_when_followed(cell, decimal, thousands):
    """A key that a message names makes the cell a number, or the message says nothing of keys."""
    notation = Notation(decimal, thousands)
    if decimal == thousands or notation.number(cell.strip()) is not None:
        return
    message = wrong_number(cell.strip(), notation)
    named = {
        key: message[at + len(key) + 3]
        for key in ("decimal", "thousands")
        if (at := message.find(f'{key}: "')) >= 0
    }
    if " if it is the decimal mark" in message:  # two readings: the first is the thousands
        assert Notation(named.pop("decimal")).number(cell.strip()) is not None
    if named:
        followed = TableOptions(
            decimal=named.get("decimal", None if named.get("thousands") == decimal else decimal),
            thousands=named.get("thousands"),
        ).checked()
        read_so = Notation(followed.decimal or ".", followed.thousands)
        assert read_so.number(cell.strip()) is not None, message


# Separators, quotation marks, comments


@pytest.mark.parametrize(
    "content",
    [
        "a,b c\n1,x y\n2,z\n",
        "a;b c\n1;x y\n2;z\n",
        "a\tb c\n1\tx y\n2\tz\n",
        "a|b c\n1|x y\n2|z\n",
        "\n\n# made by hand\n a ,b c \n\n 1, x y \n# more\n2,'z'",
        "\ufeffa,b c\r\n1,x y\r\n2,z\r\n",
        "a,b c\r1,x y\r2,z\r",
        '"a","b c"\n"1","x y"\n"2","z"\n',
        "sep=;\na;b c\n1;x y\n2;z\n",
        "a 'b c'\n1 \"x y\"\n2   z\n".replace("'", '"'),
    ],
)
def test_ways_to_write_the_same_table(read, content):
    table = read(content)
    assert table.names == ["a", "b c"]
    assert cells(table) == [[1, "x y"], [2, "z"]]


@pytest.mark.parametrize("delimiter", ["tab", "\t", "\\t"])
def test_a_delimiter_may_be_named(read, delimiter):
    assert cells(read("a\tb\n1\tx\n", delimiter=delimiter)) == [[1, "x"]]
    assert cells(read("a¦b\n1¦x\n2¦y\n", delimiter="¦")) == [[1, "x"], [2, "y"]]


def test_quoted_cells_hold_separators_quotes_and_line_ends(read, monkeypatch):
    content = 'a,b,c\n1,"x, ""y""\nz",2\n# c "\n\n3,"w",4\n'
    for block in (1, 3, 2**20):
        monkeypatch.setattr(text_blocks, "BLOCK", block)
        table = read(content)
        assert cells(table) == [[1, 'x, "y"\nz', 2], [3, "w", 4]]
        places = [[(p := table.place(r, n, "")).line, p.column] for r in (0, 1) for n in "abc"]
        assert places == [[2, 1], [2, 3], [3, 4], [6, 1], [6, 3], [6, 7]]


def test_comments_rows_to_skip_and_errors_of_spreadsheets(read):
    table = read("made on Monday\n1;2;3\na,b\n% no\n#N/A,1\n2,3\n", skip_rows=2, comment="%")
    assert cells(table) == [[None, 1], [2, 3]]
    assert table.place(1, "b", "").line == 6
    assert cells(read("a,b\n#1,2\n#3,4\n", comment="")) == [["#1", 2], ["#3", 4]]


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress,
        bz2.compress,
        lzma.compress,
        lambda content: lzma.compress(content[:9]) + lzma.compress(content[9:]),
    ],
)
def test_packed_files(read, write, packed):
    content = b"a,b\n" + b"1,x\n2,y\n" * 5000
    table = read(packed(content))
    assert (table["a"].values.sum(), table["b"].words) == (15_000, ("x", "y"))
    assert table.place(3, "b", "").line == 5
    assert is_table(write(packed(content), "table.csv.gz"))
    half = packed(content)
    assert "is damaged" in faults(read, half[: len(half) - 12])[0]


def test_a_file_packed_by_zstandard(read):
    zstandard = pytest.importorskip("zstandard")
    content = zstandard.ZstdCompressor().compress(b"a,b\n" + b"1,x\n2,y\n" * 5000)
    assert read(content)["a"].values.sum() == 15_000
    assert "is damaged" in faults(read, content[:-3])[0]


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_to_too_much_is_refused(read, packed):
    assert "hostile" in faults(read, packed(b"1,2,3\n" + b"0" * (BOMB_BYTES + 10)))[0]


# The header


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        (",a,b\n0,1,2\n1,3,4\n", ["column_1", "a", "b"]),
        ("label,0,1,2\n7,1,2,9\n8,3,4,9\n", ["label", "0", "1", "2"]),
        ("size,taste\nbig,good\nsmall,bad\n", ["size", "taste"]),
        ("a,a,b,a\n1,2,3,4\n", ["a", "a.2", "b", "a.3"]),
        ("a,a.2,a\n1,2,3\n", ["a", "a.2", "a.3"]),
        ("a,,b\n1,,2\n3,,4\n", ["a", "column_2", "b"]),
        ("a,b,\n1,2,\n3,4,\n", ["a", "b", "column_3"]),
        ("a,b\n1,2,\n3,4,\n", ["a", "b", "column_3"]),
        ("x\n1\n2\n", ["x"]),
        ("word\n1.5\n", ["word"]),
    ],
)
def test_names_are_found(read, content, names):
    table = read(content)
    assert table.has_names
    assert table.names == names
    assert len(table) == len(content.strip().split("\n")) - 1


@pytest.mark.parametrize(
    "content",
    ["1,2\n3,4\n", "p,x\ne,x\np,y\n", "1,x\n2,y\n", "?,x\n1,y\n", "nan,nan\n1,2\n", "1\n2\n"],
)
def test_where_there_are_no_names(read, content):
    table = read(content)
    assert not table.has_names
    assert table.names == [f"column_{k + 1}" for k in range(len(table.columns))]
    assert len(table) == len(content.strip().split("\n"))


def test_a_header_as_told(read):
    assert read("1,2\n3,4\n", header=True).names == ["1", "2"]
    assert len(read("a,b\n1,2\n", header=False)) == 2


def test_names_of_rows(read):
    table = read('"a" "b"\n"Mazda" 21 6\n"Fiat" 32 4\n')
    assert table.names == ["column_1", "a", "b"]
    assert cells(table) == [["Mazda", 21, 6], ["Fiat", 32, 4]]
    assert "names of rows" in table.notes[0]
    assert faults(read, "a,b\n5,2,3\n5,4,6\n") == [
        "1:4: the header names 2 columns, but the cases have 3"
    ]


def test_repeated_names_and_years_are_told(read):
    assert "'a' more than once" in read("a,a\n1,2\n").notes[0]
    table = read("country,1990,1991,1992\nOslo,1,2,3\n")
    assert not table.has_names
    assert table.notes == (
        "line 1 is read as a row of values; if it names the columns, write header: true",
    )


# Faults


def test_lines_of_another_length(read):
    found = faults(read, "1,2,0\n1,2\n1,2,0\n\n1,2,3,0\n1,2,0\n")
    assert [fault.split(" (")[0] for fault in found] == [
        "2:4: found 2 columns, expected 3 as in the other lines",
        "5:7: found 4 columns, expected 3 as in the other lines",
    ]
    # Where the first line is the odd one, it is the one named.
    assert faults(read, "1,2\n1,2,0\n1,2,0\n")[0].startswith("1:4: found 2 columns, expected 3")


@pytest.mark.parametrize(
    ("line", "column"),
    [("1  2 0  77 9", 9), ("1 2 ", 4), ("1", 2), ("  1 2", 6)],
)
def test_a_ragged_row_between_blanks_is_marked_where_it_differs(read, line, column):
    found = faults(read, f"1 2 0\n3 4 1\n{line}\n5 6 0\n")
    assert len(found) == 1
    assert found[0].startswith(f"3:{column}: found ")


@pytest.mark.parametrize(
    ("wrong", "more"), [(11, "1"), (500, "490"), (1010, "1000"), (30_000, "more than 1,000")]
)
def test_many_faults_are_counted_up_to_a_thousand(read, wrong, more):
    found = faults(read, "1,2,0\n" * 20_000 + "1,2\n" * wrong)
    assert [fault.split(":")[0] for fault in found[:-1]] == [str(20_001 + k) for k in range(10)]
    assert found[-1] == f" and {more} more problems of this kind"


def test_quotation_marks_that_are_not_closed(read):
    assert faults(read, 'a,b,c\n1,"x",2\n3, "y,4\n5,z,6\n') == [
        "3:4: a quotation mark is opened and never closed"
    ]
    found = faults(read, 'a,b,c\n1,"x,2\n3,y,4\n5,"z",6\n7,u,8\n')
    assert found == [
        "2:3: text follows the quotation mark that closes this cell, 2 lines below; "
        "is a quotation mark missing?"
    ]
    found = faults(read, 'a,b,c\n1,"x,2\n3,y,4\n5,"\n' + "7,u,8\n" * 3)
    assert found[0].startswith("2:3: found 2 columns, expected 3")
    assert found[0].endswith("this cell goes over 3 lines: is a quotation mark missing?")
    assert "is a quotation mark missing?" in faults(read, 'a,b\n1,"' + "2,a\n" * 100_000)[0]


@pytest.mark.parametrize(
    ("content", "options", "fault"),
    [
        ("", {}, " the file is empty; expected one case a line"),
        (" \n\n", {}, " the file is empty; expected one case a line"),
        ("# only\n# comments\n", {}, " the file holds no cases, only blank lines or comments"),
        ("a,b,c\n", {}, " the file holds a header and no cases"),
        ("a,b\n1,2\n", {"skip_rows": 5}, " the file is empty; expected one case a line"),
        (b"\x7fELF\0\0\1", {}, " the file is not text; expected numbers, one case a line"),
        (b"\x80\x04cposix\n\x01", {}, " the file is not text; expected numbers, one case a line"),
        (
            b"1,2,0\n1,\xe9,0\n",
            {},
            "2:3: the byte 0xE9 is not text in UTF-8; if it is in another encoding, write "
            "encoding: cp1252",
        ),
        (b"1,2\r3,\x81\r", {}, "2:3: the byte 0x81 is not text in UTF-8; if it is in another "
         "encoding, write encoding: latin-1"),
        (b"1,2,0\n1,\x81,0\n", {"encoding": "cp1252"}, "2:3: the byte 0x81 is not text in cp1252"),
    ],
)  # fmt: skip
def test_files_that_hold_no_table(read, content, options, fault):
    assert faults(read, content, **options) == [fault]


@pytest.mark.exhaustive
def test_a_byte_of_another_encoding_far_behind_has_its_place(read):
    content = b"1,x\n" * 1_000_000 + b"2,\xfc\n"
    assert faults(read, content)[0].startswith("1000001:3: the byte 0xFC is not text in UTF-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "cp1253x"}, "no text encoding 'cp1253x'; did you mean 'cp1253'"),
        ({"encoding": "utf8x"}, "did you mean 'utf8"),
        ({"encoding": "zip"}, "no text encoding 'zip'"),
        ({"encoding": "rot13"}, "no text encoding 'rot13'"),
        ({"encoding": "base64"}, "no text encoding"),
        ({"encoding": "a\0b"}, "no text encoding"),
        ({"decimal": ";"}, 'expected "." or ","'),
        ({"thousands": ";"}, "expected"),
        ({"thousands": ",", "decimal": ","}, "already the decimal mark"),
        ({"delimiter": ",,"}, "one character"),
        ({"delimiter": "a"}, "one character"),
        ({"delimiter": '"'}, "one character"),
    ],
)
def test_options_that_no_table_can_have(read, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        read("a,b\n1,2\n", **options)
    assert caught.value.problems[0].key == next(iter(options))


def test_a_place_in_a_file_that_is_gone_is_still_a_message(write):
    path = write("a,b\n1,2\n")
    table = read_table(path)
    path.unlink()
    assert str(table.place(0, "a", "wrong")) == f"{path}: wrong"


def test_files_that_are_not_there(write, tmp_path):
    write("1,2,0", "letters.csv")
    for path, message in (
        (tmp_path / "leters.csv", "did you mean 'letters.csv'?"),
        (tmp_path / "none" / "letters.csv", "nor the folder"),
        (tmp_path, "this is a folder"),
    ):
        with pytest.raises(DataError) as caught:
            read_table(path)
        assert message in str(caught.value)


@given(
    content=st.binary(max_size=60) | st.text("0123456789.,;-+e \t\n\r\"'#naxif_|", max_size=60),
    options=st.fixed_dictionaries(
        {},
        optional={
            "header": st.booleans(),
            "delimiter": st.sampled_from([",", ";", " ", "tab"]),
            "thousands": st.sampled_from(". '"),
            "skip_rows": st.integers(0, 3),
            "encoding": st.sampled_from(["cp1252", "utf-16", "utf-7", "shift-jis"]),
            "comment": st.sampled_from(["", "x"]),
        },
    ),
)
def test_no_content_ends_in_anything_but_a_clear_error(write, content, options):
    path = write(content)
    try:
        table = read_table(path, TableOptions(**options))
    except ChainruleError:
        return
    for column in table.columns:
        assert len(column) == len(table) > 0
        assert table.place(len(table) - 1, column.name, "").line
        if not column.is_text:
            assert np.isfinite(column.values[~column.missing]).all()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("encoding", "wrong"),
    [("utf-8", b"\xff"), ("utf-16", b"\x00\xdc\x00\x00"), ("shift_jis", b"\xff")],
)
def test_the_place_of_what_is_not_in_the_encoding(tmp_path, end, encoding, wrong):
    path = tmp_path / "t.csv"
    parts = [f"a,b{end}1,あ{end}2,".encode(encoding), wrong, f"{end}3,x{end}".encode(encoding)]
    path.write_bytes(b"".join(parts))
    stated = None if encoding == "utf-16" else encoding
    with pytest.raises(DataError, match=f"(?i)is not text in {encoding}") as caught:
        read_table(path, TableOptions(encoding=stated))
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (3, 3)


def test_a_text_in_utf_16_that_ends_within_a_character(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("a,b\n1,2\n3,4\n".encode("utf-16")[:-1])
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value) == f"{path}:3:4: the byte 0x0A is not text in utf-16"
