"""docs/lessons.md: the numbers that it tells a class are those of the examples."""

from __future__ import annotations

import base64
import json
import re
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import chainrule

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "lessons.md").read_text(encoding="utf-8")
VANISHING = ROOT / "examples" / "vanishing.yaml"
HIDDEN = range(1, 6)


def replaced(activation, layers=HIDDEN):
    """The settings that give layers, counted from 1, another activation."""
    return [f"network.layers.{k - 1}.activation={activation}" for k in layers]


@cache
def recorded(activation="sigmoid", layers=()):
    return chainrule.inspect(VANISHING, overrides=replaced(activation, layers)).record


def largest(record, key):
    return float(np.abs(record[key]).max())


def said(value, digits=3):
    """A number as the page writes it."""
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text.replace("-", "−")
    places = digits - 1 - int(text.split("e")[1])
    return f"{value:.{places}f}".rstrip("0").replace("-", "−")


def row(title):
    """The cells of a row of a table."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {title} |")]
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_gradients_that_vanish():
    found = [largest(recorded(), f"dense_{k}.J") for k in reversed(HIDDEN)]
    assert row("largest of ∂L/∂a") == [said(one) for one in found]
    shrink = [f"{a / b:.1f}" for a, b in pairwise(found)]
    assert "by {}, then by {}, {} and {}.".format(*shrink) in PAGE


def test_the_weight_whose_paths_are_followed():
    record = recorded()
    gradient = record["dense_1.W_grad"][1, 3]
    assert abs(gradient) == largest(record, "dense_1.W_grad")
    assert f"∂L/∂W⁽¹⁾₂₄ = −{abs(gradient) * 1e5:.4f}·10⁻⁵" in PAGE
    before, after = record["dense_1.W"][1, 3], record["dense_1.W_new"][1, 3]
    assert f"from {before:.5f} to\n{after:.5f}" in PAGE
    assert f"By {(after - before) * 1e5:.1f}·10⁻⁵" in PAGE
    assert f"{0.1 / (after - before):,.0f}. The whole training" in PAGE
    cases, outputs = record["softmax.out"].shape
    assert f"all {cases * 6**4 * outputs:,} paths" in PAGE


def test_the_strongest_path():
    record, case, units = recorded(), 27 - 1, (3, 2, 2, 5, 1)
    a = [record[f"dense_{k}.out"][case, unit] for k, unit in zip(HIDDEN, units, strict=True)]
    slopes = [one * (1 - one) for one in a]
    listed = [said(one) for one in slopes]
    assert f"{listed[0]},\n{', '.join(listed[1:4])} and {listed[4]}." in PAGE
    ways = zip(range(2, 7), units, (*units[1:], 0), strict=True)
    weights = [said(record[f"dense_{k}.W"][i, j]) for k, i, j in ways]
    assert f"{', '.join(weights[:4])} and {weights[4]}." in PAGE
    assert f"it is {np.prod(slopes):.3g}." in PAGE
    assert f"(¼)⁵ = {0.25**5:.3g}" in PAGE


def test_what_the_paths_would_be_without_their_signs():
    record = recorded()
    y = record["softmax.out"]
    jacobians = y[:, :, None] * (np.eye(2) - y[:, None, :])
    back = np.einsum("ni,nij->nj", np.abs(record["softmax.J"]), np.abs(jacobians))
    for k in range(6, 1, -1):
        a = record[f"dense_{k - 1}.out"]
        back = back @ np.abs(record[f"dense_{k}.W"]).T * a * (1 - a)
    total = np.abs(record["input.out"][:, 1]) @ back[:, 3]
    assert f"add up to {total:.3g}, so" in PAGE


def test_another_activation_layer_by_layer():
    records = [recorded("tanh", tuple(range(k, 6))) for k in range(6, 0, -1)]
    for title, key in (("∂L/∂a⁽¹⁾", "dense_1.J"), ("∂L/∂W⁽¹⁾", "dense_1.W_grad")):
        assert row(f"largest of {title}") == [said(largest(one, key)) for one in records]
    before, after = (largest(one, "dense_2.J") for one in (recorded(), recorded("tanh", (3,))))
    assert f"from {said(before)} to {said(after)}, {after / before:.1f} times" in PAGE
    relu, sigmoid = (
        largest(recorded("relu", tuple(HIDDEN)), "dense_1.J"),
        largest(recorded(), "dense_1.J"),
    )
    assert f"is then {said(relu)}: less than with tanh, {relu / sigmoid:.0f} times" in PAGE


def test_the_differences_that_sigmoid_shrinks():
    spreads = [np.ptp(recorded()[f"dense_{k}.out"], axis=0).max() for k in (1, 3, 5)]
    assert "up to {},\nof a⁽³⁾ {}, of a⁽⁵⁾ {}.".format(*(said(one, 2) for one in spreads)) in PAGE


def test_the_links_of_the_exercise_plant_a_bug_without_its_name():
    links = re.findall(r"page\.html#view=([\w-]+)", PAGE)
    held = [json.loads(base64.urlsafe_b64decode(one + "=" * (-len(one) % 4))) for one in links]
    assert held == [{"v": 1, "hunt": hunt, "mode": "break"} for hunt in (3, 4)]


@pytest.mark.exhaustive
def test_the_trainings_of_the_lesson():
    def trained(*overrides):
        return chainrule.train(VANISHING, overrides=overrides, save=False)

    start, end = trained("training.epochs=0"), trained()
    assert start.train.accuracy == end.train.accuracy == 0.5
    assert f"the loss is {end.train.loss:.4f}." in PAGE
    first, *_, last = (
        np.abs(after.W - before.W).max()
        for before, after in zip(start.network.layers[:6], end.network.layers[:6], strict=True)
    )
    assert f"by more than {first:.3f}, of layer 6 by up to {last:.3f}." in PAGE
    ends_at = max(np.abs(layer.W).max() for layer in end.network.layers[:6])
    assert f"end at {ends_at:.2f}." in PAGE
    for activation in ("tanh", "relu"):
        assert trained(*replaced(activation)).train.accuracy == 1
    relu = trained(*replaced("relu"))
    assert f"falls to {relu.history['train_loss'][-1]:.2g}, and" in PAGE
    two = (
        "["
        + "{size: 6, activation: sigmoid, weights: glorot}, " * 2
        + "{size: 2, weights: glorot}, softmax]"
    )
    assert trained(f"network.layers={two}", "training.epochs=400").train.accuracy == 1


@pytest.mark.exhaustive
def test_the_doctor_says_what_the_lesson_shows(monkeypatch):
    monkeypatch.chdir(ROOT)
    (shown,) = re.findall(r"```console\n\$ chainrule doctor .*?\n(.*?)```", PAGE, re.DOTALL)
    assert shown in str(chainrule.examine(VANISHING))


@pytest.mark.exhaustive
def test_the_numbers_of_the_lesson_on_weight_sharing():
    record = chainrule.inspect(ROOT / "examples" / "convolution.yaml", count=8).record
    z = record["conv2d_1.z"][0, 3]
    for value, digits in (
        (z[10, 3], 4),
        (z[10, 4], 4),
        (record["conv2d_1.W"][3, 0, 1, 1], 3),
        (record["conv2d_1.W_grad"][5, 0, 2, 1], 5),
        (record["conv2d_1.b_grad"][5], 4),
        (record["loss.value"], 3),
    ):
        assert f"{value:.{digits}f}".replace("-", "−") in PAGE
