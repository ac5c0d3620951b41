"""Tables of the words of a configuration."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.core.arguments import is_finite


@pytest.mark.parametrize("value", [0, -3, 0.5, 1e308, np.float32(1), np.int64(2), Fraction(1, 2)])
def test_finite_numbers(value):
    assert is_finite(value)


@pytest.mark.parametrize(
    "value",
    [float("inf"), -np.inf, np.nan, True, np.True_, "1", None, [1], 1j, 10**400, -(10**400)],
    ids=lambda value: str(value)[:5],
)
def test_what_is_no_finite_number(value):
    assert not is_finite(value)
