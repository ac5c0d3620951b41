"""Networks of images: gradients by independent derivations, in NumPy and in compiled loops."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.gradients import check, complex_step, relative_error
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Flatten,
    LocallyConnected2D,
    MaxPool2D,
)
from chainrule.nn.images import filtered, pooled
from chainrule.training import Part, Settings, Trainer

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
        draw(st.one_of(st.just(image[0]), st.integers(1, 5))),
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


def batch_for(network, cases, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(cases, network.input)), rng.integers(0, 3, cases)


def gradients(network, x, t):
    """∂L/∂θ and ∂L/∂x of the backward pass."""
    network.loss(x, t)
    theta = network.backward_pass(t, to_input=True).vector.copy()
    return theta, network.input_gradient.copy()


def difference(a, b):
    """max|a − b| / max|b|; a gradient may be 0 where padding is all that filters see."""
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)


def by_complex_step(network, x, t):
    """The same, by NumPy alone."""
    inputs = complex_step(
        lambda at: network.loss(at.reshape(x.shape), t, network.theta), x.ravel()
    )
    return (
        complex_step(lambda at: network.loss(x, t, at), network.theta),
        inputs.reshape(x.shape),
    )


@pytest.fixture(scope="module", params=[10**9, 0], ids=["numpy", "loops"])
def worth(request):
    """From how many numbers on the loops are used: never, or always. First all the one way."""
    return request.param


@contextmanager
def loops_from(worth):
    """Compiled loops from so many numbers on."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (filtered, pooled):
            patch.setattr(module, "WORTH_LOOPS", worth)
        yield


@settings(max_examples=20)
@given(network=image_networks(), cases=st.integers(1, 3))
def test_gradients_are_those_of_the_complex_step(worth, network, cases):
    with loops_from(worth):
        for batch in (0, 1):  # twice with one object
            x, t = batch_for(network, cases, batch)
            found, expected = gradients(network, x, t), by_complex_step(network, x, t)
            for ours, numeric in zip(found, expected, strict=True):
                assert difference(ours, numeric) <= 1e-12


@settings(max_examples=30)
@given(network=image_networks(), cases=st.integers(1, 3))
def test_the_graph_derives_the_same(worth, network, cases):
    x, t = batch_for(network, cases)
    with loops_from(worth):
        gradients(network, x, t)
    theirs = graph_gradient(network, x, t)
    for name, ours in network.gradients.items():
        assert difference(ours, theirs[name]) <= 1e-13, name


@settings(max_examples=20)
@given(network=image_networks(), cases=st.integers(1, 3))
def test_explicit_jacobians_and_kept_buffers_change_nothing(worth, network, cases):
    x, t = batch_for(network, cases)
    with loops_from(worth):
        plain, _ = gradients(network, x, t)
        with network.reused_buffers({}):
            for _ in range(2):
                network.propagate(x)
                network.backpropagate(network.prepare_targets(t))
                assert np.array_equal(network.gradients.vector, plain)
        network.explicit_jacobians = True
        explicit, _ = gradients(network, x, t)
    assert difference(explicit, plain) <= 1e-13


@settings(max_examples=20)
@given(network=image_networks())
def test_a_batch_is_the_mean_of_its_cases(worth, network):
    x, t = batch_for(network, 3)
    with loops_from(worth):
        theta, inputs = gradients(network, x, t)
        single = [gradients(network, x[k : k + 1], t[k : k + 1]) for k in range(3)]
    assert difference(theta, np.mean([one for one, _ in single], axis=0)) <= 1e-13
    assert difference(inputs, np.concatenate([one for _, one in single]) / 3) <= 1e-13


def layer_in_network(layer, shape):
    """A layer with parameters, alone in front of the rest of a network."""
    Network([layer, Flatten(), Dense(1)], input=shape, loss="mse")
    return layer


def test_the_first_of_equal_numbers_gets_the_gradient(worth):
    pool = layer_in_network(MaxPool2D(2, stride=1), [1, 2, 3])
    with loops_from(worth):
        y = pool.forward_pass(np.array([[7.0, 1, 1, 7, 1, 1]]))
        J = pool.backward_pass(np.array([[10.0, 100.0]]))
    assert y.tolist() == [[7, 1]]
    assert J.tolist() == [[10, 100, 0, 0, 0, 0]]


def test_a_number_that_is_the_largest_of_several_windows_gets_the_sum(worth):
    pool = layer_in_network(MaxPool2D(2, stride=1), [1, 3, 3])
    x = np.zeros((1, 9))
    x[0, 4] = 5.0
    with loops_from(worth):
        y = pool.forward_pass(x)
        J = pool.backward_pass(np.array([[1.0, 10.0, 100.0, 1000.0]]))
    assert y.tolist() == [[5, 5, 5, 5]]
    assert J.tolist() == [[0, 0, 0, 0, 1111, 0, 0, 0, 0]]


def test_the_odd_row_and_column_of_padding_lie_below_and_to_the_right(worth):
    conv = layer_in_network(Conv2D(1, 2, padding="same", activation="linear"), [1, 2, 2])
    conv.W = [[[[1, 10], [100, 1000]]]]
    with loops_from(worth):
        y = conv.forward_pass(np.array([[1.0, 2, 3, 4]]))
        J = conv.backward_pass(np.array([[1.0, 0, 0, 0]]))
    assert y.tolist() == [[4321, 402, 43, 4]]
    assert J.tolist() == [[1, 10, 100, 1000]]


def test_flatten_leaves_the_numbers_in_their_order():
    flatten = layer_in_network(Flatten(), [2, 3, 2])
    x = np.arange(24.0).reshape(2, 12)
    assert np.array_equal(flatten.forward_pass(x), x)
    assert np.array_equal(flatten.evaluate(x, {})[1], x)
    assert np.array_equal(flatten.backward_pass(x), x)


def residual(dtype="float64"):
    """Images that branch: a sum around a convolution, and two sorts of pool side by side."""
    layers = [
        Conv2D(4, 3, padding="same", activation="tanh", name="first"),
        Conv2D(4, 3, padding="same", activation="linear", name="block"),
        Add(inputs=["first", "block"], name="sum"),
        MaxPool2D(2, inputs="sum", name="largest"),
        AveragePool2D(2, inputs="sum", name="mean"),
        Concatenate(inputs=["largest", "mean"]),
        LocallyConnected2D(2, 3, stride=2, activation="relu"),
        Flatten(),
        Dense(3),
        Softmax(),
    ]
    return Network(layers, input=[3, 12, 10], dtype=dtype, seed=1)


def test_images_that_branch_pass_every_check():
    x, t = batch_for(residual(), 4)
    report = check(residual(), x, t, coordinates=30)
    assert report.right, report.diagnosis


def test_float32_follows_float64(worth):
    x, t = batch_for(residual(), 4)
    with loops_from(worth):
        narrow, _ = gradients(residual("float32"), x, t)
        wide, _ = gradients(residual(), x, t)
    assert narrow.dtype == np.float32
    assert 1e-9 < relative_error(narrow.astype(float), wide) <= 1e-5


def test_training_lowers_the_loss_and_is_the_same_however_it_is_run():
    rng = np.random.default_rng(0)
    t = rng.integers(0, 3, 60)
    x = rng.normal(size=(60, 3, 12, 10))
    x[np.arange(60), t, 3:9, 2:8] += 1.5
    ends = []
    for worth in (0, 10**9):
        network = residual()
        trainer = Trainer(
            network,
            Part(network.prepare_inputs(x), t),
            Part(np.empty((0, 360)), np.empty(0, int)),
            Settings(epochs=4, batch_size=16, optimizer="adam", seed=1),
            classes=True,
        )
        with loops_from(worth):
            trainer.run()
        losses = trainer.history["train_loss"]
        assert losses[-1] < 0.5 * losses[0]
        ends.append(network.theta.copy())
    assert relative_error(*ends) <= 1e-10
