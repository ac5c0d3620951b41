"""The check of every gradient: it finds what is wrong, names the place, and blames no kink."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import all_layers
from chainrule import Network
from chainrule.core.errors import ConfigError, DivergenceError, MissingExtraError, ShapeError
from chainrule.core.sequences import NO_CLASS
from chainrule.gradients import METHODS, Verdict, check, relative_error
from chainrule.gradients.network_graph import graph_gradient, network_graph
from chainrule.nn import Dense
from chainrule.nn.activations import ReLU, Tanh
from chainrule.nn.jacobians import BiasJacobian, InputJacobian, SoftmaxJacobian, WeightJacobian
from chainrule.nn.losses import LOSSES, MeanSquaredError, SoftmaxCrossEntropy
from chainrule.nn.penalties import L2
from networks import batch_for, network_for

QUICK = ["complex", "projection"]
NUMERIC = ["central", *QUICK]


def classifier(activation="tanh", **options):
    options = {"hidden": (4, 3), "outputs": 3, "penalty": {"type": "L2", "rate": 0.1}, **options}
    network = network_for(activation, "cross_entropy", **options)
    return network, *batch_for(network, 7, np.random.default_rng(0))


def scaled(monkeypatch, owner, name, factor=1.001, added=0.0):
    """Every result of a method, multiplied and moved."""
    right = getattr(owner, name)

    def wrong(self, *arguments, **options):
        result = right(self, *arguments, **options)
        result *= factor
        result += added
        return result

    monkeypatch.setattr(owner, name, wrong)


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "hinge"])
def test_a_right_network_is_right_by_every_method(loss):
    pytest.importorskip("torch", reason="needs the package torch")
    pytest.importorskip("jax", reason="needs the package jax")
    network = network_for("elu", loss, {"type": "L1", "rate": 0.1}, hidden=(4, 3), outputs=3)
    x, t = batch_for(network, 7, np.random.default_rng(0))
    before = network.theta.copy()
    report = check(network, x, t)
    assert report.right, report.diagnosis
    assert {f.method for f in report.parameters} == set(METHODS)
    assert {f.batch for f in report.parameters} == {f.batch for f in report.by_layer} == {1, 2}
    assert max(report.errors("central").values()) < 1e-8
    for method in ("complex", "projection", "torch", "jax"):
        assert max(report.errors(method).values()) < 1e-13
    assert set(report.errors()) == set(network.parameters)
    assert all(f.checked == f.total for f in report.parameters)
    assert np.array_equal(network.theta, before)


def test_each_derivative_is_checked_alone_in_the_order_of_the_backward_pass():
    network, x, t = classifier(hidden=(4,))
    names = list(check(network, x, t, methods=QUICK).errors_by_layer())
    assert names[:2] == ["loss.∂L/∂z", "loss.∂L/∂y"]
    assert names[2] == "softmax.∂s/∂z"
    local = ["∂a/∂z", "∂z/∂x", "∂z/∂W", "∂z/∂b"]
    found = [name for name in names if name.startswith("dense_") and "step" not in name]
    assert found == [f"dense_{k}.{what}" for k in (2, 1) for what in local]
    assert names[-1] == "penalty.∂P/∂θ"


LOCAL = {
    "activation": (Tanh, "derivative", "dense_2", "∂a/∂z"),
    "input": (InputJacobian, "vjp", "dense_3", "∂z/∂x"),
    "weights": (WeightJacobian, "vjp", "dense_3", "∂z/∂W"),
    "biases": (BiasJacobian, "vjp", "dense_3", "∂z/∂b"),
    "softmax": (SoftmaxJacobian, "vjp", "softmax", "∂s/∂z"),
    "loss": (SoftmaxCrossEntropy, "delta", "loss", "∂L/∂z"),
}


@pytest.mark.parametrize("factor", [1.001, 1.0001, -1.0])
@pytest.mark.parametrize("bug", LOCAL)
def test_a_wrong_derivative_is_found_and_its_place_is_named(monkeypatch, bug, factor):
    owner, method, place, what = LOCAL[bug]
    scaled(monkeypatch, owner, method, factor)
    network, x, t = classifier()
    report = check(network, x, t, methods=QUICK)
    found = report.first_wrong
    assert not report.right
    assert (found.place, found.what) == (place, what)
    assert found.error > min(1e-5, abs(factor - 1) / 4)
    assert f"it first goes wrong in {place} {what}" in report.diagnosis


def test_a_wrong_loss_of_the_outputs_is_found(monkeypatch):
    scaled(monkeypatch, MeanSquaredError, "derivative", 1.001)
    network = network_for("tanh", "mse")
    found = check(network, *batch_for(network, 4, np.random.default_rng(0)), methods=QUICK)
    assert (found.first_wrong.place, found.first_wrong.what) == ("loss", "∂L/∂y")


def test_a_wrong_penalty_is_found(monkeypatch):
    monkeypatch.setattr(L2, "derivative", lambda self, w: 1.001 * w)
    network, x, t = classifier()
    assert check(network, x, t, methods=QUICK).first_wrong.place == "penalty"


@pytest.mark.parametrize("array", ["W", "b"])
def test_a_layers_step_that_is_not_its_jacobians_is_found(monkeypatch, array):
    right = Dense.backward_from_delta

    def wrong(self, delta, **options):
        upstream = right(self, delta, **options)
        self._gradients[array][...] /= len(delta)
        return upstream

    monkeypatch.setattr(Dense, "backward_from_delta", wrong)
    network, x, t = classifier()
    found = check(network, x, t, methods=QUICK).first_wrong
    assert (found.place, found.what) == ("dense_3", f"step to {array}")


WHOLE = {
    "scaled by 1.0001": lambda g: np.multiply(g, 1.0001, out=g),
    "scaled by 1.001": lambda g: np.multiply(g, 1.001, out=g),
    "off by 1e-6": lambda g: np.add(g, 1e-6, out=g),
}


@pytest.mark.parametrize("bug", WHOLE)
@pytest.mark.parametrize("array", ["dense_1.W", "dense_3.b"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_one_wrong_array(monkeypatch, method, array, bug):
    if method in ("torch", "jax"):
        pytest.importorskip(method, reason=f"needs the package {method}")
    right = Network.backpropagate

    def wrong(self, t, **options):
        J = right(self, t, **options)
        WHOLE[bug](self.gradients[array])
        return J

    monkeypatch.setattr(Network, "backpropagate", wrong)
    network, x, t = classifier()
    report = check(network, x, t, methods=[method])
    assert {f.name for f in report.parameters if f.verdict is Verdict.WRONG} == {array}
    assert report.first_wrong.name == array
    assert "layer by layer every derivative is right, but not" in report.diagnosis


def test_what_one_batch_leaves_behind_is_found_in_the_next(monkeypatch):
    right = Network.backpropagate

    def accumulating(self, t, **options):
        before = self.gradients.vector.copy()
        J = right(self, t, **options)
        self.gradients.vector += getattr(self, "runs", 0) * before
        self.runs = 1
        return J

    monkeypatch.setattr(Network, "backpropagate", accumulating)
    network, x, t = classifier()
    report = check(network, x, t, methods=["complex"])
    assert {f.batch for f in report.parameters if f.verdict is Verdict.WRONG} == {2}


# Kinks


def at_a_kink(activation="relu", bias=0.0):
    """One unit of the first layer lies where ``bias`` says, in one case."""
    network = network_for(activation, "mse", hidden=(3,), inputs=2, seed=1)
    network.layers[0].b = [bias, 0.7, -0.6]
    network.layers[1].b = [3.0, 3.0]  # alive
    x = np.array([[0.0, 0.0], [1.0, -2.0], [0.5, 0.9]])
    return network, x, np.ones((3, 2))


@pytest.mark.parametrize("method", NUMERIC)
def test_a_relu_at_0_is_a_kink_and_no_error(method):
    network, x, t = at_a_kink()
    report = check(network, x, t, methods=[method])
    assert report.right, report.diagnosis
    assert "batch 1: 1 on a kink: z of dense_1 at 0" in report.notes


def test_the_numbers_at_a_kink_are_left_out_and_counted():
    network, x, t = at_a_kink()
    found = check(network, x, t, methods=["central"]).parameters
    kinks = {(f.name, f.batch): f.at_kinks for f in found if f.verdict is Verdict.KINK}
    assert kinks == {("dense_1.b", 1): 1}
    assert max(f.error for f in found) < 1e-8


@pytest.mark.parametrize("bias", [1e-3, -5e-4, 1e-5])
def test_near_a_kink_smaller_steps_are_taken(bias):
    network, x, t = at_a_kink(bias=bias)
    report = check(network, x, t, methods=["central"])
    assert report.right, report.diagnosis
    assert {f.verdict for f in report.parameters} == {Verdict.RIGHT}


@pytest.mark.parametrize("method", NUMERIC)
def test_an_error_beside_a_kink_is_an_error(monkeypatch, method):
    scaled(monkeypatch, ReLU, "derivative", 1.001)
    network, x, t = at_a_kink()
    report = check(network, x, t, methods=[method])
    wrong = {f.name for f in report.parameters if f.verdict is Verdict.WRONG}
    assert {"dense_1.W", "dense_1.b"} <= wrong
    assert (report.first_wrong.place, report.first_wrong.what) == ("dense_2", "∂a/∂z")


@pytest.mark.parametrize("method", NUMERIC)
def test_a_weight_of_0_is_a_kink_of_l1(method):
    network = network_for("tanh", "mse", {"type": "L1", "rate": 0.1})
    network.layers[0].W[1, 2] = 0.0
    x, t = batch_for(network_for("tanh", "mse"), 4, np.random.default_rng(0))
    report = check(network, x, t, methods=[method])
    assert report.right, report.diagnosis
    assert any("w of the penalty at 0" in note for note in report.notes)


@pytest.mark.parametrize("loss", ["mae", "hinge", "huber"])
def test_a_loss_at_its_kink_is_no_error(loss):
    network = network_for("linear", loss, hidden=(), inputs=2, outputs=2)
    network.theta = 0.0
    x = np.random.default_rng(0).normal(size=(3, 2))
    t = [0, 1, 1] if loss == "hinge" else np.full((3, 2), 1.0 if loss == "huber" else 0.0)
    if loss == "hinge":
        network.layers[0].b = [0.0, -1.0]
    report = check(network, x, t, methods=NUMERIC)
    assert report.right, report.diagnosis
    assert any("the loss" in note for note in report.notes)


def test_softsign_at_0_bends_but_is_right():
    network, x, t = at_a_kink("softsign")
    report = check(network, x, t, methods=NUMERIC)
    assert report.right, report.diagnosis


# Networks and data that are hard to differentiate by numbers


def test_a_trained_network_has_a_gradient_of_rounding_and_is_right():
    network = network_for("linear", "mse", hidden=())
    x, t = batch_for(network, 12, np.random.default_rng(0))
    for _ in range(3000):
        network.loss(x, t)
        network.theta -= 0.1 * network.backward_pass(t).vector
    report = check(network, x, t, methods=NUMERIC)
    assert report.right, report.diagnosis


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_targets_between_0_and_1_that_are_all_but_met_are_right(loss):
    network = network_for("tanh", loss, outputs=3)
    x = np.random.default_rng(0).normal(size=(6, 3))
    t = network.forward_pass(x)
    near = t + 1e-7 * np.array([1.0, -2.0, 1.0])
    report = check(network, x, near, methods=NUMERIC)
    assert report.right, report.diagnosis


def test_inputs_that_are_not_scaled_are_right():
    network = network_for("tanh", "mse", inputs=3)
    x = np.random.default_rng(0).integers(0, 256, (6, 3))
    report = check(network, x, np.zeros((6, 2)), methods=NUMERIC)
    assert report.right, report.diagnosis


def test_outputs_that_are_nearly_certain_are_right():
    network = network_for("tanh", "cross_entropy", outputs=3)
    network.layers[1].W *= 40
    x, t = np.random.default_rng(0).normal(size=(5, 3)), [0, 1, 2, 0, 1]
    report = check(network, x, t, methods=NUMERIC)
    assert report.right, report.diagnosis


def test_a_large_network_is_checked_by_chosen_numbers_and_whole_projections(monkeypatch):
    network = network_for("tanh", "mse", inputs=40, hidden=(30,))
    x, t = np.random.default_rng(0).normal(size=(4, 40)), np.zeros((4, 2))
    report = check(network, x, t, methods=QUICK, coordinates=6)
    checked = {f.name: f.checked for f in report.parameters if f.method == "complex"}
    assert checked == {"dense_1.W": 6, "dense_1.b": 6, "dense_2.W": 6, "dense_2.b": 2}
    assert {f.checked for f in report.parameters if f.name == "dense_1.W"} == {6, 1200}
    right = Network.backpropagate

    def wrong(self, t, **options):
        J = right(self, t, **options)
        self.gradients["dense_1.W"][7, 8] *= 1.001
        return J

    monkeypatch.setattr(Network, "backpropagate", wrong)
    found = check(network, x, t, methods=["projection"]).first_wrong
    assert found.name == "dense_1.W"


def test_one_case_makes_both_batches():
    network, x, t = classifier()
    report = check(network, x[:1], t[:1], methods=QUICK)
    assert report.right
    assert {f.batch for f in report.parameters} == {1, 2}


def test_explicit_jacobians_are_checked_as_they_are_used(monkeypatch):
    network, x, t = classifier(explicit_jacobians=True)
    assert check(network, x, t, methods=QUICK).right
    scaled(monkeypatch, SoftmaxJacobian, "_dense", 1.001)
    found = check(network, x, t, methods=QUICK)
    assert (found.first_wrong.place, found.first_wrong.what) == ("softmax", "∂s/∂z")


# What cannot be checked


def test_float32_is_refused():
    network, x, t = classifier(dtype="float32")
    with pytest.raises(ConfigError, match="checked in float64, found a network in float32"):
        check(network, x, t)


def test_an_unknown_method_is_refused_with_the_nearest():
    network, x, t = classifier()
    with pytest.raises(ConfigError, match="did you mean 'complex'"):
        check(network, x, t, methods=["komplex"])


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_a_library_that_is_asked_for_must_be_there(monkeypatch, library):
    monkeypatch.setattr("chainrule.gradients.checking.find_spec", lambda name: None)
    network, x, t = classifier()
    with pytest.raises(MissingExtraError, match=rf"pip install 'chainrule\[{library}\]'"):
        check(network, x, t, methods=[library])


def test_libraries_that_are_not_there_are_noted(monkeypatch):
    there = lambda name: None if name in ("torch", "jax") else find_spec(name)  # noqa: E731
    monkeypatch.setattr("chainrule.gradients.checking.find_spec", there)
    network, x, t = classifier()
    report = check(network, x, t)
    assert {f.method for f in report.parameters} == set(NUMERIC)
    assert {"not by torch: it is not installed", "not by jax: it is not installed"} <= set(
        report.notes
    )


def test_no_cases_and_a_loss_that_is_infinite_are_refused():
    network, x, t = classifier()
    with pytest.raises(ShapeError, match="at least one case"):
        check(network, x[:0], t[:0])
    network = network_for("linear", "mse", hidden=())
    network.layers[0].b = np.inf
    with pytest.raises(DivergenceError, match="the loss is inf"):
        check(network, np.ones((2, 3)), np.ones((2, 2)))


# Cases of unequal weight

WEIGHTS = np.array([0.5, 3.0, 0.0, 1.0, 2.0, 0.25, 1.0])


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gradient_of_a_weighted_loss_is_checked_by_every_method(loss):
    pytest.importorskip("torch", reason="needs the package torch")
    pytest.importorskip("jax", reason="needs the package jax")
    network = network_for("tanh", loss, {"type": "L2", "rate": 0.1}, outputs=3)
    x, t = batch_for(network, 7, np.random.default_rng(0))
    report = check(network, x, t, weights=WEIGHTS)
    assert report.right, report.diagnosis
    assert {f.method for f in report.parameters} == set(METHODS)
    for method in ("complex", "projection", "torch", "jax"):
        assert max(report.errors(method).values()) < 1e-12


@pytest.mark.parametrize("case", ["recurrent, truncated", "recurrent, given start", "dropout"])
def test_weighted_sequences_truncations_and_masks_are_checked(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 7)
    report = check(network, x, t, weights=WEIGHTS, methods=QUICK)
    assert report.right, report.diagnosis


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_weights_that_the_backward_pass_forgets_are_found_at_the_loss(monkeypatch, loss):
    network = network_for("tanh", loss, outputs=3)
    x, t = batch_for(network, 7, np.random.default_rng(0))
    monkeypatch.setattr("chainrule.nn.network.times_weights", lambda J, weights: J)
    assert not check(network, x, t, weights=WEIGHTS, methods=QUICK).right
    monkeypatch.setattr("chainrule.gradients.layer_by_layer.times_weights", lambda J, weights: J)
    report = check(network, x, t, weights=WEIGHTS, methods=QUICK)
    assert {f.place for f in report.by_layer if f.verdict is Verdict.WRONG} == {"loss"}


def test_a_network_as_a_graph_weights_its_cases_as_well():
    network = all_layers.network("recurrent, given start")
    x, t = all_layers.batch(network, 7)
    t[1] = NO_CLASS  # a case without a target adds nothing
    value = network.loss(x, t, weights=WEIGHTS)
    gradient = network.backward_pass(t, weights=WEIGHTS).vector.copy()
    graph = network_graph(network, x, t, WEIGHTS)
    assert float(graph.loss.value) == pytest.approx(value, rel=1e-14)
    assert relative_error(graph_gradient(network, x, t, WEIGHTS).vector, gradient) < 1e-13
