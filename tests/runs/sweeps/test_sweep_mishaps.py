"""Sweeps that something happens to: edits, mistakes in the data, kills, two at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.runs.sweeps.pool import Pool

pytestmark = pytest.mark.exhaustive

TEXT = """\
network: {layers: [{size: 3}, {size: 2}, softmax]}
data: {file: points.csv}
training: {epochs: 2, batch_size: 10}
"""
SEEDS = {"training.seed": [1, 2, 3]}


@pytest.fixture
def config(folder):
    Path("c.yaml").write_text(TEXT)
    return Path("c.yaml")


@pytest.fixture
def points(folder):
    text = "\n".join(f"{k},{-k},{k % 2}" for k in range(40))
    Path("points.csv").write_text(text)


def test_a_configuration_edited_meanwhile_changes_no_trial(config, points):
    def edit(trial, sweep):
        config.write_text(TEXT.replace("epochs: 2", "epochs: 5"))

    found = chainrule.sweep(config, SEEDS, jobs=1, folder="s", on_trial=edit)
    assert [trial.epochs for trial in found.trials] == [2, 2, 2]
    assert "epochs: 2" in Path("s/best.yaml").read_text()


def test_data_that_are_missing_end_it_before_it_begins(config):
    with pytest.raises(ChainruleError, match=r"c\.yaml:2:14: .*no such file"):
        chainrule.sweep(config, SEEDS, jobs=1, folder="s")
    assert not Path("s").exists()


def test_what_is_wrong_is_told_where_it_was_said(config, points):
    with pytest.raises(ChainruleError, match=r"^--set data\.file=no\.csv: "):
        chainrule.sweep(config, SEEDS, jobs=1, overrides=["data.file=no.csv"])
    with pytest.raises(ChainruleError, match=r"^--vary data\.file=no\.csv: "):
        chainrule.sweep(config, {"data.file": ["no.csv", "points.csv"]}, jobs=1)


@pytest.mark.parametrize("by", ["validation_r2", "best_validation_r2"])
def test_a_score_that_the_data_cannot_have_is_told_at_once(config, points, by):
    told = []
    with pytest.raises(ConfigError, match=r"unknown score .*validation_accuracy"):
        chainrule.sweep(config, SEEDS, jobs=1, by=by, on_trial=lambda t, s: told.append(t))
    assert told == []
    assert not Path("sweeps").exists()


def test_the_best_of_all_epochs_can_judge(config, points):
    found = chainrule.sweep(config, SEEDS, jobs=1, by="best_validation_loss")
    assert found.best is not None


def test_a_mapping_may_hold_what_training_takes(points):
    mapping = {
        "network": {"layers": [{"size": np.int64(3)}, {"size": 2}, "softmax"]},
        "data": {"file": Path("points.csv"), "split": np.array([0.7, 0.2, 0.1])},
        "training": {"epochs": 1},
    }
    assert len(chainrule.sweep(mapping, SEEDS, jobs=1).trials) == 3


def test_a_file_named_like_a_module_of_python_harms_no_worker(config, points):
    Path("random.py").write_text("raise SystemExit('not this one')")
    found = chainrule.sweep(config, SEEDS, jobs=1)
    assert found.failed == []


def test_a_script_without_a_main_guard_may_sweep(config, points):
    Path("script.py").write_text(
        "import chainrule\n"
        "found = chainrule.sweep('c.yaml', {'training.seed': [1, 2]}, jobs=2)\n"
        "print(len(found.trials), len(found.failed))\n"
    )
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2 0\n", "")


def test_a_trial_whose_process_was_killed_is_made_again_and_others_are_not(config, points):
    first = chainrule.sweep(config, SEEDS, jobs=1, folder="s")
    lines = [json.loads(line) for line in Path("s/trials.jsonl").read_text().splitlines()]
    lines[1] |= {"scores": {}, "failure": "its process ended, killed by signal 9"}
    lines[2] |= {"scores": {}, "failure": "training stopped: ..."}
    Path("s/trials.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = chainrule.sweep(config, SEEDS, jobs=1, folder="s")
    assert [trial.failure for trial in again.trials] == [None, None, "training stopped: ..."]
    assert again.trials[1].scores == first.trials[1].scores


def test_the_best_finds_published_data_that_lie_beside_the_configuration(
    real, folder, monkeypatch
):
    Path("project/data").mkdir(parents=True)
    link = Path("project/data/cifar-10-batches-py")
    os.symlink(real / "cifar_mini" / link.name, link, target_is_directory=True)
    Path("project/c.yaml").write_text(
        TEXT.replace("file: points.csv", "name: cifar10").replace("size: 2", "size: 10")
    )
    monkeypatch.delenv("CHAINRULE_DATA", raising=False)
    found = chainrule.sweep("project/c.yaml", SEEDS, jobs=1, folder="s")
    assert found.failed == []
    best = chainrule.train("s/best.yaml", save=False)
    assert best.validation.accuracy == found.best.scores["validation_accuracy"]
    link.unlink()
    again = chainrule.sweep("project/c.yaml", SEEDS, jobs=1, folder="s")
    assert again.best == found.best


def test_what_a_trial_left_that_was_broken_off_does_not_hinder_the_next(config, points):
    chainrule.sweep(config, SEEDS, jobs=1, folder="s", keep=True)
    os.remove("s/trials.jsonl")  # as if none had come to its end
    found = chainrule.sweep(config, SEEDS, jobs=1, folder="s", keep=True)
    assert found.failed == []
    assert chainrule.load("s/runs/2").config.training["seed"] == 2


@pytest.mark.skipif(sys.platform == "win32", reason="locks as Unix has them")
def test_the_same_folder_twice_at_once_is_refused(config, points):
    errors = []

    def again(trial, sweep):
        with pytest.raises(ChainruleError, match="running already") as error:
            chainrule.sweep(config, SEEDS, jobs=1, folder="s")
        errors.append(error)

    found = chainrule.sweep(config, SEEDS, jobs=1, folder="s", on_trial=again)
    assert len(errors) == len(found.trials) == 3
    assert len(chainrule.sweep(config, SEEDS, jobs=1, folder="s").trials) == 3


def test_one_worker_reads_the_data_once_for_the_first_look_and_the_trials(config, points):
    from chainrule.config.load import read_source

    with Pool(read_source(config), [], 1) as pool:
        assert len(list(pool.run([(0, {"training.epochs": "0"})]))) == 1
        assert len(list(pool.run([(0, {}), (1, {})]))) == 2
        assert len(pool._processes) == 1


def test_when_it_is_interrupted_the_workers_end_at_once(config, points):
    def interrupt(trial, sweep):
        raise KeyboardInterrupt

    many = {"training.seed": list(range(200))}
    found = chainrule.sweep(config, many, jobs=1, folder="s", keep=True, on_trial=interrupt)
    assert found.interrupted
    assert len(found.trials) == 1
    assert len(os.listdir("s/runs")) <= 4  # and not as many as fit into drawing the picture
