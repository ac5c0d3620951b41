"""The torch engine's functions: values and derivatives are those of the tables, to the digit."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")


from chainrule.nn import losses, penalties
from chainrule.nn.activations import ACTIVATIONS, ELU, LeakyReLU
from chainrule.nn.jacobians import SoftmaxJacobian
from chainrule.nn.layers.softmax import softmax
from chainrule.nn.losses import LOSSES, Huber
from chainrule.training.engines.torch import functions
from networks import difference

WIDE = np.concatenate([np.linspace(-60, 60, 2401), [-1e6, -700.0, -1e-9, 1e-300, 700.0, 1e6]])
PHIS = [kind() for kind in ACTIVATIONS.values()] + [LeakyReLU(slope=0.3), ELU(alpha=0.5)]


FORMS = ("plain", "precise", "formula")


def module_for(phi, form="precise"):
    return functions.ACTIVATIONS[type(phi)].made(form, phi)


def value_and_gradient(function, z):
    z = torch.tensor(z, requires_grad=True)
    value = function(z)
    value.sum().backward()
    return value.detach().numpy(), z.grad.numpy()


def elementwise_difference(a, b):
    """|a − b| / |a| where numbers are normal; results below that have fewer digits."""
    normal = np.abs(a) > 1e-290
    assert np.abs(b[~normal]).max(initial=0) < 1e-280
    return np.max(np.abs(a - b)[normal] / np.abs(a)[normal], initial=0)


def test_the_table_of_activations_is_complete():
    assert set(functions.ACTIVATIONS) == set(ACTIVATIONS.values())
    assert set(functions.LOSSES) == set(LOSSES.values())


@pytest.mark.parametrize("form", ["precise", "formula"])
@pytest.mark.parametrize("phi", PHIS, ids=repr)
def test_an_activation_keeps_its_digits_far_out(phi, form):
    value, slope = value_and_gradient(module_for(phi, form), WIDE)
    with np.errstate(under="ignore"):
        # gelu's tail: SciPy's erfc has 13 digits there, PyTorch's all
        assert elementwise_difference(phi.value(WIDE), value) < 1e-13
        # near −1.2 the slopes of silu and mish cross 0, where any two ways of writing differ
        assert elementwise_difference(phi.derivative(WIDE), slope) < 1e-12


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("phi", PHIS, ids=repr)
def test_every_form_is_the_same_function(phi, form):
    z = np.linspace(-4, 4, 101)
    value, slope = value_and_gradient(module_for(phi, form), z)
    assert difference(phi.value(z), value) < 1e-14
    assert difference(phi.derivative(z), slope) < 1e-14


@pytest.mark.parametrize("phi", PHIS, ids=repr)
def test_at_zero_the_slope_is_the_one_of_the_table(phi):
    zero = np.zeros(3)
    assert np.array_equal(value_and_gradient(module_for(phi), zero)[1], phi.derivative(zero))


@pytest.mark.parametrize("certain", [0, 40])
def test_softmax_goes_back_as_ours_where_it_is_certain(certain):
    rng = np.random.default_rng(3)
    z, g = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
    z[:, 1] += certain
    module = functions.SOFTMAX.made("precise", None)
    s, found = value_and_gradient(lambda z: module(z) * torch.tensor(g), z)
    assert difference(softmax(z) * g, s) < 1e-15
    for row, gradient in zip(SoftmaxJacobian(softmax(z)).vjp(g), found, strict=True):
        assert difference(row, gradient) < 1e-13


def entry_of(kind):
    """The engine's function, and ours with its derivative, for a class of loss."""
    for (output, loss), ours in losses.FROM_LOGITS.items():
        if loss is kind:
            squash = {"softmax": "softmax", "sigmoid": "sigmoid"}[output]
            return functions.LOSSES[kind].made("precise", kind()), ours, squash
    ours = kind()
    return functions.LOSSES[kind].made("precise", ours), ours, None


def outputs_of(z, squash):
    tensor = torch.from_numpy(z)
    return (torch.softmax(tensor, 1) if squash == "softmax" else torch.sigmoid(tensor)).numpy()


def targets_for(kind, rng, cases=7, outputs=4):
    if kind in (losses.CrossEntropy, losses.Hinge):
        return rng.integers(0, outputs, cases)
    if kind is losses.BinaryCrossEntropy:
        return rng.integers(0, 2, (cases, outputs)).astype(float)
    return rng.normal(size=(cases, outputs))


@pytest.mark.parametrize("scale", [0.01, 1, 30])
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient_keep_their_digits(name, scale):
    rng = np.random.default_rng(5)
    function, ours, squash = entry_of(LOSSES[name])
    z, t = scale * rng.normal(size=(7, 4)), targets_for(LOSSES[name], rng)
    value, gradient = value_and_gradient(lambda z: function(z, torch.from_numpy(t)), z)
    assert float(value) == pytest.approx(float(ours.value(z, t)), rel=1e-13, abs=0)
    expected = ours.jacobian(z, t) if squash is None else ours.delta(z, outputs_of(z, squash), t)
    assert difference(expected, gradient) < 1e-13


def test_a_confident_right_answer_has_a_small_loss_and_a_small_gradient():
    """p − 1 would be 0 here; the true class has minus the sum of the others."""
    z, t = np.array([[45.0, 0.0, 1.0]]), np.array([0])
    value, gradient = value_and_gradient(
        lambda z: functions.softmax_cross_entropy(z, torch.from_numpy(t)), z
    )
    others = np.exp([-45.0, -44.0])
    assert float(value) == pytest.approx(others.sum(), rel=1e-14, abs=0)
    assert gradient[0] == pytest.approx([-others.sum(), *others], rel=1e-14, abs=0)


def test_targets_that_are_distributions():
    rng = np.random.default_rng(6)
    t = rng.dirichlet([0.05] * 4, size=9)
    t[0] = [0, 0, 1, 0]
    z = 5 * rng.normal(size=(9, 4))
    ours = losses.SoftmaxCrossEntropy()
    value, gradient = value_and_gradient(
        lambda z: functions.softmax_cross_entropy(z, torch.from_numpy(t)), z
    )
    assert float(value) == pytest.approx(float(ours.value(z, t)), rel=1e-14, abs=0)
    assert difference(ours.delta(z, outputs_of(z, "softmax"), t), gradient) < 1e-14


def test_an_option_of_a_loss_is_used():
    y, t = np.array([[3.0]]), np.zeros((1, 1))
    function = functions.LOSSES[Huber].made("precise", Huber(delta=0.5))
    value, gradient = value_and_gradient(lambda y: function(y, torch.from_numpy(t)), y)
    assert (float(value), float(gradient[0, 0])) == (0.5 * (3 - 0.25), 0.5)


def test_the_table_of_penalties_is_complete():
    assert set(functions.PENALTIES) == set(penalties.PENALTIES)


@pytest.mark.parametrize("name", penalties.PENALTIES)
def test_a_penalty_and_its_derivative_at_0_too(name):
    w = np.array([-2.0, 0.0, 0.5])
    value, gradient = value_and_gradient(functions.PENALTIES[name], w)
    assert float(value) == penalties.PENALTIES[name].total(w)
    assert np.array_equal(gradient, penalties.PENALTIES[name].derivative(w))
