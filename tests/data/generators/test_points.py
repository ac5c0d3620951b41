"""Sets of points: where they lie, that classes are balanced, that noise is what it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError
from chainrule.data.generators.points import (
    CURVES,
    POINT_SETS,
    blobs,
    curve,
    moons,
    rings,
    spirals,
    xor,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(st.sampled_from(sorted(set(POINT_SETS) - {"curve"})), st.integers(3, 60))
def test_classes_are_balanced(name, count):
    points = POINT_SETS[name](rng(), count=count)
    assert len(points) == count
    assert np.ptp(np.bincount(points.t)) <= 1
    assert np.isfinite(points.x).all()


@pytest.mark.parametrize("name", POINT_SETS)
def test_the_same_stream_gives_the_same_points(name):
    first, second, other = (POINT_SETS[name](rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.x, second.x)
    assert np.array_equal(first.t, second.t)
    assert not np.array_equal(first.x, other.x)


def test_xor_is_exclusive_or():
    points = xor(rng(), count=100, noise=0)
    a, b = points.x.astype(int).T
    assert np.array_equal(points.t, a ^ b)
    noisy = xor(rng(), count=4000, noise=0.1)
    assert (noisy.x - np.round(noisy.x)).std() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("arms", [2, 3, 7])
def test_spirals_follow_their_formula(arms):
    points = spirals(rng(), arms=arms, count=arms * 50, noise=0, turns=1.5)
    radius = np.hypot(*points.x.T)
    angle = 2 * np.pi * (1.5 * radius + points.t / arms)
    assert np.allclose(points.x, radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
    assert radius.max() == pytest.approx(1)
    assert radius.min() == pytest.approx(1 / 50)


def test_moons_are_half_circles():
    points = moons(rng(), count=101, noise=0)
    upper, lower = points.x[points.t == 0], points.x[points.t == 1]
    assert np.allclose(np.hypot(*upper.T), 1)
    assert np.allclose(np.hypot(*(lower - [1, 0.5]).T), 1)
    assert upper[:, 1].min() >= -1e-12
    assert lower[:, 1].max() <= 0.5 + 1e-12


def test_rings_have_their_radii():
    points = rings(rng(), rings=4, count=200, noise=0)
    assert np.allclose(np.hypot(*points.x.T), (points.t + 1) / 4)


@pytest.mark.parametrize("features", [1, 2, 20])
def test_blobs_in_any_number_of_dimensions(features):
    points = blobs(rng(), features=features, classes=5, count=5000, spread=0.5)
    assert points.x.shape == (5000, features)
    assert len(set(points.t)) == 5
    for k in range(5):
        assert points.x[points.t == k].std(axis=0) == pytest.approx(0.5, rel=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_blobs_are_apart(seed):
    points = blobs(rng(seed), spread=0)
    centres = np.unique(points.x, axis=0)
    gaps = [np.hypot(*(a - b)) for a in centres for b in centres if a is not b and (a != b).any()]
    assert min(gaps) > 2


@pytest.mark.parametrize("function", CURVES)
def test_curves(function):
    points = curve(rng(), function=function, count=50, noise=0)
    assert points.x.shape == points.t.shape == (50, 1)
    assert np.array_equal(points.t, CURVES[function](points.x))
    noisy = curve(rng(), function=function, count=4000, noise=0.3)
    assert (noisy.t - CURVES[function](noisy.x)).std() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("xor", {"count": 1}, "count must be a whole number of at least 2, found 1"),
        ("moons", {"noise": -0.1}, "noise must be a finite number of at least 0, found -0.1"),
        (
            "moons",
            {"noise": float("inf")},
            "must be a finite number of at least 0, found inf",
        ),
        ("spirals", {"arms": 1}, "arms must be a whole number from 2 to 1000, found 1"),
        ("spirals", {"turns": "two"}, "turns must be a finite number above 0, found 'two'"),
        ("rings", {"rings": 5, "count": 4}, "count 4 is too small for 5 classes"),
        ("blobs", {"features": 0}, "features must be a whole number of at least 1, found 0"),
        ("blobs", {"features": 10**9}, "GiB"),
        ("blobs", {"spread": None}, "spread must be a finite number of at least 0, found nothing"),
        ("curve", {"function": "sin"}, "unknown function 'sin'; did you mean 'sine'?"),
    ],
)
def test_wrong_arguments(name, arguments, message):
    with pytest.raises(ConfigError) as caught:
        POINT_SETS[name](rng(), **arguments)
    assert message in str(caught.value)
