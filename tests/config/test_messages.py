"""What a user reads after a slip of the pen: one change to a good file, one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainrule.config import load_config
from chainrule.core.errors import ConfigError
from chainrule.core.schema import found

GOOD = """\
network:
  loss: cross_entropy
  layers:
    - {size: 10, activation: relu}
    - {size: 4}
    - softmax
data:
  generator: shapes
training: {epochs: 3}
"""
OPTIMIZER = "{epochs: 3}", "{optimizer: {type: momentum, momentum: 1.5, nestrov: true}}"


def messages(text: str, folder: Path) -> list[str]:
    path = folder / "n.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert all(problem.path == path for problem in caught.value.problems)
    return [str(problem).removeprefix(f"{path}:") for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("relu", "rellu", "4:30: unknown activation 'rellu'; did you mean 'relu'? Known: linear,"),
        ("relu", "swish", "4:30: unknown activation 'swish'; did you mean 'silu'?"),
        ("relu", "{type: rellu}", "4:37: unknown activation 'rellu'; did you mean 'relu'?"),
        ("relu", "{slope: 1}", "4:30: missing key 'type' (the activation: linear,"),
        ("relu", "{type: leaky_relu, slop: 1}", "4:49: unknown key 'slop'; did you mean 'slope'?"),
        ("relu", "{type: elu, alpha: big}", "4:49: alpha must be a finite number, found 'big'"),
        ("relu", "5", "4:30: activation must be the name of an activation (linear,"),
        ("size: 10", "size: 1.5", "4:14: size must be a whole number of at least 1, found 1.5"),
        ("size: 10", "size: ten", "4:14: size must be a whole number of at least 1, found 'ten'"),
        ("size: 10", "size: 0", "4:14: size must be a whole number of at least 1, found 0"),
        ("size: 10", "size: true", "4:14: size must be a whole number of at least 1, found true"),
        ("size: 10", "size: ", "4:8: size must be a whole number of at least 1, found nothing"),
        ("size: 10", "siz: 10", "4:8: unknown key 'siz'; did you mean 'size'? Known: type, size,"),
        ("{size: 4}", "{activation: tanh}", "5:7: missing key 'size' (the number of units)"),
        ("{size: 4}", "{}", "5:7: a dense layer needs a size; write {size: 10, activation: relu}"),
        ("{size: 4}", "{type: conv}", "5:14: unknown layer type 'conv'; did you mean 'conv2d'?"),
        (
            "{size: 4}",
            "{type: 4}",
            "5:14: type must be the word for a kind of layer, such as",
        ),
        ("{size: 4}", "4", "5:7: layer 2 must be softmax, or a mapping such as {size: 10}, found"),
        ("{size: 4}", "{size: 4, name: a b}", "5:23: name must be a word of letters, digits,"),
        ("softmax", "sofmax", "6:7: unknown layer type 'sofmax'; did you mean 'softmax'?"),
        (
            "softmax",
            "{type: softmax, lr: 1}",
            "6:23: key 'lr' belongs under network as 'learning_rate'",
        ),
        ("relu", "relu, weights: [1, -1]", "4:45: weights must be a range [low, high] of finite"),
        ("relu", "relu, weights: -0.1", "4:45: weights must be a range [low, high] of finite"),
        ("relu", "relu, weights: true", "4:45: weights must be a range [low, high] of finite"),
        ("relu", "relu, weights: xavier", "4:45: unknown start of weights 'xavier'; did you mean"),
        ("relu", "relu, biases: hee", "4:44: unknown start of biases 'hee'; did you mean 'he'?"),
        ("cross_entropy", "crossentropy", "2:9: unknown loss 'crossentropy'; did you mean 'cross"),
        (
            "  layers",
            "  learning_rate: -1\n  layers",
            "3:18: learning_rate must be",
        ),
        ("  layers", "  learning_rate: .nan\n  layers", "3:18: learning_rate must be a finite"),
        (
            "  layers",
            "  dtype: int8\n  layers",
            "3:10: unknown dtype 'int8'. Known:",
        ),
        ("  layers", "  penalty: {type: L3, rate: 1}\n  layers", "3:19: unknown penalty 'L3'. Kn"),
        ("shapes", "spiral", "8:14: unknown generator 'spiral'; did you mean 'spirals'? Known: s"),
        ("shapes", "shapes\n  size: 60", "9:9: size must be a whole number from 10 to 50, found"),
        (
            "shapes",
            "shapes\n  nois: 0",
            "9:3: unknown key 'nois'; did you mean 'noise'?",
        ),
        (
            "shapes",
            "shapes\n  arms: 3",
            "9:3: unknown key 'arms'. Known: generator,",
        ),
        ("shapes", "shapes\n  noise: 2", "9:10: noise must be a number from 0 to 1, found 2"),
        (
            "shapes",
            "shapes\n  classes: [cross, cirle]",
            "9:20: unknown shape 'cirle'; did you",
        ),
        ("shapes", "shapes\n  noise: .nan", "9:10: noise must be a number from 0 to 1, found nan"),
        ("shapes", "shapes\n  classes: [cross]", "9:12: classes must be a list of at least 2 sha"),
        ("shapes", "shapes\n  classes: [cross, Cross]", "9:20: cross stands twice among the cla"),
        (
            "shapes",
            "shapes\n  classes: 99",
            "9:12: classes must be a list of at least 2 shapes",
        ),
        (
            "shapes",
            "shapes\n  width: [9, 4]",
            "9:10: width must be a range [low, high] of",
        ),
        (
            "shapes",
            "shapes\n  width: 1",
            "9:10: width must be a range [low, high] of",
        ),
        (
            "shapes",
            "shapes\n  split: [70, 20, 20]",
            "9:10: split takes fractions that sum to 1",
        ),
        ("shapes", "shapes\n  split: [700, 200, 100]", "9:10: split takes fractions that sum to"),
        ("shapes", "shapes\n  split: [1, 1, -1]", "9:10: split must be three fractions [training"),
        ("shapes", "shapes\n  split: [0.7, 0.2, 0.1000001]", "9:10: the fractions of split must"),
        ("shapes", "shapes\n  seed: -1", "9:9: seed must be a whole number of at least 0, found"),
        (
            "shapes",
            "shapes\n  split: [0.5, 0.2, 0.1]",
            "9:10: the fractions of split must sum to 1; 0.5 + 0.2 + 0.1 = 0.8",
        ),
        (
            "shapes",
            "shapes\n  file: a.csv",
            "9:9: data come from one of generator, file, folder, name, text or x, found both "
            "'generator' and 'file'",
        ),
        (
            "generator: shapes",
            "name: mnist",
            "8:9: unknown data set 'mnist'; did you mean 'digits'?",
        ),
        ("generator: shapes", "file: 5", "8:9: file must be a text (in quotes"),
        ("generator: shapes", "file: a\n  lable: first", "9:3: unknown key 'lable'; did you mean"),
        ("generator: shapes", "folder: a\n  size: [1]", "9:9: size must be a whole number from 1"),
        ("\n  generator: shapes", " 5", "7:7: data must be a mapping of keys to values, such as"),
        ("epochs: 3", "epochs: -1", "9:20: epochs must be a whole number of at least 0, found -1"),
        ("epochs: 3", "batch_size: half", "9:24: batch_size must be a whole number of at least 1"),
        ("epochs: 3", "shuffle: yes", "9:21: shuffle must be true or false, found 'yes'"),
        ("epochs: 3", "epoch: 3", "9:12: unknown key 'epoch'; did you mean 'epochs'? Known: epoc"),
        ("epochs: 3", "engine: gpu", "9:20: unknown engine 'gpu'. Known: auto, numpy"),
        ("epochs: 3", "optimizer: {type: adam, beta1: 1.0}", "9:43: beta1 must be at least 0 and"),
        ("{epochs: 3}", "[1, 2]", "9:11: training must be a mapping of keys to values, found [1"),
        ("data:", "dataset:", "7:1: unknown key 'dataset'; did you mean 'data'? Known: network,"),
        (
            "data:",
            "network: {}\ndata:",
            "7:1: duplicate key 'network'; it stands at",
        ),
    ],
)
def test_each_slip_has_one_message(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    (only,) = messages(GOOD.replace(old, new), tmp_path)
    assert only.startswith(message)


def test_everything_wrong_is_said_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = GOOD.replace("relu", "rellu").replace("size: 4", "size: 0").replace("epoch", "epok")
    text = text.replace("    - softmax\n", "").replace("shapes", "shapes\n  noise: 3")
    lines = [message.split(":")[0] for message in messages(text, tmp_path)]
    assert lines == ["2", "4", "5", "8", "9"]


def test_two_wrong_options_of_one_entry_are_both_reported(tmp_path: Path) -> None:
    first, second = messages(GOOD.replace(*OPTIMIZER), tmp_path)
    assert first == "9:50: momentum must be at least 0 and below 1, found 1.5"
    assert second.startswith("9:55: unknown key 'nestrov'; did you mean 'nesterov'?")


@pytest.mark.parametrize("text", ["", "# only a remark\n", "---\n"])
def test_an_empty_file_is_named_so(tmp_path: Path, text: str) -> None:
    (only,) = messages(text, tmp_path)
    assert "empty" in only


@pytest.mark.parametrize("text", ["hello world\n", "- a\n- b\n", "1,2,3\n4,5,6\n"])
def test_a_file_that_is_no_configuration_is_told_what_one_is(tmp_path: Path, text: str) -> None:
    (only,) = messages(text, tmp_path)
    assert only.startswith("1:1: a configuration has the parts network:, data: and training:")


def test_what_was_found_is_shortened() -> None:
    assert len(found(list(range(1000)))) == 60
    assert found({"a": [None, False]}) == "{a: [nothing, false]}"


def test_an_integer_too_long_to_be_written_is_named_by_its_length() -> None:
    network = {"loss": "mse", "layers": [{"size": 1}]}
    with pytest.raises(ConfigError, match=r"epochs must be at most .*, found a whole number of"):
        load_config({"network": network, "training": {"epochs": 10**5000}})
