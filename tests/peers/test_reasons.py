"""What a peer cannot train, and how it says so."""

from __future__ import annotations

import numpy as np
import pytest
from peer_checks import NAMES, both, bound, peer_class

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.nn.activations import Tanh
from chainrule.nn.losses import MeanSquaredError
from chainrule.training.optimizers import SGD
from networks import network_for


class Own(Tanh):
    """An activation of the user's own."""


class OwnLoss(MeanSquaredError):
    """A loss of the user's own."""


class OwnRule(SGD):
    """An update rule of the user's own."""


@pytest.mark.parametrize("name", NAMES)
def test_parts_of_the_users_own(name):
    kind = peer_class(name)
    own = Network([Dense(3, Own()), Dense(2)], input=2)
    assert kind.reason_against(own, bound(own)) == "it has no activation Own"
    own = Network([Dense(3), Dense(2, "linear")], input=2, loss=OwnLoss())
    assert kind.reason_against(own, bound(own)) == "it has no loss OwnLoss"
    net = network_for("tanh", "cross_entropy", outputs=3)
    rule = OwnRule()
    rule.bind(net.theta, net.gradients.vector, [(slice(0, len(net.theta)), 0.1)])
    assert kind.reason_against(net, rule) == "it has no optimizer OwnRule"
    rule = SGD()
    rule.bind(net.theta, net.gradients.vector, [(slice(0, 5), 0.1), (slice(5, None), 0.2)])
    why = "it takes one learning rate for each array; dense_1.W has several"
    assert kind.reason_against(net, rule) == why


def dense(*activations, sizes=(4, 4, 3), **options):
    return [Dense(s, a, **options) for s, a in zip(sizes, activations, strict=False)]


@pytest.mark.parametrize(
    ("layers", "options", "why"),
    [
        (dense("gelu", "linear"), {}, "it has no activation gelu"),
        (dense("tanh", "linear"), {"loss": "huber"}, "it has no loss huber"),
        (
            [*dense("tanh", "relu", "linear"), Softmax()],
            {},
            "it has one activation for all hidden layers",
        ),
        (dense("tanh", "tanh"), {"loss": "mse"}, "its squared error has linear outputs"),
        (
            [*dense("tanh", "linear"), Softmax()],
            {"loss": "mse"},
            "its squared error has linear outputs",
        ),
        ([Dense(3, "tanh"), Softmax()], {}, "its softmax has a linear layer before it"),
        (
            [*dense("tanh", "linear", sizes=(4, 2)), Softmax()],
            {},
            "for two classes it has a single sigmoid output and no softmax",
        ),
        (dense("tanh", "linear"), {"penalty": "L1"}, "it has no penalty L1"),
        (
            dense("tanh", "linear"),
            {"penalty": {"type": "L2", "biases": True}},
            "its penalty is on the weights alone",
        ),
        (
            [Dense(4, "tanh", learning_rate=0.3), Dense(2, "linear")],
            {},
            "it has one learning rate for all layers, weights and biases alike",
        ),
        (
            dense("tanh", "linear"),
            {"bias_learning_rate": 0.0},
            "it has one learning rate for all layers, weights and biases alike",
        ),
        (
            [Dense(4, "tanh", penalty="none"), Dense(2)],
            {"penalty": "L2"},
            "it has one penalty for all layers",
        ),
        (dense("tanh", "linear"), {"penalty": {"L1": 0.1, "L2": 0.1}}, "it has no penalty L1"),
        ([Dense(4, "tanh", bias=False), Dense(2)], {}, "it has biases in every layer"),
        (dense("tanh", "linear"), {"learning_rate": 0.0}, "its learning rate is above 0"),
    ],
)
def test_what_scikit_learn_does_not_have(layers, options, why):
    net = Network(layers, input=2, **options)
    assert peer_class("sklearn").reason_against(net, bound(net)) == why


def test_a_penalty_of_rate_0_counts_for_nothing():
    net = Network(dense("tanh", "linear"), input=2, penalty={"type": "L1", "rate": 0.0})
    assert peer_class("sklearn").reason_against(net, bound(net)) is None


def test_scikit_learn_does_not_clip():
    with pytest.raises(ConfigError, match="it does not clip the norm of the gradient"):
        both("sklearn", network_for("linear", "mse", outputs=1), clip=1.0)


@pytest.mark.parametrize(
    ("loss", "t", "why"),
    [
        ("cross_entropy", [[0.5, 0.25, 0.25]] * 4, "classes, not distributions"),
        ("binary_cross_entropy", [[0.5, 0, 1]] * 4, "targets of 0 and 1 alone"),
    ],
)
def test_targets_that_scikit_learn_does_not_take(loss, t, why):
    net = network_for("tanh", loss, outputs=3)
    with pytest.raises(ConfigError, match=why):
        peer_class("sklearn")(
            net,
            bound(net),
            net.prepare_inputs(np.ones((4, 3))),
            net.prepare_targets(t),
            batch_size=2,
        )


def test_scikit_learn_takes_no_weights_of_cases():
    with pytest.raises(ConfigError, match="takes no weights of cases"):
        both("sklearn", network_for("tanh", "cross_entropy", outputs=3), weights=[1.0] * 6 + [2.0])
