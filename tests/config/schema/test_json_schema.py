from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from chainrule.config import load_config
from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.config.schema.configuration import json_schema
from chainrule.core.errors import ConfigError
from chainrule.data.generators.shapes import ImageGenerator
from chainrule.nn.activations import ACTIVATIONS
from configurations import configurations

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").rglob("*.yaml"))
SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA
    assert SCHEMA["$schema"].endswith("2020-12/schema")


@pytest.mark.exhaustive
@given(configurations())
def test_it_takes_every_valid_configuration(config: dict[str, Any]) -> None:
    VALIDATOR.validate(config)
    VALIDATOR.validate(read_yaml(load_config(config).to_yaml()).value)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_it_takes_the_examples(path: Path) -> None:
    VALIDATOR.validate(read_yaml(path.read_text(encoding="utf-8")).value)


@pytest.mark.parametrize(
    "change",
    [
        {"network": {"loss": "mse"}},
        {"network": {"loss": "msee", "layers": [{"size": 1}]}},
        {"network": {"loss": "mse", "layers": [{"size": 1.5}]}},
        {"network": {"loss": "mse", "layers": [{"size": 1, "units": 2}]}},
        {"network": {"loss": "mse", "layers": ["sofmax"]}},
        {"network": {"loss": "mse", "layers": []}},
        {"data": {"generator": "spirals", "size": 3}},
        {"data": {"generator": "shapes", "classes": ["circle", "blob"]}},
        {"data": {"name": "mnist"}},
        {"training": {"epochs": -1}},
        {"training": {"optimizer": {"type": "adam", "momentum": 1}}},
        {"trainig": {}},
    ],
)
def test_it_refuses_what_an_editor_can_see(change: dict[str, Any]) -> None:
    good = {"network": {"loss": "mse", "layers": [{"size": 1}, "softmax"]}}
    VALIDATOR.validate(good)
    assert not VALIDATOR.is_valid({**good, **change})


@pytest.mark.parametrize(
    "optimizer",
    ["sgd", {"type": "sgd"}, {"type": "adam"}, {"type": "momentum", "nesterov": True}],
)
def test_it_takes_entries_by_name_and_with_options(optimizer: Any) -> None:
    network = {"loss": {"type": "mse"}, "layers": [{"size": 1, "activation": {"type": "relu"}}]}
    VALIDATOR.validate({"network": network, "training": {"optimizer": optimizer}})


D = {"size": 1}


@pytest.mark.parametrize(
    "layers",
    [
        [{**D, "inputs": "input"}, D],
        [{**D, "inputs": ["input"]}, D],
        [{**D, "inputs": []}, {**D, "inputs": None}],
        [{"type": "add", "inputs": ["input", "input"]}, D],
        [{**D, "name": "a"}, {"type": "concatenate", "inputs": ["a", "input"], "name": "b"}, D],
    ],
)
def test_it_takes_inputs_as_the_reader_does(layers: Any) -> None:
    config = {"network": {"loss": "mse", "layers": layers}}
    load_config(config)
    VALIDATOR.validate(config)


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "add", "inputs": "input"}, D],
        [{"type": "add", "inputs": ["input"]}, D],
        [{"type": "concatenate"}, D],
        [{"type": "concatenate", "inputs": None}, D],
        [{"type": "add", "inputs": ["input", "in put"]}, D],
        [{**D, "inputs": ["input", "input"]}, D],
        [{**D, "inputs": 5}, D],
    ],
)
def test_it_refuses_inputs_as_the_reader_does(layers: Any) -> None:
    config = {"network": {"loss": "mse", "layers": layers}}
    with pytest.raises(ConfigError):
        load_config(config)
    assert not VALIDATOR.is_valid(config)


def test_every_key_is_described_and_every_word_is_listed() -> None:
    sections = [SCHEMA, *SCHEMA["$defs"].values()]
    for section in sections:
        for name, field in section["properties"].items():
            assert field.get("description"), name
            assert "title" not in field
            assert field.get("default", 0) is not None or "null" in json.dumps(field), name
    text = json.dumps(SCHEMA)
    for word in (*ACTIVATIONS, *ImageGenerator.CLASSES, "glorot_normal", "momentum", "numpy"):
        assert f'"{word}"' in text


@pytest.mark.parametrize(
    "layer",
    [
        {"size": 2, "weights": [[1, 2]], "biases": [0.1, 0.2, 0.3]},
        {"size": 2, "weights": {"values": [[1, 2]]}, "biases": {"values": [1, 2]}},
        {"size": 2, "weights": {"file": "W.npy"}, "biases": {"range": [0, 1]}},
        {"type": "gru", "size": 2, "recurrent_biases": [1, 2], "start": {"learnt": [0.1, 0.2]}},
        {"type": "batch_norm", "weights": "zeros", "biases": [1, 2, 3]},
        {"type": "conv2d", "filters": 1, "size": 1, "weights": [[[[0.5]]]]},
    ],
    ids=str,
)
def test_it_takes_weights_by_hand(layer: dict[str, Any]) -> None:
    config = {"network": {"layers": [layer]}, "data": {"x": [[1, 2]], "t": ["yes"]}}
    VALIDATOR.validate(config)
    for wrong in ({"weights": {"values": 3}}, {"weights": [["a"], 3]}, {"biases": ["a", "b"]}):
        assert not VALIDATOR.is_valid({"network": {"layers": [{**layer, **wrong}]}})
