"""Parameters to and from safetensors files."""

from __future__ import annotations

import json
import os
import struct

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from chainrule import ChainruleError, Dense, Network
from chainrule.checkpoint import load_parameters, save_checkpoint, save_parameters
from chainrule.training import Part, Settings, Trainer


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


def test_a_checkpoint_holds_theta_the_optimisers_vectors_and_the_position(tmp_path):
    part = Part(np.ones((5, 2)), np.ones((5, 1)))
    net = network()
    trainer = Trainer(net, part, part, Settings(3, 2, seed=8, optimizer="adam"), classes=False)
    trainer.run()
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, trainer)
    arrays = load_file(path)
    assert arrays["optimizer.m"].shape == arrays["optimizer.v"].shape == net.theta.shape
    assert np.array_equal(arrays["dense_1.W"], net.layers[0].W)
    with safe_open(path, "numpy") as file:
        position = json.loads(file.metadata()["position"])
    assert position == {"epoch": 3, "minibatch": 3, "steps": 9, "seed": 8}


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
