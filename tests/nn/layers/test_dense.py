"""The dense layer, neuron by neuron and by its Jacobians."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import COMPLEX_STEP
from chainrule.nn.activations import ACTIVATIONS, ELU
from chainrule.nn.initializers import INITIALIZERS, Range
from chainrule.nn.losses import LOSSES
from networks import batch_for, difference, network_for

sizes = {
    "cases": st.integers(1, 4),
    "inputs": st.integers(1, 4),
    "size": st.integers(1, 4),
    "seed": st.integers(0, 10**6),
}


def layer_for(inputs=3, size=2, activation="tanh", seed=0, **options):
    """A layer that stands alone in its network, and inputs for it."""
    layer = Dense(size, activation, weights=[-1, 1], biases=[-1, 1], **options)
    Network([layer], input=inputs, loss="mse", seed=seed)
    return layer


def neuron_by_neuron(layer, x, J):
    """Both passes in plain loops: a, δ, ∂L/∂W, ∂L/∂b and ∂L/∂x."""
    cases, (inputs, size) = len(x), layer.W.shape
    a, delta = np.zeros((cases, size)), np.zeros((cases, size))
    W_grad, b_grad = np.zeros((inputs, size)), np.zeros(size)
    upstream = np.zeros((cases, inputs))
    for n in range(cases):
        for k in range(size):
            z = sum(x[n, i] * layer.W[i, k] for i in range(inputs)) + layer.b[k]
            a[n, k] = layer.activation.value(np.array([z]))[0]
            delta[n, k] = J[n, k] * layer.activation.derivative(np.array([z]))[0]
            b_grad[k] += delta[n, k]
            for i in range(inputs):
                W_grad[i, k] += x[n, i] * delta[n, k]
                upstream[n, i] += delta[n, k] * layer.W[i, k]
    return a, delta, W_grad, b_grad, upstream


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@settings(max_examples=25, deadline=None)
@given(**sizes)
def test_both_passes_are_those_of_the_single_neurons(
    activation, explicit, cases, inputs, size, seed
):
    layer = layer_for(inputs, size, activation, seed)
    layer.explicit = explicit
    rng = np.random.default_rng(seed)
    for _ in range(2):
        x, J = rng.normal(size=(cases, inputs)), rng.normal(size=(cases, size))
        a, delta, W_grad, b_grad, upstream = neuron_by_neuron(layer, x, J)
        assert difference(a, layer.forward_pass(x)) <= 1e-12
        assert difference(upstream, layer.backward_pass(J)) <= 1e-12
        assert difference(delta, layer.delta) <= 1e-12
        assert difference(W_grad, layer.W_grad) <= 1e-12
        assert difference(b_grad, layer.b_grad) <= 1e-12


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_jacobian_of_the_activation_is_its_derivative(name):
    layer = layer_for(activation=name)
    layer.forward_pass(np.random.default_rng(0).normal(size=(4, 3)))
    expected = [np.diag(layer.activation.derivative(z)) for z in layer.z]
    assert np.array_equal(layer.jacobians()["a"].dense(), expected)


@pytest.mark.parametrize("argument", ["x", "W", "b"])
def test_the_jacobians_are_the_derivatives_of_the_pre_activation(argument):
    layer = layer_for()
    x = np.random.default_rng(1).normal(size=(4, 3))
    layer.forward_pass(x)
    arguments = {"x": x, "W": layer.W, "b": layer.b}
    dense = layer.jacobians()[argument].dense()
    for index in np.ndindex(arguments[argument].shape):
        moved = {name: array.astype(complex) for name, array in arguments.items()}
        moved[argument][index] += 1j * COMPLEX_STEP
        z, _ = layer.evaluate(moved["x"], moved)
        # x has a row for every case; W and b are shared by all.
        expected = z.imag / COMPLEX_STEP
        found = dense[index[0], :, index[1]] if argument == "x" else dense[(..., *index)]
        expected = expected[index[0]] if argument == "x" else expected
        assert difference(expected, found) <= 1e-15


def test_from_delta_on_the_activation_has_no_part():
    layer, delta = layer_for(), np.array([[1.0, 2.0]])
    x = np.array([[1.0, 10.0, 100.0]])
    layer.forward_pass(x)
    upstream = layer.backward_from_delta(delta)
    assert upstream == pytest.approx(delta @ layer.W.T)
    assert layer.W_grad.tolist() == [[1, 2], [10, 20], [100, 200]]
    assert layer.b_grad.tolist() == [1, 2]


@pytest.mark.parametrize("explicit", [False, True])
def test_what_goes_upstream_is_made_only_where_it_is_wanted(explicit):
    layer = layer_for()
    layer.explicit = explicit
    layer.forward_pass(np.ones((2, 3)))
    assert layer.backward_pass(np.ones((2, 2)), to_input=False) is None
    assert layer.W_grad.any()


def test_evaluating_keeps_nothing():
    layer = layer_for()
    layer.forward_pass(np.ones((2, 3)))
    kept = layer.x.copy(), layer.z.copy(), layer.a.copy()
    layer.evaluate(np.zeros((5, 3)), {"W": np.zeros((3, 2)), "b": np.zeros(2)})
    for before, now in zip(kept, (layer.x, layer.z, layer.a), strict=True):
        assert np.array_equal(before, now)


def test_weights_and_biases_are_assigned_in_place():
    layer = layer_for()
    W, b = layer.W, layer.b
    layer.W = [[1, 2], [3, 4], [5, 6]]
    layer.b += 1
    layer.W_grad = np.ones((3, 2))
    layer.b_grad -= 4
    assert layer.W_grad.tolist() == [[1, 1]] * 3
    assert layer.b_grad.tolist() == [-4, -4]
    assert layer.W is W
    assert layer.b is b
    assert W.tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    ("name", "shape"), [("W", (2, 3)), ("W", (2,)), ("b", (1, 2)), ("b", (3,))]
)
def test_an_array_of_another_shape_is_refused(name, shape):
    layer = layer_for()
    before = getattr(layer, name).copy()
    with pytest.raises(ShapeError, match=rf"dense_1\.{name} has shape"):
        setattr(layer, name, np.zeros(shape))
    assert np.array_equal(getattr(layer, name), before)


def test_there_are_no_jacobians_before_a_forward_pass():
    with pytest.raises(ShapeError, match="there was no forward pass through dense_1"):
        layer_for().jacobians()


@pytest.mark.parametrize("start", [*INITIALIZERS, [0.25, 0.5]], ids=str)
def test_weights_and_biases_start_as_they_are_told(start):
    layer = Dense(4, weights=start, biases=[7, 8])
    Network([layer], input=3, loss="mse")
    assert np.all((layer.b >= 7) & (layer.b < 8))
    if isinstance(start, list):
        assert np.all((layer.W >= 0.25) & (layer.W < 0.5))
        assert layer.weights == Range(0.25, 0.5)
    else:
        assert layer.W.any() == (start != "zeros")


def test_biases_start_at_0_unless_told():
    layer = Dense(4)
    Network([layer], input=3, loss="mse")
    assert not layer.b.any()
    assert layer.W.any()


def test_an_activation_may_be_changed():
    layer = layer_for(activation="linear")
    layer.activation = {"type": "elu", "alpha": 2.0}
    assert layer.activation == ELU(2.0)
    x = np.array([[-3.0, 0.0, 0.0]])
    z = x @ layer.W + layer.b
    assert layer.forward_pass(x) == pytest.approx(np.where(z > 0, z, 2 * np.expm1(z)))


@pytest.mark.parametrize("size", [np.int64(3), 3])
def test_a_size_is_a_whole_number(size):
    assert Dense(size).size == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be a whole number of at least 1, found 0"),
        ({"size": -2}, "found -2"),
        ({"size": 1.5}, "found 1.5"),
        ({"size": 2.0}, "found 2.0"),
        ({"size": "ten"}, "found 'ten'"),
        ({"size": True}, "found True"),
        ({"size": None}, "found None"),
        ({"size": 2, "activation": "rellu"}, "did you mean 'relu'?"),
        ({"size": 2, "weights": "xavier"}, "did you mean 'glorot'?"),
        ({"size": 2, "biases": [1, 0]}, "the smaller first"),
        ({"size": 2, "learning_rate": -0.1}, "a learning rate is a finite number of at least 0"),
        ({"size": 2, "learning_rate": float("nan")}, "found nan"),
        ({"size": 2, "learning_rate": "0.1"}, "found '0.1'"),
        ({"size": 2, "name": 3}, "a layer's name is a text, found 3"),
    ],
)
def test_what_makes_no_layer_is_refused(options, message):
    with pytest.raises(ConfigError) as caught:
        Dense(**options)
    assert message in str(caught.value)


def test_it_takes_no_images():
    with pytest.raises(ConfigError) as caught:
        Dense(2, name="d").connect((3, 4, 5))
    assert str(caught.value) == (
        "d, a dense layer, takes a row of numbers, but what feeds it has the shape 3 x 4 x 5; put "
        "a flatten layer before it"
    )


def test_what_it_was_told_can_be_read():
    layer = Dense(2, weights=[0, 1], biases=[1, 2], name="d", inputs="a", learning_rate=0.5)
    assert (layer.weights, layer.biases) == (Range(0, 1), Range(1, 2))
    assert (layer.name, layer.sources, layer.learning_rate) == ("d", ("a",), 0.5)
    assert (layer.x, layer.z, layer.a) == (None, None, None)


@pytest.mark.parametrize("explicit", [False, True])
@pytest.mark.parametrize("loss", LOSSES)
def test_kept_buffers_change_no_bit(loss, explicit):
    """Over batches of several sizes, in layers that share a width."""
    rng = np.random.default_rng(2)
    plain, kept = (
        network_for("tanh", loss, hidden=(3, 3, 2), outputs=3, explicit_jacobians=explicit)
        for _ in range(2)
    )
    pool = {}
    for cases in (4, 2, 4, 1, 4):
        x, t = batch_for(plain, cases, rng)
        t = plain.prepare_targets(t)
        plain.propagate(x)
        plain.backpropagate(t)
        with kept.reused_buffers(pool):
            y = kept.propagate(x)
            kept.backpropagate(t)
            assert y.tobytes() == plain._output.tobytes()
        assert kept.gradients.vector.tobytes() == plain.gradients.vector.tobytes()


def test_looking_at_the_jacobians_disturbs_no_kept_buffer():
    layer = Dense(2, "tanh", weights=[-1, 1])
    network = Network([layer], input=3, loss="mse", seed=1)
    x = np.random.default_rng(3).normal(size=(4, 3))
    with network.reused_buffers({}):
        network.propagate(x)
        network.backpropagate(np.zeros((4, 2)))
        delta = layer.delta.copy()
        layer.jacobians()
        assert np.array_equal(layer.delta, delta)


def test_outside_kept_buffers_a_pass_makes_its_arrays_anew():
    layer = Dense(2, "tanh")
    network = Network([layer], input=3, loss="mse", seed=1)
    with network.reused_buffers({}):
        first = network.propagate(np.ones((2, 3)))
        assert network.propagate(np.zeros((2, 3))) is first
    second = network.propagate(np.ones((2, 3)))
    assert network.propagate(np.zeros((2, 3))) is not second


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_kept_buffers_are_the_same_arrays_in_every_pass(dtype):
    network = network_for("tanh", "mse", hidden=(4, 4), dtype=dtype)
    rng, pool, seen = np.random.default_rng(1), {}, []
    with network.reused_buffers(pool):
        for _ in range(2):
            x = network.prepare_inputs(rng.normal(size=(5, 3)))
            t = network.prepare_targets(rng.normal(size=(5, 2)))
            network.propagate(x)
            upstream = network.backpropagate(t, to_input=True)
            seen.append([(la.z, la.a, la.delta, upstream) for la in network.layers])
    for first, second in zip(*seen, strict=True):
        assert all(a is b for a, b in zip(first, second, strict=True))
        assert all(a.dtype == dtype for a in first)
    shared = [entry for entry in pool.values() if isinstance(entry, np.ndarray)]
    assert len(shared) == 2  # ∂L/∂x: for 3 inputs, and for both layers with 4
    assert all(array.dtype == dtype for array in shared)
    buffers = [entry for entry in pool.values() if not isinstance(entry, np.ndarray)]
    assert all(array is not None and array.dtype == dtype for entry in buffers for array in entry)


# At each step of a sequence


def layer_of_steps(**options):
    layer = Dense(2, "tanh", weights=[-1, 1], biases=[-1, 1])
    network = Network([layer], input=[3, 4], loss="mse", seed=1, **options)
    return network.layers[0], network


def test_at_padding_the_activation_has_no_slope():
    layer, _ = layer_of_steps()
    x = np.random.default_rng(0).normal(size=(2, 12))
    x[1, 8:] = np.nan  # the third step of the second case
    y = layer.forward_pass(x)
    slopes = np.where(np.isnan(y), 0, 1 - y**2)
    assert np.isnan(y[1, 4:]).all()
    expected = np.stack([np.diag(row) for row in slopes])
    assert layer.jacobians()["a"].dense() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("explicit", [False, True])
def test_delta_of_a_sequence_is_a_row_a_case(explicit):
    layer, _ = layer_of_steps(explicit_jacobians=explicit)
    rng = np.random.default_rng(1)
    y, J = layer.forward_pass(rng.normal(size=(2, 12))), rng.normal(size=(2, 6))
    upstream = layer.backward_pass(J)
    assert upstream.shape == (2, 12)
    assert layer.delta == pytest.approx(J * (1 - y**2), rel=1e-13)


def test_kept_buffers_hold_the_steps_of_a_sequence_too():
    layer, network = layer_of_steps()
    seen = []
    with network.reused_buffers({}):
        for seed in range(2):
            x = np.random.default_rng(seed).normal(size=(5, 12))
            y = network.propagate(x)
            upstream = network.backpropagate(np.zeros((5, 3, 2)), to_input=True)
            seen.append((layer.z, y, layer.delta, upstream))
            fresh, twin = layer_of_steps()
            assert np.array_equal(twin.propagate(x), y)
            assert np.array_equal(twin.backpropagate(np.zeros((5, 3, 2)), to_input=True), upstream)
            assert np.array_equal(fresh.W_grad, layer.W_grad)
    assert all(np.shares_memory(first, second) for first, second in zip(*seen, strict=True))
