"""Sweeps of real, small trainings in real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import chainrule
from chainrule.config.load import read_source
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.runs.sweeps.pool import Pool
from chainrule.runs.sweeps.sweep import Sweep
from chainrule.runs.worker_process import WorkerProcess
from yardstick import HANGS

pytestmark = pytest.mark.exhaustive

CONFIG = {
    "network": {"layers": [{"size": 5, "activation": "tanh"}, {"size": 2}, "softmax"]},
    "data": {"generator": "moons", "count": 60},
    "training": {"epochs": 3, "batch_size": 10, "seed": 1},
}
RELU = ["network.layers.0.activation=relu"]  # which knows no bounds
RATES = {"network.learning_rate": "log:1e-3..1", "training.seed": [1, 2]}


def without_times(trials):
    return [(t.number, t.values, t.scores, t.failure) for t in trials]


def test_a_trial_is_the_training_with_its_values(tmp_path):
    found = chainrule.sweep(CONFIG, RATES, trials=4, jobs=2, folder=tmp_path / "s")
    assert [trial.number for trial in found.trials] == [0, 1, 2, 3]
    trial = found.trials[2]
    run = chainrule.train(
        CONFIG, overrides=[f"{k}={v}" for k, v in trial.values.items()], save=False
    )
    assert trial.scores["validation_loss"] == run.validation.loss
    assert trial.scores["test_accuracy"] == run.test.accuracy
    assert trial.scores["best_validation_loss"] == min(run.history["validation_loss"])
    assert trial.epochs == 3


def test_the_trials_are_the_same_however_many_processes_run_them(tmp_path):
    one, three = (
        chainrule.sweep(CONFIG, RATES, trials=6, jobs=jobs, folder=tmp_path / str(jobs))
        for jobs in (1, 3)
    )
    assert without_times(one.trials) == without_times(three.trials)
    assert one.best.number == three.best.number


def test_the_best_is_judged_as_asked(tmp_path, real_pictures):
    by_accuracy = chainrule.sweep(CONFIG, RATES, trials=5, jobs=1, folder=tmp_path / "a")
    assert by_accuracy.by == "validation_accuracy"
    assert by_accuracy.best.scores["validation_accuracy"] == max(
        trial.scores["validation_accuracy"] for trial in by_accuracy.trials
    )
    by_loss = Sweep(by_accuracy.plan, by_accuracy.trials, "train_loss", tmp_path)
    losses = [row["train_loss"] for row in by_loss.table()]
    assert losses == sorted(losses)
    best = chainrule.train(tmp_path / "a" / "best.yaml", save=False)
    assert best.validation.accuracy == by_accuracy.best.scores["validation_accuracy"]
    for name in ("sweep.png", "sweep.svg", "sweep.json", "trials.jsonl"):
        assert (tmp_path / "a" / name).stat().st_size > 300


def test_a_finished_sweep_goes_on_to_more_trials(tmp_path):
    whole = chainrule.sweep(CONFIG, RATES, trials=5, jobs=1, folder=tmp_path / "whole")
    chainrule.sweep(CONFIG, RATES, trials=2, jobs=1, folder=tmp_path / "parts")
    told = []
    again = chainrule.sweep(
        CONFIG,
        RATES,
        trials=5,
        jobs=1,
        folder=tmp_path / "parts",
        on_trial=lambda t, s: told.append(t),
    )
    assert [trial.number for trial in told] == [2, 3, 4]
    assert without_times(again.trials) == without_times(whole.trials)
    fewer = chainrule.sweep(CONFIG, RATES, trials=3, jobs=1, folder=tmp_path / "parts")
    assert len(fewer.trials) == 5


def test_what_fails_is_told_and_ends_nothing(tmp_path):
    vary = {"network.learning_rate": [0.1, 1e300]}
    found = chainrule.sweep(CONFIG, vary, jobs=1, folder=tmp_path / "s", overrides=RELU)
    assert [trial.failure is None for trial in found.trials] == [True, False]
    assert "no longer a finite number" in found.failed[0].failure
    assert found.best.number == 0


def test_a_sweep_without_any_score_has_no_best(tmp_path):
    found = chainrule.sweep(
        CONFIG, {"network.learning_rate": [1e300]}, jobs=1, folder=tmp_path / "s", overrides=RELU
    )
    assert found.best is None
    assert found.by == "validation_accuracy"
    assert not (tmp_path / "s" / "best.yaml").exists()


def test_trials_may_keep_their_runs(tmp_path):
    chainrule.sweep(CONFIG, {"training.seed": [1, 2]}, jobs=2, folder=tmp_path / "s", keep=True)
    run = chainrule.load(tmp_path / "s" / "runs" / "2")
    assert run.config.training["seed"] == 2


@pytest.mark.parametrize(
    ("vary", "options", "message"),
    [
        ({"network.learing_rate": [1]}, {}, "did you mean 'learning_rate'"),
        ({"network.learning_rate": [0.1, -1]}, {}, "--vary network.learning_rate=-1"),
        ({"training.epochs": "0.5..2"}, {"trials": 2}, "epochs"),
        ({"training.seed": [1]}, {"by": "validation_acuracy"}, "validation_accuracy"),
        ({"training.seed": [1]}, {"jobs": 0}, "jobs"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(vary, options, message, folder):
    with pytest.raises(ConfigError, match=message):
        chainrule.sweep(CONFIG, vary, **options)
    assert not (folder / "sweeps").exists() or not any((folder / "sweeps").rglob("*.jsonl"))


def test_another_search_is_refused_in_the_same_folder(tmp_path):
    chainrule.sweep(CONFIG, {"training.seed": [1]}, jobs=1, folder=tmp_path / "s")
    with pytest.raises(ChainruleError, match="another search"):
        chainrule.sweep(CONFIG, {"training.seed": [1, 2]}, jobs=1, folder=tmp_path / "s")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    with pytest.raises(ChainruleError, match="not empty"):
        chainrule.sweep(CONFIG, {"training.seed": [1]}, jobs=1, folder=tmp_path / "mine")


def test_the_edge_of_a_range_is_noticed(tmp_path):
    found = chainrule.sweep(
        CONFIG, {"network.learning_rate": "log:1e-5..1e-1"}, trials=12, jobs=1, by="train_loss",
        folder=tmp_path / "s",
    )  # fmt: skip
    best = float(found.best.values["network.learning_rate"])
    assert [(v.path, end) for v, end in found.at_the_edge()] == (
        [("network.learning_rate", "upper")] if best > 1e-1 ** (1 + 4 * 0.05) else []
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")
def test_a_killed_worker_costs_its_trial_alone():
    slow = {**CONFIG, "training": {"epochs": 100_000, "batch_size": 1}}
    with Pool(read_source(slow), [], 1) as pool:
        points = [(0, {}), (1, {"training.epochs": "1"}), (2, {"training.epochs": "2"})]

        def kill():
            while not pool._processes:
                time.sleep(0.05)
            time.sleep(1.0)
            os.kill(pool._processes[0].pid, signal.SIGKILL)

        threading.Thread(target=kill).start()
        trials = list(pool.run(points))
    assert [trial.number for trial in trials] == [0, 1, 2]
    assert trials[0].failure == "its process ended, killed by signal 9"
    assert [trial.epochs for trial in trials[1:]] == [1, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="signals as Unix has them")
def test_ctrl_c_keeps_what_is_finished_and_leaves_no_process(tmp_path):
    config = tmp_path / "c.json.yaml"
    config.write_text(json.dumps(CONFIG))
    program = [
        sys.executable, "-m", "chainrule.cli.main", "sweep", str(config), "--jobs", "2",
        "--vary", "training.epochs=3,4,100000000,200000000", "--vary", "training.seed=1",
        "--run", str(tmp_path / "s"),
    ]  # fmt: skip
    process = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(2):  # the two short trials
        assert "validation accuracy" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=HANGS)
    assert process.returncode == 130, err
    assert "interrupted; 2 trials are left" in out
    assert not err
    assert len((tmp_path / "s" / "trials.jsonl").read_text().splitlines()) == 2
    assert (tmp_path / "s" / "best.yaml").exists()
    assert not _workers_of(tmp_path)


def _workers_of(folder):
    """Workers that still run, by what they were started as."""
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if "sweeps.trial" in line and str(folder) in line]


def test_a_worker_ends_when_nobody_asks_any_more():
    worker = WorkerProcess("chainrule.runs.sweeps.trial", {})
    slow = {**CONFIG, "training": {"epochs": 100_000_000}}
    worker.send({"value": slow, "folder": ".", "name": "s", "overrides": [], "data": None})
    worker.send({"number": 0, "values": {}})
    time.sleep(1.0)
    worker._input.close()
    assert worker.wait() == 0
    worker.close()
