"""A layer of one's own whose output couples the cases of a batch, with running statistics in θ."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from proof.resumed_runs import TRAIN, VALIDATION, Setting, resume_everywhere

from chainrule import Network, nn
from chainrule.gradients import check, errors
from chainrule.nn.description import describe
from chainrule.nn.jacobians import BiasJacobian, Diagonal, Jacobian
from chainrule.nn.parameters import Layout
from chainrule.training import Part, Settings, Trainer
from chainrule.training.engines import NotFiniteError
from chainrule.training.tracing import as_text, trace

EPSILON, MOMENTUM = 1e-5, 0.1


class Normalised(Jacobian):
    """∂z/∂x of z = gain (x − mean) / deviation, mean and deviation being those of the batch."""

    def __init__(self, standard, scale, chosen=slice(None)):
        self.standard, self.scale, self.chosen = standard, scale, chosen

    @property
    def dense_shape(self):
        return (*self.standard[self.chosen].shape, *self.standard.shape)

    def vjp(self, g, out=None):
        g, s = g * self.scale, self.standard
        found = g - g.mean(axis=0) - s * (g * s).mean(axis=0)
        if out is None:
            return found
        out[...] = found
        return out

    def jvp(self, v):
        s = self.standard
        return self.scale * (v - v.mean(axis=0) - s * (v * s).mean(axis=0))

    def cases(self, chosen):
        return Normalised(self.standard, self.scale, chosen)

    def _dense(self):
        cases, n = self.standard.shape
        s = self.standard
        between = np.eye(cases)[:, :, None] - 1 / cases - s[:, None] * s[None] / cases
        return np.einsum("cdj,jk->cjdk", between * self.scale, np.eye(n))[self.chosen]


class Gain(Jacobian):
    """∂z/∂gain: the standardised inputs, in every case on the diagonal."""

    def __init__(self, standard):
        self.standard = standard

    @property
    def dense_shape(self):
        return (*self.standard.shape, self.standard.shape[1])

    def vjp(self, g, out=None):
        return np.sum(g * self.standard, axis=0, out=out)

    def jvp(self, v):
        return self.standard * v

    def cases(self, chosen):
        return Gain(self.standard[chosen])

    def _dense(self):
        return Diagonal(self.standard).dense()


class BatchNorm(nn.Layer):
    """z = gain (x − mean) / √(variance + ε) + shift, the batch's in training, else the running."""

    type = "batch_norm"
    formula = "gain (x − mean) / deviation + shift"
    keeps_width = True
    differs_in_training = True
    untrained = ("mean", "variance")

    x = z = None

    def connect(self, *shapes):
        (self.input_shape,) = shapes
        self.output_shape, self.size = self.input_shape, self.inputs

    def shapes(self):
        return dict.fromkeys(("gain", "mean", "variance", "shift"), (self.inputs,))

    def draw(self, name, rng):
        return np.full(self.inputs, float(name in ("gain", "variance")))

    def _statistics(self, x, values):
        if not self.context.training:
            return values["mean"], values["variance"]
        mean = x.mean(axis=0)
        return mean, ((x - mean) ** 2).mean(axis=0)

    def evaluate(self, x, values):
        mean, variance = self._statistics(x, values)
        z = values["gain"] * (x - mean) / np.sqrt(variance + EPSILON) + values["shift"]
        return z, z

    def forward_pass(self, x):
        self.x, self.in_training = x, self.context.training
        self.statistics = self._statistics(x, self._values)
        self.z, _ = self.evaluate(x, self._values)
        return self.z

    def jacobians(self):
        mean, variance = (each.copy() for each in self.statistics)
        deviation = np.sqrt(variance + EPSILON)
        standard, scale = (self.x - mean) / deviation, self._values["gain"] / deviation
        ones = np.ones(len(self.x))
        return {
            "x": Normalised(standard, scale)
            if self.in_training
            else Diagonal(np.broadcast_to(scale, self.x.shape)),
            "gain": Gain(standard),
            "shift": BiasJacobian(ones, self.inputs),
        }

    def backward_pass(self, J, *, to_input=True):
        return self.backward_from_delta(J, to_input=to_input)

    def backward_from_delta(self, delta, *, to_input=True):
        self.delta = delta
        local = self.jacobians()
        for name in ("gain", "shift"):
            local[name].vjp(delta, self._gradients[name])
        if self.explicit and self.in_training:
            return np.tensordot(delta, local["x"].dense(), 2)
        return local["x"].vjp(delta)

    def update_untrained(self):
        for name, batch in zip(self.untrained, self.statistics, strict=True):
            running = self._values[name]
            running += MOMENTUM * (batch - running)


def network(**options):
    layers = [nn.Dense(5), BatchNorm(), nn.Dense(4, "tanh"), nn.Dropout(0.2), nn.Dense(3)]
    options = {"penalty": {"L1": 0.01, "L2": 0.02, "biases": True}, **options}
    return Network([*layers, nn.Softmax()], input=3, seed=2, **options)


X, T = np.random.default_rng(8).normal(size=(11, 3)), np.arange(11) % 3
NORM = "batch_norm_1"


def test_the_layout_says_what_is_trained():
    layout = Layout({"a": {"W": (2,), "mean": (3,), "b": (1,)}}, ["a.mean"])
    assert [segment.full_name for segment in layout.trained] == ["a.W", "a.b"]
    rates = layout.runs({"a.W": 0.1, "a.b": 0.1})
    assert rates == ((slice(0, 2), 0.1), (slice(5, 6), 0.1))
    assert [one.trained for one in network().parameters.layout.of_layer(NORM)] == [1, 0, 0, 1]


def test_no_penalty_is_on_what_is_not_trained():
    made = network()
    assert (made.penalty_rates(f"{NORM}.mean"), made.penalty_rates(f"{NORM}.shift")) == (
        {},
        {"L1": 0.01, "L2": 0.02},
    )
    before = made.penalty_loss()
    made.parameters[f"{NORM}.variance"] = 7.0
    assert made.penalty_loss() == before


@pytest.mark.parametrize("explicit", [False, True])
def test_the_check_is_right_in_both_modes_and_leaves_the_statistics_alone(explicit):
    made = network(explicit_jacobians=explicit)
    made.parameters[f"{NORM}.mean"] = 0.3
    before = made.theta.copy()
    report = check(made, X, T)
    assert report.right, report.diagnosis
    assert np.array_equal(made.theta, before)
    names = {found.name for found in report.parameters}
    assert {f"{NORM}.gain", f"{NORM}.gain in training"} < names
    assert not any(f"{NORM}.{name}" in name_ for name_ in names for name in BatchNorm.untrained)
    local = {found.name for found in report.by_layer}
    assert f"{NORM}.∂z/∂x in training" in local
    assert f"{NORM}.step to gain" in local
    assert f"{NORM}.step to mean" not in local


@pytest.mark.parametrize("method", ["central", "complex"])
def test_numeric_gradients_leave_the_statistics_out(method):
    found = errors(network(), X, T, method=method)
    assert max(found.values()) < 1e-6
    assert set(found) == {segment.full_name for segment in network().parameters.layout.trained}


def trainer(made, **options):
    settings = Settings(epochs=3, batch_size=4, seed=6, **options)
    return Trainer(made, TRAIN, VALIDATION, settings, classes=True)


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_training_moves_the_statistics_by_the_layers_own_rule_alone(optimizer, monkeypatch):
    made, frozen = network(), network()
    trainer(made, optimizer=optimizer).run()
    monkeypatch.setattr(BatchNorm, "update_untrained", lambda self: None)
    trainer(frozen, optimizer=optimizer).run()
    for segment in made.parameters.layout:
        name = segment.full_name
        assert np.array_equal(made.parameters[name], frozen.parameters[name]) is segment.trained
        if not segment.trained:
            assert np.array_equal(frozen.parameters[name], network().parameters[name])
    assert made.loss(X, T) != frozen.loss(X, T)


def test_the_statistics_are_the_running_ones_of_the_minibatches():
    made = Network([BatchNorm(), nn.Dense(1)], input=2, loss="mse", learning_rate=0)
    x = np.random.default_rng(1).normal(size=(6, 2))
    part, settings = Part(x, x[:, :1]), Settings(epochs=1, batch_size=3, shuffle=False)
    Trainer(made, part, part, settings, classes=False).run()
    first, second = x[:3], x[3:]
    mean = 0.9 * 0.1 * first.mean(axis=0) + 0.1 * second.mean(axis=0)
    variance = 0.9 * (0.9 + 0.1 * first.var(axis=0)) + 0.1 * second.var(axis=0)
    np.testing.assert_allclose(made.parameters[f"{NORM}.mean"], mean, rtol=1e-14)
    np.testing.assert_allclose(made.parameters[f"{NORM}.variance"], variance, rtol=1e-14)


def test_a_minibatch_that_is_not_finite_changes_no_statistics():
    made = network()
    engine = trainer(made).engine
    engine.x = engine.x.copy()
    engine.x[5] = np.inf
    before = made.theta.copy()
    with pytest.raises(NotFiniteError):
        engine.run(None, 1, 2)
    assert np.array_equal(made.theta, before)


class WithStatistics(Setting):
    def trainer(self, *callbacks):
        settings = Settings(epochs=3, batch_size=4, seed=6, engine="numpy", optimizer="adam")
        return Trainer(network(), TRAIN, VALIDATION, settings, classes=True, callbacks=callbacks)


def test_a_resumed_training_has_the_bits_of_one_never_stopped(tmp_path):
    setting = WithStatistics("numpy", 4, "adam", "constant", shuffle=True)
    assert resume_everywhere(setting, tmp_path) == ([], 13)


def test_a_description_counts_them_apart():
    found = describe(network())
    norm = found.layers[1]
    assert (norm.weights, norm.biases, norm.untrained, norm.parameters) == (10, 0, 10, 20)
    assert (found.untrained, found.parameters) == (10, network().parameters.layout.size)


def test_a_trace_shows_them_and_no_gradient_of_theirs():
    made = Network([BatchNorm(), nn.Dense(1)], input=2, loss="mse")
    for mode in (nullcontext(), made.training_mode()):
        with mode:
            entries = trace(made, X[:, :2], X[:, :1], jacobians=True)
        names = {entry.name for entry in entries}
        assert {f"mean {NORM}", f"∂L/∂gain {NORM}", f"J_x {NORM}"} < names
        assert f"∂L/∂mean {NORM}" not in names
    assert next(one for one in entries if one.name == f"J_x {NORM}").value.shape == (2, 2, 11, 2)
    assert as_text(entries)


@pytest.mark.parametrize("activation", ["linear", "tanh", "relu"])
def test_a_gradient_that_the_norm_makes_vanish_is_no_error(activation):
    """No shift of its inputs changes the output: behind a linear layer ∂L/∂b is rounding alone."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(12, 2)), rng.normal(size=(12, 2))
    layers = [nn.Dense(3, activation), BatchNorm(), nn.Dense(2, "tanh"), nn.Dense(2)]
    assert check(Network(layers, input=2, loss="mse", seed=1), x, t).right


@pytest.mark.parametrize("padded", [False, True])
def test_the_steps_of_sequences_are_coupled_too_and_padding_gets_no_gradient(padded):
    layers = [nn.Dense(3), BatchNorm(), nn.Recurrent(3), BatchNorm(), nn.Dense(2)]
    made = Network(layers, input=[4, 2], loss="mse", seed=1)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(5, 4, 2)), rng.normal(size=(5, 4, 2))
    if padded:
        x[1, 2:] = x[3, 1:] = t[1, 2:] = t[3, 1:] = np.nan
    assert check(made, x, t).right
    with made.training_mode():
        made.forward_pass(x)
        jacobian = made.layers[1].jacobians()["x"]
        whole = jacobian.dense()
        assert whole.shape == (5, 12, 5, 12)
        assert np.array_equal(jacobian.cases(slice(1, 3)).dense(), whole[1:3])
        g = rng.normal(size=(5, 12))
        assert np.allclose(jacobian.vjp(g), np.tensordot(g, whole, 2))
    assert not padded or not whole[:, :, 1, 6:].any()
