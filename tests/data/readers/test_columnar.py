"""Parquet and Feather files."""

from __future__ import annotations

import builtins
import datetime
import random
import struct
from decimal import Decimal

import numpy as np
import pytest

pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import pyarrow.feather as feather  # noqa: E402
import pyarrow.ipc as ipc  # noqa: E402
import pyarrow.parquet as parquet  # noqa: E402

from chainrule.core.errors import DataError, MissingExtraError  # noqa: E402
from chainrule.data.tables.reading import TableOptions, read_table  # noqa: E402


def write_stream(table, path):
    with pyarrow.OSFile(str(path), "wb") as file, ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)


WRITERS = {
    "plain.parquet": lambda t, p: parquet.write_table(t, p, compression="none"),
    "packed.parquet": lambda t, p: parquet.write_table(t, p, compression="zstd"),
    "second.parquet": lambda t, p: parquet.write_table(t, p, data_page_version="2.0"),
    "groups.parquet": lambda t, p: parquet.write_table(t, p, row_group_size=2),
    "plain.feather": lambda t, p: feather.write_feather(t, p, compression="uncompressed"),
    "packed.feather": lambda t, p: feather.write_feather(t, p, compression="lz4"),
    "chunks.feather": lambda t, p: feather.write_feather(t, p, compression="zstd", chunksize=2),
    "stream.arrows": write_stream,
}

NUMBERS = [0.1, None, 5e-324, -1.7976931348623157e308, 0.1 + 0.2]


def mixed():
    day = datetime.date(2024, 2, 29)
    return pyarrow.table(
        {
            "x": NUMBERS,
            "i": pyarrow.array([1, None, -3, 4, 5], pyarrow.int8()),
            "yes": [True, None, False, True, True],
            "city": ["Oslo", None, " Oslo ", "Ærø", ""],
            "size": pyarrow.DictionaryArray.from_arrays([1, 0, None, 0, 1], ["small", "large"]),
            "day": [day, None, day, day, day],
            "at": [
                datetime.datetime(2024, 1, 2, 3, 4, 5),
                None,
                *[datetime.datetime(2024, 1, 1)] * 3,
            ],
            "price": [Decimal("0.10"), None, Decimal("-12.34"), Decimal(1), Decimal("2.5")],
            "tags": [["a", "b"], [], None, ["b"], ["a"]],
            "nothing": pyarrow.nulls(5),
        }
    )


@pytest.fixture(params=WRITERS)
def path(request, tmp_path):
    path = tmp_path / request.param
    WRITERS[request.param](mixed(), path)
    return path


def test_every_type_in_every_form(path):
    table = read_table(path)
    assert table.names == mixed().column_names
    assert table.has_names
    kinds = {column.name: column.type for column in table.columns}
    texts = dict.fromkeys(["city", "size", "day", "at", "tags"], "text")
    numbers = dict.fromkeys(["x", "price", "nothing"], "float")
    assert kinds == {**texts, **numbers, "i": "int", "yes": "bool"}
    assert table["x"].values.tolist()[2:] == NUMBERS[2:]  # to the bit
    assert np.isnan(table["x"].values).tolist() == [False, True, False, False, False]
    assert table["i"].texts() == ["1", "", "-3", "4", "5"]
    assert table["yes"].texts() == ["1", "", "0", "1", "1"]
    assert table["city"].texts() == ["Oslo", "", "Oslo", "Ærø", ""]
    assert table["size"].words == ("small", "large")
    assert table["size"].texts() == ["large", "small", "", "small", "large"]
    assert table["day"].texts()[:2] == ["2024-02-29", ""]
    assert table["at"].texts()[:3] == ["2024-01-02T03:04:05", "", "2024-01-01T00:00:00"]
    assert table["price"].values.tolist()[2:] == [-12.34, 1.0, 2.5]
    assert table["tags"].texts() == ["a|b", "", "", "b", "a"]
    assert str(table.place(1, "city", "no")) == f"{path}: column 'city', row 2: no"


def test_the_index_of_pandas_is_left_out_with_a_note(tmp_path):
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    path = tmp_path / "t.parquet"
    frame = pandas.DataFrame({"a": [1, 2]}, index=pandas.Index(["x", "y"], name="id"))
    frame.to_parquet(path)
    table = read_table(path)
    assert table.names == ["a"]
    assert "'id', the index of a DataFrame, is no column" in table.notes[0]
    frame.reset_index().to_parquet(path)
    assert read_table(path).names == ["id", "a"]
    assert not read_table(path).notes


def test_options_change_columns_by_name(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"age": ["31", "?", "7"], "code": [1, 2, 3]}), path)
    assert read_table(path)["age"].words == ("31", "?", "7")
    table = read_table(path, TableOptions(na=("?",), texts=("code",)))
    assert table["age"].type == "int"
    assert table["age"].missing.tolist() == [False, True, False]
    assert table["code"].words == ("1", "2", "3")


def test_long_whole_numbers_are_told(tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(pyarrow.table({"id": [2**53 + 1, 1], "n": [2**53, 1]}), path)
    (note,) = read_table(path).notes
    assert note == (
        "t.parquet: 'id': whole numbers beyond 2^53 are rounded; store them as text if every "
        "digit counts, as it does for labels and groups"
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ([[1.5]], "the column 'a' holds lists of numbers; give every number a column of its own"),
        ([{"b": 1}], "the column 'a' holds records; give every field a column of its own"),
        ([b"\xff"], "column 'a': the cell holds bytes that are no text in UTF-8"),
        ([["x|y"]], "column 'a', row 0: 'x|y' in a list holds '|'"),
        (pyarrow.array([], pyarrow.int8()), "the file has no rows"),
    ],
)
def test_what_is_no_cell_is_refused(tmp_path, column, expected):
    path = tmp_path / "t.feather"
    feather.write_feather(pyarrow.table({"a": column}), path)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_without_pyarrow_the_message_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    ordinary = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return ordinary(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r"pip install 'chainrule\[tables\]'"):
        read_table(tmp_path / "t.parquet")


# Hostile files


@pytest.mark.parametrize("name", ["bomb.parquet", "bomb.feather"])
def test_a_file_that_unpacks_to_far_more_is_refused(tmp_path, name):
    table = pyarrow.table({"a": np.zeros(2**22)})
    if name.endswith("feather"):
        feather.write_feather(table, tmp_path / name, compression="zstd")
    else:
        parquet.write_table(table, tmp_path / name)
    with pytest.raises(DataError, match="refused as a damaged or hostile file"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"ARROW1\0\0", b"FEA1" * 9, b"x" * 99])
@pytest.mark.parametrize("ending", ["parquet", "feather"])
def test_what_is_no_such_file_is_said(tmp_path, content, ending):
    path = tmp_path / f"t.{ending}"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).startswith(f"{path}: the file ")


def test_a_stated_length_of_a_petabyte_is_no_memory(tmp_path):
    path = tmp_path / "t.feather"
    feather.write_feather(pyarrow.table({"a": np.arange(1000.0)}), path, compression="lz4")
    content = path.read_bytes()
    length = struct.pack("<q", 8000)
    assert content.count(length) == 1
    path.write_bytes(content.replace(length, struct.pack("<q", 2**50)))
    with pytest.raises(DataError, match="the file would unpack to more than a million GiB"):
        read_table(path)


def table_or_message(path):
    """The table in a file; None if reading it ended in one message."""
    try:
        return read_table(path)
    except DataError as error:
        found = error
    assert len(found.problems) == 1
    assert str(found).startswith(f"{path}: ")
    return None


@pytest.mark.parametrize("seed", range(20))
def test_bytes_changed_give_a_table_or_one_message(path, seed):
    """A changed byte may be part of a number; then the table is read with another number."""
    rng, content = random.Random(seed), bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 3])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)
    table = table_or_message(path)
    assert table is None or all(len(column.texts()) == len(table) for column in table.columns)
