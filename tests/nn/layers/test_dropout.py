"""Dropout: what it computes in training and in evaluation, and that a stop changes no mask."""

from __future__ import annotations

import re

import numpy as np
import pytest
from proof.resumed_runs import TRAIN, VALIDATION, Setting, resume_everywhere

import chainrule
from chainrule import Network, nn
from chainrule.core.errors import ConfigError
from chainrule.gradients import check, errors, relative_error
from chainrule.gradients.network_graph import graph_gradient
from chainrule.nn.description import describe
from chainrule.training import Part, Settings, Trainer
from chainrule.training.tracing import ShowMinibatches, trace


def rows(rate=0.4, **options):
    rng = np.random.default_rng(3)
    layers = [nn.Dense(6, "tanh"), nn.Dropout(rate), nn.Dense(3), nn.Softmax()]
    network = Network(layers, input=4, seed=1, **options)
    return network, rng.normal(size=(9, 4)), rng.integers(0, 3, 9)


def images(rate=0.3):
    rng = np.random.default_rng(3)
    layers = [
        nn.Conv2D(2, 3, activation="tanh"),
        nn.Dropout(rate),
        nn.MaxPool2D(2),
        nn.Flatten(),
        nn.Dense(2),
    ]
    network = Network(layers, input=[1, 6, 6], loss="mse", seed=1)
    return network, rng.normal(size=(7, 36)), rng.normal(size=(7, 2))


def sequences(rate=0.4):
    """Of different lengths: what is missing is NaN, and has no target."""
    rng = np.random.default_rng(3)
    layers = [nn.Dropout(rate), nn.Recurrent(4), nn.Dropout(rate), nn.Dense(3), nn.Softmax()]
    x, t = rng.normal(size=(7, 5, 2)), rng.integers(0, 3, (7, 5))
    for case, length in ((2, 3), (5, 1)):
        x[case, length:], t[case, length:] = np.nan, -1
    return Network(layers, input=[5, 2], seed=1), x, t


every_kind = pytest.mark.parametrize("made", [rows, images, sequences])


def masked(rate=0.4, *, seed=1, step=0, name="d", shape=(50, 20)):
    """What dropout makes of ones in training."""
    layer = nn.Dropout(rate, name=name)
    network = Network([layer, nn.Dense(1)], input=shape[1], loss="mse")
    with network.training_mode(seed, step):
        return layer.forward_pass(np.ones(shape))


# The mask


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_the_mask_is_0_at_the_rate_and_keeps_the_mean(rate):
    y = masked(rate, shape=(400, 50))
    assert set(np.unique(y)) <= {0.0, 1 / (1 - rate)}
    assert (y == 0).mean() == pytest.approx(rate, abs=0.02)
    assert y.mean() == pytest.approx(1, abs=0.05)


def test_the_mask_follows_from_seed_step_and_name_alone():
    found = {masked(**place).tobytes() for place in ({}, {"seed": 2}, {"step": 1}, {"name": "e"})}
    assert len(found) == 4
    assert masked().tobytes() == masked().tobytes()
    assert np.array_equal(masked(shape=(10, 20)), masked()[:10])


def test_every_number_has_a_mask_of_its_own():
    y = masked(0.5, shape=(30, 30))
    assert all(0 < line.mean() < 2 for line in (*y, *y.T))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept_and_float32_has_the_same_mask(dtype):
    network, x, t = rows(dtype=dtype)
    with network.training_mode(1):
        network.loss(x, t)
        network.backward_pass(t)
    layer = network.layers[1]
    assert {layer.mask.dtype, layer.z.dtype, network.layers[0].delta.dtype} == {np.dtype(dtype)}
    assert np.array_equal(layer.mask > 0, masked(name="dropout_1", shape=(9, 6)) > 0)


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, np.nan, np.inf, "0.5", None, True])
def test_a_rate_that_is_no_probability_below_1_is_refused(rate):
    with pytest.raises(ConfigError, match="the rate of dropout is a probability"):
        nn.Dropout(rate)


# The two modes


@every_kind
def test_in_evaluation_nothing_is_left_out_and_a_loss_is_one_number(made):
    network, x, t = made()
    none, _, _ = made(rate=0)
    assert network.loss(x, t) == network.loss(x, t) == none.loss(x, t)
    assert np.array_equal(network.forward_pass(x), none.forward_pass(x), equal_nan=True)
    with none.training_mode():
        assert none.loss(x, t) == network.loss(x, t)


@every_kind
def test_in_training_a_step_is_one_function_of_theta(made):
    network, x, t = made()
    with network.training_mode(seed=2, step=5):
        loss = network.loss(x, t)
        assert loss == network.loss(x, t)
        assert loss == pytest.approx(network.loss(x, t, network.theta.copy()), rel=1e-14)
        assert loss != network.loss(x, t, 1.1 * network.theta)
    with network.training_mode(seed=2, step=6):
        assert network.loss(x, t) != loss
    assert network.loss(x, t) != loss


@every_kind
def test_the_gradient_of_a_step_is_that_of_four_derivations(made):
    network, x, t = made()
    with network.training_mode(seed=2, step=5):
        assert max(errors(network, x, t, method="complex").values()) < 1e-12
        assert max(errors(network, x, t, method="central").values()) < 1e-7
        network.loss(x, t)
        gradient = network.backward_pass(t).vector.copy()
        assert relative_error(gradient, graph_gradient(network, x, t).vector) < 1e-14
        network.explicit_jacobians = True
        network.loss(x, t)
        assert relative_error(gradient, network.backward_pass(t).vector) < 1e-13


def test_a_backward_pass_goes_back_through_the_mask_of_its_forward_pass():
    network, x, t = rows()
    with network.training_mode(seed=2, step=5):
        network.loss(x, t)
        within = network.backward_pass(t).vector.copy()
        network.loss(x, t)
    assert np.array_equal(network.backward_pass(t).vector, within)


def test_padding_stays_padding():
    network, x, _ = sequences()
    with network.training_mode(1):
        y = network.forward_pass(x).reshape(7, 5, 3)
    assert np.array_equal(np.isnan(y).all(axis=2), np.isnan(x).all(axis=2))


def test_an_infinite_number_that_is_left_out_is_no_padding():
    layer = nn.Dropout(0.9)
    network = Network([layer, nn.Dense(1)], input=[3, 1], loss="mse")
    with network.training_mode(1), np.errstate(invalid="ignore"):
        assert not np.isnan(layer.forward_pass(np.full((20, 3), np.inf))).any()


# The check


@every_kind
@pytest.mark.parametrize("explicit", [False, True])
def test_the_check_finds_it_right_in_both_modes(made, explicit):
    network, x, t = made()
    network.explicit_jacobians = explicit
    theta = network.theta.copy()
    report = check(network, x, t, coordinates=20)
    assert report.right, report.diagnosis
    for found in (report.parameters, report.by_layer):
        assert {one.training for one in found} == {False, True}
    assert np.array_equal(theta, network.theta)
    assert not network.context.training


class OtherMask(nn.Dropout):
    """Wrong: what goes back was not what came through."""

    def backward_from_delta(self, delta, *, to_input=True):
        mask = self.draw_mask(len(delta), delta.dtype)
        self.mask = None if mask is None else mask[::-1].copy()
        return super().backward_from_delta(delta, to_input=to_input)


def test_the_check_finds_a_wrong_mask_and_names_the_place():
    network = Network([nn.Dense(6, "tanh"), OtherMask(0.5), nn.Dense(2)], input=4, seed=1)
    report = check(network, rows()[1], rows()[1][:, :2])
    assert "dropout_1 step to x in training" in report.diagnosis


# Training


def test_an_engine_trains_in_training_mode_at_the_step_of_its_optimiser():
    (network, x, t), (other, _, _) = rows(learning_rate=0.3), rows(learning_rate=0.3)
    settings = Settings(epochs=2, batch_size=3, seed=8, shuffle=False, engine="numpy")
    trainer = Trainer(network, Part(x, t), Part(x, t), settings, classes=True)
    trainer.run()
    losses = []
    for step in range(6):
        part = slice(3 * (step % 3), 3 * (step % 3) + 3)
        with other.training_mode(seed=8, step=step):
            losses.append(other.loss(x[part], t[part]))
            other.theta = other.theta - 0.3 * other.backward_pass(t[part]).vector
    np.testing.assert_allclose(trainer.history.minibatch_losses, losses, rtol=1e-13)
    np.testing.assert_allclose(network.theta, other.theta, rtol=1e-12)
    score = trainer.evaluate(Part(x, t))
    assert score.loss == pytest.approx(network.loss(x, t), rel=1e-14)
    assert score.loss != trainer.history["train_loss"][-1]


class WithDropout(Setting):
    def trainer(self, *callbacks):
        layers = [nn.Dense(8, "tanh"), nn.Dropout(0.5), nn.Dense(3), nn.Softmax()]
        network = Network(layers, input=3, learning_rate=0.2, seed=3)
        settings = Settings(epochs=3, batch_size=4, seed=6, engine=self.engine, optimizer="adam")
        return Trainer(network, TRAIN, VALIDATION, settings, classes=True, callbacks=callbacks)


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_resumed_training_draws_the_masks_of_one_never_stopped(tmp_path, engine):
    if engine == "torch":
        pytest.importorskip("torch")
    setting = WithDropout(engine, 4, "adam", "constant", shuffle=True)
    assert setting.trainer().engine.name == engine
    assert resume_everywhere(setting, tmp_path) == ([], 13)


@every_kind
def test_the_torch_engine_multiplies_by_the_same_masks(made):
    pytest.importorskip("torch")
    found = {}
    for engine in ("numpy", "torch"):
        network, x, t = made()
        settings = Settings(epochs=2, batch_size=4, seed=3, engine=engine, optimizer="adam")
        part = Part(x, t)
        Trainer(network, part, part, settings, classes=t.dtype.kind == "i").run()
        found[engine] = network.theta
    difference = np.abs(found["torch"] - found["numpy"]).max()
    assert difference < 1e-12 * np.abs(found["numpy"]).max()


CONFIG = """
network:
  layers:
    - {size: 8, activation: tanh}
    - {type: dropout, rate: 0.25}
    - {size: 3}
    - softmax
data: {generator: blobs, classes: 3, count: 40}
training: {epochs: 3, batch_size: 1, seed: 2}
"""
COMPACT = """
LAYERS
size: 8 act: tanh
type: dropout rate: 0.25
size: 3
type: softmax
DATA
generator: blobs classes: 3 count: 40
TRAINING
epochs: 3 batch_size: 1 seed: 2
"""


def test_a_configuration_in_both_forms_is_one_run_by_the_numpy_engine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for name, text in (("a.yaml", CONFIG), ("b.cfg", COMPACT)):
        (tmp_path / name).write_text(text)
        run = chainrule.train(name, run=name[0])
        assert (run.engine, run.network.layers[1].rate) == ("numpy", 0.25)
        found.append(run.network.theta.tobytes())
        assert np.array_equal(chainrule.load(name[0]).network.theta, run.network.theta)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{type: dropout}", "rate"),
        ("dropout", "rate"),
        ("{type: dropout, rate: 1}", "rate must be a number of at least 0 and below 1, found 1"),
        ("{type: dropout, rate: 0.5, size: 3}", "size"),
        ("{type: drop_out, rate: 0.5}", "did you mean 'dropout'?"),
    ],
)
def test_a_wrong_entry_says_where_and_what(tmp_path, entry, message):
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG.replace("{type: dropout, rate: 0.25}", entry))
    with pytest.raises(ConfigError) as caught:
        chainrule.train(path, run=tmp_path / "r")
    assert "c.yaml:5:" in str(caught.value)
    assert message in str(caught.value)


# What is shown


def test_the_mask_is_shown_as_the_diagonal_of_its_jacobian():
    network, x, t = rows()
    with network.training_mode(seed=0):
        entries = {entry.name: entry for entry in trace(network, x, t)}
        mask = network.layers[1].mask
    assert entries["z dropout_1"].formula == "a dense_1 ⊙ m, m = 0 or 1 / (1 − rate)"
    shown = entries["J_x dropout_1"].value
    assert np.array_equal(shown, [np.diag(mask[0]), np.diag(mask[-1])])


def test_the_minibatch_shown_is_the_one_that_runs(capsys):
    network, x, t = rows()
    settings = Settings(epochs=2, batch_size=5, seed=4)
    show = ShowMinibatches(jacobians=True)
    trainer = Trainer(network, Part(x, t), Part(x, t), settings, classes=True, callbacks=[show])
    trainer.run()
    shown = re.findall(r"^L = (\S+)", capsys.readouterr().out, re.MULTILINE)
    assert [float(v) for v in shown] == pytest.approx(trainer.history.minibatch_losses, rel=1e-7)


def test_it_is_described_as_a_layer_without_parameters():
    facts = describe(rows()[0]).layers[1]
    assert (facts.type, facts.output_shape, facts.parameters) == ("dropout", (6,), 0)
