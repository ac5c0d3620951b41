"""θ as one vector: what lies where, and views that never break off."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.arrays import as_numbers, assign
from chainrule.core.errors import ShapeError
from chainrule.nn.parameters import Layout, Parameters, sum_of_rows

SHAPES = {"one": {"W": (2, 3), "b": (3,)}, "none": {}, "two": {"W": (3, 1), "b": (1,)}}

array_shapes = st.lists(st.integers(1, 4), min_size=1, max_size=2).map(tuple)
layouts = st.dictionaries(
    st.sampled_from("abcde"),
    st.dictionaries(st.sampled_from(["W", "b"]), array_shapes, max_size=2),
    max_size=5,
).map(Layout)


@pytest.fixture
def theta():
    return Parameters(Layout(SHAPES), np.arange(13.0))


@settings(deadline=None)
@given(layouts)
def test_segments_fill_the_vector_in_order_and_without_gaps(layout):
    covered = [np.arange(layout.size)[segment.slice] for segment in layout]
    assert np.array_equal(np.concatenate([[], *covered]), np.arange(layout.size))
    assert all(part.size == np.prod(s.shape) for part, s in zip(covered, layout, strict=True))


def test_arrays_lie_row_by_row_in_the_order_of_the_layers(theta):
    assert list(theta) == ["one.W", "one.b", "two.W", "two.b"]
    assert theta["one.W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert theta["one.b"].tolist() == [6, 7, 8]
    assert theta["two.W"].tolist() == [[9], [10], [11]]
    assert theta["two.b"].tolist() == [12]
    assert len(theta) == 4


def test_a_layer_has_its_own_arrays_and_may_have_none(theta):
    assert [a.shape for a in theta.layer("one").values()] == [(2, 3), (3,)]
    assert theta.layer("none") == {}


def test_a_layers_name_gives_its_arrays(theta):
    assert list(theta["one"]) == ["W", "b"]
    theta["one"]["b"][...] = 0
    assert theta.vector[6:9].tolist() == [0, 0, 0]


def test_the_vector_is_assigned_in_place_and_whole(theta):
    vector = theta.vector
    theta.vector = np.ones(13)
    assert theta.vector is vector
    assert theta["two.b"] == 1
    with pytest.raises(ShapeError, match=r"the vector has shape \(13,\), found \(1,\)"):
        theta.vector = np.zeros(1)


@pytest.mark.parametrize("name", ["one.W", "two.b"])
def test_a_view_and_the_vector_are_the_same_memory(theta, name):
    view = theta[name]
    view += 100
    assert theta.vector.sum() == np.arange(13).sum() + 100 * view.size
    theta.vector[...] = -1
    assert np.all(view == -1)


def test_assigning_writes_into_the_vector_and_keeps_earlier_views(theta):
    before, vector = theta["one.W"], theta.vector
    theta["one.W"] = [[1, 1, 1], [2, 2, 2]]
    theta["one.b"] = 7
    assert theta.vector is vector
    assert before.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert vector[:9].tolist() == [1, 1, 1, 2, 2, 2, 7, 7, 7]


def test_what_was_assigned_is_copied(theta):
    value = np.ones(3)
    theta["one.b"] = value
    value[...] = 5
    assert theta["one.b"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 2), (2, 3, 1), (1,)])
def test_nothing_is_broadcast_by_accident(theta, shape):
    with pytest.raises(ShapeError, match=r"one\.W has shape \(2, 3\), found"):
        theta["one.W"] = np.ones(shape)
    assert np.array_equal(theta.vector, np.arange(13))


def test_assign_names_what_it_writes_to():
    with pytest.raises(ShapeError, match="this has shape"):
        assign(np.zeros(2), [1.0, 2.0, 3.0], "this")


def test_an_unknown_name_is_answered_with_the_nearest(theta):
    with pytest.raises(ShapeError, match=r"^unknown parameter 'one\.w'; did you mean 'one\.W'\?"):
        theta["one.w"]
    with pytest.raises(ShapeError, match=r"unknown layer 'onee'; did you mean 'one'\?"):
        theta.layer("onee")


def test_an_unknown_name_is_missing_as_in_any_mapping(theta):
    assert theta.get("three.W") is None
    assert "three.W" not in theta
    with pytest.raises(KeyError):
        theta["three.W"]


@pytest.mark.parametrize("shape", [(12,), (14,), (13, 1), (1, 13), ()])
def test_a_vector_of_another_shape_is_refused(shape):
    layout = Layout(SHAPES)
    with pytest.raises(ShapeError, match="a vector of 13 parameters is expected"):
        Parameters(layout, np.zeros(shape))
    with pytest.raises(ShapeError, match="a vector of 13 parameters is expected"):
        layout.views(np.zeros(shape), "one")


def test_a_complex_vector_has_complex_views():
    layout = Layout(SHAPES)
    vector = np.zeros(13, complex)
    layout.views(vector, "two")["b"][...] = 2j
    assert vector[12] == 2j


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_new_vector_is_zeros_of_the_type(dtype):
    vector = Parameters(Layout(SHAPES), dtype=dtype).vector
    assert vector.dtype == dtype
    assert not vector.any()


@settings(deadline=None)
@given(layouts, st.data())
def test_runs_are_the_longest_stretches_of_one_value(layout, data):
    rate = st.sampled_from([0.0, 0.1, 0.2])
    values = {segment.full_name: data.draw(rate) for segment in layout}
    runs = layout.runs(values)
    found = np.full(layout.size, np.nan)
    for part, value in runs:
        assert np.isnan(found[part]).all()
        found[part] = value
    expected = Parameters(layout)
    for name, value in values.items():
        expected[name] = value
    assert np.array_equal(found, expected.vector)
    assert all(a[1] != b[1] for a, b in pairwise(runs))


def test_layouts_are_equal_when_their_segments_are():
    assert Layout(SHAPES) == Layout(SHAPES)
    assert hash(Layout(SHAPES)) == hash(Layout(SHAPES))
    assert Layout(SHAPES) != Layout({**SHAPES, "none": {"b": (1,)}})
    assert Layout(SHAPES) != "a layout"


def test_parameters_show_names_and_shapes(theta):
    assert repr(theta).startswith("Parameters(13 numbers: one.W (2, 3), one.b (3,)")


def test_layouts_that_differ_have_different_hashes():
    one, other = Layout({"a": {"W": (2, 3)}}), Layout({"a": {"W": (3, 2)}})
    assert hash(one) != hash(other)
    assert hash(one) == hash(Layout({"a": {"W": (2, 3)}}))


@pytest.mark.parametrize(
    "value", [3, True, 2.5, 1j, [1, 2], ((1.0, 2.0), [3, 4]), np.ones((2, 1), np.float32)]
)
def test_numbers_of_all_sorts_are_taken_as_they_are(value):
    found = as_numbers(value, "inputs")
    assert found.dtype == np.asarray(value).dtype
    assert np.array_equal(found, np.asarray(value))


def test_an_array_is_not_copied():
    x = np.ones((2, 2))
    assert as_numbers(x, "inputs") is x


IN_ROWS = "inputs are numbers in rows of one length; found "


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[1, 2], [3]], IN_ROWS + "2 in row 0, 1 in row 1"),
        (((1, 2), (3, 4), (5, 6, 7)), IN_ROWS + "2 in row 0, 3 in row 2"),
        ([[1, 2], 3], IN_ROWS + "2 in row 0, 1 in row 1"),
        ([1, [2, 3]], IN_ROWS + "1 in row 0, 2 in row 1"),
        ([[[1], [2, 3]], [[1], [2]]], IN_ROWS + "lists of different lengths within each other"),
        ("ab", "inputs are numbers, found 'ab'"),
        (None, "inputs are numbers, found None"),
        ({"a": 1}, "inputs are numbers, found {'a': 1}"),
        ([1, "b"], "inputs are numbers, found <U21"),
        ([None], "inputs are numbers, found object"),
    ],
)
def test_what_is_no_array_of_numbers_says_what_it_is(value, message):
    with pytest.raises(ShapeError) as error:
        as_numbers(value, "inputs")
    assert str(error.value) == message


MASKED = np.ma.masked_array([[1.0, 2.0], [3.0, 4.0]], mask=[[True, False], [False, False]])


@pytest.mark.parametrize("value", [MASKED, list(MASKED), MASKED[:1], [[np.ma.masked, 1]] * 2])
def test_masked_values_are_refused_instead_of_what_lies_behind_the_mask(value):
    with pytest.raises(ShapeError, match=r"^inputs are numbers, found masked values; .filled"):
        as_numbers(value, "inputs")


def test_a_masked_array_without_a_masked_value_is_an_array():
    assert as_numbers(MASKED[1:], "inputs").tolist() == [[3, 4]]
    assert as_numbers(MASKED.filled(0), "inputs").tolist() == [[0, 2], [3, 4]]


def test_what_cannot_be_turned_into_an_array_says_why():
    def refuse(*_, **__):
        raise RuntimeError("not today\nnor tomorrow")

    value = type("Refusing", (SimpleNamespace,), {"__array__": refuse})()
    with pytest.raises(ShapeError) as error:
        as_numbers(value, "inputs")
    assert str(error.value) == IN_ROWS + "Refusing() (not today)"


def test_numbers_of_other_sorts_are_refused():
    assert as_numbers([1, 2], "targets", "biuf").tolist() == [1, 2]
    with pytest.raises(ShapeError, match=r"^targets are real numbers, found complex128$"):
        as_numbers([1j], "targets", "biuf")
    with pytest.raises(ShapeError, match=r"^flags are numbers, found int64$"):
        as_numbers([1, 2], "flags", "b")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", "the values of one.b are numbers, found 'x'"),
        ([1j, 0, 0], "the values of one.b are real numbers, found complex128"),
    ],
)
def test_what_is_assigned_is_numbers_of_the_view_s_sort(value, message):
    view = np.zeros(3)
    with pytest.raises(ShapeError) as error:
        assign(view, value, "one.b")
    assert str(error.value) == message
    assert not view.any()
    complex_view = np.zeros(3, complex)
    assign(complex_view, [1j, 0, 0], "one.b")
    assert complex_view[0] == 1j


# Sums over many rows


@pytest.mark.parametrize("rows", [0, 1, 4096, 4097, 10_000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_a_sum_of_rows_is_that_of_every_row(rows, dtype):
    a = np.random.default_rng(rows).normal(size=(rows, 3)).astype(dtype)
    found, out = sum_of_rows(a), np.full(3, np.nan, dtype)
    assert sum_of_rows(a, out) is out
    assert found.dtype == dtype
    assert np.array_equal(found, out)
    tolerance = 1e-12 if dtype != "float32" else 1e-4
    np.testing.assert_allclose(found, a.sum(axis=0, dtype="complex128"), atol=tolerance)


def test_a_million_equal_numbers_keep_their_digits_in_float32():
    rows = np.full((1_000_000, 3), 1e-6, np.float32)
    assert sum_of_rows(rows) == pytest.approx(1, rel=1e-5)
