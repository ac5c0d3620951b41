"""A run's folder: where it is made, and what is written into it while training runs."""

from __future__ import annotations

import json
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from chainrule import ChainruleError, Dense, Network
from chainrule.config.load import load_config
from chainrule.data.standardization import Standardization
from chainrule.runs import recorder as module
from chainrule.runs.recorder import Recorder
from chainrule.runs.run_folder import Facts, RunFolder, empty_folder
from chainrule.training import Callback, History, Part, Settings, Trainer
from chainrule.training.scores import LabelScore, Score, TargetScore

# Where the folder is made


def test_runs_are_numbered_and_a_gap_is_not_written_over(folder):
    made = [empty_folder("xor", None, of="run") for _ in range(3)]
    assert made == [Path("runs/xor-1"), Path("runs/xor-2"), Path("runs/xor-3")]
    assert empty_folder("other", None, of="run") == Path("runs/other-1")
    (folder / "runs/xor-4").write_text("a file in the way")
    assert empty_folder("xor", None, of="run") == Path("runs/xor-5")


@pytest.mark.parametrize("name", ["new", "a/deep er/öne", "empty"])
def test_a_folder_that_is_asked_for_may_be_new_or_empty(folder, name):
    (folder / "empty").mkdir()
    assert empty_folder("xor", Path(name), of="run") == Path(name)
    assert Path(name).is_dir()
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("full", "full: this folder is not empty; a run needs a new or an empty one"),
        ("full/file", "full/file: cannot make the run's folder"),
        ("full/file/sub", "is a file, not a folder"),
    ],
)
def test_a_folder_in_use_is_refused_and_left_alone(folder, name, message):
    (folder / "full").mkdir()
    (folder / "full/file").write_text("mine")
    with pytest.raises(ChainruleError, match=message):
        empty_folder("xor", Path(name), of="run")
    assert [p.name for p in (folder / "full").iterdir()] == ["file"]
    assert (folder / "full/file").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_explained(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ChainruleError, match="runs: cannot make the run's folder: Permission"):
        empty_folder("xor", None, of="run")


def test_a_file_called_runs_is_in_the_way(folder):
    (folder / "runs").write_text("")
    with pytest.raises(ChainruleError, match="runs: cannot make the run's folder"):
        empty_folder("xor", None, of="run")


# What is written while training runs

CONFIG = load_config({"network": {"loss": "mse", "layers": [{"size": 1}]}})


def trainer(*callbacks: Callback, **settings) -> Trainer:
    part = Part(np.arange(12.0).reshape(6, 2) / 10, np.arange(6.0)[:, None])
    network = Network([Dense(1, "linear")], input=2, learning_rate=0.01, seed=1)
    settings = {"epochs": 3, "batch_size": 1, **settings}
    return Trainer(network, part, part, Settings(**settings), classes=False, callbacks=callbacks)


def recorded(path: Path, *more: Callback, **settings) -> tuple[RunFolder, Trainer]:
    files = RunFolder(path)
    made = trainer(Recorder(files, CONFIG), *more, **settings)
    made.run()
    return files, made


def test_metrics_have_a_line_an_epoch_which_is_the_history(tmp_path):
    files, made = recorded(tmp_path)
    lines = [json.loads(line) for line in files.metrics.read_text().splitlines()]
    found = [line.pop("health", None) for line in lines]
    assert found == [made.history.health.get(epoch) for epoch in (1, 2, 3)]
    assert lines == made.history.rows
    assert list(lines[0]) == [
        "epoch",
        "train_loss",
        "validation_loss",
        "validation_r2",
        "validation_mae",
        "validation_rmse",
        "seconds",
    ]
    assert files.read_history().rows == made.history.rows


def test_the_configuration_is_there_from_the_start(tmp_path):
    class Look(Callback):
        def on_chunk(self, trainer):
            seen.append((tmp_path / "config.yaml").read_text())

    seen: list[str] = []
    recorded(tmp_path, Look(), epochs=1)
    assert set(seen) == {CONFIG.to_yaml()}


def positions(monkeypatch) -> list[int]:
    saved: list[int] = []
    monkeypatch.setattr(
        module, "save_checkpoint", lambda _, t, *more: saved.append(t.minibatches_run)
    )
    return saved


@pytest.mark.parametrize(("every", "expected"), [(4, [4, 8, 12, 16]), (6, [6, 12, 18]), (50, [])])
def test_checkpoints_come_after_every_so_many_minibatches(tmp_path, monkeypatch, every, expected):
    saved = positions(monkeypatch)
    recorded(tmp_path, checkpoint_every=every)
    assert saved == [0, *expected, 18]  # the first one is the start, the last one the end


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, [0, 6, 12, 18]), (inf, [0, 18])])
def test_otherwise_they_come_after_an_epoch_with_some_time_between(
    tmp_path, monkeypatch, seconds, expected
):
    saved = positions(monkeypatch)
    monkeypatch.setattr(module, "CHECKPOINT_SECONDS", seconds)
    monkeypatch.setattr(module, "MOST_TIME", inf)  # however long writing takes
    recorded(tmp_path)
    assert saved == expected


def test_a_line_that_cannot_be_written_is_explained(tmp_path):
    class Remove(Callback):
        def on_epoch(self, trainer, row):
            files.metrics.unlink()
            files.metrics.mkdir()

    files = RunFolder(tmp_path)
    with pytest.raises(ChainruleError, match=r"metrics.jsonl: cannot write this file"):
        trainer(Remove(), Recorder(files, CONFIG)).run()


# run.json and metrics.jsonl, to and fro

FACTS = Facts(
    engine="numpy",
    interrupted=False,
    classes=("größer", "[b]"),
    scaling=Standardization(np.array([0.1, -2.0]), np.array([1.0, 1e-9])),
    scores={
        "train": Score(0.1, 0.75, None, 4),
        "validation": Score(
            *(0.2, 0.5, None, 2),
            row_accuracy=0.25,
            f1=1 / 3,
            labels=(LabelScore("größer", 2, 0.5, 0.75, 0.125, 0.1),),
        ),
        "test": Score(
            *(1 / 3, None, -0.5, 3),
            mae=0.1,
            rmse=0.3,
            targets=(TargetScore("a", -0.5, 0.1, 0.2), TargetScore("b", None, 1.0, 0.4)),
        ),
    },
)


def test_facts_come_back_as_they_were(tmp_path):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    found = files.read_facts(inputs=2, outputs=2)
    assert (found.engine, found.interrupted, found.classes) == ("numpy", False, FACTS.classes)
    assert found.scores == FACTS.scores
    assert np.array_equal(found.scaling.mean, FACTS.scaling.mean)
    assert np.array_equal(found.scaling.scale, FACTS.scaling.scale)


def strict(text: str) -> object:
    """JSON as other languages read it, to which NaN is no number."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("loss", [nan, inf])
def test_what_is_not_finite_is_null_in_the_files(tmp_path, loss):
    files = RunFolder(tmp_path)
    files.write_facts(Facts("numpy", True, None, None, {"test": Score(loss, None, -inf, 3)}))
    history = History()
    history.append({"epoch": 1, "train_loss": 0.5, "validation_loss": loss})
    files.add_metrics(history)
    assert strict(files.facts.read_text())["scores"]["test"]["loss"] is None
    assert strict(files.metrics.read_text())["validation_loss"] is None
    score = files.read_facts(inputs=2, outputs=1).scores["test"]
    assert np.isnan(score.loss)
    assert files.read_history()["validation_loss"] == [None]


def test_one_output_tells_two_classes_apart(tmp_path):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    assert files.read_facts(inputs=2, outputs=1).classes == FACTS.classes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["a", "b", "c"]}, "found 3 classes, but the network has 2 outputs"),
        ({"classes": 3}, "cannot read the run's results"),
        ({"scaling": {"mean": [1.0, 2.0], "scale": [1.0, 1.0]}}, "scaling: .* valid boolean"),
        ({"scaling": "yes"}, "cannot read the run's results"),
        ({"scaling": None}, "scaling: .* valid boolean"),
        ({"classes": ["a", "a"]}, "a class is named twice"),
        ({"ending": "\x1b[2J"}, "ending: .*control characters"),
        ({"ending": 3}, "ending: .* valid string"),
        ({"scores": []}, "cannot read the run's results"),
        ({"scores": {"test": 3}}, "cannot read the run's results"),
        ({"scores": {"test": {"loss": "low"}}}, "cannot read the run's results"),
        ({"scores": {"test": {"lost": 1}}}, "cannot read the run's results"),
    ],
)
def test_facts_that_are_none_are_refused(tmp_path, change, message):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    facts = json.loads(files.facts.read_text())
    files.facts.write_text(json.dumps({**facts, **change}))
    with pytest.raises(ChainruleError, match=message) as caught:
        files.read_facts(inputs=2, outputs=2)
    assert caught.value.problems[0].path == files.facts


MEAN, SCALE = np.array([0.1, -2.0]), np.array([1.0, 1e-9])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mean": MEAN[:1], "scale": SCALE[:1]}, r"mean of shape \(1,\).* has 2 inputs"),
        ({"mean": MEAN, "scale": SCALE[:1]}, r"scale of shape \(1,\)"),
        ({"mean": MEAN}, r"found mean of shape \(2,\), but"),
        ({}, "found no arrays"),
        ({"mean": MEAN, "scale": SCALE, "x": MEAN}, r"x of shape \(2,\)"),
        ({"mean": MEAN, "scale": np.array([1.0, 0.0])}, "a scale above 0"),
        ({"mean": np.array([nan, 0]), "scale": SCALE}, "finite numbers in float64"),
        ({"mean": MEAN, "scale": np.array([inf, 1])}, "finite numbers in float64"),
        ({"mean": np.array([1, 2]), "scale": SCALE}, "finite numbers in float64"),
    ],
)
def test_a_scaling_that_is_none_is_refused(tmp_path, arrays, message):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    save_file(arrays, files.scaling)
    with pytest.raises(ChainruleError, match=message) as caught:
        files.read_facts(inputs=2, outputs=2)
    assert caught.value.problems[0].path == files.scaling


def test_a_scaling_that_is_missing_is_told(tmp_path):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    files.scaling.unlink()
    with pytest.raises(ChainruleError, match=r"scaling\.safetensors: there is no such file"):
        files.read_facts(inputs=2, outputs=2)


def test_scores_of_older_runs_are_read(tmp_path):
    """They have neither errors nor labels, and no score of each target."""
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    facts = json.loads(files.facts.read_text())
    old = {"loss": 0.5, "accuracy": None, "r2": 0.25, "cases": 3}
    files.facts.write_text(json.dumps({**facts, "scores": {"test": old}}))
    assert files.read_facts(inputs=2, outputs=2).scores == {"test": Score(0.5, None, 0.25, 3)}


@pytest.mark.parametrize("key", ["engine", "interrupted", "classes", "scaling", "scores"])
def test_a_fact_that_is_missing_is_named(tmp_path, key):
    files = RunFolder(tmp_path)
    files.write_facts(FACTS)
    facts = json.loads(files.facts.read_text())
    del facts[key]
    files.facts.write_text(json.dumps(facts))
    with pytest.raises(ChainruleError, match=f"results: {key} is missing"):
        files.read_facts(inputs=2, outputs=2)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "3", '"x"', "\udc80"])
def test_a_broken_run_json_is_refused(tmp_path, text):
    files = RunFolder(tmp_path)
    files.facts.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ChainruleError, match=r"run\.json: cannot read"):
        files.read_facts(inputs=2, outputs=2)


@pytest.mark.parametrize("line", ["{", "[3]", "3", "null", '"x"'])
def test_a_broken_line_of_metrics_is_named(tmp_path, line):
    files = RunFolder(tmp_path)
    files.metrics.write_text(f'{{"epoch": 1}}\n{line}\n')
    with pytest.raises(ChainruleError, match=r"metrics.jsonl:2: this line is no epoch's figures"):
        files.read_history()
