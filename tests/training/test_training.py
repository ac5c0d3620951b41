"""The loop: epochs, order, history, callbacks, stopping."""

from __future__ import annotations

from time import perf_counter, sleep

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import ChainruleError, Dense, Network, Softmax
from chainrule.core.errors import ConfigError, DivergenceError
from chainrule.nn import Recurrent
from chainrule.training import Callback, History, Part, Settings, Trainer

RNG = np.random.default_rng(2)
X, T = RNG.normal(size=(10, 2)), RNG.integers(0, 3, 10)
NOTHING = Part(np.empty((0, 2)), np.empty(0, int))


class Notes(Callback):
    """Writes down what happens."""

    def __init__(self, *, every_minibatch: bool = False) -> None:
        self.every_minibatch = every_minibatch
        self.events: list[tuple] = []

    def on_start(self, trainer):
        self.events.append(("start", trainer.epoch, trainer.minibatch))

    def on_minibatch(self, trainer, x, t):
        self.events.append(("minibatch", trainer.epoch, trainer.minibatch, len(x)))

    def on_chunk(self, trainer):
        self.events.append(("chunk", trainer.epoch, trainer.minibatch))

    def on_epoch(self, trainer, row):
        self.events.append(("epoch", trainer.epoch, row["epoch"]))

    def on_end(self, trainer):
        self.events.append(("end", trainer.epoch, trainer.minibatch))


class Recording(Callback):
    """Keeps the minibatches as they ran, and θ before each."""

    every_minibatch = True

    def __init__(self) -> None:
        self.x: list[np.ndarray] = []
        self.t: list[np.ndarray] = []
        self.theta: list[np.ndarray] = []

    def on_minibatch(self, trainer, x, t):
        self.x.append(x.copy())
        self.t.append(t.copy())
        self.theta.append(trainer.network.theta.copy())


class StopAfter(Callback):
    """Asks to stop after so many chunks."""

    def __init__(self, chunks: int) -> None:
        self.left = chunks

    def on_chunk(self, trainer):
        self.left -= 1
        trainer.interrupted = self.left <= 0


def make_network(**options) -> Network:
    options = {"learning_rate": 0.3, "seed": 4, **options}
    return Network([Dense(5, "tanh"), Dense(3), Softmax()], input=2, **options)


def make(network=None, *, validation=NOTHING, callbacks=(), train=None, **settings) -> Trainer:
    settings = {"epochs": 2, "batch_size": 4, "seed": 7, **settings}
    return Trainer(
        network or make_network(),
        train or Part(X, T),
        validation,
        Settings(**settings),
        classes=True,
        callbacks=callbacks,
    )


# The order of the cases


def orders(count: int, **settings) -> list[list[int]]:
    trainer = make(**settings)
    return [trainer.order(epoch).tolist() for epoch in range(1, count + 1)]


def test_every_epoch_has_an_order_of_its_own_with_every_case_once():
    found = orders(6)
    assert all(sorted(order) == list(range(10)) for order in found)
    assert len({tuple(order) for order in found}) == 6


def test_the_order_depends_on_seed_and_epoch_alone():
    expected = orders(4)
    trainer = make(make_network(seed=99), batch_size=1, epochs=9, optimizer="adam")
    assert trainer.order(4).tolist() == expected[3]
    trainer.run()
    assert trainer.order(2).tolist() == expected[1]
    assert orders(4, seed=8) != expected


def test_minibatches_follow_the_order():
    notes = Recording()
    trainer = make(callbacks=[notes], epochs=1)
    trainer.run()
    order = trainer.order(1)
    assert [len(x) for x in notes.x] == [4, 4, 2]
    assert np.array_equal(np.concatenate(notes.x), X[order])
    assert np.array_equal(np.concatenate(notes.t), T[order])


def test_without_shuffle_the_order_is_that_of_the_file():
    notes = Recording()
    make(callbacks=[notes], shuffle=False).run()
    assert np.array_equal(np.concatenate(notes.x), np.concatenate([X, X]))


# Minibatches


@pytest.mark.parametrize(
    ("batch_size", "minibatches"), [("full", 1), (1, 10), (3, 4), (5, 2), (10, 1), (999, 1)]
)
def test_an_epoch_has_as_many_minibatches_as_the_data_fill(batch_size, minibatches):
    trainer = make(batch_size=batch_size)
    trainer.run()
    assert trainer.engine.minibatches == minibatches
    assert len(trainer.history.minibatch_losses) == 2 * minibatches


def test_full_is_the_size_of_the_training_set():
    many = Part(np.tile(X, (9, 1)), np.tile(T, 9))
    trainers = [make(batch_size=size, train=many) for size in ("full", 90)]
    for trainer in trainers:
        trainer.run()
        assert trainer.engine.minibatches == 1
    assert len({trainer.network.theta.tobytes() for trainer in trainers}) == 1


@pytest.mark.parametrize("penalty", [None, {"type": "L2", "rate": 0.1}])
def test_theta_steps_by_the_gradient_of_the_whole_minibatch(penalty):
    notes = Recording()
    network = make_network(penalty=penalty)
    make(network, callbacks=[notes]).run()
    other = make_network(penalty=penalty)
    thetas = [*notes.theta, network.theta]
    for k, (x, t) in enumerate(zip(notes.x, notes.t, strict=True)):
        other.theta = thetas[k]
        other.forward_pass(x)
        expected = thetas[k] - 0.3 * other.backward_pass(t).vector
        assert thetas[k + 1] == pytest.approx(expected, rel=1e-13, abs=1e-15)


# History


def test_an_epochs_loss_is_the_mean_over_its_cases_as_they_ran():
    notes = Recording()
    trainer = make(callbacks=[notes], epochs=3)
    trainer.run()
    network, losses = make_network(), []
    for theta, x, t in zip(notes.theta, notes.x, notes.t, strict=True):
        network.theta = theta
        losses.append(network.loss(x, t))
    assert trainer.history.minibatch_losses == pytest.approx(losses, rel=1e-14)
    means = np.reshape(losses, (3, 3)) @ np.array([4, 4, 2]) / 10
    assert trainer.history["train_loss"] == pytest.approx(means, rel=1e-14)


ENGINES_BY_BATCH = [
    pytest.param(engine, batch_size, hidden, id=f"{engine}-{batch_size}-{hidden}")
    for engine in ("numpy", "torch", "compiled")
    for batch_size, hidden in ((1, 5), (4, 5), (4, 100), (10, 5))
]
"""Every engine, with batch sizes and widths that each have a compiled program of their own."""


@pytest.mark.parametrize(("engine", "batch_size", "hidden"), ENGINES_BY_BATCH)
@pytest.mark.parametrize("penalty", [None, {"type": "L1", "rate": 0.1}])
def test_the_running_loss_counts_every_case_once(engine, batch_size, hidden, penalty):
    if engine == "torch":
        pytest.importorskip("torch")
    layers = [Dense(hidden, "tanh"), Dense(3), Softmax()]
    network = Network(layers, input=2, learning_rate=0.0, penalty=penalty, seed=4)
    x, t = np.vstack([X, [[30.0, -20.0]]]), np.append(T, 1)
    trainer = make(network, train=Part(x, t), engine=engine, batch_size=batch_size, epochs=2)
    trainer.run()
    assert trainer.engine.name == engine
    assert trainer.history["train_loss"] == pytest.approx([network.loss(x, t)] * 2, rel=1e-13)


def test_a_last_minibatch_of_one_case_counts_as_one_case():
    """11 cases, the last one wrong by 10: 100 / 11, and not the mean of 0 and 100."""
    network = Network([Dense(1, weights=[0, 0])], input=1, loss="mse", learning_rate=0.0)
    part = Part(np.zeros((11, 1)), np.append(np.zeros(10), 10.0)[:, None])
    trainer = Trainer(
        network, part, NOTHING, Settings(epochs=1, batch_size=10, shuffle=False), classes=False
    )
    trainer.run()
    assert trainer.history.minibatch_losses.tolist() == [0.0, 100.0]
    assert trainer.history["train_loss"] == [pytest.approx(100 / 11)]


@given(st.integers(1, 40), st.integers(1, 50), st.booleans())
def test_the_running_loss_of_sequences_is_a_mean_over_their_cases(cases, batch_size, of_steps):
    """As their loss itself: steps without a target make a case no lighter."""
    rng = np.random.default_rng(cases)
    layers = [Recurrent(3, outputs="all" if of_steps else "last"), Dense(2), Softmax()]
    network = Network(layers, input=(4, 2), learning_rate=0.0, seed=1)
    x = rng.normal(size=(cases, 4, 2))
    t = rng.integers(-1, 2, (cases, 4)) if of_steps else rng.integers(0, 2, cases)
    trainer = make(network, train=Part(x, t), epochs=1, batch_size=batch_size)
    trainer.run()
    assert trainer.history["train_loss"] == [pytest.approx(network.loss(x, t), rel=1e-12)]


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "engine", ["numpy", pytest.param("compiled", marks=pytest.mark.exhaustive)]
)
@pytest.mark.parametrize("batch_size", [1000, pytest.param("full", marks=pytest.mark.exhaustive)])
def test_a_million_cases_in_float32_lose_no_digit(engine, batch_size):
    """The losses, the counts of right ones, and the gradient of a bias, which is one long sum."""
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(1_000_000, 2)).astype(np.float32), rng.integers(0, 3, 1_000_000)
    options = {"input": 2, "learning_rate": 0.0, "seed": 1}
    layers = [[Dense(5, "tanh"), Dense(3, biases=[1, 2]), Softmax()] for _ in range(2)]
    network = Network(layers[0], dtype="float32", **options)
    part = Part(x, t)
    trainer = make(
        network, train=part, validation=part, engine=engine, batch_size=batch_size, epochs=1
    )
    trainer.run()
    (row,) = trainer.history.rows
    wide = Network(layers[1], **options)
    wide.theta = network.theta
    expected = wide.loss(x, t)
    assert row["train_loss"] == pytest.approx(expected, rel=1e-6)
    assert row["validation_loss"] == pytest.approx(expected, rel=1e-6)
    assert row["train_accuracy"] == row["validation_accuracy"]
    if engine == "numpy" and batch_size == "full":
        exact = wide.backward_pass(t)["dense_2.b"]
        assert network.gradients["dense_2.b"] == pytest.approx(exact, rel=1e-5)


def test_equal_minibatches_give_the_plain_mean_to_the_bit():
    trainer = make(batch_size=5, epochs=3)
    trainer.run()
    means = [float(np.mean(two)) for two in trainer.history.minibatch_losses.reshape(3, 2)]
    assert trainer.history["train_loss"] == means


def test_running_accuracy_counts_every_case_once():
    trainer = make(make_network(learning_rate=0.0), epochs=1)
    trainer.run()
    right = np.mean(trainer.network.forward_pass(X).argmax(axis=1) == T)
    assert trainer.history["train_accuracy"] == [right]


def test_evaluate_full_is_a_pass_of_its_own_after_the_epoch():
    trainer = make(evaluate="full", epochs=1)
    trainer.run()
    network = trainer.network
    assert trainer.history["train_loss"] == pytest.approx([network.loss(X, T)], rel=1e-14)
    right = np.mean(network.forward_pass(X).argmax(axis=1) == T)
    assert trainer.history["train_accuracy"] == [right]


def test_evaluate_changes_no_weight():
    running, full = make(), make(evaluate="full", validation=Part(X, T))
    running.run()
    full.run()
    assert running.network.theta.tobytes() == full.network.theta.tobytes()


def test_validation_is_scored_after_each_epoch():
    validation = Part(RNG.normal(size=(6, 2)), RNG.integers(0, 3, 6))
    trainer = make(validation=validation)
    trainer.run()
    expected = trainer.network.loss(validation.x, validation.t)
    assert trainer.history["validation_loss"][-1] == pytest.approx(expected, rel=1e-14)
    assert len(trainer.history["validation_accuracy"]) == 2


def columns_of(trainer: Trainer) -> list[str]:
    trainer.run()
    return list(trainer.history)


def test_the_columns_of_a_classification():
    with_validation = ["validation_loss", "validation_accuracy"]
    assert columns_of(make(validation=Part(X, T))) == [
        "epoch",
        "train_loss",
        "train_accuracy",
        *with_validation,
        "seconds",
    ]
    assert not set(columns_of(make())) & set(with_validation)


OF_VALIDATION = [f"validation_{measure}" for measure in ("loss", "r2", "mae", "rmse")]


@pytest.mark.parametrize(
    ("evaluate", "columns"),
    [
        ("running", ["train_loss", *OF_VALIDATION]),
        ("full", ["train_loss", "train_r2", "train_mae", "train_rmse", *OF_VALIDATION]),
    ],
)
def test_the_columns_of_a_regression(evaluate, columns):
    columns = ["epoch", *columns, "seconds"]
    part = Part(X, X.sum(axis=1, keepdims=True))
    network = Network([Dense(1, "linear")], input=2)
    settings = Settings(epochs=1, evaluate=evaluate)
    assert columns_of(Trainer(network, part, part, settings, classes=False)) == columns


def test_seconds_are_those_of_training_alone():
    class Slow(Callback):
        slept = 0.0

        def on_chunk(self, trainer):
            start = perf_counter()
            sleep(0.02)
            self.slept += perf_counter() - start

    slow = Slow()
    trainer = make(callbacks=[slow], validation=Part(X, T))
    start = perf_counter()
    trainer.run()
    assert min(trainer.history["seconds"]) > 0
    assert sum(trainer.history["seconds"]) <= perf_counter() - start - slow.slept


def test_a_column_that_is_missing_names_the_nearest():
    history = History()
    history.append({"epoch": 1, "train_loss": 0.5})
    with pytest.raises(KeyError, match="did you mean 'train_loss'"):
        history["trainloss"]
    assert history.get("validation_loss") is None
    assert dict(history) == {"epoch": [1], "train_loss": [0.5]}


# Epochs, chunks, stopping


def test_no_epoch_leaves_the_network_as_it_was():
    trainer = make(epochs=0)
    before = trainer.network.theta.copy()
    trainer.run()
    assert trainer.finished
    assert np.array_equal(trainer.network.theta, before)
    assert (len(trainer.history), len(trainer.history.minibatch_losses)) == (0, 0)


@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam"])
def test_the_same_seed_gives_the_same_bits_however_an_epoch_is_cut(rule, monkeypatch):
    """Stretches of one, of a number that does not divide, and as long as time allows."""
    trainers = [
        make(batch_size=1, epochs=4, optimizer=rule),
        make(batch_size=1, epochs=4, optimizer=rule, callbacks=[Notes(every_minibatch=True)]),
        make(batch_size=1, epochs=4, optimizer=rule, checkpoint_every=3),
    ]
    for trainer in trainers:
        trainer.run()
    monkeypatch.setattr("chainrule.training.trainer.CHUNK_SECONDS", 0.0)
    trainers.append(make(batch_size=1, epochs=4, optimizer=rule))
    trainers[-1].run()
    assert len({trainer.network.theta.tobytes() for trainer in trainers}) == 1
    losses = {trainer.history.minibatch_losses.tobytes() for trainer in trainers}
    assert len(losses) == 1


def test_a_stretch_never_grows_beyond_an_epoch():
    trainer = make(epochs=50, batch_size=5)
    trainer.run()
    assert trainer._chunk <= 2


@pytest.mark.parametrize("every", [1, 3, 4, 7, 100])
def test_a_stretch_ends_where_a_checkpoint_is_due(every):
    class Due(Callback):
        def __init__(self):
            self.at = []

        def on_chunk(self, trainer):
            if trainer.minibatches_run % every == 0:
                self.at.append(trainer.minibatches_run)

    due = Due()
    make(batch_size=1, epochs=3, checkpoint_every=every, callbacks=[due]).run()
    assert due.at == [k for k in range(1, 31) if k % every == 0]


def test_callbacks_are_told_in_order():
    notes = Notes(every_minibatch=True)
    make(callbacks=[notes], epochs=1).run()
    assert notes.events == [
        ("start", 0, 0),
        ("minibatch", 1, 0, 4),
        ("chunk", 1, 1),
        ("minibatch", 1, 1, 4),
        ("chunk", 1, 2),
        ("minibatch", 1, 2, 2),
        ("chunk", 1, 3),
        ("epoch", 1, 1),
        ("end", 1, 3),
    ]


def test_several_callbacks_are_told_in_the_order_given():
    told = []

    class Named(Callback):
        def __init__(self, name):
            self.name = name

        def on_epoch(self, trainer, row):
            told.append(self.name)

    make(callbacks=[Named("a"), Named("b")], epochs=2).run()
    assert told == ["a", "b", "a", "b"]


def test_only_who_asks_is_told_of_minibatches():
    quiet, curious = Notes(), Notes(every_minibatch=True)
    make(callbacks=[quiet, curious], epochs=1).run()
    assert not any(event[0] == "minibatch" for event in quiet.events)
    assert sum(event[0] == "minibatch" for event in curious.events) == 3


@pytest.mark.parametrize(("chunks", "rows", "finished"), [(1, 0, False), (6, 2, True)])
def test_a_request_to_stop_is_honoured_after_the_stretch(chunks, rows, finished):
    notes = Notes(every_minibatch=True)
    trainer = make(callbacks=[notes, StopAfter(chunks)], epochs=2)
    trainer.run()
    assert len(trainer.history.rows) == rows
    assert trainer.finished is finished
    assert notes.events[-1][0] == "end"
    assert len(trainer.history.minibatch_losses) == chunks


def test_a_stop_at_the_end_of_an_epoch_keeps_that_epoch():
    trainer = make(callbacks=[Notes(every_minibatch=True), StopAfter(3)], epochs=2)
    trainer.run()
    assert trainer.history["epoch"] == [1]
    assert not trainer.finished


# What is not finite


def test_divergence_names_epoch_minibatch_layer_and_keeps_the_epochs_before():
    x = X.copy()
    x[9] = 1e300
    network = Network([Dense(3, "linear", name="only")], input=2, loss="mse", seed=4)
    notes = Notes()
    trainer = make(
        network, train=Part(x, T), shuffle=False, callbacks=[notes], batch_size=4, epochs=3
    )
    with pytest.raises(DivergenceError) as caught:
        trainer.run()
    assert "loss" in str(caught.value)
    assert "epoch 1, minibatch 3" in str(caught.value)
    assert "layer only" in str(caught.value)
    assert np.isfinite(network.theta).all()
    assert notes.events[-1][0] == "end"
    assert not trainer.finished


def test_divergence_in_a_later_epoch_keeps_the_history_before():
    network = make_network(learning_rate=30.0, penalty={"rate": 1.0})
    trainer = make(network, epochs=5000)
    with pytest.raises(DivergenceError) as caught:
        trainer.run()
    epoch = len(trainer.history.rows) + 1
    assert epoch > 1
    assert f"epoch {epoch}," in str(caught.value)
    assert np.isfinite(network.theta).all()
    assert np.isfinite(trainer.history["train_loss"]).all()


# Settings


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"epoch": 3}, "unknown argument 'epoch'; did you mean 'epochs'"),
        ({"engin": "numpy"}, "did you mean 'engine'"),
    ],
)
def test_settings_refuse_keys_they_do_not_know(config, message):
    with pytest.raises(ConfigError, match=message):
        Settings(**config)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "nunpy"}, "unknown engine 'nunpy'; did you mean 'numpy'"),
        ({"optimizer": "adma"}, "did you mean 'adam'"),
        ({"optimizer": {"type": "adam", "beta": 1}}, "did you mean 'beta"),
    ],
)
def test_a_trainer_refuses_words_it_does_not_know(settings, message):
    with pytest.raises(ChainruleError, match=message):
        make(**settings)


@pytest.mark.parametrize(("rule", "rate"), [("sgd", 0.1), ("momentum", 0.05), ("adam", 0.005)])
def test_without_a_rate_the_optimisers_own_holds_and_is_shown(rule, rate):
    assert make(make_network(learning_rate=None), optimizer=rule).rate == rate


@pytest.mark.parametrize(("asked", "taken"), [("auto", 1), (1, 1), (2, 2)])
def test_threads_are_those_asked_for_or_one_for_small_networks(asked, taken):
    seen = []

    class Watcher(Callback):
        def on_chunk(self, trainer):
            from threadpoolctl import threadpool_info

            blas = [i for i in threadpool_info() if i["user_api"] == "blas"]
            own = [i for i in blas if "numpy" in i["filepath"]]  # SciPy may bring another
            seen.extend(i["num_threads"] for i in own or blas)

    network = Network([Dense(3), Softmax()], input=2)
    chosen = Settings(epochs=1, batch_size=5, threads=asked)
    trainer = Trainer(network, Part(X, T), NOTHING, chosen, classes=True, callbacks=[Watcher()])
    assert trainer.threads == taken
    trainer.run()
    assert set(seen) == {taken}
