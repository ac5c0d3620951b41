"""What a layer of filters or a pool offers beside its two passes, in NumPy and in loops."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.nn import AveragePool2D, Conv2D, Flatten, LocallyConnected2D, MaxPool2D
from chainrule.nn.images import conv2d as convolution
from chainrule.nn.images import locally_connected2d as local
from image_layers import FILTERED, WAYS, case_for, going
from networks import normal

SHAPE = (2, 7, 6)
LIMITS = {"float64": 1e-12, "float32": 2e-5}

both_ways = pytest.mark.parametrize("way", WAYS)
kinds = pytest.mark.parametrize("kind", FILTERED)
functions = pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
types = pytest.mark.parametrize("dtype", LIMITS)


def layer_of(kind, activation, dtype="float64", *, bias=True):
    layer = kind(3, [3, 2], stride=[2, 1], padding=[1, 0], activation=activation, bias=bias)
    return case_for(layer, SHAPE, cases=3, seed=4, dtype=dtype)


def own_values(case):
    return {
        name: case.network.parameters[f"{case.layer.name}.{name}"] for name in case.layer.shapes()
    }


@both_ways
@kinds
@functions
@types
@pytest.mark.parametrize("bias", [True, False])
def test_evaluating_is_the_forward_pass_and_disturbs_none(way, kind, activation, dtype, bias):
    case = layer_of(kind, activation, dtype, bias=bias)
    other = normal(case.x.shape, seed=1).astype(dtype)
    with going("numpy"):
        expected = case.layer.forward_pass(other).copy(), case.layer.z.copy()
    with going(way):
        case.layer.forward_pass(case.x)
        before = case.layer.x.copy(), case.layer.z.copy(), case.layer.a.copy()
        z, a = case.layer.evaluate(other, own_values(case))
    assert z.dtype == a.dtype == dtype
    np.testing.assert_allclose(a, expected[0], rtol=LIMITS[dtype], atol=LIMITS[dtype])
    np.testing.assert_allclose(z, expected[1], rtol=LIMITS[dtype], atol=LIMITS[dtype])
    for array, kept in zip(before, (case.layer.x, case.layer.z, case.layer.a), strict=True):
        assert np.array_equal(array, kept)


@both_ways
@kinds
def test_evaluating_takes_columns_of_another_array(way, kind):
    case = layer_of(kind, "tanh")
    wide = normal((3, 2 * case.x.shape[1]))
    with going(way):
        found = case.layer.evaluate(wide[:, ::2], own_values(case))
        expected = case.layer.evaluate(wide[:, ::2].copy(), own_values(case))
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])


@both_ways
@kinds
@functions
@types
@pytest.mark.parametrize("bias", [True, False])
def test_from_delta_on_it_is_the_jacobians(way, kind, activation, dtype, bias):
    case = layer_of(kind, activation, dtype, bias=bias)
    layer, delta = case.layer, normal(case.J.shape, seed=2).astype(dtype)
    limit = {"rtol": LIMITS[dtype], "atol": 10 * LIMITS[dtype]}
    with going(way):
        layer.forward_pass(case.x)
        jacobians = layer.jacobians()
        expected = {name: jacobians[name].vjp(delta) for name in ("x", *layer.shapes())}
        case.network.gradients.vector[:] = np.nan
        upstream = layer.backward_from_delta(delta.copy())
    assert upstream.dtype == dtype
    np.testing.assert_allclose(upstream, expected.pop("x"), **limit)
    assert np.array_equal(layer.delta, delta)
    for name, gradient in expected.items():
        found = case.network.gradients[f"{layer.name}.{name}"]
        np.testing.assert_allclose(found, gradient, **limit)
    with going(way):
        assert layer.backward_from_delta(delta, to_input=False) is None


@kinds
@functions
def test_the_way_is_the_one_that_is_worth_it(kind, activation, monkeypatch):
    """Real numbers of one type go through loops from some work on; explicit matrices never."""
    taken = []
    for module in (convolution, local):
        for name in ("convolve", "apply_filters", "input_gradient", "weight_gradient"):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, told(getattr(module, name), taken))
    case = layer_of(kind, activation)
    for back in (case.layer.backward_pass, case.layer.backward_from_delta):
        for way in WAYS:
            with going(way):
                case.layer.forward_pass(case.x)
                taken.clear()
                back(case.J.copy())
                assert bool(taken) is (way == "numpy")
    with going("loops"):
        taken.clear()
        case.layer.backward_from_delta(case.J.astype(np.float32))
        assert taken
        taken.clear()
        case.layer.explicit = True
        case.layer.backward_pass(case.J.copy())
        case.layer.backward_from_delta(case.J.copy())
        assert not taken


def told(function, taken):
    """The function, which says that it was called."""

    def telling(*arguments, **options):
        taken.append(function.__name__)
        return function(*arguments, **options)

    return telling


@both_ways
@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv2D(2, 3, activation="relu"),
        lambda: LocallyConnected2D(2, 3, activation="tanh"),
        lambda: MaxPool2D(2),
        lambda: AveragePool2D(2),
    ],
)
def test_evaluating_between_the_passes_changes_no_gradient(way, layer):
    layers = [Conv2D(2, 2), layer(), Flatten(), Dense(2)]
    network = Network(layers, input=[1, 7, 7], loss="mse", seed=3)
    x, t = network.prepare_inputs(normal((3, 49))), network.prepare_targets(normal((3, 2)))
    other = network.prepare_inputs(normal((3, 49), seed=1))
    network.forward_pass(x)
    expected = network.backward_pass(t).vector.copy()
    with going(way), network.reused_buffers({}):
        network.propagate(x)
        network.evaluate(other)
        network.backpropagate(t)
    np.testing.assert_allclose(network.gradients.vector, expected, rtol=1e-11, atol=1e-13)


@both_ways
@kinds
@functions
def test_of_what_nobody_wants_there_is_padded_zeros(way, kind, activation):
    case = layer_of(kind, activation)
    with going(way):
        case.layer.forward_pass(case.x)
        case.layer.backward_pass(case.J)
        gradient = case.network.gradients.vector.copy()
        case.network.gradients.vector[: case.layer.W.size] = np.nan
        assert case.layer.backward_pass(case.J, to_input=False) is None
    assert np.array_equal(case.network.gradients.vector, gradient)


@kinds
def test_the_explicit_way_is_the_same_where_loops_are_worth_it(kind):
    case = layer_of(kind, "relu")
    with going("loops"):
        case.layer.forward_pass(case.x)
        upstream = case.layer.backward_pass(case.J).copy()
        from_delta = case.layer.backward_from_delta(case.J).copy()
        case.layer.explicit = True
        np.testing.assert_allclose(case.layer.backward_pass(case.J), upstream, atol=1e-12)
        np.testing.assert_allclose(case.layer.backward_from_delta(case.J), from_delta, atol=1e-12)


@both_ways
@kinds
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("flat", [False, True])
def test_the_output_can_be_read_after_both_passes(way, kind, activation, flat):
    layers = [kind(2, 2), kind(2, 3, activation=activation), *([Flatten()] if flat else [])]
    network = Network(layers, input=[1, 5, 5], loss="mse", seed=2)
    x, t = normal((3, 25)), network.prepare_targets(normal((3, network.outputs), seed=1))
    expected = network.forward_pass(x)
    with going(way), network.reused_buffers({}):
        for _ in range(2):
            y = network.propagate(network.prepare_inputs(x))
            network.backpropagate(t)
            np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


@both_ways
@pytest.mark.parametrize("pool", [MaxPool2D, AveragePool2D])
@types
def test_a_pool_evaluates_as_it_passes(way, pool, dtype):
    case = case_for(pool([2, 3], stride=[2, 1], padding=1), SHAPE, cases=3, dtype=dtype)
    other = normal(case.x.shape, seed=1).astype(dtype)
    with going("numpy"):
        expected = case.layer.forward_pass(other).copy()
    with going(way):
        y = case.layer.forward_pass(case.x).copy()
        upstream = case.layer.backward_pass(case.J).copy()
        found = case.layer.evaluate(other, {})[1]
        np.testing.assert_allclose(found, expected, rtol=LIMITS[dtype], atol=LIMITS[dtype])
        assert np.array_equal(case.layer.backward_pass(case.J), upstream)
        case.layer.delta = None
        assert np.array_equal(case.layer.backward_from_delta(case.J), upstream)
        assert np.array_equal(case.layer.delta, case.J)
        assert case.layer.backward_pass(case.J, to_input=False) is None
    assert found.dtype == upstream.dtype == y.dtype == dtype
    jacobian = case.layer.jacobians()["x"]
    np.testing.assert_allclose(
        jacobian.vjp(case.J), upstream, rtol=LIMITS[dtype], atol=LIMITS[dtype]
    )


@pytest.mark.parametrize("explicit", [False, True])
def test_flattening_passes_on_what_it_gets(explicit):
    case = case_for(Flatten(), SHAPE, cases=3)
    case.layer.explicit = explicit
    assert np.array_equal(case.layer.forward_pass(case.x), case.x)
    for back in (case.layer.backward_pass, case.layer.backward_from_delta):
        case.layer.delta = None
        assert np.array_equal(back(case.J), case.J)
        assert np.array_equal(case.layer.delta, case.J)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv2D(2, 3),
        lambda: LocallyConnected2D(2, 3),
        lambda: MaxPool2D(2),
        lambda: AveragePool2D(2),
    ],
)
def test_complex_images_are_evaluated_in_numpy(layer):
    case = case_for(layer(), (1, 4, 4))
    v = normal(case.x.shape, seed=3)
    with going("loops"):
        moved = case.layer.evaluate(case.x + 1e-200j * v, own_values(case))[0].imag / 1e-200
        case.layer.forward_pass(case.x)
    np.testing.assert_allclose(moved, case.layer.jacobians()["x"].jvp(v), rtol=1e-12, atol=1e-14)
