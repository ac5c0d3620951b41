"""Networks that branch: gradients by independent derivations, training, saving, resuming."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.gradients import check, relative_error
from chainrule.gradients.findings import Verdict
from chainrule.gradients.network_graph import graph_gradient
from chainrule.gradients.rounding import terms
from chainrule.nn import Add, Concatenate

SMOOTH = st.sampled_from(["tanh", "sigmoid", "softplus", "silu"])


@st.composite
def branching(draw):
    """A network of at most eight layers, each fed by any that were made before it."""
    widths, layers, unused = {"input": draw(st.integers(1, 4))}, [], []
    for k in range(draw(st.integers(1, 6))):
        name, kind = f"l{k}", draw(st.sampled_from(["dense", "add", "concatenate"]))
        known = st.sampled_from(sorted(widths))
        if kind == "dense":
            source, size = draw(known), draw(st.integers(1, 4))
            layers.append(Dense(size, draw(SMOOTH), name=name, inputs=source))
            sources, widths[name] = [source], size
        elif kind == "concatenate":
            sources = draw(st.lists(known, min_size=2, max_size=3))
            layers.append(Concatenate(name=name, inputs=sources))
            widths[name] = sum(widths[source] for source in sources)
        else:
            first = draw(known)
            same = [other for other in widths if widths[other] == widths[first]]
            sources = [first, *draw(st.lists(st.sampled_from(same), min_size=1, max_size=2))]
            layers.append(Add(name=name, inputs=sources))
            widths[name] = widths[first]
        unused = [one for one in unused if one not in sources] + [name]
    layers.append(Concatenate(name="all", inputs=[*unused, "input"]))
    layers += [Dense(3), Softmax()]
    return Network(layers, input=widths["input"], seed=draw(st.integers(0, 99)))


def batch_for(network, cases, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(cases, network.input)), rng.integers(0, 3, cases)


@settings(max_examples=60, deadline=None)
@given(branching(), st.integers(1, 4))
def test_a_value_used_twice_receives_the_sum_of_its_gradients(network, cases):
    for batch in (0, 1):  # twice with one object
        x, t = batch_for(network, cases, batch)
        network.loss(x, t)
        ours = network.backward_pass(t, to_input=True)
        theirs = graph_gradient(network, x, t)
        for name in ours:
            assert relative_error(ours[name], theirs[name]) <= 1e-13, name
        step = network.theta + 1j * 1e-200 * np.cos(np.arange(len(network.theta)))
        along = np.imag(network.loss(x, t, theta=step)) / 1e-200
        assert along == pytest.approx(
            ours.vector @ np.cos(np.arange(len(network.theta))), rel=1e-12, abs=1e-15
        )
        moved = x + 1j * 1e-200 * np.sin(1 + np.arange(x.size)).reshape(x.shape)
        along = np.imag(network.loss(moved, t, theta=network.theta)) / 1e-200
        weights = np.sin(1 + np.arange(x.size)).reshape(x.shape)
        assert along == pytest.approx(
            float((network.input_gradient * weights).sum()), rel=1e-11, abs=1e-15
        )


def test_the_gradient_of_the_inputs_is_kept_only_where_it_was_asked_for():
    """Where the input feeds a join, a part of it is at hand all the same."""
    network = residual()
    x, t = batch_for(network, 5)
    network.loss(x, t)
    network.backward_pass(t)
    assert network.input_gradient is None
    network.backward_pass(t, to_input=True)
    assert network.input_gradient.shape == x.shape


@settings(max_examples=25, deadline=None)
@given(branching(), st.integers(1, 3))
def test_explicit_jacobians_and_kept_buffers_change_nothing(network, cases):
    x, t = batch_for(network, cases)
    network.loss(x, t)
    plain = network.backward_pass(t).vector.copy()
    with network.reused_buffers({}):
        for _ in range(2):
            network.propagate(x)
            network.backpropagate(network.prepare_targets(t))
            np.testing.assert_array_equal(network.gradients.vector, plain)
    network.explicit_jacobians = True
    network.loss(x, t)
    assert relative_error(network.backward_pass(t).vector, plain) <= 1e-13


def test_branches_of_one_width_keep_what_they_send_back_apart():
    layers = [Dense(4, "tanh", name="stem")]
    layers += [Dense(4, "tanh", name=name, inputs="stem") for name in "ab"]
    network = Network([*layers, Add(inputs=["a", "b"]), Dense(3), Softmax()], input=4, seed=1)
    x, t = batch_for(network, 5)
    network.loss(x, t)
    plain = network.backward_pass(t).vector.copy()
    with network.reused_buffers({}):
        network.propagate(x)
        network.backpropagate(network.prepare_targets(t))
    np.testing.assert_array_equal(network.gradients.vector, plain)


def residual(**options):
    return Network(
        [
            Dense(4, "tanh", name="first"),
            Dense(4, "tanh"),
            Dense(4, "linear", name="block"),
            Add(inputs=["first", "block"], name="sum"),
            Concatenate(inputs=["sum", "input"]),
            Dense(3),
            Softmax(),
        ],
        input=3,
        seed=1,
        **options,
    )


def test_float32_stays_float32_with_explicit_jacobians_too():
    """Matrices of joins know no type of their own."""
    network = residual(dtype="float32", explicit_jacobians=True)
    x, t = batch_for(network, 5)
    network.loss(x, t)
    network.backward_pass(t, to_input=True)
    deltas = [layer.delta.dtype for layer in network.layers]
    assert {*deltas, network.input_gradient.dtype} == {np.dtype("float32")}
    exact = residual()
    exact.loss(x, t)
    assert relative_error(network.gradients.vector, exact.backward_pass(t).vector) <= 1e-5


def test_every_method_of_the_check_follows_the_graph():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("jax", reason="JAX is not installed")
    report = check(residual(), *batch_for(residual(), 6))
    assert not report.notes
    assert {f.method for f in report.parameters} >= {"central", "complex", "torch", "jax"}
    assert all(f.verdict is Verdict.RIGHT for f in (*report.parameters, *report.by_layer))
    assert {f.place for f in report.by_layer} >= {"sum", "concatenate_1", "block", "loss"}


def test_a_join_with_a_wrong_backward_pass_is_named():
    network = residual()
    factors = np.repeat([1.0, 1.001], 4)
    network.layers[3].backward_pass = lambda J, to_input=True: np.tile(J, 2) * factors
    report = check(network, *batch_for(network, 6), methods=["complex"])
    wrong = {f.place for f in report.parameters if f.verdict is Verdict.WRONG}
    assert wrong == {"dense_2", "block", "first"}
    alone = {(f.place, f.what) for f in report.by_layer if f.verdict is Verdict.WRONG}
    assert alone == {("sum", "step to x")}


def test_a_copy_has_parameters_of_its_own():
    network = residual()
    other = copy.deepcopy(network)
    other.theta = np.zeros_like(network.theta)
    assert network.theta.any()


CONFIG = {
    "network": {
        "layers": [
            {"size": 6, "activation": "tanh", "name": "first"},
            {"size": 6, "activation": "tanh", "name": "block"},
            {"type": "add", "inputs": ["first", "block"], "name": "sum"},
            {"type": "concatenate", "inputs": ["sum", "input"]},
            {"size": 3},
            "softmax",
        ]
    },
    "data": {"generator": "blobs", "classes": 3, "count": 60, "features": 4},
    "training": {"epochs": 3, "batch_size": 8, "seed": 3},
}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_graph_trains_saves_loads_and_resumes_with_the_same_bits(tmp_path, optimizer):
    config = {**CONFIG, "training": {**CONFIG["training"], "optimizer": optimizer}}
    whole = chainrule.train(config, run=tmp_path / "whole")
    shorter = {**config, "training": {**config["training"], "epochs": 1}}
    chainrule.train(shorter, run=tmp_path / "part")
    resumed = chainrule.train(config, run=tmp_path / "part", resume=True)
    np.testing.assert_array_equal(resumed.network.theta, whole.network.theta)
    loaded = chainrule.load(tmp_path / "whole")
    x = whole.data.test.x
    np.testing.assert_array_equal(loaded.network.forward_pass(x), whole.network.forward_pass(x))
    assert whole.history["train_loss"][-1] < whole.history["train_loss"][0]


def problems_of(layers):
    with pytest.raises(ConfigError) as caught:
        chainrule.train({**CONFIG, "network": {"layers": layers}})
    return [str(problem) for problem in caught.value.problems]


def test_errors_of_a_configuration_stand_at_the_layer():
    first, block, sum_, *rest = CONFIG["network"]["layers"]
    (missing,) = problems_of([first, block, {**sum_, "inputs": ["frist", "block"]}, *rest])
    assert missing.startswith("network.layers[2].inputs: unknown input of sum 'frist'; did you")
    (circle,) = problems_of([{**first, "inputs": "sum"}, block, sum_, *rest])
    assert "in a circle: " in circle
    assert circle.startswith("network.layers[")
    (sizes,) = problems_of([{**first, "size": 5}, block, sum_, *rest])
    assert sizes == (
        "network.layers[2]: sum adds what has one shape, but first gives 5 and block gives 6"
    )
    (image,) = problems_of([{"type": "add", "inputs": [], "name": "x"}, first])
    assert "needs the names of at least two inputs" in image


def test_the_terms_of_a_gradient_are_summed_along_every_branch():
    # With nothing below 0 anywhere the terms are the gradient itself.
    layers = [
        Dense(3, "linear", name="a"),
        Dense(3, "linear", name="b", inputs="a"),
        Add(inputs=["a", "b"]),
        Concatenate(inputs=["add_1", "b"]),
        Dense(1, "linear"),
    ]
    network = Network(layers, input=2, loss="mse", seed=1)
    network.theta = np.abs(network.theta)
    x, t = np.random.default_rng(0).random((4, 2)), np.zeros((4, 1))
    network.loss(x, t)
    gradient = network.backward_pass(t).vector.copy()
    assert relative_error(terms(network, network.prepare_targets(t))[0], gradient) <= 1e-14
