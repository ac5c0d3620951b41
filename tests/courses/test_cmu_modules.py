"""CMU 10-601 homework 5: the modules, alone and in a row, and the check of each of them."""

from __future__ import annotations

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given
from hypothesis import strategies as st

from chainrule.core.errors import ShapeError

with on_path("cmu_10601_hw5"):
    import check_modules
    import letters
    import modules

seeds = st.integers(0, 10_000)


def rows(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def jacobian_by_differences(f, x, h=1e-6):
    """∂f/∂x of one case, (outputs, inputs)."""
    columns = [(f(x + h * e) - f(x - h * e))[0] / (2 * h) for e in np.eye(x.shape[1])[:, None]]
    return np.stack(columns, axis=1)


@given(seeds)
def test_linear(seed):
    x, W, b, g = rows(seed, 3, 4), rows(seed + 1, 4, 2), rows(seed + 2, 2), rows(seed + 3, 3, 2)
    linear = modules.Linear(4, 2)
    linear.W, linear.b = W, b
    assert linear.forward(x) == pytest.approx(x @ W + b, rel=1e-13)
    assert linear.backward(g) == pytest.approx(g @ W.T, rel=1e-13)
    assert linear.W_grad == pytest.approx(x.T @ g, rel=1e-12)
    assert linear.b_grad == pytest.approx(g.sum(axis=0), rel=1e-12)


def test_linear_starts_as_the_homework_says():
    linear = modules.Linear(200, 50, seed=3)
    assert np.abs(linear.W).max() <= 0.1
    assert not linear.b.any()
    assert np.array_equal(linear.W, modules.Linear(200, 50, seed=3).W)
    assert not np.array_equal(linear.W, modules.Linear(200, 50, seed=4).W)
    assert not modules.Linear(3, 2, "zeros").W.any()


@given(seeds)
def test_sigmoid(seed):
    z, g = 5 * rows(seed, 3, 4), rows(seed + 1, 3, 4)
    sigmoid = modules.Sigmoid()
    a = 1 / (1 + np.exp(-z))
    assert sigmoid.forward(z) == pytest.approx(a, rel=1e-13)
    assert sigmoid.backward(g) == pytest.approx(g * a * (1 - a), rel=1e-11)


@given(seeds)
def test_softmax(seed):
    z, g = rows(seed, 1, 5), rows(seed + 1, 1, 5)
    softmax = modules.Softmax()
    s = np.exp(z) / np.exp(z).sum()
    assert softmax.forward(z) == pytest.approx(s, rel=1e-13)
    J = np.diag(s[0]) - np.outer(s, s)
    assert softmax.backward(g)[0] == pytest.approx(g[0] @ J, rel=1e-10, abs=1e-14)
    assert pytest.approx(J, abs=1e-8) == jacobian_by_differences(softmax.forward, z)


@given(seeds)
def test_cross_entropy(seed):
    y = np.random.default_rng(seed).dirichlet(np.ones(4), 3)
    t = np.random.default_rng(seed).integers(0, 4, 3)
    loss = modules.CrossEntropy()
    assert loss.forward(y, t) == pytest.approx(-np.log(y[np.arange(3), t]).mean(), rel=1e-13)
    expected = np.zeros_like(y)
    expected[np.arange(3), t] = -1 / y[np.arange(3), t] / 3
    assert loss.backward() == pytest.approx(expected, rel=1e-13)
    assert loss.forward(y, np.eye(4)[t]) == loss.forward(y, t)


def test_a_true_class_of_probability_0_costs_infinity_without_a_warning():
    loss = modules.CrossEntropy()
    assert loss.forward(np.array([[1.0, 0.0]]), np.array([1])) == np.inf
    assert loss.backward()[0, 1] == -np.inf


@given(seeds)
def test_the_modules_in_a_row_are_the_network_that_the_program_trains(seed):
    x, t = rows(seed, 4, 6), np.random.default_rng(seed).integers(0, 10, 4)
    network = letters.letters_network(6, 5, 1, 0.1, seed=seed)
    network.theta = rows(seed + 1, len(network.theta))
    row = modules.NeuralNetwork(6, 5, 10)
    linear = row.modules[0], row.modules[2]
    for module, layer in zip(linear, network.layers, strict=False):
        module.W, module.b = layer.W, layer.b
    y, loss = row.forward(x, t)
    assert loss == pytest.approx(network.loss(x, t), rel=1e-12)
    assert y == pytest.approx(network.forward_pass(x), rel=1e-12)
    network.backward_pass(t, to_input=True)
    assert row.backward() == pytest.approx(network.input_gradient, rel=1e-9, abs=1e-13)
    for module, layer in zip(linear, network.layers, strict=False):
        assert module.W_grad == pytest.approx(layer.W_grad, rel=1e-9, abs=1e-13)
        assert module.b_grad == pytest.approx(layer.b_grad, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(
    "module", [modules.Linear(2, 3), modules.Sigmoid(), modules.Softmax()], ids=["W", "a", "s"]
)
def test_backward_follows_forward_and_fits_it(module):
    with pytest.raises(ShapeError, match="backward follows forward"):
        module.backward(np.ones((1, 3)))
    x = np.ones((2, 2))
    shape = module.forward(x).shape
    kept = x.copy()
    with pytest.raises(ShapeError, match="has the output's shape"):
        module.backward(np.ones((5, 9)))
    assert module.backward(np.ones(shape)).shape == x.shape
    assert np.array_equal(x, kept)


def test_targets_that_do_not_fit_are_told():
    with pytest.raises(ShapeError, match="2 cases have 3 targets"):
        modules.CrossEntropy().forward(np.full((2, 2), 0.5), np.array([0, 1, 0]))
    with pytest.raises(ShapeError, match="backward follows forward"):
        modules.CrossEntropy().backward()


# The check


@pytest.mark.exhaustive
@given(seeds)
def test_every_module_passes_the_check(seed):
    found = check_modules.errors(seed)
    assert {module for module, _, _ in found} == {
        "linear",
        "sigmoid",
        "softmax",
        "cross-entropy",
        "the network",
    }
    assert len(found) == 11
    assert max(error for _, _, error in found) < check_modules.LIMIT


@pytest.mark.parametrize("name", ["Linear", "Sigmoid", "Softmax", "CrossEntropy"])
def test_the_check_finds_a_derivative_wrong_by_a_thousandth(name, monkeypatch, capsys):
    module = getattr(modules, name)
    right = module.backward
    monkeypatch.setattr(module, "backward", lambda self, *g: 1.001 * right(self, *g))
    assert check_modules.main([]) == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = {line.split("∂/∂")[0].strip() for line in lines if "WRONG" in line}
    own = {"CrossEntropy": "cross-entropy"}.get(name, name.lower())
    assert own in wrong
    assert wrong <= {own, "the network"}


def test_the_check_prints_each_module_s_relative_error(capsys):
    assert check_modules.main(["--seed", "2", "--cases", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert all("relative error" in line and line.endswith("ok") for line in lines)
