"""`train` and `load`: a configuration in, a trained network and its files out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import chainrule
from chainrule import ChainruleError, load, train
from chainrule.core.errors import ConfigError, DataError, DivergenceError, ShapeError
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Callback
from configurations import COMPACT_EXAMPLE, YAML_EXAMPLE


@pytest.mark.parametrize(
    ("name", "text", "cases", "accuracy"),
    [
        ("example.yaml", YAML_EXAMPLE, (700, 200, 100), 0.5),
        ("example.txt", COMPACT_EXAMPLE, (420, 120, 60), 0.7),
    ],
)
def test_the_examples_of_the_design_train_as_they_stand(folder, name, text, cases, accuracy):
    Path(name).write_text(text, encoding="utf-8")
    run = train(name, save=False)
    assert tuple(score.cases for score in (run.train, run.validation, run.test)) == cases
    assert run.history["epoch"] == list(range(1, 31))
    assert run.history["train_loss"][-1] < 0.6 * run.history["train_loss"][0]
    assert run.test.accuracy > accuracy
    assert not run.interrupted


def config(**parts) -> dict:
    """A small classification; keys of the three parts may be replaced."""
    network = {"layers": [{"size": 6, "activation": "tanh"}, {"size": 3}, "softmax"]}
    data = {"generator": "blobs", "count": 60, "classes": 3}
    training = {"epochs": 3, "batch_size": 8, "seed": 5}
    whole = {"network": network, "data": data, "training": training}
    return {part: {**whole[part], **parts.get(part, {})} for part in whole}


# The same bits


def test_the_same_configuration_gives_the_same_bits(folder):
    a, b = train(config(), save=False), train(config(), save=False)
    assert a.network.theta.tobytes() == b.network.theta.tobytes()
    assert a.history["train_loss"] == b.history["train_loss"]
    assert a.scores == b.scores


def test_another_seed_gives_others(folder):
    a = train(config(), save=False)
    b = train(config(training={"seed": 6}), save=False)
    assert a.network.theta.tobytes() != b.network.theta.tobytes()
    assert not np.array_equal(a.data.train.x, b.data.train.x)


def test_a_layer_more_leaves_the_data_and_the_order_as_they_were(folder):
    deeper = [{"size": 6}, {"size": 4}, {"size": 3}, "softmax"]
    a, b = train(config(), save=False), train(config(network={"layers": deeper}), save=False)
    assert np.array_equal(a.data.train.x, b.data.train.x)


def test_a_file_and_a_mapping_of_the_same_keys_give_the_same_bits(folder):
    Path("a.json.yaml").write_text(json.dumps(config()))
    a, b = train("a.json.yaml", save=False), train(config(), save=False)
    assert a.network.theta.tobytes() == b.network.theta.tobytes()


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_explicit_jacobians_give_the_same_history(folder, loss):
    plain, explicit = (
        train(
            config(network={"loss": loss, "explicit_jacobians": choice, "learning_rate": 0.5}),
            save=False,
        )
        for choice in (False, True)
    )
    for column in ("train_loss", "validation_loss"):
        assert explicit.history[column] == pytest.approx(plain.history[column], rel=1e-12)
    assert explicit.network.theta == pytest.approx(plain.network.theta, rel=1e-12, abs=1e-13)


# What the run says


def test_the_scores_are_those_of_the_trained_network(folder):
    run = train(config(), save=False)
    for name in ("train", "validation", "test"):
        part, score = getattr(run.data, name), run.scores[name]
        assert score.loss == pytest.approx(run.network.loss(part.x, part.t), rel=1e-13)
        right = np.mean(run.network.forward_pass(part.x).argmax(axis=1) == part.t)
        assert score.accuracy == right


@pytest.mark.parametrize(
    ("split", "there"),
    [
        ([1, 0, 0], ["train"]),
        ([0.8, 0, 0.2], ["train", "test"]),
        ([0.8, 0.2, 0], ["train", "validation"]),
    ],
)
def test_a_part_without_cases_has_no_score(folder, split, there):
    run = train(config(data={"split": split}), save=False)
    assert list(run.scores) == there
    assert (run.validation is None) is ("validation" not in there)
    assert ("validation_loss" in run.history) is ("validation" in there)


def test_no_epoch_still_gives_a_run(folder, real_pictures):
    run = train(config(training={"epochs": 0}), run="r")
    assert len(run.history.rows) == 0
    assert not run.interrupted
    assert run.test.cases == 6
    assert load("r").scores == run.scores
    assert (folder / "r/learning_curve.png").stat().st_size > 1000


def test_what_was_decided_is_in_the_configuration(folder):
    run = train(config(training={"optimizer": "adam"}), save=False)
    assert run.config.network["input"] == 2
    assert run.config.network["loss"] == "cross_entropy"
    assert run.config.network["learning_rate"] == 0.005
    assert run.config.training["engine"] == run.engine == "numpy"


def test_overrides_win(folder):
    run = train(config(), overrides=["training.epochs=1", "network.layers.0.size=9"], save=False)
    assert run.history["epoch"] == [1]
    assert run.network.layers[0].size == 9


def test_a_run_says_what_it_is(folder):
    run = train(config(), run="my run")
    assert repr(run).startswith("Run(3 epochs; train ")
    assert "% right; my run)" in repr(run)
    assert run.name == "my run"


def test_callbacks_are_told(folder):
    class Rows(Callback):
        def on_epoch(self, trainer, row):
            rows.append(row["epoch"])

    rows: list[int] = []
    train(config(), save=False, callbacks=[Rows()])
    assert rows == [1, 2, 3]


# The folder

FILES = [
    "checkpoint.safetensors",
    "config.yaml",
    "learning_curve.png",
    "learning_curve.svg",
    "metrics.jsonl",
    "parameters.safetensors",
    "run.json",
]


def test_a_run_writes_its_folder_and_nothing_else(folder, real_pictures):
    Path("xor net.yaml").write_text(json.dumps(config()))
    run = train("xor net.yaml")
    assert run.folder == Path("runs/xor net-1")
    assert sorted(os.listdir(run.folder)) == FILES
    assert sorted(os.listdir()) == ["runs", "xor net.yaml"]
    picture = (run.folder / "learning_curve.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 1000
    assert "<svg" in (run.folder / "learning_curve.svg").read_text(encoding="utf-8")


def test_without_save_nothing_is_written(folder):
    assert train(config(), save=False).folder is None
    assert os.listdir() == []


def test_a_runs_configuration_trains_to_the_same_bits(folder):
    Path("sub dir/ü").mkdir(parents=True)
    rows = np.random.default_rng(0).normal(size=(40, 2))
    lines = [f"{a},{b},{'ja' if a > b else 'nein'}" for a, b in rows]
    Path("sub dir/daten ä.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = config(network={"layers": [{"size": 2}, "softmax"]})
    settings["data"] = {"file": "../daten ä.csv", "standardize": True}
    Path("sub dir/ü/c.yaml").write_text(json.dumps(settings), encoding="utf-8")
    first = train("sub dir/ü/c.yaml", run="far/away/r")
    again = train("far/away/r/config.yaml", save=False)
    assert first.network.theta.tobytes() == again.network.theta.tobytes()
    assert again.classes == ("ja", "nein")
    os.rename(folder / "far", folder / "moved")
    assert not np.isnan(load("moved/away/r").predict(rows) == "ja").any()


def test_a_runs_folder_behind_a_link_finds_its_data(folder):
    rows = [f"{k},{-k},{k % 3}" for k in range(30)]
    Path("points.csv").write_text("\n".join(rows))
    Path("far/away/disk").mkdir(parents=True)
    os.symlink("far/away/disk", "runs")
    run = train({**config(), "data": {"file": "points.csv"}})
    assert Path("far/away/disk/run-1/config.yaml").is_file()
    assert np.array_equal(load("runs/run-1").data.test.x, run.data.test.x)
    assert np.array_equal(load("far/away/disk/run-1").data.test.x, run.data.test.x)


@pytest.fixture(scope="module")
def standardized(tmp_path_factory):
    """A run on text labels with inputs on a far scale; its folder and its raw data."""
    place = tmp_path_factory.mktemp("standardized")
    rng = np.random.default_rng(3)
    x = rng.normal([500, -0.01], [100, 0.003], size=(90, 2))
    names = np.where((x[:, 0] - 500) / 100 > (x[:, 1] + 0.01) / 0.003, "größer", "kleiner")
    lines = [
        "a,b,kind",
        *(f"{a!r},{b!r},{n}" for (a, b), n in zip(x.tolist(), names, strict=True)),
    ]
    (place / "text.csv").write_text("\n".join(lines), encoding="utf-8")
    settings = config(network={"layers": [{"size": 2}, "softmax"]}, training={"epochs": 30})
    settings["data"] = {"file": "text.csv", "standardize": True}
    (place / "c.yaml").write_text(json.dumps(settings))
    run = train(place / "c.yaml", run=place / "run")
    return run, x, names


def test_predictions_use_the_runs_scaling_and_names(standardized):
    run, x, names = standardized
    assert np.mean(run.predict(x) == names) > 0.95
    outputs = run.outputs(x)
    expected = run.network.forward_pass((x - run.scaling.mean) / run.scaling.scale)
    assert np.array_equal(outputs, expected)


def test_load_gives_the_run_back(standardized):
    run, x, _ = standardized
    loaded = load(run.folder)
    assert loaded.network.theta.tobytes() == run.network.theta.tobytes()
    assert loaded.scores == run.scores
    assert dict(loaded.history) == dict(run.history)
    assert loaded.classes == run.classes == ("größer", "kleiner")
    assert (loaded.engine, loaded.interrupted) == (run.engine, run.interrupted)
    assert loaded.config.network == run.config.network
    assert loaded.config.training == run.config.training
    files = [r.config.resolve(r.config.data["file"]) for r in (loaded, run)]
    assert files[0].samefile(files[1])
    assert np.array_equal(loaded.outputs(x), run.outputs(x))
    assert np.array_equal(loaded.predict(x), run.predict(x))


def test_the_data_of_a_loaded_run_are_those_it_learnt_from(standardized):
    run, _, _ = standardized
    loaded = load(run.folder)
    for ours, theirs in zip(run.data, loaded.data, strict=True):
        assert np.array_equal(ours.x, theirs.x)
        assert np.array_equal(ours.t, theirs.t)


@pytest.fixture
def copy(standardized, tmp_path):
    """A copy of that run's folder, to be damaged, with its data beside it."""
    run, _, _ = standardized
    shutil.copytree(run.folder, tmp_path / "run")
    shutil.copy(run.folder.parent / "text.csv", tmp_path)
    return RunFolder(tmp_path / "run")


def test_data_that_changed_are_scaled_as_the_run_was(copy, standardized):
    run, _, _ = standardized
    lines = (copy.path.parent / "text.csv").read_text(encoding="utf-8").splitlines()
    (copy.path.parent / "text.csv").write_text("\n".join(lines[:31]), encoding="utf-8")
    data = load(copy.path).data
    assert data.scaling is not None
    raw = [[float(v) for v in line.split(",")[:2]] for line in lines[1:31]]
    expected = {tuple(row) for row in run.scaling.apply(np.array(raw)).tolist()}
    assert {tuple(row) for part in data for row in part.x.tolist()} == expected


def test_a_class_of_another_name_is_told_and_refused_where_no_digests_are(copy, standardized):
    run, _, _ = standardized
    path = copy.path.parent / "text.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("kleiner", "anders"))
    data = load(copy.path).data
    assert data.classes == run.classes == ("größer", "kleiner")
    counts = [np.count_nonzero(part.t == 1) for part in run.data]
    assert f"{sum(counts)} are new and left out" in data.notes[-1]
    assert [len(part) for part in data] == [np.count_nonzero(p.t == 0) for p in run.data]
    copy.cases.unlink()  # as an older version left the run
    with pytest.raises(DataError, match="classes anders, größer; it had größer, kleiner"):
        _ = load(copy.path).data


def test_a_loaded_run_whose_data_are_gone_still_predicts(copy, standardized):
    _, x, _ = standardized
    (copy.path.parent / "text.csv").unlink()
    loaded = load(copy.path)
    assert loaded.predict(x[:3]).shape == (3,)
    with pytest.raises(ChainruleError, match=r"text\.csv"):
        _ = loaded.data


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scaling_happens_before_rounding(folder, dtype):
    x = 1e8 + np.arange(40.0)
    lines = [f"{v},{int(v) % 2}" for v in x]
    Path("a.csv").write_text("\n".join(lines))
    settings = config(network={"layers": [{"size": 2}, "softmax"], "dtype": dtype})
    settings["data"] = {"file": "a.csv", "standardize": True}
    run = train(settings, save=False)
    assert len(np.unique(run.scaled(x[:, None]))) == 40


# A folder that is damaged


@pytest.mark.parametrize(
    "name", ["parameters.safetensors", "run.json", "config.yaml", "metrics.jsonl"]
)
@pytest.mark.parametrize("damage", ["missing", "empty", "noise"])
def test_a_damaged_folder_is_a_clear_error(copy, name, damage):
    path = copy.path / name
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else bytes(range(256)))
    if (name, damage) == ("metrics.jsonl", "empty"):  # no epoch has run
        assert load(copy.path).history.rows == []
        return
    with pytest.raises(ChainruleError) as caught:
        load(copy.path)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("size: 2", "size: 3", r"parameters|run\.json: found 2 classes"),
        ("size: 2", "size: 0", r"config\.yaml:\d+:\d+: .*size"),
        ("type: softmax", "type: sotfmax", "did you mean 'softmax'"),
        ("input: 2", "input: 7", r"parameters\.safetensors: expected dense_1\.W of shape \(7, "),
        ("  input: 2\n", "", "input"),
    ],
)
def test_an_edited_configuration_is_a_clear_error(copy, old, new, message):
    text = copy.config.read_text(encoding="utf-8")
    assert old in text
    copy.config.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ChainruleError, match=message):
        load(copy.path)


@pytest.mark.parametrize("name", ["nothing", "empty", "file"])
def test_what_is_no_run_is_said_to_be_none(folder, name):
    Path("empty").mkdir()
    Path("file").write_text("")
    with pytest.raises(ChainruleError, match=f"{name}: a run's folder holds config.yaml"):
        load(name)


# Inputs as they come


@pytest.mark.parametrize(
    "x", [3, [1.0, 2.0], np.zeros((4, 3)), [["a", "b"]], None, np.zeros((2, 2, 2))]
)
@pytest.mark.parametrize("scaled", [True, False])
def test_inputs_that_do_not_fit_are_refused(standardized, folder, x, scaled):
    run = standardized[0] if scaled else train(config(training={"epochs": 0}), save=False)
    for method in (run.predict, run.outputs):
        with pytest.raises((ShapeError, DataError)):
            method(x)


def test_no_case_has_no_prediction(standardized):
    assert standardized[0].predict(np.empty((0, 2))).shape == (0,)


def test_images_with_a_scaling_are_read_as_they_come(folder):
    rng = np.random.default_rng(0)
    x, t = rng.random((40, 3, 4)), np.arange(40) % 3
    np.savez("images.npz", x=x, t=t)
    settings = config()
    settings["data"] = {"file": "images.npz", "flatten": False, "standardize": True}
    run = train(settings, run="r")
    assert np.array_equal(run.outputs(x), run.outputs(x.reshape(40, 12)))
    assert np.array_equal(load("r").outputs(x), run.outputs(x))
    assert load("r").data.train.x.shape == (28, 3, 4)


def test_a_regression_predicts_values(folder):
    settings = config(network={"loss": "mse", "layers": [{"size": 4}, {"size": 1}]})
    settings["data"] = {"generator": "curve", "count": 50}
    run = train(settings, save=False)
    assert run.classes is None
    assert run.test.r2 is not None
    assert np.array_equal(run.predict([[0.5], [0.1]]), run.outputs([[0.5], [0.1]]))


# What goes wrong while training


def diverging() -> dict:
    layers = [{"size": 6, "activation": "relu"}, {"size": 3}, "softmax"]
    return config(network={"learning_rate": 1e200, "layers": layers})


def test_divergence_keeps_the_run_with_finite_parameters(folder):
    with pytest.raises(DivergenceError) as caught:
        train(diverging(), run="r")
    text = str(caught.value)
    for word in ("epoch 1, minibatch", "layer ", "is in r"):
        assert word in text
    assert sorted(os.listdir("r")) == FILES
    run = load("r")
    assert np.isfinite(run.network.theta).all()
    assert run.interrupted


def test_nothing_is_written_for_a_configuration_that_is_wrong(folder):
    for wrong in (
        config(network={"learning_rate": -1}),
        config(data={"classes": 7}),
        config(training={"optimizer": "adma"}),
    ):
        with pytest.raises(ConfigError):
            train(wrong)
        with pytest.raises(ConfigError):
            train(wrong, run="r")
    assert os.listdir() == []


class Fails(Callback):
    """Comes to grief in the second epoch."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def on_epoch(self, trainer, row):
        if row["epoch"] == 2:
            raise self.error


def test_a_reader_that_goes_away_does_not_cost_the_run(folder):
    with pytest.raises(BrokenPipeError):
        train(config(), run="r", callbacks=[Fails(BrokenPipeError())])
    run = load("r")
    assert run.interrupted
    assert run.history["epoch"] == [1, 2]


def test_a_callback_may_stop_training(folder):
    class Stop(Callback):
        def on_epoch(self, trainer, row):
            trainer.interrupted = True

    run = train(config(), run="r", callbacks=[Stop()])
    assert run.interrupted
    assert run.history["epoch"] == [1]
    assert load("r").interrupted


def test_in_another_thread_training_works_as_well(folder):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: train(config(), save=False), range(4)))
    assert len({run.network.theta.tobytes() for run in runs}) == 1


def test_the_package_offers_what_the_command_does(folder):
    assert chainrule.train is train
    assert chainrule.load is load


def test_the_configuration_as_run_says_what_was_left_open(folder):
    run = train({"network": {"layers": [{"size": 3}, {"size": 4}, "softmax"]}}, run="here")
    again = load("here").config
    assert [layer.get("activation") for layer in again.network["layers"]] == [
        "relu",
        "linear",
        None,
    ]
    assert again.data["width"] == [6, 14]
    assert again.data["count"] == 1000
    assert again.network["learning_rate"] == 0.1
    assert run.config == again


def test_a_case_that_is_no_number_is_of_no_class():
    run = chainrule.train(
        {
            "network": {"layers": [{"size": 2}, "softmax"]},
            "data": {"generator": "xor", "count": 20},
            "training": {"epochs": 1},
        },
        save=False,
    )
    assert np.isnan(run.predict([[0.0, np.nan]])).all()
    assert str(run.predict([[0.0, 1.0]])[0]) in run.classes


def test_a_folder_whose_training_has_not_ended_is_told_from_one_that_is_no_run(tmp_path):
    for name in ("config.yaml", "checkpoint.safetensors"):
        (tmp_path / name).touch()
    with pytest.raises(ChainruleError, match=r"training has not ended.* --resume goes on"):
        load(tmp_path)
