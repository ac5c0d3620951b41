"""Splits: right sizes, every case once, classes in proportion."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.data.splits import part_sizes, split_cases, split_groups, split_in_order


@st.composite
def fractions(draw):
    parts = draw(st.lists(st.integers(0, 20), min_size=3, max_size=3).filter(lambda p: p[0] > 0))
    return tuple(part / sum(parts) for part in parts)


@settings(deadline=None)
@given(st.integers(1, 500), fractions())
def test_sizes_are_within_one_of_the_shares(count, split):
    sizes = part_sizes(count, split)
    assert sum(sizes) == count
    assert sizes[0] >= 1
    for size, fraction in zip(sizes, split, strict=True):
        assert fraction > 0 or size == 0
        assert abs(size - fraction * count) < 1 + 1e-5 or count * split[0] < 1


def test_leftover_cases_go_to_the_largest_remainders():
    assert part_sizes(10, (0.7, 0.2, 0.1)) == (7, 2, 1)
    assert part_sizes(7, (0.5, 0.25, 0.25)) == (3, 2, 2)
    assert part_sizes(1, (0.1, 0.9, 0)) == (1, 0, 0)
    assert part_sizes(3, (1, 0, 0)) == (3, 0, 0)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=200), fractions(), st.booleans())
def test_every_case_is_in_one_part(classes, split, stratified):
    t = np.array(classes)
    parts = split_cases(len(t), split, np.random.default_rng(0), t if stratified else None)
    assert [len(part) for part in parts] == list(part_sizes(len(t), split))
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(t)))


@settings(deadline=None)
@given(st.integers(2, 9), st.integers(0, 200), fractions())
def test_equal_classes_differ_by_one_in_every_part(classes, extra, split):
    t = np.arange(classes + extra) % classes
    for part in split_cases(len(t), split, np.random.default_rng(1), t):
        assert np.ptp(np.bincount(t[part], minlength=classes)) <= 1


def test_unequal_classes_keep_their_proportion():
    t = np.repeat([0, 1, 2], [600, 300, 100])
    for part in split_cases(1000, (0.7, 0.2, 0.1), np.random.default_rng(2), t):
        share = np.bincount(t[part]) / len(part)
        assert share == pytest.approx([0.6, 0.3, 0.1], abs=0.02)


@pytest.mark.parametrize("classes", [None, np.arange(100) % 2])
def test_the_split_is_random_and_repeatable(classes):
    first, same, other = (
        split_cases(100, (0.5, 0.5, 0), np.random.default_rng(seed), classes) for seed in (0, 0, 1)
    )
    assert np.array_equal(first[0], same[0])
    assert set(first[0]) != set(other[0])
    assert (np.diff(first[0]) < 0).any()


def test_wrong_fractions():
    with pytest.raises(ConfigError, match="sum to 1"):
        part_sizes(10, (0.5, 0.5, 0.1))


@given(
    st.lists(st.integers(0, 9), min_size=20, max_size=200).filter(lambda g: len(set(g)) >= 3),
    st.integers(0, 2**32),
)
def test_a_group_is_never_divided(groups, seed):
    groups = np.array(groups)
    parts = split_groups(groups, (0.6, 0.2, 0.2), np.random.default_rng(seed))
    assert sorted(np.concatenate(parts)) == list(range(len(groups)))
    for one, other in itertools.combinations(parts, 2):
        assert not set(groups[one]) & set(groups[other])
    assert all(len(part) for part in parts)


def test_many_groups_give_the_parts_their_shares():
    groups = np.arange(1000) // 4
    parts = split_groups(groups, (0.7, 0.2, 0.1), np.random.default_rng(0))
    assert [len(part) for part in parts] == [700, 200, 100]


def test_groups_are_in_any_order_and_have_any_numbers():
    groups = np.array([7, -1, 7, 3, -1, 3, 3, 0])
    found = [
        {frozenset(np.flatnonzero(groups == g)) for g in groups[part]}
        for part in split_groups(groups, (0.4, 0.3, 0.3), np.random.default_rng(1))
    ]
    wanted = {frozenset(np.flatnonzero(groups == g)) for g in groups}
    assert set.union(*found) == wanted
    assert sum(map(len, found)) == len(wanted)


def test_fewer_groups_than_parts_are_refused():
    with pytest.raises(ConfigError, match="2 groups cannot be divided among 3 parts"):
        split_groups(np.array([0, 1, 1, 0]), (0.6, 0.2, 0.2), np.random.default_rng(0))


@given(st.permutations(range(30)))
def test_a_split_in_order_tests_on_the_last(order):
    train, validation, test = split_in_order(np.array(order), (0.5, 0.3, 0.2))
    assert [*train, *validation, *test] == order
    assert (len(train), len(validation), len(test)) == (15, 9, 6)
