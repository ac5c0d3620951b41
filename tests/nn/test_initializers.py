"""How weights and biases start: limits, variances and ranges, from a stream of their own."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError
from chainrule.nn import Conv2D, Recurrent
from chainrule.nn.initializers import INITIALIZERS, Range, initializer

# n_in + n_out and n_in differ by far, and so do n_in and n_out.
N_IN, N_OUT = 50, 1000
SHAPE = (N_IN, N_OUT)
VARIANCES = {
    "glorot": 2 / (N_IN + N_OUT),
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "he": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "he_uniform": 2 / N_IN,
    "zeros": 0.0,
    "ones": 0.0,
}
MEANS = {"ones": 1.0}
UNIFORM = ("glorot", "glorot_uniform", "he_uniform")
NORMAL = ("glorot_normal", "he", "he_normal")


def draw(value, shape=SHAPE, seed=0):
    return initializer(value).draw(shape, np.random.default_rng(seed))


def test_every_start_has_its_variance_here():
    assert set(VARIANCES) == set(INITIALIZERS)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_mean_and_variance(name):
    w = draw(name)
    assert w.shape == SHAPE
    assert w.dtype == "float64"
    assert abs(w.mean() - MEANS.get(name, 0.0)) <= 5 * sqrt(VARIANCES[name] / w.size)
    assert w.var() == pytest.approx(VARIANCES[name], rel=0.03)


def test_filters_go_by_what_one_output_comes_from():
    w = initializer("he").draw((64, 8, 5, 5), np.random.default_rng(0), fans=(200, 1600))
    assert w.shape == (64, 8, 5, 5)
    assert w.var() == pytest.approx(2 / 200, rel=0.05)


@pytest.mark.parametrize("name", UNIFORM)
def test_uniform_ones_fill_their_limits(name):
    w, limit = draw(name), sqrt(3 * VARIANCES[name])
    assert 0.999 * limit < w.max() <= limit
    assert -limit <= w.min() < -0.999 * limit


@pytest.mark.parametrize("name", NORMAL)
def test_normal_ones_have_tails(name):
    w = np.abs(draw(name)) / sqrt(VARIANCES[name])
    assert np.mean(w > 2) == pytest.approx(0.0455, rel=0.1)


def test_a_range_is_uniform_between_its_ends():
    w = draw([0.25, 0.75])
    assert w.min() >= 0.25
    assert w.max() < 0.75
    assert np.ptp(w) > 0.499
    assert w.mean() == pytest.approx(0.5, abs=0.01)


def test_a_range_of_one_number_is_that_number():
    assert np.all(draw((0.5, 0.5)) == 0.5)


@pytest.mark.parametrize("value", [*INITIALIZERS, [-0.1, 0.1]], ids=str)
def test_biases_are_drawn_by_the_same_names(value):
    assert draw(value, (7,)).shape == (7,)


@pytest.mark.parametrize("kind", ["dense", "conv2d", "recurrent"])
def test_biases_spread_as_the_weights_of_their_layer_do(kind):
    layer, shape = {
        "dense": (Dense(3000, biases="glorot_normal"), [20]),
        "conv2d": (Conv2D(3000, [1, 2], biases="glorot_normal"), [10, 1, 2]),
        "recurrent": (Recurrent(500, biases="glorot_normal"), [1, 20]),
    }[kind]
    Network([layer], input=shape, loss="mse", seed=1)
    fans = {"dense": 3020, "conv2d": 20 + 3000 * 2, "recurrent": 520}[kind]
    assert layer.b.var() == pytest.approx(2 / fans, rel=0.15)


@pytest.mark.parametrize("value", [*INITIALIZERS, [-0.1, 0.1]], ids=str)
def test_the_stream_decides_alone(value):
    np.random.seed(0)  # noqa: NPY002  # global random state must not matter
    first = draw(value, seed=3)
    np.random.seed(1)  # noqa: NPY002
    assert np.array_equal(first, draw(value, seed=3))
    if value not in ("zeros", "ones"):
        assert not np.array_equal(first, draw(value, seed=4))


@pytest.mark.parametrize("value", [(-1, 2), [-1, 2], np.array([-1.0, 2.0])], ids=str)
def test_a_range_may_be_any_two_numbers(value):
    assert initializer(value) == Range(-1.0, 2.0)


def test_an_initializer_is_taken_as_it_is():
    assert initializer(INITIALIZERS["he"]) is INITIALIZERS["he"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("xavier", "unknown start of weights 'xavier'; did you mean 'glorot'?"),
        ([0.1, -0.1], "the smaller first, found [0.1, -0.1]"),
        ([0.0, float("inf")], "two finite numbers"),
        ([float("nan"), 0.0], "two finite numbers"),
        (["a", "b"], "two finite numbers"),
        ([-1e308, 1e308], "two finite numbers"),
        ([True, 2], "two finite numbers"),
        ([0.1], "a range is two numbers [low, high], found [0.1]"),
        ([1, 2, 3], "a range is two numbers"),
        ([], "a range is two numbers"),
        (-0.1, "a range is two finite numbers, the smaller first, found [0.1, -0.1]"),
        (float("nan"), "a range is two finite numbers"),
        (True, "a range is two numbers [low, high], found True"),
        (None, "a range is two numbers"),
    ],
)
def test_what_is_no_start_is_refused(value, message):
    with pytest.raises(ConfigError) as caught:
        initializer(value)
    assert message in str(caught.value)
