"""A peer beside the layers themselves: the same epochs, and how far they are apart."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.peers import PEERS
from chainrule.training.engines import NumpyEngine
from chainrule.training.optimizers import optimizer
from networks import difference, targets_for

NAMES = ("torch", "jax", "sklearn")
RULES = {
    "sgd": "sgd",
    "momentum": {"type": "momentum", "momentum": 0.7},
    "nesterov": {"type": "momentum", "momentum": 0.7, "nesterov": True},
    "adam": {"type": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
}
OTHER_RULES = {
    "adagrad": {"type": "adagrad", "initial": 0.1, "epsilon": 1e-3},
    "rmsprop": {"type": "rmsprop", "alpha": 0.8, "epsilon": 1e-3},
    "rmsprop in full": {
        "type": "rmsprop",
        "alpha": 0.8,
        "epsilon": 1e-3,
        "centered": True,
        "momentum": 0.7,
    },
    "adamw": {"type": "adamw", "beta1": 0.8, "epsilon": 1e-3, "weight_decay": 0.2},
    "adamw on biases": {"type": "adamw", "epsilon": 1e-3, "weight_decay": 0.2, "biases": True},
    "nadam": {"type": "nadam", "beta1": 0.8, "epsilon": 1e-3, "momentum_decay": 0.1},
}
"""What PyTorch and JAX have beside these, and scikit-learn does not."""


def peer_class(name):
    pytest.importorskip(name, reason=f"{name} is not installed: the extra peers")
    return PEERS[name]


def bound(net, rule="sgd"):
    found = optimizer(rule)
    runs = net.parameters.layout.runs(net.rates(found.default_rate))
    biases = [segment.slice for segment in net.parameters.layout if segment.is_bias]
    found.bind(net.theta, net.gradients.vector, runs, biases)
    return found


def both(
    name,
    net,
    *,
    rule="sgd",
    cases=7,
    batch_size=3,
    x=None,
    t=None,
    seed=5,
    clip=None,
    weights=None,
):
    """The peer, and the layers themselves, on the same cases."""
    kind = peer_class(name)
    rng = np.random.default_rng(seed)
    x = net.prepare_inputs(rng.normal(size=(cases, net.input)) if x is None else x)
    t = net.prepare_targets(targets_for(net, cases, rng) if t is None else t)
    step = bound(net, rule)
    assert kind.reason_against(net, step) is None
    options = {"batch_size": batch_size, "seed": 4, "clip_gradient_norm": clip}
    options["weights"] = None if weights is None else np.array(weights)
    return kind(net, step, x, t, **options), NumpyEngine(net, step, x, t, classes=False, **options)


def largest_difference(name, net, *, in_file_order=False, **options):
    """Of the losses of all minibatches and of θ after each epoch, at two learning rates.

    JAX compiles more for a smaller last minibatch, which it gets only where a test asks for it.
    """
    if name == "jax":
        options = {"cases": 6, **options}
    peer, engine = both(name, net, **options)
    rng = np.random.default_rng(1)
    found = []
    for scale in (1.0, 0.25):
        engine.optimizer.scale = scale
        order = None if in_file_order else rng.permutation(len(engine.x))
        losses = peer.run(order)
        expected = engine.run(order, 0, engine.minibatches).losses
        assert losses.dtype == np.float64
        found += [difference(expected, losses), difference(net.theta, peer.theta())]
        assert peer.theta().dtype == net.dtype
    return max(found)
