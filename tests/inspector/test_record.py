"""The record of a pass: the loss, each use of an output, the update, and what each array is."""

import numpy as np
import pytest
from random_networks import PARTS, RULES, drawn, told

from chainrule import Network
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded, shown_targets
from chainrule.inspector.record import FirstStep, Record
from chainrule.inspector.scene import Told, scene
from chainrule.nn import Add, Dense, Dropout, Softmax
from chainrule.nn.activations import Activation
from chainrule.nn.layers.base import ParameterFree
from chainrule.nn.losses import ResidualLoss
from chainrule.training.optimizers import optimizer


def record_of(network: Network, x, t, weights=None, **options) -> Record:
    made = in_float64(network)
    return recorded(made, *made.prepare(x, t), made.prepare_weights(weights, len(x)), **options)


def cases(*shape: int):
    return np.random.default_rng(4).normal(size=shape)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_update_is_the_first_step_of_a_training(rule):
    layers = [Dense(4, "tanh", learning_rate=0.3), Dense(3), Softmax()]
    network = Network(layers, input=5, seed=2, penalty={"L2": 0.1}, bias_learning_rate=0.05)
    x, t = cases(6, 5), [0, 1, 2, 0, 1, 2]
    if rule["type"] == "lbfgs":
        network = Network([Dense(4, "tanh"), Dense(3), Softmax()], input=5, seed=2)
    record = record_of(network, x, t, step=FirstStep(optimizer(rule)))
    network.fit(x, t, epochs=1, batch_size="full", optimizer=rule)
    for segment in network.parameters.layout:
        np.testing.assert_allclose(
            record[f"{segment.full_name}_new"],
            network.parameters[segment.full_name],
            rtol=1e-9,
            atol=1e-12,
        )


def test_the_update_is_clipped_and_scaled_as_in_training():
    network = Network([Dense(3), Dense(1)], input=4, seed=1, learning_rate=0.5)
    x, t = cases(5, 4), cases(5, 1)
    record = record_of(network, x, t, step=FirstStep(scale=0.25, most=0.01))
    gradients = [e.values.ravel() for k, e in record.entries.items() if k.endswith("_grad")]
    length = np.linalg.norm(np.concatenate(gradients))
    np.testing.assert_allclose(record["loss.norm"], length)
    np.testing.assert_allclose(record["loss.clip"], 0.01 / length)
    step = 0.5 * 0.25 * 0.01 / length * record["dense_1.W_grad"]
    np.testing.assert_allclose(record["dense_1.W_new"], record["dense_1.W"] - step, rtol=1e-14)
    short = record_of(network, x, t, step=FirstStep(most=1e9))
    assert short["loss.clip"] == 1


def test_the_loss_is_the_mean_of_those_of_the_cases_and_the_penalty():
    network = Network([Dense(3), Softmax()], input=4, seed=1, penalty={"L1": 0.1})
    weights = [0.5, 2.0, 1.0]
    record = record_of(network, cases(3, 4), [0, 2, 1], weights)
    mean = (record["loss.each"] * weights).mean()
    assert record.loss == pytest.approx(mean + record["loss.penalty"], rel=1e-14)
    assert record["loss.value"] == record.loss
    assert (record["loss.t"] == np.eye(3)[[0, 2, 1]]).all()
    assert (record["loss.weights"] == weights).all()


def test_targets_of_classes_become_rows_and_missing_ones_are_empty():
    network = Network([Dense(2), Softmax()], input=[3, 1])
    t = network.prepare_targets([[1, 0, -1]])
    rows = shown_targets(network, t)
    assert (rows[0, :2] == [[0, 1], [1, 0]]).all()
    assert np.isnan(rows[0, 2]).all()


def test_the_uses_of_an_output_add_up():
    layers = [
        Dense(3, "tanh", name="f"),
        Add(inputs=["f", "f", "input"], name="sum"),
        Dense(2, name="g"),
        Dense(2, name="h", inputs="f"),
        Add(inputs=["g", "h"], name="both"),
    ]
    network = Network(layers, input=3, seed=4, loss="mse")
    record = record_of(network, cases(4, 3), cases(4, 2))
    parts = record["sum.sent_1"] + record["sum.sent_2"] + record["h.sent"]
    np.testing.assert_allclose(record["f.J"], parts, rtol=1e-14)
    np.testing.assert_allclose(record["input.J"], record["sum.sent_3"] + record["f.sent"])
    assert not {"g.sent", "both.sent_1", "both.sent_2"} & set(record.entries)  # a single use


def test_a_mask_is_that_of_the_pass():
    network = Network([Dropout(0.5), Dense(2)], input=9, seed=1)
    record = record_of(network, cases(3, 9), cases(3, 2), seed=7)
    mask = record["dropout_1.mask"]
    assert set(np.unique(mask)) == {0, 2}
    np.testing.assert_array_equal(record["dropout_1.out"], record["input.out"] * mask)
    again = record_of(network, cases(3, 9), cases(3, 2), seed=7)
    np.testing.assert_array_equal(again["dropout_1.mask"], mask)


def test_every_array_says_what_it_is():
    for seed in range(2 * len(PARTS)):
        arrays = told(seed)["scene"]["arrays"]
        silent = [one["key"] for one in arrays if not one["says"].endswith(".")]
        assert not silent


class Halved(Activation):
    """An activation of a user's own."""

    def value(self, z, out=None):
        return np.multiply(z, 0.5, out=out)

    def derivative(self, z, out=None):
        return np.full_like(z, 0.5)


class Doubled(ParameterFree):
    """A layer of a user's own."""

    type = "doubled"

    def connect(self, *shapes):
        (self.input_shape,) = (self.output_shape,) = shapes

    def evaluate(self, x, values):
        return 2 * x, 2 * x

    def _jacobian_x(self):
        raise NotImplementedError

    def jacobians(self):
        return {}

    def _input_gradient(self, delta):
        return 2 * delta


class Quartic(ResidualLoss):
    """A loss of a user's own."""

    def rho(self, d):
        return d**4

    def derivative(self, d):
        return 4 * d**3


def test_parts_of_ones_own_are_recorded_without_formulas():
    network = Network([Dense(3, Halved()), Doubled(), Dense(1)], input=2, loss=Quartic(), seed=1)
    x, t = cases(4, 2), cases(4, 1)
    record = record_of(network, x, t)
    network.loss(x, t)
    np.testing.assert_allclose(record["dense_1.W_grad"], network.backward_pass(t)["dense_1.W"])
    np.testing.assert_allclose(record["dense_1.delta"], record["dense_1.J"] / 2)
    told = scene(record, Told("own"))
    assert [layer["by_formula"] for layer in told["layers"]] == [False, False, True]
    assert told["loss"]["type"] == "Quartic"


def test_a_record_changes_nothing_of_the_network():
    for seed in range(len(PARTS)):
        made = drawn(seed)
        network = in_float64(made.network)
        x, t = network.prepare(made.x, made.t)
        theta, given = network.theta.copy(), x.copy()
        recorded(network, x, t, step=FirstStep(made.rule))
        np.testing.assert_array_equal(network.theta, theta)
        np.testing.assert_array_equal(x, given)
