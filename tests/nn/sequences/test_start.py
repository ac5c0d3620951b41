"""The start state as it is asked for."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ConfigError
from chainrule.nn.sequences.unrolled import STARTS, given_start


@pytest.mark.parametrize("word", STARTS)
def test_words_start_from_zeros(word):
    found = given_start(word, 3)
    assert found.tolist() == [0, 0, 0]
    assert found.dtype == np.float64


@pytest.mark.parametrize("numbers", [[1, 2.5], (1, 2.5), np.array([1, 2.5], np.float32)])
def test_numbers_are_taken_as_they_are(numbers):
    found = given_start(numbers, 2)
    assert found.tolist() == [1, 2.5]
    assert found.dtype == np.float64


@pytest.mark.parametrize(
    "start", [[1.0], [1.0, 2.0, 3.0], [1.0, float("inf")], ["1", 2], [True, 1.0], 3, None]
)
def test_anything_else_is_refused_with_what_was_found(start):
    with pytest.raises(ConfigError) as caught:
        given_start(start, 2)
    assert str(caught.value) == (
        f"start is zeros, learnt, or a list of 2 finite numbers, one a unit; found {start!r}"
    )


def test_the_nearest_word_is_named():
    with pytest.raises(ConfigError) as caught:
        given_start("lernt", 2)
    assert "unknown start of a recurrent layer 'lernt'" in str(caught.value)
    assert "did you mean 'learnt'" in str(caught.value)
