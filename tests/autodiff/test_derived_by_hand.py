"""The hand-derived activations, losses, softmax and networks against the graph's derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings

from chainrule.autodiff import activate, log_softmax, loss_of, softmax, variable, vjp
from chainrule.autodiff import gradient as derivative
from chainrule.autodiff.activations_and_losses import ACTIVATION_GRAPHS, LOSS_GRAPHS
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients.network_graph import graph_gradient, network_graph
from chainrule.nn.activations import ACTIVATIONS, Activation, activation
from chainrule.nn.jacobians import SoftmaxJacobian
from chainrule.nn.losses import FROM_LOGITS, LOSSES, Loss
from networks import (
    CLASS_LOSSES,
    batch_for,
    difference,
    gradient,
    network_for,
    networks_with_batches,
)

Z = np.concatenate([np.linspace(-30, 30, 601), [-700.0, -1e-9, 1e-9, 700.0]])
OPTIONS = [*ACTIVATIONS, {"type": "elu", "alpha": 0.3}, {"type": "leaky_relu", "slope": 0.2}]


def test_every_activation_and_loss_has_a_graph():
    assert set(ACTIVATIONS.values()) <= set(ACTIVATION_GRAPHS)
    assert {*LOSSES.values(), *map(type, FROM_LOGITS.values())} <= set(LOSS_GRAPHS)


@pytest.mark.parametrize("phi", OPTIONS, ids=str)
def test_activations_number_for_number(phi):
    """Each value and slope to 1e-13 of itself, however small it is."""
    by_hand = activation(phi)
    value, slope = by_hand.value(Z), by_hand.derivative(Z)
    found = vjp(lambda z: activate(z, phi), Z, np.ones_like(Z))
    assert (np.abs(activate(Z, phi).value - value) <= 1e-13 * np.abs(value)).all()
    assert (np.abs(found - slope) <= 1e-13 * np.abs(slope)).all()


@pytest.mark.parametrize("phi", OPTIONS, ids=str)
def test_activations_at_their_kinks(phi):
    by_hand = activation(phi)
    for kink in by_hand.kinks:
        assert derivative(lambda z: activate(z, phi), kink) == by_hand.derivative(np.array(kink))


@pytest.mark.parametrize("phi", OPTIONS, ids=str)
def test_second_derivatives_of_activations(phi):
    """By the complex step through the derivative by hand."""
    z = np.linspace(-6, 6, 60)
    slopes = activation(phi).derivative(z + 1e-30j)
    second = derivative(lambda z: vjp(lambda u: activate(u, phi), z, np.ones_like(z)).sum(), z)
    assert difference(np.imag(slopes) / 1e-30, second) <= 1e-13


@pytest.mark.parametrize("scale", [1.0, 10.0, 40.0])
def test_softmax(scale):
    rng = np.random.default_rng(0)
    z, g = scale * rng.normal(size=(50, 6)), rng.normal(size=(50, 6))
    s = softmax(z).value
    assert difference(SoftmaxJacobian(s).vjp(g), vjp(softmax, z, g)) <= 1e-13
    rows = zip(vjp(softmax, z, g), SoftmaxJacobian(s).vjp(g), strict=True)
    assert all(difference(b, a) <= 1e-13 for a, b in rows)


def test_log_softmax_keeps_its_digits_where_the_network_is_right():
    z = np.array([[40.0, 0.0, -3.0]])
    delta = derivative(lambda z: -log_softmax(z)[0, 0], z)
    others = np.exp(z[0, 1:] - 40)
    assert delta[0] == pytest.approx([-others.sum(), *others], rel=1e-14, abs=0)
    assert -log_softmax(z).value[0, 0] == pytest.approx(others.sum(), rel=1e-14, abs=0)


def loss_at(name, rng):
    """Outputs and prepared targets, rows as well as class numbers where both are taken."""
    loss = LOSSES[name]()
    y = rng.dirichlet(np.ones(4), 6) if "entropy" in name else 2 * rng.normal(size=(6, 4))
    targets = [2 * rng.normal(size=(6, 4))]
    if name in CLASS_LOSSES:
        targets = [rng.integers(0, 4, 6)]
    if name == "binary_cross_entropy":
        targets = [rng.uniform(size=(6, 4)), rng.integers(0, 2, (6, 4)).astype(float)]
    if name == "cross_entropy":
        targets += [rng.dirichlet(np.ones(4), 6)]
    return loss, y, [loss.prepare(t, 4, y.dtype) for t in targets]


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    loss, y, targets = loss_at(name, np.random.default_rng(5))
    for t in targets:
        assert loss_of(y, t, loss).value == pytest.approx(loss.value(y, t), rel=1e-14)
        found = derivative(lambda y, t=t: loss_of(y, t, loss), y)
        assert difference(loss.jacobian(y, t), found) <= 1e-13


@pytest.mark.parametrize("pair", FROM_LOGITS.items(), ids=lambda pair: pair[0][0])
def test_losses_from_logits(pair):
    (made_by, kind), from_logits = pair
    rng = np.random.default_rng(6)
    z = 8 * rng.normal(size=(6, 4))
    y = {"softmax": softmax, "sigmoid": lambda z: activate(z, "sigmoid")}[made_by](z).value
    name = next(n for n, k in LOSSES.items() if k is kind)
    for t in loss_at(name, rng)[2]:
        assert loss_of(z, t, from_logits).value == pytest.approx(
            from_logits.value(z, t), rel=1e-14
        )
        found = derivative(lambda z, t=t: loss_of(z, t, from_logits), z)
        for a, b in zip(from_logits.delta(z, y, t), found, strict=True):
            assert difference(a, b) <= 1e-13


def gradients_agree(network, x, t):
    """Every array to 1e-13 of its largest number, and the loss itself."""
    by_hand = gradient(network, x, t)
    found = graph_gradient(network, x, t)
    for segment in network.parameters.layout:
        part = slice(segment.start, segment.stop)
        assert difference(by_hand[part], found.vector[part]) <= 1e-13, segment.full_name
    assert network_graph(network, x, t).loss.value == pytest.approx(network.loss(x, t), rel=1e-13)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_with_every_loss(name, loss):
    network = network_for(name, loss, hidden=(5, 4), outputs=3, seed=2)
    rng = np.random.default_rng(7)
    gradients_agree(network, *batch_for(network, 6, rng))


@settings(max_examples=25)
@given(networks_with_batches())
def test_networks_of_any_shape(drawn):
    gradients_agree(*drawn)


@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("kind", ["L1", "L2"])
def test_penalties(kind, biases):
    network = network_for(penalty={"type": kind, "rate": 0.3, "biases": biases})
    gradients_agree(network, *batch_for(network, 4, np.random.default_rng(8)))


def test_a_wrong_derivative_is_found():
    network = network_for("tanh")
    x, t = batch_for(network, 4, np.random.default_rng(9))
    by_hand = gradient(network, x, t)
    network.layers[0].W[0, 0] += 1e-3
    assert difference(by_hand, graph_gradient(network, x, t).vector) > 1e-5


class Cubic(Activation):
    """An activation with a derivative by hand, unknown to the graph."""

    def value(self, z, out=None):
        return z**3

    def derivative(self, z, out=None):
        return 3 * z**2


class Fourth(Loss):
    """A loss with a derivative by hand, unknown to the graph."""

    def value(self, y, t):
        return ((y - t) ** 4).sum()

    def jacobian(self, y, t):
        return 4 * (y - t) ** 3


def test_a_class_unknown_to_the_graph_is_taken_with_its_own_derivative():
    z, t = np.array([[1.0, -2.0]]), np.zeros((1, 2))
    assert (derivative(lambda z: activate(z, Cubic()).sum(), z) == Cubic().derivative(z)).all()
    assert (derivative(lambda y: loss_of(y, t, Fourth()), z) == Fourth().jacobian(z, t)).all()


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda z: activate(z, Cubic()).sum(), "second derivative of Cubic .*activation_from"),
        (lambda z: loss_of(z, np.zeros(1), Fourth()), "second derivative of Fourth .*loss_from"),
    ],
)
def test_and_says_that_it_has_no_second(function, says):
    with pytest.raises(ShapeError, match=says):
        derivative(lambda z: derivative(function, z).sum(), np.array([1.0]))


def test_a_layer_without_a_graph_is_named(monkeypatch):
    monkeypatch.setattr("chainrule.gradients.network_graph.LAYERS", {})
    with pytest.raises(ConfigError, match="layer of type dense has no graph yet: dense_1"):
        network_graph(network_for(), np.ones((1, 3)), np.ones((1, 2)))


def test_nodes_of_a_network_have_their_names():
    graph = network_graph(network_for(), np.ones((1, 3)), np.ones((1, 2)))
    assert set(graph.parameters) == {"dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"}
    assert graph.outputs["dense_1"].name == "dense_1.a"
    assert (graph.loss.name, graph.x.name) == ("L", "x")
    assert variable(1.0).name is None
