"""The numeric derivations, the checker itself, and backpropagation checked in every shape."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from chainrule import Dense, Network, Softmax
from chainrule.gradients import central_difference, complex_step, errors, relative_error
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.layers.dense import Dense as DenseLayer
from chainrule.nn.losses import LOSSES
from chainrule.nn.parameters import Parameters
from networks import (
    SHAPES,
    batch_for,
    gradient,
    network_for,
    networks_with_batches,
)

CENTRAL, COMPLEX = 1e-8, 1e-13
PENALTIES = [
    None,
    {"type": "L1", "rate": 0.05},
    {"type": "L2", "rate": 0.05},
    {"type": "L2", "rate": 0.05, "biases": True},
    {"type": "L1", "rate": 0.05, "biases": True},
]


def bumpy(v):
    return np.exp(v[0]) * np.sin(v[1]) + v[2] ** 3 / v[0]


def bumpy_gradient(v):
    a, b, c = v
    return np.array([np.exp(a) * np.sin(b) - c**3 / a**2, np.exp(a) * np.cos(b), 3 * c**2 / a])


POINT = np.array([0.7, 0.3, -1.1])


@pytest.mark.parametrize(("method", "good"), [(central_difference, 1e-11), (complex_step, 1e-15)])
def test_numeric_gradients_of_a_known_function(method, good):
    assert relative_error(method(bumpy, POINT), bumpy_gradient(POINT)) <= good


@pytest.mark.parametrize("method", [central_difference, complex_step])
def test_the_point_is_left_as_it_was_and_may_be_whole_numbers(method):
    point = np.array([1, 2, 3])
    found = method(bumpy, point)
    assert found == pytest.approx(bumpy_gradient(point), rel=1e-9)
    assert point.tolist() == [1, 2, 3]


@pytest.mark.parametrize("method", [central_difference, complex_step])
def test_one_number_moves_at_a_time(method):
    seen = []
    method(lambda v: seen.append(v.copy()) or v.sum(), POINT)
    assert all(np.sum(v != POINT) == 1 for v in seen)


def test_relative_error_by_hand():
    assert relative_error(np.array([3.0, 4.0]), np.array([0.0, 0.0])) == 1
    assert relative_error(np.array([1.0, 0.0]), np.array([-1.0, 0.0])) == 1
    assert relative_error(np.zeros(3), np.zeros(3)) == 0
    assert relative_error(np.array([[1.0]]), np.array([[1.001]])) == pytest.approx(5e-4, rel=1e-3)


def test_errors_are_by_name_and_leave_theta_alone():
    network = network_for(hidden=(3,))
    x, t = batch_for(network, 4, np.random.default_rng(0))
    before = network.theta.copy()
    assert list(errors(network, x, t)) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    assert np.array_equal(network.theta, before)


@pytest.mark.parametrize("method", ["central", "complex"])
@pytest.mark.parametrize("array", ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"])
@pytest.mark.parametrize("factor", [1.001, 1.0001, -1.0])
def test_the_checker_finds_one_wrong_array_among_right_ones(method, array, factor, monkeypatch):
    right = DenseLayer.backward_from_delta

    def wrong(self, delta, **options):
        J = right(self, delta, **options)
        name = array.removeprefix(f"{self.name}.")
        if name != array:
            self._gradients[name][...] *= factor
        return J

    monkeypatch.setattr(DenseLayer, "backward_from_delta", wrong)
    network = network_for(hidden=(3,))
    x, t = batch_for(network, 4, np.random.default_rng(0))
    found = errors(network, x, t, method=method)
    assert found.pop(array) == pytest.approx(abs(1 - factor) / (1 + abs(factor)), rel=1e-3)
    assert max(found.values()) <= CENTRAL


def assert_right(network, x, t):
    """Each array's gradient against both derivations, down to the rounding of the loss."""
    found = Parameters(network.parameters.layout, gradient(network, x, t))
    for method, tolerance, rounding in (
        (central_difference, CENTRAL, 1e-12),
        (complex_step, COMPLEX, 1e-16),
    ):
        vector = method(lambda theta: network.loss(x, t, theta), network.theta)
        numeric = Parameters(network.parameters.layout, vector)
        for name in found:
            size = np.linalg.norm(found[name]) + np.linalg.norm(numeric[name])
            error = np.linalg.norm(found[name] - numeric[name])
            assert error <= tolerance * size + rounding, (method.__name__, name)


PAIRS = list(product(ACTIVATIONS, LOSSES))


@pytest.mark.parametrize(("activation", "loss"), PAIRS)
def test_gradients_are_right_in_every_shape(activation, loss):
    """On two consecutive batches of one object, a batch of 1 and widths of 1 included."""
    rng = np.random.default_rng(11)
    turn = PAIRS.index((activation, loss)) % len(PENALTIES)
    penalties = PENALTIES[turn:] + PENALTIES[:turn]
    for (cases, inputs, hidden, outputs), penalty in zip(SHAPES, penalties, strict=True):
        network = network_for(
            activation, loss, penalty, inputs=inputs, hidden=hidden, outputs=outputs, seed=cases
        )
        for size in (cases, 2):
            assert_right(network, *batch_for(network, size, rng))


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_right_with_every_penalty(loss, penalty):
    network = network_for("silu", loss, penalty, hidden=(4, 2), outputs=3)
    for cases in (4, 3):
        x, t = batch_for(network, cases, np.random.default_rng(cases))
        assert max(errors(network, x, t).values()) <= CENTRAL
        assert max(errors(network, x, t, method="complex").values()) <= COMPLEX


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "log_cosh", "hinge", "cross_entropy"])
def test_every_loss_may_stand_behind_softmax(loss):
    layers = [Dense(4, "tanh"), Dense(3, weights=[-1, 1]), Softmax()]
    network = Network(layers, input=3, loss=loss, seed=2)
    for cases in (4, 1):
        rng = np.random.default_rng(3)
        x, t = batch_for(network, cases, rng)
        if not network.loss_function.for_classes:
            t = rng.dirichlet(np.ones(3), cases)
        assert max(errors(network, x, t).values()) <= CENTRAL
        assert max(errors(network, x, t, method="complex").values()) <= COMPLEX


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_targets_may_be_probabilities(loss):
    network = network_for("tanh", loss, outputs=3)
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=(5, 3)), rng.dirichlet(np.ones(3), 5)
    assert max(errors(network, x, t, method="complex").values()) <= COMPLEX


@settings(max_examples=60, deadline=None)
@given(networks_with_batches())
def test_gradients_of_any_chain_agree_with_the_complex_step(drawn):
    network, x, t = drawn
    numeric = complex_step(lambda theta: network.loss(x, t, theta), network.theta)
    assert relative_error(gradient(network, x, t), numeric) <= COMPLEX


@settings(max_examples=40, deadline=None)
@given(networks_with_batches())
def test_the_gradient_of_the_inputs_agrees_with_the_complex_step(drawn):
    network, x, t = drawn
    penalty = network.penalty_loss()
    numeric = complex_step(
        lambda v: network.loss(v.reshape(x.shape), t) - penalty, x.ravel()
    ).reshape(x.shape)
    network.forward_pass(x)
    network.backward_pass(t, to_input=True)
    assert relative_error(network.input_gradient, numeric) <= COMPLEX
