"""An explanation is true: every printed formula gives its printed result."""

from __future__ import annotations

import re

import numpy as np
import pytest

from chainrule import ChainruleError, Dense, Network, Softmax
from chainrule.explain.expressions import Number, sum_of
from chainrule.nn import LSTM, BatchNorm, Conv2D, Flatten
from printed_formulas import steps_of, wrong_steps


def textbook():
    """The 2-2-2 network of many introductions to backpropagation."""
    network = Network([Dense(2, "sigmoid"), Dense(2, "sigmoid")], input=2, loss="mse")
    network.layers[0].W, network.layers[0].b = [[0.15, 0.25], [0.2, 0.3]], [0.35, 0.35]
    network.layers[1].W, network.layers[1].b = [[0.4, 0.5], [0.45, 0.55]], [0.6, 0.6]
    return network


@pytest.fixture(scope="module")
def explained():
    return textbook().explain([[0.05, 0.10]], [[0.01, 0.99]])


def test_the_textbook_example_has_the_numbers_of_the_textbook(explained):
    printed = {step.name: step.sides[-1] for step in steps_of(explained.text())}
    expected = {
        "z⁽¹⁾₁": "0.3775",
        "a⁽¹⁾₁": "0.593269992",
        "y₁": "0.75136507",
        "L": "0.298371109",
        "δ⁽²⁾₁": "0.138498562",
        "∂L/∂W⁽²⁾₁₁": "0.0821670406",
        "∂L/∂W⁽¹⁾₁₁": "0.000438567734",
    }
    assert {name: printed[name] for name in expected} == expected


@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_printed_formula_gives_its_result_at_any_width(explained, width):
    text = explained.text(width)
    assert len(steps_of(text)) == len(explained.steps) > 25
    assert wrong_steps(text) == []
    assert max(map(len, text.splitlines())) <= width


def test_softmax_with_cross_entropy():
    network = Network([Dense(3, "tanh"), Dense(3), Softmax()], input=4, seed=3)
    x = np.linspace(-1, 1, 4)[None]
    found = network.explain(x, [2])
    assert wrong_steps(found.text()) == []
    network.forward_pass(x)
    network.backward_pass([2])
    assert found.step("δ⁽²⁾₃").result.value == network.layers[2].delta[0, 2]


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        ("dense_3.W[0,0]", "did you mean 'dense_"),
        ("dense_1.W[0,2]", "dense_1.W has the shape"),
        ("dense_1.W", "dense_1.W[0,0]"),
        ("dense_1.W[a]", "dense_1.W[0,0]"),
        (("dense_1", "W"), "a weight is named by a text"),
    ],
)
def test_a_weight_that_is_not_there_is_answered_with_what_is(weight, words):
    with pytest.raises(ChainruleError, match=words.replace("[", r"\[")):
        textbook().explain([[0.05, 0.10]], [[0.01, 0.99]], weight)


def test_of_a_long_sum_only_the_terms_that_are_written_out_are_made():
    values = list(range(10_000))
    made = []
    found = sum_of(values, lambda k: made.append(k) or Number(float(values[k])), lambda k: k == 3)
    assert made == [3, *values[-5:]]
    assert found.evaluate() == sum(values)


@pytest.mark.parametrize("scale", [1, 30, 300, 1e5])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_an_output_at_its_limit_is_explained_by_formulas_that_keep_their_digits(loss, scale):
    is_binary = loss.startswith("binary")
    for seed in (0, 1):
        last = [Dense(2, "sigmoid")] if is_binary else [Dense(3), Softmax()]
        network = Network([Dense(3, "tanh"), *last], input=2, loss=loss, seed=seed)
        network.theta = network.theta * scale
        found = network.explain([[1.0, -0.5]], [[1.0, 0.0]] if is_binary else [seed])
        assert wrong_steps(found.text()) == []
        assert all(step.fit().exact for step in found.steps)


def test_a_loss_that_is_not_finite_is_said():
    network = textbook()
    network.layers[1].activation = "linear"
    network.layers[1].W = [[1e200, 0], [0, 1e200]]
    with pytest.raises(ChainruleError, match=r"the loss is inf.*chainrule doctor"):
        network.explain([[0.05, 0.10]], [[0.01, 0.99]])


HOSTILE = "<script>`$|\x1b[2J"


def test_names_from_data_are_texts(explained):
    found = textbook().explain([[0.05, 0.10]], [[0.01, 0.99]], names=[HOSTILE, "b"])
    assert "\x1b" not in found.text()
    for page in (found.html(), found._repr_html_()):
        assert "<script" not in page
        assert "&lt;script" in page
    assert r"\<script\>\`\$\|" in found.markdown()


def test_an_unknown_argument_is_answered_with_the_nearest():
    with pytest.raises(ChainruleError, match="did you mean 'optimizer'"):
        textbook().explain([[0.05, 0.10]], [[0.01, 0.99]], optimiser="adam")


def test_a_minibatch_is_needed_where_cases_depend_on_each_other():
    network = Network([Dense(2), BatchNorm(), Dense(1)], input=2, loss="mse")
    with pytest.raises(ChainruleError, match="pass at least 2 cases"):
        network.explain([[0.05, 0.10]], [[0.01]])


def test_it_shows_itself_in_a_line(explained):
    assert repr(explained).startswith("Explanation('One pass worked out': ")
    assert str(explained) == explained.text(80)


def wide(**options):
    """A network of more units than are worked out, and a case for it."""
    network = Network([Dense(9, "sigmoid"), Dense(2), Softmax()], input=3, seed=4, **options)
    return network, np.array([[1.0, -2.0, 0.5]])


def test_the_unit_of_the_weight_that_is_looked_at_is_worked_out():
    network, x = wide()
    for seed in range(4):
        network.theta = np.random.default_rng(seed).normal(size=network.theta.shape)
        found = network.explain(x, [1])
        (heading,) = (s.title for s in found.sections if s.title.startswith("Every path from"))
        unit = heading.split()[3][-1]
        printed = {step.name for step in steps_of(found.text())}
        assert {f"a⁽¹⁾{unit}", f"δ⁽¹⁾{unit}"} <= printed


def test_a_large_network_shows_the_steps_of_adam_for_one_weight_alone():
    network, x = wide()
    names = [step.name for step in steps_of(network.explain(x, [1], optimizer="adam").text())]
    assert sum(name.startswith("v̂") for name in names) == 1
    small = [
        step.name
        for step in steps_of(textbook().explain([[1, 2]], [[1, 0]], optimizer="adam").text())
    ]
    assert sum(name.startswith("v̂") for name in small) == 12


def test_that_most_of_delta_cancels_is_said_before_the_layer_below():
    network = Network([Dense(2, "tanh"), Dense(1, "sigmoid")], input=1, seed=1,
                      loss="binary_cross_entropy")  # fmt: skip
    names = [step.name for step in steps_of(network.explain([[1.0]], [[1.0]]).text())]
    assert [k for k, name in enumerate(names) if name == "δ⁽²⁾₁"][-1] < names.index("∂L/∂a⁽¹⁾₁")


def test_the_shown_part_of_a_large_array_has_the_weights_of_the_formulas():
    network = Network([Dense(9, "tanh"), Dense(1, "linear")], input=40, loss="mse", seed=1)
    x = np.zeros((1, 40))
    x[0, [11, 22, 33]] = 1
    text = network.explain(x, [[1.0]], "dense_1.W[27,4]").text(200)
    rows = text.split("W⁽¹⁾, 40 × 9")[1].split("The biases")[0]
    assert {"12", "23", "28", "34"} <= {
        line.split()[0] for line in rows.splitlines()[2:] if line.strip()
    }


def test_a_page_lists_its_parts(explained):
    page = explained.html()
    links = re.findall(r'<a href="#(part-\d+)">', page)
    assert len(links) == 7
    assert links == re.findall(r'<h2 id="(part-\d+)">', page)


def test_a_bias_of_few_is_worked_out_where_its_unit_is():
    network, x = wide()
    text = network.explain(x, [1]).text(100)
    (units,) = re.findall(
        r"Of the 9 units 4 are worked out.*?: units ([\d, and]+)\.", " ".join(text.split())
    )
    biases = {step.name for step in steps_of(text) if step.name.startswith("∂L/∂b⁽¹⁾")}
    assert biases == {f"∂L/∂b⁽¹⁾{'₀₁₂₃₄₅₆₇₈₉'[int(unit)]}" for unit in re.findall(r"\d", units)}


def test_the_array_after_the_update_shows_the_weights_that_were_updated():
    network = Network(
        [LSTM(3, outputs="last"), Dense(1, "linear")], input=[2, 1], loss="mse", seed=2
    )
    x = np.random.default_rng(0).normal(size=(1, 2, 1))
    text = network.explain(x, [[1.0]], "lstm_1.W[0,6]", optimizer="adam").text(200)
    table = text.split("lstm_1.W after the update:")[1].split("All weights")[0]
    assert "7" in table.splitlines()[2].split()


def test_a_small_image_is_shown_whole_and_a_filter_of_three_by_three_in_one_sum():
    edge = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    filters = Conv2D(1, 3, weights=[[edge]], biases=[0.5])
    network = Network([filters, Flatten(), Dense(1)], input=[1, 4, 4], loss="mse", seed=1)
    image = np.arange(16.0).reshape(1, 1, 4, 4)
    text = network.explain(image, [[1.0]]).text()
    assert "x₁, 4 × 4:" in text
    assert "Those that are written out below" not in text
    assert "the other" not in text.partition("The loss")[0].replace("the others", "")
    assert wrong_steps(text) == []


def test_parameters_whose_learning_rate_is_0_are_said_to_stay():
    layers = [Dense(1, "linear", learning_rate=0.0), Dense(1, "linear")]
    text = Network(layers, input=1, loss="mse", seed=1).explain([[1.0]], [[2.0]]).text(100)
    assert "dense_1.W stays as it is: its learning rate is 0." in text
    assert "dense_2.W stays" not in text
