"""What a run's writers can write, its readers can read: at every limit, and beyond it."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import ChainruleError, Dense, Network, load, train
from chainrule.config.load import load_config
from chainrule.core import limits as table
from chainrule.core.strict_json import as_json, parse_json
from chainrule.data.standardization import Standardization
from chainrule.runs.checkpoint import read_checkpoint, save_checkpoint
from chainrule.runs.run_folder import Facts, RunFolder
from chainrule.runs.tensor_file import packed, parse_tensors
from chainrule.training import Callback, History, Part, Settings, Trainer
from chainrule.training.scores import Score

pytestmark = pytest.mark.exhaustive

BEYOND = st.integers(-40, 40)
"""How much more than a limit is asked for."""


@contextmanager
def small(brackets=60, header=2000):
    """Limits that a test can reach."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chainrule.core.strict_json.MAX_JSON_BRACKETS", brackets)
        patched.setattr("chainrule.core.strict_json.MAX_JSON_VALUES", brackets + 20)
        patched.setattr("chainrule.runs.tensor_file.MAX_TENSOR_HEADER_BYTES", header)
        for module in ("reading.tree", "load"):
            patched.setattr(f"chainrule.config.{module}.MAX_CONFIG_VALUES", 300)
            patched.setattr(f"chainrule.config.{module}.MAX_CONFIG_BYTES", 4000)
        yield


# JSON

TEXTS = st.text(st.sampled_from('[]{},"\\aδ\n\u2028\udce9\U0001f600'), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(TEXTS, inner, max_size=8),
    max_leaves=60,
)


@given(value=VALUES, indent=st.sampled_from([None, 2]), at_most=st.integers(0, 400))
@small()
def test_json_is_refused_or_comes_back(value, indent, at_most):
    try:
        content = as_json(value, indent, at_most=at_most).encode()
    except ValueError:
        whole = json.dumps(value, indent=indent)
        signs = sum(whole.count(sign) for sign in "[{")
        assert signs > 60 or whole.count(",") > 80 or len(whole) > at_most
        return
    assert len(content) <= at_most
    assert parse_json(content) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_json_is_not_written(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json(value)


# Arrays


@given(beyond=BEYOND)
@small()
def test_a_header_is_refused_or_comes_back(beyond):
    """Some of the limit is the arrays' names, some the brackets of their sizes."""
    arrays = {"a": np.zeros(0), "b": np.ones((2, 3))}
    empty = len(packed(Path("x"), arrays, {"text": ""})) - 48 - 8
    text = "x" * (2000 - empty + beyond)
    try:
        content = packed(Path("x"), arrays, {"text": text})
    except ChainruleError:
        assert beyond > 0
        return
    found, metadata = parse_tensors(content, Path("x"), "a test")
    assert metadata == {"text": text}
    assert {name: array.tolist() for name, array in found.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }


@given(arrays=st.integers(1, 40))
@small()
def test_arrays_are_refused_or_come_back(arrays):
    whole = {f"{k}": np.full(k, k) for k in range(arrays)}
    try:
        content = packed(Path("x"), whole, {})
    except ChainruleError:
        assert arrays >= 20  # three brackets each
        return
    found, _ = parse_tensors(content, Path("x"), "a test")
    assert found.keys() == whole.keys()


# Configurations


def configuration(layers: int, name: str) -> dict:
    hidden = [{"size": 1, "name": f"{name}{k}"} for k in range(layers)]
    return {
        "network": {"loss": "mse", "layers": [*hidden, {"size": 1}]},
        "data": {"generator": "xor", "count": 4, "split": [1, 0, 0]},
        "training": {"epochs": 1, "batch_size": "full", "engine": "numpy"},
    }


@given(layers=st.integers(25, 50), name=st.sampled_from(["a", "a" * 40]))
@small()
def test_a_configuration_is_refused_or_loads(tmp_path_factory, layers, name):
    path = tmp_path_factory.mktemp("c") / "c.yaml"
    config = load_config(configuration(layers, name))
    path.write_text(config.to_yaml())
    try:
        config.require_readable()
    except ChainruleError:
        with pytest.raises(ChainruleError):
            load_config(path)
    else:
        assert load_config(path) == config


@pytest.mark.parametrize("layers", range(33, 43))
@small(1000, 20_000)
def test_a_run_is_refused_before_it_begins_or_loads(folder, layers):
    """Seven values a layer as run: the limit lies within."""
    try:
        train(configuration(layers, "a"), run="r")
    except ChainruleError:
        assert not os.path.exists("r")
    else:
        assert len(load("r").network.layers) == layers + 1
        train(configuration(layers, "a"), run="r", resume=True)


@small(1000, 20_000)
def test_the_limit_of_a_run_lies_within_those_that_are_tried(folder):
    train(configuration(33, "a"), run="short")
    with pytest.raises(ChainruleError, match="fewer layers or shorter lists are needed"):
        train(configuration(42, "a"), run="long")


@pytest.mark.parametrize("length", [30, 3000])
@small(400, 3500)
def test_names_are_refused_before_a_run_begins_or_load(folder, length):
    """Of the arrays of θ, in the headers of two files."""
    config = configuration(2, "a" * (length // 6))
    try:
        train(config, run="r")
    except ChainruleError:
        assert length == 3000
        assert os.listdir("r") == []
    else:
        assert len(load("r").network.layers) == 3


def test_a_network_of_1700_layers_is_trained_and_loaded(folder):
    train(configuration(1699, "a"), run="r")
    assert len(load("r").network.layers) == 1700


# Facts


def facts(classes=None, scaling=None) -> Facts:
    scores = {"test": Score(0.5, None, None, 4)}
    return Facts("numpy", False, classes, scaling, scores, versions={"chainrule": "0.1.0"})


@given(classes=st.integers(40, 90), sign=st.sampled_from(["", "[", ","]))
@small()
def test_facts_are_refused_or_come_back(tmp_path_factory, classes, sign):
    files = RunFolder(tmp_path_factory.mktemp("r"))
    said = facts(tuple(f"{sign}{k}" for k in range(classes)))
    try:
        files.write_facts(said)
    except ChainruleError:
        assert os.listdir(files.path) == []
    else:
        assert files.read_facts(1, classes) == said


@small()
def test_classes_that_could_not_be_read_back_are_told_before_a_run_begins(folder):
    Path("d.csv").write_text("".join(f"{k},{k % 3},k{k}\n" for k in range(100)))
    config = {
        "network": {"layers": [{"size": 100}, "softmax"]},
        "data": {"file": "d.csv", "split": [1, 0, 0]},
        "training": {"epochs": 1},
    }
    with pytest.raises(ChainruleError, match="what is to be said of the run could not be read"):
        train(config, run="r")
    assert os.listdir("r") == []


def test_700_000_standardised_inputs_are_no_text(tmp_path):
    files, inputs = RunFolder(tmp_path), 700_000
    mean = np.random.default_rng(1).normal(size=inputs)
    files.write_facts(facts(scaling=Standardization(mean, np.exp(mean))))
    assert files.facts.stat().st_size < 1000
    found = files.read_facts(inputs, 1).scaling
    assert found.mean.tobytes() == mean.tobytes()
    assert found.scale.tobytes() == np.exp(mean).tobytes()


def test_a_whole_run_of_700_000_standardised_inputs_loads(folder):
    x = np.random.default_rng(0).normal(size=(6, 700_000)).astype("f4")
    np.savez("wide.npz", x=x, t=np.arange(6) % 2)
    config = {
        "network": {"dtype": "float32", "layers": [{"size": 2}, "softmax"]},
        "data": {"file": "wide.npz", "standardize": True, "split": [1, 0, 0]},
        "training": {"epochs": 1, "engine": "numpy"},
    }
    run = train(config, run="wide")
    assert np.array_equal(load("wide").outputs(x), run.outputs(x))


# A long history

X = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
PART = Part(X, X.sum(axis=1, keepdims=True))
EPOCHS = 310_000


def trainer(epochs: int, *callbacks: Callback) -> Trainer:
    network = Network([Dense(1, "linear")], input=2, learning_rate=0.01, seed=1)
    settings = Settings(epochs, "full", engine="numpy")
    return Trainer(network, PART, PART, settings, classes=False, callbacks=callbacks)


def test_a_run_of_310_000_epochs_goes_on(tmp_path):
    """It is made without training: so many rows as of a training that has run so long."""
    columns = ("train_loss", "validation_loss", "validation_r2", "seconds")
    figures = np.random.default_rng(1).random((len(columns), EPOCHS))
    old, path = trainer(EPOCHS), tmp_path / "c.safetensors"
    old.history = History.from_arrays(dict(zip(columns, figures, strict=True)))
    old.history.add_minibatches(figures[0])
    old.epoch, old.minibatch, old.optimizer.steps = EPOCHS, 1, EPOCHS
    save_checkpoint(path, old, {"network": {}, "data": {}, "training": {}}, {})
    new = trainer(EPOCHS + 1)
    read_checkpoint(path).restore(new)
    assert new.history.rows == old.history.rows
    new.run()
    assert len(new.history["train_loss"]) == EPOCHS + 1


def test_the_header_of_a_checkpoint_does_not_grow_with_the_epochs(tmp_path):
    class Save(Callback):
        def on_epoch(self, trainer, row):
            path = tmp_path / f"{row['epoch']}"
            save_checkpoint(path, trainer, {"network": {}, "data": {}, "training": {}}, {})
            with path.open("rb") as file:
                lengths.append(int.from_bytes(file.read(8), "little"))

    lengths: list[int] = []
    trainer(64, Save()).run()
    assert max(lengths) - min(lengths) <= 64  # the digits of a few numbers


def test_metrics_of_any_number_of_epochs_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("chainrule.data.readers.paths.MAX_DATA_BYTES", 100)
    files = RunFolder(tmp_path)
    files.write_metrics(History.from_arrays({"train_loss": np.full(49, 0.5)}))
    assert len(files.read_history().rows) == 49


def test_the_table_says_what_the_readers_keep():
    """The readers of a run's files have no limits but those of the table."""
    assert table.MAX_CONFIG_VALUES == 20_000
    assert table.MAX_TENSOR_HEADER_BYTES == 2**24
    assert table.machine_memory() > 2**28
