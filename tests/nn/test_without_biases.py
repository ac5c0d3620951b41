"""Layers without biases: θ holds none, and every way through a network does without them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import check
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import Conv2D, Recurrent
from chainrule.nn.description import describe
from chainrule.training.tracing import trace
from networks import difference, gradient, networks_with_batches

ORIGIN = [[0.0, 0.0, 0.0]]


def mixed(**options):
    """One layer with biases between two without."""
    spread = {"weights": [-1, 1]}
    layers = [
        Dense(4, "tanh", bias=False, **spread),
        Dense(3, "silu", biases=[-1, 1], **spread),
        Dense(2, bias=False, **spread),
        Softmax(),
    ]
    return Network(layers, input=3, seed=1, **options)


def test_theta_holds_the_biases_of_the_layers_that_have_some():
    network = mixed()
    assert list(network.parameters) == ["dense_1.W", "dense_2.W", "dense_2.b", "dense_3.W"]
    assert len(network.theta) == 3 * 4 + 4 * 3 + 3 + 3 * 2
    assert [layer.biases for layer in describe(network).layers] == [0, 3, 0, 0]


def test_z_is_x_W_alone():
    layer = Dense(2, "linear", bias=False)
    Network([layer], input=3, loss="mse", seed=1)
    x = np.random.default_rng(1).normal(size=(4, 3))
    assert np.array_equal(layer.forward_pass(x), x @ layer.W)
    assert np.array_equal(layer.forward_pass(np.array(ORIGIN)), [[0.0, 0.0]])
    assert set(layer.jacobians()) == {"a", "x", "W"}


@pytest.mark.parametrize("name", ["b", "b_grad"])
def test_what_is_not_there_is_said_so(name):
    layer = mixed().layers[0]
    with pytest.raises(ShapeError, match="dense_1 has no b: it was made without biases"):
        getattr(layer, name)


def test_the_other_weights_start_as_they_do_beside_biases():
    with_some = Network([Dense(3), Dense(2)], input=4, loss="mse", seed=5)
    without = Network([Dense(3, bias=False), Dense(2)], input=4, loss="mse", seed=5)
    for name in without.parameters:
        assert np.array_equal(without.parameters[name], with_some.parameters[name])


@pytest.mark.parametrize("explicit", [False, True])
def test_every_method_of_check_says_right(explicit):
    network = mixed(penalty="L2", explicit_jacobians=explicit)
    x = np.random.default_rng(2).normal(size=(5, 3))
    report = check(network, x, np.array([0, 1, 1, 0, 1]))
    assert report.right, report.diagnosis


@settings(max_examples=60)
@given(networks_with_batches())
def test_both_passes_and_the_graph_agree(drawn):
    network, x, t = drawn
    structured = gradient(network, x, t)
    assert difference(graph_gradient(network, x, t).vector, structured) <= 1e-12
    network.explicit_jacobians = True
    assert difference(gradient(network, x, t), structured) <= 1e-12


def test_at_each_step_of_a_sequence():
    layers = [Recurrent(3, bias=False), Dense(2, bias=False), Softmax()]
    network = Network(layers, input=[4, 2], seed=1)
    x = np.random.default_rng(3).normal(size=(2, 4, 2))
    t = np.array([[0, 1, 1, 0], [1, 0, 0, 1]])
    assert check(network, x, t).right


def test_the_verbose_pass_writes_neither_b_nor_its_jacobian():
    entries = {entry.name: entry.formula for entry in trace(mixed(), ORIGIN, [1])}
    assert {name for name in entries if "b dense" in name} == {
        "b dense_2",
        "J_b dense_2",
        "∂L/∂b dense_2",
    }
    assert entries["z dense_1"] == "x W"
    assert entries["z dense_2"] == "a dense_1 W + b"


@pytest.mark.parametrize(
    ("layer", "shape", "formula"),
    [
        (Dense(2, bias=False), [3], "x W"),
        (Conv2D(1, 2, bias=False), [1, 3, 3], "W ∗ x"),
        (Recurrent(2, bias=False), [3, 2], "x(n) W + h(n−1) U at every step n"),
    ],
)
def test_formulas_name_what_is_there(layer, shape, formula):
    Network([layer], input=shape, loss="mse")
    assert layer.formula_of_z == formula


@pytest.mark.parametrize("kind", [{"size": 3}, {"type": "conv2d", "filters": 2, "size": 2}])
@given(start=st.sampled_from([[-1, 1], [0, 1], "zeros", None]))
def test_a_start_for_biases_that_are_not_there_is_refused(kind, start):
    layer = {**kind, "bias": False, "biases": start}
    network = {"input": [1, 4, 4], "loss": "mse", "layers": [layer, "flatten", {"size": 1}]}
    if kind == {"size": 3}:
        network = {"input": 4, "loss": "mse", "layers": [layer, {"size": 1}]}
    if start in ("zeros", None):
        assert load_config({"network": network}).network["layers"][0]["bias"] is False
        return
    with pytest.raises(ConfigError, match="with bias: false there are no biases to start"):
        load_config({"network": network})
