"""What counts as a finite number and as a whole number, for every check of the package."""

from fractions import Fraction

import numpy as np
import pytest

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.errors import ConfigError
from chainrule.core.schema import Count, Section, Share, validated


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


@pytest.mark.parametrize("value", [1, 10**400, np.int8(1), np.uint64(2**63)])
def test_whole_numbers(value):
    assert is_whole(value)
    assert is_whole(value, at_least=1)
    assert not is_whole(-value if isinstance(value, int) else np.int8(0), at_least=1)


@pytest.mark.parametrize("value", [1.0, True, np.True_, "1", None, Fraction(1, 1)])
def test_what_is_no_whole_number(value):
    assert not is_whole(value)


class Both(Section):
    """A setting of each type."""

    count: Count = 1
    share: Share = 0.0


@pytest.mark.parametrize("value", [True, "1", 1.5, -1, 10**400, float("nan"), None])
def test_settings_are_checked_by_the_same_definitions(value):
    for key in ("count", "share"):
        with pytest.raises(ConfigError, match=f"{key} must be"):
            validated(Both.model_validate, {key: value})


def test_settings_of_each_type_are_ints_and_floats():
    found = validated(Both.model_validate, {"count": np.int64(3), "share": 1})
    assert (found.count, type(found.count)) == (3, int)
    assert (found.share, type(found.share)) == (1.0, float)
