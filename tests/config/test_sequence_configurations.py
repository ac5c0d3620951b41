"""What a configuration says of recurrent layers and of sequences, and slips of the pen in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.config import load_config
from chainrule.config.load import Config
from chainrule.config.reading.yaml_writer import write_yaml
from chainrule.core.errors import ChainruleError
from chainrule.runs.resolve import resolve

GOOD = """\
network:
  loss: mse
  layers:
    - {type: recurrent, size: 3, activation: tanh}
    - {size: 1}
data:
  generator: echo
  steps: 9
  count: 30
training: {epochs: 1}
"""
START = ("size: 3,", "size: 3, start: [0.1, 0.2],")


def config_of(text: str, folder: Path) -> Config:
    path = folder / "n.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def messages(text: str, folder: Path) -> list[str]:
    with pytest.raises(ChainruleError) as caught:
        resolve(config_of(text, folder))
    path = folder / "n.yaml"
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "recurrent",
            "recurent",
            "4:14: unknown layer type 'recurent'; did you mean 'recurrent'?",
        ),
        ("size: 3, ", "", "4:7: missing key 'size'"),
        (
            "size: 3,",
            "size: 3, outputs: lst,",
            "4:43: unknown outputs 'lst'; did you mean 'last'?",
        ),
        ("size: 3,", "size: 3, bias: 1,", "4:40: bias must be true or false, found 1"),
        ("size: 3,", "size: 3, truncate: 0,", "4:44: truncate must be a whole number of at leas"),
        ("size: 3,", "size: 3, start: learned,", "4:41: start must be zeros, learnt, or a list"),
        (*START, "4:41: start has a number for each of the 3 units, found 2"),
        ("tanh", "tahn", "4:46: unknown activation 'tahn'; did you mean 'tanh'?"),
        ("size: 3,", "size: 3, outputs: last,", "4:7: the data have a target for every step, but"),
        ("steps: 9", "steps: 9\n  delay: 9", "9:10: delay must be less than the number of steps"),
        ("steps: 9", "steps: [5, 9]", "8:10: delay must be less than the number of steps, 5"),
        ("steps: 9", "steps: [9, 5]", "8:10: steps must be a range [low, high] of whole numbers"),
        ("steps: 9", "stepz: 9", "8:3: unknown key 'stepz'; did you mean 'steps'?"),
        ("steps: 9", "of: bit", "8:7: unknown kind of echo 'bit'; did you mean 'bits'?"),
        ("steps: 9", "standardize: true", "8:16: standardize is for rows of numbers and images,"),
        ("mse", "mse\n  input: [8, 1]", "3:10: the network has input [8, 1], but the data have 9"),
        (
            "mse",
            "mse\n  input: 9",
            "5:7: recurrent_1, a recurrent layer, takes a sequence [steps,",
        ),
        ("mse", "cross_entropy", "2:9: cross_entropy needs a distribution as the output"),
        ("epochs: 1", "clip_gradient_norm: 0", "10:32: clip_gradient_norm must be a finite numb"),
        ("epochs: 1", "clip_gradient_nor: 1", "10:12: unknown key 'clip_gradient_nor'; did you"),
    ],
)
def test_a_slip_of_the_pen_is_told_with_its_place(tmp_path, old, new, message):
    assert GOOD.count(old) == 1
    found = messages(GOOD.replace(old, new), tmp_path)
    assert found[0].startswith(message), found[0]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("type: lstn, size: 3", "4:14: unknown layer type 'lstn'; did you mean 'lstm'?"),
        ("type: lstm", "4:7: missing key 'size'"),
        (
            "type: lstm, size: 2, start: [1, 2]",
            "4:36: start has 4 numbers, one a unit of h and then of c, found 2",
        ),
        (
            "type: gru, size: 2, start: [1]",
            "4:35: start has a number for each of the 2 units, found 1",
        ),
        ("type: lstm, size: 3, forget_bais: 1", "4:29: unknown key 'forget_bais'; did you mean"),
        ("type: gru, size: 3, forget_bias: 1", "4:28: unknown key 'forget_bias'"),
        (
            "type: lstm, size: 3, forget_bias: open",
            "4:42: forget_bias must be a finite number, or null",
        ),
        (
            "type: lstm, size: 3, bias: false, forget_bias: 1",
            "4:55: with bias: false there is no bias of the forget gate; leave one of the two out",
        ),
        ("type: lstm, size: 3, activation: relu", "4:29: unknown key 'activation'"),
        ("type: gru, size: 3, truncate: 0", "4:38: truncate must be a whole number of at least"),
    ],
)
def test_a_slip_in_a_layer_with_gates_is_told_with_its_place(tmp_path, layer, message):
    old = "type: recurrent, size: 3, activation: tanh"
    assert GOOD.count(old) == 1
    found = messages(GOOD.replace(old, layer), tmp_path)
    assert found[0].startswith(message), found[0]


def test_a_text_needs_a_size_for_each_character(tmp_path):
    (tmp_path / "t.txt").write_text("abcabcab" * 20)
    text = GOOD.replace("generator: echo", "text: t.txt").replace("  count: 30\n", "")
    text = text.replace("mse", "cross_entropy").replace(
        "- {size: 1}", "- {size: 2}\n    - softmax"
    )
    [found] = messages(text, tmp_path)
    assert "the last layer has size 2, but the data have 3 classes: a, b, c" in found


def test_what_the_file_leaves_open_is_written_out(tmp_path):
    config = config_of(GOOD, tmp_path)
    config = resolve(config).config
    assert config.network["input"] == [9, 1]
    [first, _] = config.network["layers"]
    assert first["recurrent_weights"] == first["weights"] == "glorot"
    assert first["outputs"] == "all"
    assert first["start"] == "zeros"
    assert first["bias"] is True
    again = config_of(write_yaml({"network": config.network, "data": config.data}), tmp_path)
    assert again.network == config.network
    assert again.data == config.data


def test_the_compact_form_has_it_too(tmp_path):
    path = tmp_path / "n.txt"
    path.write_text(
        "GLOBALS\nloss: mse\nLAYERS\n"
        "type: recurrent size: 2 act: linear outputs: all start: (0.5 0) truncate: 3 ur: zeros\n"
        "size: 1\nDATA\ngenerator: echo count: 20\nTRAINING\nclip_gradient_norm: 2.0\n"
    )
    config = load_config(path)
    layer = config.network["layers"][0]
    assert layer["type"] == "recurrent"
    assert layer["start"] == [0.5, 0.0]
    assert layer["truncate"] == 3
    assert layer["recurrent_weights"] == "zeros"
    assert config.training["clip_gradient_norm"] == 2.0
    network = resolve(config).network
    assert network.layers[0].truncate == 3
