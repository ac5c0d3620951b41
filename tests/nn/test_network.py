"""The network: both passes by hand, what they keep, what is refused, and its symmetries."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import all_layers
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.core.randomness import stream
from chainrule.nn import Flatten
from chainrule.nn.activations import ACTIVATIONS
from chainrule.nn.initializers import INITIALIZERS, initializer
from chainrule.nn.losses import LOSSES
from chainrule.nn.penalties import PenaltySetting
from chainrule.training.optimizers import optimizer
from networks import (
    batch_for,
    difference,
    gradient,
    network_for,
    networks_with_batches,
    targets_for,
)
from rules import ELEMENT_WISE

SYMMETRY = 1e-13
X = np.random.default_rng(5).normal(size=(6, 3))
T = np.array([0, 1, 1, 0, 1, 0])
every_loss = pytest.mark.parametrize("loss", LOSSES)


def classifier(**options):
    return Network([Dense(4, "tanh"), Dense(2), Softmax()], input=3, seed=1, **options)


def tiny(penalty=None):
    """2 inputs, 2 tanh, 2 classes, with round weights: small enough to write out."""
    layers = [Dense(2, "tanh"), Dense(2), Softmax()]
    network = Network(layers, input=2, penalty=penalty)
    network.layers[0].W = [[0.5, -1.0], [2.0, 0.25]]
    network.layers[0].b = [0.1, -0.2]
    network.layers[1].W = [[1.0, -0.5], [0.75, 2.0]]
    network.layers[1].b = [0.0, 0.3]
    return network


# The loss is what the conventions say


def test_a_small_network_by_hand():
    """Two cases through tanh, softmax and cross-entropy, number by number."""
    network, x, t = tiny(), [[1.0, 2.0], [-1.0, 0.5]], [1, 0]
    losses, rows = [], []
    for (x1, x2), true in zip(x, t, strict=True):
        h1 = np.tanh(0.5 * x1 + 2.0 * x2 + 0.1)
        h2 = np.tanh(-1.0 * x1 + 0.25 * x2 - 0.2)
        z = [1.0 * h1 + 0.75 * h2 + 0.0, -0.5 * h1 + 2.0 * h2 + 0.3]
        total = exp(z[0]) + exp(z[1])
        rows.append([exp(z[0]) / total, exp(z[1]) / total])
        losses.append(-log(rows[-1][true]))
    assert network.forward_pass(x) == pytest.approx(np.array(rows), rel=1e-14)
    assert network.loss(x, t) == pytest.approx(sum(losses) / 2, rel=1e-14)


@pytest.mark.parametrize(
    ("penalty", "added", "slopes"),
    [
        (None, 0.0, (0.0, 0.0)),
        ({"type": "L2", "rate": 0.1}, 0.1 * 0.5 * 11.125, (0.1 * 2.0, 0.0)),
        ({"type": "L1", "rate": 0.1}, 0.1 * 8.0, (0.1, 0.0)),
        (
            {"type": "L2", "rate": 0.1, "biases": True},
            0.1 * 0.5 * (11.125 + 0.01 + 0.04 + 0.09),
            (0.1 * 2.0, 0.1 * -0.2),
        ),
        ({"type": "L1", "rate": 0.1, "biases": True}, 0.1 * (8.0 + 0.6), (0.1, -0.1)),
    ],
)
def test_a_penalty_is_added_once_over_weights_and_over_biases_if_asked(penalty, added, slopes):
    plain, punished = tiny(), tiny(penalty)
    x, t = [[1.0, 2.0], [-1.0, 0.5], [0.0, 1.0]], [1, 0, 1]
    assert punished.loss(x, t) - plain.loss(x, t) == pytest.approx(added, rel=1e-12)
    assert punished.loss(x, t, punished.theta) == pytest.approx(punished.loss(x, t), rel=1e-15)
    assert punished.penalty_loss() == pytest.approx(added, rel=1e-12)
    plain.loss(x, t)
    moved = punished.backward_pass(t).vector - plain.backward_pass(t).vector
    # dense_1.W[1, 0] is 2.0 and dense_1.b[1] is -0.2
    assert (moved[2], moved[5]) == pytest.approx(slopes, rel=1e-12)


@pytest.mark.parametrize("penalty", ["L1", {"type": "L2", "rate": 0.3, "biases": True}, None])
def test_the_gradient_of_the_penalty_is_what_it_adds(penalty):
    plain, punished = tiny(), tiny(penalty)
    x, t = [[1.0, 2.0], [-1.0, 0.5]], [1, 0]
    added = gradient(punished, x, t) - gradient(plain, x, t)
    found = punished.penalty_gradient()
    assert found == pytest.approx(added, rel=1e-12, abs=1e-15)
    assert np.array_equal(found, punished.penalty_gradient())


@pytest.mark.parametrize("penalty", ["L1", {"type": "L2", "rate": 0.3, "biases": True}, None])
def test_a_penalty_may_be_changed(penalty):
    changed, made = tiny("L2"), tiny(penalty)
    changed.penalty = penalty
    x, t = [[1.0, 2.0], [-1.0, 0.5]], [1, 0]
    assert changed.loss(x, t) == made.loss(x, t)
    assert np.array_equal(changed.backward_pass(t).vector, made.backward_pass(t).vector)
    with pytest.raises(ConfigError, match="L2"):
        changed.penalty = "L3"
    assert changed.penalty == made.penalty


@pytest.mark.parametrize("t", [[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [[k] for k in range(6)]], ids=str)
def test_values_of_a_regression_may_be_flat_or_a_column(t):
    """(n,) against (n, 1) must not become (n, n)."""
    network = Network([Dense(1, "linear")], input=3, loss="mse", seed=1)
    y = network.forward_pass(X)[:, 0]
    assert network.loss(X, t) == pytest.approx(np.mean((y - np.arange(6)) ** 2), rel=1e-14)
    assert network.backward_pass(t)["dense_1.b"] == pytest.approx([2 * np.mean(y - np.arange(6))])


def test_class_numbers_and_one_hot_rows_give_the_same_loss_and_gradient():
    network = classifier()
    rows = np.eye(2)[T]
    assert network.loss(X, rows) == pytest.approx(network.loss(X, T), rel=1e-15)
    assert difference(gradient(network, X, T), gradient(network, X, rows)) <= SYMMETRY


# What the passes keep


def test_loss_is_a_forward_pass_that_a_backward_pass_may_follow():
    one, two = classifier(), classifier()
    one.loss(X, T)
    two.forward_pass(X)
    assert np.array_equal(one.backward_pass(T).vector, two.backward_pass(T).vector)


def test_gradients_are_of_the_last_batch_alone():
    network = classifier()
    fresh = gradient(classifier(), X[:2], T[:2])
    for cases in (slice(None), slice(3, 6), slice(0, 2)):
        last = gradient(network, X[cases], T[cases])
    assert np.array_equal(last, fresh)
    network.backward_pass(T[:2])
    assert np.array_equal(network.gradients.vector, fresh)


def test_the_loss_elsewhere_keeps_nothing():
    network = classifier(penalty="L2")
    expected = gradient(network, X, T)
    before = network.theta.copy()
    network.forward_pass(X)
    network.loss(X[:3] + 1, T[:3], theta=network.theta + 0.5)
    network.loss(X[:1], T[:1], theta=network.theta.astype(complex))
    network.evaluate(network.prepare_inputs(X[:2]))
    assert np.array_equal(network.backward_pass(T).vector, expected)
    assert np.array_equal(network.theta, before)


@every_loss
def test_the_loss_at_another_vector_is_that_of_the_network_moved_there(loss):
    network, other = (network_for("tanh", loss, "L1") for _ in range(2))
    x, t = batch_for(network, 4, np.random.default_rng(1))
    other.theta += 0.25
    assert network.loss(x, t, other.theta) == other.loss(x, t)
    assert network.loss(x, t, list(other.theta)) == other.loss(x, t)


@every_loss
def test_the_loss_of_what_was_evaluated_is_without_the_penalty(loss):
    network = network_for("tanh", loss, "L1")
    x, t = batch_for(network, 4, np.random.default_rng(1))
    found = network.loss_of(*network.evaluate(x), network.prepare_targets(t))
    assert found + network.penalty_loss() == pytest.approx(network.loss(x, t), rel=1e-14)


def test_what_forward_pass_returns_is_the_callers_own():
    network = classifier()
    first = network.forward_pass(X)
    kept = first.copy()
    network.forward_pass(X + 1)
    assert np.array_equal(first, kept)
    expected = network.backward_pass(T).vector.copy()
    network.forward_pass(X + 1)[...] = 0
    assert np.array_equal(network.backward_pass(T).vector, expected)


@pytest.mark.parametrize("forward", ["forward_pass", "loss"])
def test_changing_the_inputs_after_the_forward_pass_changes_nothing(forward):
    network, x = classifier(), X.copy()
    expected = gradient(network, X, T)
    _ = network.forward_pass(x) if forward == "forward_pass" else network.loss(x, T)
    x[...] = 0
    assert np.array_equal(network.backward_pass(T).vector, expected)


def test_complex_inputs_stay_complex_and_move_the_loss():
    network, moved = classifier(), X + 1e-200j * np.ones_like(X)
    assert network.prepare_inputs(moved).dtype == "complex128"
    network.loss(X, T)
    network.backward_pass(T, to_input=True)
    along = network.loss(moved, T, network.theta).imag / 1e-200
    assert along == pytest.approx(network.input_gradient.sum(), rel=1e-13)


def test_the_gradient_of_the_inputs_is_there_where_it_was_asked_for():
    network = classifier()
    assert network.input_gradient is None
    network.forward_pass(X)
    network.backward_pass(T, to_input=True)
    assert network.input_gradient.shape == X.shape
    network.backward_pass(T)
    assert network.input_gradient is None


def test_unless_told_engines_go_back_to_the_parameters_alone():
    network = classifier()
    t = network.prepare_targets(T)
    network.propagate(X)
    assert network.backpropagate(t) is None
    assert network.backpropagate(t, to_input=True).shape == X.shape


@pytest.mark.parametrize("ends_in_softmax", [False, True])
def test_nothing_is_computed_that_nobody_wants(ends_in_softmax):
    layers = [Dense(3), Softmax()] if ends_in_softmax else [Dense(3)]
    network = Network(layers, input=3, loss="cross_entropy" if ends_in_softmax else "mse")
    asked = []
    for layer in layers:
        for name in ("backward_pass", "backward_from_delta"):
            way = getattr(layer, name)

            def told(J, *, to_input=True, way=way):
                asked.append(to_input)
                return way(J, to_input=to_input)

            setattr(layer, name, told)
    network.forward_pass(X)
    network.backward_pass(np.zeros(len(X), int))
    assert asked[-1] is False
    network.backward_pass(np.zeros(len(X), int), to_input=True)
    assert asked[-1] is True


# What may be given


def test_going_back_before_going_forward_is_refused():
    with pytest.raises(ShapeError, match=r"^there was no forward pass to go back through$"):
        classifier().backward_pass(T)


def test_going_back_from_complex_outputs_is_refused():
    network = classifier()
    network.forward_pass(X + 0j)
    with pytest.raises(ShapeError) as caught:
        network.backward_pass(T)
    assert str(caught.value) == (
        "the last forward pass was of complex inputs; a backward pass follows one of real inputs"
    )


def test_a_theta_that_is_no_numbers_is_refused():
    with pytest.raises(ShapeError, match=r"^the values of theta are numbers"):
        classifier().loss(X, T, ["a"] * 26)


@pytest.mark.parametrize("theta", [np.zeros(3), np.zeros((26, 1)), 0.0])
def test_a_theta_of_another_size_is_refused(theta):
    with pytest.raises(ShapeError, match="a vector of 26 parameters is expected"):
        classifier().loss(X, T, theta)


# θ


def test_views_never_break_off_from_theta():
    network = classifier()
    vector, W = network.theta, network.layers[0].W
    network.theta = np.arange(26.0)
    network.layers[0].b = [1, 2, 3, 4]
    network.parameters["dense_2.W"] = np.full((4, 2), 7)
    network.theta += 1
    assert network.theta is vector
    assert network.layers[0].W is W or np.shares_memory(network.layers[0].W, vector)
    assert W.ravel().tolist() == list(range(1, 13))
    assert network.layers[0].b.tolist() == [2, 3, 4, 5]
    assert np.all(network.layers[1].W == 8)
    assert vector[-2:].tolist() == [25, 26]


def test_gradients_by_layer_by_name_and_as_a_vector_are_one_memory():
    network = classifier()
    network.loss(X, T)
    found = network.backward_pass(T)
    assert found is network.gradients
    for layer in network.layers[:2]:
        for name, view in (("W", layer.W_grad), ("b", layer.b_grad)):
            assert np.shares_memory(view, found.vector)
            assert np.array_equal(view, found[f"{layer.name}.{name}"])
            assert np.array_equal(view, found.layer(layer.name)[name])


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros(1), np.zeros((26, 1))])
def test_theta_is_not_assigned_by_accident(value):
    network = classifier()
    before = network.theta.copy()
    with pytest.raises(ShapeError, match=r"theta has shape \(26,\)"):
        network.theta = value
    assert np.array_equal(network.theta, before)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_has_views_into_a_theta_of_its_own(duplicate):
    network = classifier()
    network.loss(X, T)
    twin = duplicate(network)
    assert np.array_equal(twin.backward_pass(T).vector, network.backward_pass(T).vector)
    twin.theta[...] = 0
    assert not twin.layers[0].W.any()
    assert network.theta.any()
    twin.layers[0].W_grad[...] = 3
    assert twin.gradients["dense_1.W"].min() == 3


def test_private_learning_rates_go_before_the_networks_and_that_before_the_default():
    layers = [Dense(2, learning_rate=0.01), Dense(2), Dense(2, learning_rate=0.0), Softmax()]
    network = Network(layers, input=3, learning_rate=0.5)
    expected = {"dense_1": 0.01, "dense_2": 0.5, "dense_3": 0.0}
    found = network.rates(default=9.0)
    assert found == {f"{k}.{name}": rate for k, rate in expected.items() for name in "Wb"}
    network.learning_rate = None
    assert network.rates(default=9.0)["dense_2.W"] == 9


@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_a_step_moves_each_layer_at_its_own_rate(rule):
    layers = [Dense(4, "tanh", learning_rate=0.0), Dense(2, learning_rate=0.03), Softmax()]
    network = Network(layers, input=3, learning_rate=0.1, seed=1)
    step = optimizer(rule)
    runs = network.parameters.layout.runs(network.rates(0.1))
    step.bind(network.theta, network.gradients.vector, runs)
    before = copy.deepcopy(network)
    network.loss(X, T)
    network.backward_pass(T)
    step.step()
    assert np.array_equal(network.layers[0].W, before.layers[0].W)
    if rule in ("sgd", "momentum"):
        expected = before.layers[1].W - 0.03 * network.layers[1].W_grad
        assert pytest.approx(expected, rel=1e-14) == network.layers[1].W
    assert network.loss(X, T) < before.loss(X, T)


# First weights


def test_the_same_seed_gives_the_same_bits_and_another_seed_others():
    assert classifier().theta.tobytes() == classifier().theta.tobytes()
    other = Network([Dense(4, "tanh"), Dense(2), Softmax()], input=3, seed=2)
    assert not np.isin(other.layers[0].W, classifier().layers[0].W).any()


def test_the_seed_left_out_is_0():
    config = {"input": 3, "loss": "mse", "layers": [{"size": 2}]}
    zero = Network([Dense(2)], input=3, loss="mse", seed=0).theta
    assert np.array_equal(Network([Dense(2)], input=3, loss="mse").theta, zero)
    assert np.array_equal(Network.from_config(config).theta, zero)


def test_an_array_is_drawn_from_the_stream_of_its_name():
    layer = Dense(4, weights=[-1, 1], name="one")
    Network([layer], input=3, loss="mse", seed=5)
    rng = stream(5, "parameters", "one", "W")
    assert np.array_equal(layer.W, initializer([-1, 1]).draw((3, 4), rng))


def test_every_array_has_a_stream_of_its_own():
    layers = [Dense(3, weights=[-1, 1], biases=[-1, 1]) for _ in range(3)]
    network = Network(layers, input=3, loss="mse")
    assert len(np.unique(network.theta)) == network.theta.size


def test_adding_a_layer_changes_no_weights_but_where_sizes_change():
    short = Network([Dense(4), Dense(2)], input=3, loss="mse", seed=3)
    long = Network([Dense(4), Dense(2), Dense(5)], input=3, loss="mse", seed=3)
    for k in range(2):
        assert np.array_equal(short.layers[k].W, long.layers[k].W)
    named = [Dense(3, name="new"), Dense(4, name="dense_1"), Dense(2, name="dense_2")]
    inserted = Network(named, input=3, loss="mse", seed=3)
    for k in range(2):
        assert np.array_equal(short.layers[k].W, inserted.layers[k + 1].W)


def test_weights_of_float32_are_those_of_float64_rounded():
    assert np.array_equal(classifier(dtype="float32").theta, classifier().theta.astype("float32"))


# Types


@every_loss
@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("rule", ELEMENT_WISE)
def test_float32_stays_float32_through_a_whole_step(loss, explicit, rule):
    penalty = {"type": "L2", "rate": 0.1, "biases": True}
    network = network_for("elu", loss, penalty, dtype="float32", explicit_jacobians=explicit)
    x, t = batch_for(network, 4, np.random.default_rng(1))
    step = optimizer(rule)
    step.bind(network.theta, network.gradients.vector, [(slice(None), 0.1)])
    assert network.forward_pass(x).dtype == "float32"
    assert network.loss_of_pass(network.prepare_targets(t)).dtype == "float32"
    network.backward_pass(t, to_input=True)
    step.step()
    arrays = [network.theta, network.gradients.vector, network.input_gradient, network.logits]
    arrays += [array for layer in network.layers[:2] for array in (layer.z, layer.a, layer.delta)]
    assert {array.dtype for array in arrays} == {np.dtype("float32")}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@every_loss
def test_float32_is_near_float64(activation, loss):
    exact = network_for(activation, loss, "L2")
    single = network_for(activation, loss, "L2", dtype="float32")
    x, t = batch_for(exact, 5, np.random.default_rng(2))
    assert difference(exact.forward_pass(x), single.forward_pass(x)) <= 1e-5
    assert difference(exact.loss(x, t), single.loss(x, t)) <= 1e-5
    assert difference(gradient(exact, x, t), gradient(single, x, t)) <= 1e-5


# Symmetries


@settings(max_examples=40, deadline=None)
@given(networks_with_batches(), st.randoms(use_true_random=False))
def test_the_order_of_the_cases_does_not_matter(drawn, random):
    network, x, t = drawn
    order = random.sample(range(len(x)), len(x))
    assert difference(network.loss(x, t), network.loss(x[order], t[order])) <= SYMMETRY
    whole, shuffled = gradient(network, x, t), gradient(network, x[order], t[order])
    assert difference(whole, shuffled) <= SYMMETRY
    assert difference(network.forward_pass(x)[order], network.forward_pass(x[order])) <= SYMMETRY


@settings(max_examples=40, deadline=None)
@given(networks_with_batches())
def test_a_batch_is_the_mean_of_its_cases(drawn):
    network, x, t = drawn
    cases = range(len(x))
    whole = gradient(network, x, t)
    parts = [gradient(network, x[n : n + 1], t[n : n + 1]) for n in cases]
    size = max(1.0, *(np.abs(part).max() for part in parts))
    assert np.abs(whole - np.mean(parts, axis=0)).max() <= SYMMETRY * size
    losses = [network.loss(x[n : n + 1], t[n : n + 1]) for n in cases]
    assert network.loss(x, t) == pytest.approx(np.mean(losses), rel=SYMMETRY)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(list(LOSSES)), st.permutations(range(5)), st.integers(0, 1000))
def test_the_order_of_hidden_units_does_not_matter(loss, order, seed):
    network = network_for("silu", loss, "L2", hidden=(5, 3), seed=seed)
    x, t = batch_for(network, 4, np.random.default_rng(seed))
    twin = copy.deepcopy(network)
    first, second = twin.layers[:2]
    first.W, first.b, second.W = first.W[:, order], first.b[order], second.W[order]
    assert difference(network.forward_pass(x), twin.forward_pass(x)) <= SYMMETRY
    assert difference(network.loss(x, t), twin.loss(x, t)) <= SYMMETRY
    one = {name: g.copy() for name, g in zip(network.gradients, grads(network, x, t), strict=True)}
    two = {name: g.copy() for name, g in zip(twin.gradients, grads(twin, x, t), strict=True)}
    assert difference(one["dense_1.W"][:, order], two["dense_1.W"]) <= SYMMETRY
    assert difference(one["dense_1.b"][order], two["dense_1.b"]) <= SYMMETRY
    assert difference(one["dense_2.W"][order], two["dense_2.W"]) <= SYMMETRY


def grads(network, x, t):
    network.loss(x, t)
    return list(network.backward_pass(t).values())


# Explicit Jacobians


@pytest.mark.parametrize("activation", ACTIVATIONS)
@every_loss
def test_explicit_jacobians_give_the_same_numbers(activation, loss):
    network = network_for(activation, loss, "L2", hidden=(4, 3), outputs=3)
    for cases in (5, 1):
        x, t = batch_for(network, cases, np.random.default_rng(cases))
        network.loss(x, t)
        network.explicit_jacobians = False
        network.backward_pass(t, to_input=True)
        vector, upstream = network.gradients.vector.copy(), network.input_gradient.copy()
        deltas = [layer.delta.copy() for layer in network.layers]
        network.explicit_jacobians = True
        network.backward_pass(t, to_input=True)
        assert difference(vector, network.gradients.vector) <= SYMMETRY
        assert difference(upstream, network.input_gradient) <= SYMMETRY
        for layer, delta in zip(network.layers, deltas, strict=True):
            assert difference(delta, layer.delta) <= SYMMETRY


@pytest.mark.parametrize("gap", [1.0, 5.0, 10.0])
@pytest.mark.parametrize("t", [0, 1])
def test_explicit_softmax_keeps_its_digits_where_it_is_sure(gap, t):
    """One confident case alone: nothing else in the batch hides what is lost."""
    network = Network([Dense(2), Softmax()], input=1)
    network.layers[0].W, network.layers[0].b = [[0, 0]], [gap, -gap]
    expected = gradient(network, [[1.0]], [t])
    network.explicit_jacobians = True
    assert difference(expected, gradient(network, [[1.0]], [t])) <= SYMMETRY


@pytest.mark.parametrize("z", [-10.0, -5.0, 5.0, 10.0])
@pytest.mark.parametrize("t", [0, 1])
def test_explicit_sigmoid_keeps_its_digits_where_it_is_sure(z, t):
    network = Network([Dense(1, "sigmoid")], input=1, loss="binary_cross_entropy")
    network.layers[0].W, network.layers[0].b = [[0]], [z]
    expected = gradient(network, [[1.0]], [t])
    network.explicit_jacobians = True
    assert difference(expected, gradient(network, [[1.0]], [t])) <= SYMMETRY


def test_explicit_jacobians_are_multiplied_for_real(monkeypatch):
    built = []
    from chainrule.nn import jacobians

    right = jacobians.Jacobian.dense
    monkeypatch.setattr(
        jacobians.Jacobian, "dense", lambda self: built.append(type(self).__name__) or right(self)
    )
    network = classifier()
    gradient(network, X, T)
    assert built == []
    network.explicit_jacobians = True
    gradient(network, X, T)
    assert built == ["SoftmaxJacobian", "Diagonal", "InputJacobian", "Diagonal"]


def test_explicit_jacobians_too_large_for_memory_are_refused():
    network = Network([Dense(3000), Dense(3000)], input=1, loss="mse", explicit_jacobians=True)
    network.forward_pass(np.ones((2, 1)))
    with pytest.raises(ShapeError, match="more than the limit"):
        network.backward_pass(np.zeros((2, 3000)))


# At the edge of the numbers


@pytest.mark.parametrize("scale", [1e3, 1e150, 1e300])
@pytest.mark.parametrize("cases", [1, 4])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_no_logit_is_too_large(loss, scale, cases):
    softmax = loss == "cross_entropy"
    layers = [Dense(2, "linear"), Softmax()] if softmax else [Dense(2, "sigmoid")]
    network = Network(layers, input=2, loss=loss)
    network.layers[0].W = np.eye(2)
    x = scale * np.array([[1.0, -1.0], [-1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])[:cases]
    t = np.array([0, 0, 1, 1])[:cases] if softmax else np.eye(2)[[0, 0, 1, 1]][:cases]
    with np.errstate(all="raise", under="ignore"):
        y, loss_value = network.forward_pass(x), network.loss(x, t)
        found = network.backward_pass(t, to_input=True).vector
    assert np.isfinite(y).all()
    assert np.isfinite(loss_value)
    assert np.isfinite(found).all()


def test_a_confident_answer_is_neither_clipped_nor_infinite():
    network = Network([Dense(2), Softmax()], input=1)
    network.layers[0].W = [[0.0, -1.0]]
    assert network.loss([[40.0]], [0]) == pytest.approx(4.248354255291589e-18, rel=1e-12)
    assert network.backward_pass([0])["dense_1.b"][0] == pytest.approx(-4.248354255e-18, rel=1e-9)
    assert network.loss([[40.0]], [1]) == pytest.approx(40.0, rel=1e-15)
    assert network.loss([[1000.0]], [1]) == 1000


# Sizes


@pytest.mark.parametrize("hidden", range(6))
@every_loss
def test_zero_to_five_hidden_layers(hidden, loss):
    network = network_for("tanh", loss, hidden=(3,) * hidden, outputs=2)
    x, t = batch_for(network, 4, np.random.default_rng(hidden))
    assert len(network.parameters) == 2 * (hidden + 1)
    before = network.loss(x, t)
    network.theta -= 1e-3 * network.backward_pass(t).vector
    assert network.loss(x, t) < before


@pytest.mark.parametrize("hidden", [1, 1000])
@pytest.mark.parametrize("inputs", [1, 1000])
@pytest.mark.parametrize("outputs", [1, 1000])
def test_sizes_from_1_to_1000(inputs, hidden, outputs):
    network = Network([Dense(hidden, "tanh"), Dense(outputs), Softmax()], input=inputs, seed=1)
    x, t = np.full((2, inputs), 0.1), [0, outputs - 1]
    assert network.outputs == outputs
    assert network.theta.size == inputs * hidden + hidden + hidden * outputs + outputs
    assert network.loss(x, t) == pytest.approx(log(outputs), abs=0.5)
    assert np.isfinite(network.backward_pass(t).vector).all()


# From a configuration


def test_a_configuration_says_everything():
    network = Network.from_config(
        {
            "input": 4,
            "loss": {"type": "huber", "delta": 2},
            "learning_rate": 0.1,
            "penalty": {"type": "L1", "rate": 0.01, "biases": True},
            "dtype": "float32",
            "explicit_jacobians": True,
            "layers": [{"size": 3, "activation": "gelu", "learning_rate": 0.2}, {"size": 2}],
        },
        seed=7,
    )
    assert network.penalty == PenaltySetting({"L1": 0.01}, True)
    assert network.loss_function.delta == 2
    assert network.explicit_jacobians
    assert all(layer.explicit for layer in network.layers)
    assert network.theta.dtype == "float32"
    assert network.rates(9.0)["dense_1.W"] == 0.2
    assert network.rates(9.0)["dense_2.W"] == 0.1
    twin = Network([Dense(3, "gelu"), Dense(2)], input=4, loss="mse", dtype="float32", seed=7)
    assert network.theta.tobytes() == twin.theta.tobytes()
    assert repr(network) == "Network(4 → dense_1 3 → dense_2 2; 23 parameters, float32)"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"los": "mse"}, "unknown key of network 'los'; did you mean 'loss'?"),
        ({"loss": "mes"}, "unknown loss 'mes'; did you mean 'mse'?"),
        ({"penalty": "L3"}, "unknown penalty 'L3'. Known: L1, L2"),
        ({"dtype": "float23"}, "unknown dtype 'float23'; did you mean 'float32'?"),
        ({"dtype": "float16"}, "Known: float64, float32"),
        ({"learning_rate": -1}, "learning_rate is finite and at least 0, found -1"),
        ({"learning_rate": "fast"}, "found 'fast'"),
        ({"explicit_jacobians": "no"}, "explicit_jacobians is true or false, found 'no'"),
        ({"input": 0}, "input must be a whole number of at least 1, found 0"),
        ({"input": 10**15}, "parameters do not fit into memory"),
        ({"layers": [{"size": 10**30}]}, "1e+31 parameters do not fit into memory"),
        ({"layers": [{"size": 2, "activation": "rellu"}]}, "layers[0]: unknown activation"),
    ],
)
def test_what_makes_no_network_is_refused(change, message):
    config = {"input": 9, "loss": "mse", "layers": [{"size": 2}], **change}
    with pytest.raises(ConfigError) as caught:
        Network.from_config(config)
    assert message in str(caught.value)


def test_a_rate_of_0_is_a_rate():
    network = Network([Dense(2)], input=3, loss="mse", learning_rate=0)
    assert set(network.rates(9.0).values()) == {0}


def test_the_loss_left_out_is_that_of_the_last_layer():
    """Anything else would add a complaint of the loss."""
    with pytest.raises(ConfigError) as caught:
        Network([Dense(2), Softmax(), Dense(2)], input=3)
    assert str(caught.value) == "softmax must be the last layer"


def test_a_network_of_no_layers_is_refused():
    with pytest.raises(ConfigError, match="at least one dense layer"):
        Network([], input=2)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 5),
    st.floats(),
    st.sampled_from([*ACTIVATIONS, *LOSSES, *INITIALIZERS, "softmax", "L1", "L2", "float32"]),
    st.text(max_size=3),
)
JUNK = st.one_of(
    VALUES,
    st.lists(VALUES, max_size=3),
    st.dictionaries(
        st.sampled_from(["type", "rate", "biases", "delta", "slope", "size"]), VALUES, max_size=3
    ),
)
KEYS = ["size", "activation", "weights", "biases", "learning_rate", "type", "name"]
LAYER = st.one_of(
    st.fixed_dictionaries({"size": st.integers(1, 4)}),
    st.just("softmax"),
    st.dictionaries(st.sampled_from(KEYS), JUNK, max_size=4),
    JUNK,
)
CONFIG = st.fixed_dictionaries(
    {"input": st.integers(1, 4) | JUNK, "layers": st.lists(LAYER, min_size=1, max_size=4) | JUNK},
    optional=dict.fromkeys(
        ("loss", "learning_rate", "penalty", "dtype", "explicit_jacobians"), JUNK
    ),
)


@settings(max_examples=300, deadline=None)
@given(CONFIG)
def test_any_configuration_makes_a_network_or_says_what_is_wrong(config):
    before = repr(config)
    with suppress(ConfigError):
        network = Network.from_config(config)
        t = targets_for(network, 2, np.random.default_rng(0))
        assert np.shape(network.loss(np.zeros((2, network.input)), t)) == ()
        network.backward_pass(t)
    assert repr(config) == before


def test_the_gradient_of_the_input_is_the_callers_own():
    network = Network([Flatten(), Dense(2, "linear")], input=[1, 2, 2])
    network.loss(np.ones((3, 4)), np.zeros((3, 2)))
    network.backward_pass(np.zeros((3, 2)), to_input=True)
    assert network.input_gradient is not network.layers[0].delta
    assert not np.shares_memory(network.input_gradient, network.layers[0].delta)


@pytest.mark.parametrize(
    "layers", [Dense(3), None, "softmax", ["softmax"], [{"size": 3}], [Dense]]
)
def test_layers_are_a_list_of_layers(layers):
    with pytest.raises(ConfigError, match=r"layers (is a list|are objects)"):
        Network(layers, input=2)


@pytest.mark.parametrize("case", all_layers.CASES)
def test_no_cases_give_no_outputs_and_a_gradient_of_zero(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 2)
    assert network.forward_pass(x[:0]).shape == (0, network.outputs)
    assert not network.backward_pass(t[:0]).vector.any()
