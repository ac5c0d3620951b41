"""The sweep of the proof over layers on images, in a quick form."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
from proof.agreement import agreements
from proof.gradients import CLAIMS, compare_image
from proof.image_networks import image_case, image_cases, image_kinds, image_network, loops_from
from proof.networks import LARGEST

from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.images import conv2d as convolution
from chainrule.nn.images import filtered, pooled

pytestmark = pytest.mark.exhaustive

HAS_TORCH = importlib.util.find_spec("torch") is not None


def test_every_layer_and_setting_is_among_the_kinds():
    every = image_kinds()
    assert len(set(every)) == len(every) == 2 * 12 * 2 * 2 + 2 * 3 * 2 + 1
    assert {kind.layer for kind in every} == {
        "conv2d",
        "locally_connected2d",
        "max_pool2d",
        "average_pool2d",
        "global_average_pool2d",
    }
    assert {kind.activation for kind in every} == {*ACTIVATIONS, ""}
    for layer in ("conv2d", "locally_connected2d"):
        some = [kind for kind in every if kind.layer == layer]
        assert {(kind.stride, kind.padding) for kind in some} == {
            (stride, padding) for stride in (1, 2) for padding in (0, "same")
        }
        assert {kind.bias for kind in some} == {True, False}


def test_what_is_drawn_has_sizes_of_all_sorts_and_stays_within_10():
    every = list(image_cases(full=False))
    cases = [*every[::4], every[-1]]
    assert {case.kind.layer for case in cases} == {kind.layer for kind in image_kinds()}
    for case in cases:
        case.network.forward_pass(case.x)
        assert all(np.abs(layer.z).max() <= LARGEST for layer in case.network.layers)
    shapes = [case.network.input_shape for case in cases]
    assert any(height != width for _, height, width in shapes)
    assert {len(case.x) for case in cases} >= {1, 3, 5}
    assert max(case.network.layers[1].outputs for case in cases) > 8


@pytest.mark.parametrize("worth", [10**9, 0], ids=["numpy", "loops"])
def test_the_figures_hold_for_some_of_every_layer(worth):
    found = agreements(CLAIMS)
    with loops_from(worth):
        for k, kind in list(enumerate(image_kinds()))[5::11]:
            compare_image(found, image_case(kind, k), with_jax=False)
    for name, agreement in found.items():
        if name in ("jax", "units") or (name == "torch" and not HAS_TORCH):
            continue
        assert agreement.holds, (name, agreement)
        assert agreement.arrays > 3 * agreement.cancelling


def test_the_figures_hold_against_jax():
    pytest.importorskip("jax", reason="needs the package jax")
    found = agreements(CLAIMS)
    for k, kind in list(enumerate(image_kinds()))[7::40]:
        compare_image(found, image_case(kind, k), with_jax=True)
    assert found["jax"].arrays
    assert found["jax"].holds, found["jax"]


def test_the_sweep_notices_a_wrong_gradient(monkeypatch):
    right = convolution.input_gradient
    wrong = lambda delta, W, windows: 1.0001 * right(delta, W, windows)  # noqa: E731
    monkeypatch.setattr(convolution, "input_gradient", wrong)
    found = agreements(CLAIMS)
    kind = next(kind for kind in image_kinds() if kind.layer == "conv2d")
    with loops_from(10**9):
        compare_image(found, image_case(kind, 3), with_jax=False)
    noticed = {name for name, a in found.items() if a.arrays and not a.holds}
    assert noticed == {"central", "complex", "explicit"} | ({"torch"} if HAS_TORCH else set())


def test_loops_are_used_as_asked_and_as_before_afterwards():
    before = filtered.WORTH_LOOPS, pooled.WORTH_LOOPS
    with loops_from(0):
        assert (filtered.WORTH_LOOPS, pooled.WORTH_LOOPS) == (0, 0)
    assert before == (filtered.WORTH_LOOPS, pooled.WORTH_LOOPS)


def test_networks_of_one_seed_are_the_same():
    kind = image_kinds()[7]
    assert np.array_equal(image_network(kind, 4).theta, image_network(kind, 4).theta)
    assert image_network(kind, 4, dtype="float32").theta.dtype == np.float32
