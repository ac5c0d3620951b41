"""What `load` asks before it takes memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainrule import ChainruleError, Network, load, train

CONFIG = {
    "network": {"layers": [{"size": 5}, {"size": 3}, "softmax"]},
    "data": {"generator": "spirals", "count": 30},
    "training": {"epochs": 1, "engine": "numpy"},
}
IMAGES = {
    "network": {
        "layers": [{"type": "conv2d", "filters": 2, "size": 3}, "flatten", {"size": 2}, "softmax"]
    },
    "data": {"generator": "shapes", "size": 10, "count": 30, "classes": 2},
    "training": {"epochs": 1, "engine": "numpy"},
}
SEQUENCES = {
    "network": {"loss": "mse", "layers": [{"type": "recurrent", "size": 3}, {"size": 1}]},
    "data": {"generator": "echo", "count": 20},
    "training": {"epochs": 1, "engine": "numpy"},
}


@pytest.mark.parametrize(
    ("config", "old", "new", "message"),
    [
        (CONFIG, "size: 5", "size: 40000000", r"expected dense_1.W of shape \(2, 40000000\)"),
        (CONFIG, "input: 2", "input: 70000000", r"expected dense_1.W of shape \(70000000, 5\)"),
        (IMAGES, "filters: 2", "filters: 9000000", r"expected conv2d_1.W of shape \(9000000, "),
        (IMAGES, "[1, 10, 10]", "[1, 20000, 20000]", "expected dense_1.W of shape"),
        (SEQUENCES, "size: 3", "size: 20000", r"expected recurrent_1.U of shape \(20000, 20000\)"),
    ],
)
def test_sizes_are_compared_before_a_network_is_made(
    folder, monkeypatch, config, old, new, message
):
    train(config, run="r")
    text = Path("r/config.yaml").read_text()
    assert old in text
    Path("r/config.yaml").write_text(text.replace(old, new, 1))
    monkeypatch.setattr(Network, "from_config", lambda *_: pytest.fail("memory was taken"))
    monkeypatch.setattr("chainrule.runs.resolve.machine_memory", lambda: 2**60)
    with pytest.raises(ChainruleError, match=message):
        load("r")


def test_sizes_beyond_every_machine_are_refused(folder):
    train(CONFIG, run="r")
    path = Path("r/config.yaml")
    path.write_text(path.read_text().replace("size: 5", "size: 900000000000"))
    with pytest.raises(ChainruleError, match=r"and this machine has .*: a smaller size is needed"):
        load("r")


@pytest.mark.parametrize("words", [["evaluate", "r"], ["predict", "r", "d.csv"], ["plot", "r"]])
def test_the_commands_end_in_a_message(command, words):
    Path("d.csv").write_text("1,2\n3,4\n")
    train(CONFIG, run="r")
    path = Path("r/config.yaml")
    path.write_text(path.read_text().replace("size: 5", "size: 40000000"))
    done = command(*words)
    assert (done.status, done.out) == (2, "")
    assert "found shape (2, 5)" in done.err


def test_outputs_without_parameters_take_memory_as_well(folder):
    """Padding has no parameters: the file of θ fits."""
    padded = {"type": "max_pool2d", "size": 9, "padding": 4}
    layers = [{"type": "conv2d", "filters": 1, "size": 1, "padding": 1}, padded, "flatten"]
    config = {**IMAGES, "network": {"layers": [*layers, {"size": 2}, "softmax"]}}
    train(config, run="r")
    path = Path("r/config.yaml")
    path.write_text(path.read_text().replace("padding: 1}", "padding: 400000}"))
    path.write_text(path.read_text().replace("padding: 1,", "padding: 400000,"))
    assert "400000" in path.read_text()
    with pytest.raises(ChainruleError, match="outputs of layers; it takes at least"):
        load("r")


def test_a_network_beyond_the_memory_is_refused_however_large_its_file(folder, monkeypatch):
    train(CONFIG, run="r")
    monkeypatch.setattr("chainrule.runs.resolve.machine_memory", lambda: 700)
    with pytest.raises(ChainruleError, match=r"config.yaml:\d+:.*the network has 33 parameters"):
        load("r")


@pytest.mark.parametrize("name", ["parameters.safetensors", "checkpoint.safetensors"])
def test_a_file_larger_than_the_memory_is_not_read(folder, monkeypatch, name):
    train(CONFIG, run="r")
    os.truncate(f"r/{name}", 2**40)  # a hole, which takes no room on the disk
    message = f"{name}: the file has [0-9,]+ bytes; at most"
    with pytest.raises(ChainruleError, match=message):
        load("r") if name.startswith("p") else train(CONFIG, run="r", resume=True)


def test_a_scaling_is_compared_with_the_inputs_first(folder, monkeypatch):
    train({**CONFIG, "data": {**CONFIG["data"], "standardize": True}}, run="r")
    os.truncate("r/scaling.safetensors", 2**30)
    monkeypatch.setattr(
        "chainrule.runs.run_folder.read_tensors", lambda _: pytest.fail("it is read")
    )
    with pytest.raises(ChainruleError, match=r"scaling.safetensors: this is no whole"):
        load("r")
