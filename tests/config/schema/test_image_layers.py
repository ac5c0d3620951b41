"""Layers on images in a configuration: their keys, their errors, and the input from the data."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule
from chainrule.config.load import load_config
from chainrule.core.errors import ConfigError
from chainrule.runs.resolve import describe_network, resolve_data

CONV = {"type": "conv2d", "filters": 2, "size": 3}
REST = ["flatten", {"size": 3}, "softmax"]
SHAPES = {"generator": "shapes", "size": 12, "classes": 3, "count": 60}


def config(*layers, data=SHAPES, **network):
    return load_config(
        {"network": {"layers": [*layers, *REST], **network}, "data": data, "training": {}}
    )


def test_every_key_reaches_its_layer():
    full = {
        "filters": 4, "size": [3, 2], "stride": [2, 1], "padding": [1, 0], "bias": False,
        "activation": "tanh", "weights": "he", "learning_rate": 0.5, "name": "eyes",
    }  # fmt: skip
    loaded = config(
        {"type": "conv2d", **full},
        {"type": "average_pool2d", "size": 2, "stride": 1, "padding": 1},
        {"type": "locally_connected2d", "filters": 2, "size": 2, "biases": [0, 1]},
        "max_pool2d",
        input=[1, 12, 12],
    )
    network = chainrule.Network.from_config(loaded.network)
    eyes, mean, local, largest, *_ = network.layers
    assert (eyes.filter_size, eyes.stride, eyes.padding) == ((3, 2), (2, 1), (1, 0))
    assert (eyes.bias, eyes.learning_rate, eyes.name) == (False, 0.5, "eyes")
    assert type(eyes.activation).__name__ == "Tanh"
    assert (mean.window_size, mean.stride, mean.padding) == ((2, 2), (1, 1), (1, 1))
    assert 0 < local.b.min() < local.b.max() < 1
    assert (largest.window_size, largest.stride) == ((2, 2), (2, 2))


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        ({"type": "conv2d", "size": 3}, r"layers\[0\]: missing key 'filters'"),
        ({**CONV, "size": 0}, "size must be a whole number of at least 1, or two: .*found 0"),
        ({**CONV, "stride": [1, 2, 3]}, r"two: \[height, width\], found \[1, 2, 3\]"),
        ({**CONV, "padding": "sane"}, "same or valid, found 'sane'"),
        ({**CONV, "bias": "no"}, "bias must be true or false"),
        ({**CONV, "stide": 2}, "unknown key 'stide'.*stride"),
        ({"type": "conv2"}, "unknown layer type 'conv2'.*conv2d"),
        ({"type": "flatten", "size": 3}, "unknown key 'size'"),
    ],
)
def test_what_is_wrong_with_a_layer_is_told(layer, says):
    with pytest.raises(ConfigError, match=says):
        config(layer)


def test_what_does_not_fit_is_told_at_the_layer(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "network:\n  input: [1, 12, 12]\n  layers:\n    - {type: conv2d, filters: 2, size: 3}\n"
        "    - {type: max_pool2d, size: 11}\n    - flatten\n    - {size: 3}\n    - softmax\n"
    )
    says = r"c\.yaml:5:7: .*11 × 11 does not fit into images of 10 × 10"
    with pytest.raises(ConfigError, match=says):
        describe_network(load_config(file))


def test_the_input_is_the_shape_of_the_images():
    assert describe_network(config(CONV)).input_shape == (1, 12, 12)
    run = chainrule.train(config(CONV).replace(training={"epochs": 1}), save=False)
    assert run.config.network["input"] == [1, 12, 12]
    assert run.network.layers[0].output_shape == (2, 10, 10)


@pytest.fixture
def coloured(tmp_path):
    x = np.random.default_rng(1).normal(size=(12, 5, 4, 3))
    np.savez(tmp_path / "x.npz", x=x, t=np.arange(12) % 3)
    return x, {"file": str(tmp_path / "x.npz"), "split": [1, 0, 0]}


@pytest.mark.parametrize("stated", [None, [3, 5, 4]])
def test_the_network_gets_a_plane_a_colour(coloured, stated):
    x, data = coloured
    first = config(CONV, data=data, input=stated)
    seen = resolve_data(first).train.x.reshape(-1, 3, 5, 4)
    assert {tuple(np.round(row.ravel(), 9)) for row in seen} == {
        tuple(np.round(row.transpose(2, 0, 1).ravel(), 9)) for row in x
    }
    run = chainrule.train(first.replace(training={"epochs": 1}), save=False)
    assert (run.config.network["input"], run.config.data["channels"]) == ([3, 5, 4], "first")


def test_a_dense_network_sees_images_as_they_are(coloured):
    x, data = coloured
    plain = load_config({"network": {"layers": [{"size": 3}, "softmax"]}, "data": data})
    rows = {tuple(np.round(row.ravel(), 9)) for row in x}
    assert {tuple(np.round(row, 9)) for row in resolve_data(plain).train.x} == rows


def test_predicting_from_the_same_file_gives_the_same_outputs(coloured, command, folder):
    x, data = coloured
    loaded = config(CONV, data={**data, "standardize": True}).replace(training={"epochs": 1})
    run = chainrule.train(loaded, run=folder / "run")
    outcome = command("predict", folder / "run", data["file"])
    assert outcome.status == 0
    planes = x.transpose(0, 3, 1, 2)
    expected = run.network.forward_pass(run.scaling.apply(planes.reshape(12, -1)))
    names = [line.split(",")[0] for line in outcome.out.splitlines()]
    assert [str(k) for k in expected.argmax(axis=1)] == names[-12:]
