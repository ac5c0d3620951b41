"""Which column of a table is the label, an input, or neither."""

import pytest

from chainrule.core.errors import ConfigError
from chainrule.data.tables.roles import Roles, roles_of
from chainrule.data.tables.table import Table, column_of


def table(has_names=True, **columns):
    made = (column_of(name, values) for name, values in columns.items())
    return Table(tuple(made), has_names=has_names)


PEOPLE = table(
    id=[7, 3, 9], age=[30, 40, 50], city=["Oslo", "Rome", "Oslo"], bought=[0, 1, 1], w=[1, 2, 1]
)


@pytest.mark.parametrize(
    ("settings", "labels", "inputs"),
    [
        ({}, ["w"], ["id", "age", "city", "bought"]),
        ({"label": ["first"]}, ["id"], ["age", "city", "bought", "w"]),
        ({"label": ["bought"], "drop": ["id"]}, ["bought"], ["age", "city", "w"]),
        ({"label": ["bought"], "weight": "w"}, ["bought"], ["id", "age", "city"]),
        ({"label": [4], "columns": ["city", 2]}, ["bought"], ["city", "age"]),
        ({"label": [-2], "group": "city"}, ["bought"], ["id", "age", "w"]),
        ({"label": ["bought", "w"]}, ["bought", "w"], ["id", "age", "city"]),
    ],
)
def test_settings_give_columns_their_roles(settings, labels, inputs):
    roles = roles_of(PEOPLE, settings)
    assert list(roles.labels) == labels
    assert list(roles.inputs) == inputs


def test_a_column_that_is_left_out_has_its_reason():
    assert roles_of(PEOPLE, {"drop": ["id"]}).left_out == {"id": "drop names it"}
    left_out = roles_of(PEOPLE, {"columns": ["age"], "label": ["bought"]}).left_out
    assert set(left_out) == {"id", "city", "w"}


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"label": ["bougth"]}, "label", "did you mean 'bought'?"),
        ({"label": [6]}, "label", "there is no column 6; the table has 5 columns"),
        ({"drop": ["id", "id"]}, "drop", "twice"),
        ({"drop": ["w"]}, "drop", "drop and label both name the column 'w'"),
        ({"weight": "w"}, "weight", "label and weight both name the column 'w'"),
        ({"columns": ["age", "w"]}, "columns", "columns and label both name the column 'w'"),
        ({"columns": ["age"], "drop": ["age"]}, "columns", "columns and drop both name"),
        ({"drop": ["id", "age", "city", "bought"]}, "file", "no column is left as an input"),
    ],
)
def test_what_does_not_fit_names_its_key(settings, key, message):
    with pytest.raises(ConfigError, match="column") as caught:
        roles_of(PEOPLE, settings)
    (problem,) = caught.value.problems
    assert problem.key == key
    assert message in problem.message


def test_columns_without_names_have_numbers():
    unnamed = table(has_names=False, column_1=[1, 2], column_2=[0, 1])
    assert roles_of(unnamed, {"label": [1]}) == Roles(("column_1",), ("column_2",), left_out={})
    with pytest.raises(ConfigError, match="no header"):
        roles_of(unnamed, {"label": ["bought"]})


@pytest.mark.parametrize("name", ["column_1", "Unnamed: 0"])
@pytest.mark.parametrize("start", [0, 1])
def test_the_index_that_pandas_writes_is_no_input(name, start):
    rows = table(**{name: range(start, start + 4)}, a=[1, 5, 2, 2], y=[0, 1, 0, 1])
    roles = roles_of(rows, {})
    assert roles.inputs == ("a",)
    assert "pandas" in roles.left_out[name]
    assert roles_of(rows, {"columns": [1, "a"]}).inputs == (name, "a")


def test_one_hot_labels_must_be_named():
    columns = {f"y{k}": [int(row % 3 == k) for row in range(9)] for k in range(3)}
    rows = table(a=range(9), **columns)
    with pytest.raises(ConfigError, match=r"label: \[y0, y1, y2\], or label: y2"):
        roles_of(rows, {})
    assert roles_of(rows, {"label": ["y0", "y1", "y2"]}).inputs == ("a",)
    assert roles_of(rows, {"label": ["y2"]}).inputs == ("a", "y0", "y1")


def test_the_only_input_may_be_the_opposite_of_the_label():
    assert roles_of(table(a=[0, 1, 0], not_a=[1, 0, 1]), {}).inputs == ("a",)
