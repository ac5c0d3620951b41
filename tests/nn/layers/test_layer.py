"""What every layer has, connected or not."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import Add


@pytest.mark.parametrize("make", [lambda: Dense(3), Softmax, lambda: Add(inputs=["a", "b"])])
def test_before_it_is_connected_a_layer_knows_nothing_of_its_neighbours(make):
    layer = make()
    assert (layer.name, layer.learning_rate, layer.delta, layer.context.buffers) == (
        "",
        None,
        None,
        None,
    )
    assert (layer.inputs, layer.outputs, layer.bound, layer.explicit) == (0, 0, False, False)
    assert (layer.input_shape, layer.output_shape) == ((), ())


def test_a_layer_knows_that_it_belongs_to_a_network():
    network = Network([Dense(3), Softmax()], input=4)
    assert [layer.bound for layer in network.layers] == [True, True]


def test_a_layer_without_units_has_no_size_before_it_is_connected():
    assert Softmax().size == 0


def test_a_layer_shows_what_it_is_and_its_shapes_as_far_as_they_are_known():
    network = Network([Dense(3, name="one"), Dense(2), Softmax()], input=4)
    assert [repr(layer) for layer in network.layers] == [
        "Dense one: 4 → 3",
        "Dense dense_2: 3 → 2",
        "Softmax softmax: 2 → 2",
    ]
    join = Add(inputs=["a", "b"], name="sum")
    join.connect((2, 3), (2, 3))
    assert repr(join) == "Add sum: 12 → 2 x 3"
    assert repr(Dense(3)) == "Dense : ? → 3"
    assert repr(Softmax(name="s")) == "Softmax s: ? → ?"


@pytest.mark.parametrize(
    ("inputs", "sources"), [(None, ()), ("stem", ("stem",)), (["a", "b"], ("a", "b")), ([], ())]
)
def test_inputs_are_kept_as_a_tuple_of_names(inputs, sources):
    assert Add(inputs=inputs).sources == sources


@pytest.mark.parametrize("inputs", [[3], [""], ["a", None], [["a"]]], ids=str)
def test_inputs_that_are_no_names_are_refused(inputs):
    with pytest.raises(ConfigError) as caught:
        Dense(2, inputs=inputs)
    assert str(caught.value) == f"inputs are names of layers, found {inputs!r}"


def test_a_layer_without_parameters_has_nothing_to_draw():
    with pytest.raises(NotImplementedError, match=r"^Softmax has no parameter W$"):
        Softmax().draw("W", np.random.default_rng(0))


def test_a_learning_rate_may_be_0():
    assert Dense(2, learning_rate=0).learning_rate == 0


def test_a_layer_of_no_network_has_no_parameters_yet():
    with pytest.raises(ShapeError, match=r"^a layer has no W before it belongs to a network$"):
        Dense(3).forward_pass(np.ones((1, 2)))
