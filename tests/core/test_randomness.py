"""The tree of random streams."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.randomness import stream

names = st.lists(st.text("abc_123", min_size=1), min_size=1, max_size=3)


@given(st.integers(0, 2**64), names)
def test_the_same_seed_and_names_give_the_same_numbers(seed, path):
    assert np.array_equal(stream(seed, *path).random(4), stream(seed, *path).random(4))


@given(st.integers(0, 2**32), names, st.integers(0, 2**32), names)
def test_another_seed_or_name_gives_other_numbers(seed, path, other_seed, other_path):
    same = (seed, path) == (other_seed, other_path)
    first, second = stream(seed, *path).random(4), stream(other_seed, *other_path).random(4)
    assert np.array_equal(first, second) == same


def test_the_order_of_the_names_matters():
    assert stream(1, "a", "b").random() != stream(1, "b", "a").random()
    assert stream(1, "a", "b").random() != stream(1, "ab").random()


def test_streams_are_independent():
    draws = np.array([stream(1, "weights", f"dense_{k}").normal(size=2000) for k in range(10)])
    correlations = np.corrcoef(draws)[np.triu_indices(10, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(2000)


def test_numbers_are_the_same_in_another_process_and_on_another_day():
    code = (
        "from chainrule.core.randomness import stream; print(*stream(1, 'a', 'b').integers(0, "
        "99, 5))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert [int(word) for word in printed.stdout.split()] == [70, 67, 7, 68, 65]
    assert stream(1, "a", "b").integers(0, 99, 5).tolist() == [70, 67, 7, 68, 65]


def test_no_global_random_state_is_read_or_written():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    first = stream(1, "a").random()
    assert np.random.random() == expected  # noqa: NPY002
    assert stream(1, "a").random() == first


@pytest.mark.parametrize("seed", [-1, "one", 1.5])
def test_a_seed_is_a_whole_number_of_at_least_0(seed):
    with pytest.raises((ValueError, TypeError)):
        stream(seed, "a")
