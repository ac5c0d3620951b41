"""Every kind of layer on the board: each printed formula gives its printed result."""

from __future__ import annotations

import numpy as np
import pytest

import all_layers
from chainrule import Dense, Network
from chainrule.explain.explanation import Explanation
from chainrule.explain.expressions import Variable
from chainrule.explain.text import name_text
from chainrule.nn import layer_types as layers
from chainrule.nn.jacobians import Explicit, InputJacobian, WeightJacobian
from chainrule.nn.layers.base import ParameterFree
from printed_formulas import computed, latex_steps_of, steps_of, wrong_steps

FAST = ["conv2d", "lstm, last", "gru, truncated", "batch_norm of images", "max_pool2d",
        "joins of images", "embedding of sequences", "dropout of sequences"]  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        case if case in FAST else pytest.param(case, marks=pytest.mark.exhaustive)
        for case in all_layers.CASES
    ],
)
def test_every_formula_gives_its_result_in_every_layer(case):
    network = all_layers.network(case)
    x, t = all_layers.batch(network, 3)
    found = network.explain(x, t, case=1)
    assert all(step.fit().exact for step in found.steps)
    text = found.text(100)
    assert len(steps_of(text)) == len(found.steps) > 10
    assert wrong_steps(text) == []
    assert numbers_of(found)


def numbers_of(explanation: Explanation) -> dict[str, float]:
    """The number of every name that occurs; a name must not stand for two."""
    found: dict[str, float] = {}
    for step in explanation.steps:
        if step.becomes:  # in an update a new number takes the place of the old one
            continue
        leaves = [leaf for rule in (*step.rules, *step.others) for leaf in rule.leaves()]
        for one in (step.result, *leaves):
            if isinstance(one, Variable):
                name = name_text(one.name)
                assert one.value == pytest.approx(found.setdefault(name, one.value)), name
    return found


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("case", all_layers.CASES)
def test_every_formula_gives_its_result_at_other_numbers(case, seed):
    network = all_layers.network(case)
    network.theta = np.random.default_rng(seed).normal(size=network.theta.shape)
    for layer in network.layers:
        if layer.type == "batch_norm":
            layer.variance[...] = 1
    x, t = all_layers.batch(network, 2, seed=seed)
    weight = network.parameters.layout.trained[seed]
    asked = f"{weight.full_name}[{','.join('0' * len(weight.shape))}]"
    for one, options in enumerate(({}, {"weight": asked})):
        found = network.explain(x, t, case=one, **options)
        assert wrong_steps(found.text(80)) == []
        assert wrong_steps(latex_steps_of(found.markdown())) == []
        assert numbers_of(found)


def printed(explanation: Explanation) -> dict[str, str]:
    return {step.name: step.sides[-1] for step in steps_of(explanation.text(100))}


def test_a_filters_weight_is_the_sum_over_the_windows():
    network = Network(
        [layers.Conv2D(1, [1, 2], activation="linear", bias=False), layers.Flatten(),
         Dense(1, "linear", bias=False)],
        input=[1, 1, 4], loss="mse",
    )  # fmt: skip
    network.layers[0].W, network.layers[2].W = [[[[1.0, 10.0]]]], [[1.0], [2.0], [3.0]]
    text = network.explain([[[[1.0, 2.0, 3.0, 4.0]]]], [[0.0]]).text(100)
    y = 21 + 2 * 32 + 3 * 43
    assert f"= {2 * y} · 1 + {4 * y} · 2 + {6 * y} · 3" in text
    assert "the windows of 3 places use it" in text


def test_a_number_under_several_windows_adds_up_and_the_largest_alone_gets_the_gradient():
    network = Network(
        [Dense(4, "linear", name="a"), layers.Dropout(0.0), Dense(1, "linear")],
        input=4, loss="mse", seed=1,
    )  # fmt: skip
    assert wrong_steps(network.explain([[1.0, 2.0, 3.0, 4.0]], [[1.0]]).text()) == []
    pool = Network(
        [layers.Conv2D(1, 1, activation="linear", bias=False), layers.MaxPool2D([1, 2], stride=1),
         layers.Flatten(), Dense(1, "linear", bias=False)],
        input=[1, 1, 3], loss="mse",
    )  # fmt: skip
    pool.layers[0].W, pool.layers[3].W = [[[[1.0]]]], [[1.0], [1.0]]
    found = printed(pool.explain([[[[1.0, 5.0, 2.0]]]], [[9.0]]))
    assert (found["δ⁽¹⁾₁,₁,₁"], found["δ⁽¹⁾₁,₁,₂"], found["δ⁽¹⁾₁,₁,₃"]) == ("0", "4", "0")


def test_batch_normalisation_has_three_ways_that_add_up():
    network = Network(
        [Dense(1, "linear"), layers.BatchNorm(), Dense(1, "linear")], input=1, loss="mse", seed=1
    )
    x, t = [[1.0], [2.0], [4.0]], [[0.0], [1.0], [0.5]]
    found = network.explain(x, t, case=2)
    values = {step.name: step.sides for step in steps_of(found.text(100))}
    parts = [values[f"∂L/∂z⁽¹⁾₁({way})"][-1] for way in ("directly", "through m", "through v")]
    assert sum(map(computed, parts)) == pytest.approx(computed(values["δ⁽¹⁾₁"][-1]), rel=1e-7)
    with network.training_mode():
        network.loss(x, t)
        network.backward_pass(t)
        assert found.step("δ⁽¹⁾₁").result.value == pytest.approx(network.layers[0].delta[2, 0])
    assert "z⁽¹⁾₁(case 1)" in found.text(100)


class Doubled(ParameterFree):
    """A layer of the user's own that says nothing of how it computes."""

    type = "doubled"

    def connect(self, *shapes):
        (self.input_shape,) = shapes
        self.output_shape, self.size = self.input_shape, 2

    def evaluate(self, x, values):
        return 2 * x, 2 * x

    def _jacobian_x(self):
        return Explicit(np.broadcast_to(2 * np.eye(2), (len(self.x), 2, 2)))


class Twice(Dense):
    """A layer that derives from one of the library's, and computes something else."""

    def evaluate(self, x, values, out=None):
        z = 2 * (x @ values["W"]) + values["b"]
        return z, self.activation.value(z)

    def _jacobian_x(self):
        return InputJacobian(2 * self.W, len(self.x))

    def _jacobian_W(self):
        return WeightJacobian(2 * self.x, self.size)


def test_a_layer_that_only_derives_from_a_known_one_is_not_explained_as_that():
    network = Network([Twice(2, "tanh"), Twice(1, "linear")], input=[3, 2], loss="mse", seed=1)
    x = np.array([[[1.0, 2.0], [0.5, -0.3], [np.nan, np.nan]]])
    found = network.explain(x, [[[1.0], [2.0], [np.nan]]])
    assert wrong_steps(found.text(100)) == []
    assert all(step.fit().exact for step in found.steps)
    assert "its own affair" in found.text(100)
    assert "nan" not in found.text(100)


def test_a_layer_of_ones_own_is_explained_by_its_jacobian():
    network = Network([Dense(2, "tanh"), Doubled(), Dense(1, "linear")], input=2, loss="mse")
    text = network.explain([[1.0, 2.0]], [[1.0]]).text(100)
    assert wrong_steps(text) == []
    assert "∂L/∂a⁽¹⁾₁ = ∂L/∂a⁽²⁾₁ · ∂a⁽²⁾₁/∂a⁽¹⁾₁" in text


def test_a_bias_before_batch_normalisation_has_a_gradient_of_0():
    network = Network(
        [Dense(1, "linear"), layers.BatchNorm(), Dense(1, "linear")], input=1, loss="mse", seed=1
    )
    text = network.explain([[1.0], [2.0], [4.0]], [[0.0], [1.0], [0.5]]).text(200)
    assert "The terms cancel: the gradient is 0, and what is left of it is rounding." in text


@pytest.mark.parametrize("case", [0, 1])
def test_padding_takes_no_part(case):
    network = Network(
        [layers.Recurrent(2, outputs="last"), Dense(1, "linear")], input=[4, 1], loss="mse", seed=1
    )
    x = np.ones((2, 4, 1))
    x[1, 2:] = np.nan
    text = network.explain(x, [[1.0], [2.0]], case=case).text(100)
    assert wrong_steps(text) == []
    assert "nan" not in text
    assert ("Step 3:" in text) == (case == 0)


def test_a_long_sequence_is_shortened_to_the_steps_that_matter():
    network = Network(
        [layers.LSTM(8, outputs="last"), Dense(1, "linear")], input=[60, 5], loss="mse", seed=1
    )
    x = np.random.default_rng(1).normal(size=(1, 60, 5))
    text = network.explain(x, [[1.0]]).text(100)
    assert wrong_steps(text) == []
    assert "Of the 8 units and 60 steps those that matter most" in " ".join(text.split())
    assert len(text.splitlines()) < 2500
