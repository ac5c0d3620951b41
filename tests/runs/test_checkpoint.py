"""Parameters to and from safetensors files."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save, save_file

from chainrule import ChainruleError, Dense, Network
from chainrule._version import __version__
from chainrule.runs.checkpoint import (
    checksum,
    load_parameters,
    parse_checkpoint,
    read_checkpoint,
    save_checkpoint,
    save_parameters,
)
from chainrule.training import Callback, Part, Settings, Trainer


def network(sizes: tuple[int, ...] = (3, 1), *, seed: int = 1, **options) -> Network:
    return Network([Dense(size, "tanh") for size in sizes], input=2, seed=seed, **options)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_parameters_come_back_to_the_bit(tmp_path, dtype):
    path = tmp_path / "p.safetensors"
    saved, loaded = network(dtype=dtype), network(dtype=dtype, seed=2)
    assert saved.theta.tobytes() != loaded.theta.tobytes()
    save_parameters(path, saved)
    load_parameters(path, loaded)
    assert saved.theta.tobytes() == loaded.theta.tobytes()


def test_the_file_holds_the_arrays_by_name_for_any_reader(tmp_path):
    path, net = tmp_path / "p.safetensors", network()
    save_parameters(path, net)
    arrays = load_file(path)
    assert sorted(arrays) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    assert np.array_equal(arrays["dense_1.W"], net.layers[0].W)
    assert arrays["dense_2.b"].shape == (1,)


def raw(header: dict, data: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


DAMAGES = {
    "empty": lambda whole: b"",
    "cut in the data": lambda whole: whole[:-5],
    "cut in the header": lambda whole: whole[:20],
    "no safetensors": lambda whole: b"PK\3\4 something else altogether",
    "a header beyond the file": lambda whole: b"\xff" * 8 + whole[8:],
    "a type that NumPy lacks": lambda whole: raw(
        {"dense_1.W": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}, b"\0" * 4
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_changes_nothing(tmp_path, damage):
    path, net = tmp_path / "p.safetensors", network()
    save_parameters(path, net)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    before = net.theta.copy()
    with pytest.raises(ChainruleError) as caught:
        load_parameters(path, net)
    assert "p.safetensors" in str(caught.value)
    assert np.array_equal(net.theta, before)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ChainruleError, match=r"nothing.safetensors: there is no such file"):
        load_parameters(tmp_path / "nothing.safetensors", network())


@pytest.mark.parametrize("sizes", [(4, 1), (3,), (3, 1, 1)])
def test_the_parameters_of_another_network_are_refused_whole(tmp_path, sizes):
    path = tmp_path / "p.safetensors"
    save_parameters(path, network())
    other = network(sizes)
    before = other.theta.copy()
    expected = "holds dense_2.W, which" if sizes == (3,) else "expected dense_"
    with pytest.raises(ChainruleError, match=expected):
        load_parameters(path, other)
    assert np.array_equal(other.theta, before)


def test_every_array_that_does_not_fit_is_named_with_both_shapes(tmp_path):
    path = tmp_path / "p.safetensors"
    save_parameters(path, network((5, 1)))
    with pytest.raises(ChainruleError) as caught:
        load_parameters(path, network((3, 1)))
    assert len(caught.value.problems) == 3
    assert "dense_1.W of shape (2, 3)" in str(caught.value)
    assert "(2, 5)" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.astype(np.int64), "found int64"),
        (lambda a: np.full_like(a, np.nan), "dense_1.b holds numbers that are not finite"),
        (lambda a: a.reshape(1, -1), r"shape \(1, 3\)"),
    ],
)
def test_an_array_of_another_kind_is_refused(tmp_path, change, message):
    path, net = tmp_path / "p.safetensors", network()
    arrays = {name: np.array(view) for name, view in net.parameters.items()}
    save_file({**arrays, "dense_1.b": change(arrays["dense_1.b"])}, path)
    with pytest.raises(ChainruleError, match=message):
        load_parameters(path, net)


# A training in progress

X, T = np.linspace(-1, 1, 10).reshape(5, 2), np.linspace(0, 1, 5)[:, None]
DATA = Part(X, T)
CONFIGURATION = {"network": {"loss": "mse"}, "data": {}, "training": {"seed": 8, "epochs": 3}}


class StopAfter(Callback):
    every_minibatch = True

    def __init__(self, minibatches: int) -> None:
        self.minibatches = minibatches

    def on_chunk(self, trainer):
        trainer.interrupted = trainer.minibatches_run >= self.minibatches


def trainer(stop: int = 9, optimizer: str = "adam", **options) -> Trainer:
    """Of three epochs of three minibatches, the last of one case."""
    settings = Settings(3, 2, seed=8, optimizer=optimizer, **options)
    return Trainer(network(), DATA, DATA, settings, classes=False, callbacks=[StopAfter(stop)])


def saved(folder: Path, stop: int, **options) -> Path:
    made = trainer(stop, **options)
    made.run()
    path = folder / "c.safetensors"
    save_checkpoint(path, made, CONFIGURATION, {"training data": checksum(X, T)})
    return path


def test_a_checkpoint_holds_all_that_a_training_needs(tmp_path):
    made = trainer(5)
    made.run()
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, made, CONFIGURATION, {"training data": checksum(X, T)})
    arrays = load_file(path)  # any reader of safetensors may look into it
    assert np.array_equal(arrays["dense_1.W"], made.network.layers[0].W)
    assert np.array_equal(arrays["optimizer.m"], made.optimizer.state["m"])
    assert np.array_equal(arrays["losses"], made.history.minibatch_losses)
    assert np.array_equal(arrays["order"], made.order(2))
    found = read_checkpoint(path)
    at = found.position
    assert (at.epoch, at.minibatch, at.steps) == (2, 2, 5)
    assert found.history.rows == made.history.rows
    assert found.configuration == CONFIGURATION
    with safe_open(path, "numpy") as file:
        metadata = file.metadata()
    assert (metadata["chainrule"], metadata["numpy"]) == (__version__, np.__version__)


def test_the_sha_256_is_that_of_the_file_with_zeros_in_its_place(tmp_path):
    path = saved(tmp_path, 4)
    with safe_open(path, "numpy") as file:
        digest = file.metadata()["sha256"]
    content = path.read_bytes().replace(digest.encode(), b"0" * 64)
    assert hashlib.sha256(content).hexdigest() == digest


def test_the_same_training_gives_the_same_content(tmp_path):
    one, other = (read_checkpoint(saved(tmp_path, 7)) for _ in range(2))
    assert one.arrays.keys() == other.arrays.keys()
    assert all(np.array_equal(one.arrays[name], other.arrays[name]) for name in one.arrays)


def test_one_flipped_bit_anywhere_is_noticed(tmp_path):
    path = saved(tmp_path, 4)
    content = bytearray(path.read_bytes())
    parse_checkpoint(bytes(content), path)
    for bit in range(8 * len(content)):
        content[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ChainruleError):
            parse_checkpoint(bytes(content), path)
        content[bit // 8] ^= 1 << bit % 8


def test_a_checkpoint_that_was_cut_or_lengthened_is_noticed(tmp_path):
    path = saved(tmp_path, 4)
    content = path.read_bytes()
    for changed in (*(content[:k] for k in range(0, len(content), 7)), content + b"\0"):
        with pytest.raises(ChainruleError, match=r"c\.safetensors: "):
            parse_checkpoint(changed, path)


# Whoever means harm writes a right SHA-256 too.


def forged(path: Path, arrays=None, raw_header=None, **metadata) -> bytes:
    """The content of a checkpoint with other arrays or metadata, and a right digest."""
    with safe_open(path, "numpy") as file:
        said = {**file.metadata(), **metadata, "sha256": "0" * 64}
    said = {key: value for key, value in said.items() if value is not None}
    held = {**load_file(path), **(arrays or {})}
    content = save({k: v for k, v in held.items() if v is not None}, metadata=said)
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(b'"sha256":"' + b"0" * 64, b'"sha256":"' + digest)


def test_a_forged_checkpoint_would_be_read(tmp_path):
    """Or else the tests below would prove nothing."""
    path = saved(tmp_path, 4)
    assert parse_checkpoint(forged(path), path).position.epoch == 2


OF_VALIDATION = [f"validation_{measure}" for measure in ("loss", "r2", "mae", "rmse")]
COLUMNS = ("train_loss", *OF_VALIDATION, "seconds")
POSITION = {"epoch": 2, "minibatch": 1, "steps": 4, "correct": 0, "seconds": 0.5}


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"position": None}, "lacks 'position'"),
        ({"position": "{"}, "no checkpoint of a training"),
        ({"position": "[1]"}, r"position: .* valid dictionary"),
        ({"position": json.dumps({**POSITION, "epoch": -1})}, r"position\.epoch: .* equal to 0"),
        ({"position": json.dumps({**POSITION, "epoch": 2**63})}, r"position\.epoch: .* less than"),
        (
            {"position": json.dumps({**POSITION, "minibatch": True})},
            r"\.minibatch: .* integer",
        ),
        ({"position": json.dumps({**POSITION, "steps": 1.0})}, r"position\.steps: .* integer"),
        ({"position": json.dumps({**POSITION, "seconds": "1"})}, r"position\.seconds: .* number"),
        ({"position": '{"epoch": 1' + "0" * 5000 + "}"}, "no checkpoint of a training"),
        ({"columns": None}, "lacks 'columns'"),
        ({"columns": "[" * 50_000}, "no checkpoint of a training"),
        ({"columns": "{}"}, "columns: .* valid list"),
        ({"columns": "[1]"}, r"columns\.0: .* valid string"),
        ({"columns": '["seconds"]'}, "other columns"),
        ({"columns": '["train_loss", "seconds", "__class__"]'}, "other columns"),
        ({"columns": '["train_loss", "seconds", "validation_r2", "train_r2"]'}, "lacks 'history."),
        ({"columns": '["train_loss", "seconds", "seconds"]'}, "lacks 'history.seconds'"),
        ({"data": "3"}, "data: .* valid dictionary"),
        ({"data": '{"training data": 3}'}, "data.training data: .* valid string"),
        ({"configuration": "null"}, "configuration: .* valid dictionary"),
        (
            {"configuration": '{"network": {}, "data": 3}'},
            r"configuration\.data: .* valid",
        ),
        (
            {
                "configuration": '{"network": {}, "data": {}, "training": '
                + "[" * 60
                + "]" * 60
                + "}"
            },
            r"configuration\.training: .* valid dictionary",
        ),
        (
            {
                "configuration": '{"network": {"a": '
                + "[" * 60
                + "]" * 60
                + '}, "data": {}, "training": {}}'
            },
            "too deeply",
        ),
        ({"data": None}, "lacks 'data'"),
        ({"callbacks": None}, "lacks 'callbacks'"),
        ({"callbacks": '{"early_stopping_1": 3}'}, r"callbacks\.early_stopping_1: .* dictionary"),
        ({"position": json.dumps({**POSITION, "stop_reason": 3})}, r"position\.stop_reason: "),
        ({"position": json.dumps({**POSITION, "stop_reason": "\x1b"})}, "control characters"),
        ({"position": json.dumps({**POSITION, "stop_reason": "x" * 301})}, "at most 300"),
    ],
)
def test_a_forged_header_is_refused(tmp_path, metadata, message):
    path = saved(tmp_path, 4)
    with pytest.raises(ChainruleError, match=message):
        parse_checkpoint(forged(path, **metadata), path)


@pytest.mark.parametrize(
    ("arrays", "metadata", "message"),
    [
        ({"dense_1.W": None}, {}, "expected dense_1.W"),
        ({"dense_1.W": np.ones((3, 2))}, {}, r"found float64 of shape \(3, 2\)"),
        ({"dense_1.W": np.ones((2, 3), np.float32)}, {}, "found float32"),
        (
            {"optimizer.m": np.full(13, np.nan)},
            {},
            "optimizer.m holds numbers that are not finite",
        ),
        ({"../../x": np.ones(1)}, {}, r"holds \.\./\.\./x, which nothing asks for"),
        ({"losses": np.ones(5)}, {}, "expected losses"),
        ({"order": np.array([0, 1, 2, 3, 3])}, {}, "does not name every case once"),
        ({"order": np.array([0, 1, 2, 3, 9])}, {}, "does not name every case once"),
        ({"order": np.array([0, 1, 2, 3, -1])}, {}, "does not name every case once"),
        ({"order": np.arange(5.0)}, {}, "expected order"),
        ({"order": np.arange(6)}, {}, "expected order"),
        ({}, {"position": json.dumps({**POSITION, "epoch": 9})}, "expected losses"),
        ({}, {"position": json.dumps({**POSITION, "steps": 5})}, "with 1 finished epochs and 5"),
        ({}, {"columns": "[]"}, "holds history.seconds, which nothing asks for"),
        ({f"history.{name}": np.ones(2) for name in COLUMNS}, {}, "with 2 finished epochs"),
    ],
)
def test_a_checkpoint_of_another_training_changes_nothing(tmp_path, arrays, metadata, message):
    path = saved(tmp_path, 4)
    checkpoint = parse_checkpoint(forged(path, arrays, **metadata), path)
    other = trainer()
    before = other.network.theta.copy()
    with pytest.raises(ChainruleError, match=message):
        checkpoint.restore(other)
    assert np.array_equal(other.network.theta, before)
    assert (other.epoch, other.minibatch, other.optimizer.steps) == (0, 0, 0)
    assert not other.optimizer.state["m"].any()


def test_a_file_that_is_no_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "c.safetensors")
    with pytest.raises(ChainruleError, match="no ordinary file"):
        read_checkpoint(tmp_path / "c.safetensors")


def test_parameters_alone_are_no_checkpoint(tmp_path):
    save_parameters(tmp_path / "p.safetensors", network())
    with pytest.raises(ChainruleError, match="it holds no SHA-256"):
        read_checkpoint(tmp_path / "p.safetensors")


def test_the_checksum_of_data_follows_every_bit_and_the_order():
    parts = [
        DATA,
        Part(X[::-1], T),
        Part(X, T[::-1]),
        Part(X.astype(np.float32), T),
        Part(X.reshape(10, 1), T),
        Part(np.nextafter(X, 2), T),
    ]
    assert len({checksum(part.x, part.t) for part in parts}) == len(parts)
    assert checksum(np.asfortranarray(X), T.copy()) == checksum(X, T)


@pytest.mark.parametrize(
    "column", [np.ones(2), np.ones((1, 1)), np.ones(1, np.float32), np.ones(1, np.int64)]
)
def test_a_column_that_is_none_is_refused(tmp_path, column):
    path = saved(tmp_path, 4)
    with pytest.raises(ChainruleError, match="no checkpoint of a training"):
        parse_checkpoint(forged(path, {"history.seconds": column}), path)


def test_figures_that_are_not_finite_come_back(tmp_path):
    made, path = trainer(4), tmp_path / "c.safetensors"
    made.run()
    figures = [float("inf"), float("-inf"), float("nan"), 5e-324, 1 / 3]
    row = made.history.rows[0]
    made.history.rows += [
        {**row, "epoch": k, "validation_loss": figure} for k, figure in enumerate(figures, 2)
    ]
    save_checkpoint(path, made, CONFIGURATION, {})
    found = read_checkpoint(path).history
    assert repr(found.rows) == repr(made.history.rows)
    assert [*found.rows[0]] == ["epoch", *COLUMNS]


def test_a_failed_write_keeps_the_older_parameters(tmp_path, monkeypatch):
    path = tmp_path / "p.safetensors"
    save_parameters(path, network(seed=1))
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ChainruleError, match="No space left"):
        save_parameters(path, network(seed=2))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["p.safetensors"]
