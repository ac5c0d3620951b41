"""Activations and losses of one's own: checked when registered, then usable by name."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from chainrule import Dense, Network, register_activation, register_loss, train
from chainrule.config.schema.configuration import json_schema
from chainrule.core.errors import ConfigError
from chainrule.gradients import check, check_activation, check_loss
from chainrule.nn.activations import ACTIVATIONS, Activation, activation, magnitude
from chainrule.nn.losses import LOSSES, Loss, ResidualLoss, loss_function


@pytest.fixture(autouse=True)
def tables_as_they_were():
    """What a test registers is taken away again."""
    before = dict(ACTIVATIONS), dict(LOSSES)
    yield
    for table, kept in zip((ACTIVATIONS, LOSSES), before, strict=True):
        table.clear()
        table.update(kept)


class Sine(Activation):
    factor = 1.0
    added = 0.0

    def value(self, z, out=None):
        return np.sin(z, out=out)

    def derivative(self, z, out=None):
        found = self.factor * np.cos(z) + z.dtype.type(self.added)
        if out is None:
            return found.astype(z.dtype)
        out[...] = found
        return out


@dataclass(frozen=True)
class Clipped(Activation):
    """z between −limit and limit."""

    kinks = (-1.0, 1.0)
    limit: float = 1.0

    def value(self, z, out=None):
        found = np.where(z.real > self.limit, self.limit, z)
        found = np.where(z.real < -self.limit, -self.limit, found).astype(z.dtype)
        if out is None:
            return found
        out[...] = found
        return out

    def derivative(self, z, out=None):
        found = (np.abs(z.real) < self.limit).astype(z.dtype)
        if out is None:
            return found
        out[...] = found
        return out


class Fourth(ResidualLoss):
    def rho(self, d):
        return d * d * d * d

    def derivative(self, d):
        return 4 * d * d * d


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_librarys_activations_pass(name):
    check_activation(activation(name))


@pytest.mark.parametrize(
    "value", [{"type": "leaky_relu", "slope": 0.3}, {"type": "elu", "alpha": 2.0}], ids=str
)
def test_they_pass_with_other_options(value):
    check_activation(activation(value))


@pytest.mark.parametrize("name", LOSSES)
def test_the_librarys_losses_pass(name):
    check_loss(loss_function(name))


def test_losses_pass_with_other_options():
    check_loss(loss_function({"type": "huber", "delta": 0.3}))


@pytest.mark.parametrize("factor", [1.001, 1.0001, 1.0 + 1e-6, -1.0, 0.0])
def test_a_wrong_derivative_is_refused_and_its_place_and_size_are_told(factor):
    wrong = type("Wrong", (Sine,), {"factor": factor})
    with pytest.raises(ConfigError, match=r"of Wrong is wrong at z = .*expected .*error of") as e:
        register_activation("wrong", wrong)
    told = float(str(e.value).split("relative error of ")[1].split(";")[0])
    assert told == pytest.approx(abs(1 - factor) / (1 + abs(factor)), rel=0.1)
    assert "wrong" not in ACTIVATIONS


@pytest.mark.parametrize("added", [1e-6, -1e-3])
def test_a_derivative_with_something_added_is_refused(added):
    with pytest.raises(ConfigError, match="the derivative of Wrong is wrong"):
        register_activation("wrong", type("Wrong", (Sine,), {"added": added}))


def test_a_right_one_is_usable_in_a_configuration(folder):
    assert register_activation("sine", Sine) is Sine
    assert '"sine"' in json.dumps(json_schema())
    run = train(
        {
            "network": {"layers": [{"size": 5, "activation": "sine"}, {"size": 2}, "softmax"]},
            "data": {"generator": "blobs", "classes": 2, "count": 60},
            "training": {"epochs": 3},
        },
        run=folder / "run",
    )
    assert isinstance(run.network.layers[0].activation, Sine)
    assert run.engine == "numpy"
    assert run.history["train_loss"][-1] < run.history["train_loss"][0]
    x, t = run.data.train.x[:6], run.data.train.t[:6]
    report = check(run.network, x, t)
    assert report.right, report.diagnosis
    assert "not by torch: it has no activation sine" in report.notes or "torch" in str(
        report.notes
    )


def test_options_are_fields_and_kinks_are_known():
    register_activation("clipped", Clipped)
    assert Dense(2, {"type": "clipped", "limit": 2.0}).activation == Clipped(2.0)
    layers = [{"size": 2, "activation": "clipped"}, {"size": 1, "activation": "linear"}]
    network = Network.from_config({"input": 1, "loss": "mse", "layers": layers}, seed=1)
    network.layers[0].W, network.layers[0].b = [[1.0, 1.0]], [0.0, 0.5]
    network.layers[1].W = [[1.0], [2.0]]
    report = check(network, [[1.0], [0.25]], [[0.0], [1.0]], methods=["central", "complex"])
    assert report.right, report.diagnosis
    assert any("z of dense_1 at 1" in note for note in report.notes)


def test_a_kink_that_is_not_stated_is_refused():
    hidden = type("Hidden", (Clipped,), {"kinks": ()})
    with pytest.raises(ConfigError, match=r"Hidden has a kink at z = -?1 that"):
        register_activation("hidden", hidden)


def test_a_value_that_takes_no_complex_numbers_is_refused():
    class Absolute(Activation):
        kinks = (0.0,)

        def value(self, z, out=None):
            return np.abs(z, out=out)

        def derivative(self, z, out=None):
            return np.sign(z, out=out)

    with pytest.raises(ConfigError, match=r"does not take complex numbers: .*magnitude\(z\)"):
        register_activation("absolute", Absolute)
    Absolute.value = lambda self, z, out=None: magnitude(z, out)
    register_activation("absolute", Absolute)


@pytest.mark.parametrize(
    ("method", "result", "message"),
    [
        ("value", lambda z: 0.5, r"must give an array of the shape of z"),
        (
            "value",
            lambda z: z.astype("float64") * 1.0,
            "of float32 must be float32, found float64",
        ),
        ("derivative", lambda z: np.full_like(z, np.nan), "derivative is not finite"),
        ("value", lambda z: np.add(z, 1, out=z), "must not change z"),
        ("value", lambda z: z.no_such_thing, "cannot be used on an array"),
    ],
)
def test_bad_manners_are_refused(method, result, message):
    bad = type("Bad", (Sine,), {method: lambda self, z, out=None: result(z)})
    with pytest.raises(ConfigError, match=message):
        register_activation("bad", bad)


def test_out_must_be_written_to():
    deaf = type("Deaf", (Sine,), {"value": lambda self, z, out=None: np.sin(z)})
    with pytest.raises(ConfigError, match=r"value\(z, out\) must write its result into out"):
        register_activation("deaf", deaf)


def test_a_loss_of_ones_own_is_usable_in_a_configuration(folder):
    register_loss("fourth", Fourth)
    assert '"fourth"' in json.dumps(json_schema())
    run = train(
        {
            "network": {
                "loss": "fourth",
                "layers": [{"size": 4, "activation": "tanh"}, {"size": 1}],
            },
            "data": {"generator": "curve", "count": 60},
            "training": {"epochs": 3},
        },
        run=folder / "run",
    )
    assert isinstance(run.network.loss_function, Fourth)
    report = check(run.network, run.data.train.x[:6], run.data.train.t[:6])
    assert report.right, report.diagnosis


@pytest.mark.parametrize("factor", [1.001, 1.0001, 1.0 + 1e-6])
def test_a_wrong_loss_is_refused_and_its_place_and_size_are_told(factor):
    wrong = type("Wrong", (Fourth,), {"derivative": lambda self, d: factor * 4 * d * d * d})
    with pytest.raises(ConfigError, match=r"the jacobian of Wrong is wrong at y = \[") as e:
        register_loss("wrong", wrong)
    told = float(str(e.value).split("relative error of ")[1].split(";")[0])
    assert told == pytest.approx((factor - 1) / 2, rel=0.1)
    assert "wrong" not in LOSSES


def test_a_loss_that_is_a_sum_over_the_cases_is_refused():
    class Summed(Fourth):
        def value(self, y, t):
            return self.rho(y - t).sum()

        def jacobian(self, y, t):
            return self.derivative(y - t)

    with pytest.raises(ConfigError, match="Summed is no mean over the cases"):
        register_loss("summed", Summed)


def test_a_loss_of_classes_is_checked_on_class_numbers():
    class Squared(Loss):
        for_classes = True

        def prepare(self, t, outputs, dtype):
            return LOSSES["hinge"]().prepare(t, outputs, dtype)

        def value(self, y, t):
            wrong = y[np.arange(len(y)), t] - 1
            return (wrong * wrong).sum() / len(y)

        def jacobian(self, y, t):
            J = np.zeros_like(y)
            J[np.arange(len(y)), t] = 2 * (y[np.arange(len(y)), t] - 1) / len(y)
            return J

    register_loss("squared", Squared)
    with pytest.raises(ConfigError, match="the jacobian of Doubled is wrong"):
        register_loss(
            "doubled",
            type(
                "Doubled",
                (Squared,),
                {"jacobian": lambda self, y, t: 2 * Squared().jacobian(y, t)},
            ),
        )


@pytest.mark.parametrize("register", [register_activation, register_loss])
@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("relu", Sine, "'relu' is a name of the library's own"),
        ("mse", Fourth, "'mse' is a name of the library's own"),
        ("My Sine", Sine, "lower-case letters"),
        ("3d", Sine, "lower-case letters"),
        ("text", str, "must be a subclass of"),
        ("made", Sine(), "must be a subclass of"),
    ],
)
def test_what_cannot_be_registered(register, name, kind, message):
    with pytest.raises(ConfigError, match=message):
        register(name, kind)


def test_what_needs_arguments_cannot_be_made_by_name():
    @dataclass(frozen=True)
    class Needy(Sine):
        rate: float

    with pytest.raises(ConfigError, match="cannot be made without arguments"):
        register_activation("needy", Needy)


def test_registered_again_a_name_means_the_new_class():
    register_activation("mine", Sine)
    register_activation("mine", Clipped)
    assert isinstance(Dense(1, "mine").activation, Clipped)
