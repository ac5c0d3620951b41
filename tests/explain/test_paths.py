"""Every path from a weight to the loss: their sum is the gradient, and the greatest come first."""

from __future__ import annotations

from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import all_layers
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ShapeError, UnknownNameError
from chainrule.explain import links
from chainrule.explain.paths import number_in_theta, paths_of
from chainrule.nn import layer_types as layers
from chainrule.nn.jacobians import Explicit
from chainrule.nn.layers.base import ParameterFree

PRECISE = 1e-13
ENUMERATED = 400
"""Where a weight has no more paths than this, all of them are listed and added up."""


def weights_of(network, rng, each=1):
    """Some weights of every trained parameter, by name and place."""
    for segment in network.parameters.layout.trained:
        for _ in range(each):
            yield segment.full_name, tuple(int(rng.integers(size)) for size in segment.shape)


def check(network, x, t, rng, each=1, **options):
    """The sum of all paths is the gradient, in the mode that the network is in."""
    network.loss(x, t, **options)
    gradient = network.backward_pass(t, **options).vector.copy()
    largest = np.abs(gradient).max()
    for name, place in weights_of(network, rng, each):
        found = paths_of(network, x, t, name, place, most=ENUMERATED, **options)
        expected = gradient[number_in_theta(network, name, place)]
        assert found.total == pytest.approx(expected, abs=PRECISE * largest), name
        products = [path.product for path in found.listed]
        assert len(products) == min(found.count, ENUMERATED)
        assert sum(products) + found.rest == pytest.approx(found.total, abs=PRECISE * largest)
        if found.count <= ENUMERATED:
            assert sum(products) == pytest.approx(expected, abs=PRECISE * largest), name
        for before, after in pairwise(products):
            assert abs(before) >= abs(after) * (1 - 1e-9)
        for path in found.listed:
            factors = [factor.value for factor in path.factors]
            assert np.prod(factors) == pytest.approx(path.product, rel=1e-12)
            assert path.factors[-1].to.letter == "L"


FAST = ["softmax before mse", "max_pool2d", "lstm, truncated", "batch_norm", "add, concatenate",
        "embedding of sequences"]  # fmt: skip


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    "case",
    [
        case if case in FAST else pytest.param(case, marks=pytest.mark.exhaustive)
        for case in all_layers.CASES
    ],
)
def test_the_sum_of_all_paths_is_the_gradient_in_every_layer(case, training):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 2)
    with network.training_mode(seed=2) if training else nullcontext():
        check(network, x, t, np.random.default_rng(1))


def softmaxes(draw, sizes):
    spread = {"weights": [-1, 1], "biases": [-1, 1]}
    names = st.sampled_from(["tanh", "sigmoid", "relu", "leaky_relu", "softplus"])
    hidden = [Dense(n, draw(names), **spread) for n in sizes]
    return [*hidden, Dense(3, "linear", **spread), Softmax()]


@settings(max_examples=12)
@given(st.data())
def test_the_sum_is_the_gradient_of_random_networks(data):
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=0, max_size=3))
    penalty = data.draw(st.sampled_from([None, {"L1": 0.1, "L2": 0.3}]))
    made = softmaxes(data.draw, sizes)
    network = Network(made, input=2, penalty=penalty, seed=data.draw(st.integers(0, 99)))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x, t = rng.normal(size=(2, 2)), rng.integers(0, 3, 2)
    check(network, x, t, rng, weights=data.draw(st.sampled_from([None, [0.5, 2.0]])))


def test_a_path_names_what_it_passes():
    network = Network([Dense(2, "relu"), Dense(1, "linear")], input=1, loss="mse")
    first, second = network.layers
    first.W, first.b, second.W = [[1.0, 3.0]], [0.0, 0.0], [[5.0], [7.0]]
    found = paths_of(network, [[2.0]], [[1.0]], "dense_1.W", (0, 1))
    (path,) = found.listed
    assert [factor.what for factor in path.factors] == ["∂z/∂w", "slope", "weight", "∂L/∂a"]
    assert [factor.value for factor in path.factors] == [2.0, 1.0, 7.0, 2 * (10 + 42 - 1)]
    stops = [(one.to.layer, one.to.letter, one.to.index) for one in path.factors]
    assert stops[:2] == [("dense_1", "z", (1,)), ("dense_1", "a", (1,))]
    assert found.count == 1


def test_no_path_leads_through_a_relu_that_is_off():
    network = Network([Dense(1, "relu"), Dense(1, "linear")], input=1, loss="mse")
    network.layers[0].W = [[-1.0]]
    found = paths_of(network, [[2.0]], [[1.0]], "dense_1.W", (0, 0))
    assert (found.listed, found.count, found.total, found.rest) == ((), 0, 0.0, 0.0)


def test_many_paths_are_counted_and_the_others_are_one_number():
    hidden = [Dense(4, "tanh") for _ in range(3)]
    network = Network([*hidden, Dense(2, "linear")], input=2, loss="mse", seed=1)
    x, t = [[0.3, -0.4]], [[1.0, 2.0]]
    found = paths_of(network, x, t, "dense_1.W", (0, 0), most=5)
    assert (len(found.listed), found.count) == (5, 4 * 4 * 2)
    every = paths_of(network, x, t, "dense_1.W", (0, 0), most=100)
    assert [path.product for path in found.listed] == [p.product for p in every.listed[:5]]
    assert found.rest == pytest.approx(sum(path.product for path in every.listed[5:]), rel=1e-12)


def test_more_paths_than_numbers_can_count_are_still_found():
    layer = layers.Recurrent(8, outputs="last")
    network = Network([layer, Dense(1, "linear")], input=[400, 1], loss="mse", seed=1)
    x = np.random.default_rng(1).normal(size=(1, 400, 1))
    found = paths_of(network, x, [[1.0]], "recurrent_1.U", (0, 1), most=3)
    assert found.count == links.MOST_COUNTED
    network.loss(x, [[1.0]])
    gradient = network.backward_pass([[1.0]])["recurrent_1.U"][0, 1]
    assert found.total == pytest.approx(gradient, rel=1e-10)


def test_truncation_to_one_step_ends_every_path_there():
    layer = layers.Recurrent(2, truncate=1, weights=[-1, 1], recurrent_weights=[-1, 1])
    network = Network([layer, Dense(1, "linear")], input=[3, 1], loss="mse", seed=1)
    x, t = np.ones((1, 3, 1)), np.ones((1, 3, 1))
    found = paths_of(network, x, t, "recurrent_1.W", (0, 0))
    assert found.count == 3
    assert {len(path.factors) for path in found.listed} == {4}


class Swapped(ParameterFree):
    """A layer of the user's own, y = (x₂², x₁), with a Jacobian of no known structure."""

    type = "swapped"

    def connect(self, *shapes):
        (self.input_shape,) = shapes
        self.output_shape, self.size = self.input_shape, 2

    def evaluate(self, x, values):
        y = np.stack([x[:, 1] ** 2, x[:, 0]], axis=1)
        return y, y

    def _jacobian_x(self):
        matrices = np.zeros((len(self.x), 2, 2))
        matrices[:, 0, 1], matrices[:, 1, 0] = 2 * self.x[:, 1], 1
        return Explicit(matrices)


def test_a_layer_of_ones_own_has_paths(monkeypatch):
    network = Network([Dense(2, "tanh"), Swapped(), Dense(2, "linear")], input=2, loss="mse")
    x, t = [[0.3, -0.4], [1.0, 2.0]], [[1.0, 2.0], [0.0, 0.0]]
    check(network, x, t, np.random.default_rng(1), each=2)
    monkeypatch.setattr(links, "DENSE_LIMIT", 7)
    with pytest.raises(ShapeError, match="would hold 8 numbers"):
        paths_of(network, x, t, "dense_1.W", (0, 0))


@pytest.mark.parametrize("place", [(0,), (0, 0, 0), (2, 0), (-1, 0)])
def test_a_place_that_is_none_is_answered_with_the_places(place):
    network = Network([Dense(3)], input=2, loss="mse")
    with pytest.raises(ShapeError, match=r"dense_1.W\[0, 0\] to dense_1.W\[1, 2\]"):
        paths_of(network, [[1.0, 2.0]], [[0.0] * 3], "dense_1.W", place)


def test_what_has_no_gradient_is_told():
    network = Network([layers.BatchNorm(), Dense(1)], input=2, loss="mse")
    with pytest.raises(ShapeError, match=r"batch_norm_1.mean has no gradient: it is not trained"):
        paths_of(network, [[1.0, 2.0]], [[0.0]], "batch_norm_1.mean", (0,))
    with pytest.raises(UnknownNameError, match=r"dense_1.W"):
        paths_of(network, [[1.0, 2.0]], [[0.0]], "dense1.W", (0, 0))
