"""The LSTM and the GRU against loops, PyTorch's layers, numeric derivatives and the graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Network
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.gradients import complex_step
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import GRU, LSTM
from chainrule.training.tracing import trace
from networks import difference

SPREAD = {"weights": [-1, 1], "recurrent_weights": [-0.8, 0.8], "biases": [-0.5, 0.5]}
every_kind = pytest.mark.parametrize("kind", [LSTM, GRU])


def sigma(z):
    return 1 / (1 + np.exp(-z))


def states(layer, x):
    """The outputs after each step of one case, x (steps, features), gate by gate."""
    size, h, found = layer.size, np.array(layer.h0), []
    W, U = np.split(layer.W, len(layer.gates), axis=1), np.split(layer.U, len(layer.gates), axis=1)
    b = np.split(layer.b, len(layer.gates)) if layer.bias else np.zeros((4, size))
    c = np.array(layer.c0) if isinstance(layer, LSTM) else None
    for step in x:
        if c is not None:
            i, f, g, o = (step @ W[k] + h @ U[k] + b[k] for k in range(4))
            c = sigma(f) * c + sigma(i) * np.tanh(g)
            h = sigma(o) * np.tanh(c)
        else:
            r, u = (sigma(step @ W[k] + h @ U[k] + b[k]) for k in range(2))
            of_state = h @ U[2] + (layer.b_hn if layer.bias else 0)
            h = (1 - u) * np.tanh(step @ W[2] + b[2] + r * of_state) + u * h
        found.append(h)
    return np.array(found)


@st.composite
def layers(draw):
    """A layer in a network of its own, with cases of different lengths, and their targets."""
    steps, features = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    size, cases = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    kind = draw(st.sampled_from([LSTM, GRU]))
    start = draw(st.sampled_from(["zeros", "learnt", "given"]))
    numbers = rng.normal(size=size * len(kind.state_names)).tolist()
    layer = kind(
        size,
        outputs=draw(st.sampled_from(["all", "last"])),
        bias=draw(st.booleans()),
        start=numbers if start == "given" else start,
        truncate=draw(st.sampled_from([None, None, 1, 2, 3, 6])),
        **SPREAD,
    )
    network = Network([layer], input=[steps, features], loss="mse", seed=1)
    network.theta = rng.uniform(-1, 1, len(network.theta))
    x = rng.normal(size=(cases, steps, features))
    if draw(st.booleans()):
        for case in x:
            case[draw(st.integers(1, steps)) :] = np.nan
    t = rng.normal(size=(cases, *layer.output_shape))
    if not layer.only_last:
        t[np.isnan(x).all(axis=2)] = np.nan
    return layer, network, x, t


@settings(max_examples=60)
@given(layers())
def test_the_outputs_are_those_of_the_formulas(drawn):
    layer, network, x, _ = drawn
    y = network.forward_pass(x).reshape(len(x), -1, layer.size)
    for case, found in zip(x, y, strict=True):
        length = int((~np.isnan(case).all(axis=1)).sum())
        expected = states(layer, case[:length])
        real = found if layer.only_last else found[:length]
        assert difference(real, expected[-1:] if layer.only_last else expected) <= 1e-13
        assert layer.only_last or np.isnan(found[length:]).all()


def gradient(network, x, t, *, explicit=False):
    network.explicit_jacobians = explicit
    network.loss(x, t)
    return network.backward_pass(t).vector.copy()


@settings(max_examples=60)
@given(layers())
def test_the_gradient_truncated_or_not_is_that_of_the_graph(drawn):
    layer, network, x, t = drawn
    expected = graph_gradient(network, x, t).vector
    for explicit in (False, True):
        assert difference(gradient(network, x, t, explicit=explicit), expected) <= 1e-13
    layer.truncate = None
    whole = gradient(network, x, t)
    by_steps = complex_step(lambda theta: network.loss(x, t, theta), network.theta)
    assert difference(whole, by_steps) <= 1e-13


@settings(max_examples=30)
@given(layers())
def test_each_jacobian_is_one_map_whichever_way_it_is_applied(drawn):
    layer, network, x, _ = drawn
    y = network.forward_pass(x)
    rng = np.random.default_rng(2)
    u = np.where(np.isnan(y), 0, rng.normal(size=y.shape))
    shapes = {"x": (len(x), layer.inputs), **layer.shapes()}
    found = layer.through_time()
    assert [*found] == [*shapes]
    for name, J in found.items():
        v = rng.normal(size=shapes[name])
        dense, moved = J.dense(), J.jvp(v)
        assert dense.shape == J.dense_shape == (*y.shape, *shapes[name][name == "x" :])
        of_case = v[:, None] if name == "x" else v
        assert difference(moved, (dense * of_case).reshape(*y.shape, -1).sum(axis=2)) <= 1e-12
        assert (J.vjp(u) * v).sum() == pytest.approx((u * moved).sum(), rel=1e-10, abs=1e-12)
        assert difference(J.cases(slice(0, 1)).dense(), dense[:1]) <= 1e-14


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_weights_of_pytorchs_layer_carry_over(kind):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    theirs = getattr(torch.nn, kind)(3, 4, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter[...] = torch.from_numpy(rng.uniform(-1, 1, parameter.shape))
    layer = {"LSTM": LSTM, "GRU": GRU}[kind](4)
    network = Network([layer], input=[6, 3], loss="mse")
    W, U, of_x, of_h = (p.detach().numpy() for p in theirs.parameters())
    layer.W, layer.U, layer.b = W.T, U.T, of_x + of_h
    if kind == "GRU":
        layer.b = np.concatenate([(of_x + of_h)[:8], of_x[8:]])
        layer.b_hn = of_h[8:]
    x, J = rng.normal(size=(2, 6, 3)), rng.normal(size=(2, 6, 4))
    fed = torch.from_numpy(x).requires_grad_()
    expected, _ = theirs(fed)
    expected.backward(torch.from_numpy(J))
    assert difference(network.forward_pass(x), expected.detach().numpy().reshape(2, -1)) <= 1e-13
    upstream = layer.backward_pass(J.reshape(2, -1))
    dW, dU, by_x, by_h = (p.grad.numpy() for p in theirs.parameters())
    for ours, other in [
        (upstream, fed.grad.numpy().reshape(2, -1)),
        (layer.W_grad, dW.T),
        (layer.U_grad, dU.T),
        (layer.b_grad, by_x),
        *([(layer.b_hn_grad, by_h[8:])] if kind == "GRU" else []),
    ]:
        assert difference(ours, other) <= 1e-13


@pytest.mark.parametrize("z", [-800.0, -720.0, -40.0, 40.0, 720.0, 800.0])
def test_gates_that_are_shut_or_open_pass_on_exact_numbers(z):
    """No difference of nearly equal numbers: 1 − σ(40) is 4e-18, and not 0."""
    layer = GRU(1, bias=False, start=[2.0], weights="zeros", recurrent_weights="zeros")
    network = Network([layer], input=[1, 1], loss="mse")
    layer.W = [[0.0, z, 0.5]]
    network.forward_pass([[[1.0]]])
    layer.backward_pass(np.ones((1, 1)))
    slope = np.exp(-abs(z)) / (1 + np.exp(-abs(z))) ** 2
    shut = slope if z > 0 else 1.0  # 1 − u, for u that is 1 or 0 within a rounding
    digits = {"rel": 1e-14 if abs(z) < 700 else 1e-9, "abs": 0}  # subnormal numbers have fewer
    assert layer.W_grad[0, 1] == pytest.approx((2 - np.tanh(0.5)) * slope, **digits)
    assert layer.W_grad[0, 2] == pytest.approx(shut / np.cosh(0.5) ** 2, **digits)
    cell = LSTM(1, bias=False, start=[0.0, 2.0], weights="zeros", recurrent_weights="zeros")
    network = Network([cell], input=[1, 1], loss="mse")
    cell.W = [[-1000.0, z, 0.0, 0.0]]
    network.forward_pass([[[1.0]]])
    cell.backward_pass(np.ones((1, 1)))
    kept = 2.0 if z > 0 else 0.0
    assert cell.W_grad[0, 1] == pytest.approx(slope / np.cosh(kept) ** 2, **digits)


@every_kind
def test_parameters_are_named_and_start_as_asked(kind):
    layer = kind(2, start="learnt", weights=[2, 2], recurrent_weights="zeros", biases=[1, 1])
    network = Network([layer], input=[4, 3], loss="mse")
    biases = ["b"] if kind is LSTM else ["b", "b_hn"]
    starts = ["h0", "c0"] if kind is LSTM else ["h0"]
    names = ["W", "U", *biases, *starts]
    assert [*network.parameters] == [f"{layer.type}_1.{name}" for name in names]
    assert (layer.W == 2).all()
    assert not layer.U.any()
    forget = [2.0, 2.0] if kind is LSTM else [1.0, 1.0]
    assert layer.b.tolist() == [1.0, 1.0, *forget, *[1.0] * (len(layer.b) - 4)]
    for name in starts:
        assert not getattr(layer, name).any()
        setattr(layer, name, 5.0)
    assert layer.h0.tolist() == [5.0, 5.0]
    network.penalty = "L2"
    spared = network.penalty_loss()
    assert spared == pytest.approx(network.penalty.rates["L2"] * 0.5 * (layer.W**2).sum())


def test_each_gates_weights_are_drawn_as_a_matrix_of_their_own():
    layer = LSTM(200)
    Network([layer], input=[2, 100], loss="mse", seed=1)
    assert np.abs(layer.W).max() == pytest.approx(np.sqrt(6 / 300), rel=1e-3)
    assert np.abs(layer.U).max() == pytest.approx(np.sqrt(6 / 400), rel=1e-3)


@pytest.mark.parametrize(("given_bias", "expected"), [(None, 1.0), (0, 0.0), (-2.5, -2.5)])
def test_the_forget_gate_begins_open(given_bias, expected):
    layer = LSTM(2, forget_bias=given_bias)
    Network([layer], input=[2, 1], loss="mse")
    assert layer.b.tolist() == [0, 0, expected, expected, 0, 0, 0, 0]


@pytest.mark.exhaustive
@every_kind
def test_the_type_is_kept(kind):
    layer = kind(3, start=np.linspace(0, 1, 3 * len(kind.state_names)).tolist())
    network = Network([layer], input=[4, 2], loss="mse", dtype="float32")
    assert network.forward_pass(np.zeros((2, 4, 2), np.float32)).dtype == np.float32
    assert layer.states.dtype == layer.h0.dtype == np.float32
    assert layer.backward_pass(np.ones((2, 12), np.float32)).dtype == np.float32
    assert layer.through_time()["x"].dense().dtype == np.float32


@every_kind
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size must be a whole number"),
        ({"outputs": "lst"}, "did you mean 'last'"),
        ({"start": "zero"}, "did you mean 'zeros'"),
        ({"start": [1.0]}, "a list of . finite numbers"),
        ({"truncate": 0}, "truncate is a whole number of at least 1"),
        ({"bias": 1}, "bias is true or false"),
    ],
)
def test_what_cannot_be_is_said(kind, options, message):
    with pytest.raises(ConfigError, match=message):
        kind(**{"size": 2, **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"forget_bias": float("nan")}, "forget_bias is a finite number, found nan"),
        ({"forget_bias": True}, "forget_bias is a finite number, found True"),
        ({"forget_bias": 1.0, "bias": False}, "there is no bias of the forget gate"),
        ({"start": [1.0, 2.0]}, r"4 finite numbers, one a unit for h\(0\), then one a unit for c"),
    ],
)
def test_what_an_lstm_cannot_be_is_said(options, message):
    with pytest.raises(ConfigError, match=message):
        LSTM(2, **options)


def test_what_a_layer_does_not_have_is_said():
    layer = GRU(2, bias=False)
    Network([layer], input=[3, 1], loss="mse")
    with pytest.raises(ShapeError, match="without biases"):
        layer.b_hn = 1.0
    other = LSTM(2)
    Network([other], input=[3, 1], loss="mse")
    with pytest.raises(ShapeError, match="does not learn its start"):
        other.c0_grad  # noqa: B018


@every_kind
@pytest.mark.parametrize("truncate", [None, 2])
def test_nothing_comes_back_from_padding(kind, truncate):
    layer = kind(2, truncate=truncate, start="learnt", **SPREAD)
    network = Network([layer], input=[4, 2], loss="mse", seed=1)
    x = np.random.default_rng(4).normal(size=(2, 4, 2))
    x[1, 2:] = np.nan
    network.forward_pass(x)
    J = np.ones((2, 4, 2))
    found = layer.backward_pass(J.reshape(2, -1)), network.gradients.vector.copy()
    J[1, 2:] = 0
    expected = layer.backward_pass(J.reshape(2, -1)), network.gradients.vector
    assert np.array_equal(found[0], expected[0])
    assert np.array_equal(found[1], expected[1])
    assert not layer.delta.reshape(2, 4, -1)[1, 2:].any()


@every_kind
def test_a_verbose_pass_shows_every_gates_matrices_and_values(kind):
    layer = kind(2, **SPREAD)
    network = Network([layer], input=[3, 2], loss="mse", seed=1)
    x = np.random.default_rng(4).normal(size=(2, 3, 2))
    x[1, 2] = np.nan
    t = np.zeros((2, 3, 2))
    t[1, 2] = np.nan
    shown = {entry.name: entry.value for entry in trace(network, x, t)}
    for k, gate in enumerate(layer.gates):
        for name in ("W", "U"):
            matrix = shown[f"{name}_{gate} {layer.name}"]
            assert np.array_equal(matrix, getattr(layer, name)[:, 2 * k : 2 * k + 2])
    of = {gate: shown[f"{gate} {layer.name}"] for gate in layer.gates}
    assert all(np.isnan(values[1, 2]).all() for values in of.values())
    y = shown[f"a {layer.name}"]
    before = np.concatenate([np.zeros((2, 1, 2)), y[:, :-1]], axis=1)
    if kind is GRU:
        assert difference(y[0], ((1 - of["u"]) * of["g"] + of["u"] * before)[0]) <= 1e-15
    else:
        c = shown[f"c {layer.name}"]
        assert difference(y[0], (of["o"] * np.tanh(c))[0]) <= 1e-15
        assert (
            difference(c[0, 1:], (of["f"][:, 1:] * c[:, :-1] + (of["i"] * of["g"])[:, 1:])[0])
            <= 1e-15
        )
