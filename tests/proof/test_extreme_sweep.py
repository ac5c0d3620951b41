"""The sweep of the proof over extreme networks, in a quick form, and what it is made of."""

from __future__ import annotations

import numpy as np
import pytest
from proof.extreme_networks import FAMILIES, PLANTS, WAYS, extreme, planted
from proof.extremes import Found, claims, gradient, sweep

from chainrule.gradients.rounding import rounding
from chainrule.nn.activations import GELU

pytestmark = pytest.mark.exhaustive


# Every family in each part; the proof takes two thousand.
@pytest.mark.parametrize("part", range(4))
def test_nobody_who_is_right_is_accused_and_who_is_wrong_is_found(part, monkeypatch):
    monkeypatch.setattr("proof.extremes.JAX_EVERY", 10**9)  # it compiles each network anew
    found = sweep(range(6 * part + 1, 6 * part + 7))
    assert (found.wrong, found.warned, found.missed) == ([], [], [])
    assert found.networks == 6
    assert found.changed >= 2
    assert set(found.arrays) >= {"central", "complex", "projection"}
    assert found.unjudged["complex"] == found.unjudged["projection"] == 0
    assert all(holds for *_, holds in claims(found))


def test_jax_accuses_nobody_either(monkeypatch):
    pytest.importorskip("jax", reason="needs the package jax")
    monkeypatch.setattr("proof.extremes.JAX_EVERY", 1)
    found = sweep(range(80, 84))
    assert (found.wrong, found.warned, found.missed) == ([], [], [])
    assert found.arrays["jax"] == found.arrays["complex"]


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="long double has no more digits here"
)
def test_a_rounding_is_as_large_as_80_bits_say():
    """Neither too small, which would accuse, nor so large that it would excuse."""
    step, looked_at = np.longdouble("1e-900"), 0
    for case in map(extreme, range(3000, 3024)):
        network = case.network
        kinds = {type(getattr(layer, "activation", None)) for layer in network.layers}
        if case.family == "image" or GELU in kinds:  # erfc has no 80 bits
            continue
        x, t = network.prepare_inputs(case.x), network.prepare_targets(case.t)
        found = gradient(network, x, t)
        one = rounding(network, x, t, rng=np.random.default_rng(0)).gradient
        theta = network.theta.astype(np.clongdouble)
        for i in range(0, len(theta), 3):
            moved = theta.copy()
            moved[i] += 1j * step
            exact = np.imag(network.loss(x, t, moved)) / step
            assert abs(found[i] - exact) <= 10 * one[i], (case, i)
            assert one[i] <= 1e-8 * abs(exact) + 1e-300, (case, i)
            looked_at += 1
    assert looked_at > 50


def test_what_was_found_is_told():
    found = Found(
        networks=2, wrong=["it: so"], warned=["it: overflow"], changed=3, missed=["that"]
    )
    right, wrong = claims(found + Found(networks=1))
    assert right[3].startswith("3 networks, 1 called wrong, 1 warnings")
    assert right[3].endswith("; first: it: so")
    assert wrong[3] == "2 of 3 called wrong; first: that"
    assert not right[4]
    assert not wrong[4]


def test_every_family_is_made_extreme_in_every_way():
    cases = [extreme(number) for number in range(60)]
    assert {(case.family, case.way) for case in cases} == {(f, w) for f in FAMILIES for w in WAYS}
    sizes = [np.abs(case.network.theta[case.network.theta != 0]) for case in cases]
    assert min(size.min() for size in sizes) < 1e-7
    assert max(size.max() for size in sizes) > 1e7
    assert all(np.isfinite(case.network.loss(case.x, case.t)) for case in cases)
    first, again = cases[7], extreme(7)
    assert np.array_equal(first.network.theta, again.network.theta)
    assert np.array_equal(first.x, again.x)


@pytest.mark.parametrize("what", PLANTS)
def test_a_planted_change_is_there_while_it_lasts(what):
    changes = []
    for number in range(1, 9):
        case = extreme(number)
        before = gradient(case.network, case.x, case.t)
        with planted(case, what, factor=2.0):
            changes.append((gradient(case.network, case.x, case.t) != before).sum())
        assert np.array_equal(gradient(case.network, case.x, case.t), before)
    assert max(changes) == 1 if what == "entry" else max(changes) > 1
