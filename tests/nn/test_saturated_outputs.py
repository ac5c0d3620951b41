"""Explicit Jacobians where outputs are saturated: both ways back give the same numbers.

There the probability that a loss divides by may be 0, and the derivative behind it 0 as well, but
their product, the gradient, is an ordinary number.
"""

from __future__ import annotations

import json
import re
from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax, train
from chainrule.core.errors import DivergenceError
from chainrule.nn import Conv2D, Flatten, MaxPool2D, Recurrent
from chainrule.nn.losses import LOSSES, least_probability
from chainrule.training import Part, Settings, Trainer
from chainrule.training.tracing import as_text, trace

NO_NUMBER = re.compile(r"\b(inf|nan)\b")
PRECISION = {"float64": 1e-12, "float32": 1e-5}
OUTPUTS = {"cross_entropy": ["softmax"], "binary_cross_entropy": ["sigmoid"]}
EVERY_OUTPUT = ["softmax", "sigmoid", "linear", "tanh"]

# Of every size, and those where something ends: 1 − σ, a float's normal numbers, its numbers.
ENDS = [17.0, 37.0, 44.0, 88.0, 104.0, 355.0, 709.0, 746.0, 1e4]
logits = st.one_of(
    st.floats(-1e4, 1e4),
    st.builds(lambda e, sign: sign * 10.0**e, st.floats(-8, 4), st.sampled_from([-1, 1])),
    st.builds(lambda z, sign: sign * z, st.sampled_from(ENDS), st.sampled_from([-1, 1])),
)
SHARES = [0.0, 1.0, 0.5, 0.25, 1e-8, 1e-200]


@st.composite
def cases_of(draw):
    """A loss, what makes its outputs, logits and targets."""
    loss = draw(st.sampled_from(list(LOSSES)))
    output = draw(st.sampled_from(OUTPUTS.get(loss, EVERY_OUTPUT)))
    shape = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    z = np.array([[draw(logits) for _ in range(shape[1])] for _ in range(shape[0])])
    if loss == "hinge" or (loss == "cross_entropy" and draw(st.booleans())):
        return loss, output, z, np.array([draw(st.integers(0, shape[1] - 1)) for _ in z])
    values = st.sampled_from([*SHARES, 1000.0, -3.0])
    if loss in OUTPUTS:
        values = st.sampled_from(SHARES)
    t = np.array([[draw(values) for _ in row] for row in z])
    if loss == "cross_entropy":
        t[:, draw(st.integers(0, shape[1] - 1))] += 1
        t /= t.sum(axis=1, keepdims=True)
    return loss, output, z, t


def network_of(loss, output, size, dtype="float64"):
    """A network whose logits are its inputs, so that ∂L/∂x is δ."""
    layers = [Dense(size, "linear" if output == "softmax" else output)]
    layers += [Softmax()] if output == "softmax" else []
    network = Network(layers, input=size, loss=loss, dtype=dtype)
    network.layers[0].W, network.layers[0].b = np.eye(size), np.zeros(size)
    return network


def both_ways(network, x, t):
    """Loss, gradient and ∂L/∂x of the structured pass and of the explicit one."""
    found = []
    for explicit in (False, True):
        network.explicit_jacobians = explicit
        loss = network.loss(x, t)
        gradient = network.backward_pass(t, to_input=True).vector.copy()
        found.append((loss, gradient, network.input_gradient))
    return found


@settings(max_examples=600, deadline=None)
@given(cases_of(), st.sampled_from(list(PRECISION)))
def test_both_ways_give_the_same_delta_at_any_logits(drawn, dtype):
    loss, output, z, t = drawn
    network = network_of(loss, output, z.shape[1], dtype)
    (value, _, delta), (same, _, explicit) = both_ways(network, z, t)
    assert isfinite(value)
    assert value == same
    assert delta.dtype == explicit.dtype == dtype
    reach = PRECISION[dtype] * np.abs(delta).max(axis=1, keepdims=True)
    assert (np.abs(delta - explicit) <= reach + rounding(loss, network, z, t)).all()


def rounding(loss, network, z, t):
    """What two right δ may differ by whatever their size, a case.

    With a target between 0 and 1 the two terms of δ cancel where the output is that target.
    """
    kind = np.finfo(network.dtype)
    floor = np.full((len(z), 1), 16.0 * kind.smallest_subnormal)
    if loss in OUTPUTS and t.ndim == 2:
        terms = (t + network.forward_pass(z)).max(axis=1, keepdims=True) / len(z)
        floor += 16 * kind.eps * terms
    return floor


@settings(max_examples=200, deadline=None)
@given(cases_of(), st.booleans(), st.sampled_from(list(PRECISION)))
def test_the_shown_chain_is_finite_and_multiplies_out(drawn, explicit, dtype):
    loss, output, z, t = drawn
    network = network_of(loss, output, z.shape[1], dtype)
    network.explicit_jacobians = explicit
    entries = trace(network, z, t)
    assert not NO_NUMBER.search(as_text(entries))
    values = {entry.name: np.asarray(entry.value, float) for entry in entries}
    last = "softmax" if output == "softmax" else "dense_1"
    J_z, delta = values[f"J_{'s' if output == 'softmax' else 'a'} {last}"], values[f"δ {last}"]
    floor = rounding(loss, network, z, t)
    for case, matrix in zip([0, -1], J_z, strict=False):
        terms = np.abs(values["J_L"][case]) @ np.abs(matrix)
        reach = 8 * np.finfo(dtype).eps * terms.max() + floor[case]
        assert (np.abs(values["J_L"][case] @ matrix - delta[case]) <= reach).all()


def test_a_sure_sigmoid_has_the_gradient_0_where_it_is_right():
    for _, gradient, _ in both_ways(
        network_of("binary_cross_entropy", "sigmoid", 1), [[800]], [1]
    ):
        assert gradient.tolist() == [0, 0]


def test_the_way_by_the_logarithm_is_shown_where_it_is_gone():
    entries = {
        e.name: e for e in trace(network_of("cross_entropy", "softmax", 2), [[800, 0]], [1])
    }
    assert entries["J_L"].value.tolist() == [[0, -1]]
    assert entries["J_L"].formula == (
        "∂L/∂y, of the loss with respect to the outputs; where s_i is below 1.5e-154, too small "
        "to divide by, and its target is not 0, with respect to its logarithm"
    )
    assert entries["J_s softmax"].value.tolist() == [[[0, 0], [-1, 1]]]
    assert entries["J_s softmax"].formula.endswith(
        "of such an output ∂ln s_i/∂z_j = [i = j] − s_j"
    )
    assert entries["δ softmax"].value.tolist() == [[1, -1]]


@pytest.mark.parametrize(
    ("loss", "output", "z", "t", "J_L"),
    [
        ("cross_entropy", "softmax", [[800, 0]], [0], [[-1, 0]]),
        ("binary_cross_entropy", "sigmoid", [[800, -800]], [[1, 0]], [[-0.5, 0.5]]),
    ],
)
def test_a_network_that_is_sure_and_right_keeps_the_lecture_notes_form(loss, output, z, t, J_L):
    entries = {e.name: e for e in trace(network_of(loss, output, 2), z, t)}
    assert entries["J_L"].value.tolist() == J_L
    assert not any("logarithm" in entry.formula for entry in entries.values())


@pytest.mark.parametrize(("z", "slope"), [(-800, 1), (800, -1)])
def test_of_a_sigmoid_it_is_the_logarithm_of_the_smaller_probability(z, slope):
    network = network_of("binary_cross_entropy", "sigmoid", 1)
    entries = {e.name: e for e in trace(network, [[z]], [0.25])}
    share = 0.25 if z < 0 else 0.75
    assert entries["J_L"].value.tolist() == [[-share]]
    assert "where p = a or 1 − a is below 1.5e-154" in entries["J_L"].formula
    assert entries["J_a dense_1"].value.tolist() == [[[slope]]]
    assert "of such an output ∂ln a/∂z = σ(−z)" in entries["J_a dense_1"].formula
    assert entries["δ dense_1"].value.tolist() == [[-share * slope]]


@pytest.mark.parametrize("dtype", PRECISION)
def test_the_lecture_notes_form_is_kept_while_it_can_be_computed(dtype):
    least = least_probability(dtype)
    network = network_of("cross_entropy", "softmax", 2, dtype)
    for z, by_logs in ((np.log(least) * 0.99, False), (np.log(least) * 1.01, True)):
        entries = {e.name: e for e in trace(network, [[0, z]], [1])}
        assert ("logarithm" in entries["J_L"].formula) is by_logs
        s = np.exp(z)
        expected = -1 if by_logs else -1 / s
        assert entries["J_L"].value == pytest.approx(np.array([[0, expected]]), rel=1e-4)


# Networks of every kind, saturated on purpose

SPREAD = {"weights": [-1, 1], "biases": [-1, 1]}
KINDS = {
    "dense": (5, "cross_entropy", lambda: [Dense(4, **SPREAD), Dense(3, **SPREAD), Softmax()]),
    "hinge behind softmax": (4, "hinge", lambda: [Dense(3, **SPREAD), Softmax()]),
    "one output": (5, "binary_cross_entropy", lambda: [Dense(1, "sigmoid", **SPREAD)]),
    "several outputs": (
        3,
        "binary_cross_entropy",
        lambda: [Dense(4, "tanh", **SPREAD), Dense(3, "sigmoid", **SPREAD)],
    ),
    "images": (
        [1, 6, 6],
        "cross_entropy",
        lambda: [Conv2D(2, 3, **SPREAD), MaxPool2D(2), Flatten(), Dense(3, **SPREAD), Softmax()],
    ),
    "filters at the end": (
        [2, 4, 4],
        "binary_cross_entropy",
        lambda: [Conv2D(2, 3, activation="sigmoid", **SPREAD)],
    ),
    "last step": (
        [4, 2],
        "cross_entropy",
        lambda: [Recurrent(3, outputs="last", **SPREAD), Dense(3, **SPREAD), Softmax()],
    ),
    "every step": (
        [4, 2],
        "cross_entropy",
        lambda: [Recurrent(3, **SPREAD), Dense(3, **SPREAD), Softmax()],
    ),
    "sigmoids of every step": (
        [3, 2],
        "binary_cross_entropy",
        lambda: [Recurrent(3, **SPREAD), Dense(2, "sigmoid", **SPREAD)],
    ),
}


def batch_of(network, rng, cases=3):
    """Inputs and targets: sure ones and, for probabilities, some between."""
    x = rng.normal(size=(cases, *network.input_shape))
    shape = network.layers[-1].output_shape
    if network.loss_function.for_classes:
        return x, rng.integers(0, shape[-1], (cases, *shape[:-1]))
    shares = rng.choice([0, 1, 0.25], (cases, *shape))
    return x, shares if len(shape) == 2 else shares.reshape(cases, -1)


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("size", [1, 30, 1000])
@pytest.mark.parametrize("kind", KINDS)
def test_networks_of_every_kind_have_the_same_gradient_both_ways(kind, size, dtype):
    shape, loss, layers = KINDS[kind]
    for seed in range(3):
        network = Network(layers(), input=shape, loss=loss, seed=seed, dtype=dtype)
        network.layers[-1 - isinstance(network.layers[-1], Softmax)].W[:] *= size
        x, t = batch_of(network, np.random.default_rng(seed))
        (value, gradient, upstream), (same, explicit, back) = both_ways(network, x, t)
        assert isfinite(value)
        assert value == same
        for a, b in zip(
            [upstream, *views(network, gradient)], [back, *views(network, explicit)], strict=True
        ):
            assert np.abs(a - b).max() <= PRECISION[dtype] * np.abs(a).max()
        assert not NO_NUMBER.search(as_text(trace(network, x, t)))


def views(network, vector):
    """One array a parameter."""
    layout = network.parameters.layout
    return [view for k in network.layers for view in layout.views(vector, k.name).values()]


@pytest.mark.parametrize("kind", ["every step", "sigmoids of every step"])
def test_steps_without_a_target_and_padding_stay_out_of_it(kind):
    shape, loss, layers = KINDS[kind]
    network = Network(layers(), input=shape, loss=loss, seed=1)
    network.layers[1].W[:] *= 1000
    x, t = batch_of(network, np.random.default_rng(1))
    t = t.astype(float) if t.ndim == 3 else t
    x[0, -1], t[0, -1], t[1, 0] = np.nan, (-1, np.nan)[t.ndim - 2], (-1, np.nan)[t.ndim - 2]
    assert network.loss(x, t) > 100
    assert network.loss_by_logs(network.prepare_targets(t)) is not None
    (_, gradient, upstream), (_, explicit, back) = both_ways(network, x, t)
    assert np.abs(gradient - explicit).max() <= 1e-12 * np.abs(gradient).max()
    assert np.abs(upstream - back).max() <= 1e-12 * np.abs(upstream).max()
    assert not back.reshape(x.shape)[0, -1].any()


# Training


def clouds(loss, **network):
    """Two clouds far apart, at a rate that drives the logits beyond 1e6."""
    last = [{"size": 1, "activation": "sigmoid"}]
    if loss == "cross_entropy":
        last = [{"size": 2, "activation": "linear"}, "softmax"]
    return {
        "network": {
            "loss": loss,
            "learning_rate": 5.0,
            "layers": [{"size": 8, "activation": "relu"}, *last],
            **network,
        },
        "data": {"generator": "blobs", "classes": 2, "count": 200, "spread": 0.1},
        "training": {"epochs": 4, "batch_size": 10, "seed": 1, "engine": "numpy"},
    }


@pytest.mark.parametrize("loss", OUTPUTS)
@pytest.mark.parametrize(("dtype", "precision"), [("float64", 1e-12), ("float32", 1e-5)])
def test_separable_clouds_are_learnt_at_rate_5_both_ways(loss, dtype, precision):
    plain, explicit = (
        train(clouds(loss, dtype=dtype, explicit_jacobians=way), save=False).history["train_loss"]
        for way in (False, True)
    )
    assert plain[0] > 1e6
    assert plain[-1] == explicit[-1] == 0
    assert explicit == pytest.approx(plain, rel=precision)


@pytest.mark.parametrize("explicit", [False, True])
def test_what_the_command_prints_of_such_a_run_is_finite(command, tmp_path, explicit):
    file = tmp_path / "clouds.yaml"
    file.write_text(json.dumps(clouds("cross_entropy", explicit_jacobians=explicit)))
    found = command("train", file, "--set=training.epochs=1", "--verbose", "--jacobians")
    assert found.status == 0
    assert "with respect to its logarithm" in found.out
    assert not NO_NUMBER.search(found.out + found.err)
    assert "Warning" not in found.err


@pytest.mark.parametrize("explicit", [False, True])
def test_a_loss_that_is_infinite_is_said_to_be_so_both_ways(explicit):
    """A recurrent layer gives y, not its logits: 1 where 0 is true is infinitely wrong."""
    network = Network(
        [Recurrent(1, "sigmoid", outputs="last")],
        input=[2, 1],
        loss="binary_cross_entropy",
        explicit_jacobians=explicit,
    )
    network.layers[0].W = [[1.0]]
    x, t = np.full((4, 2, 1), 800.0), np.zeros((4, 1))
    part, none = Part(x, t), Part(x[:0], t[:0])
    trainer = Trainer(network, part, none, Settings(epochs=1, engine="numpy"), classes=False)
    with pytest.raises(DivergenceError, match="the loss is no longer a finite number in epoch 1"):
        trainer.run()
