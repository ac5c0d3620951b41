"""Weights by hand in a configuration: how they are written, and what is said of a slip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.config import load_config
from chainrule.core.errors import ConfigError

DATA = {"x": [[0.05, 0.10]], "t": [[0.01, 0.99]]}
W, B = [[0.15, 0.25], [0.20, 0.30]], [0.35, 0.60]


def config(layer: dict[str, Any], **network: Any) -> dict[str, Any]:
    parts = {"loss": "mse", "layers": [layer], **network}
    return {"network": parts, "data": DATA, "training": {"epochs": 0}}


def parameters(layer: dict[str, Any]) -> dict[str, Any]:
    run = chainrule.train(config(layer), save=False)
    return {name: values.tolist() for name, values in run.network.parameters.items()}


def refusal(layer: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        chainrule.train(config(layer), save=False)
    return str(caught.value)


@pytest.mark.parametrize("weights", [W, {"values": W}, np.array(W), tuple(map(tuple, W))], ids=str)
@pytest.mark.parametrize("biases", [B, {"values": B}, np.array(B)], ids=str)
def test_every_way_to_write_them_is_the_same(weights: Any, biases: Any) -> None:
    layer = {"size": 2, "weights": weights, "biases": biases}
    assert parameters(layer) == {"dense_1.W": W, "dense_1.b": B}
    again = load_config(load_config(config(layer)).parts)
    assert again == load_config(config(layer))


def test_what_is_written_reads_again_as_it_was(tmp_path: Any) -> None:
    """Two numbers beside weights by hand are values; a range there stays one."""
    for biases in (B, {"range": [0.1, 0.2]}, 0.5, [0.2, 0.1], "zeros", {"values": [0.1, 0.2]}):
        found = load_config(config({"size": 2, "weights": W, "biases": biases}))
        path = tmp_path / "again.yaml"
        path.write_text(found.to_yaml())
        assert load_config(path) == found
    drawn = load_config(config({"size": 2, "biases": [0.1, 0.2]}))
    assert drawn.network["layers"][0]["biases"] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"weights": [[1, 2], [3]]}, "rows of one length; found 2 in row 0, 1 in row 1"),
        ({"weights": [[1, "a"], [3, 4]]}, "found 'a' at [0][1]"),
        ({"weights": [1, 2, 3]}, "rows of numbers [[...], [...]], {file: W.npy}, or glorot"),
        ({"weights": [[1, 2, 3], [4, 5, 6]]}, "(2, 2), (inputs, units); found (2, 3)"),
        ({"weights": {"fil": "W.npy"}}, "{range: [low, high]}, {values: [...]} or {file: W.npy}"),
        ({"weights": {"file": "W.npy", "arry": "W"}}, "unknown key 'arry'; did you mean 'array'?"),
        ({"weights": {"range": [2, 1]}}, "the lower first"),
        ({"biases": [0.2, 0.1]}, "as one number a unit write {values: [0.2, 0.1]}"),
        ({"weights": W, "biases": [1, 2, 3]}, "have the shape (2,), (units,); found (3,)"),
        ({"bias": False, "biases": [1, 2, 3]}, "leave one of the two out"),
        ({"bias": [1, 2]}, "how they start is written as biases: [1, 2]"),
        ({"weights": "W.npy"}, "weights from a file are {file: W.npy}"),
        ({"weights": "xavier"}, "or numbers of one's own [[...], [...]]"),
        ({"kernel": W}, "unknown key 'kernel'; did you mean 'weights'?"),
        ({"b": B}, "unknown key 'b'; did you mean 'biases'?"),
    ],
)
def test_a_slip_is_told_with_what_is_expected(layer: dict[str, Any], message: str) -> None:
    assert message in refusal({"size": 2, **layer})


def test_a_wrong_shape_is_told_at_its_line(tmp_path: Any) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(
        "network:\n  loss: mse\n  layers:\n    - size: 2\n      weights: [[1, 2]]\n"
        "data: {x: [[1, 2]], t: [[3, 4]]}\n"
    )
    with pytest.raises(ConfigError, match=r"net.yaml:5:16: weights of dense_1 have the shape"):
        chainrule.train(path, save=False)


@pytest.mark.parametrize(
    "engine", ["numpy", pytest.param("compiled", marks=pytest.mark.exhaustive)]
)
def test_the_rate_of_biases_holds_where_no_layer_has_its_own(engine: str) -> None:
    layers = [{"size": 2, "weights": W, "biases": B}, {"size": 2, "learning_rate": 0.1}]
    made = config({}, layers=layers, bias_learning_rate=0)
    made["training"] = {"epochs": 2, "engine": engine}
    run = chainrule.train(made, save=False)
    first, second = run.network.layers
    assert first.b.tolist() == B
    assert first.W.tolist() != W
    assert second.b.any()
    assert run.engine == engine
    with pytest.raises(ConfigError, match="bias_learning_rate must be a finite number of at lea"):
        load_config(config({"size": 2}, bias_learning_rate=-1))
