"""Networks of sequences: losses over steps, different lengths, and PyTorch's nn.RNN."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ShapeError
from chainrule.gradients import check
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.numeric import COMPLEX_STEP
from chainrule.nn import Add, Concatenate, Recurrent
from chainrule.nn.description import describe
from chainrule.training.scores import confusion_matrix, evaluate, outputs
from chainrule.training.tracing import trace
from networks import difference
from recurrence import padded

SPREAD = {"weights": [-1, 1], "biases": [-0.5, 0.5]}
INSIDE = {**SPREAD, "recurrent_weights": [-0.8, 0.8]}

# What stands behind the input, the loss, and the number of outputs of a step.
NETWORKS = {
    "cross_entropy": lambda: [Recurrent(4, **INSIDE), Dense(3, **SPREAD), Softmax()],
    "binary_cross_entropy": lambda: [
        Dense(3, "tanh", **SPREAD),
        Recurrent(3, "linear", bias=False, weights=[-1, 1]),
        Dense(2, "sigmoid", **SPREAD),
    ],
    "mse": lambda: [
        Recurrent(3, start="learnt", name="r", **INSIDE),
        Dense(3, "tanh", name="d", **SPREAD),
        Add(inputs=["r", "d"]),
        Concatenate(inputs=["add_1", "input"]),
        Dense(2, "linear", **SPREAD),
    ],
    "huber": lambda: [Recurrent(3, "softplus", **INSIDE), Recurrent(2, "linear", **INSIDE)],
    "mae": lambda: [Recurrent(3, **INSIDE), Dense(1, "linear", **SPREAD)],
    "log_cosh": lambda: [Recurrent(3, **INSIDE), Dense(3, "linear", **SPREAD), Softmax()],
    "hinge": lambda: [Recurrent(3, **INSIDE), Dense(3, "linear", **SPREAD)],
}
LOSSES = sorted(NETWORKS)


def network_for(loss, steps, features=2, **options):
    return Network(NETWORKS[loss](), input=[steps, features], loss=loss, seed=3, **options)


def targets_for(loss, cases, steps, outputs, rng):
    if loss in ("cross_entropy", "hinge"):
        return rng.integers(0, outputs, (cases, steps))
    return rng.uniform(0, 1, (cases, steps, outputs))


def drawn(loss, lengths, seed=0, features=2):
    """A network of the longest length, and its cases each of its own length."""
    rng = np.random.default_rng(seed)
    network = network_for(loss, max(lengths), features)
    width = network.layers[-1].output_shape[-1]
    xs = [rng.normal(size=(n, features)) for n in lengths]
    ts = [targets_for(loss, 1, n, width, rng)[0] for n in lengths]
    return network, xs, ts


def in_one(xs, ts):
    """The cases as one padded batch."""
    if ts[0].ndim == 2:
        return padded(xs), padded(ts)
    t = np.full((len(ts), max(map(len, ts))), -1)
    for row, own in zip(t, ts, strict=True):
        row[: len(own)] = own
    return padded(xs), t


@pytest.mark.parametrize("loss", LOSSES)
@settings(max_examples=8, deadline=None)
@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_a_padded_batch_has_the_gradient_of_its_cases_one_by_one(loss, lengths, seed):
    network, xs, ts = drawn(loss, lengths, seed)
    x, t = in_one(xs, ts)
    value = network.loss(x, t)
    gradient = network.backward_pass(t, to_input=True).vector
    values, gradients = [], []
    for case, (x_case, t_case) in enumerate(zip(xs, ts, strict=True)):
        alone = network_for(loss, len(x_case))
        alone.theta = network.theta
        values.append(alone.loss(x_case[None], t_case[None]))
        gradients.append(alone.backward_pass(t_case[None], to_input=True).vector.copy())
        own = alone.input_gradient.reshape(x_case.shape) / len(xs)
        ours = network.input_gradient[case].reshape(-1, 2)
        assert difference(ours[: len(x_case)], own) <= 1e-13
        assert not ours[len(x_case) :].any()
    assert value == pytest.approx(np.mean(values), rel=1e-13)
    assert difference(gradient, np.mean(gradients, axis=0)) <= 1e-13


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("explicit", [False, True])
def test_the_gradient_is_the_derivative_of_the_loss(loss, explicit):
    network, xs, ts = drawn(loss, [4, 2, 1])
    x, t = in_one(xs, ts)
    network.explicit_jacobians = explicit
    network.penalty = "L2"
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    for seed in range(3):
        v = np.random.default_rng(seed).normal(size=gradient.shape)
        moved = network.loss(x, t, network.theta + 1j * COMPLEX_STEP * v)
        assert gradient @ v == pytest.approx(moved.imag / COMPLEX_STEP, rel=1e-12, abs=1e-13)
    assert difference(gradient, graph_gradient(network, x, t).vector) <= 1e-13


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_the_mean_over_cases_of_the_sum_over_steps(loss):
    """Not the mean over steps, and in a sum each step counts alike."""
    network, xs, ts = drawn(loss, [3, 3])
    x, t = in_one(xs, ts)
    y = network.forward_pass(x).reshape(2, 3, -1)
    each = network.loss_function.each
    rows = [
        each.value(y[c, n][None], each.prepare(t[c, n][None], y.shape[2], float))
        for c, n in np.ndindex(2, 3)
    ]
    assert network.loss(x, t) == pytest.approx(sum(rows) / 2, rel=1e-12)


def test_a_step_without_a_target_adds_nothing():
    network, xs, ts = drawn("cross_entropy", [4, 4])
    x, t = in_one(xs, ts)
    whole = network.loss(x, t)
    only = [np.where(np.arange(4) == n, t, -1) for n in range(4)]
    assert sum(network.loss(x, one) for one in only) == pytest.approx(whole, rel=1e-13)
    assert network.loss(x, np.full_like(t, -1)) == 0
    assert not network.backward_pass(np.full_like(t, -1)).vector.any()


def test_scores_count_real_steps_alone():
    network, xs, ts = drawn("cross_entropy", [4, 2, 1])
    x, t = in_one(xs, ts)
    said = [network_for("cross_entropy", len(own)).forward_pass(own[None]) for own in xs]
    right = sum(
        int((y.reshape(-1, 3).argmax(axis=1) == own).sum())
        for y, own in zip(said, ts, strict=True)
    )
    score = evaluate(network, x, t, classes=True)
    assert score.accuracy == right / 7
    assert score.cases == 3
    matrix = confusion_matrix(outputs(network, x), network.prepare_targets(t), 3)
    assert matrix.sum() == 7
    assert np.trace(matrix) == right


def test_r2_is_over_real_steps_alone():
    network, xs, ts = drawn("mse", [4, 2])
    x, t = in_one(xs, ts)
    y = network.forward_pass(x).reshape(2, 4, 2)[~np.isnan(x).all(axis=2)]
    real = np.concatenate(ts)
    expected = 1 - ((y - real) ** 2).sum() / ((real - real.mean(axis=0)) ** 2).sum()
    assert evaluate(network, x, t, classes=False).r2 == pytest.approx(expected, rel=1e-12)


def test_targets_say_where_they_are_wrong():
    network = network_for("cross_entropy", 3)
    with pytest.raises(ShapeError, match=r"step 2 of case 1: class 7 is outside the 3 classes"):
        network.prepare_targets([[0, 1, 2], [0, 7, 1]])
    with pytest.raises(ShapeError, match=r"class numbers \(cases, 3\) or rows \(cases, 3, 3\)"):
        network.prepare_targets([[0, 1], [0, 1]])
    x = padded([np.ones((3, 2)), np.ones((1, 2))])
    with pytest.raises(ShapeError) as caught:
        network.loss(x, [[0, 1, 2], [0, 1, -1]])
    assert str(caught.value) == (
        "step 2 of case 1 has a target, but its inputs are padding (NaN); −1 as a class, or NaN "
        "as the values, stands for no target"
    )


def test_prepared_targets_may_be_prepared_again():
    for loss in LOSSES:
        network, xs, ts = drawn(loss, [3, 1])
        once = network.prepare_targets(in_one(xs, ts)[1])
        twice = network.prepare_targets(once)
        assert np.array_equal(once, twice, equal_nan=once.dtype.kind == "f")


def test_one_hot_rows_and_probabilities_with_none():
    network = network_for("cross_entropy", 2)
    rows = np.array([[[0, 1, 0], [1, 0, 0]], [[0, 0, 1], [np.nan] * 3]])
    assert network.prepare_targets(rows).tolist() == [[1, 0], [2, -1]]


def test_bits_of_one_output_may_be_missing_as_classes_are():
    layers = [Recurrent(2), Dense(1, "sigmoid")]
    network = Network(layers, input=[2, 1], loss="binary_cross_entropy")
    t = network.prepare_targets([[1, -1]])
    assert t.shape == (1, 2, 1)
    assert t[0, 0, 0] == 1
    assert np.isnan(t[0, 1, 0])
    values = Network([Recurrent(2), Dense(1)], input=[2, 1], loss="mse")
    assert values.prepare_targets([[1, -1]])[0, 1, 0] == -1  # a value like any other


@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "hinge"])
def test_every_derivation_agrees(loss):
    network, xs, ts = drawn(loss, [3, 1, 3, 2])
    x, t = in_one(xs, ts)
    report = check(network, x, t, methods=["central", "complex", "projection"])
    assert report.right, report


@pytest.mark.parametrize("library", ["torch", "jax"])
def test_other_libraries_agree(library):
    pytest.importorskip(library)
    network, xs, ts = drawn("cross_entropy", [3, 1, 2])
    x, t = in_one(xs, ts)
    assert check(network, x, t, methods=[library]).right


def test_a_truncating_network_is_checked_without_and_against_its_definition():
    network = Network(
        [Recurrent(3, truncate=2, **INSIDE), Dense(2)], input=[4, 2], loss="mse", seed=1
    )
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
    report = check(network, x, t, methods=["complex"])
    assert report.right
    assert network.layers[0].truncate == 2
    assert any("truncates after 2 steps" in note for note in report.notes)
    assert [f.method for f in report.by_layer].count("graph") == len(network.parameters)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@pytest.mark.parametrize("only_last", [False, True])
@pytest.mark.parametrize("bias", [True, False])
def test_it_is_pytorchs_rnn(nonlinearity, only_last, bias):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(9)
    cases, steps, features, size = 4, 6, 3, 5
    layer = Recurrent(
        size, nonlinearity, bias=bias, start="learnt", outputs="last" if only_last else "all",
        **INSIDE,
    )  # fmt: skip
    network = Network([layer], input=[steps, features], loss="mse", seed=4)
    layer.h0 = rng.normal(size=size)
    rnn = torch.nn.RNN(
        features, size, nonlinearity=nonlinearity, bias=bias, batch_first=True, dtype=torch.float64
    )
    parts = {"W": "weight_ih_l0", "U": "weight_hh_l0"}
    with torch.no_grad():
        for ours, theirs in parts.items():
            getattr(rnn, theirs).copy_(torch.from_numpy(getattr(layer, ours).T.copy()))
        if bias:
            rnn.bias_ih_l0.copy_(torch.from_numpy(layer.b.copy()))
            rnn.bias_hh_l0.zero_()
    x = rng.normal(size=(cases, steps, features))
    fed = torch.from_numpy(x).requires_grad_()
    start = torch.from_numpy(layer.h0.copy()).requires_grad_()
    h, _ = rnn(fed, start.expand(1, cases, size).contiguous())
    y = h[:, -1] if only_last else h.reshape(cases, -1)
    assert difference(network.forward_pass(x), y.detach().numpy()) <= 1e-12
    u = rng.normal(size=tuple(y.shape))
    (y * torch.from_numpy(u)).sum().backward()
    upstream = layer.backward_pass(u)
    assert difference(upstream.reshape(x.shape), fed.grad.numpy()) <= 1e-12
    for ours, theirs in parts.items():
        found = getattr(rnn, theirs).grad.numpy().T
        assert difference(getattr(layer, f"{ours}_grad"), found) <= 1e-12
    assert difference(layer.h0_grad, start.grad.numpy()) <= 1e-12
    if bias:
        assert difference(layer.b_grad, rnn.bias_ih_l0.grad.numpy()) <= 1e-12


def test_what_cannot_run_it_says_so():
    from chainrule.training.engines.compiled.support import reason_against
    from chainrule.training.optimizers import SGD

    network = network_for("mse", 3)
    sgd = SGD()
    rates = network.parameters.layout.runs(network.rates(0.1))
    sgd.bind(network.theta, network.gradients.vector, rates)
    assert reason_against(network, sgd) is not None
    chain = Network([Dense(2), Dense(1)], input=[3, 2], loss="mse")
    sgd.bind(chain.theta, chain.gradients.vector, chain.parameters.layout.runs(chain.rates(0.1)))
    assert "takes sequences" in reason_against(chain, sgd)


def test_a_dense_layer_at_each_step_is_the_same_layer_at_every_step():
    layer = Dense(3, "tanh", **SPREAD)
    network = Network([layer], input=[4, 2], loss="mse", seed=1)
    single = Network([Dense(3, "tanh")], input=2, loss="mse")
    single.theta = network.theta
    x = np.random.default_rng(0).normal(size=(5, 4, 2))
    y = network.forward_pass(x).reshape(20, 3)
    assert difference(y, single.forward_pass(x.reshape(20, 2))) <= 1e-15
    J = np.random.default_rng(1).normal(size=(5, 12))
    upstream = network.layers[0].backward_pass(J).reshape(20, 2)
    expected = single.layers[0].backward_pass(J.reshape(20, 3))
    assert difference(upstream, expected) <= 1e-15
    assert difference(network.gradients.vector, single.gradients.vector) <= 1e-14


def test_what_comes_back_at_padding_counts_for_nothing_even_nan():
    network = Network([Dense(3, "tanh", **SPREAD)], input=[3, 2], loss="mse", seed=1)
    network.forward_pass(padded([np.ones((3, 2)), np.ones((1, 2))]))
    g = np.ones((2, 9))
    g[1, 3:] = np.nan
    clean = np.nan_to_num(g)
    for name, J in network.layers[0].jacobians().items():
        assert difference(J.vjp(g), J.vjp(clean)) <= 1e-15, name


def test_the_weights_are_used_at_every_step():
    network = Network([Recurrent(4, start="learnt"), Dense(3)], input=[5, 2], loss="mse")
    recurrent, dense = describe(network).layers
    assert (recurrent.weights, recurrent.biases) == (8 + 16, 4 + 4)
    assert recurrent.multiplications == 5 * 24
    assert dense.multiplications == 5 * 12


def test_every_number_of_both_passes_is_shown():
    """Also where only the last step is given on, a state is learnt, and a case is shorter."""
    layers = [Recurrent(2, outputs="last", start="learnt", truncate=2), Dense(1)]
    network = Network(layers, input=[3, 1], loss="mse", seed=1, penalty="L2")
    x = padded([np.ones((3, 1)), np.ones((1, 1))])
    shown = {entry.name: entry for entry in trace(network, x, [[1.0], [2.0]], jacobians=True)}
    assert shown["z recurrent_1"].value.shape == (2, 3, 2)
    assert np.isnan(shown["z recurrent_1"].value[1, 1:]).all()
    assert shown["a recurrent_1"].value.shape == (2, 2)
    assert shown["J_a recurrent_1"].value.shape == (2, 2, 6)
    assert "through time" in shown["J_a recurrent_1"].formula
    delta = shown["δ recurrent_1"].value
    upstream = shown["∂L/∂x dense_1"].value
    by_hand = np.einsum("no,noz->nz", upstream, shown["J_a recurrent_1"].value)
    assert difference(delta.reshape(2, 6), by_hand) <= 1e-14
    for name in ("W", "U", "b", "h0"):
        local = shown[f"J_{name} recurrent_1"].value
        gradient = shown[f"∂L/∂{name} recurrent_1"].value.copy()
        if name in ("W", "U"):
            gradient -= network.penalty.rates["L2"] * getattr(layers[0], name)
        assert difference(gradient, np.tensordot(delta.reshape(2, 6), local, 2)) <= 1e-13, name


def test_a_sum_that_overflows_is_no_padding():
    layers = [
        Recurrent(2, "linear", outputs="all", name="r", inputs="input"),
        Dense(2, "linear", name="a", inputs="r"),
        Dense(2, "linear", name="b", inputs="r"),
        Add(inputs=["a", "b"]),
        Dense(1, "linear"),
    ]
    network = Network(layers, input=[3, 1], loss="mse")
    for name, sign in (("a", 1e308), ("b", -1e308)):
        network.parameters[f"{name}.W"][...] = sign
        network.parameters[f"{name}.b"][...] = 10 * sign
    with np.errstate(all="ignore"):
        y = network.forward_pass(1e6 * np.ones((2, 3, 1))).reshape(2, 3)
    assert not np.isnan(y).any()
    assert not np.isfinite(y).all()
