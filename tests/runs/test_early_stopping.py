"""Early stopping as a configuration names it: the run, its files, resuming, the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import ChainruleError, load, sweep, train
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.comparison.compare import compare
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback
from yardstick import HANGS

EARLY = {"type": "early_stopping", "patience": 3}
CONFIG = {
    "network": {
        "layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"],
        "learning_rate": 0.05,
    },
    "data": {"generator": "blobs", "classes": 3, "count": 60, "spread": 3.0},
    "training": {
        "epochs": 20,
        "batch_size": 8,
        "seed": 1,
        "optimizer": "adam",
        "callbacks": [EARLY],
    },
}
MINIBATCHES = 6


def changed(**training) -> dict:
    return {**CONFIG, "training": {**CONFIG["training"], **training}}


class StopAfter(Callback):
    every_minibatch = True

    def __init__(self, minibatches: int) -> None:
        self.minibatches = minibatches

    def on_chunk(self, trainer):
        trainer.interrupted = trainer.minibatches_run >= self.minibatches


def files(folder: str) -> dict[str, object]:
    """What a run's files say, the clock apart."""
    run = RunFolder(Path(folder))
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    last = read_checkpoint(run.checkpoint)
    return {
        "parameters": run.parameters.read_bytes(),
        "metrics": [{**row, "seconds": 0} for row in rows],
        "facts": run.facts.read_text(),
        "config": run.config.read_text(),
        "arrays": {name: array.tobytes() for name, array in last.arrays.items()},
        "states": {k: str(v) for k, v in last.states["early_stopping_1"].items()},
    }


def test_the_run_is_finished_and_says_what_became_of_it(folder):
    run = train(CONFIG, run="r")
    losses = run.history["validation_loss"]
    best, last = int(np.argmin(losses)) + 1, len(losses)
    assert last == best + 3 < 20
    assert run.ending == (
        f"early stopping after epoch {last}: validation_loss was best in epoch {best}, "
        "whose parameters were restored"
    )
    assert not run.interrupted
    assert run.validation.loss == losses[best - 1]
    loaded = load("r")
    assert (loaded.ending, loaded.interrupted) == (run.ending, False)
    assert np.array_equal(loaded.network.theta, run.network.theta)
    assert loaded.config.training["callbacks"] == [
        {
            **EARLY,
            "monitor": "validation_loss",
            "min_delta": 0,
            "mode": "auto",
            "restore_best": True,
        }
    ]


@pytest.mark.exhaustive
def test_a_run_interrupted_at_any_minibatch_ends_as_one_undisturbed(folder):
    whole = train(CONFIG, run="whole")
    count = MINIBATCHES * len(whole.history.rows)
    for stop in range(1, count, 2):
        train(CONFIG, run=f"r{stop}", callbacks=[StopAfter(stop)])
        assert load(f"r{stop}").interrupted
        assert not train(CONFIG, run=f"r{stop}", resume=True).interrupted
        assert files(f"r{stop}") == files("whole")


KILLED = """
import os, signal, sys
from chainrule import train
from chainrule.training import Callback

class Kill(Callback):
    every_minibatch = True

    def on_pause(self, trainer):
        if trainer.minibatches_run == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)

train({}, run="r", resume=True, callbacks=[Kill()])
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("minibatch", [13, MINIBATCHES * 6])
def test_a_run_that_is_killed_ends_as_one_undisturbed(folder, minibatch):
    config = changed(checkpoint_every=5)
    command = [sys.executable, "-c", KILLED.format(config), str(minibatch)]
    env = {**os.environ, "PYTHONPATH": str(Path(chainrule.__file__).parents[1])}
    ended = subprocess.run(command, env=env, capture_output=True, timeout=HANGS)
    assert ended.returncode == -signal.SIGKILL
    assert read_checkpoint(Path("r/checkpoint.safetensors")).position.epoch
    train(config, run="whole")
    train(config, run="r", resume=True)
    assert files("r") == files("whole")


def test_a_run_that_was_stopped_early_has_nothing_left_to_do(folder):
    first = train(CONFIG, run="r")
    before = files("r")
    for config in (CONFIG, changed(epochs=40)):  # more epochs would not have changed its end
        run = train(config, run="r", resume=True)
        assert run.was_finished
        assert run.ending == first.ending
        assert {**files("r"), "config": 0} == {**before, "config": 0}
    with pytest.raises(ConfigError, match=r"training\.callbacks\.0\.patience is 9, but the run"):
        train(changed(callbacks=[{**EARLY, "patience": 9}]), run="r", resume=True)


def test_a_run_that_restored_in_its_last_epoch_goes_on_from_where_it_stood(folder):
    patient = [{**EARLY, "patience": 50}]
    first = train(changed(epochs=7, callbacks=patient), run="r")
    assert first.ending.startswith("all 7 epochs have run: validation_loss was best in epoch 5,")
    train(changed(epochs=9, callbacks=patient), run="r", resume=True)
    train(changed(epochs=9, callbacks=patient), run="whole")
    assert files("r") == files("whole")


def test_a_run_that_diverges_keeps_its_best_parameters(folder):
    class Explode(Callback):
        def on_epoch(self, trainer, row):
            if trainer.epoch == 2:
                trainer.network.theta[...] = np.where(trainer.network.theta > 0, 1e308, -1e308)

    with pytest.raises(ChainruleError, match=r"is in r \(validation_loss was best in epoch \d"):
        train(CONFIG, run="r", callbacks=[Explode()])
    run = load("r")
    assert run.interrupted
    assert "no longer a finite number in epoch 3" in run.ending
    assert run.validation.loss == min(run.history["validation_loss"])


def test_a_stop_of_ones_own_is_in_the_record(folder):
    class Enough(Callback):
        def on_epoch(self, trainer, row):
            if trainer.epoch == 2:
                trainer.stop("accuracy reached")

    run = train(changed(callbacks=None), run="r", callbacks=[Enough()])
    assert (run.ending, run.interrupted) == ("accuracy reached", False)
    assert load("r").ending == "accuracy reached"
    assert train(changed(callbacks=None), run="r", resume=True).was_finished


# In a configuration

COMPACT = """\
LAYERS
size: 3
type: softmax
DATA
generator: blobs
TRAINING
callbacks: ({type: early_stopping monitor: validation_accuracy patience: 4})
"""


def test_the_compact_form_says_the_same(folder):
    Path("c.txt").write_text(COMPACT)
    found = load_config("c.txt").training["callbacks"]
    assert (found[0]["monitor"], found[0]["patience"]) == ("validation_accuracy", 4)
    again = load_config({**CONFIG, "training": load_config("c.txt").training})
    assert again.training["callbacks"] == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{type: early_stopping, monitor: validation_los}]", r"did you mean 'validation_loss'\?"),
        (
            "[{type: early_stopping, patience: 0}]",
            "3:48: patience must be a whole number of at least",
        ),
        (
            "[{type: early_stopping, patience: 1.5}]",
            "3:48: patience must be a whole number, found",
        ),
        ("[{type: early_stopping, pacience: 3}]", "3:38: .*did you mean 'patience'"),
        ("[early_stoping]", "3:15: unknown callback 'early_stoping'; did you mean"),
        (
            "early_stopping",
            "3:14: callbacks must be a list of callbacks such as",
        ),
        ("[3]", "3:15: item 1 of callbacks must be the name of a callback"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder, text, message):
    Path("c.yaml").write_text(
        f"network: {{layers: [{{size: 3}}]}}\ntraining:\n  callbacks: {text}\n"
    )
    with pytest.raises(ConfigError, match=rf"c\.yaml:.*{message}"):
        load_config("c.yaml")


def test_a_run_without_validation_data_is_refused_before_anything_is_written(folder):
    Path("c.yaml").write_text("""\
network: {layers: [{size: 3}, softmax]}
data: {generator: blobs, classes: 3, count: 30, split: [0.9, 0, 0.1]}
training:
  callbacks:
    - {type: early_stopping, monitor: train_loss}
    - {type: early_stopping, monitor: validation_loss}
""")
    message = r"c\.yaml:6:39: early stopping monitors validation_loss, but there are no validation"
    with pytest.raises(ConfigError, match=message):
        train("c.yaml")
    assert os.listdir() == ["c.yaml"]


# Sweeps, comparisons, the command line


@pytest.mark.exhaustive
def test_a_sweep_varies_it(folder):
    found = sweep(CONFIG, {"training.callbacks.0.patience": [1, 3]}, jobs=1)
    one, three = found.trials
    assert one.failure is three.failure is None
    assert one.epochs < three.epochs < 20
    for trial in (one, three):
        assert trial.scores["validation_loss"] == trial.scores["best_validation_loss"]


@pytest.mark.exhaustive
def test_a_comparison_runs_all_epochs(folder):
    pytest.importorskip("sklearn")
    found = compare(CONFIG, "sklearn", epochs=4, save=False)
    assert len(found.ours.seconds) == 4


def test_the_commands_tell_how_a_run_ended(folder, command):
    Path("c.json.yaml").write_text(json.dumps(CONFIG))
    outcome = command("train", "c.json.yaml", "--run", "r")
    ending = load("r").ending
    assert (outcome.status, outcome.err) == (0, "")
    assert f"\n{ending}\n" in outcome.out
    assert "--resume" not in outcome.out
    outcome = command("train", "c.json.yaml", "--run", "r", "--resume")
    why = ending.partition(":")[0]
    assert outcome.out.startswith(f"this run is finished: {why}\n")
    assert (outcome.status, "--resume" in outcome.out) == (0, False)
    assert f"the training of this run: {ending}\n" in command("evaluate", "r").out
