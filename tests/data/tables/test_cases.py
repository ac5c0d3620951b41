"""Tables as cases with a label: inputs that are numbers, and the place of what is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ChainruleError, DataError
from chainrule.data.tables.cases import cases_of_table
from chainrule.data.tables.reading import TableOptions, read_table
from yardstick import times


def read_text(path, *, header="auto", features=None):
    table = read_table(path, TableOptions(header=header))
    return cases_of_table(table, features=features)


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="cases.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


def problems(path, **arguments):
    """The faults as ``line:column: message``."""
    with pytest.raises(DataError) as caught:
        read_text(path, **arguments)
    assert all(problem.path == path for problem in caught.value.problems)
    return [str(problem).removeprefix(f"{path}").lstrip(":") for problem in caught.value.problems]


@pytest.mark.parametrize(
    "content",
    [
        "1,2,0\n3,4,1\n",
        "1,2,0\n3,4,1",
        "1,2,0\r\n3,4,1\r\n",
        "1,2,0\r3,4,1\r",
        "\ufeff1,2,0\n3,4,1\n\n \n\n",
        "# made by hand\n1, 2, 0\n\n3 ,4 ,1\n",
        "1;2;0\n3;4;1\n",
        "1\t2\t0\n3\t4\t1\n",
        "1 2 0\n3 4 1\n",
        "  1  2\t0\n 3\t4  1 \n",
        '"1","2","0"\n"3","4","1"\n',
        "a,b,c\n1,2,0\n3,4,1\n",
        "+1.0,2e0,0\n3.,.4E+1,1\n",
    ],
)
def test_ways_to_write_the_same_cases(write, content):
    cases = read_text(write(content))
    assert cases.x.tolist() == [[1, 2], [3, 4]]
    assert cases.labels.values.tolist() == [0, 1]
    assert cases.feature_names == (("a", "b") if "a" in content.split("\n")[0][:2] else None)


@given(
    st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1),
    st.sampled_from([",", ";", "\t", " "]),
    st.booleans(),
)
def test_whatever_is_written_is_read(write, rows, separator, header):
    lines = [separator.join(["north", "south", "kind"])] if header else []
    lines += [separator.join(map(repr, row)) for row in rows]
    cases = read_text(write("\n".join(lines)))
    assert np.array_equal(cases.x, np.array(rows)[:, :2])
    assert np.array_equal(cases.labels.values, np.array(rows)[:, 2])
    assert cases.feature_names == (("north", "south") if header else None)


def test_labels_of_text_with_separators_in_quotes(write):
    cases = read_text(write('x,y,kind\n1,2,"iris, wild"\n3,4,iris\n'))
    assert cases.labels.values == ["iris, wild", "iris"]
    assert cases.x.tolist() == [[1, 2], [3, 4]]


def test_header_of_numbers_is_given_away_by_the_label(write):
    cases = read_text(write("0,1,label\n1,2,7\n3,4,8\n"))
    assert cases.feature_names == ("0", "1")
    assert cases.labels.values.tolist() == [7, 8]


def test_header_as_told(write):
    assert len(read_text(write("1,2,0\n3,4,1\n"), header=True)) == 1
    assert problems(write("a,b,c\n1,2,0\n"), header=False) == [
        "1:1: expected a number, found 'a'; if this line names the columns, write header: true",
        "1:3: expected a number, found 'b'",
    ]


def test_known_number_of_features_tells_whether_there_are_labels(write):
    assert read_text(write("1,2\n3,4\n"), features=2).labels is None
    assert read_text(write("1\n3\n"), features=1).x.tolist() == [[1], [3]]
    assert read_text(write("x\n3\n"), features=1).x.tolist() == [[3]]
    assert read_text(write("1,2\n3,4\n"), features=1).labels.values.tolist() == [2, 4]
    assert problems(write("1,2\n3,4\n"), features=4) == [
        " found 2 columns (read as separated by commas); expected the network's 4 inputs, "
        "or 5 columns with the label"
    ]


def test_every_fault_with_its_place(write):
    path = write("1,2,0\n\n# a comment\n1,abc,1\n  1, nan,0\n1,,0\n-inf,1,0\n1,1_000,0\n1,٣,0\n")
    assert problems(path) == [
        "4:3: expected a number, found 'abc'",
        "5:6: expected a number, found a missing cell; write missing: with what stands for "
        "missing cells",
        "6:3: expected a number, found a missing cell; write missing: with what stands for "
        "missing cells",
        "7:1: expected a number, found '-inf'",
        "8:3: expected a number, found '1_000'",
        "9:3: expected a number, found '٣'",
    ]


def test_other_faults_with_their_places(write):
    assert problems(write("1,1e999,0\n1,2,0\n")) == [
        "1:3: 1e999 is too large for a float64 number; "
        "if this line names the columns, write header: true"
    ]
    assert problems(write('a,b,c\n1,"2,5",0\n')) == [
        "2:3: expected a number, found '2,5'; if that is a decimal comma, write decimal: \",\""
    ]
    assert problems(write("1 2 a\n1 zwei a\n")) == ["2:3: expected a number, found 'zwei'"]
    assert problems(write("1,2,0\n1,2,\n")) == ["2:5: the label is missing"]
    assert problems(write("1,2,0\n1,2,nan\n")) == ["2:5: the label is missing"]
    assert problems(write("a,b\n1,2,3\n")) == [
        "1:4: the header names 2 columns, but the cases have 3"
    ]
    assert problems(write(b"1,2,0\n1,\xe9,0\n")) == [
        "2:3: the byte 0xE9 is not text in UTF-8; "
        "if it is in another encoding, write encoding: cp1252"
    ]


@pytest.mark.parametrize(
    ("wrong", "more"), [(11, "1"), (500, "490"), (1010, "1000"), (30_000, "more than 1,000")]
)
def test_many_faults_are_counted_up_to_a_thousand(write, wrong, more):
    found = problems(write("1,2,0\n" * 20_000 + "x,2,0\n" * wrong))
    assert [fault.split(":")[0] for fault in found[:-1]] == [str(20_001 + k) for k in range(10)]
    assert found[-1] == f" and {more} more problems of this kind"


def test_a_fault_behind_many_good_cases_has_its_place(write):
    found = problems(write("1,2,0\n" * 40_000 + "3,x,0\n" + "1,2,0\n" * 40_000))
    assert found == ["40001:3: expected a number, found 'x'"]
    first = problems(write("1,2\n" + "1,2,0\n" * 40_000))
    assert [fault.split(" (")[0] for fault in first] == [
        "1:4: found 2 columns, expected 3 as in the other lines"
    ]


def test_a_quoted_cell_anywhere_changes_nothing(write):
    quoted = read_text(write("1.5,2,a\n" * 9000 + '"1.5",2,"a"\n' + "1.5,2,a\n" * 9000))
    assert (quoted.x == [1.5, 2]).all()
    assert quoted.x.shape == (18_001, 2)
    assert set(quoted.labels.values) == {"a"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        (" \n\n", "the file is empty"),
        ("# only\n# comments\n", "holds no cases"),
        ("a,b,c\n", "a header and no cases"),
        ("1\n2\n3\n", "only one column (read as separated by blanks)"),
        (b"\x7fELF\0\0\1", "is not text"),
        ("1,2,0\n".encode("utf-16-le"), "is not text"),
    ],
)
def test_files_without_cases(write, content, message):
    assert message in problems(write(content))[0]


@given(st.binary(max_size=60) | st.text("0123456789.,;-+e \t\n\r\"'#naxif_", max_size=60))
def test_no_content_ends_in_anything_but_a_clear_error(write, content):
    for arguments in ({}, {"header": False}, {"features": 2}):
        try:
            cases = read_text(write(content), **arguments)
        except ChainruleError:
            continue
        assert np.isfinite(cases.x).all()
        assert cases.labels is None or len(cases.labels) == len(cases.x)


def test_real_files(real):
    spirals = read_text(real / "psu" / "spiral_train.dat")
    assert spirals.x.shape == (300, 2)
    assert sorted(set(spirals.labels.values)) == [0, 1, 2]
    tiny = read_table(real / "cmu_ocr" / "tinyTrain.csv")
    assert tiny.columns[0].values.tolist() == [7, 9]


def test_real_letters_are_read_fast(real):
    path = real / "cmu_ocr" / "largeTrain.csv"
    letters, *pixels = (column.values for column in read_table(path).columns)
    assert np.shape(pixels) == (128, 9000)
    assert np.bincount(letters.astype(int)).tolist() == [900] * 10
    assert set(np.unique(pixels)) == {0, 1}

    def plainly():
        lines = path.read_text().splitlines()
        return [[float(cell) for cell in line.split(",")] for line in lines]

    assert times(lambda: read_text(path), plainly) <= 1
