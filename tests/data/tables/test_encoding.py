"""How the columns of a table become inputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import DataError
from chainrule.data.tables.encoding import TableEncoding
from chainrule.data.tables.fitting import InputColumn
from chainrule.data.tables.roles import Roles
from chainrule.data.tables.table import Table, column_of


def table(has_names=True, **columns):
    made = (column_of(name, values) for name, values in columns.items())
    return Table(tuple(made), has_names=has_names)


def fitted(rows, train=None, **settings):
    train = np.arange(len(rows)) if train is None else np.array(train)
    roles = Roles((), tuple(rows.names))
    return TableEncoding.fit(rows, roles, settings, train)


PEOPLE = table(age=[30, 40, None, 20], city=["Oslo", "Rome", "Oslo", None])


def test_texts_are_one_hot_in_alphabetical_order():
    encoding = fitted(PEOPLE)
    assert encoding.feature_names == ("age", "city=Oslo", "city=Rome")
    expected = [[30, 1, 0], [40, 0, 1], [30, 1, 0], [20, 1, 0]]
    assert encoding.apply(PEOPLE).x.tolist() == expected


@pytest.mark.parametrize(
    ("way", "age", "city"),
    [("mean", 30, [1, 0]), ("median", 30, [1, 0]), ("zero", 0, [0, 0]), ({}, 30, [1, 0])],
)
def test_what_stands_for_missing_cells(way, age, city):
    x = fitted(PEOPLE, **({"missing": way} if way else {})).apply(PEOPLE).x
    assert x[2, 0] == age
    assert x[3, 1:].tolist() == city


def test_what_stands_for_missing_cells_is_computed_on_training_rows():
    assert fitted(PEOPLE, train=[0, 3]).apply(PEOPLE).x[2, 0] == 25
    assert fitted(table(a=[1, 2, 2, 9, None]), missing="most_frequent").apply(
        table(a=[None])
    ).x.tolist() == [[2]]


def test_an_indicator_marks_missing_cells():
    encoding = fitted(PEOPLE, missing="mean", missing_indicator=True)
    assert encoding.feature_names[1] == "age is missing"
    assert encoding.apply(PEOPLE).x[:, 1].tolist() == [0, 0, 1, 0]


def test_missing_cells_are_refused_on_request_and_where_they_are_most():
    with pytest.raises(DataError, match="1 of 4 cells of age are missing") as caught:
        fitted(PEOPLE, missing="error")
    assert "missing: mean" in str(caught.value)
    with pytest.raises(DataError, match="2 of 3 cells"):
        fitted(table(a=[1, None, None]))


def test_one_way_for_each_column():
    assert fitted(PEOPLE, missing={"age": "zero"}).apply(PEOPLE).x[2].tolist() == [0, 1, 0]


def test_categories_may_be_integers_and_numbers_may_be_categories():
    rows = table(room=[10, 9, 10], city=["b", "a", "b"])
    encoding = fitted(rows, categorical={"room": "integer", "city": "integer"})
    assert encoding.apply(rows).x.tolist() == [[1, 1], [0, 0], [1, 1]]
    assert fitted(rows, categorical=["room"]).feature_names[:2] == ("room=9", "room=10")


def test_a_later_table_is_taken_by_name():
    encoding = fitted(PEOPLE)
    moved = table(city=["Rome"], more=[1], age=[7])
    encoded = encoding.apply(encoding.matched(moved))
    assert encoded.x.tolist() == [[7, 0, 1]]
    assert any("more" in note for note in encoded.notes)


def test_a_later_table_without_names_is_taken_by_position():
    encoding = fitted(PEOPLE)
    encoded = encoding.apply(encoding.matched(table(has_names=False, p=[7], q=["Rome"])))
    assert encoded.x.tolist() == [[7, 0, 1]]
    assert any("by position as age, city" in note for note in encoded.notes)
    with pytest.raises(DataError, match="found 3 columns, expected the 2"):
        encoding.matched(table(has_names=False, p=[7], q=[1], r=[2]))


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="column 'city', an input, is missing; is it 'City' here"):
        fitted(PEOPLE).matched(table(age=[1], City=["Rome"]))


def test_a_new_category_is_refused_or_taken_for_none():
    later = table(age=[1, 2], city=["Paris", "Rome"])
    with pytest.raises(DataError, match="new category 'Paris'; training had Oslo, Rome"):
        fitted(PEOPLE).apply(later)
    encoded = fitted(PEOPLE, new_categories="other").apply(later)
    assert encoded.x.tolist() == [[1, 0, 0], [2, 0, 1]]
    assert any("1 cell" in note for note in encoded.notes)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["1", "2", "3", "x"], "expected a number, found 'x'; 3 other cells of a are numbers"),
        ([f"name {k}" for k in range(30)], "30 different texts in 30 rows"),
    ],
)
def test_texts_that_are_no_categories_name_the_key(cells, message):
    with pytest.raises(DataError, match="a") as caught:
        fitted(table(a=cells))
    assert message in str(caught.value)
    assert "categorical: [a]" in str(caught.value)
    assert fitted(table(a=cells), categorical=["a"]).width == len(cells)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.floats(-1e9, 1e9)), st.sampled_from(["a", "b", "c", None])
        ),
        min_size=3,
        max_size=20,
    ),
    st.randoms(use_true_random=False),
)
def test_rows_and_columns_may_be_moved(rows, random):
    numbers, texts = zip(*rows, strict=True)
    made = table(n=[0.0, *numbers], s=["a", *texts])
    encoding = fitted(made, missing="zero")
    x = encoding.apply(made).x
    order = list(range(len(made)))
    random.shuffle(order)
    moved = Table(tuple(reversed(made.columns))).take(np.array(order))
    assert np.array_equal(encoding.apply(encoding.matched(moved)).x, x[order])


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=20))
def test_an_encoding_survives_being_saved(texts):
    rows = table(a=texts, n=range(len(texts)))
    encoding = fitted(rows, missing="mean")
    again = TableEncoding.model_validate_json(encoding.model_dump_json())
    assert np.array_equal(again.apply(rows).x, encoding.apply(rows).x)


@pytest.mark.parametrize("way", ["mean", "median"])
def test_what_fills_a_gap_among_the_largest_numbers_is_finite(way):
    rows = table(a=[1.5e308, 1.75e308, None, 1.25e308, 1.5e308])
    assert fitted(rows, missing=way).apply(rows).x[2, 0] == pytest.approx(1.5e308)


@pytest.mark.parametrize(
    "column",
    [
        {"kind": "number", "fill": "Oslo"},
        {"kind": "one_hot", "categories": ["Oslo"], "fill": "Rome"},
        {"kind": "integer", "categories": ["1"], "fill": 1.0},
        {"kind": "one_hot", "categories": ["Oslo", "Oslo"]},
    ],
)
def test_an_encoding_that_no_training_writes_is_refused(column):
    with pytest.raises(ValueError, match=r"cannot be one of its cells|is named twice"):
        InputColumn(name="city", **column)
