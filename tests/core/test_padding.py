"""Which steps are padding, and that nothing else ever passes for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError
from chainrule.core.sequences import (
    lengths_of,
    mark,
    overflow_is_no_padding,
    padded_steps,
    without_padding,
)
from recurrence import padded

NAN, INF = np.nan, np.inf


def three_cases():
    """Of 4, 1 and 3 steps, two numbers at each."""
    return padded([np.ones((4, 2)), np.full((1, 2), 2.0), np.full((3, 2), 3.0)])


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 3))
def test_lengths_are_found_again(lengths, features):
    x = padded([np.zeros((length, features)) for length in lengths])
    found = lengths_of(x)
    if len(set(lengths)) == 1:
        assert found is None
    else:
        assert found.tolist() == lengths


def test_without_nan_all_steps_are_real():
    assert lengths_of(np.zeros((2, 3, 2))) is None
    assert lengths_of(np.array([[[INF], [-INF]]])) is None


def test_a_step_with_one_number_is_real():
    x = np.array([[[1.0, NAN], [NAN, 2.0]]])
    assert lengths_of(x) is None
    x = np.array([[[1.0, NAN], [NAN, NAN]]])
    assert lengths_of(x).tolist() == [1]


@pytest.mark.parametrize(
    ("cases", "step", "case"),
    [
        ([[1, NAN, 2]], 2, 0),
        ([[1, 2, 3], [NAN, 2, 3]], 1, 1),
        ([[1, 2, 3], [1, 2, NAN], [1, NAN, 3]], 2, 2),
        ([[1, NAN, NAN, 2], [NAN, 1, 1, 1]], 2, 0),
    ],
)
def test_padding_stands_at_the_end(cases, step, case):
    with pytest.raises(ShapeError) as caught:
        lengths_of(np.array(cases, float)[:, :, None])
    assert str(caught.value) == (
        f"padding (NaN in every input of a step) stands at the end of a case; found it at "
        f"step {step} of case {case} with a real step behind it"
    )


def test_a_case_of_nothing_is_named():
    x = np.array([[[1.0], [2.0]], [[3.0], [NAN]], [[NAN], [NAN]]])
    with pytest.raises(ShapeError) as caught:
        lengths_of(x)
    assert str(caught.value) == "case 2 has no step that is not padding (NaN)"


def test_padded_steps_are_those_behind_the_length():
    assert padded_steps(np.array([1, 3]), 3).tolist() == [[False, True, True], [False] * 3]


def test_zeros_stand_in_for_padding():
    x = three_cases()
    before = x.copy()
    found = without_padding(x, lengths_of(x))
    assert found[:, :, 1].tolist() == [[1, 1, 1, 1], [2, 0, 0, 0], [3, 3, 3, 0]]
    assert np.array_equal(found[:, :, 0], found[:, :, 1])
    assert np.array_equal(x, before, equal_nan=True)


def test_where_nothing_is_padding_the_array_is_the_same_one():
    x = np.ones((1, 2, 1))
    assert without_padding(x, None) is x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_stays(dtype):
    x = three_cases().astype(dtype)
    assert without_padding(x, lengths_of(x)).dtype == dtype


def test_marking_makes_padding_and_nothing_else_nan():
    y = np.array([[[1.0, NAN], [3.0, 4.0]], [[NAN, NAN], [7.0, 8.0]]])
    found = mark(y, np.array([2, 1]))
    assert found is y
    assert np.array_equal(found, [[[1, INF], [3, 4]], [[INF, INF], [NAN, NAN]]], equal_nan=True)


def test_marking_without_padding_leaves_no_nan():
    assert mark(np.array([[[NAN], [2.0]]]), None).tolist() == [[[INF], [2.0]]]
    assert mark(np.array([[[1.0], [2.0]]]), None).tolist() == [[[1.0], [2.0]]]


def test_a_sum_that_overflowed_is_infinite_and_padding_stays():
    x = np.array([[[1.0], [2.0]], [[3.0], [NAN]]])
    y = np.array([[[NAN], [5.0]], [[6.0], [NAN]]])
    overflow_is_no_padding(y, x)
    assert np.array_equal(y, [[[INF], [5]], [[6], [NAN]]], equal_nan=True)


def test_a_sum_without_padding_has_no_nan_left():
    y = np.array([[[NAN], [5.0]]])
    overflow_is_no_padding(y, np.zeros((1, 2, 1)))
    assert y.tolist() == [[[INF], [5.0]]]
    whole = np.array([[[4.0], [5.0]]])
    overflow_is_no_padding(whole, np.zeros((1, 2, 1)))
    assert whole.tolist() == [[[4.0], [5.0]]]


def test_infinities_that_cancel_hide_no_nan_and_give_no_warning():
    x = np.array([[[INF, 1.0], [-INF, 1.0], [NAN, NAN]]])
    with np.errstate(all="raise"):
        assert lengths_of(x).tolist() == [2]
        assert mark(np.array([[[INF], [-INF]]]), None).tolist() == [[[INF], [-INF]]]
