"""Runs that are killed, run out of room, or are asked to end in the midst of something else.

The long forms stand in proof/; each of these is a short one, in a process of its own, because what
it does to its children is nothing for a test runner's.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from proof.same_bits import bits_of

import chainrule
from chainrule import Dense, Network, Softmax, train
from chainrule.core.errors import DivergenceError
from chainrule.core.interrupts import on_interrupt
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.training import Callback, Part, Settings, Trainer
from chainrule.training.engines.numpy_engine import NumpyEngine
from yardstick import HANGS

pytestmark = pytest.mark.exhaustive

ROOT = Path(chainrule.__file__).parents[2]
CONFIG = {
    "network": {"layers": [{"size": 6, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 60},
    "training": {"epochs": 3, "batch_size": 8, "seed": 2, "optimizer": "adam"},
}

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def proof(*arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=HANGS,
    )


@needs_fork
def test_no_kill_loses_a_checkpoint():
    outcome = proof("proof.killed_runs", "9")
    assert "0 unreadable, 0 lost;" in outcome.stdout
    assert "0 with other bits, 0 failed" in outcome.stdout
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert re.match("9 kills", outcome.stdout)


@needs_fork
def test_a_full_disk_leaves_the_checkpoint_before():
    outcome = proof("proof.full_disks")
    assert "FAILS" not in outcome.stdout
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert len(outcome.stdout.splitlines()) >= 5


# Asked to end


class Ask(Callback):
    """Gets the process a signal at a certain moment."""

    def __init__(self, number: int, **when: int) -> None:
        self.number = number
        self.when = when

    def on_start(self, trainer):
        self._at(trainer, start=1)

    def on_chunk(self, trainer):
        self._at(trainer, minibatches=trainer.minibatches_run)

    def on_epoch(self, trainer, row):
        self._at(trainer, epoch=row["epoch"])

    def _at(self, trainer, **now):
        if now == self.when:
            os.kill(os.getpid(), self.number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("when", [{"start": 1}, {"minibatches": 6}, {"epoch": 2}, {"epoch": 3}])
def test_a_signal_ends_a_run_which_then_goes_on(folder, number, when):
    whole = train(CONFIG, run="whole")
    run = train(CONFIG, run="r", callbacks=[Ask(number, **when)])
    assert run.signal == number
    assert run.interrupted == (when != {"epoch": 3})
    last = train(CONFIG, run="r", resume=True)
    assert last.signal is None
    assert last.network.theta.tobytes() == whole.network.theta.tobytes()
    assert last.scores == whole.scores
    assert Path("r/learning_curve.svg").exists()


class SlowEngine(NumpyEngine):
    """Takes its time for whatever is named, and gets the process a signal in it."""

    slow = "evaluate"

    def evaluate(self, x, t, weights=None, metrics=()):
        self._wait("evaluate")
        return super().evaluate(x, t, weights, metrics)

    def prepare(self):
        self._wait("prepare")

    def _wait(self, what):
        if what == self.slow and self.optimizer.steps == (9 if what == "evaluate" else 0):
            signal.setitimer(signal.ITIMER_REAL, 0)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("nobody left")


X, T = np.linspace(-1, 1, 18).reshape(9, 2), np.arange(9) % 3


def trainer(monkeypatch, slow: str) -> Trainer:
    for module in ("trainer", "settings"):
        monkeypatch.setattr(f"chainrule.training.{module}.ENGINES", {"slow": SlowEngine})
    monkeypatch.setattr(SlowEngine, "slow", slow)
    network = Network([Dense(3), Softmax()], input=2, learning_rate=0.1, seed=1)
    settings = Settings(epochs=5, batch_size=1, engine="slow")
    return Trainer(network, Part(X, T), Part(X, T), settings, classes=True)


def test_an_evaluation_is_left_and_its_epoch_stays_open(monkeypatch):
    made = trainer(monkeypatch, "evaluate")
    with on_interrupt(lambda number: made.ask_to_stop()):
        made.run()
    assert (made.epoch, made.minibatch, made.history.rows) == (1, 9, [])
    assert not made.finished
    assert not made.inconsistent


def test_preparations_are_left_and_nothing_else_is_begun(monkeypatch):
    made = trainer(monkeypatch, "prepare")
    before = made.network.theta.copy()
    with on_interrupt(lambda number: made.ask_to_stop()):
        made.run()
    assert (made.epoch, made.minibatches_run) == (0, 0)
    assert made.interruptible.attempt(lambda: 3) is None
    assert np.array_equal(made.network.theta, before)


def test_after_a_divergence_the_checkpoint_before_is_kept(folder):
    """θ is ahead of it by the minibatches of the stretch that went well; both are right."""
    network = {"layers": [{"size": 6, "activation": "relu"}, {"size": 3}], "loss": "mse"}
    config = {
        "network": {**network, "learning_rate": 4.0},
        "data": CONFIG["data"],
        "training": {"epochs": 30, "batch_size": 8, "checkpoint_every": 2},
    }
    told = set()
    for _ in range(2):
        with pytest.raises(DivergenceError) as caught:
            train(config, run="r", resume=True)
        told.add(str(caught.value))
        found = read_checkpoint(Path("r/checkpoint.safetensors"))
        assert found.position.steps % 2 == 0
        assert found.position.steps > 0
    assert len(told) == 1


# The same seed


@pytest.mark.parametrize(
    ("engine", "batch_size", "threads"),
    [
        ("numpy", 16, 1),
        ("numpy", 16, 2),
        ("numpy", 1, 1),
        ("compiled", 16, 1),
        ("compiled", 16, 2),
        ("compiled", 1, 1),
        ("torch", 16, 2),
    ],
)
def test_the_same_seed_gives_the_same_bits(engine, batch_size, threads):
    if engine == "torch":
        pytest.importorskip("torch")
    setting = {"engine": engine, "batch_size": batch_size, "threads": threads}
    config = {**CONFIG, "training": {**CONFIG["training"], **setting}}
    litter = [bytearray(100 + 8 * k) for k in range(50)]  # so that arrays lie elsewhere
    found = set()
    for k in range(5 if engine == "torch" else 20):
        litter.append(bytearray(17 * k + 1))
        found.add(bits_of(config))
    assert len(found) == 1
    assert bits_of({**config, "training": {**config["training"], "seed": 3}}) not in found


def test_another_process_has_the_same_bits():
    import json

    outcome = proof("proof.same_bits", json.dumps(CONFIG))
    assert outcome.stdout.split() == [bits_of(CONFIG).hex()]
