"""Layers on images: against their own Jacobians, the complex step, the graph, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import check
from chainrule.gradients.kinks import met, signature
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import AveragePool2D, Conv2D, Flatten, LocallyConnected2D, MaxPool2D
from image_layers import FILTERED, WAYS, case_for, filtered, going, image_nets, images_of, pooled
from networks import difference

LIMIT = 1e-12


both_ways = pytest.mark.parametrize("way", WAYS)


def place_by_place(case):
    """z of a layer of filters, written as the sum that defines it."""
    layer, x = case.layer, images_of(case)
    (top, _, left, _), (down, across) = layer.windows.padding, layer.stride
    z = np.zeros((len(x), *layer.output_shape))
    for n, f, i, j in np.ndindex(z.shape):
        W = layer.W[f] if isinstance(layer, Conv2D) else layer.W[i, j, f]
        if layer.bias:
            z[n, f, i, j] = layer.b[f] if isinstance(layer, Conv2D) else layer.b[i, j, f]
        for c, p, q in np.ndindex(W.shape):
            h, w = i * down + p - top, j * across + q - left
            if 0 <= h < x.shape[2] and 0 <= w < x.shape[3]:
                z[n, f, i, j] += W[c, p, q] * x[n, c, h, w]
    return z.reshape(len(x), -1)


def window_by_window(case):
    """What a pooling layer gives, window by window."""
    layer, x = case.layer, images_of(case)
    top, bottom, left, right = layer.windows.padding
    largest = isinstance(layer, MaxPool2D)
    around = ((0, 0), (0, 0), (top, bottom), (left, right))
    x = np.pad(x, around, constant_values=-np.inf if largest else 0)
    y = np.zeros((len(x), *layer.output_shape))
    for n, c, i, j in np.ndindex(y.shape):
        h, w = i * layer.stride[0], j * layer.stride[1]
        window = x[n, c, h : h + layer.window_size[0], w : w + layer.window_size[1]]
        y[n, c, i, j] = window.max() if largest else window.mean()
    return y.reshape(len(x), -1)


@both_ways
@given(case=filtered())
@settings(max_examples=25)
def test_filters_at_every_place(way, case):
    with going(way):
        a = case.layer.forward_pass(case.x)
    z = place_by_place(case)
    np.testing.assert_allclose(case.layer.z, z, rtol=LIMIT, atol=LIMIT)
    np.testing.assert_allclose(a, np.tanh(z), rtol=LIMIT, atol=LIMIT)


@both_ways
@given(case=pooled())
@settings(max_examples=25)
def test_windows_of_pooling(way, case):
    with going(way):
        y = case.layer.forward_pass(case.x)
    np.testing.assert_allclose(y, window_by_window(case), rtol=LIMIT, atol=LIMIT)


def local_map(case, name):
    """z, or the output of a layer without parameters, as a function of one argument."""
    layer = case.layer
    own = {key: case.network.parameters[f"{layer.name}.{key}"] for key in layer.shapes()}
    if name == "x":
        return lambda v: layer.evaluate(v, own)[0], case.x
    return lambda v: layer.evaluate(case.x.astype(v.dtype), {**own, name: v})[0], own[name]


@given(case=image_nets())
@settings(max_examples=40)
def test_local_jacobians_are_those_of_the_complex_step(case):
    case.layer.forward_pass(case.x)
    rng = np.random.default_rng(0)
    for name, J in case.layer.jacobians().items():
        if name == "a":
            continue
        f, at = local_map(case, name)
        v = rng.normal(size=at.shape)
        moved = np.imag(f(at + 1e-200j * v)) / 1e-200
        np.testing.assert_allclose(J.jvp(v), moved, rtol=LIMIT, atol=LIMIT)
        u = rng.normal(size=moved.shape)
        np.testing.assert_allclose((J.vjp(u) * v).sum(), (u * moved).sum(), atol=1e-11)
        dense = J.dense()
        assert dense.shape == J.dense_shape
        along = v if name != "x" else v[:, None]
        by_dense = (dense * along).reshape(*dense.shape[:2], -1).sum(axis=-1)
        np.testing.assert_allclose(by_dense, moved, rtol=LIMIT, atol=1e-11)
        some = J.cases(slice(1, None))
        assert np.array_equal(some.dense(), dense[1:])


@given(case=filtered())
@settings(max_examples=10)
def test_by_its_pre_activations_an_output_has_the_slope(case):
    case.layer.forward_pass(case.x)
    slopes = case.layer.activation.derivative(case.layer.z)
    J = case.layer.jacobians()["a"]
    assert np.array_equal(J.dense(), slopes[:, :, None] * np.eye(slopes.shape[1]))


@both_ways
@given(case=image_nets())
@settings(max_examples=25)
def test_the_step_is_that_of_the_explicit_matrices(way, case):
    layer, network = case.layer, case.network
    with going(way):
        layer.forward_pass(case.x)
        upstream = layer.backward_pass(case.J)
    gradients = {name: network.gradients[f"{layer.name}.{name}"] for name in layer.shapes()}
    found = {name: gradient.copy() for name, gradient in gradients.items()}
    layer.explicit = True
    expected = layer.backward_pass(case.J)
    np.testing.assert_allclose(upstream, expected, rtol=LIMIT, atol=1e-11)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(found[name], gradient, rtol=LIMIT, atol=1e-11)


def deep(kind, activation, *, dtype="float64", seed=1):
    """Two layers of filters, both kinds of pooling, and a dense end."""
    layers = [
        kind(4, 3, padding="same", stride=2, activation=activation),
        MaxPool2D(2, padding=1, stride=1),
        kind(3, [2, 1], padding=[1, 0], bias=False, activation=activation),
        AveragePool2D(2, stride=1),
        Flatten(),
        Dense(3),
        Softmax(),
    ]
    network = Network(layers, input=[2, 9, 8], dtype=dtype, seed=seed)
    rng = np.random.default_rng(seed)
    return network, rng.normal(size=(6, 2, 9, 8)), rng.integers(0, 3, 6)


@both_ways
@pytest.mark.parametrize("kind", FILTERED)
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
def test_a_network_of_them_against_the_graph(way, kind, activation):
    network, x, t = deep(kind, activation)
    with going(way):
        network.forward_pass(x)
        gradient = network.backward_pass(t).vector.copy()
    assert difference(gradient, graph_gradient(network, x, t).vector) < 1e-13
    network.explicit_jacobians = True
    network.forward_pass(x)
    assert difference(gradient, network.backward_pass(t).vector) < 1e-13


@both_ways
@pytest.mark.parametrize("kind", FILTERED)
def test_kept_arrays_change_no_number(way, kind):
    network, x, t = deep(kind, "relu")
    with going(way):
        network.forward_pass(x)
        expected = network.backward_pass(t).vector.copy()
        pool = {}
        for _ in range(3):
            with network.reused_buffers(pool):
                network.propagate(network.prepare_inputs(x))
                network.backpropagate(t, to_input=True)
            assert np.array_equal(network.gradients.vector, expected)


def test_arrays_of_one_width_do_not_stand_in_each_other_s_way():
    same = {"padding": "same", "activation": "relu"}
    layers = [Conv2D(2, 3, **same), MaxPool2D(3, stride=1, padding=1), Conv2D(2, 3, **same)]
    layers += [Conv2D(2, 1, activation="linear"), Flatten(), Dense(2)]
    network = Network(layers, input=[2, 5, 5], loss="mse", seed=3)
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=(4, 50)), rng.normal(size=(4, 2))
    for way in WAYS:
        with going(way):
            network.forward_pass(x)
            expected = network.backward_pass(t).vector.copy()
            with network.reused_buffers({}):
                network.propagate(network.prepare_inputs(x))
                network.backpropagate(network.prepare_targets(t))
            assert np.array_equal(network.gradients.vector, expected)


@both_ways
@pytest.mark.parametrize("kind", FILTERED)
def test_the_order_of_the_cases_counts_for_nothing(way, kind):
    network, x, t = deep(kind, "relu")
    order = np.random.default_rng(5).permutation(len(x))
    with going(way):
        y = network.forward_pass(x)
        gradient = network.backward_pass(t).vector.copy()
        np.testing.assert_allclose(network.forward_pass(x[order]), y[order], rtol=1e-13)
        assert difference(network.backward_pass(t[order]).vector, gradient) < 1e-13


@pytest.mark.exhaustive
@both_ways
@pytest.mark.parametrize("kind", FILTERED)
def test_single_precision(way, kind):
    (double, x, t), (single, _, _) = deep(kind, "tanh"), deep(kind, "tanh", dtype="float32")
    single.theta = double.theta
    gradients = []
    with going(way):
        for network in (double, single):
            network.forward_pass(x)
            gradients.append(network.backward_pass(t).vector.copy())
    assert gradients[1].dtype == np.float32
    assert difference(gradients[0], gradients[1].astype(float)) < 1e-5


def test_the_check_finds_all_of_it_right():
    layers = [Conv2D(2, 2), MaxPool2D(2), LocallyConnected2D(2, [1, 2]), AveragePool2D([2, 1])]
    network = Network([*layers, Flatten(), Dense(2), Softmax()], input=[1, 6, 6], seed=4)
    rng = np.random.default_rng(4)
    report = check(network, rng.normal(size=(2, 36)), [0, 1])
    assert report.right, report.diagnosis
    assert {finding.place for finding in report.by_layer} >= {layer.name for layer in layers}


def test_a_wrong_derivative_is_found(monkeypatch):
    right = Conv2D.jacobians_at

    def wrong(self, x, W):
        return {**right(self, x, W), "x": right(self, x, W[:, :, ::-1])["x"]}

    monkeypatch.setattr(Conv2D, "jacobians_at", wrong)
    layers = [Conv2D(2, 2), Conv2D(2, 2), Flatten(), Dense(2)]
    network = Network(layers, input=[1, 4, 4], loss="mse", seed=4)
    report = check(network, np.random.default_rng(4).normal(size=(2, 16)), np.ones((2, 2)))
    assert not report.right
    assert "conv2d_2" in report.diagnosis


@pytest.mark.parametrize("kind", FILTERED)
def test_a_filter_of_the_whole_image_is_a_dense_layer(kind):
    case = case_for(kind(3, [4, 5], activation="tanh"), (2, 4, 5))
    layer, dense = case.layer, Dense(3, "tanh")
    other = Network([dense], input=40, loss="mse")
    dense.W, dense.b = layer.W.reshape(3, 40).T, layer.b.reshape(3)
    np.testing.assert_allclose(layer.forward_pass(case.x), dense.forward_pass(case.x), rtol=1e-13)
    upstream, expected = layer.backward_pass(case.J), dense.backward_pass(case.J)
    np.testing.assert_allclose(upstream, expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.W_grad.reshape(3, 40).T, dense.W_grad, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.b_grad.reshape(3), dense.b_grad, rtol=1e-12, atol=1e-14)
    assert other.parameters.layout.size == sum(w.size for w in (layer.W, layer.b))


@both_ways
def test_of_equal_numbers_the_first_gets_the_gradient(way):
    layer = MaxPool2D([2, 2])
    case_for(layer, (1, 2, 4))
    with going(way):
        y = layer.forward_pass(np.array([[1.0, 3, 0, 0, 3, 3, 0, 0]]))
        upstream = layer.backward_pass(np.array([[5.0, 7.0]]))
    assert np.array_equal(y, [[3, 0]])
    assert np.array_equal(upstream, [[0, 5, 7, 0, 0, 0, 0, 0]])


@both_ways
def test_numbers_that_are_none_are_passed_on(way):
    layer = MaxPool2D(2)
    case_for(layer, (1, 2, 4))
    x = np.array([[1.0, np.nan, -np.inf, -np.inf, 9.0, 2.0, -np.inf, -np.inf]])
    with going(way):
        y = layer.forward_pass(x)
        upstream = layer.backward_pass(np.array([[5.0, 7.0]]))
    assert np.array_equal(y, [[np.nan, -np.inf]], equal_nan=True)
    assert np.array_equal(upstream, [[0, 5, 7, 0, 0, 0, 0, 0]])


def test_ties_of_a_pooling_window_are_kinks():
    layers = [Conv2D(1, 1, activation="linear"), MaxPool2D(2), Flatten(), Dense(1)]
    network = Network(layers, input=[1, 2, 2], loss="mse", seed=1)
    layers[0].W, layers[0].b = 1.0, 0.0
    t = network.prepare_targets([[0.0]])
    tied, apart, flat = (np.array([x]) for x in ([3.0, 1, 3, 2], [4.0, 1, 3, 2], [0.0, 0, 0, 0]))
    assert met(network, tied, t) == {"ties of max_pool2d_1": 1}
    assert met(network, apart, t) == met(network, flat, t) == {}
    other = np.array([[3.0, 1, 4, 2]])  # now another one is the largest
    sides = [signature(network, x, t, network.theta) for x in (apart, other)]
    assert not np.array_equal(*sides)


def test_sizes_that_do_not_fit_say_what_would():
    def error(layer, shape=(3, 5, 4)):
        with pytest.raises(ConfigError) as found:
            layer.connect(shape)
        return str(found.value)

    assert "a size of at most [5, 4], a padding of at least 1" in error(Conv2D(2, [7, 3]))
    assert "7 × 4 with padding" in error(Conv2D(2, [9, 1], padding=[1, 0]))
    assert "takes images, (channels, height, width)" in error(Conv2D(2, 3), (60,))
    assert "nothing but padding" in error(MaxPool2D(2, padding=2))


@pytest.mark.parametrize(
    "options",
    [
        {"filters": 0},
        {"filters": 2.0},
        {"size": 0},
        {"size": [3]},
        {"size": "3"},
        {"stride": 0},
        {"stride": [1, 2, 3]},
        {"padding": -1},
        {"padding": "full"},
        {"bias": 1},
        {"weights": "gloriot"},
    ],
)
def test_settings_that_are_none(options):
    with pytest.raises(ConfigError):
        Conv2D(**{"filters": 2, "size": 3, **options})


def test_what_is_not_there_yet_is_said():
    layer = Conv2D(2, 3, bias=False)
    with pytest.raises(ShapeError, match="before it belongs to a network"):
        layer.W  # noqa: B018
    case_for(layer, (1, 4, 4))
    with pytest.raises(ShapeError, match="has no b"):
        layer.b  # noqa: B018
    with pytest.raises(ShapeError, match="no forward pass"):
        layer.jacobians()


def test_explicit_matrices_that_are_too_large_are_refused():
    case = case_for(Conv2D(8, 3, padding="same"), (3, 32, 32))
    case.layer.forward_pass(case.x)
    with pytest.raises(ShapeError, match="more than the limit"):
        case.layer.jacobians()["x"].dense()


@pytest.mark.parametrize("kind", FILTERED)
def test_first_weights_go_by_what_is_under_a_filter(kind):
    network = Network(
        [kind(64, 5, padding="same", weights="he"), Flatten(), Dense(1)], input=[8, 8, 8], seed=1
    )
    W = network.layers[0].W
    assert W.std() == pytest.approx(np.sqrt(2 / (8 * 25)), rel=0.03)


@given(st.integers(1, 12), st.integers(1, 5), st.integers(1, 4))
def test_same_padding_gives_as_many_outputs_as_the_stride_leaves(length, size, stride):
    layer = Conv2D(1, [size, 1], stride=[stride, 1], padding="same")
    layer.connect((1, length, 1))
    assert layer.output_shape == (1, -(-length // stride), 1)
    above, below, *_ = layer.windows.padding
    assert 0 <= below - above <= 1


@both_ways
@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv2D(3, 3, padding=1, activation="relu"),
        lambda: Conv2D(3, 2, stride=2, activation="linear"),
        lambda: LocallyConnected2D(3, 2),
        lambda: MaxPool2D(2),
        lambda: AveragePool2D(2),
    ],
)
def test_arrays_of_any_kind_are_taken(way, layer):
    case = case_for(layer(), (2, 6, 6), cases=3)
    with going(way):
        y = case.layer.forward_pass(case.x)
        upstream = case.layer.backward_pass(case.J)
        for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=1)[:, ::2], frozen):
            assert np.array_equal(case.layer.forward_pass(change(case.x)), y)
            assert np.array_equal(case.layer.backward_pass(change(case.J)), upstream)


def frozen(array):
    """The same numbers, not to be written to."""
    copy = array.copy()
    copy.setflags(write=False)
    return copy
