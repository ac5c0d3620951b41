"""What a training records of its layers' health."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax, load, train
from chainrule.core.errors import ChainruleError, DivergenceError
from chainrule.nn import LSTM, Conv2D, Dropout, Flatten
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback, Part, Settings, Trainer
from chainrule.training.engines import ENGINES
from chainrule.training.health import Probe, every, next_measured, sample_size, slope_of
from chainrule.training.history import Health, NotFinite

RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(40, 3)), RNG.integers(0, 2, 40)
NOTHING = Part(X[:0], T[:0])
SLOW = pytest.mark.exhaustive  # a compiled loop of its own has to be loaded


def network(activation: str = "relu", **options) -> Network:
    layers = [Dense(5, activation), Dropout(0.2), Dense(2), Softmax()]
    return Network(layers, input=3, seed=1, **options)


def trained(given: Network | None = None, **options) -> Trainer:
    options = {"epochs": 5, "batch_size": 7, "seed": 2, "optimizer": "adam", **options}
    trainer = Trainer(given or network(), Part(X, T), NOTHING, Settings(**options), classes=True)
    trainer.run()
    return trainer


@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto"}))
@pytest.mark.parametrize(
    "batch_size", [7, pytest.param(1, marks=SLOW), pytest.param("full", marks=SLOW)]
)
def test_a_training_has_the_same_bits_with_and_without_it(engine, batch_size):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    options = {"engine": engine, "batch_size": batch_size, "schedule": "cosine"}
    found, expected = (trained(health=health, **options) for health in (True, False))
    assert np.array_equal(found.network.theta, expected.network.theta)
    assert np.array_equal(found.history.minibatch_losses, expected.history.minibatch_losses)
    assert [*found.history] == [*expected.history]
    assert found.history["train_loss"] == expected.history["train_loss"]
    assert found.history["train_accuracy"] == expected.history["train_accuracy"]
    assert [*found.history.health] == [1, 4]
    assert not expected.history.health


class Keeping(Callback):
    """Keeps θ and its gradient around the last update of the first epoch."""

    every_minibatch = True

    def on_minibatch(self, trainer, x, t):
        if trainer.epoch == 1:
            self.before = trainer.network.theta.copy()

    def on_chunk(self, trainer):
        if trainer.epoch == 1:
            self.after = trainer.network.theta.copy()
            self.gradient = trainer.network.gradients.vector.copy()


def test_the_figures_are_those_of_their_definitions():
    kept, penalised = Keeping(), network(penalty="L2")
    own = Settings(epochs=1, batch_size=7, seed=2, clip_gradient_norm=1e-3)
    trainer = Trainer(penalised, Part(X, T), NOTHING, own, classes=True, callbacks=[kept])
    trainer.run()
    found = trainer.history.health[1]
    layout = penalised.parameters.layout
    W = layout["dense_1.W"].slice
    moved = np.linalg.norm(kept.after[W] - kept.before[W]) / np.linalg.norm(kept.before[W])
    assert found["dense_1"]["update_ratio"] == pytest.approx(moved, rel=1e-9)
    alone = network()
    alone.theta[...] = kept.after
    with alone.training_mode(2, 6):
        alone.loss(X, T)
        alone.backward_pass(T)
    for layer in ("dense_1", "dense_2"):
        parts = alone.gradients.layer(layer).values()
        expected = np.sqrt(sum((g * g).sum() for g in parts))
        assert found[layer]["gradient_norm"] == pytest.approx(expected, rel=1e-9)
    assert np.array_equal(penalised.gradients.vector, kept.gradient)  # as the update left it
    assert [*found] == ["dense_1", "dense_2"]
    assert [*found["dense_2"]] == [
        "gradient_norm",
        "update_ratio",
    ]


@pytest.mark.parametrize(
    ("activation", "biases", "figure"),
    [
        ("relu", [-99.0, -99.0, 1.0, 1.0, 99.0], "dead"),
        ("gelu", [-99.0, -50.0, 1.0, 1.0, 99.0], "dead"),
        ("tanh", [-99.0, 99.0, 0.0, 0.1, 0.2], "saturated"),
        ("sigmoid", [-99.0, 99.0, 0.0, 0.1, 0.2], "saturated"),
    ],
)
def test_units_that_pass_nothing_back_are_counted(activation, biases, figure):
    made = network(activation)
    made.layers[0].b = biases
    x, t = made.prepare(X, T)
    found = Probe(made, x, t).measure()["dense_1"]
    assert found[figure] == 0.4
    assert {*found} == {"gradient_norm", "update_ratio", figure}
    assert found["update_ratio"] is None  # there was no update


def test_a_unit_of_an_image_layer_is_a_channel_and_padding_counts_nowhere():
    made = Network([Conv2D(4, 2, activation="relu"), Flatten(), Dense(1)], input=[1, 4, 4])
    made.layers[0].b = [-99.0, 0.0, 0.0, 0.0]
    x, t = made.prepare(RNG.normal(size=(9, 16)), np.ones((9, 1)))
    assert Probe(made, x, t).measure()["conv2d_1"]["dead"] == 0.25
    reading = Network([LSTM(2, outputs="last"), Dense(1)], input=[3, 1], seed=1)
    x = RNG.normal(size=(9, 3, 1))
    x[2:, 1:] = np.nan  # most of the steps
    x, t = reading.prepare(x, np.ones((9, 1)))
    assert Probe(reading, x, t).measure()["lstm_1"]["saturated"] == 0
    reading.layers[0].b = np.tile([99.0, 0.0], 4)
    assert Probe(reading, x, t).measure()["lstm_1"]["saturated"] == 0.5


def test_a_unit_is_dead_if_not_one_case_passes_anything_back():
    made = Network([Dense(2, "relu"), Dense(1)], input=1, loss="mse")
    made.layers[0].W, made.layers[0].b = [[1.0, 1.0]], [-0.95, -2.0]
    x, t = made.prepare(np.linspace(0, 1, 100)[:, None], np.zeros((100, 1)))
    assert Probe(made, x, t).measure()["dense_1"]["dead"] == 0.5  # 5 cases are above 0.95


@pytest.mark.parametrize(("loss", "told"), [("binary_cross_entropy", False), ("mse", True)])
def test_outputs_whose_loss_is_computed_from_z_are_not_saturated(loss, told):
    made = Network([Dense(1, "sigmoid")], input=1, loss=loss)
    x, t = made.prepare([[0.0], [1.0]], [[0.0], [1.0]])
    assert ("saturated" in Probe(made, x, t).measure()["dense_1"]) == told


def test_the_slope_of_an_activation_follows_from_its_slope():
    from chainrule.nn.activations import ACTIVATIONS

    kinds = {name: slope_of(one())[0] for name, one in ACTIVATIONS.items()}
    assert {name for name, kind in kinds.items() if kind == "saturated"} == {
        *("sigmoid", "tanh", "softsign")
    }
    assert {name for name, kind in kinds.items() if kind is None} == {"linear", "leaky_relu"}


def test_a_figure_that_is_not_finite_is_none():
    made = network()
    made.theta[...] = 1e200
    x, t = made.prepare(X, T)
    assert Probe(made, x, t).measure()["dense_1"]["gradient_norm"] is None


class HoldsAFile(Dense):
    """A layer that cannot be copied."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.file = open(__file__, encoding="utf-8")  # noqa: SIM115


def test_a_layer_that_cannot_be_copied_is_trained_without_measurements():
    made = Network([HoldsAFile(3, "relu"), Dense(2), Softmax()], input=3, seed=1)
    try:
        found = trained(made)
    finally:
        made.layers[0].file.close()
    assert len(found.history.rows) == 5
    assert not found.history.health


@given(distance=st.integers(1, 300))
@settings(max_examples=50)
def test_the_measured_epochs_begin_close_and_then_lie_evenly(distance):
    found = [1]
    while found[-1] < 2000:
        found.append(next_measured(found[-1], distance))
    apart = np.diff(found)
    assert found[0] == 1
    assert apart.max() <= distance
    assert (apart == np.minimum(distance, 3 * np.array(found[:-1]))).all()


def test_a_training_set_that_takes_long_is_measured_after_each_epoch():
    assert every(network(), 1_000_000) == 1 < every(network(), 100)
    assert [sample_size(n) for n in (3, 64, 1000, 5000, 10**6)] == [3, 64, 64, 100, 160]


# Runs: what is written, and going on after a stop

CONFIG = {
    "network": {"layers": [{"size": 4, "activation": "tanh"}, {"size": 2}, "softmax"]},
    "data": {"generator": "moons", "count": 60},
    "training": {"epochs": 17, "batch_size": 10},
}


class StopAfter(Callback):
    """Interrupts the training after a number of minibatches."""

    every_minibatch = True

    def __init__(self, minibatches: int) -> None:
        self.left = minibatches

    def on_chunk(self, trainer):
        self.left -= 1
        if not self.left:
            trainer.ask_to_stop()


@pytest.fixture(scope="module", autouse=True)
def _without_pictures():
    """Runs without their learning curves, which take longer than these trainings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.runs.train.draw_learning_curve", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = train(CONFIG, run=tmp_path_factory.mktemp("runs") / "whole")
    return run.history.health


def test_a_run_has_it_in_its_metrics(tmp_path, whole):
    run = train(CONFIG, run=tmp_path / "r")
    assert [*whole] == [1, 4, 16]
    assert run.history.health == whole
    loaded = load(tmp_path / "r")
    assert loaded.history.health == whole
    assert "health" not in loaded.history
    assert [*loaded.history] == [*run.history]
    off = train(CONFIG, overrides=["training.health=false"], run=tmp_path / "off")
    assert not off.history.health
    assert "health" not in (off.folder / "metrics.jsonl").read_text()
    assert np.array_equal(off.network.theta, run.network.theta)


def goes_on(folder, stops) -> dict[int, Health]:
    """The health of a run that was stopped after these numbers of minibatches."""
    for minibatches in stops:
        train(CONFIG, run=folder, resume=True, callbacks=[StopAfter(minibatches)])
    found = train(CONFIG, run=folder, resume=True).history.health
    assert load(folder).history.health == found
    return found


def test_a_run_that_goes_on_right_after_an_update_that_is_measured_has_the_same_bits(
    tmp_path, whole
):
    assert goes_on(tmp_path / "r", [5]) == whole  # five minibatches are an epoch


@pytest.mark.exhaustive
@given(stops=st.lists(st.integers(1, 60), min_size=1, max_size=3))
@settings(max_examples=15, deadline=None)
def test_a_resumed_run_has_the_same_bits(tmp_path_factory, whole, stops):
    assert goes_on(tmp_path_factory.mktemp("runs") / "r", stops) == whole


def test_a_run_may_go_on_with_it_or_without(tmp_path, whole):
    off = ["training.health=false"]
    train(CONFIG, overrides=off, run=tmp_path / "r", callbacks=[StopAfter(11)])
    on = train(CONFIG, run=tmp_path / "r", resume=True)
    assert {**on.history.health} == {k: whole[k] for k in (4, 16)}
    assert load(tmp_path / "r").history.health == on.history.health


# Where a number arose that is not finite


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"auto"}))
@pytest.mark.parametrize(
    ("last", "weights", "x", "loss", "found"),
    [
        ("linear", (1.0, 3.0), 1e308, "mse", ("loss", "forward", "dense_2")),
        ("sigmoid", (3.0, 3.0), 1e308, "mse", ("gradient", "forward", "dense_1")),
        ("linear", (1.0, 3.0), 1e200, "mse", ("loss", "loss", "dense_2")),
        ("linear", (0.0, 1e160), 1e160, "mae", ("gradient", "backward", "dense_1")),
    ],
)
def test_every_engine_says_where_the_number_arose(engine, last, weights, x, loss, found):
    if not ENGINES.is_installed(engine):
        pytest.skip(f"{engine} is not installed")
    made = Network([Dense(1, "linear"), Dense(1, last)], input=1, loss=loss, seed=1)
    made.layers[0].W, made.layers[1].W = weights
    given = Part(np.array([[0.0], [0.0], [x]]), np.array([[0.0], [0.0], [1.0]]))
    options = Settings(epochs=2, batch_size=1, engine=engine, shuffle=False)
    trainer = Trainer(made, given, Part(given.x[:0], given.t[:0]), options)
    with pytest.raises(DivergenceError, match=r"in epoch 1, minibatch 3; it arose in the "):
        trainer.run()
    assert trainer.not_finite == NotFinite(*found, epoch=1, minibatch=3)


def test_a_run_that_diverged_keeps_where_the_number_arose(tmp_path):
    layers = [{"size": 4, "activation": "relu"}, {"size": 2}, "softmax"]
    fast = {**CONFIG, "network": {"layers": layers, "learning_rate": 1e300}}
    with pytest.raises(DivergenceError, match=r"arose in the (forward|backward) pass, in layer"):
        train(fast, run=tmp_path / "r")
    found = load(tmp_path / "r").not_finite
    assert found.place in ("forward", "backward")
    assert str(found.epoch) in load(tmp_path / "r").ending
    assert load(train(CONFIG, run=tmp_path / "well").folder).not_finite is None


# Files that were changed by someone


@pytest.mark.parametrize(
    "health",
    [
        *("[1]", "3", '{"d": 1}', '{"d": {"dead": "x"}}', '{"d": {"dead": [1]}}'),
        *('{"d": {"other": 1}}', '{"d": {"dead": NaN}}', '{"d": {"dead": true}}'),
    ],
)
def test_health_that_has_another_form_is_refused(tmp_path, health):
    folder = RunFolder(tmp_path)
    folder.metrics.write_text(f'{{"epoch": 1, "train_loss": 0.5, "health": {health}}}\n')
    with pytest.raises(ChainruleError, match="line is no epoch's figures"):
        folder.read_history()


@pytest.mark.parametrize(
    ("columns", "epochs", "message"),
    [
        ([("nobody", "dead")], [1], "the health of the layer nobody, which"),
        ([("dense_1", "dead")], [99], "the layers' health of epoch 99, but stands at"),
        ([("dense_1", "dead")], [2, 1], "measured the layers' health are in no order"),
        ([("dense_1", "other")], [1], "figures of the layers' health that there are not"),
    ],
)
def test_a_checkpoint_with_the_health_of_something_else_is_refused(
    tmp_path, columns, epochs, message
):
    class Changing(Callback):
        def on_chunk(self, trainer):
            figures = np.zeros((len(epochs), 1))
            trainer.history.set_health(columns, np.array(epochs), figures)
            trainer.ask_to_stop()

    train(CONFIG, run=tmp_path / "r", callbacks=[Changing()])
    with pytest.raises(ChainruleError, match=message):
        train(CONFIG, run=tmp_path / "r", resume=True)
