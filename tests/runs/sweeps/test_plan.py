"""Which trials a sweep makes."""

from __future__ import annotations

import pytest

from chainrule.core.errors import ConfigError
from chainrule.runs.sweeps.plan import Plan, Variation


def plan(*items, trials=None, seed=0):
    return Plan.make([Variation.parse(item) for item in items], trials, seed)


def points(made):
    return [made.point(k) for k in range(made.count)]


def test_the_grid_in_order():
    made = plan("a=1,2", "b=x,y,z")
    assert made.count == 6
    assert [tuple(point.values()) for point in points(made)] == [
        (a, b) for a in "12" for b in "xyz"
    ]


def test_draws_do_not_depend_on_how_many_there_are():
    few, many = (plan("a=log:1..10", "b=1,2", trials=n) for n in (3, 50))
    assert points(few) == points(many)[:3]
    assert len({point["a"] for point in points(many)}) == 50
    assert {point["b"] for point in points(many)} == {"1", "2"}


def test_draws_do_not_depend_on_what_else_varies_but_on_the_seed():
    alone, beside = plan("a=0..1", trials=5), plan("b=1,2", "a=0..1", trials=5)
    assert [p["a"] for p in points(alone)] == [p["a"] for p in points(beside)]
    assert points(plan("a=0..1", trials=5, seed=1)) != points(alone)


def test_draws_from_a_grid_are_none_twice_and_end_with_it():
    items = ("a=1,2,3,4", "b=x,y,z")
    everything = {tuple(p.values()) for p in points(plan(*items))}
    some = points(plan(*items, trials=7))
    assert len({tuple(p.values()) for p in some}) == 7
    all_of_it = points(plan(*items, trials=100))
    assert len(all_of_it) == 12
    assert {tuple(p.values()) for p in all_of_it} == everything
    assert all_of_it[:7] == some


@pytest.mark.parametrize(
    ("items", "trials", "message"),
    [
        ([], None, "a sweep varies something"),
        (["a=1,2", "a=3"], None, "a is varied twice"),
        (["a=1,2", "b=0..1"], None, "b varies over a range, which has no grid"),
        (["a=0..1"], 0, "found 0"),
        (["a=0..1"], -3, "found -3"),
        (["a=0..1"], 1_000_000, "found 1,000,000|found 100,001"),
    ],
)
def test_what_is_no_plan(items, trials, message):
    with pytest.raises(ConfigError, match=message):
        plan(*items, trials=trials)
