"""Several files read as one table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError, DataError
from chainrule.data.readers.paths import files_matching
from chainrule.data.sources import load_data
from chainrule.data.tables.reading import read_table
from chainrule.runs.resolve import resolve_data


@pytest.fixture
def write(tmp_path):
    def write_texts(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name.replace('_', '-')}.csv").write_text(text)
        return tmp_path

    return write_texts


def message(path):
    with pytest.raises(DataError) as caught:
        read_table(path)
    return str(caught.value)


def test_files_that_match_are_one_table_in_natural_order(write):
    folder = write(part_10="a,b\n5,z\n", part_2="b,a\ny,3\nx,4\n", part_1="a,b\n1,x\n2,y\n")
    table = read_table(folder / "part-*.csv")
    assert table.names == ["a", "b"]
    assert table["a"].values.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert table["b"].texts() == ["x", "y", "y", "x", "z"]
    places = [table.place(row, "a", "no") for row in range(5)]
    assert [(p.path.name, p.line, p.column) for p in places] == [
        ("part-1.csv", 2, 1), ("part-1.csv", 3, 1), ("part-2.csv", 2, 3), ("part-2.csv", 3, 3),
        ("part-10.csv", 2, 1),
    ]  # fmt: skip


def test_listed_files_are_in_the_order_of_the_list(write):
    folder = write(b="x,y\n1,0\n", a="x,y\n2,1\n")
    assert read_table([folder / "b.csv", folder / "a.csv"])["x"].values.tolist() == [1.0, 2.0]


def test_a_column_of_texts_in_one_file_is_one_in_all(write):
    folder = write(a="zip,y\n007,0\n", b="zip,y\nN12,1\n", c="zip,y\n,1\n")
    assert read_table(folder / "*.csv")["zip"].texts() == ["007", "N12", ""]


def test_files_without_header_go_by_position(write):
    folder = write(a="1,2\n3,4\n", b="5,6\n")
    table = read_table(folder / "?.csv")
    assert not table.has_names
    assert table["column_2"].values.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("age,size\n1,2\n", "the column 'weight' of a.csv is missing"),
        ("age,size,wieght\n1,2,3\n", "the column 'weight' of a.csv is missing; it has 'wieght'"),
        ("age,size,weight,more\n1,2,3,4\n", "the column 'more' is not in a.csv"),
        ("1,2,3\n4,5,6\n", "the file has no header, unlike a.csv; write header: true or false"),
    ],
)
def test_a_file_with_other_columns_is_named(write, second, expected):
    folder = write(a="age,size,weight\n1,2,3\n", b=second)
    assert message(folder / "*.csv") == f"{folder / 'b.csv'}: {expected}"


def test_a_pattern_without_a_match_says_what_is_there(write):
    folder = write(a="x", b="x", **{f"c{k}": "x" for k in range(20)})
    listed = ", ".join(f"c{k}.csv" for k in range(8))
    expected = f"no file matches; the folder holds a.csv, b.csv, {listed} and 12 more"
    assert message(folder / "d*.csv") == f"{folder / 'd*.csv'}: {expected}"
    (folder / "empty").mkdir()
    assert message(folder / "empty" / "*.csv").endswith("no file matches; the folder is empty")


def test_a_name_with_the_marks_of_a_pattern_is_a_name(write):
    folder = write(a="x,y\n1,0\n")
    (folder / "a[1].csv").write_text("x,y\n5,0\n")
    assert read_table(folder / "a[1].csv")["x"].values.tolist() == [5.0]
    assert files_matching(folder / "nothing.csv") == [folder / "nothing.csv"]


def test_a_configuration_names_several_files(write):
    rows = "".join(f"{k},{k % 2}\n" for k in range(20))
    folder = write(part_1=f"x,y\n{rows}", part_2=f"x,y\n{rows}", test="x,y\n1,0\n2,1\n")
    settings = {"file": "part-*.csv", "test_file": ["test.csv"], "split": [0.5, 0.5, 0]}
    data = load_data(settings, folder=folder, seed=1)
    assert [len(part) for part in data] == [20, 20, 2]
    network = {"loss": "cross_entropy", "layers": [{"size": 2}, "softmax"]}
    listed = {"file": ["part-1.csv", "part-2.csv"]}
    text = load_config({"network": network, "data": listed}).to_yaml()
    (folder / "config.yaml").write_text(text)
    config = load_config(folder / "config.yaml")
    (folder / "runs" / "1").mkdir(parents=True)
    moved = config.moved(folder / "runs" / "1")
    assert moved.data["file"] == ["../../part-1.csv", "../../part-2.csv"]
    for each in (config, moved):
        assert sum(map(len, resolve_data(each))) == 40


def test_several_files_of_arrays_are_refused(tmp_path):
    np = pytest.importorskip("numpy")
    for name in "ab":
        np.savez(tmp_path / f"{name}.npz", x=np.zeros((4, 2)), t=[0, 1, 0, 1])
    for file in ("*.npz", ["a.npz", "b.npz"]):
        with pytest.raises(ConfigError, match="only tables are read from several files"):
            load_data({"file": file}, folder=tmp_path, seed=1)


def test_what_is_no_name_of_a_file(tmp_path):
    for file in ([], [1], "", {"a": 1}):
        expected = "a list of one or more names" if isinstance(file, list) else "a text"
        with pytest.raises(ConfigError, match=f"file must be {expected}"):
            load_data({"file": file}, folder=tmp_path, seed=1)


@given(st.lists(st.lists(st.integers(0, 99), min_size=1, max_size=5), min_size=1, max_size=4))
def test_rows_are_those_of_the_files_in_order(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("parts")
    for k, rows in enumerate(parts):
        (folder / f"{k}.csv").write_text("a,b\n" + "".join(f"{n},{n + 1}\n" for n in rows))
    table = read_table(folder / "*.csv")
    assert table["a"].values.tolist() == [n for rows in parts for n in rows]
