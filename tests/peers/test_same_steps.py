"""Every peer's steps are those of the layers themselves, from the same θ."""

from __future__ import annotations

import numpy as np
import pytest
from peer_checks import NAMES, OTHER_RULES, RULES, both, largest_difference, peer_class

import all_layers
from chainrule import Dense, Network, Softmax
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.losses import LOSSES
from networks import network_for

WEIGHTS = [0.5, 2.0, 0.25, 1.0, 1.5, 0.75]
SPREAD = {"weights": [-1, 1], "biases": [-1, 1]}
IN_SKLEARN = ("linear", "sigmoid", "tanh", "relu")
OPTIONS = {"leaky_relu": {"slope": 0.3}, "elu": {"alpha": 0.7}}

each_peer = pytest.mark.parametrize("name", NAMES)


def with_options(activation):
    return {"type": activation, **OPTIONS.get(activation, {})}


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_every_activation(name):
    """A layer of each, so that JAX compiles once."""
    layers = [Dense(4, with_options(a), **SPREAD) for a in ACTIVATIONS]
    net = Network([*layers, Dense(2, "linear", **SPREAD)], input=3, loss="mse", seed=3)
    assert largest_difference(name, net) < 1e-12


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_by_itself(activation):
    net = network_for(with_options(activation), "mse", seed=2)
    assert largest_difference("torch", net) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("activation", IN_SKLEARN)
def test_what_scikit_learn_has(activation, rule):
    penalty = {"type": "L2", "rate": 0.1}
    net = network_for(activation, "cross_entropy", penalty, hidden=(4, 3), outputs=3)
    assert largest_difference("sklearn", net, rule=RULES[rule]) < 1e-12


@pytest.mark.parametrize("rate", [0.0, 0.1])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_scikit_learns_other_conventions_are_converted(loss, rule, outputs, rate):
    last = {"mse": "linear", "binary_cross_entropy": "sigmoid"}[loss]
    layers = [Dense(4, "tanh", **SPREAD), Dense(outputs, last, **SPREAD)]
    net = Network(layers, input=3, loss=loss, penalty={"type": "L2", "rate": rate}, seed=1)
    assert largest_difference("sklearn", net, rule=RULES[rule]) < 1e-12


@pytest.mark.parametrize(
    ("loss", "rule"), list(zip([*LOSSES, "mse"], [*RULES, *RULES], strict=True)), ids=str
)
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_every_loss_with_every_rule(name, loss, rule):
    kind = {"type": loss, "delta": 0.6} if loss == "huber" else loss
    net = network_for("tanh", "mse" if loss == "huber" else loss, outputs=3)
    if loss == "huber":
        net = Network([Dense(4, "tanh", **SPREAD), Dense(3, **SPREAD)], input=3, loss=kind)
    assert largest_difference(name, net, rule=RULES[rule]) < 1e-12


@pytest.mark.parametrize("rule", OTHER_RULES)
@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_every_other_rule_with_a_penalty_and_private_rates(name, rule, clip):
    layers = [Dense(4, "tanh", learning_rate=0.02, **SPREAD), Dense(2, "linear", **SPREAD)]
    setting = {"type": "L2", "rate": 0.1, "biases": True}
    net = Network([*layers, Softmax()], input=3, penalty=setting, learning_rate=0.3, seed=1)
    assert largest_difference(name, net, rule=OTHER_RULES[rule], clip=clip) < 1e-12


@pytest.mark.parametrize("penalty", ["L1", "L2"])
@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_penalties_and_private_learning_rates(name, penalty, biases):
    layers = [
        Dense(4, "tanh", learning_rate=0.02, **SPREAD),
        Dense(3, "relu", learning_rate=0.0, **SPREAD),
        Dense(2, "linear", **SPREAD),
        Softmax(),
    ]
    setting = {"type": penalty, "rate": 0.1, "biases": biases}
    net = Network(layers, input=3, penalty=setting, learning_rate=0.3, seed=1)
    assert largest_difference(name, net, rule=RULES["adam"]) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_both_penalties_and_those_of_single_layers(name):
    layers = [
        Dense(4, "tanh", penalty={"type": "L1", "rate": 0.2, "biases": True}, **SPREAD),
        Dense(3, "tanh", penalty="none", **SPREAD),
        Dense(2, "linear", **SPREAD),
        Softmax(),
    ]
    net = Network(layers, input=3, penalty={"L1": 0.1, "L2": 0.3}, seed=1)
    assert largest_difference(name, net, rule=RULES["adam"]) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_l1_of_parameters_that_are_0(name):
    layers = [Dense(4, "tanh"), Dense(2), Softmax()]  # whose biases start at 0
    penalty = {"type": "L1", "rate": 0.1, "biases": True}
    net = Network(layers, input=3, penalty=penalty, seed=1)
    assert largest_difference(name, net) < 1e-12


@pytest.mark.parametrize("clip", [0.05, 1e3])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_gradient_that_is_clipped(name, clip):
    net = network_for("tanh", "mse", {"L1": 0.1, "L2": 0.3}, outputs=2)
    assert largest_difference(name, net, rule="momentum", clip=clip) < 1e-12


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_layers_without_biases(name, loss):
    layers = [Dense(4, "tanh", bias=False), Dense(3, "tanh", **SPREAD), Dense(2, bias=False)]
    end = [Softmax()] if loss == "cross_entropy" else []
    net = Network([*layers, *end], input=3, loss=loss, seed=1)
    assert largest_difference(name, net, rule=RULES["adam"]) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_softmax_before_another_loss(name):
    layers = [Dense(4, "tanh", **SPREAD), Dense(3, "tanh", **SPREAD), Softmax()]
    net = Network(layers, input=3, loss="mse", seed=1)
    assert largest_difference(name, net) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_targets_that_are_distributions(name):
    t = np.random.default_rng(2).dirichlet(np.ones(3), size=6)
    net = network_for("tanh", "cross_entropy", outputs=3)
    assert largest_difference(name, net, cases=6, t=t) < 1e-12


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_cases_of_unequal_weight(name, loss):
    net = network_for("tanh", loss, {"L2": 0.1}, outputs=3)
    assert largest_difference(name, net, cases=6, weights=WEIGHTS) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_sequences_of_unequal_weight(name):
    net = all_layers.network("recurrent, given start")
    x, t = all_layers.batch(net, 6)
    assert largest_difference(name, net, cases=6, x=x, t=t, weights=WEIGHTS) < 1e-12


@each_peer
@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_batches_of_any_size(name, batch_size):
    net = network_for("linear", "mse", outputs=1, hidden=())
    assert largest_difference(name, net, cases=7, batch_size=batch_size) < 1e-12


@each_peer
def test_the_order_of_the_file(name):
    net = network_for("linear", "mse", outputs=1, hidden=())
    assert largest_difference(name, net, in_file_order=True) < 1e-12


@each_peer
def test_single_precision(name):
    net = network_for("tanh", "cross_entropy", outputs=3, dtype="float32")
    assert 0 < largest_difference(name, net) < 1e-5


@each_peer
def test_the_network_itself_is_left_alone(name):
    net = network_for("tanh", "cross_entropy", outputs=3)
    before = net.theta.copy()
    peer, _ = both(name, net)
    peer.run(None)
    assert np.array_equal(net.theta, before)
    after = peer.theta()
    assert not np.array_equal(after, before)
    peer.run(None)
    assert not np.array_equal(peer.theta(), after)


@each_peer
def test_a_rate_of_nearly_nothing_keeps_what_it_has(name):
    net = network_for("tanh", "cross_entropy", outputs=3, learning_rate=1e-300)
    peer, engine = both(name, net)
    peer.run(None)
    engine.run(None, 0, 3)
    assert np.array_equal(peer.theta(), net.theta)


@each_peer
def test_what_blows_up_is_reported_as_it_is(name):
    net = network_for("linear", "mse", outputs=1, learning_rate=1e200)
    peer, _ = both(name, net)
    losses = [peer.run(None) for _ in range(3)][-1]
    assert losses.shape == (3,)
    assert not np.isfinite(losses).any()


def test_settings_of_the_libraries_are_as_before():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")
    jax = pytest.importorskip("jax", reason="JAX is not installed: the extra jax")
    state, threads, wide = (
        torch.get_rng_state(),
        torch.get_num_threads(),
        jax.config.jax_enable_x64,
    )
    for name in ("torch", "jax"):
        both(name, network_for("tanh", "mse"))[0].run(None)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    assert jax.config.jax_enable_x64 == wide


def test_the_peer_of_torch_is_a_program_of_its_own():
    peer, _ = both("torch", network_for("tanh", "cross_entropy", outputs=3))
    torch = pytest.importorskip("torch")
    assert [type(m) for m in peer.model] == [torch.nn.Linear, torch.nn.Tanh, torch.nn.Linear]
    assert not any(
        np.shares_memory(p.detach().numpy(), peer.network.theta) for p in peer.model.parameters()
    )


def test_a_peer_says_what_it_is():
    for name in NAMES:
        assert peer_class(name).name == name
