"""What varies, as ``--vary`` says it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.runs.sweeps.plan import Choices, Range, Variation


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("1,2,3", ("1", "2", "3")),
        ("relu, tanh", ("relu", "tanh")),
        ("sgd,{type: momentum, momentum: 0.9}", ("sgd", "{type: momentum, momentum: 0.9}")),
        ("[1, 2],[3, [4, 5]]", ("[1, 2]", "[3, [4, 5]]")),
        ('"a,b",c', ('"a,b"', "c")),
        ("1e-3", ("1e-3",)),
        ("a.csv,../b.csv", ("a.csv", "../b.csv")),
    ],
)
def test_lists(said, texts):
    assert Variation.parse(f"data.x={said}").values == Choices(texts)


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("log:1e-4..1", Range(1e-4, 1.0, logarithmic=True)),
        ("uniform:-1..0.5", Range(-1.0, 0.5)),
        ("0.5..2", Range(0.5, 2.0)),
        (".5..2.", Range(0.5, 2.0)),
        ("int:1..10", Range(1.0, 10.0, whole=True)),
        ("LogInt:16..512", Range(16.0, 512.0, logarithmic=True, whole=True)),
    ],
)
def test_ranges(said, values):
    variation = Variation.parse(f"network.learning_rate={said}")
    assert variation.values == values
    assert variation.path == "network.learning_rate"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("training.seed", "expected path=values"),
        ("=1,2", "expected path=values"),
        ("a=", "expected path=values"),
        ("a=lg:1..2", "did you mean 'log'"),
        ("a=log:1", "expected log:LOW..HIGH"),
        ("a=log:0..1", "begins above 0"),
        ("a=log:-1..1", "begins above 0"),
        ("a=2..1", "from a lower to a higher number"),
        ("a=1..1", "from a lower to a higher number"),
        ("a=1..inf", "from a lower to a higher number"),
        ("a=log:x..y", "expected log:LOW..HIGH"),
        ("a=int:1.5..3", "whole ends"),
        ("a=1,,2", "nothing between two commas"),
        ("a=1,2,1", "a value stands twice"),
    ],
)
def test_what_is_no_variation(item, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Variation.parse(item)
    assert str(caught.value).startswith(f"--vary {item}: ")


@given(
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
    seed=st.integers(0, 1000),
)
def test_numbers_of_a_range_lie_in_it(low, width, seed):
    values = Range(low, low + width)
    drawn = float(values.draw(np.random.default_rng(seed)))
    assert low <= drawn <= low + width
    assert 0 <= values.place(drawn) <= 1
    again = float(values.draw(np.random.default_rng(seed + 1)))
    assert drawn != again


@given(low=st.integers(1, 50), width=st.integers(1, 50), log=st.booleans())
def test_whole_numbers_include_both_ends(low, width, log):
    values = Range(float(low), float(low + width), logarithmic=log, whole=True)
    rng = np.random.default_rng(0)
    drawn = {int(values.draw(rng)) for _ in range(3000)}
    assert min(drawn) == low
    assert max(drawn) == low + width
    assert values.samples() == (str(low), str(low + width))


def test_each_decade_of_a_logarithmic_range_is_as_likely():
    values, rng = Range(1e-4, 1.0, logarithmic=True), np.random.default_rng(1)
    drawn = np.log10([float(values.draw(rng)) for _ in range(4000)])
    counts = np.histogram(drawn, [-4, -3, -2, -1, 0])[0]
    assert counts.min() > 900


def test_values_from_python():
    assert Variation.of("a", [1, 2.5]).values == Choices(("1", "2.5"))
    assert Variation.of("a", ["relu", "no", "a b"]).values == Choices(("relu", '"no"', '"a b"'))
    mapping = Variation.of("a", [{"type": "adam"}, True, None]).values
    assert mapping == Choices(('{"type": "adam"}', "true", "null"))
    assert Variation.of("a", "log:1..10").values == Range(1.0, 10.0, logarithmic=True)
    with pytest.raises(ConfigError, match="there is no value"):
        Variation.of("a", [])
