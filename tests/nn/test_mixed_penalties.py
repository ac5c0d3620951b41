"""L1 and L2 at once, and penalties that single layers have of their own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError
from chainrule.gradients import check, errors
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn import Conv2D, Flatten, Recurrent
from chainrule.training.tracing import trace
from networks import batch_for, difference, gradient

BOTH = {"L1": 0.02, "L2": 0.3}
RATES = st.sampled_from([0.0, 0.01, 0.3])
SETTINGS = st.sampled_from([None, "none"]) | st.fixed_dictionaries(
    {"L1": RATES}, optional={"L2": RATES, "biases": st.booleans()}
)


def network(*own, penalty=BOTH, **options):
    """Three dense layers with these penalties of their own."""
    spread = {"weights": [-1, 1], "biases": [-1, 1]}
    layers = [Dense(n, "tanh", penalty=p, **spread) for n, p in zip((4, 3, 2), own, strict=True)]
    return Network(layers, input=3, loss="mse", penalty=penalty, seed=1, **options)


def size(*arrays, L1=0.0, L2=0.0):
    """What penalties come to, by the formulas."""
    return sum(L1 * np.abs(w).sum() + L2 / 2 * (w * w).sum() for w in arrays)


def test_both_at_once_add_up():
    found = network(None, None, None)
    weights = [layer.W for layer in found.layers]
    assert found.penalty_loss() == pytest.approx(size(*weights, **BOTH), rel=1e-14)
    expected = [0.02 * np.sign(w) + 0.3 * w for w in weights]
    added = found.penalty_gradient()
    for layer, gradient_of_W in zip(found.layers, expected, strict=True):
        place = found.parameters.layout[f"{layer.name}.W"].slice
        assert added[place] == pytest.approx(gradient_of_W.ravel(), rel=1e-14)
        assert not added[found.parameters.layout[f"{layer.name}.b"].slice].any()


def test_a_layers_own_stands_in_place_of_the_networks():
    own = {"type": "L1", "rate": 0.7, "biases": True}
    found = network(own, "none", None)
    first, _, third = found.layers
    expected = size(first.W, first.b, L1=0.7) + size(third.W, **BOTH)
    assert found.penalty_loss() == pytest.approx(expected, rel=1e-14)
    assert found.penalty_rates("dense_1.b") == {"L1": 0.7}
    assert found.penalty_rates("dense_2.W") == {}
    found.penalty = None
    assert found.penalty_loss() == pytest.approx(size(first.W, first.b, L1=0.7), rel=1e-14)
    found.penalty = "none"
    found.layers[0].penalty = None
    found.penalty = {"type": "L2", "rate": 1.0}
    expected = size(first.W, third.W, L2=1.0)  # the second layer is still free
    assert found.penalty_loss() == pytest.approx(expected, rel=1e-14)


@settings(max_examples=60)
@given(st.lists(SETTINGS, min_size=4, max_size=4), st.booleans())
def test_gradients_are_those_of_the_loss(drawn, explicit):
    found = network(*drawn[1:], penalty=drawn[0], explicit_jacobians=explicit)
    x, t = batch_for(found, 4, np.random.default_rng(1))
    assert max(errors(found, x, t, method="complex").values()) <= 1e-13
    assert max(errors(found, x, t).values()) <= 1e-7
    assert difference(graph_gradient(found, x, t).vector, gradient(found, x, t)) <= 1e-12


def test_every_method_of_check_says_right_and_a_wrong_penalty_is_found(monkeypatch):
    found = network({"L1": 0.1, "L2": 0.4, "biases": True}, "none", None)
    x, t = batch_for(found, 5, np.random.default_rng(2))
    report = check(found, x, t)
    assert report.right, report.diagnosis
    assert "penalty" in {finding.place for finding in report.by_layer}
    monkeypatch.setattr("chainrule.nn.penalties.L1.derivative", lambda self, w: 1.01 * np.sign(w))
    assert check(found, x, t, methods=["complex"]).first_wrong.place == "penalty"


def test_a_weight_of_0_is_a_kink_of_l1_alone():
    found = network({"L2": 0.1}, {"L1": 0.1}, {"L1": 0.1, "L2": 0.1})
    for layer in found.layers:
        layer.W[0, 0] = 0.0
    x, t = batch_for(found, 5, np.random.default_rng(2))
    report = check(found, x, t, methods=["complex"])
    assert report.right, report.diagnosis
    assert "batch 1: 2 on a kink: w of the penalty at 0" in report.notes


def test_filters_and_recurrent_layers_have_penalties_of_their_own():
    layers = [Conv2D(2, 2, penalty=BOTH), Flatten(), Dense(2)]
    images = Network(layers, input=[1, 3, 3], loss="mse", penalty="L1", seed=1)
    assert images.penalty_rates("conv2d_1.W") == BOTH
    steps = Network(
        [Recurrent(3, penalty={"type": "L2", "rate": 0.5}), Dense(2)],
        input=[4, 2],
        loss="mse",
        seed=1,
    )
    rates = {name: steps.penalty_rates(name) for name in steps.parameters}
    assert [name for name, rate in rates.items() if rate] == ["recurrent_1.W", "recurrent_1.U"]


def test_the_verbose_pass_writes_what_each_adds():
    found = network(None, {"type": "L2", "rate": 0.5, "biases": True}, "none")
    entries = {entry.name: entry.formula for entry in trace(found, [[1.0, 2, 3]], [[0.0, 1]])}
    assert "+ L1 and L2 penalty" in entries["L"]
    assert " + 0.02 · sign(W) + 0.3 · W, the penalty" in entries["∂L/∂W dense_1"]
    assert " + 0.5 · b, the penalty" in entries["∂L/∂b dense_2"]
    assert "penalty" not in entries["∂L/∂b dense_1"] + entries["∂L/∂W dense_3"]


COMPACT = """GLOBALS
loss: mse l1: 0.1 l2: 0.2 breg: true
LAYERS
size: 3 wreg: 0.5 wrt: L1
size: 2 wrt: none
size: 2 l2: 0.3
size: 1
"""


def test_the_compact_form_says_all_of_it(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(COMPACT)
    config = load_config(path)
    assert config.network["penalty"] == {"L1": 0.1, "L2": 0.2, "biases": True}
    assert [layer.get("penalty") for layer in config.network["layers"]] == [
        {"type": "L1", "rate": 0.5, "biases": False},
        "none",
        {"type": "L2", "rate": 0.3, "biases": False},
        None,
    ]
    found = Network.from_config({**config.network, "input": 2})
    assert found.penalty_rates("dense_4.b") == {"L1": 0.1, "L2": 0.2}


@pytest.mark.parametrize(
    ("words", "messages"),
    [
        ("wreg: 0.5", ["5:9: missing key 'wrt'"]),
        ("wrt: L1", ["5:9: missing key 'wreg'"]),
        ("wrt: L1 l1: 0.3", ["5:14: a penalty is written with a type and its rate, or with"]),
        ("l2: -1", ["5:13: l2 must be a finite number of at least 0, found -1"]),
        ("l3: 1", ["5:9: unknown key 'l3'"]),
    ],
)
def test_what_is_wrong_of_a_layers_own_is_told_in_its_words(words, messages, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"GLOBALS\nloss: mse\nLAYERS\nsize: 2\nsize: 3 {words}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    found = [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]
    assert len(found) == len(messages)
    assert all(text.startswith(start) for text, start in zip(found, messages, strict=True)), found


def test_a_word_alone_is_told_how_to_write_a_layers_own():
    layers = [{"size": 3, "penalty": "l1"}]
    with pytest.raises(ConfigError, match=r"says its rate as well; write \{type: L1, rate: 0.001"):
        load_config({"network": {"loss": "mse", "layers": layers}})


def test_softmax_behind_a_layer_with_a_penalty_of_its_own_trains():
    layers = [Dense(3, penalty={"L1": 0.1, "L2": 0.1}), Softmax()]
    found = Network(layers, input=2, seed=1)
    assert check(found, [[1.0, 2.0]], [1]).right
