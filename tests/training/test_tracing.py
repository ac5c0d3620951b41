"""The passes followed by hand: every matrix is the one the lecture notes write."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import chainrule
from all_layers import CASES, batch, network
from chainrule import Dense, Network, Softmax
from chainrule.nn import Add, Conv2D, Flatten, MaxPool2D
from chainrule.training import Callback, Part, Settings, Trainer
from chainrule.training.tracing import ShowMinibatches, array_text, as_text, trace

X = np.array([[0.5, -1.0]])
W1 = np.array([[0.3, -0.2], [0.1, 0.4]])
B1 = np.array([0.05, -0.1])
W2 = np.array([[0.7, -0.6], [0.2, 0.9]])
B2 = np.array([0.0, 0.3])
RATE = 0.01


def tiny(**options) -> Network:
    """Two inputs, two tanh units, two classes: small enough for paper."""
    options = {"penalty": {"type": "L2", "rate": RATE}, **options}
    network = Network([Dense(2, "tanh"), Dense(2, "linear"), Softmax()], input=2, **options)
    network.layers[0].W, network.layers[0].b = W1, B1
    network.layers[1].W, network.layers[1].b = W2, B2
    return network


def by_hand() -> dict[str, np.ndarray]:
    """Both passes for the one case, class 1, written out entry by entry."""
    x = X[0]
    z1 = [sum(x[i] * W1[i, j] for i in range(2)) + B1[j] for j in range(2)]
    a1 = [np.tanh(z) for z in z1]
    z2 = [sum(a1[i] * W2[i, j] for i in range(2)) + B2[j] for j in range(2)]
    e = [np.exp(z) for z in z2]
    s = [v / sum(e) for v in e]
    J_L = [0.0, -1 / s[1]]
    J_s = [[s[i] * ((i == j) - s[j]) for j in range(2)] for i in range(2)]
    d2 = [sum(J_L[i] * J_s[i][j] for i in range(2)) for j in range(2)]
    up = [sum(d2[j] * W2[i, j] for j in range(2)) for i in range(2)]
    J_a = [[(1 - a1[i] ** 2) * (i == j) for j in range(2)] for i in range(2)]
    d1 = [up[j] * J_a[j][j] for j in range(2)]
    up1 = [sum(d1[j] * W1[i, j] for j in range(2)) for i in range(2)]

    def J_W(inputs):
        return [[[v * (j == k) for j in range(2)] for v in inputs] for k in range(2)]

    penalty = RATE * 0.5 * (np.sum(W1**2) + np.sum(W2**2))
    return {
        "x": X,
        "W dense_1": W1,
        "b dense_1": B1,
        "z dense_1": [z1],
        "a dense_1": [a1],
        "W dense_2": W2,
        "b dense_2": B2,
        "z dense_2": [z2],
        "a dense_2": [z2],
        "s softmax": [s],
        "y": [s],
        "t": [1],
        "t as rows": [[0, 1]],
        "L": -np.log(s[1]) + penalty,
        "J_L": [J_L],
        "J_s softmax": [J_s],
        "δ softmax": [d2],
        "J_a dense_2": [np.eye(2)],
        "δ dense_2": [d2],
        "J_W dense_2": [J_W(a1)],
        "∂L/∂W dense_2": [[a1[i] * d2[j] + RATE * W2[i, j] for j in range(2)] for i in range(2)],
        "J_b dense_2": [np.eye(2)],
        "∂L/∂b dense_2": d2,
        "J_x dense_2": [W2.T],
        "∂L/∂x dense_2": [up],
        "J_a dense_1": [J_a],
        "δ dense_1": [d1],
        "J_W dense_1": [J_W(x)],
        "∂L/∂W dense_1": [[x[i] * d1[j] + RATE * W1[i, j] for j in range(2)] for i in range(2)],
        "J_b dense_1": [np.eye(2)],
        "∂L/∂b dense_1": d1,
        "J_x dense_1": [W1.T],
        "∂L/∂x dense_1": [up1],
    }


@pytest.mark.parametrize("explicit", [False, True])
def test_every_array_is_the_one_computed_by_hand(explicit):
    entries = trace(tiny(explicit_jacobians=explicit), X, [1])
    expected = by_hand()
    assert [entry.name for entry in entries] == list(expected)
    for entry in entries:
        assert entry.value == pytest.approx(np.asarray(expected[entry.name]), rel=1e-12, abs=1e-15)


NUMBER = r"-?\d+\.?\d*(?:e[+-]\d+)?"


def printed(text: str) -> dict[str, list[float]]:
    """Every entry's numbers as they stand in the text."""
    found: dict[str, list[float]] = {}
    name = ""
    for line in text.splitlines():
        head = re.match(rf"(\S.*?)(?:  \(| = ({NUMBER}))", line)
        if line.startswith("─"):
            continue
        if head:
            name = head[1]
            found[name] = [float(head[2])] if head[2] else []
        elif line.lstrip().startswith("["):
            found[name] += [float(v) for v in re.findall(NUMBER, line)]
    return found


def test_the_printed_numbers_are_those_computed_by_hand():
    found = printed(as_text(trace(tiny(), X, [1])))
    for name, value in by_hand().items():
        assert found[name] == pytest.approx(np.ravel(value), abs=6e-5), name


def test_every_entry_says_its_shape():
    text = as_text(trace(tiny(), np.repeat(X, 3, axis=0), [1, 0, 1]))
    for head in (
        "x  (3, 2)",
        "W dense_1  (2, 2)",
        "t  (3,)",
        "J_s softmax  (3, 2, 2)",
        "J_W dense_1  (3, 2, 2, 2)",
        "∂L/∂W dense_1  (2, 2)",
        "∂L/∂b dense_1  (2,)",
        "∂L/∂x dense_1  (3, 2)",
    ):
        assert f"\n{head}" in f"\n{text}"


def test_the_two_passes_have_headings_and_the_shared_jacobian_stands_once():
    text = as_text(trace(tiny(), np.repeat(X, 3, axis=0), [1, 0, 1]))
    assert text.index("forward pass") < text.index("J_L") - 1
    assert text.index("backward pass") < text.index("J_L  (3, 2)")
    block = text[text.index("J_x dense_2") : text.index("∂L/∂x dense_2")]
    assert block.count("every case") == 2  # once in the formula, once above the matrix
    assert "case 1" not in block


def test_a_local_jacobian_is_shown_for_the_first_and_the_last_case():
    x = np.array([[0.5, -1.0], [2.0, 2.0], [-3.0, 0.25]])
    block = as_text(trace(tiny(), x, [1, 0, 1])).split("J_W dense_1")[1].split("∂L/∂W")[0]
    assert "case 1\n" in block
    assert "case 3\n" in block
    assert "case 2" not in block
    assert "-3." in block


def test_without_jacobians_there_are_inputs_outputs_targets_and_loss():
    entries = trace(tiny(), X, [1], jacobians=False)
    assert [entry.name for entry in entries] == ["x", "y", "t", "L"]
    assert "backward" not in as_text(entries)


def test_classes_stand_beside_the_targets():
    assert "t  (1,)  the targets, as class numbers\n    [1]   cross" in as_text(
        trace(tiny(), X, [1]), classes=["circle", "cross"]
    )


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (tiny(), True),
        (tiny(explicit_jacobians=True), False),
        (Network([Dense(2), Softmax()], input=2, loss="mse"), False),
        (Network([Dense(1, "sigmoid")], input=2, loss="binary_cross_entropy"), True),
    ],
)
def test_a_delta_computed_from_the_logits_says_so(network, said):
    t = [1] if network.outputs > 1 else [[1.0]]
    assert ("from the logits" in as_text(trace(network, X, t))) is said


def test_tracing_leaves_theta_as_it_was_and_keeps_what_it_showed():
    network = tiny()
    before = network.theta.copy()
    entries = {entry.name: entry.value for entry in trace(network, X, [1])}
    assert np.array_equal(network.theta, before)
    network.theta += 1
    network.forward_pass(X * 9)
    network.backward_pass([0])
    for name, value in by_hand().items():
        assert entries[name] == pytest.approx(np.asarray(value), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "linear", "gelu", "leaky_relu"])
@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
def test_the_shown_chain_multiplies_out(activation, loss):
    """J · J_a = δ, δ · J_x = ∂L/∂x and δ · J_W = ∂L/∂W, read off the entries."""
    network = Network([Dense(3, activation), Dense(2, activation)], input=2, loss=loss, seed=6)
    entries = {e.name: e.value for e in trace(network, X, [[0.3, -0.8]])}
    upstream = entries["J_L"][0]
    for layer in ("dense_2", "dense_1"):
        delta = upstream @ entries[f"J_a {layer}"][0]
        assert delta == pytest.approx(entries[f"δ {layer}"][0])
        gradient = np.tensordot(delta, entries[f"J_W {layer}"][0], axes=1)
        assert gradient == pytest.approx(entries[f"∂L/∂W {layer}"])
        assert delta @ entries[f"J_b {layer}"][0] == pytest.approx(entries[f"∂L/∂b {layer}"])
        upstream = delta @ entries[f"J_x {layer}"][0]
        assert upstream == pytest.approx(entries[f"∂L/∂x {layer}"][0])


def test_large_arrays_are_shortened_in_the_middle():
    value = np.arange(400.0).reshape(20, 20)
    text = array_text(value)
    assert "..." in text
    assert len(text.splitlines()) == 7
    for kept in ("0.", "1.", "2.", "19.", "380.", "399."):
        assert re.search(rf"\b{re.escape(kept)}", text)
    assert "200." not in text
    assert "..." not in array_text(np.arange(96.0))


def test_a_jacobian_too_large_to_write_out_says_so_and_costs_nothing():
    network = Network([Dense(400), Dense(2), Softmax()], input=3000, seed=1)
    text = as_text(trace(network, np.zeros((2, 3000)), [0, 1]))
    assert "(2, 400, 3000, 400) is too large to write out" in " ".join(text.split())


def test_no_line_is_wider_than_a_page():
    network = Network([Dense(40), Dense(12), Softmax()], input=60, seed=1)
    text = as_text(trace(network, np.random.default_rng(0).normal(size=(32, 60)), [0] * 32))
    assert max(map(len, text.splitlines())) <= 100


FEW = ("conv2d", "batch_norm")


@pytest.mark.parametrize(
    "case",
    [pytest.param(one, marks=() if one in FEW else pytest.mark.exhaustive) for one in CASES],
)
def test_nothing_of_any_layer_is_wider_than_a_page(case, capsys):
    made = network(case)
    x, t = made.prepare(*batch(made, 4))
    settings = Settings(epochs=1, batch_size=2, optimizer="adam", clip_gradient_norm=1e-3)
    shows = ShowMinibatches(jacobians=True)
    Trainer(made, Part(x, t), Part(x[:0], t[:0]), settings, callbacks=[shows]).run()
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("── update ") for line in lines)


def test_a_long_name_and_many_sources_are_wrapped():
    names = [f"a_layer_of_a_rather_long_name_{k}" for k in range(4)]
    layers = [*(Dense(2, name=name, inputs="input") for name in names), Add(inputs=names)]
    wide = Network([*layers, Dense(2)], input=2, loss="mse")
    lines = as_text(trace(wide, X, [[1, 2]])).splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("      ") for line in lines)


def test_small_numbers_keep_their_digits():
    assert array_text(np.array([0.000438568, 0.000877135])) == "[0.0004386 0.0008771]"
    assert array_text(np.array([0.5, 0.000438568])) == "[5.0000e-01 4.3857e-04]"
    assert array_text(np.array([1e-30, 0.0])) == "[1.e-30 0.e+00]"
    assert array_text(np.array([0.0])) == "[0.]"


def updates(text: str) -> list[dict[str, list[float]]]:
    """The numbers that stand under each heading of an update."""
    found = re.split(r"^── update ─+$", text, flags=re.MULTILINE)[1:]
    return [printed(one.split("\n\n")[0].split("\n", 2)[2]) for one in found]


@pytest.mark.parametrize("optimizer", ["sgd", pytest.param("adam", marks=pytest.mark.exhaustive)])
def test_the_update_shows_the_new_parameters_after_every_minibatch(optimizer, capsys):
    x, t = np.random.default_rng(1).normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
    network = tiny(bias_learning_rate=0.0)
    settings = Settings(epochs=2, batch_size=2, optimizer=optimizer)
    part, none = Part(x, t), Part(x[:0], t[:0])
    seen = []

    class Keep(Callback):
        def on_chunk(self, trainer):
            seen.append({k: v.copy() for k, v in trainer.network.parameters.items()})

    callbacks = [ShowMinibatches(jacobians=True), Keep()]
    Trainer(network, part, none, settings, classes=True, callbacks=callbacks).run()
    text = capsys.readouterr().out
    shown = updates(text)
    assert len(shown) == len(seen) == 6  # the last minibatch of the training among them
    for of_step, parameters in zip(shown, seen, strict=True):
        for name, value in parameters.items():
            layer, _, symbol = name.partition(".")
            assert of_step[f"{symbol} {layer}"] == pytest.approx(value.ravel(), abs=6e-9)
    assert text.count("b dense_1  (2,)  as before: its learning rate is 0") == 6
    said = "W − 0.1 · ∂L/∂W" if optimizer == "sgd" else "the new W"
    assert text.count(f"W dense_1  (2, 2)  {said}\n") == 6
    assert "the biases 0)" in text


def test_the_update_ends_with_the_loss_of_its_cases_before_and_after(capsys):
    network, before = tiny(), tiny()
    t = np.array([1])
    shows = ShowMinibatches(jacobians=True)
    part = Part(X, t)
    settings = Settings(epochs=1)
    Trainer(network, part, part, settings, classes=True, callbacks=[shows]).run()
    after, was = network.loss(X, t), before.loss(X, t)
    line = (
        f"L = {after:.9g}   the loss of the same cases with the new parameters; it was {was:.9g}"
    )
    assert line in capsys.readouterr().out


def test_the_textbook_example_shows_its_two_losses(capsys):
    example = Path(__file__).parents[2] / "examples" / "textbook.yaml"
    chainrule.train(example, jacobians=True, save=False)
    shown = re.findall(rf"^L = ({NUMBER})", capsys.readouterr().out, re.MULTILINE)
    assert shown == ["0.298371109", "0.291027774"]


def test_showing_minibatches_prints_each_before_it_runs_and_changes_no_bit(capsys):
    x, t = np.random.default_rng(1).normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
    settings = Settings(epochs=2, batch_size=2, seed=3)
    watched, plain = tiny(), tiny()
    show = ShowMinibatches(jacobians=True, classes=["a", "b"])
    Trainer(watched, Part(x, t), Part(x, t), settings, classes=True, callbacks=[show]).run()
    text = capsys.readouterr().out
    Trainer(plain, Part(x, t), Part(x, t), settings, classes=True).run()
    assert watched.theta.tobytes() == plain.theta.tobytes()
    for epoch in (1, 2):
        for minibatch, cases in ((1, "2 cases"), (2, "2 cases"), (3, "1 case ")):
            assert f"epoch {epoch}, minibatch {minibatch} of 3, {cases}" in text
    assert text.count("backward pass") == 6


def test_the_loss_shown_is_the_loss_in_the_history(capsys):
    x, t = np.random.default_rng(1).normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])
    trainer = Trainer(
        tiny(),
        Part(x, t),
        Part(x, t),
        Settings(epochs=1, batch_size=2),
        classes=True,
        callbacks=[ShowMinibatches()],
    )
    trainer.run()
    shown = re.findall(rf"^L = ({NUMBER})", capsys.readouterr().out, re.MULTILINE)
    assert [float(v) for v in shown] == pytest.approx(trainer.history.minibatch_losses, rel=1e-7)


def test_images_are_shown_as_images_and_large_jacobians_as_matrices():
    layers = [Conv2D(2, 3, padding="same"), MaxPool2D(2), Flatten(), Dense(3), Softmax()]
    network = Network(layers, input=[1, 4, 6], seed=1)
    x = np.random.default_rng(1).normal(size=(2, 1, 4, 6))
    entries = {entry.name: entry for entry in trace(network, x, [0, 2], jacobians=True)}
    assert entries["x"].value.shape == (2, 1, 4, 6)
    assert entries["z conv2d_1"].value.shape == (2, 2, 4, 6)
    assert entries["δ conv2d_1"].value.shape == (2, 2, 4, 6)
    assert entries["z max_pool2d_1"].value.shape == (2, 2, 2, 3)
    assert entries["∂L/∂x flatten_1"].value.shape == (2, 2, 2, 3)
    gradient = network.gradients["conv2d_1.W"]
    np.testing.assert_array_equal(entries["∂L/∂W conv2d_1"].value, gradient)
    text = as_text(list(entries.values()))
    assert "case 2, its numbers in a row" in text
    assert "with x = a conv2d_1" in text
