"""Every activation x loss x penalty against numeric differentiation, on consecutive batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Network
from chainrule.gradients import errors
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.losses import LOSSES

CENTRAL, COMPLEX = 1e-8, 1e-13
PENALTIES = {
    "none": None,
    "L1": {"type": "L1", "rate": 0.03},
    "L2": {"type": "L2", "rate": 0.03},
    "L2 on biases": {"type": "L2", "rate": 0.03, "biases": True},
    "L1 and L2": {"L1": 0.03, "L2": 0.05},
}
OUTPUT = {"cross_entropy": "linear", "binary_cross_entropy": "sigmoid"}


def network_for(activation, loss, penalty, *, inputs=3, hidden=(4, 2), outputs=3, seed=0):
    layers = [{"size": n, "activation": activation, "biases": [-1, 1]} for n in hidden]
    layers.append({"size": outputs, "activation": OUTPUT.get(loss, activation)})
    if loss == "cross_entropy":
        layers.append("softmax")
    config = {"input": inputs, "loss": loss, "penalty": PENALTIES[penalty], "layers": layers}
    return Network.from_config(config, seed=seed)


def targets_for(loss, cases, outputs, rng):
    if loss in ("cross_entropy", "hinge"):
        return rng.integers(0, outputs, cases)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, (cases, outputs)).astype(float)
    return rng.normal(size=(cases, outputs))


def is_off_the_kinks(network, x, t, loss, distance=4e-3):
    """Whether no derivative jumps within reach of a numeric step, and logits are within ±10."""
    y = network.forward_pass(x)
    for layer in network.layers:
        if layer.type == "dense":
            near = [np.abs(layer.z - kink).min() for kink in layer.activation.kinks]
            if (near and min(near) < distance) or np.abs(layer.z).max() > 10:
                return False
    if np.abs(network.theta[network.theta != 0]).min() < distance:  # the kink of L1
        return False
    if loss == "mae":
        return np.abs(y - t).min() > distance
    if loss == "huber":
        return np.abs(np.abs(y - t) - 1).min() > distance
    if loss == "hinge":
        margins = 1 + y - y[np.arange(len(y)), t][:, None]
        margins[np.arange(len(y)), t] = 1
        return np.abs(margins).min() > distance
    return True


def smooth_batch(network, loss, rng, cases, inputs, outputs):
    for _ in range(200):
        x = rng.normal(size=(cases, inputs))
        t = targets_for(loss, cases, outputs, rng)
        if is_off_the_kinks(network, x, t, loss):
            return x, t
    raise AssertionError("no batch off the kinks was found")


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_agree_with_numeric_ones_on_two_batches_of_one_object(activation, loss, penalty):
    rng = np.random.default_rng(7)
    network = network_for(activation, loss, penalty)
    for cases in (5, 2):
        x, t = smooth_batch(network, loss, rng, cases, 3, 3)
        assert max(errors(network, x, t).values()) <= CENTRAL
        assert max(errors(network, x, t, method="complex").values()) <= COMPLEX


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_explicit_jacobians_give_the_same_gradients(activation, loss):
    rng = np.random.default_rng(3)
    network = network_for(activation, loss, "L2")
    x, t = smooth_batch(network, loss, rng, 4, 3, 3)
    network.loss(x, t)
    fast = network.backward_pass(t).vector.copy()
    network.explicit_jacobians = True
    network.loss(x, t)
    dense = network.backward_pass(t).vector
    scale = np.abs(fast).max()
    assert np.abs(fast - dense).max() <= 1e-13 * scale


@settings(max_examples=60, deadline=None)
@given(
    activation=st.sampled_from([name for name in ACTIVATIONS if name != "relu"]),
    loss=st.sampled_from(["cross_entropy", "binary_cross_entropy", "mse", "log_cosh"]),
    hidden=st.lists(st.integers(1, 6), max_size=5),
    cases=st.integers(1, 5),
    inputs=st.integers(1, 5),
    outputs=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_any_shape_agrees_with_the_complex_step(
    activation, loss, hidden, cases, inputs, outputs, seed
):
    rng = np.random.default_rng(seed)
    network = network_for(
        activation, loss, "L2", inputs=inputs, hidden=hidden, outputs=outputs, seed=seed
    )
    x = rng.normal(size=(cases, inputs))
    t = targets_for(loss, cases, outputs, rng)
    for name, error in errors(network, x, t, method="complex").items():
        assert error <= 1e-12, name


def test_the_check_notices_a_derivative_wrong_by_a_thousandth(monkeypatch):
    right = ACTIVATIONS["tanh"].derivative
    wrong = lambda self, z, out=None: 1.001 * right(self, z, out)  # noqa: E731
    network = network_for("tanh", "mse", "none")
    monkeypatch.setattr(ACTIVATIONS["tanh"], "derivative", wrong)
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    assert max(errors(network, x, t).values()) > 1e-5


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("z", [-10.0, 9.7, 10.0])
@pytest.mark.parametrize("t", [0, 1])
def test_explicit_jacobians_keep_their_digits_at_the_ends_of_the_range(loss, z, t):
    layers = [{"size": 1, "activation": "sigmoid"}]
    if loss == "cross_entropy":
        layers = [{"size": 2, "activation": "linear"}, "softmax"]
    network = Network.from_config({"input": 1, "loss": loss, "layers": layers})
    network.layers[0].W = [[1.0]] if loss == "binary_cross_entropy" else [[0.0, 1.0]]
    gradients = []
    for explicit in (False, True):
        network.explicit_jacobians = explicit
        network.loss([[z]], [t])
        gradients.append(network.backward_pass([t]).vector.copy())
    fast, dense = gradients
    assert np.abs(fast - dense).max() <= 1e-13 * np.abs(fast).max()
