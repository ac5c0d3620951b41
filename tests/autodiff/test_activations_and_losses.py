"""Activations and losses of one's own without a derivative, in networks and by themselves."""

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.autodiff import activate, activation_from, hessian, loss_from, loss_of, softplus
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import complex_step, errors
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn.activations import GELU, Tanh
from chainrule.nn.losses import CrossEntropy, MeanSquaredError
from networks import batch_for, difference, gradient, network_for

Z = np.linspace(-4, 4, 12).reshape(3, 4)


def tanh_by_exponentials(z):
    e = np.exp(-2 * z)
    return (1 - e) / (1 + e)


def mean_square(y, t):
    return ((y - t) ** 2).mean()


def nll(y, t):
    return -np.log(y[np.arange(len(y)), t]).mean()


def test_an_activation_is_like_the_one_derived_by_hand():
    made = activation_from(tanh_by_exponentials)()
    assert made.value(Z) == pytest.approx(Tanh().value(Z), rel=1e-13)
    assert made.derivative(Z) == pytest.approx(Tanh().derivative(Z), rel=1e-11)
    assert type(made).__name__ == "tanh_by_exponentials"


def test_it_writes_where_it_is_told_and_keeps_the_type():
    made = activation_from(lambda z: z * z, name="Square")()
    z = Z.astype("float32")
    out = np.empty_like(z)
    assert made.value(z, out) is out
    assert made.derivative(z, out) is out
    assert (out == 2 * z).all()
    assert made.derivative(z).dtype == "float32"


def test_it_takes_complex_numbers():
    made = activation_from(lambda z: z * softplus(z), name="Own")()
    numeric = complex_step(lambda v: made.value(v).sum(), Z.reshape(-1))
    assert made.derivative(Z).reshape(-1) == pytest.approx(numeric, rel=1e-13, abs=1e-15)


def test_a_network_of_own_parts_passes_the_check():
    own = activation_from(lambda z: z * np.tanh(z), name="Own")
    loss = loss_from(lambda y, t: (np.sqrt(1 + (y - t) ** 2) - 1).mean(), name="Soft")
    layers = [Dense(4, own()), Dense(2, own())]
    network = Network(layers, input=3, loss=loss(), seed=1)
    x, t = np.random.default_rng(0).normal(size=(2, 5, 3))
    assert max(errors(network, x, t[:, :2], method="complex").values()) < 1e-13
    by_hand = gradient(network, x, t[:, :2])
    assert difference(by_hand, graph_gradient(network, x, t[:, :2]).vector) < 1e-13


def test_losses_are_like_those_derived_by_hand():
    rng = np.random.default_rng(1)
    y, t = rng.normal(size=(2, 5, 3))
    made = loss_from(mean_square)()
    assert made.value(y, t) == pytest.approx(MeanSquaredError().value(y, t), rel=1e-14)
    assert difference(MeanSquaredError().jacobian(y, t), made.jacobian(y, t)) < 1e-15
    p, classes = rng.dirichlet(np.ones(3), 5), rng.integers(0, 3, 5)
    made = loss_from(nll, for_classes=True)()
    assert made.prepare(classes, 3, p.dtype).tolist() == classes.tolist()
    assert difference(CrossEntropy().jacobian(p, classes), made.jacobian(p, classes)) < 1e-15


def test_they_have_higher_derivatives_too():
    own = activation_from(lambda z: z**3, name="Cube")()
    loss = loss_from(mean_square)()
    assert hessian(lambda z: activate(z, own).sum(), [2.0]).tolist() == [[12.0]]
    assert hessian(lambda y: loss_of(y, np.zeros(2), loss), np.ones(2)).tolist() == [
        [1, 0],
        [0, 1],
    ]


def test_kinks_are_said():
    made = activation_from(lambda z: np.where(z > 1, z, 1.0), kinks=[1], name="Floor")
    assert made.kinks == (1.0,)
    assert made().derivative(np.array([0.0, 2.0])).tolist() == [0.0, 1.0]


def test_a_logarithm_may_have_no_value_at_some_points():
    made = activation_from(lambda z: np.log(z), name="Log")()
    assert made.derivative(np.array([2.0])) == 0.5


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda z: z / z.sum(), "takes each number for itself, but Own of several"),
        (lambda z: z.sum(axis=-1), "takes each number for itself"),
        (np.arcsin, "Own cannot be an activation: np.arcsin is no operation of the graph"),
    ],
)
def test_what_is_no_activation_is_refused(function, says):
    with pytest.raises(ConfigError, match=says):
        activation_from(function, name="Own")


def test_a_loss_of_several_numbers_is_refused():
    made = loss_from(lambda y, t: (y - t) ** 2, name="Own")()
    with pytest.raises(ShapeError, match=r"loss Own gave the shape \(2, 3\), .*take the mean"):
        made.value(np.ones((2, 3)), np.zeros((2, 3)))


def test_it_stands_beside_the_library_in_one_network():
    own = activation_from(lambda z: activate(z, GELU()), name="Same")
    a = network_for("gelu", hidden=(4,))
    b = network_for(own(), hidden=(4,))
    x, t = batch_for(a, 3, np.random.default_rng(2))
    assert difference(gradient(a, x, t), gradient(b, x, t)) < 1e-14
