"""Best weights, a time limit and logs, as a configuration names them."""

from __future__ import annotations

import csv
import struct

import numpy as np
import pytest

import chainrule
from chainrule.config.load import read_source
from chainrule.core.errors import ChainruleError, ConfigError, MissingExtraError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.comparison.compare import compare
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.sweeps.trial import TrialRunner
from chainrule.training import Callback
from chainrule.training import callbacks as module
from chainrule.training.callbacks import BestWeights, CsvLog, TensorBoard, TimeLimit, callback

EPOCHS, MINIBATCHES = 8, 6
CONFIG = {
    "network": {
        "layers": [{"size": 6, "activation": "tanh"}, {"size": 3}, "softmax"],
        "learning_rate": 0.3,
    },
    "data": {"generator": "blobs", "classes": 3, "count": 60, "split": [60, 20, 20], "spread": 4},
    "training": {"epochs": EPOCHS, "batch_size": 6, "seed": 1, "optimizer": "adam"},
}


def changed(*callbacks, **training) -> dict:
    return {**CONFIG, "training": {**CONFIG["training"], "callbacks": [*callbacks], **training}}


class StopAfter(Callback):
    """Interrupts after so many minibatches, as Ctrl-C does, or fails, as a crash does."""

    every_minibatch = True

    def __init__(self, minibatches: int, crash: bool = False) -> None:
        self.minibatches, self.crash = minibatches, crash

    def on_chunk(self, trainer):
        if trainer.minibatches_run >= self.minibatches:
            trainer.interrupted = True
            if self.crash:
                raise KeyError("crash")


def in_parts(config, folder, *stops):
    for k, minibatches in enumerate([*stops, 10**9]):
        run = chainrule.train(config, run=folder, resume=k > 0, callbacks=[StopAfter(minibatches)])
    return run


def theta_of_each_epoch(config) -> list[np.ndarray]:
    found = []

    class Keep(Callback):
        def on_epoch(self, trainer, row):
            found.append(trainer.network.theta.copy())

    chainrule.train(config, save=False, callbacks=[Keep()])
    return found


# Best weights.


@pytest.mark.parametrize("monitor", ["validation_loss", "train_accuracy"])
def test_the_best_weights_are_those_of_the_best_epoch(monitor):
    run = chainrule.train(changed({"type": "best_weights", "monitor": monitor}), save=False)
    column = run.history[monitor]
    best = int(np.argmin(column) if monitor.endswith("loss") else np.argmax(column))
    assert len(column) == EPOCHS
    assert best + 1 < EPOCHS
    assert np.array_equal(run.network.theta, theta_of_each_epoch(CONFIG)[best])
    assert run.ending == (
        f"all {EPOCHS} epochs have run: {monitor} was best in epoch {best + 1}, "
        "whose parameters were restored"
    )


def test_the_best_weights_are_kept_over_an_interruption(tmp_path):
    config = changed("best_weights")
    whole = chainrule.train(config, run=tmp_path / "whole")
    parts = in_parts(config, tmp_path / "parts", 13, 32)
    assert parts.network.theta.tobytes() == whole.network.theta.tobytes()
    assert parts.ending == whole.ending
    states = [
        read_checkpoint(RunFolder(tmp_path / name).checkpoint).states["best_weights_1"]
        for name in ("whole", "parts")
    ]
    assert states[0]["best_epoch"] == states[1]["best_epoch"] < EPOCHS
    assert states[0]["theta"].tobytes() == states[1]["theta"].tobytes()


def test_the_last_of_two_that_restore_decides():
    """Also where its best epoch is the last, after the other has restored an earlier one."""
    first = {"type": "best_weights", "monitor": "train_loss", "mode": "max"}
    last = {"type": "best_weights", "monitor": "train_loss"}
    config = changed(first, last)
    config["network"] = {**CONFIG["network"], "learning_rate": 0.01}
    run = chainrule.train(config, save=False)
    losses = run.history["train_loss"]
    assert losses == sorted(losses, reverse=True)
    bare = {**config, "training": CONFIG["training"]}
    assert np.array_equal(run.network.theta, theta_of_each_epoch(bare)[-1])


# A time limit.


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 1e6

    def __call__(self):
        return self.now


class Tick(Callback):
    """Every minibatch takes a second."""

    every_minibatch = True

    def __init__(self, clock):
        self.clock = clock

    def on_minibatch(self, trainer, x, t):
        self.clock.now += 1


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "monotonic", made)
    return made


def test_training_ends_when_its_time_is_over(clock):
    config = changed({"type": "time_limit", "seconds": 15})
    run = chainrule.train(config, save=False, callbacks=[Tick(clock)])
    assert len(run.history.minibatch_losses) == 15
    assert len(run.history.rows) == 2
    assert not run.interrupted
    assert run.ending == "the time limit of 15 seconds was reached in epoch 3"


def test_a_resumed_training_counts_the_time_before(clock, tmp_path):
    config, folder = changed({"type": "time_limit", "seconds": 15}), tmp_path / "run"
    first = chainrule.train(config, run=folder, callbacks=[Tick(clock), StopAfter(9)])
    assert first.interrupted
    clock.now += 1000  # between the two nobody trains
    run = chainrule.train(config, run=folder, resume=True, callbacks=[Tick(clock)])
    assert len(run.history.minibatch_losses) == 15
    assert not run.interrupted
    again = chainrule.train(config, run=folder, resume=True, callbacks=[Tick(clock)])
    assert again.was_finished
    assert len(again.history.minibatch_losses) == 15


def test_a_limit_that_the_last_minibatch_reaches_ends_nothing(clock):
    config = changed({"type": "time_limit", "seconds": EPOCHS * MINIBATCHES})
    run = chainrule.train(config, save=False, callbacks=[Tick(clock)])
    assert run.ending is None
    assert len(run.history.rows) == EPOCHS


def test_an_evaluation_takes_time_too(clock, monkeypatch):
    from chainrule.training import Trainer

    evaluate = Trainer.evaluate

    def slow(trainer, cases):
        clock.now += 100
        return evaluate(trainer, cases)

    monkeypatch.setattr(Trainer, "evaluate", slow)
    run = chainrule.train(changed({"type": "time_limit", "seconds": 50}), save=False)
    assert run.ending == "the time limit of 50 seconds was reached in epoch 1"
    assert len(run.history.rows) == 1


# A log of comma-separated text.


def table(path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_log_holds_the_history(tmp_path, schedule):
    run = chainrule.train(changed("csv_log", schedule=schedule), run=tmp_path / "run")
    found = table(tmp_path / "run" / "log.csv")
    assert [*found[0]] == [*run.history]
    for row, line in zip(run.history.rows, found, strict=True):
        assert {k: float(v) for k, v in line.items()} == row


def test_the_log_of_a_resumed_run_is_that_of_one_never_stopped(tmp_path):
    config = changed({"type": "csv_log", "file": "epochs.csv"})
    chainrule.train(config, run=tmp_path / "whole")
    with pytest.raises(KeyError):
        chainrule.train(config, run=tmp_path / "parts", callbacks=[StopAfter(20, crash=True)])
    file = tmp_path / "parts" / "epochs.csv"
    file.write_text(file.read_text() + "4,0.1")  # a line cut short, of an epoch that was lost
    in_parts_again = chainrule.train(config, run=tmp_path / "parts", resume=True)
    assert not in_parts_again.interrupted
    tables = [table(tmp_path / name / "epochs.csv") for name in ("whole", "parts")]
    for row in (*tables[0], *tables[1]):
        row.pop("seconds")
    assert tables[0] == tables[1]


def test_a_column_that_begins_later_is_in_the_log(tmp_path):
    """As in a run that an earlier version began, and in epochs without a value."""
    log = CsvLog()
    log._columns = ["epoch"]

    class Trainer:
        folder = tmp_path

    from chainrule.training import History

    Trainer.history = History()
    log.on_start(Trainer)
    assert (tmp_path / "log.csv").read_text() == ""
    for row in ({"epoch": 1, "train_loss": float("nan")}, {"epoch": 2, "train_r2": None}):
        Trainer.history.append(row)
        log.on_epoch(Trainer, row)
    assert (tmp_path / "log.csv").read_text() == "epoch,train_loss,train_r2\n1,,\n2,,\n"


# Events.


def events(folder) -> list:
    """The events of all files in order, whose checksums are right."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.record_writer import masked_crc32c

    found = []
    for file in sorted(folder.iterdir()):
        content, at = file.read_bytes(), 0
        while at < len(content):
            (size,) = struct.unpack("<Q", content[at : at + 8])
            data = content[at + 12 : at + 12 + size]
            sums = struct.unpack("<I", content[at + 8 : at + 12])
            sums += struct.unpack("<I", content[at + 12 + size : at + 16 + size])
            assert sums == (masked_crc32c(content[at : at + 8]), masked_crc32c(data))
            found.append(Event.FromString(data))
            at += 16 + size
    return found


def scalars(folder) -> dict[tuple[str, int], float]:
    """The values by tag and step, as TensorBoard has them after all restarts."""
    found: dict[tuple[str, int], float] = {}
    for event in events(folder):
        if event.HasField("session_log"):
            found = {key: v for key, v in found.items() if key[1] < event.step}
        for value in event.summary.value:
            found[value.tag, event.step] = value.simple_value
    return found


def expected_scalars(history) -> dict[tuple[str, int], float]:
    names = {
        "train_loss": "loss/train",
        "train_accuracy": "accuracy/train",
        "validation_loss": "loss/validation",
        "validation_accuracy": "accuracy/validation",
        "learning_rate": "learning_rate",
    }
    return {
        (tag, row["epoch"]): float(np.float32(row[column]))
        for row in history.rows
        for column, tag in names.items()
    }


def test_tensorboard_reads_the_history(tmp_path):
    pytest.importorskip("tensorboardX")
    run = chainrule.train(changed("tensorboard", schedule="cosine"), run=tmp_path / "run")
    assert scalars(tmp_path / "run" / "tensorboard") == expected_scalars(run.history)
    first = events(tmp_path / "run" / "tensorboard")[0]
    assert first.file_version == "brain.Event:2"


def test_the_events_of_a_resumed_run_are_those_of_one_never_stopped(tmp_path):
    pytest.importorskip("tensorboardX")
    config = changed({"type": "tensorboard", "folder": "board"}, schedule="cosine")
    chainrule.train(config, run=tmp_path / "run", callbacks=[StopAfter(14)])
    file = next((tmp_path / "run" / "board").iterdir())
    content = file.read_bytes()
    file.write_bytes(content + content[-40:][:20])  # an event cut short ends its file
    before = {file: file.read_bytes()}
    run = chainrule.train(config, run=tmp_path / "run", resume=True)
    assert {file: file.read_bytes()} == before
    file.write_bytes(content)
    assert scalars(tmp_path / "run" / "board") == expected_scalars(run.history)


@pytest.mark.exhaustive
def test_tensorboard_itself_shows_them(tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", exc_type=ImportError
    )
    config = changed("tensorboard", schedule="cosine")
    chainrule.train(config, run=tmp_path / "run", callbacks=[StopAfter(14)])
    run = chainrule.train(config, run=tmp_path / "run", resume=True)
    shown = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    shown.Reload()
    found = {
        (tag, each.step): each.value
        for tag in shown.Tags()["scalars"]
        for each in shown.Scalars(tag)
    }
    assert found == expected_scalars(run.history)


def test_tensorboard_without_its_library_is_told_at_its_line(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(
        MissingExtraError, match=r"pip install 'chainrule\[tensorboard\]'"
    ) as caught:
        chainrule.train(changed("best_weights", "tensorboard"), save=False)
    assert str(caught.value.problems[0].path) == "training.callbacks[1]"


# Where they take part, and where not.


@pytest.mark.parametrize("kind", [CsvLog, TensorBoard])
def test_a_training_without_a_folder_has_no_place_for_files(kind):
    with pytest.raises(ConfigError, match="this training has none; name one"):
        chainrule.train(CONFIG, save=False, callbacks=[kind()])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"file": "metrics.jsonl"}, {"file": "other.csv"}),
        ({"file": "Config.YAML"}, {"file": "other.csv"}),
        ({"file": "log.csv"}, {"file": "LOG.csv"}),
    ],
)
def test_no_two_write_the_same_file(tmp_path, first, second):
    config = changed({"type": "csv_log", **first}, {"type": "csv_log", **second})
    with pytest.raises(ConfigError, match=r"there is another .* in the run's folder"):
        chainrule.train(config, run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path):
    outside = tmp_path / "outside.csv"
    outside.write_text("mine")
    config = changed("csv_log")
    chainrule.train(config, run=tmp_path / "run", callbacks=[StopAfter(3)])
    (tmp_path / "run" / "log.csv").unlink()
    (tmp_path / "run" / "log.csv").symlink_to(outside)
    with pytest.raises(ChainruleError, match="this is a link"):
        chainrule.train(config, run=tmp_path / "run", resume=True)
    assert outside.read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_of_events_is_a_message(tmp_path):
    pytest.importorskip("tensorboardX")
    config = changed("tensorboard")
    chainrule.train(config, run=tmp_path / "run", callbacks=[StopAfter(3)])
    board = tmp_path / "run" / "tensorboard"
    for file in board.iterdir():
        file.unlink()
    board.rmdir()
    board.write_text("")
    with pytest.raises(ChainruleError, match="cannot write this"):
        chainrule.train(config, run=tmp_path / "run", resume=True)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"type": "best_weights", "monitor": "val_loss"}, "validation_loss"),
        ({"type": "best_weights", "patience": 3}, "option of best_weights 'patience'"),
        ({"type": "best_weights", "min_delta": -1}, "min_delta must be finite and at least 0"),
        ({"type": "time_limit", "seconds": 0}, "seconds must be finite and above 0"),
        ({"type": "time_limit", "seconds": "60"}, "seconds must be finite and above 0"),
        ({"type": "time_limit", "seconds": float("inf")}, "seconds must be finite and above 0"),
        ({"type": "csv_log", "file": "../log.csv"}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": "/etc/passwd"}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": ""}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": ".."}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": ".hidden"}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": "a\nb"}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": "x" * 101}, "file is a name in the run's folder"),
        ({"type": "csv_log", "file": 3}, "file is a name in the run's folder"),
        ({"type": "tensorboard", "folder": "a/b"}, "folder is a name in the run's folder"),
        ({"type": "tensorboard", "logdir": "a"}, "option of tensorboard 'logdir'"),
    ],
)
def test_options_that_are_refused(value, message):
    with pytest.raises(ConfigError, match=message):
        callback(value)


@pytest.mark.parametrize(
    ("made", "state"),
    [
        (BestWeights(), {"best": None, "best_epoch": -1, "theta": np.zeros(51)}),
        (TimeLimit(), {"spent": -1.0}),
        (TimeLimit(), {"spent": "long"}),
        (TimeLimit(), {"spent": float("nan")}),
    ],
)
def test_states_that_are_refused(made, state):
    made._theta = np.zeros(51)
    with pytest.raises(ValueError, match="its "):
        made.load_state(state)


def test_a_trial_without_a_folder_writes_no_files():
    runner = TrialRunner(read_source(changed("csv_log", "best_weights")), [])
    trial = runner.run(1, {"training.callbacks.1.mode": "max"})
    assert trial.failure is None
    history = chainrule.train(CONFIG, save=False).history["validation_loss"]
    assert trial.scores["validation_loss"] == pytest.approx(max(history))


@pytest.mark.exhaustive
def test_trials_of_a_sweep_have_them_and_write_only_where_their_folders_are_kept(tmp_path):
    from chainrule import sweep

    config = changed("csv_log", {"type": "best_weights"}, "tensorboard")
    vary = {"training.seed": [1, 2]}
    found = sweep(config, vary, jobs=1, folder=tmp_path / "bare")
    kept = sweep(config, vary, jobs=1, folder=tmp_path / "kept", keep=True)
    assert [trial.failure for trial in (*found.trials, *kept.trials)] == [None] * 4
    assert [t.scores for t in found.trials] == [t.scores for t in kept.trials]
    assert not [*(tmp_path / "bare").rglob("log.csv")]
    assert len([*(tmp_path / "kept").rglob("log.csv")]) == 2
    assert len([*(tmp_path / "kept").rglob("*tfevents*")]) == 2
    for trial in found.trials:
        assert trial.scores["validation_loss"] == trial.scores["best_validation_loss"]


@pytest.mark.exhaustive
def test_a_comparison_leaves_them_out(tmp_path):
    config = changed("csv_log", {"type": "time_limit", "seconds": 1e-9}, epochs=2)
    found = compare(config, with_="sklearn", folder=tmp_path / "comparison")
    assert len(found.ours.losses) == 2
