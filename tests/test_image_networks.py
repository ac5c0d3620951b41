"""Networks of images: gradients by independent derivations, in NumPy and in compiled loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.gradients import check, complex_step, relative_error
from chainrule.layers import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Flatten,
    LocallyConnected2D,
    MaxPool2D,
    conv2d,
    pooled,
)
from chainrule.network_graph import graph_gradient

SMOOTH = st.sampled_from(["tanh", "sigmoid", "softplus", "linear"])
NONZERO = {"weights": [0.2, 1], "biases": [-1, 1]}


def sides(draw, image, least=1):
    """A window that fits, [height, width], and a stride."""
    size = [draw(st.integers(least, min(n, 4))) for n in image[1:]]
    return size, [draw(st.integers(1, 3)) for _ in size]


def image_layer(draw, image):
    """One layer that takes images of this shape."""
    kind = draw(st.sampled_from([Conv2D, LocallyConnected2D, MaxPool2D, AveragePool2D]))
    size, stride = sides(draw, image)
    if kind in (MaxPool2D, AveragePool2D):
        padding = draw(st.sampled_from([0, [(n - 1) // 2 for n in size]]))
        return kind(size, stride=stride, padding=padding)
    padding = draw(st.sampled_from([0, 1, [2, 0], "same"]))
    return kind(
        draw(st.integers(1, 5)),
        size,
        stride=stride,
        padding=padding,
        bias=draw(st.booleans()),
        activation=draw(SMOOTH),
        **NONZERO,
    )


@st.composite
def image_networks(draw):
    """One to three layers of images, then a row of numbers and a dense layer."""
    shape = tuple(draw(st.integers(1, most)) for most in (3, 7, 7))
    layers, image = [], shape
    for _ in range(draw(st.integers(1, 3))):
        layer = image_layer(draw, image)
        layer.connect(image)
        image = layer.output_shape
        layers.append(layer)
    layers += [Flatten(), Dense(3), Softmax()]
    return Network(layers, input=shape, seed=draw(st.integers(0, 99)))


@pytest.fixture(params=["numpy", "loops"])
def way(request, monkeypatch):
    """By NumPy, or by compiled loops however small the images are."""
    worth = 0 if request.param == "loops" else 10**9
    for module in (conv2d, pooled):
        monkeypatch.setattr(module, "WORTH_LOOPS", worth)
    return request.param


def batch_for(network, cases, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(cases, network.input)), rng.integers(0, 3, cases)


def gradients(network, x, t):
    """∂L/∂θ and ∂L/∂x of the backward pass."""
    network.loss(x, t)
    theta = network.backward_pass(t, to_input=True).vector.copy()
    return theta, network.input_gradient.copy()


# The fixture sets a module's constant, which is the same for every example.
drawn = settings(max_examples=40)


def judge(network, cases):
    """By the complex step along every parameter and input, twice with one object."""
    for batch in (0, 1):
        x, t = batch_for(network, cases, batch)
        theta, inputs = gradients(network, x, t)
        for ours, numeric in (
            (theta, complex_step(lambda at: network.loss(x, t, at), network.theta)),
            (inputs, complex_step(lambda at: network.loss(at, t, network.theta), x)),
        ):
            assert relative_error(ours, numeric) <= 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_gradients_are_those_of_the_complex_step(way, seed):
    @settings(max_examples=12)
    @given(image_networks(), st.integers(1, 3))
    def every(network, cases):
        judge(network, cases)

    del seed
    every()
