"""Targets: from what a user has to what a loss takes (chainrule.nn.losses)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.arrays import class_numbers, one_hot, rows
from chainrule.core.errors import ShapeError


@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "float64"])
def test_whole_numbers_of_any_type_are_class_numbers(dtype):
    numbers = class_numbers(np.array([2, 0, 1], dtype), 3)
    assert numbers.dtype.kind == "i"
    assert numbers.tolist() == [2, 0, 1]


def test_truth_values_are_the_classes_0_and_1():
    assert class_numbers([True, False], 2).tolist() == [1, 0]


@pytest.mark.parametrize("t", [[0.5], [np.nan], ["0"], [0j]])
def test_what_is_not_whole_is_no_class_number(t):
    with pytest.raises(ShapeError, match=r"numbers from 0 to 2|^targets are (real )?num"):
        class_numbers(t, 3)


@pytest.mark.parametrize(
    ("t", "found"),
    [
        ([0, 1, 3], "class 3 of case 2 is outside the 3 classes 0 to 2"),
        ([1, -1, 3], "class -1 of case 1"),
        ([np.inf], "class inf of case 0"),
        ([1e300], "class 1.0000000000000001e+300 of case 0"),
        (np.array([2**64 - 1], "uint64"), "of case 0 is outside"),
    ],
)
def test_the_first_class_number_outside_is_named(t, found):
    with pytest.raises(ShapeError) as caught:
        class_numbers(t, 3)
    assert found in str(caught.value)


@pytest.mark.parametrize("t", [0, [[0, 1]], [[[0]]]], ids=str)
def test_class_numbers_are_one_a_case(t):
    with pytest.raises(
        ShapeError, match=r"targets are class numbers \(cases,\) or rows \(cases, 3"
    ):
        class_numbers(t, 3)


def test_class_numbers_may_be_a_column():
    assert class_numbers([[2], [0]], 3).tolist() == [2, 0]
    assert rows([[2], [0]], 3, "float64").tolist() == [[0, 0, 1], [1, 0, 0]]


@given(st.integers(1, 6).flatmap(lambda c: st.tuples(st.just(c), st.lists(st.integers(0, c - 1)))))
def test_one_hot_rows_have_their_1_at_the_class(drawn):
    classes, numbers = drawn
    found = one_hot(np.array(numbers, int), classes, "float32")
    assert found.dtype == "float32"
    assert found.tolist() == [[float(j == n) for j in range(classes)] for n in numbers]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_of_class_numbers_have_the_type_asked_for(dtype):
    assert rows([0, 2], 3, dtype).dtype == dtype


def test_rows_of_one_output_are_a_column():
    assert rows([3.5, -4.0], 1, "float64").tolist() == [[3.5], [-4]]


def test_rows_of_several_outputs_are_one_hot_or_as_given():
    assert rows([1, 0], 2, "float64").tolist() == [[0, 1], [1, 0]]
    assert rows([[1.5, 2.5]], 2, "float64").tolist() == [[1.5, 2.5]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_have_the_type_asked_for_and_are_a_copy(dtype):
    t = np.ones((2, 2), dtype)
    found = rows(t, 2, dtype)
    found[...] = 0
    assert found.dtype == dtype
    assert t.all()


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (3, 2, 1), ()])
def test_rows_of_another_width_are_refused(shape):
    with pytest.raises(ShapeError, match=r"targets of shape \(cases, 3\) are expected"):
        rows(np.zeros(shape), 3, "float64")


@pytest.mark.parametrize("t", [["a"], [None], [1j]])
def test_targets_are_numbers(t):
    with pytest.raises(ShapeError, match=r"targets are (real )?numbers"):
        rows(t, 1, "float64")
