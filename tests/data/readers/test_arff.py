"""ARFF files."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import DataError
from chainrule.data.readers.arff import _cells
from chainrule.data.tables.reading import TableOptions, read_table

HEAD = """% a comment
@RELATION 'iris and more'
@attribute a NUMERIC
@Attribute\t'the size' {small, 'large, very', "q"}
@attribute note string
@attribute day date 'yyyy-MM-dd'

@DATA
"""


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        (tmp_path / "t.arff").write_text(text, encoding="utf-8")
        return tmp_path / "t.arff"

    return write_text


def message(path):
    with pytest.raises(DataError) as caught:
        read_table(path)
    return str(caught.value)


ROWS = r"""1.5,small,'it\'s, so',2024-01-31
% between

 ? , 'large, very' ,?,?
-2e3,q,"?",'2024-02-01'
"""


def test_columns_of_every_type(write):
    path = write(HEAD + ROWS)
    table = read_table(path)
    assert table.names == ["a", "the size", "note", "day"]
    assert table["a"].texts() == ["1.5", "", "-2000"]
    assert table["the size"].words == ("small", "large, very", "q")
    assert table["the size"].texts() == ["small", "large, very", "q"]
    assert table["note"].texts() == ["it's, so", "", "?"]
    assert table["day"].texts() == ["2024-01-31", "", "2024-02-01"]
    assert str(table.place(2, "note", "no")) == f"{path}:13:8: no"


def test_the_order_of_nominal_values_is_the_declared_one(write):
    path = write("@relation r\n@attribute c {b, a, z}\n@data\na\nb\na\n")
    words, which = read_table(path)["c"].distinct()
    assert words == ["b", "a"]
    assert which.tolist() == [1, 0, 1]


def test_packed_and_by_its_content(write):
    path = write(HEAD + ROWS)
    packed = path.with_name("t.arff.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_table(packed).names == read_table(path).names
    named = path.with_name("iris.data")
    named.write_text("@relation r\n@attribute a integer\n@data\n7\n")
    assert read_table(named)["a"].values.tolist() == [7.0]


def test_options(write):
    path = write("@relation r\n@attribute a real\n@attribute b real\n@data\n1,-\n2,5\n")
    table = read_table(path, TableOptions(na=("-",), texts=("a",)))
    assert table["a"].words == ("1", "2")
    assert table["b"].texts() == ["", "5"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "x,small,a,b\n", ":9:1: 'a' is numeric; expected a number, found 'x'"),
        (HEAD + "1,  smal,a,b\n", ":9:5: 'smal' is no value of 'the size'; did you mean 'small'?"),
        (HEAD + "1,small,a\n", ":9:9: found 3 cells, expected 4 as there are attributes"),
        (HEAD + "1,small,'a,b\n", ":9:1: a quotation mark is not closed"),
        (HEAD + "{0 1, 2 x}\n", ":9: sparse rows are not read; write every row in full"),
        (HEAD, ": the file holds no rows after @data"),
        ("@relation r\n@atribute a real\n", ":2: expected @attribute or @data, found '@atribute'"),
        ("@relation r\n@attribute a reel\n", ":2: the attribute 'a' has the type 'reel'"),
        ("@relation r\n@attribute a {b,c\n", ":2:17: the list of values is not closed by }"),
        ("@relation r\n@attribute a {b,b}\n", ":2: expected different values"),
        ("@relation r\n@attribute\n", ":2: an attribute has no name"),
        ("@relation r\n@data\n1\n", ":2: found no @attribute before @data"),
        ("@relation r\n@attribute a real\n", ": the file ends before @data"),
        (
            "@relation r\n@attribute a real\n@attribute a real\n@data\n1,2\n",
            ": two attributes are called 'a'",
        ),
    ],
)
def test_faults_have_their_place(write, text, expected):
    path = write(text)
    assert message(path).startswith(f"{path}{expected}")


def test_ten_faults_then_a_count(write):
    path = write(HEAD + "x,small,a,b\n" * 30)
    lines = message(path).splitlines()
    assert len(lines) == 11
    assert lines[-1].endswith("and 20 more problems of this kind")


def test_a_long_line_of_blanks_is_no_work(write):
    assert "quotation mark" in message(write(HEAD + " " * 10**6 + "'x\n"))


plain = st.text(st.characters(exclude_characters="'\"\\,{}%?\n\r", categories=["L", "N", "P"]))


@given(st.lists(st.tuples(plain, st.booleans()), min_size=1, max_size=6))
def test_cells_come_back(cells):
    marked = [(text.strip(), is_quoted) for text, is_quoted in cells]
    text = " , ".join(f"'{word}'" if is_quoted else word for word, is_quoted in marked)
    assert _cells(text) == marked


@given(st.text("ab'\",\\ ", max_size=30))
def test_any_line_is_cells_or_broken(text):
    found = _cells(text)
    assert found is None or len(found) <= text.count(",") + 1
