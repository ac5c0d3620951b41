"""Checks of arguments: numbers of any size end in a message."""

from __future__ import annotations

import pytest

from chainrule.core.arguments import MOST, Checks
from chainrule.core.errors import ConfigError
from chainrule.core.randomness import stream
from chainrule.data.generators.points import blobs, xor
from chainrule.data.generators.shapes import ImageGenerator


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("digits", [30, 400, 5000])
@pytest.mark.parametrize("name", ["size", "classes", "count", "noise", "width", "seed", "split"])
def test_a_number_of_any_size_is_told_in_few_words(name, digits, sign):
    huge = sign * 10**digits
    if name == "seed" and digits == 30 and sign == 1:
        ImageGenerator(seed=huge)
        return
    value = [huge, 0, 0] if name == "split" else huge
    with pytest.raises(ConfigError) as caught:
        ImageGenerator(**{name: value})
    assert str(caught.value).startswith(f"{name} must")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("arguments", [{"count": 10**400}, {"noise": 10**400}])
def test_points_are_not_made_beyond_every_bound(arguments):
    with pytest.raises(ConfigError, match=r"must be a"):
        xor(stream(1), **arguments)
    with pytest.raises(ConfigError, match=r"features must be a whole number from 1 to 1e.12"):
        blobs(stream(1), features=10**400)


def test_a_bound_that_no_one_meets_is_told_only_where_it_is_passed():
    checks = Checks()
    assert checks.integer("count", MOST, at_least=1) == MOST
    checks.integer("count", 0, at_least=1)
    checks.integer("count", MOST + 1, at_least=1)
    assert [str(problem) for problem in checks.problems] == [
        "count must be a whole number of at least 1, not 0",
        "count must be a whole number from 1 to 1e+12, not 1000000000001",
    ]
