from __future__ import annotations

from typing import Any

import pytest

from chainrule.config import load_config
from chainrule.core.errors import ConfigError


def problems(layers: list[Any], loss: Any = "mse", data: Any = None) -> list[str]:
    config = {"network": {"loss": loss, "layers": layers}, "data": data}
    try:
        load_config(config)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []


def test_softmax_is_last() -> None:
    (only,) = problems(["softmax", {"size": 2}, {"size": 3}, "softmax"], "cross_entropy")
    assert only.startswith("network.layers[0]: softmax must be the last layer, but it is layer 1")
    assert len(problems([{"size": 2}, {"type": "Softmax"}, "softmax"], "cross_entropy")) >= 1


@pytest.mark.parametrize(
    ("last", "word"),
    [({}, "linear"), ({"activation": "tanh"}, "tanh"), ({"activation": {"type": "elu"}}, "elu")],
)
def test_cross_entropy_needs_a_distribution(last: dict[str, Any], word: str) -> None:
    (only,) = problems([{"size": 2}, {"size": 3, **last}], "cross_entropy")
    assert only.startswith("network.loss: cross_entropy needs a distribution as the output")
    assert f"layer 2, the last one, is {word}:" in only
    assert "add softmax" in only


def test_binary_cross_entropy_needs_a_sigmoid() -> None:
    assert problems([{"size": 1, "activation": "Sigmoid"}], "binary_cross_entropy") == []
    for layers in ([{"size": 1}], [{"size": 2}, "softmax"]):
        (only,) = problems(layers, "binary_cross_entropy")
        assert only.startswith("network.loss: binary_cross_entropy needs outputs from 0 to 1")


@pytest.mark.parametrize("loss", ["mse", "mae", "hinge", "huber", "log_cosh"])
def test_other_losses_may_follow_softmax(loss: str) -> None:
    assert problems([{"size": 2}, "softmax"], loss) == []


def test_a_word_that_cannot_stand_alone_before_a_softmax_is_reported() -> None:
    (only,) = problems(["dense", {"type": "softmax", "size": 3}], "cross_entropy")
    assert only.startswith("network.layers[0]: a dense layer needs a size")


def test_a_network_has_a_dense_layer() -> None:
    (only,) = problems(["softmax"], "cross_entropy")
    assert only.startswith("network.layers: a network needs at least one dense layer")


def test_names_are_distinct_the_automatic_ones_among_them() -> None:
    twice = [{"size": 2, "name": "a"}, {"size": 2, "name": "a"}]
    assert problems(twice) == ["network.layers[1].name: layer 1 and layer 2 are both named 'a'"]
    hidden = [{"size": 2, "name": "dense_2"}, {"size": 2}]
    (only,) = problems(hidden)
    assert "both named 'dense_2'" in only
    assert problems([{"size": 2, "name": "dense_1"}, {"size": 2}]) == []


def test_a_softmax_has_the_size_before_it() -> None:
    assert problems([{"size": 4}, {"type": "softmax", "size": 4}]) == []
    (only,) = problems([{"size": 4}, {"type": "softmax", "size": 5}])
    assert only == (
        "network.layers[1].size: softmax has the size of the layer before it, 4, found 5"
    )


D = {"size": 3}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([{**D, "inputs": 5}, D], "[0].inputs: inputs must be the name of a layer, or a list of"),
        ([{**D, "inputs": "a b"}, D], "[0].inputs: inputs must be the name of a layer, or a list"),
        ([{**D, "inputs": [["input"]]}, D], "[0].inputs: inputs must be the name of a layer, or"),
        ([{**D, "name": "input"}, D], "[0].name: 'input' is what the network is given, no name"),
        (
            [D, {"type": "add"}, D],
            "[1]: add_1 needs the names of at least two inputs, and has non",
        ),
        ([D, "add", D], "[1]: add_1 needs the names of at least two inputs, and has none"),
        ([{"type": "add", "inputs": ["input"]}, D], "[0].inputs: add_1 needs the names of at lea"),
        (
            [{**D, "inputs": ["input", "dense_2"]}, D],
            "[0].inputs: dense_1, of type dense, takes o",
        ),
        (
            [{**D, "inputs": "dense_2"}, D],
            "[0].inputs: the layers feed each other in a circle: de",
        ),
        (
            [{**D, "inputs": "dense_1"}, D],
            "[0].inputs: the layers feed each other in a circle: de",
        ),
        (
            [{**D, "inputs": "dense"}, D],
            "[0].inputs: unknown input of dense_1 'dense'; did you me",
        ),
        (
            [D, {**D, "inputs": "input"}],
            "[0]: the output of dense_1 goes nowhere; name it in the ",
        ),
        (
            [{"type": "add", "inputs": ["input", "input"], "size": 3}, D],
            "[0].size: unknown key 'size'. Known: type, name, inputs",
        ),
    ],
)
def test_what_feeds_what_is_judged_as_the_network_judges_it(
    layers: list[Any], message: str
) -> None:
    (only,) = problems(layers)
    assert only.startswith(f"network.layers{message}")


@pytest.mark.parametrize(
    "layers",
    [
        [{**D, "inputs": []}, {**D, "inputs": None}],
        [{"type": "add", "inputs": ["input", "input"]}, D],
        [
            {**D, "name": "b", "inputs": "a"},
            {**D, "name": "a", "inputs": "input"},
            {"type": "Add", "inputs": ["a", "b"]},
        ],
    ],
)
def test_any_order_and_any_source_may_be_named(layers: list[Any]) -> None:
    assert problems(layers) == []


def test_a_wrong_value_breaks_no_rule_beside_its_own_message() -> None:
    assert len(problems([{"size": 1, "activation": "sigmoyd"}], "binary_cross_entropy")) == 1
    assert len(problems([{"size": 1}, "sofmax"], "cross_entropy")) == 1
    assert len(problems([{"size": "two"}, {"type": "softmax", "size": 3}])) == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"width": [6, 20]}, "width: width must fit into images of 16 x 16 pixels, found [6, 20]"),
        ({"size": 10, "height": 11}, "height: height must fit into images of 10 x 10 pixels, fou"),
        (
            {"thickness": 17},
            "thickness: thickness must fit into images of 16 x 16 pixels",
        ),
        ({"count": 3}, "count: count 3 is too small for 4 classes"),
        ({"generator": "spirals", "arms": 5, "count": 4}, "count: count 4 is too small for 5 cla"),
        (
            {"file": "a", "validation_file": "b", "split": [0.7, 0.2, 0.1]},
            "split[1]: the validation part of split must be 0: validation_file gives it",
        ),
        ({"file": "a", "test_labels": "b"}, "test_labels: test_labels is given, but no test_file"),
        (
            {"file": "a", "labels": "b", "test_file": "c"},
            "test_file: test_file is given, but no test_labels",
        ),
    ],
)
def test_data_fit_together(data: dict[str, Any], message: str) -> None:
    (only,) = problems([{"size": 1}], data=data)
    assert only.startswith(f"data.{message}")


def test_a_part_with_its_own_file_needs_no_fraction() -> None:
    files = {"file": "a", "validation_file": "b", "test_file": "c"}
    assert problems([{"size": 1}], data=files) == []
    assert problems([{"size": 1}], data={**files, "split": [1, 0, 0]}) == []
