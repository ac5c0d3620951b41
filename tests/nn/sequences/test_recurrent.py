"""The recurrent layer against loops, numeric derivatives, the graph and its own definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ChainruleError, ConfigError, ShapeError
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.numeric import COMPLEX_STEP, along
from chainrule.nn import Recurrent
from chainrule.nn.activations import ACTIVATIONS
from networks import difference
from recurrence import padded, states, truncated_gradients

SPREAD = {"weights": [-1, 1], "recurrent_weights": [-0.8, 0.8], "biases": [-0.5, 0.5]}


@st.composite
def layers(draw, activations=("tanh", "linear", "sigmoid", "softplus")):
    """A layer in a network of its own, its inputs, and how its cases were drawn."""
    steps, features = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    size, cases = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    start = draw(st.sampled_from(["zeros", "learnt", "given"]))
    layer = Recurrent(
        size,
        draw(st.sampled_from(activations)),
        outputs=draw(st.sampled_from(["all", "last"])),
        bias=draw(st.booleans()),
        start=rng.normal(size=size).tolist() if start == "given" else start,
        truncate=draw(st.sampled_from([None, None, 1, 2, 3, 6])),
        **SPREAD,
    )
    network = Network([layer], input=[steps, features], loss="mse", seed=seed)
    if start == "learnt":
        layer.h0 = rng.normal(size=size)
    x = rng.normal(size=(cases, steps, features))
    if draw(st.booleans()):
        for case in x:
            case[draw(st.integers(1, steps)) :] = np.nan
    return layer, network, x


def lengths(x):
    return [int((~np.isnan(case).all(axis=1)).sum()) for case in x]


def rows(layer, y):
    """Outputs with the steps apart: (cases, steps or 1, size)."""
    return y.reshape(len(y), -1, layer.size)


@settings(max_examples=60, deadline=None)
@given(layers())
def test_the_outputs_are_those_of_the_formula(drawn):
    layer, network, x = drawn
    y = rows(layer, network.forward_pass(x))
    for case, found, length in zip(x, y, lengths(x), strict=True):
        h = states(layer, case[:length])
        if layer.only_last:
            assert difference(found[0], h[-1]) <= 1e-13
        else:
            assert difference(found[:length], np.array(h[1:])) <= 1e-13
            assert np.isnan(found[length:]).all()


@settings(max_examples=60, deadline=None)
@given(layers(), st.booleans())
def test_the_gradients_are_those_of_the_definition_truncated_or_not(drawn, explicit):
    layer, network, x = drawn
    network.explicit_jacobians = explicit
    y = network.forward_pass(x)
    J = np.where(np.isnan(y), 0, np.random.default_rng(1).normal(size=y.shape))
    upstream = layer.backward_pass(J).reshape(x.shape)
    depth = layer.truncate or layer.steps
    expected = dict.fromkeys(layer.shapes(), 0.0)
    for k, (case, length) in enumerate(zip(x, lengths(x), strict=True)):
        J_case = np.zeros((length, layer.size))
        if layer.only_last:
            J_case[-1] = J[k]
        else:
            J_case[:] = rows(layer, J)[k, :length]
        one = truncated_gradients(layer, case[:length], J_case, depth)
        assert difference(upstream[k, :length], one.pop("x")) <= 1e-13
        assert not upstream[k, length:].any()
        expected = {name: expected[name] + g for name, g in one.items()}
    for name, g in expected.items():
        assert difference(network.gradients[f"{layer.name}.{name}"], g) <= 1e-12, name


@settings(max_examples=60, deadline=None)
@given(layers())
def test_each_jacobian_is_one_map_whichever_way_it_is_applied(drawn):
    layer, network, x = drawn
    y = network.forward_pass(x)
    rng = np.random.default_rng(2)
    u = np.where(np.isnan(y), 0, rng.normal(size=y.shape))
    shapes = {"x": (len(x), layer.inputs), **layer.shapes()}
    for name, J in layer.through_time().items():
        v = rng.normal(size=shapes[name])
        dense, moved = J.dense(), J.jvp(v)
        assert dense.shape == J.dense_shape == (*y.shape, *shapes[name][name == "x" :])
        of_case = v[:, None] if name == "x" else v
        by_dense = (dense * of_case).reshape(*y.shape, -1).sum(axis=2)
        assert difference(moved, by_dense) <= 1e-12
        assert (J.vjp(u) * v).sum() == pytest.approx((u * moved).sum(), rel=1e-10, abs=1e-12)
        assert difference(J.cases(slice(0, 1)).dense(), dense[:1]) <= 1e-14


@settings(max_examples=60, deadline=None)
@given(layers())
def test_without_truncation_they_are_the_derivatives_of_the_outputs(drawn):
    layer, network, x = drawn
    layer.truncate = None
    y = network.forward_pass(x)
    values = {name: network.parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
    rng = np.random.default_rng(3)
    flat = network.prepare_inputs(x)
    for name, J in layer.through_time().items():

        def f(v, name=name):
            if name == "x":
                return layer.evaluate(v, values)[1]
            return layer.evaluate(flat.astype(complex), {**values, name: v})[1]

        at = flat if name == "x" else values[name]
        v = rng.normal(size=at.shape)
        numeric = np.where(np.isnan(y), 0, along(f, at, v))
        assert difference(J.jvp(v), numeric) <= 1e-12


@settings(max_examples=40, deadline=None)
@given(layers(activations=("tanh", "relu", "linear", "gelu")), st.sampled_from(["L1", "L2"]))
def test_the_graph_finds_the_same_gradient(drawn, penalty):
    layer, network, x = drawn
    network.penalty = {"type": penalty, "rate": 0.1, "biases": True}
    t = np.random.default_rng(4).normal(size=(len(x), layer.outputs))
    if not layer.only_last:
        t = t.reshape(len(x), layer.steps, layer.size)
        t[np.isnan(x).all(axis=2)] = np.nan
    network.loss(x, t)
    ours = network.backward_pass(t).vector
    assert difference(ours, graph_gradient(network, x, t).vector) <= 1e-13


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_every_activation_goes_back_through_time(activation):
    rng = np.random.default_rng(5)
    layer = Recurrent(3, activation, start="learnt", **SPREAD)
    network = Network([layer, Dense(2)], input=[4, 2], loss="mse", seed=6)
    x, t = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
    value = network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    for _ in range(3):
        v = rng.normal(size=gradient.shape)
        moved = network.loss(x, t, network.theta + 1j * COMPLEX_STEP * v)
        assert moved.real == pytest.approx(value, rel=1e-14)
        assert gradient @ v == pytest.approx(moved.imag / COMPLEX_STEP, rel=1e-11, abs=1e-12)


def test_what_every_layer_may_be_told_is_kept():
    layer = Recurrent(2, learning_rate=0.25, name="own", inputs="input")
    assert (layer.learning_rate, layer.name, layer.sources) == (0.25, "own", ("input",))


def a_pass(**options):
    """A layer after a forward pass of two cases, the second of two steps of four."""
    layer = Recurrent(3, "tanh", **SPREAD, **options)
    network = Network([layer], input=[4, 2], loss="mse", seed=6)
    x = np.random.default_rng(9).normal(size=(2, 4, 2))
    x[1, 2:] = np.nan
    network.forward_pass(x)
    return layer, network, x


def test_pre_activations_are_those_of_the_formula_and_nan_at_padding():
    layer, network, x = a_pass()
    values = {name: network.parameters[f"{layer.name}.{name}"] for name in layer.shapes()}
    for z in (layer.z, layer.evaluate(network.prepare_inputs(x), values)[0]):
        at = z.reshape(2, 4, 3)
        assert np.isnan(at[1, 2:]).all()
        h = np.array(states(layer, x[1, :2]))
        expected = x[1, :2] @ layer.W + h[:2] @ layer.U + layer.b
        assert difference(at[1, :2], expected) <= 1e-13


def test_steps_of_padding_have_jacobians_of_0():
    layer, _, _ = a_pass()
    for name, J in layer.jacobians().items():
        dense = J.dense()
        if name == "a":
            assert not dense[1, 6:].any()
        else:
            assert dense[0, 6:].any(), name
            assert not dense[1, 6:].any(), name


@pytest.mark.parametrize("outputs", ["all", "last"])
@pytest.mark.parametrize("truncate", [None, 2])
def test_from_delta_it_is_the_backward_pass_behind_the_slope(outputs, truncate):
    layer, network, _ = a_pass(outputs=outputs, truncate=truncate, start="learnt")
    rng = np.random.default_rng(10)
    slopes = layer.slopes.dense().diagonal(axis1=1, axis2=2).reshape(2, 4, 3)
    if outputs == "last":
        slopes = slopes[[0, 1], [3, 1]]
    J = rng.normal(size=(2, layer.outputs))
    expected = layer.backward_pass(J), network.gradients.vector.copy()
    network.gradients.vector[:] = np.nan
    found = layer.backward_from_delta(J * slopes.reshape(2, -1))
    assert difference(found, expected[0]) <= 1e-14
    assert difference(network.gradients.vector, expected[1]) <= 1e-14
    assert layer.backward_from_delta(J, to_input=False) is None


@pytest.mark.parametrize("explicit", [False, True])
def test_both_ways_keep_delta_and_leave_out_what_is_not_wanted(explicit):
    layer, network, _ = a_pass()
    J = np.random.default_rng(11).normal(size=(2, layer.outputs))
    layer.backward_pass(J)
    delta = layer.delta.copy()
    layer.delta = None
    network.explicit_jacobians = explicit
    assert layer.backward_pass(J, to_input=False) is None
    assert difference(layer.delta, delta) <= 1e-14
    assert layer.delta.shape == (2, 12)


def test_the_truncated_gradient_of_one_step_hears_of_no_other():
    layer = Recurrent(2, "linear", truncate=1, start="learnt", **SPREAD)
    network = Network([layer], input=[3, 2], loss="mse", seed=1)
    network.forward_pass(np.ones((1, 3, 2)))
    J = np.zeros((1, 6))
    J[0, 4:] = 1.0  # the last step's
    upstream = layer.backward_pass(J).reshape(3, 2)
    assert not upstream[:2].any()
    assert upstream[2].any()
    assert not layer.h0_grad.any()


def test_kept_buffers_change_no_bit():
    rng = np.random.default_rng(7)
    x, t = rng.normal(size=(4, 5, 2)), rng.integers(0, 3, (4, 5))
    x[1, 3:], t[1, 3:] = np.nan, -1

    def two_passes(kept):
        net = Network([Recurrent(4, **SPREAD), Dense(3), Softmax()], input=[5, 2], seed=2)
        prepared = net.prepare_inputs(x), net.prepare_targets(t)
        found = []
        pool = {}
        for _ in range(2):
            if kept:
                with net.reused_buffers(pool):
                    net.propagate(prepared[0].copy())
                    net.backpropagate(prepared[1])
            else:
                net.propagate(prepared[0].copy())
                net.backpropagate(prepared[1])
            found.append(net.gradients.vector.tobytes())
            net.theta = net.theta - 0.1 * net.gradients.vector
        return found

    assert two_passes(kept=True) == two_passes(kept=False)


def test_evaluate_disturbs_no_pass_in_progress():
    rng = np.random.default_rng(8)
    x, t = rng.normal(size=(2, 4, 2)), rng.normal(size=(2, 4, 3))
    network = Network([Recurrent(3, **SPREAD)], input=[4, 2], loss="mse", seed=3)
    with network.reused_buffers({}):
        network.loss(x, t)
        network.evaluate(network.prepare_inputs(rng.normal(size=(2, 4, 2))))
        disturbed = network.backward_pass(t).vector.copy()
    network.loss(x, t)
    assert np.array_equal(disturbed, network.backward_pass(t).vector)


def test_the_type_is_kept():
    network = Network(
        [Recurrent(3, start=[0.1, 0.2, 0.3]), Dense(1)], input=[4, 2], loss="mse", dtype="float32"
    )
    x = np.zeros((2, 4, 2), np.float32)
    assert network.forward_pass(x).dtype == np.float32
    assert network.layers[0].states.dtype == np.float32
    assert network.layers[0].h0.dtype == np.float32


def test_the_parameters_are_named_and_start_as_asked():
    layer = Recurrent(3, start="learnt", weights=[2, 2], recurrent_weights="zeros", biases=[1, 1])
    network = Network([layer], input=[4, 2], loss="mse")
    assert list(network.parameters) == [f"recurrent_1.{name}" for name in ("W", "U", "b", "h0")]
    assert (layer.W == 2).all()
    assert not layer.U.any()
    assert (layer.b == 1).all()
    assert not layer.h0.any()
    layer.W, layer.U, layer.b, layer.h0 = 1.0, 2.0, 3.0, 4.0
    assert set(network.theta) == {1.0, 2.0, 3.0, 4.0}


def test_a_penalty_leaves_biases_and_the_start_alone_unless_asked():
    layer = Recurrent(2, start="learnt", **SPREAD)
    network = Network([layer], input=[2, 1], loss="mse", penalty="L2", seed=1)
    layer.h0 = 5.0
    without = network.penalty_loss()
    assert without == pytest.approx(
        network.penalty.rates["L2"] * 0.5 * ((layer.W**2).sum() + (layer.U**2).sum())
    )
    network.penalty = {"type": "L2", "rate": network.penalty.rates["L2"], "biases": True}
    assert network.penalty_loss() > without + network.penalty.rates["L2"] * 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be a whole number"),
        ({"outputs": "lst"}, "unknown outputs of a recurrent layer 'lst'; did you mean 'last'"),
        ({"start": "zero"}, "did you mean 'zeros'"),
        ({"start": [1.0]}, "a list of 2 finite numbers"),
        ({"start": [1.0, float("nan")]}, "a list of 2 finite numbers"),
        ({"truncate": 0}, "truncate is a whole number of at least 1"),
        ({"truncate": 1.5}, "truncate is a whole number of at least 1"),
        ({"bias": 1}, "bias is true or false"),
        ({"activation": "tanhh"}, "did you mean 'tanh'"),
    ],
)
def test_what_cannot_be_is_said(options, message):
    with pytest.raises(ConfigError, match=message):
        Recurrent(**{"size": 2, **options})


def test_a_layer_without_biases_has_none():
    layer = Recurrent(2, bias=False)
    network = Network([layer], input=[3, 1], loss="mse")
    assert "recurrent_1.b" not in network.parameters
    with pytest.raises(ShapeError, match="without biases"):
        layer.b = 1.0
    with pytest.raises(ShapeError, match="does not learn its start"):
        layer.h0_grad  # noqa: B018


@pytest.mark.parametrize("shape", [4, [3, 4, 4]])
def test_it_takes_sequences_alone(shape):
    with pytest.raises(ChainruleError, match=r"takes a sequence \[steps, features\]"):
        Network([Recurrent(2), Dense(1)], input=shape, loss="mse")


def test_there_are_no_jacobians_before_a_forward_pass():
    layer = Recurrent(2)
    Network([layer], input=[3, 1], loss="mse")
    with pytest.raises(ShapeError, match="no forward pass"):
        layer.jacobians()


def test_padding_within_a_case_and_nothing_but_padding_are_refused():
    network = Network([Recurrent(2)], input=[3, 1], loss="mse")
    gap = np.array([[[1.0], [np.nan], [2.0]]])
    with pytest.raises(ShapeError, match="at the end of a case; found it at step 2 of case 0"):
        network.forward_pass(gap)
    nothing = padded([np.ones((3, 1)), np.ones((0, 1))])
    with pytest.raises(ShapeError, match="case 1 has no step"):
        network.forward_pass(nothing)


def test_an_overflow_never_passes_for_padding():
    first = Recurrent(2, "linear", weights=[1, 1], recurrent_weights=[1e200, 1e200])
    second = Recurrent(2, "tanh", outputs="last")
    network = Network([first, second, Dense(1)], input=[6, 1], loss="mse")
    with np.errstate(all="ignore"):
        x = np.array([[[1.0], [-1.0], [1.0], [-1.0], [1.0], [-1.0]]])
        first.U = [[1e200, -1e200], [1e200, -1e200]]
        hidden = first.forward_pass(network.prepare_inputs(x)).reshape(6, 2)
        assert not np.isnan(hidden).all(axis=1).any()
