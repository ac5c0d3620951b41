"""PyTorch and JAX run every layer: the same steps as the layers themselves, and the gradient."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from peer_checks import RULES, largest_difference, peer_class

from all_layers import CASES, batch, network
from networks import difference, gradient

PENALTY = {"L1": 0.01, "L2": 0.1, "biases": True}

# JAX compiles each program for a second or more.
EVERYWHERE = [
    *(("torch", case) for case in CASES),
    *(pytest.param("jax", case, marks=pytest.mark.exhaustive) for case in CASES),
]


@pytest.mark.parametrize(("name", "case"), EVERYWHERE)
def test_steps_are_those_of_the_layers(name, case):
    rule = list(RULES.values())[list(CASES).index(case) % len(RULES)]
    net = network(case, penalty=PENALTY, learning_rate=0.05)
    for layer, rate in zip(net.layers, (0.2, 0.0, None), strict=False):
        layer.learning_rate = rate
    x, t = batch(net, 6)
    assert largest_difference(name, net, rule=rule, x=x, t=t) < 1e-12


@pytest.mark.parametrize(("name", "case"), EVERYWHERE)
def test_the_gradient_is_that_of_the_backward_pass(name, case):
    peer_class(name)
    library = import_module(f"chainrule.peers.{name}")
    net = network(case, penalty=PENALTY)
    assert library.LIBRARY.reason_against(net) is None
    x, t = batch(net, 5)
    with net.training_mode(seed=3, step=2):
        expected = gradient(net, x, t)
        found = library.gradient(net, net.prepare_inputs(x), net.prepare_targets(t))
    for segment in net.parameters.layout:
        assert difference(expected[segment.slice], found[segment.slice]) < 1e-12


@pytest.mark.parametrize("name", ["torch", "jax"])
def test_a_minibatch_without_any_target(name):
    net = network("recurrent")
    x, t = batch(net, 6)
    t[:] = np.nan
    assert largest_difference(name, net, x=x, t=t) < 1e-12
