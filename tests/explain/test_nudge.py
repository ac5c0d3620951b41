"""One weight nudged by hand: ΔL beside the gradient times ε."""

from __future__ import annotations

import numpy as np
import pytest

import all_layers
from chainrule import Dense, Network
from chainrule.explain.nudge import AGREEMENT, nudged
from chainrule.nn import layer_types as layers

X, T = [[1.0]], [[3.0]]


def line(activation="linear", w=1.0, **options):
    network = Network([Dense(1, activation, **options), Dense(1, "linear")], input=1, loss="mse")
    network.layers[0].W, network.layers[1].W = [[w]], [[1.0]]
    return network


def test_the_change_of_the_loss_is_the_gradient_times_the_step():
    network = line()
    nudge = nudged(network, X, T, "dense_1.W", (0, 0))
    # L(w) = (w − 3)², so L(1.01) − L(1) = 1.99² − 2² and the slope is −4
    assert (nudge.epsilon, nudge.gradient, nudge.before) == (0.01, -4.0, 4.0)
    assert nudge.change == pytest.approx(1.99**2 - 4, rel=1e-12)
    assert str(nudge) == "ΔL = −0.0399, gradient × ε = −0.0400"
    assert nudge.difference == pytest.approx(0.0025)
    assert "differ by 0.25 %, with a tenth of ε by 0.025 %" in nudge.why.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert network.layers[0].W == [[1.0]]


def test_a_straight_line_agrees_without_a_difference():
    network = Network([Dense(1, "linear")], input=1, loss="mae", seed=1)
    nudge = nudged(network, X, T, "dense_1.W", (0, 0))
    assert nudge.difference < 1e-10
    assert "straight line" in nudge.why


@pytest.mark.exhaustive
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("case", ["lstm, last", "dropout", "batch_norm of images"])
def test_masks_and_minibatch_stay_while_the_weight_moves(case, dtype):
    network = all_layers.network(case, dtype=dtype)
    x, t = all_layers.batch(network, 3)
    with network.training_mode(seed=4, step=2):
        for name in ("dense_1.W", network.parameters.layout.trained[0].full_name):
            nudge = nudged(network, x, t, name, (0,) * len(network.parameters.layout[name].shape))
            assert nudge.agrees
            assert nudge.difference <= AGREEMENT


@pytest.mark.exhaustive
@pytest.mark.parametrize("case", all_layers.CASES)
def test_the_nudge_agrees_in_every_layer(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 3)
    with network.training_mode(seed=4):
        for segment in network.parameters.layout.trained:
            nudge = nudged(network, x, t, segment.full_name, (0,) * len(segment.shape))
            tiny = abs(nudge.predicted) < 1e-10 * nudge.before  # a bias before batch_norm
            assert nudge.agrees or tiny or nudge.truncated, (segment.full_name, nudge)


def test_a_truncated_gradient_need_not_agree_and_says_why():
    options = {"weights": [0.9, 1], "recurrent_weights": [0.9, 1]}
    layer = layers.Recurrent(1, "linear", truncate=1, outputs="last", **options)
    network = Network([layer, Dense(1, "linear")], input=[3, 1], loss="mse", seed=1)
    x = np.ones((1, 3, 1))
    nudge = nudged(network, x, T, "recurrent_1.W", (0, 0))
    assert not nudge.agrees
    assert "the key truncate of recurrent_1" in nudge.why
    assert nudged(network, x, T, "dense_1.W", (0, 0)).agrees


def test_a_weight_at_a_kink_is_told_with_the_slopes_of_both_sides():
    nudge = nudged(line("relu", w=0.0), X, T, "dense_1.W", (0, 0))
    assert not nudge.agrees
    assert nudge.kinks == ("z of dense_1 at 0",)
    assert nudge.sides == pytest.approx((0.0, -6.0), abs=1e-5)
    assert "just to the left of w it is 0, just to the right −6" in nudge.why


def test_a_kink_within_reach_makes_the_step_smaller():
    nudge = nudged(line("relu", w=-0.005), X, T, "dense_1.W", (0, 0))
    assert (nudge.epsilon, nudge.kinks) == (0.001, ())
    assert (nudge.gradient, nudge.change) == (0.0, 0.0)
    assert "no path leads from w to L" in nudge.why


def test_a_tie_of_pooling_is_a_kink():
    network = Network(
        [layers.Conv2D(1, 1, activation="linear"), layers.MaxPool2D([1, 2]), layers.Flatten(),
         Dense(1, "linear")],
        input=[1, 1, 2], loss="mse", seed=1,
    )  # fmt: skip
    nudge = nudged(network, [[[[1.0, 1.0]]]], T, "conv2d_1.W", (0, 0, 0, 0))
    assert nudge.kinks == ()  # both numbers move alike, so that the tie stays
    network = Network(
        [layers.LocallyConnected2D(1, 1, activation="linear", weights="zeros"),
         layers.MaxPool2D([1, 2]), layers.Flatten(), Dense(1, "linear")],
        input=[1, 1, 2], loss="mse", seed=1,
    )  # fmt: skip
    network.layers[0].W = np.ones(network.layers[0].W.shape)
    nudge = nudged(network, [[[[1.0, 1.0]]]], T, "locally_connected2d_1.W", (0, 1, 0, 0, 0, 0))
    assert nudge.kinks == ("ties of max_pool2d_1",)


def test_a_level_slope_shows_how_the_loss_bends():
    network = line()
    nudge = nudged(network, X, [[1.0]], "dense_1.W", (0, 0))
    assert (nudge.gradient, nudge.change) == (0.0, pytest.approx(1e-4))
    assert "grows with the square of ε" in nudge.why


def test_penalty_and_weights_of_cases_count():
    network = line(penalty={"L2": 0.5})
    nudge = nudged(network, X, T, "dense_1.W", (0, 0), weights=[2.0])
    assert nudge.gradient == pytest.approx(2 * -4 + 0.5)
    assert nudge.agrees
