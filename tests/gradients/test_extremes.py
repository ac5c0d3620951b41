"""Numbers far from 1: the check accuses nobody who is right, and still finds a thousandth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.gradients import METHODS, Verdict, check, relative_error
from chainrule.gradients.checking import autograd
from chainrule.gradients.kinks import undecided
from chainrule.gradients.rounding import rounding
from chainrule.gradients.whole_network import Point, steadiest
from chainrule.nn import Flatten, MaxPool2D
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.activations import activation as activation_of
from chainrule.nn.losses import LOSSES, Huber
from networks import network_for, normal, targets_for

NUMERIC = ["central", "complex", "projection"]


def prepared(network, x, t):
    return network.prepare_inputs(x), network.prepare_targets(t)


def unscaled():
    """A table with an age and an income, and a softmax that underflows to 0."""
    network = Network([Dense(8), Dense(2), Softmax()], input=2, seed=0)
    rng = np.random.default_rng(1)
    x = np.stack([rng.integers(18, 70, 8), rng.integers(15_000, 90_000, 8)], axis=1)
    return network, x.astype(float), np.arange(8) % 2


def entry_times(monkeypatch, array, place, factor=1.001):
    """One number of the gradient multiplied."""
    right = Network.backpropagate

    def wrong(self, t, **options):
        J = right(self, t, **options)
        self.gradients[array][place] *= factor
        return J

    monkeypatch.setattr(Network, "backpropagate", wrong)


def test_an_unscaled_column_is_no_error():
    network, x, t = unscaled()
    network.forward_pass(x)
    assert (network.layers[-1].s == 0).any()
    report = check(network, x, t)
    assert report.right, report.diagnosis
    assert not report.unjudged
    assert 0 < report.worst < 1e-8


@pytest.mark.parametrize("row", [0, 1])
def test_the_entry_of_the_small_column_is_found_as_well(monkeypatch, row):
    network, x, t = unscaled()
    network.loss(x, t)
    entry = network.backward_pass(t)["dense_1.W"][row]
    unit = int(np.abs(entry).argmax())
    entry_times(monkeypatch, "dense_1.W", (row, unit))
    wrong = [f for f in check(network, x, t).parameters if f.verdict is Verdict.WRONG]
    assert {f.name for f in wrong} == {"dense_1.W"}
    assert {f.worst for f in wrong if f.method == "complex"} == {(row, unit)}
    assert max(f.error for f in wrong if f.method == "complex") == pytest.approx(5e-4, rel=1e-2)


def test_where_all_lies_on_a_kink_no_error_of_1_is_told():
    network = Network([Dense(8), Dense(3), Softmax()], input=4, seed=0)
    report = check(network, np.zeros((9, 4)), np.arange(9) % 3, methods=NUMERIC)
    assert report.right, report.diagnosis
    assert report.worst < 1e-8
    assert Verdict.KINK in {f.verdict for f in report.parameters if f.name == "dense_1.b"}


def test_terms_that_cancel_are_told_in_roundings():
    """Behind a softmax the signs of the mean absolute error add up to nothing."""
    layers = [Dense(3, "tanh"), Dense(2), Softmax()]
    network = Network(layers, input=3, loss="mae", seed=0)
    report = check(network, normal((6, 3)), np.full((6, 2), 5.0), methods=["complex"])
    assert report.right, report.diagnosis
    assert report.worst < 1e-14
    assert 0 < report.roundings < 50
    assert any(f.compared == 0 for f in report.parameters if f.roundings)


def test_a_method_without_digits_says_so_and_another_judges():
    """Of a loss of 1e12 a change of 1e-10 is not seen."""
    layers = [Dense(2, "tanh", name="small"), Dense(1, "linear", weights=[-1e-8, 1e-8])]
    network = Network(layers, input=2, loss="mse", seed=0)
    x, t = normal((4, 2)), np.full((4, 1), 1e6)
    report = check(network, x, t, methods=NUMERIC)
    verdicts = {f.method: f.verdict for f in report.parameters if f.name == "small.W"}
    assert verdicts["central"] is Verdict.UNJUDGED
    assert verdicts["complex"] is verdicts["projection"] is Verdict.RIGHT
    assert report.right
    assert not report.unjudged
    alone = check(network, x, t, methods=["central"])
    assert alone.right
    assert set(alone.unjudged) == {"small.W", "small.b"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_squares_that_are_no_numbers_hide_nothing(monkeypatch, method, scale):
    if method in ("torch", "jax"):
        pytest.importorskip(method, reason=f"needs the package {method}")
    network = network_for("linear", "mae", hidden=(3,))
    network.layers[0].W *= scale
    x, t = normal((5, 3)), np.full((5, 2), -1.0)
    assert check(network, x, t, methods=[method]).right
    entry_times(monkeypatch, "dense_2.W", ...)
    assert not check(network, x, t, methods=[method]).right


def test_a_gradient_that_is_no_number_is_wrong(monkeypatch):
    network = network_for("tanh", "mse")
    x, t = normal((4, 3)), normal((4, 2))
    entry_times(monkeypatch, "dense_1.W", (0, 0), np.nan)
    for method in NUMERIC:
        report = check(network, x, t, methods=[method])
        assert report.first_wrong.name == "dense_1.W"


def test_a_library_without_a_number_does_not_judge(monkeypatch):
    pytest.importorskip("torch", reason="needs the package torch")
    nothing = lambda network, *rest: np.full(len(network.theta), np.nan)  # noqa: E731
    monkeypatch.setattr("chainrule.gradients.checking.autograd", nothing)
    network = network_for("tanh", "mse")
    report = check(network, normal((4, 3)), normal((4, 2)), methods=["torch", "complex"])
    assert report.right
    unjudged = {f.method for f in report.parameters if f.verdict is Verdict.UNJUDGED}
    assert unjudged == {"torch"}
    assert not report.unjudged


@settings(max_examples=15, deadline=None)
@given(
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    loss=st.sampled_from(sorted(LOSSES)),
    scales=st.lists(st.floats(-8, 8), min_size=3, max_size=3),
    seed=st.integers(0, 1000),
)
def test_at_any_scale_right_is_right_and_a_thousandth_is_wrong(activation, loss, scales, seed):
    network = network_for(activation, loss, hidden=(2,), seed=seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 3)) * 10 ** scales[0]
    t = targets_for(network, 3, rng)
    for layer, scale in zip(network.layers, scales[1:], strict=False):
        layer.W *= 10**scale
    report = check(network, x, t, methods=NUMERIC)
    assert report.right, report.diagnosis
    network.loss(x, t)
    gradient = network.backward_pass(t)["dense_1.W"].copy()
    noise = rounding(network, *prepared(network, x, t), rng=rng).gradient[: gradient.size]
    place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
    if np.abs(gradient[place]) < 1e6 * noise.reshape(gradient.shape)[place]:
        return  # there is nothing, or nothing but rounding
    with pytest.MonkeyPatch.context() as patch:
        entry_times(patch, "dense_1.W", place)
        assert not check(network, x, t, methods=["complex"]).right


# What the verdicts are made of


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1.0, 1e160, 1e300])
def test_the_relative_error_at_any_scale(scale):
    a, b = scale * np.array([3.0, 4.0]), scale * np.array([3.0, 4.004])
    assert relative_error(a, b) == pytest.approx(4e-4, rel=1e-3)


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_steadiest_step_suits_the_input(scale):
    network = network_for("tanh", "mse", hidden=(2,))
    x, t = prepared(network, scale * normal((3, 3)), normal((3, 2)))
    network.layers[0].W /= scale
    rng = np.random.default_rng(0)
    noise = rounding(network, x, t, rng=rng)
    loss = network.loss(x, t)
    gradient = network.backward_pass(t).vector
    point = Point(network, x, t, None, gradient, loss, noise, (), 1, rng)
    for i in range(6):
        value, error, _ = steadiest(point, i, noise.loss)
        assert abs(value - gradient[i]) <= error < 1e-7 * abs(gradient[i])


def test_numbers_whose_side_rounding_decides():
    network = Network([Dense(2, "relu"), Dense(1)], input=2, loss="mse", seed=0)
    network.layers[0].W = [[0.1, 0.1], [0.2, 0.2]]
    network.layers[0].b = [-0.3 + 1e-17, -0.3 + 1e-12]
    near, *_ = undecided(
        network, *prepared(network, [[1.0, 1.0]], [[1.0]]), rng=np.random.default_rng(0)
    )
    assert near.tolist() == [[True, False]]


def test_a_wrong_gradient_is_not_excused_by_a_kink_that_is_merely_near(monkeypatch):
    """With inputs of 1e8 a step of 1e-9 would cross it."""
    network = Network([Dense(2, "relu"), Dense(1)], input=2, loss="mse", seed=0)
    network.layers[0].W = [[1e-8, 1e-8], [0.0, 0.0]]
    network.layers[0].b = [-0.97, -0.95]
    entry_times(monkeypatch, "dense_1.W", (0, 0))
    report = check(network, [[1e8, 1.0]], [[7.0]], methods=["complex"])
    assert report.first_wrong.name == "dense_1.W"


@pytest.mark.parametrize("z", [-40.0, -30.0, -5.0, 0.0, 2.0, 30.0])
def test_a_complex_softplus_keeps_its_real_part(z):
    value = activation_of("softplus").value(np.array([z + 1e-30j]))
    assert value.real == pytest.approx(activation_of("softplus").value(np.array([z])), rel=1e-15)


@pytest.mark.parametrize("z", [-1e12, -3.0, -0.5, 1e-9, 0.7, 5.0, 1e8])
def test_a_complex_softsign_keeps_its_derivative(z):
    softsign = activation_of("softsign")
    moved = softsign.value(np.array([z + 1e-30j]))
    assert moved.imag / 1e-30 == pytest.approx(softsign.derivative(np.array([z])), rel=1e-14)
    assert moved.real == pytest.approx(softsign.value(np.array([z])), rel=1e-14)


def test_the_kink_of_huber_moves_with_complex_outputs():
    distance = Huber(1.0).from_kinks(np.array([[-3.0 + 1e-30j]]), np.array([[1.0]]))
    assert distance.item() == 3.0 - 1e-30j


# The libraries' functions far out


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("activation", ["softsign", "elu", "selu"])
def test_the_libraries_functions_have_digits_near_0_and_far_out(library, activation):
    pytest.importorskip(library, reason=f"needs the package {library}")
    network = Network([Dense(1, activation)], input=1, loss="mae")
    for z in (-90.0, -1e-9, 1e-9, 1e7):
        network.layers[0].W = [[z]]
        x, t = prepared(network, [[1.0]], [[-9.0]])
        network.loss(x, t)
        ours = network.backward_pass(t).vector.copy()
        assert autograd(network, library, x, t) == pytest.approx(ours, rel=1e-14)


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("size", [1.0, 40.0, 600.0, 1e6])
def test_the_libraries_softmax_has_digits_where_it_is_saturated(library, size):
    pytest.importorskip(library, reason=f"needs the package {library}")
    network = Network([Dense(3, "linear"), Softmax()], input=1, loss="mse")
    network.layers[0].W = [[-size, 0.0, size / 3]]
    x, t = prepared(network, [[1.0]], [[1.0, 0.0, 0.0]])
    network.loss(x, t)
    ours = network.backward_pass(t).vector.copy()
    assert autograd(network, library, x, t) == pytest.approx(ours, rel=1e-11, abs=1e-300)


def test_ties_of_saturated_units_are_kinks():
    layers = [MaxPool2D([1, 2]), Flatten(), Dense(1)]
    network = Network(layers, input=[1, 1, 2], loss="mse", seed=0)
    masks = undecided(
        network, *prepared(network, [[3.0, 3.0]], [[1.0]]), rng=np.random.default_rng(0)
    )
    assert masks[0].any()
