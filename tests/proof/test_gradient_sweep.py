"""The sweep of the proof over every kind of network, in a quick form, and its arithmetic."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from proof.agreement import Agreement, agreements, line_of
from proof.gradients import CLAIMS, compare, gradient, narrow, with_units_moved
from proof.networks import (
    LARGEST,
    REACH,
    Kind,
    Shape,
    all_drawn,
    drawn,
    is_smooth,
    kinds,
    network_of,
    shapes,
)

from chainrule import Dense, Network
from chainrule.gradients import check
from chainrule.gradients.rounding import rounding
from chainrule.nn.activations import ACTIVATIONS, Tanh
from chainrule.nn.losses import LOSSES

pytestmark = pytest.mark.exhaustive


def test_every_part_is_among_the_kinds():
    every = kinds()
    assert len(set(every)) == len(every) == 12 * 12 * 5
    assert {kind.activation for kind in every} == set(ACTIVATIONS)
    assert {kind.loss for kind in every} == set(LOSSES)
    assert {kind.penalty for kind in every} == {"none", "L1", "L2", "L1 on biases", "L2 on biases"}


def test_a_hundred_shapes_with_batches_and_widths_of_1_and_never_only_square():
    found = shapes(100)
    assert len(found) == 100
    assert found == shapes(100)
    assert any(s.cases == 1 for s in found)
    assert any(1 in s.hidden for s in found)
    assert any(s.inputs == 1 for s in found)
    assert any(s.outputs == 1 for s in found)
    assert any(len(s.hidden) >= 3 for s in found)
    assert sum(s.inputs != s.outputs for s in found) > 50


def test_what_is_drawn_is_off_the_kinks_and_within_10():
    for kind in kinds()[3::97]:
        case = drawn(kind, shapes(5)[-1], 0)
        assert is_smooth(case.network, case.x, case.t)
        assert all(
            np.abs(la.z).max() <= LARGEST for la in case.network.layers if la.type == "dense"
        )
        if kind.penalty.startswith("L1"):
            assert np.abs(case.network.theta).min() > REACH


# Over all kinds one shape; the proof takes a hundred.
@pytest.mark.parametrize("part", range(8))
def test_the_figures_hold_for_every_kind(part):
    found = agreements(CLAIMS)
    for case in all_drawn([0], slice(part, None, 8)):
        compare(found, case, with_jax=False)
    for name, agreement in found.items():
        if name == "jax" or (name == "torch" and importlib.util.find_spec("torch") is None):
            continue
        assert agreement.holds, (name, agreement)
        assert agreement.arrays > 3 * agreement.cancelling


def test_the_figures_hold_against_jax():
    pytest.importorskip("jax", reason="needs the package jax")
    found = agreements(CLAIMS)
    for case in all_drawn([0], slice(1, None, 61)):
        compare(found, case, with_jax=True)
    assert found["jax"].holds, found["jax"]


def test_the_check_finds_every_kind_right():
    for case in all_drawn([0], slice(2, None, 7)):
        report = check(case.network, case.x, case.t, methods=["central", "complex", "projection"])
        assert report.right, (case.kind, case.shape, report.diagnosis)


@pytest.mark.parametrize("factor", [1.0001, 1.001])
def test_the_sweep_notices_a_wrong_derivative(monkeypatch, factor):
    right = Tanh.derivative
    monkeypatch.setattr(Tanh, "derivative", lambda self, z, out=None: factor * right(self, z, out))
    found = agreements(CLAIMS)
    kind = next(kind for kind in kinds() if kind.activation == "tanh")
    compare(found, drawn(kind, shapes(50)[-1], 0), with_jax=False)
    wrong = {"central", "complex"}
    wrong |= {"torch"} if importlib.util.find_spec("torch") else set()
    assert {n for n, a in found.items() if a.arrays and not a.holds} == wrong


# Where two terms of a slope cancel


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="long double has no more digits here"
)
def test_an_output_near_the_zero_of_the_slope_is_off_by_few_roundings():
    """Without those of φ'(z) it would be 20: the network that docs/proof.md tells of."""
    kind = Kind("silu", "log_cosh", softmax=False, penalty="none")
    case = drawn(kind, Shape(2, 1, (4, 1, 4, 4), 1), 52036)
    network, x, t = case.network, case.x, case.t
    g = gradient(network, x, t)
    theta, exact = network.theta.astype(np.clongdouble), np.empty(len(g), np.longdouble)
    for k in range(len(g)):
        moved = theta.copy()
        moved[k] += np.clongdouble(1e-30j)
        exact[k] = np.imag(network.loss(x.astype(np.longdouble), t, moved)) / 1e-30
    one = rounding(network, x, t, rng=np.random.default_rng(len(x))).gradient
    for segment in network.parameters.layout:
        off = np.linalg.norm((g - exact)[segment.slice])
        assert off <= 5 * np.linalg.norm(one[segment.slice]), segment.full_name
        assert off <= 4e-14 * np.linalg.norm(g[segment.slice]), segment.full_name


# The arithmetic of agreement


def agreement_of(ours, other, noise, figure=1e-10, *, exact=True):
    network = Network([Dense(1, "linear")], input=1, loss="mse")
    found = Agreement("two gradients", figure, exact)
    found.add(network, "it", np.array(ours), np.array(other), np.array(noise))
    return found


def test_the_worst_array_counts():
    found = agreement_of([1.0, 2.0], [1.0, 2.0 * (1 + 4e-11)], [1e-16, 1e-16])
    assert found.worst == pytest.approx(2e-11, rel=1e-3)
    assert found.where == "dense_1.b of it"
    assert (found.arrays, found.cancelling) == (2, 0)
    assert found.roundings == pytest.approx(8e-11 / 1e-16, rel=1e-3)
    assert not found.holds  # far more than rounding


def test_arrays_whose_terms_cancel_are_held_to_roundings():
    found = agreement_of([1.0, 1e-12], [1.0, 2e-12], [1e-16, 1e-13])
    assert (found.arrays, found.cancelling, found.worst) == (1, 1, 0.0)
    assert found.roundings == pytest.approx(10)
    assert found.holds
    assert found.measured.endswith("; 1 more whose terms cancel; at most 10 roundings")
    assert not agreement_of([1.0, 1e-12], [1.0, 2e-10], [1e-16, 1e-13]).holds


def test_what_errs_by_more_than_rounding_is_held_to_roundings_where_terms_cancel_alone():
    assert agreement_of([1.0, 2.0], [1.0, 2.0 * (1 + 4e-11)], [1e-16, 1e-16], exact=False).holds
    found = agreement_of([1.0, 1e-12], [1.0, 2e-10], [1e-16, 1e-13], exact=False)
    assert found.roundings == pytest.approx(1990)
    assert not found.holds
    assert {name for name, claim in agreements(CLAIMS).items() if not claim.exact} == {"central"}


def test_arrays_above_the_figure_are_counted():
    found = agreement_of([1.0, 2.0], [1.0, 2.1], [1e-16, 1e-16])
    assert (found.arrays, found.above) == (2, 1)
    assert ", 1 above" in found.measured
    assert not found.holds


def test_a_number_that_is_none_does_not_hold():
    assert not agreement_of([1.0, 1.0], [1.0, np.nan], [1e-16, 1e-16]).holds
    assert not agreement_of([1.0, 1.0], [np.nan, 1.0], [1e-16, 1e-16]).holds


def test_a_line_says_whether_it_holds():
    right = agreement_of([1.0, 2.0], [1.0, 2.0], [1e-16, 1e-16])
    line = line_of("gradients-central", right)
    assert (line.asked, line.holds) == ("≤ 1e-10", True)


def test_units_in_another_order_are_the_same_function_of_other_parameters():
    case = drawn(kinds()[200], shapes(100)[40], 1)
    assert case.shape.hidden
    given = case.network.theta.copy()
    back = with_units_moved(case)
    case.network.loss(case.x, case.t)
    assert back == pytest.approx(case.network.backward_pass(case.t).vector, rel=1e-10, abs=1e-12)
    assert np.array_equal(case.network.theta, given)


def test_float32_is_float32():
    case = drawn(kinds()[200], shapes(100)[40], 1)
    case.network.loss(case.x, case.t)
    g = case.network.backward_pass(case.t).vector
    small = network_of(case.kind, case.shape, 0, dtype="float32")
    found = narrow(case.network, small, case.x, case.t)
    assert 1e-9 < np.abs(found - g).max() / np.abs(g).max() < 1e-5


def test_networks_of_one_seed_are_the_same():
    kind, shape = kinds()[7], shapes(3)[2]
    assert np.array_equal(network_of(kind, shape, 4).theta, network_of(kind, shape, 4).theta)
    assert not np.array_equal(network_of(kind, shape, 4).theta, network_of(kind, shape, 5).theta)
