"""Where windows stand, and what is said where they do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.nn.images.geometry import Windows, checked_padding, pair, windows_on

IMAGE = (3, 7, 10)


def test_a_window_counts_its_places_and_what_is_under_it():
    windows = Windows(3, 7, 10, 2, 4, (2, 3), (1, 0, 2, 1))
    assert (windows.down, windows.across) == (4, 4)  # (7 + 1 - 2) / 2 + 1, (10 + 3 - 4) / 3 + 1
    assert windows.places == 16
    assert windows.under == 24
    assert windows.image == (3, 7, 10)


def test_without_saying_so_there_is_no_stride_and_no_padding():
    windows = Windows(1, 5, 4, 2, 3)
    assert (windows.stride, windows.padding) == ((1, 1), (0, 0, 0, 0))
    assert (windows.down, windows.across) == (4, 2)


@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(0, 2),
    st.integers(0, 2),
)
def test_places_are_those_where_a_window_lies_within(length, size, stride, before, behind):
    starts = range(0, length + before + behind - size + 1, stride)
    assume(starts)
    rows = Windows(1, length, 1, size, 1, (stride, 1), (before, behind, 0, 0))
    columns = Windows(1, 1, length, 1, size, (1, stride), (0, 0, before, behind))
    assert rows.down == columns.across == len(starts)
    assert rows.across == columns.down == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), ([2, 3], (2, 3)), ((1, 4), (1, 4)), (np.int64(5), (5, 5))],
)
def test_one_number_is_for_both_directions(value, expected):
    found = pair(value, "size", 1)
    assert found == expected
    assert all(type(n) is int for n in found)


@pytest.mark.parametrize("value", [0, [1, 0], [0, 1], [1], [1, 2, 3], "33", 1.5, None, True, []])
def test_other_sizes_are_refused(value):
    with pytest.raises(ConfigError) as caught:
        pair(value, "stride", 1)
    assert str(caught.value) == (
        f"stride is a whole number of at least 1, or two of them, [height, width], found {value!r}"
    )


def test_padding_is_a_word_or_numbers():
    assert checked_padding("same") == "same"
    assert checked_padding("valid") == "valid"
    assert checked_padding(0) == (0, 0)
    assert checked_padding([1, 2]) == (1, 2)
    with pytest.raises(ConfigError, match="padding is a whole number of at least 0"):
        checked_padding(-1)
    with pytest.raises(ConfigError) as caught:
        checked_padding("sam")
    assert "unknown padding 'sam'" in str(caught.value)
    assert "did you mean 'same'" in str(caught.value)
    assert str(caught.value).endswith("; a number will do as well")


@pytest.mark.parametrize(
    ("size", "stride", "padding", "expected", "places"),
    [
        ((2, 3), (1, 1), "valid", (0, 0, 0, 0), (6, 8)),
        ((2, 3), (2, 4), "valid", (0, 0, 0, 0), (3, 2)),
        ((3, 5), (1, 1), "same", (1, 1, 2, 2), (7, 10)),
        ((2, 4), (1, 1), "same", (0, 1, 1, 2), (7, 10)),
        ((3, 2), (2, 3), "same", (1, 1, 0, 1), (4, 4)),
        ((1, 1), (3, 3), "same", (0, 0, 0, 0), (3, 4)),
        ((3, 3), (1, 1), (1, 2), (1, 1, 2, 2), (7, 12)),
        ((7, 10), (1, 1), "valid", (0, 0, 0, 0), (1, 1)),
    ],
)
def test_paddings_and_the_places_that_come_of_them(size, stride, padding, expected, places):
    windows = windows_on(IMAGE, size, stride, padding, "layer")
    assert windows.padding == expected
    assert (windows.down, windows.across) == places
    assert (windows.rows, windows.columns) == size
    assert windows.stride == stride
    assert windows.image == IMAGE


@pytest.mark.parametrize("shape", [(12,), (3, 4), (3, 4, 5, 6)])
def test_only_images_have_windows(shape):
    with pytest.raises(ConfigError) as caught:
        windows_on(shape, (2, 2), (1, 1), "valid", "conv2d_1")
    assert str(caught.value) == (
        "conv2d_1 takes images, (channels, height, width), but what feeds it has the shape "
        f"{' x '.join(map(str, shape))}; give the input as [channels, height, width]"
    )


@pytest.mark.parametrize(
    ("size", "padding", "end"),
    [
        ((8, 3), "valid", "images of 7 × 10; a size of at most [7, 10], a padding of at least 1"),
        ((3, 11), "valid", "images of 7 × 10; a size of at most [7, 10], a padding of at least 1"),
        (
            (12, 11),
            "valid",
            "images of 7 × 10; a size of at most [7, 10], a padding of at least 3",
        ),
        (
            (14, 3),
            (1, 2),
            "images of 7 × 10, 9 × 14 with padding; a size of at most [9, 14], a padding of at "
            "least 4",
        ),
        (
            (3, 15),
            (1, 2),
            "images of 7 × 10, 9 × 14 with padding; a size of at most [9, 14], a padding of at "
            "least 3",
        ),
    ],
)
def test_a_window_that_does_not_fit_says_what_would(size, padding, end):
    with pytest.raises(ConfigError) as caught:
        windows_on(IMAGE, size, (1, 1), padding, "pool")
    assert str(caught.value) == (
        f"pool: a window of {size[0]} × {size[1]} does not fit into {end} or padding same would "
        "fit"
    )
