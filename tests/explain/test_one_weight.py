"""One weight in an explanation: its paths with their sum, and the nudge."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.nn import layer_types as layers
from printed_formulas import computed, steps_of, wrong_steps


def two_two_one(activation="sigmoid"):
    network = Network([Dense(2, activation), Dense(2, activation), Dense(1, "linear")], input=2,
                      loss="mse", seed=2)  # fmt: skip
    network.layers[0].b = [0.1, 0.2]
    return network


def test_every_path_is_printed_and_their_sum_is_the_gradient():
    network = two_two_one()
    found = network.explain([[0.5, -1.0]], [[1.0]], "dense_1.W[1,0]")
    text = found.text(100)
    assert wrong_steps(text) == []
    steps = {step.name: step.sides for step in steps_of(text)}
    assert "W⁽¹⁾₂₁ → z⁽¹⁾₁ → a⁽¹⁾₁ → z⁽²⁾₂ → a⁽²⁾₂ → z⁽³⁾₁ → L:" in text
    assert "Here there are 2 paths whose product is not 0." in " ".join(text.split())
    assert steps["p₁"][0].startswith("∂z⁽¹⁾₁/∂W⁽¹⁾₂₁ · ∂a⁽¹⁾₁/∂z⁽¹⁾₁ · ∂z⁽²⁾")
    both = computed(steps["p₁"][-1]) + computed(steps["p₂"][-1])
    network.loss([[0.5, -1.0]], [[1.0]])
    gradient = network.backward_pass([[1.0]])["dense_1.W"][1, 0]
    assert both == pytest.approx(gradient, rel=1e-8)
    assert steps["∂L/∂W⁽¹⁾₂₁"][:1] == ["p₁ + p₂"]


def test_the_nudge_is_computed_from_two_losses():
    text = two_two_one().explain([[0.5, -1.0]], [[1.0]], "dense_1.W[1,0]").text(100)
    steps = {step.name: step.sides for step in steps_of(text)}
    change, expected = (computed(steps[name][-1]) for name in ("ΔL", "ΔL(expected)"))
    assert change == pytest.approx(expected, rel=5e-3)
    assert "gradient × ε = " in text


def test_without_a_question_the_largest_gradient_of_the_first_layer_is_followed():
    network = two_two_one()
    text = network.explain([[0.5, -1.0]], [[1.0]]).text(100)
    network.loss([[0.5, -1.0]], [[1.0]])
    gradient = np.abs(network.backward_pass([[1.0]])["dense_1.W"])
    row, column = np.unravel_index(gradient.argmax(), gradient.shape)
    place = "".join("₀₁₂"[k + 1] for k in (row, column))
    assert f"Every path from W⁽¹⁾{place} to the loss" in text


def test_a_relu_that_is_off_stops_every_path():
    network = two_two_one("relu")
    network.layers[0].b = [-9.0, -9.0]
    text = network.explain([[0.5, -1.0]], [[1.0]], "dense_1.W[0,0]").text(100)
    assert "every path has a factor 0" in " ".join(text.split())
    assert "no path leads from w to L" in " ".join(text.split())
    assert wrong_steps(text) == []


def test_a_penalty_is_a_path_of_its_own():
    network = Network([Dense(1, "linear", penalty={"L2": 0.5})], input=1, loss="mse", seed=1)
    network.layers[0].W = [[3.0]]
    text = network.explain([[2.0]], [[6.0]], "dense_1.W[0,0]").text(100)
    assert "W⁽¹⁾₁₁ → R:" in text
    assert wrong_steps(text) == []


def test_more_paths_than_can_be_counted():
    network = Network(
        [layers.Recurrent(6, outputs="last"), Dense(1, "linear")],
        input=[80, 1],
        loss="mse",
        seed=1,
    )
    x = np.random.default_rng(0).normal(size=(1, 80, 1))
    text = network.explain(x, [[1.0]], "recurrent_1.W[0,0]").text(100)
    assert "more than 1,000,000,000,000,000 paths whose product" in " ".join(text.split())
    assert "the other paths, more than 1,000,000,000,000,000 of them" in " ".join(text.split())
    assert wrong_steps(text) == []


def test_a_sum_of_layers_stands_on_the_path():
    network = Network(
        [Dense(2, "tanh", name="a"), Dense(2, "tanh", name="b"),
         layers.Add(inputs=["a", "b"]), Dense(1, "linear")],
        input=2, loss="mse", seed=1,
    )  # fmt: skip
    text = network.explain([[1.0, 2.0]], [[1.0]], "a.W[0,0]").text(100)
    assert "W⁽¹⁾₁₁ → z⁽¹⁾₁ → a⁽¹⁾₁ → a⁽³⁾₁ → z⁽⁴⁾₁ → L:" in text
    assert wrong_steps(text) == []


def test_a_path_through_the_mean_of_another_case_says_so():
    network = Network([Dense(2), layers.LayerNorm(), Dense(1)], input=2, loss="mse", seed=1)
    text = network.explain([[1.0, 2.0], [0.5, -1.0]], [[1.0], [0.0]], "dense_1.W[0,0]").text(200)
    chains = [line for line in text.splitlines() if " → m⁽²⁾" in line]
    assert len(chains) == 4
    assert all(("case 2" in line) == ("→ m⁽²⁾(case 2) →" in line) for line in chains)
    assert wrong_steps(text) == []
