"""How far rounding moves a gradient: measured against the same gradient in 80-bit numbers."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.gradients.rounding import rounding
from chainrule.nn import Recurrent
from chainrule.nn.activations import ACTIVATIONS, Gated
from chainrule.nn.activations import activation as activation_of
from networks import normal

GATED = sorted(name for name, kind in ACTIVATIONS.items() if issubclass(kind, Gated))
WIDE = pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="long double has no more digits here"
)


def slopes_zero(activation):
    """Where φ' of a gated activation is 0, by halving."""
    function, low, high = activation_of(activation), -2.0, 0.0
    for _ in range(60):
        middle = (low + high) / 2
        if function.derivative(np.array([middle]))[0] < 0:
            low = middle
        else:
            high = middle
    return low


def network_near_the_zero(activation, distance):
    """One unit in the last layer whose z is so far from where φ' is 0."""
    network = Network([Dense(3, "tanh"), Dense(1, activation)], input=2, loss="mse", seed=1)
    x = normal((1, 2))
    network.forward_pass(x)
    last = network.layers[1]
    last.b = last.b + slopes_zero(activation) + distance - last.z[0]
    return network, network.prepare_inputs(x), network.prepare_targets([[1.0]])


def in_80_bits(network, x, t):
    """The gradient by the complex step in numbers of 80 bits."""
    theta, step = network.theta.astype(np.clongdouble), np.longdouble(1e-30)
    found = np.empty(len(theta), np.longdouble)
    for k in range(len(theta)):
        moved = theta.copy()
        moved[k] += 1j * step
        found[k] = np.imag(network.loss(x.astype(np.longdouble), t, moved)) / step
    return found


@WIDE
@pytest.mark.parametrize("activation", ["silu", "mish"])  # erfc has no 80 bits
@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-6])
def test_near_a_zero_of_the_slope_it_says_how_many_digits_are_left(activation, distance):
    network, x, t = network_near_the_zero(activation, distance)
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    off = np.linalg.norm(gradient - in_80_bits(network, x, t))
    one = np.linalg.norm(rounding(network, x, t, rng=np.random.default_rng(0)).gradient)
    assert off <= 10 * one
    assert one <= 1e-14 * np.linalg.norm(gradient) / distance


@pytest.mark.parametrize("activation", GATED)
def test_it_goes_by_the_terms_of_the_slope(activation, monkeypatch):
    network, x, t = network_near_the_zero(activation, 1e-3)
    one = rounding(network, x, t, rng=np.random.default_rng(0)).gradient
    terms = Gated.slope_terms
    monkeypatch.setattr(Gated, "slope_terms", lambda self, z: 100 * terms(self, z))
    assert np.linalg.norm(rounding(network, x, t, rng=np.random.default_rng(0)).gradient) > 20 * (
        np.linalg.norm(one)
    )


@pytest.mark.parametrize("activation", GATED)
def test_it_grows_as_the_slope_vanishes(activation):
    shares = []
    for distance in (1e-2, 1e-5):
        network, x, t = network_near_the_zero(activation, distance)
        one = rounding(network, x, t, rng=np.random.default_rng(0)).gradient
        network.loss(x, t)
        shares.append(np.linalg.norm(one) / np.linalg.norm(network.backward_pass(t).vector))
    assert 300 < shares[1] / shares[0] < 3000


@pytest.mark.parametrize("activation", GATED)
def test_the_terms_of_a_slope_are_those_that_are_added(activation):
    function, z = activation_of(activation), np.linspace(-6, 6, 49)
    gate = function.value(z[z != 0]) / z[z != 0]
    found = function.slope_terms(z)
    slope = function.derivative(z)
    assert (found >= np.abs(slope) * (1 - 1e-15)).all()
    assert found[z != 0] == pytest.approx(np.abs(gate) + np.abs(slope[z != 0] - gate), rel=1e-12)
    near = np.array([slopes_zero(activation)])
    assert function.slope_terms(near)[0] > 0.1
    assert np.abs(function.derivative(near)[0]) < 1e-14


@pytest.mark.parametrize("activation", ["silu", "tanh"])
def test_the_network_is_as_before(activation):
    layers = [Recurrent(2, activation), Dense(2, activation), Dense(1, activation)]
    network = Network(layers, input=[3, 2], loss="mse", seed=1)
    x, t = network.prepare_inputs(normal((2, 3, 2))), network.prepare_targets(normal((2, 3, 1)))
    theta, own = network.theta.copy(), [layer.activation for layer in layers]
    assert (rounding(network, x, t, rng=np.random.default_rng(0)).gradient > 0).all()
    assert np.array_equal(network.theta, theta)
    assert [layer.activation for layer in layers] == own
