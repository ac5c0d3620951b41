"""A run that goes on where it stopped ends with the bits of one that never stopped."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from proof.resumed_runs import (
    ALL_CASES,
    ENGINES,
    OPTIMIZERS,
    SCHEDULES,
    WHOLE,
    SaveAll,
    Setting,
    resume_everywhere,
)

from chainrule import ChainruleError, load, train
from chainrule.core.errors import ConfigError, DataError
from chainrule.core.files import locked
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback

# At every minibatch of three epochs, for every engine and optimiser


@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("rule", OPTIMIZERS)
@pytest.mark.parametrize(("engine", "batch_size"), ENGINES)
def test_the_bits_are_those_of_a_run_never_stopped(tmp_path, engine, batch_size, rule, shuffle):
    if engine == "torch":
        pytest.importorskip("torch")
    schedule = [*SCHEDULES][1 + len(rule) % 7]
    setting = Setting(engine, batch_size, rule, schedule, shuffle)
    assert setting.trainer().engine.name == engine
    minibatches = setting.trainer().engine.minibatches
    assert resume_everywhere(setting, tmp_path) == ([], 1 + 3 * minibatches + 3)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("rule", WHOLE)
def test_what_takes_all_cases_at_once_goes_on_to_the_bit(tmp_path, rule, shuffle):
    setting = Setting("numpy", ALL_CASES, rule, "constant", shuffle)
    assert resume_everywhere(setting, tmp_path) == ([], 1 + 3 + 3)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_goes_on(tmp_path, schedule):
    setting = Setting("numpy", 4, "sgd", schedule, shuffle=True)
    assert resume_everywhere(setting, tmp_path) == ([], 13)


@pytest.mark.parametrize("shuffle", [True, False], ids=["full scores", "running scores"])
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_a_training_on_weighted_cases_goes_on(tmp_path, engine, shuffle):
    if engine == "torch":
        pytest.importorskip("torch")
    setting = Setting(engine, 4, "momentum", "step", shuffle, weighted=True)
    assert resume_everywhere(setting, tmp_path) == ([], 13)


def test_the_order_in_the_checkpoint_is_the_one_that_counts(tmp_path):
    """Another NumPy may shuffle in another way: the epoch in progress keeps its order."""
    setting, save = Setting("numpy", 4, "sgd", "constant", shuffle=True), SaveAll(tmp_path)
    setting.trainer(save).run()
    within_second = read_checkpoint(save.paths[5])
    assert (within_second.position.epoch, within_second.position.minibatch) == (2, 1)
    within_second.arrays["order"][:] = np.arange(10)
    resumed, straight = setting.trainer(), setting.trainer()
    within_second.restore(resumed)
    for made in (resumed, straight):
        made.run()
    one, other = (made.history.minibatch_losses for made in (resumed, straight))
    assert one[:4].tolist() == other[:4].tolist()
    assert one[4] != other[4]


def test_a_loss_of_an_epoch_does_not_depend_on_its_stretches():
    setting = Setting("numpy", 1, "sgd", "constant", shuffle=True)
    whole, cut = setting.trainer(), setting.trainer(StopAfter(10**6))
    for made in (whole, cut):
        made.run()
    assert whole.history["train_loss"] == cut.history["train_loss"]


# Whole runs

CONFIG = {
    "network": {"layers": [{"size": 6, "activation": "tanh"}, {"size": 3}, "softmax"]},
    "data": {"generator": "blobs", "classes": 3, "count": 40, "standardize": True},
    "training": {"epochs": 3, "batch_size": 8, "seed": 2, "optimizer": "adam"},
}


def changed(**parts: dict) -> dict:
    return {name: {**part, **parts.get(name, {})} for name, part in CONFIG.items()}


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
    return {
        "parameters": run.parameters.read_bytes(),
        "metrics": [{**row, "seconds": 0} for row in rows],
        "facts": run.facts.read_text(),
        "config": run.config.read_text(),
        "arrays": {k: v.tobytes() for k, v in read_checkpoint(run.checkpoint).arrays.items()},
    }


def test_a_run_may_be_stopped_and_resumed_many_times(folder):
    train(CONFIG, run="whole")
    for stop in (1, 4, 10):
        run = train(CONFIG, run="parts", resume=True, callbacks=[StopAfter(stop)])
        assert run.interrupted
        assert load("parts").interrupted
    last = train(CONFIG, run="parts", resume=True)
    assert not last.interrupted
    assert not last.was_finished
    assert files("parts") == files("whole")
    assert sorted(os.listdir("parts")) == sorted(os.listdir("whole"))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_a_layer_with_gates_goes_on_to_the_bit(folder, kind):
    layer = {"type": kind, "size": 3, "start": "learnt", "truncate": 4}
    config = {
        "network": {"loss": "mse", "layers": [layer, {**layer, "truncate": None}, {"size": 1}]},
        "data": {"generator": "echo", "steps": [4, 7], "delay": 2, "count": 30},
        "training": {"epochs": 2, "batch_size": 8, "optimizer": "adam", "seed": 3},
    }
    train(config, run="whole")
    assert train(config, run="parts", resume=True, callbacks=[StopAfter(4)]).interrupted
    assert not train(config, run="parts", resume=True).interrupted
    assert files("parts") == files("whole")


@pytest.mark.parametrize("make", [False, True])
def test_in_a_new_or_an_empty_folder_a_run_starts_from_the_beginning(folder, make):
    if make:
        Path("new").mkdir()
    train(CONFIG, run="new", resume=True)
    train(CONFIG, run="whole")
    assert files("new") == files("whole")


def test_a_run_that_never_got_to_a_checkpoint_starts_from_the_beginning(folder):
    train(CONFIG, run="whole")
    Path("begun").mkdir()
    for name in ("config.yaml", "metrics.jsonl", ".checkpoint.safetensors.123.part"):
        Path("begun", name).write_text("half a fi")
    train(CONFIG, run="begun", resume=True)
    assert files("begun") == files("whole")
    assert sorted(os.listdir("begun")) == sorted(os.listdir("whole"))


def test_leftovers_of_interrupted_writings_are_removed_and_nothing_else(folder):
    train(CONFIG, run="r", callbacks=[StopAfter(4)])
    ours = [".checkpoint.safetensors.4711.part", ".learning_curve.png.1.part"]
    theirs = [".checkpoint.safetensors.part", ".notes.txt.4711.part", "x.4711.part"]
    for name in (*ours, *theirs):
        Path("r", name).write_text("")
    train(CONFIG, run="r", resume=True)
    assert {*theirs, *ours}.intersection(os.listdir("r")) == {*theirs}


def test_a_finished_run_says_so_and_stays_as_it_is(folder):
    train(CONFIG, run="r")
    before = files("r")
    run = train(CONFIG, run="r", resume=True)
    assert run.was_finished
    assert not run.interrupted
    assert files("r") == before


def test_results_that_were_never_written_are_made_up_for(folder):
    train(CONFIG, run="whole")
    train(CONFIG, run="r")
    for name in ("run.json", "parameters.safetensors", "learning_curve.png"):
        Path("r", name).unlink()
    run = train(CONFIG, run="r", resume=True)
    assert run.was_finished
    assert files("r") == files("whole")
    assert Path("r/learning_curve.png").exists()


def test_metrics_of_epochs_behind_the_checkpoint_are_written_once(folder):
    train(CONFIG, run="whole")
    train(CONFIG, run="r", callbacks=[StopAfter(5)])
    with open("r/metrics.jsonl", "a") as file:
        file.write('{"epoch": 2, "train_loss": 0.1}\n{"epo')  # the process died within a line
    train(CONFIG, run="r", resume=True)
    assert files("r") == files("whole")


def test_more_epochs_may_follow(folder):
    train(CONFIG, run="short", callbacks=[])
    train(changed(training={"epochs": 5}), run="short", resume=True)
    train(changed(training={"epochs": 5}), run="long")
    assert files("short") == files("long")


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_a_run_keeps_the_engine_that_it_chose(folder, engine):
    config = changed(training={"engine": engine})
    train(config, run="r", callbacks=[StopAfter(4)])
    assert train(CONFIG, run="r", resume=True).engine == engine


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"training": {"batch_size": 4}},
            "training.batch_size is 4, but the run in r .* with 8",
        ),
        ({"training": {"seed": 3}}, "training.seed is 3, but the run in r was begun with 2"),
        ({"training": {"shuffle": False}}, "training.shuffle is false"),
        ({"training": {"optimizer": "sgd"}}, 'training.optimizer is "sgd"'),
        (
            {"training": {"optimizer": {"type": "adam", "beta1": 0.8}}},
            "training.optimizer.beta1 is 0.8, but the run in r was begun with 0.9",
        ),
        (
            {"training": {"schedule": "inverse"}},
            r'training.schedule is \{"type": "inverse", .*\}, .* begun with "constant"; [^\n]*$',
        ),
        (
            {"training": {"clip_gradient_norm": 2.0}},
            r"training.clip_gradient_norm is 2.0, but the run in r was begun without it; ",
        ),
        (
            {
                "network": {
                    "layers": [{"size": 6, "activation": "tanh"}, *[{"size": 3}] * 2, "softmax"]
                }
            },
            r"network.layers.3 is \{.*\}, but the run in r was begun without it; ",
        ),
        ({"training": {"evaluate": "full"}}, 'training.evaluate is "full"'),
        ({"training": {"engine": "compiled"}}, 'training.engine is "compiled"'),
        ({"training": {"epochs": 2}}, "epochs is 2, .* with 3; only more can follow"),
        ({"network": {"learning_rate": 0.01}}, "network.learning_rate is 0.01"),
        ({"network": {"dtype": "float32"}}, 'network.dtype is "float32"'),
        (
            {"network": {"layers": [{"size": 7, "activation": "tanh"}, {"size": 3}, "softmax"]}},
            "network.layers.0.size is 7, but the run in r was begun with 6",
        ),
        ({"data": {"count": 50}}, "data.count is 50, but the run in r was begun with 40"),
        ({"data": {"standardize": False}}, "data.standardize is false"),
    ],
)
def test_a_configuration_that_differs_is_refused_with_what_differs(folder, parts, message):
    train(changed(training={"engine": "numpy"}), run="r", callbacks=[StopAfter(4)])
    before = files("r")
    with pytest.raises(ConfigError, match=message):
        train(changed(**parts), run="r", resume=True)
    assert files("r") == before


def test_all_that_differs_is_told_at_its_place(folder):
    text = Path("c.yaml")
    text.write_text(json.dumps(CONFIG))
    train("c.yaml", run="r", callbacks=[StopAfter(4)])
    text.write_text(json.dumps(changed(training={"batch_size": 4, "seed": 9}), indent=1))
    with pytest.raises(ConfigError) as caught:
        train("c.yaml", run="r", resume=True)
    assert len(caught.value.problems) == 2
    lines = text.read_text().splitlines()
    for problem, key in zip(caught.value.problems, ("batch_size", "seed"), strict=True):
        assert key in lines[problem.line - 1]


def test_more_epochs_are_refused_where_the_schedule_follows_from_their_number(folder):
    config = changed(training={"schedule": "cosine"})
    train(config, run="r", callbacks=[StopAfter(9)])
    more = changed(training={"schedule": "cosine", "epochs": 5})
    with pytest.raises(ConfigError, match=r"its schedule follows from that number; write 3"):
        train(more, run="r", resume=True)


def test_checkpoints_may_be_written_more_often(folder):
    train(CONFIG, run="r", callbacks=[StopAfter(4)])
    run = train(changed(training={"checkpoint_every": 2}), run="r", resume=True)
    assert not run.interrupted


def test_other_data_in_the_same_file_are_refused(folder):
    rows = [f"{k},{k % 7},{k % 2}" for k in range(60)]
    Path("d.csv").write_text("\n".join(rows))
    config = changed(
        network={"layers": [{"size": 4}, {"size": 2}, "softmax"]},
        data={"file": "d.csv", "generator": None},
    )
    del config["data"]["generator"], config["data"]["classes"], config["data"]["count"]
    train(config, run="r", callbacks=[StopAfter(4)])
    Path("d.csv").write_text("\n".join([*rows[:-1], "59,4,1"]))
    with pytest.raises(DataError, match="the test data are not those that the run in r"):
        train(config, run="r", resume=True)


def rows_of(path: str, start: int, names: str) -> None:
    Path(path).write_text("".join(f"{k + start},{k * 7 % 11},{names[k % 3]}\n" for k in range(40)))


FILES = {
    "network": {"layers": [{"size": 5}, {"size": 3}, "softmax"]},
    "data": {"file": "train.csv", "validation_file": "validation.csv", "test_file": "test.csv"},
    "training": {"epochs": 2, "engine": "numpy"},
}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"train": (1, "abc")}, "the training data are not those that the run in r began with"),
        ({"validation": (1, "abc")}, "the validation data are not those that the run in r began"),
        ({"test": (500, "abc")}, "the test data are not those that the run in r began with"),
        ({"test": (0, "bca")}, "the test data are not those that the run in r began with"),
        (
            {"train": (1, "abc"), "test": (1, "abc")},
            "the training data and the test data are not those",
        ),
        (
            dict.fromkeys(("train", "validation", "test"), (0, "xyz")),
            "the class names are not those that the run in r began with",
        ),
    ],
)
def test_data_or_class_names_that_differ_are_named(folder, other, message):
    names = ("train", "validation", "test")
    for name in names:
        rows_of(f"{name}.csv", 0, "abc")
    train(FILES, run="r")
    before = files("r")
    for name in names:
        rows_of(f"{name}.csv", *other.get(name, (0, "abc")))
    more = {**FILES, "training": {**FILES["training"], "epochs": 3}}
    with pytest.raises(DataError, match=message):
        train(more, run="r", resume=True)
    assert files("r") == before
    for name in names:
        rows_of(f"{name}.csv", 0, "abc")
    assert train(more, run="r", resume=True).classes == ("a", "b", "c")


def test_data_may_have_moved(folder):
    rows = [f"{k},{k % 7},{k % 2}" for k in range(60)]
    Path("d.csv").write_text("\n".join(rows))
    parts = {
        "network": {"layers": [{"size": 4}, {"size": 2}, "softmax"]},
        "training": {"epochs": 2},
    }
    train({**parts, "data": {"file": "d.csv"}}, run="r", callbacks=[StopAfter(1)])
    Path("d.csv").rename("e.csv")
    assert not train({**parts, "data": {"file": "e.csv"}}, run="r", resume=True).interrupted


def test_the_runs_own_configuration_resumes_it(folder):
    train(CONFIG, run="r", callbacks=[StopAfter(4)])
    train("r/config.yaml", run="r", resume=True)
    train(CONFIG, run="whole")
    assert files("r") == files("whole")


def test_a_damaged_checkpoint_is_told_and_nothing_is_written(folder):
    train(CONFIG, run="r", callbacks=[StopAfter(4)])
    path = Path("r/checkpoint.safetensors")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    before = sorted((p.name, p.read_bytes()) for p in Path("r").iterdir())
    with pytest.raises(ChainruleError, match=r"checkpoint.safetensors: .*SHA-256"):
        train(CONFIG, run="r", resume=True)
    assert sorted((p.name, p.read_bytes()) for p in Path("r").iterdir()) == before


@pytest.mark.parametrize("name", ["mine.txt", "run.json"])
def test_a_folder_of_something_else_is_refused(folder, name):
    Path("r").mkdir()
    Path("r", name).write_text("mine")
    with pytest.raises(ChainruleError, match=f"there is {name}, but no checkpoint"):
        train(CONFIG, run="r", resume=True)
    assert Path("r", name).read_text() == "mine"


def test_what_is_resumed_has_a_folder(folder):
    with pytest.raises(ChainruleError, match="its folder must be named"):
        train(CONFIG, resume=True)
    with pytest.raises(ChainruleError, match="needs save=True"):
        train(CONFIG, resume=True, run="r", save=False)
    assert os.listdir() == []


def test_two_processes_do_not_train_into_one_folder(folder):
    train(CONFIG, run="r", callbacks=[StopAfter(4)])
    with locked(Path("r"), "busy"), pytest.raises(ChainruleError, match="another process"):
        train(CONFIG, run="r", resume=True)
    train(CONFIG, run="r", resume=True)


def test_checkpoints_are_written_after_every_so_many_minibatches(folder):
    class Look(Callback):
        def on_pause(self, trainer):
            found = read_checkpoint(Path("r/checkpoint.safetensors"))
            seen.append(
                (found.position.epoch - 1) * 4 + found.position.minibatch
                if found.position.epoch
                else 0
            )

    seen: list[int] = []
    train(changed(training={"checkpoint_every": 3}), run="r", callbacks=[Look()])
    assert set(seen) == {0, 3, 6, 9, 12}
    assert all(one <= other for one, other in pairwise(seen))
