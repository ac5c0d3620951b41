"""The names of columns, and how many columns are read."""

from __future__ import annotations

import pytest

from chainrule.core.errors import DataError
from chainrule.core.limits import MAX_COLUMNS_OF_TEXTS
from chainrule.data.tables.cells import unique_names
from chainrule.data.tables.reading import read_table
from yardstick import times


def test_repeated_titles_are_numbered_around_those_that_are_taken():
    names, repeated = unique_names(["a", "a", "a.2", "a", "", "column_5", "b"])
    assert names == ["a", "a.3", "a.2", "a.4", "column_5.2", "column_5", "b"]
    assert repeated == ["a", "column_5"]


def test_a_title_that_is_repeated_without_end_costs_no_more_than_others():
    same, different = ["a"] * 20_000, [f"a{k}" for k in range(20_000)]
    assert times(lambda: unique_names(same), lambda: unique_names(different), at_most=20) < 50


def test_more_columns_of_texts_than_could_be_inputs_are_refused_at_once(tmp_path):
    path = tmp_path / "wide.csv"
    columns = MAX_COLUMNS_OF_TEXTS + 2
    path.write_text("1," + "x," * (columns - 2) + "x\n" + "2," + "y," * (columns - 2) + "z\n")
    with pytest.raises(
        DataError, match=r"wide\.csv:2:20003: more than 10,000 cells that are no n"
    ):
        read_table(path)
    path.write_text("1," * (columns - 1) + "0\n" + "2," * (columns - 1) + "1\n")
    assert len(read_table(path).columns) == columns
