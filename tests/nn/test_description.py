"""What a network is made of, counted anew from the arrays of real networks."""

from __future__ import annotations

from math import prod

import numpy as np
import pytest

from chainrule.nn import (
    Add,
    AveragePool2D,
    Concatenate,
    Conv2D,
    Dense,
    Flatten,
    LocallyConnected2D,
    MaxPool2D,
    Recurrent,
    Softmax,
)
from chainrule.nn.building import ConnectError
from chainrule.nn.description import describe, describe_config
from chainrule.nn.network import Network

NETWORKS = {
    "chain": (lambda: [Dense(7, "tanh"), Dense(3), Softmax()], 5),
    "residual": (
        lambda: [Dense(4, name="f"), Dense(4), Add(inputs=["input", "dense_2"]), Dense(2)],
        4,
    ),
    "branches": (
        lambda: [
            Dense(2, name="left"),
            Dense(3, name="right", inputs="input"),
            Concatenate(inputs=["left", "right"]),
            Dense(1),
        ],
        4,
    ),
    "images": (
        lambda: [
            Conv2D(4, 3, padding="same"),
            MaxPool2D(2),
            Conv2D(2, [2, 3], stride=[1, 2], bias=False),
            Flatten(),
            Dense(3),
            Softmax(),
        ],
        [3, 8, 10],
    ),
    "unshared": (
        lambda: [LocallyConnected2D(2, 3, stride=2), AveragePool2D(2), Flatten(), Dense(2)],
        [2, 9, 9],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_sizes_are_those_of_the_arrays(name, dtype):
    layers, shape = NETWORKS[name]
    network = Network(layers(), input=shape, loss=None, dtype=dtype)
    found = describe(network)
    assert prod(found.input_shape) == network.input
    assert [layer.name for layer in found.layers] == [layer.name for layer in network.layers]
    network.forward_pass(np.ones((2, network.input)))
    for facts, layer in zip(found.layers, network.layers, strict=True):
        arrays = network.parameters.layer(layer.name)
        assert facts.type == layer.type
        assert facts.parameters == sum(view.size for view in arrays.values())
        assert facts.biases == (arrays["b"].size if "b" in arrays else 0)
        assert prod(facts.output_shape) == layer.z.shape[1]
    assert found.parameters == found.weights + found.biases == len(network.theta)
    assert found.bytes == network.theta.nbytes


@pytest.mark.parametrize("name", NETWORKS)
def test_each_multiplication_is_a_weight_met_by_a_one(name):
    """All weights 1, no biases, x of ones: a layer's outputs sum to its multiplications.

    Where no border is padded; zeros are multiplied too.
    """
    layers, shape = NETWORKS[name]
    network = Network(layers(), input=shape, loss=None)
    for facts, layer in zip(describe(network).layers, network.layers, strict=True):
        if not facts.parameters:
            assert facts.multiplications == 0
        elif getattr(layer, "padding", 0) == 0:
            values = {key: np.full(s, float(key == "W")) for key, s in layer.shapes().items()}
            z, _ = layer.evaluate(np.ones((1, layer.inputs)), values)
            assert z.sum() == facts.multiplications


def test_padded_places_count_as_any():
    found = describe(Network(NETWORKS["images"][0](), input=[3, 8, 10], loss=None))
    assert found.layers[0].multiplications == 4 * 3 * 3 * 3 * 8 * 10


def test_a_start_state_multiplies_nothing():
    layers = [Recurrent(4, start="learnt"), Dense(2)]
    facts, _ = describe(Network(layers, input=[5, 3], loss="mse")).layers
    assert facts.parameters == 4 * 3 + 4 * 4 + 4 + 4
    assert facts.multiplications == 5 * (4 * 3 + 4 * 4)


def test_what_feeds_what():
    found = describe(Network(NETWORKS["branches"][0](), input=4))
    assert [layer.fed_by for layer in found.layers] == [
        ("input",),
        ("input",),
        ("left", "right"),
        ("concatenate_1",),
    ]


def test_a_network_that_no_memory_holds():
    layers = [{"size": 10**7}, {"size": 10**7}, {"size": 2}, "softmax"]
    config = {"input": 10**7, "loss": "cross_entropy", "layers": layers, "dtype": "float32"}
    found = describe_config(config)
    assert found.parameters == 2 * 10**14 + 2 * 10**7 + 2 * (10**7 + 1)
    assert found.bytes == 4 * found.parameters


def test_shapes_that_do_not_fit():
    config = {"input": [3, 4, 4], "loss": "mse", "layers": [{"size": 2}]}
    with pytest.raises(ConnectError, match="3 x 4 x 4"):
        describe_config(config)
