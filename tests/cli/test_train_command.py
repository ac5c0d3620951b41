"""``chainrule train``."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from chainrule import load, train
from chainrule.training import Callback

CONFIG = """\
network:
  layers:
    - {size: 4, activation: tanh}
    - {size: 2}
    - softmax
data: {generator: xor, count: 40}
training: {epochs: 2, batch_size: 10, seed: 1}
"""


@pytest.fixture
def config(folder):
    Path("small.yaml").write_text(CONFIG)
    return "small.yaml"


def test_training_shows_epochs_scores_and_where_the_files_lie(command, config):
    outcome = command("train", config)
    assert (outcome.status, outcome.err) == (0, "")
    run = load("runs/small-1")
    for epoch, (loss, other) in enumerate(
        zip(run.history["train_loss"], run.history["validation_loss"], strict=True), start=1
    ):
        assert (
            f"epoch {epoch}/2: train loss {loss:.4g}, validation loss {other:.4g}" in outcome.out
        )
    for name, score in (
        ("training", run.train),
        ("validation", run.validation),
        ("test", run.test),
    ):
        line = f"{name} {score.cases} {score.loss:.5g} {score.accuracy:.2%}"
        assert line in re.sub(" +", " ", outcome.out)
    assert "run             runs/small-1\n" in outcome.out
    assert Path(re.search(r"learning curve  (.*)", outcome.out)[1]).is_file()


def test_a_film_is_kept_beside_what_the_configuration_names(command, config):
    item = "training.callbacks=[csv_log]"
    command("train", config, "--film", "--quiet", "--set", item, "--run", "r")
    assert {"frames.safetensors", "log.csv"} <= {*os.listdir("r")}
    assert [one["type"] for one in load("r").config.training["callbacks"]] == ["csv_log", "frames"]
    again = command("train", config, "--film", "--set", item, "--run", "r", "--resume")
    assert again.status == 0
    named = "training.callbacks=[{type: frames, count: 2}]"
    command("train", config, "--film", "--quiet", "--set", named, "--run", "once")
    assert load("once").config.training["callbacks"] == [{"type": "frames", "count": 2}]


def test_every_run_has_a_folder_of_its_own(command, config):
    command("train", config, "--quiet")
    command("train", config, "--quiet")
    assert sorted(os.listdir("runs")) == ["small-1", "small-2"]
    first, second = (Path(f"runs/small-{k}/parameters.safetensors") for k in (1, 2))
    assert first.read_bytes() == second.read_bytes()


def test_quiet_prints_nothing(command, config):
    outcome = command("train", config, "--quiet")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "")
    assert load("runs/small-1").history["epoch"] == [1, 2]


@pytest.mark.parametrize("option", ["--verbose", "--jacobians"])
def test_quiet_and_verbose_exclude_each_other(command, config, option):
    outcome = command("train", config, "--quiet", option)
    assert outcome.status == 2
    assert "exclude each other" in outcome.err
    assert not Path("runs").exists()


def test_verbose_prints_inputs_outputs_targets_and_loss_of_every_minibatch(command, config):
    out = command("train", config, "--verbose").out
    heads = re.findall(r"epoch (\d), minibatch (\d) of 3, (\d+) cases", out)
    assert heads == [(e, m, n) for e in "12" for m, n in (("1", "10"), ("2", "10"), ("3", "8"))]
    for name in ("x  (10, 2)", "y  (10, 2)", "t  (10,)", "L = "):
        assert out.count(f"\n{name}") == (6 if name == "L = " else 4)
    assert "backward pass" not in out
    assert out.count("epoch 2/2: ") == 1


def test_jacobians_add_the_backward_pass(command, config):
    out = command("train", config, "--jacobians", "--set", "training.batch_size=full").out
    for name in (
        "J_L  (28, 2)",
        "J_s softmax  (28, 2, 2)",
        "δ dense_2  (28, 2)",
        "∂L/∂W dense_1  (2, 4)",
        "J_W dense_1  (28, 4, 2, 4)",
        "∂L/∂x dense_2  (28, 4)",
    ):
        assert out.count(f"\n{name}") == 2


def test_watching_changes_no_bit(command, config):
    command("train", config, "--quiet", "--run", "a")
    command("train", config, "--verbose", "--jacobians", "--run", "b")
    a, b = (Path(run, "parameters.safetensors").read_bytes() for run in "ab")
    assert a == b


@pytest.mark.parametrize(
    "arguments",
    [
        ["--set", "training.epochs=3", "network.layers.0.size=7", "data.noise=0.3"],
        ["--set", "training.epochs=3", "--set", "network.layers.0.size=7", "--set=data.noise=0.3"],
    ],
)
def test_set_overrides_values_in_either_form(command, config, arguments):
    assert command("train", config, *arguments, "--quiet").status == 0
    run = load("runs/small-1")
    assert run.history["epoch"] == [1, 2, 3]
    assert run.network.layers[0].size == 7
    assert run.config.data["noise"] == 0.3


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("training.epoch=3", ["epoch", "did you mean 'epochs'"]),
        ("training.epochs=many", ["epochs", "many"]),
        ("training.epochs", ["training.epochs"]),
        ("network.layers.9.size=3", ["9"]),
        ("network.layers.0.activation=rellu", ["did you mean 'relu'"]),
    ],
)
def test_an_override_that_is_wrong_is_told_apart_from_the_file(command, config, item, words):
    outcome = command("train", config, "--set", item)
    assert outcome.status == 2
    assert "--set" in outcome.err
    for word in words:
        assert word in outcome.err
    assert not Path("runs").exists()


def test_the_engine_may_be_chosen(command, config):
    assert command("train", config, "--quiet", "--engine", "numpy").status == 0
    assert load("runs/small-1").engine == "numpy"
    outcome = command("train", config, "--engine", "nunpy")
    assert outcome.status == 2
    assert "did you mean 'numpy'" in outcome.err


@pytest.mark.parametrize("name", ["new", "deep/er/öne folder", "empty"])
def test_run_names_a_new_or_an_empty_folder(command, config, name):
    Path("empty").mkdir()
    outcome = command("train", config, "--run", name)
    assert outcome.status == 0
    assert load(name).history["epoch"] == [1, 2]
    assert f"run             {name}\n" in outcome.out
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["full", "full/file", "full/file/sub"])
def test_run_refuses_a_folder_in_use_before_it_trains(command, config, name):
    Path("full").mkdir()
    Path("full/file").write_text("mine")
    outcome = command("train", config, "--run", name)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith(f"{name}: ")
    assert os.listdir("full") == ["file"]


def test_a_place_that_cannot_be_written_is_explained(command, config, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    outcome = command("train", config)
    assert outcome.status == 2
    assert outcome.err == "runs: cannot make the run's folder: Permission denied\n"


@pytest.mark.parametrize("name", ["config.yaml", "mit leer & ümlaut.yaml", "noending", ".hidden"])
def test_a_configuration_may_have_any_name(command, folder, name):
    Path("in a folder").mkdir()
    Path("in a folder", name).write_text(CONFIG, encoding="utf-8")
    assert command("train", f"in a folder/{name}", "--quiet").status == 0
    assert os.listdir("runs") == [f"{Path(name).stem}-1"]


def test_relative_paths_start_at_the_configurations_folder(command, folder):
    Path("a").mkdir()
    Path("a/points.csv").write_text("\n".join(f"{k},{-k},{k % 2}" for k in range(30)))
    Path("a/c.yaml").write_text(
        CONFIG.replace("generator: xor, count: 40", "file: points.csv, standardize: true")
    )
    os.symlink("c.yaml", "a/link.yaml")
    Path("elsewhere").mkdir()
    os.chdir("elsewhere")
    for k, name in enumerate(("../a/c.yaml", "../a/link.yaml", folder / "a/c.yaml")):
        assert command("train", name, "--quiet", "--run", f"r{k}").status == 0
    assert len({Path(f"r{k}/parameters.safetensors").read_bytes() for k in range(3)}) == 1


def test_a_run_may_start_within_another_runs_folder(command, config):
    command("train", config, "--quiet")
    os.chdir("runs/small-1")
    assert command("train", "config.yaml", "--quiet").status == 0
    assert load("runs/config-1").history["epoch"] == [1, 2]


def test_divergence_has_status_2_and_says_what_was_kept(command, folder):
    Path("d.yaml").write_text(
        CONFIG.replace("network:\n", "network:\n  learning_rate: 1.0e+200\n").replace(
            "tanh", "relu"
        )
    )
    outcome = command("train", "d.yaml")
    assert outcome.status == 2
    for word in ("training stopped: the loss", "epoch 1, minibatch", "layer dense_", "runs/d-1"):
        assert word in outcome.err
    assert "Traceback" not in outcome.err
    assert "Warning" not in outcome.err
    assert np.isfinite(load("runs/d-1").network.theta).all()
    assert command("evaluate", "runs/d-1").status == 0


@pytest.mark.parametrize(
    "item",
    [
        "network.layers.0.size=1000000000",
        "network.layers.0.size=1000000000000",
        "data.count=1000000000000",
    ],
)
def test_what_cannot_fit_into_memory_is_refused(command, config, item):
    outcome = command("train", config, "--set", item)
    assert outcome.status == 2
    assert len(outcome.err.splitlines()) == 1
    assert "GiB" in outcome.err
    assert not Path("runs").exists()


def test_no_epoch_is_a_run_too(command, config):
    outcome = command("train", config, "--set", "training.epochs=0")
    assert outcome.status == 0
    assert "training" in outcome.out
    assert Path("runs/small-1/metrics.jsonl").read_text() == ""


def test_metrics_are_json_a_line_an_epoch(command, config):
    command("train", config, "--quiet")
    lines = Path("runs/small-1/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_binary_targets_with_one_sigmoid_output_and_mse(command, folder):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(80, 2))
    Path("b.csv").write_text("\n".join(f"{a},{b},{int(a > b)}" for a, b in rows))
    Path("b.yaml").write_text("""\
network: {loss: mse, learning_rate: 1, layers: [{size: 1, activation: sigmoid}]}
data: {file: b.csv}
training: {epochs: 20}
""")
    outcome = command("train", "b.yaml")
    assert outcome.status == 0
    assert "R²" in outcome.out
    outcome = command("train", "b.yaml", "--set", "data.target=class")
    assert outcome.status == 0
    assert load("runs/b-2").test.accuracy > 0.8


# A run that goes on


class StopAfter(Callback):
    every_minibatch = True

    def on_chunk(self, trainer):
        trainer.interrupted = trainer.minibatches_run >= 2


def test_resume_goes_on_and_says_where(command, config):
    command("train", config, "--run", "whole", "--quiet")
    train(config, run="r", callbacks=[StopAfter()])
    outcome = command("train", config, "--run", "r", "--resume")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("going on after minibatch 2/3 of epoch 1/2\n")
    assert "--resume" not in outcome.out
    parameters = [Path(run, "parameters.safetensors").read_bytes() for run in ("r", "whole")]
    assert parameters[0] == parameters[1]


def test_resume_after_the_end_says_that_the_run_is_finished(command, config):
    command("train", config, "--run", "r", "--quiet")
    outcome = command("train", config, "--run", "r", "--resume")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("this run is finished: all its 2 epochs have run\n")
    assert command("train", config, "--run", "r", "--resume", "--quiet").out == ""


def test_resume_in_a_new_folder_starts_from_the_beginning(command, config):
    outcome = command("train", config, "--run", "r", "--resume")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.startswith("data      xor")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--resume",), "chainrule: to resume a run its folder must be named"),
        (
            ("--run", "r", "--resume", "--set", "training.seed=2"),
            "training.seed is 2, but the run",
        ),
        (("--run", ".", "--resume"), "there is r, but no checkpoint.safetensors"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_one_message(command, config, arguments, message):
    train(config, run="r", callbacks=[StopAfter()])
    outcome = command("train", config, *arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert message in outcome.err
    assert outcome.err.count("\n") == 1
