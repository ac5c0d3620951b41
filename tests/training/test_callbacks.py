"""Callbacks: when they are called, early stopping, and what they remember in a checkpoint."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from proof.resumed_runs import ENGINES, SaveAll, Setting, resume_everywhere

from chainrule import ChainruleError, Dense, Network
from chainrule.core.errors import ConfigError, DivergenceError
from chainrule.runs.checkpoint import read_checkpoint, save_checkpoint
from chainrule.training import Callback, EarlyStopping, Part, Settings, Trainer
from chainrule.training.callbacks import CALLBACKS, callback

X = np.linspace(-1, 1, 12).reshape(6, 2)
VALUES, CLASSES = X.sum(axis=1, keepdims=True), np.arange(6) % 2
PARTS = {"network": {}, "data": {}, "training": {}}


class Script(Callback):
    """Puts the values of a script into the history, and keeps θ after each epoch."""

    def __init__(self, column: str, values: list[float]) -> None:
        self.column, self.values = column, values
        self.theta: list[np.ndarray] = []

    def on_epoch(self, trainer, row):
        row[self.column] = self.values[trainer.epoch - 1]
        self.theta.append(trainer.network.theta.copy())


def make(*callbacks: Callback, t=VALUES, validation=True, classes=False, **settings) -> Trainer:
    network = Network([Dense(1)], input=2, loss="mse", learning_rate=0.05, seed=1)
    held = Part(X, t) if validation else Part(X[:0], t[:0])
    settings = {"epochs": 6, "batch_size": 2, "engine": "numpy", **settings}
    return Trainer(
        network, Part(X, t), held, Settings(**settings), classes=classes, callbacks=callbacks
    )


# The rule: the values of the epochs, the options, the last epoch and the best one

RULES = [
    ([5, 4, 3, 3, 3, 3], {"patience": 2}, 5, 3),
    ([5, 4, 3, 3, 3, 3], {"patience": 3}, 6, 3),
    ([5, 4, 3, 3, 3, 3], {"patience": 1}, 4, 3),
    ([5, 4, 4.5, 4, 3, 3], {"patience": 2}, 4, 2),
    ([5, 4, 4.5, 3.5, 3.7, 3.6], {"patience": 2}, 6, 4),
    ([5, 4, 3, 2, 1, 0], {"patience": 1}, 6, 6),
    ([5, 4.75, 4.5, 4.25, 4, 3], {"patience": 2, "min_delta": 0.5}, 3, 1),
    ([5, 4.75, 4.25, 4, 4, 3], {"patience": 2, "min_delta": 0.5}, 5, 3),
    ([1, 2, 3, 3, 2, 1], {"patience": 2}, 3, 1),
    ([1, 2, 3, 3, 2, 1], {"patience": 2, "mode": "max"}, 5, 3),
    ([1, 2, 3, 3, 2, 1], {"patience": 2, "mode": "min"}, 3, 1),
    ([1, 1.25, 1.75, 2, 2, 9], {"patience": 2, "mode": "max", "min_delta": 0.5}, 5, 3),
    ([1, 2, 3, 3, 2, 1], {"patience": 2, "monitor": "validation_r2"}, 5, 3),
    ([1, 2, 3, 3, 2, 1], {"patience": 2, "monitor": "train_loss"}, 3, 1),
    ([1, nan, 0, inf, nan, 0], {"patience": 2}, 5, 3),
    ([0, nan, nan, 1, 1, 1], {"patience": 2}, 3, 1),
    ([nan, 3, 2, -inf, 4, 1], {"patience": 2}, 5, 3),
]


@pytest.mark.parametrize(("values", "options", "last", "best"), RULES)
@pytest.mark.parametrize("restore", [True, False])
def test_the_epoch_that_ends_the_training_and_the_one_that_is_restored(
    values, options, last, best, restore
):
    early = EarlyStopping(**options, restore_best=restore)
    script = Script(early.monitor, values)
    trainer = make(script, early)
    trainer.run()
    assert len(trainer.history.rows) == last
    assert (early.best_epoch, early.best) == (best, values[best - 1])
    expected = script.theta[(best if restore else last) - 1]
    assert np.array_equal(trainer.network.theta, expected)
    assert trainer.finished
    assert not trainer.interrupted
    why = f"early stopping after epoch {last}"
    best_in = f"{early.monitor} was best in epoch {best}"
    ran_out = last - best >= early.patience
    if not restore:
        assert trainer.ending == (f"{why}: {best_in}" if ran_out else None)
    elif last == best:
        assert trainer.ending is None
    else:
        begin = why if ran_out else "all 6 epochs have run"
        assert trainer.ending == f"{begin}: {best_in}, whose parameters were restored"


def test_a_figure_that_never_is_a_number_restores_nothing():
    script, early = Script("validation_loss", [nan] * 6), EarlyStopping(patience=3)
    trainer = make(script, early)
    trainer.run()
    why = "early stopping after epoch 3: validation_loss was never a finite number"
    assert trainer.ending == why
    assert np.array_equal(trainer.network.theta, script.theta[2])


def test_an_object_that_is_used_again_begins_anew():
    early = EarlyStopping(patience=2)
    for values, best in (([1, 0, 5, 5], 2), ([9, 8, 7, 9, 9], 3)):
        make(Script("validation_loss", values), early).run()
        assert early.best_epoch == best


def test_a_diverged_training_ends_with_the_best_parameters():
    class Explode(Callback):
        def on_epoch(self, trainer, row):
            if trainer.epoch == 3:
                trainer.network.theta[...] = 1e200

    script = Script("validation_loss", [3, 1, 2, 9, 9, 9])
    trainer = make(script, EarlyStopping(patience=5), Explode())
    with pytest.raises(DivergenceError, match="in epoch 4, minibatch"):
        trainer.run()
    assert np.array_equal(trainer.network.theta, script.theta[1])
    assert not trainer.finished
    assert "no longer a finite number in epoch 4" in trainer.ending
    assert "validation_loss was best in epoch 2, whose parameters were restored" in trainer.ending


def test_an_interrupted_training_keeps_the_parameters_that_it_goes_on_from():
    class Interrupt(Callback):
        def on_epoch(self, trainer, row):
            trainer.interrupted = trainer.epoch == 3

    script = Script("validation_loss", [1, 2, 3])
    trainer = make(script, EarlyStopping(patience=5), Interrupt())
    trainer.run()
    assert np.array_equal(trainer.network.theta, script.theta[2])
    assert (trainer.finished, trainer.ending) == (False, None)


# What may be monitored


@pytest.mark.parametrize("evaluate", ["running", "full"])
@pytest.mark.parametrize("validation", [True, False])
@pytest.mark.parametrize(
    ("t", "classes"), [(VALUES, False), (CLASSES[:, None] * 1.0, True), (VALUES * 0, False)]
)
def test_the_columns_are_those_that_the_history_will_have(t, classes, validation, evaluate):
    trainer = make(t=t, classes=classes, validation=validation, evaluate=evaluate)
    columns = trainer.columns
    trainer.run()
    assert [*trainer.history] == ["epoch", *columns, "seconds"]


@pytest.mark.parametrize(
    ("options", "settings", "message"),
    [
        ({}, {"validation": False}, "validation_loss, but there are no validation data"),
        ({}, {"validation": False}, "did you mean 'train_loss'. Known: train_loss"),
        (
            {"monitor": "train_accuracy"},
            {},
            "no such column here.* Known: .*validation_r2",
        ),
        ({"monitor": "train_r2"}, {}, "the training data have it only with evaluate: full"),
    ],
)
def test_a_column_that_there_will_not_be_is_refused_before_training(options, settings, message):
    with pytest.raises(ConfigError, match=message):
        make(EarlyStopping(**options), **settings)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"monitor": "validation_los"}, "did you mean 'validation_loss'"),
        ({"monitor": "seconds"}, "unknown column to monitor 'seconds'"),
        ({"mode": "maximum"}, "unknown mode 'maximum'; did you mean 'max'"),
        ({"patience": 0}, "patience must be a whole number of at least 1, found 0"),
        ({"patience": 2.5}, "patience must be a whole number of at least 1, found 2.5"),
        ({"patience": True}, "patience must be a whole number"),
        ({"min_delta": -1}, "min_delta must be finite and at least 0, found -1"),
        ({"min_delta": nan}, "min_delta must be finite"),
        ({"restore_best": 1}, "restore_best must be true or false, found 1"),
    ],
)
def test_an_option_out_of_its_range_is_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        EarlyStopping(**options)


def test_stock_callbacks_are_made_by_name():
    assert {name: type(callback(name)) for name in CALLBACKS} == dict(CALLBACKS)
    assert CALLBACKS["early_stopping"] is EarlyStopping
    with pytest.raises(ConfigError, match="unknown callback 'early_stoping'; did you mean"):
        callback("early_stoping")
    with pytest.raises(ConfigError, match="unknown option of early_stopping 'patiense'"):
        callback({"type": "early_stopping", "patiense": 3})


# Stopping


@pytest.mark.parametrize("when", ["on_epoch", "on_pause", "on_chunk"])
def test_stop_finishes_a_training_after_the_chunk_in_progress(when):
    class Stop(Callback):
        every_minibatch = True

        def __init__(self) -> None:
            setattr(self, when, lambda trainer, *_: trainer.stop(" enough\x1b\n of it ") or None)

    trainer = make(Stop())
    trainer.run()
    assert trainer.minibatches_run == (3 if when == "on_epoch" else 1)
    assert (trainer.finished, trainer.interrupted, trainer.is_complete) == (True, False, True)
    assert trainer.ending == "enough\\x1b of it"


def test_the_first_reason_counts_and_it_is_a_text():
    trainer = make()
    for wrong in (True, "", " ", None):
        with pytest.raises(ConfigError, match="stop needs the reason, a text; found"):
            trainer.stop(wrong)
    trainer.stop("first" * 100)
    trainer.stop("second")
    assert trainer.stop_reason == ("first" * 100)[:300]


def test_every_callback_is_called_also_where_one_fails():
    class Fail(Callback):
        def on_epoch(self, trainer, row):
            raise OSError("no more")

    script = Script("validation_loss", [1.0] * 6)
    with pytest.raises(OSError, match="no more"):
        make(Fail(), script).run()
    assert len(script.theta) == 1


# What is remembered: to the bit, from every checkpoint


@pytest.mark.parametrize(("engine", "batch_size"), ENGINES[::2])
@pytest.mark.parametrize(
    "options",
    [
        {"mode": "max", "patience": 1},  # ends early
        {"mode": "max", "patience": 2},  # ends in the last epoch
        {"mode": "max", "patience": 9, "monitor": "validation_accuracy"},
    ],
    ids=["early", "last", "late"],
)
def test_a_resumed_training_ends_where_one_undisturbed_does(tmp_path, engine, batch_size, options):
    if engine == "torch":
        pytest.importorskip("torch")
    setting = Setting(engine, batch_size, "adam", "step", shuffle=True, early_stopping=options)
    wrong, count = resume_everywhere(setting, tmp_path)
    assert wrong == []
    assert count == 1 + (2 if options["patience"] == 1 else 3) * 4


class Counter(Callback):
    """Remembers the chunks, and the sum of θ."""

    def prepare(self, trainer):
        self.chunks, self.total = 0, np.zeros_like(trainer.network.theta)

    def on_chunk(self, trainer):
        self.chunks += 1
        self.total += trainer.network.theta

    def state(self):
        return {"chunks": np.int64(self.chunks), "total": self.total, "note": None, "on": [1, "a"]}

    def load_state(self, state):
        assert (state["note"], state["on"]) == (None, [1, "a"])
        self.chunks, self.total = state["chunks"], state["total"].copy()


def test_a_callback_of_ones_own_takes_part_in_checkpoints(tmp_path):
    whole, save = [Counter(), Counter()], SaveAll(tmp_path)
    make(*whole, save).run()
    for path in save.paths:
        counters = [Counter(), Counter()]
        trainer = make(*counters, SaveAll(tmp_path / "other"))
        trainer.callbacks[-1].on_pause = lambda trainer: None
        trainer.callbacks[-1].on_start = lambda trainer: None
        read_checkpoint(path).restore(trainer)
        trainer.run()
        assert [c.chunks for c in counters] == [18, 18]
        assert all(np.array_equal(c.total, whole[0].total) for c in counters)


def saved(path, *callbacks: Callback):
    trainer = make(*callbacks)
    trainer.run()
    save_checkpoint(path, trainer, PARTS, {})
    return read_checkpoint(path)


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        ([Counter()], [], "the state of the callback Counter_1, which does not take part now"),
        ([], [Counter()], "no state of the callback Counter_1, which did not take part"),
        ([EarlyStopping()], [Counter()], "the state of the callback early_stopping_1, which"),
    ],
)
def test_a_training_goes_on_with_the_callbacks_it_began_with(tmp_path, then, now, message):
    checkpoint, trainer = saved(tmp_path / "c", *then), make(*now)
    before = trainer.network.theta.copy()
    with pytest.raises(ChainruleError, match=message):
        checkpoint.restore(trainer)
    assert np.array_equal(trainer.network.theta, before)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(2)}, "its θ is that of another network"),
        ({"theta": np.zeros(3, np.float32)}, "its θ is that of another network"),
        ({"theta": np.full(3, nan)}, "its θ is not finite"),
        ({"theta": 3}, "cannot be used"),
        ({"best": "0"}, "its best value is no finite number"),
        ({"wait": -1}, "its wait is no count"),
        ({"best_epoch": 1.5}, "its best_epoch is no count"),
        ({"wait": None}, "its wait is no count"),
    ],
)
def test_a_state_that_is_none_is_refused(tmp_path, change, message):
    checkpoint = saved(tmp_path / "c", EarlyStopping())
    checkpoint.states["early_stopping_1"] |= change
    trainer = make(EarlyStopping())
    with pytest.raises(ChainruleError, match=message):
        checkpoint.restore(trainer)
    assert trainer.epoch == 0


@pytest.mark.parametrize(
    "state",
    [{"a": object()}, {"a": nan}, {"a": np.ones(2, complex)}, {"a": (1, 2)}, {3: 1}, 3, None],
)
def test_a_state_that_a_file_cannot_hold_is_refused(tmp_path, state):
    class Odd(Callback):
        def state(self):
            return state

    with pytest.raises(ChainruleError, match="the state of the callback Odd_1 cannot be saved"):
        saved(tmp_path / "c", Odd())
    assert not (tmp_path / "c").exists()
