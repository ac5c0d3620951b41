"""From a configuration's words to layers that fit together."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError
from chainrule.nn import Add, Conv2D, Flatten
from chainrule.nn.activations import Linear, ReLU, Sigmoid, Tanh
from chainrule.nn.building import (
    NETWORK_KEYS,
    ConnectError,
    activation_name,
    connect,
    connected,
    default_loss,
    layers_from_config,
    network_options,
    network_problems,
    nodes_of,
    shape_of_input,
)
from chainrule.nn.graph import INPUT, LayerNode
from chainrule.nn.layer_types import LAYERS
from chainrule.nn.losses import SigmoidCrossEntropy, SoftmaxCrossEntropy, loss_function


def chain(*layers, inputs=3, loss="mse"):
    connect(layers, shape_of_input(inputs), loss_function(loss))
    return layers


def messages(*layers, loss="mse", inputs=3):
    with pytest.raises(ConfigError) as caught:
        chain(*layers, loss=loss, inputs=inputs)
    return [str(problem) for problem in caught.value.problems]


def test_widths_follow_from_the_layer_before():
    layers = chain(Dense(5), Dense(2), Softmax(), loss="cross_entropy")
    assert [(layer.inputs, layer.size) for layer in layers] == [(3, 5), (5, 2), (2, 2)]


def test_layers_are_named_by_type_and_position():
    layers = chain(Dense(5), Dense(4, name="middle"), Dense(2), Softmax(), loss="cross_entropy")
    assert [layer.name for layer in layers] == ["dense_1", "middle", "dense_3", "softmax"]


def test_activations_left_out_are_relu_and_at_the_end_linear():
    layers = chain(Dense(5), Dense(4, "tanh"), Dense(4), Dense(2), Softmax(), loss="cross_entropy")
    kinds = [type(layer.activation) for layer in layers[:4]]
    assert kinds == [ReLU, Tanh, ReLU, Linear]


def test_the_output_is_that_of_the_last_layer_and_of_what_it_passes_on():
    assert [layer.is_output for layer in chain(Dense(5), Dense(2))] == [False, True]
    images = chain(Conv2D(2, 1), Conv2D(2, 1), Flatten(), inputs=[1, 2, 2])
    assert [layer.is_output for layer in images] == [False, True, True]
    one_by_one = chain(Conv2D(2, 1), Flatten(), Dense(2), inputs=[1, 2, 2])
    assert [layer.is_output for layer in one_by_one] == [False, False, True]


def test_a_layer_that_was_the_last_before_is_so_no_longer():
    first, second = Dense(3), Dense(3)
    chain(first)
    chain(first, second)
    assert (first.is_output, second.is_output) == (False, True)


def test_an_activation_that_was_given_stays():
    assert isinstance(chain(Dense(2, "sigmoid"))[0].activation, Sigmoid)


@pytest.mark.parametrize(
    ("entries", "loss", "expected"),
    [
        ([{"size": 2}, "softmax"], "cross_entropy", SoftmaxCrossEntropy),
        ([{"size": 2, "activation": "sigmoid"}], "binary_cross_entropy", SigmoidCrossEntropy),
        ([{"size": 2, "activation": "sigmoid"}], "mse", type(None)),
        ([{"size": 2}, "softmax"], "mse", type(None)),
    ],
)
def test_which_losses_are_computed_from_the_logits(entries, loss, expected):
    pair = connect(layers_from_config(entries), (3,), loss_function(loss)).from_logits
    assert type(pair) is expected


def test_the_loss_left_out_follows_from_the_output():
    assert default_loss(ends_in_softmax=True) == "cross_entropy"
    assert default_loss(ends_in_softmax=False) == "mse"


@pytest.mark.parametrize("inputs", [0, -1, 1.5, 2.0, "3", None, True])
def test_an_input_is_a_whole_number_of_at_least_1(inputs):
    assert messages(Dense(2), inputs=inputs) == [
        f"input must be a whole number of at least 1, found {inputs!r}"
    ]


def test_an_input_may_be_a_number_of_numpy():
    assert chain(Dense(2), inputs=np.int64(4))[0].inputs == 4


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        (1, (1,)),
        ([5], (5,)),
        ((1, 4), (1, 4)),
        ([3, 32, 16], (3, 32, 16)),
        (np.int64(4), (4,)),
        ([np.int8(2), 3], (2, 3)),
    ],
)
def test_the_shape_of_one_case_is_a_number_or_up_to_three_sizes(value, shape):
    found = shape_of_input(value)
    assert found == shape
    assert {type(size) for size in found} == {int}


@pytest.mark.parametrize("value", [[], (1, 2, 3, 4)])
def test_a_case_has_one_to_three_sizes(value):
    with pytest.raises(ConfigError) as caught:
        shape_of_input(value)
    assert str(caught.value) == (
        f"input is a number, [steps, features] or [channels, height, width], found {value!r}"
    )


@pytest.mark.parametrize("size", [0, -1, 2.0, True, None, [3]])
def test_each_size_of_a_case_is_a_whole_number_of_at_least_1(size):
    with pytest.raises(ConfigError) as caught:
        shape_of_input([3, size])
    assert str(caught.value) == f"input must be a whole number of at least 1, found {size!r}"


# What feeds what


def branching():
    return [
        Dense(4, name="a", inputs="input"),
        Dense(5, name="b", inputs="input"),
        Add(name="sum", inputs=["a", "b"]),
    ]


def test_wiring_needs_names_types_and_sources_and_who_joins():
    assert nodes_of(branching()) == [
        LayerNode("a", "dense", ("input",)),
        LayerNode("b", "dense", ("input",)),
        LayerNode("sum", "add", ("a", "b"), joins=True),
    ]


def test_what_cannot_be_connected_says_at_which_layer():
    with pytest.raises(ConnectError) as caught:
        chain(*branching())
    assert str(caught.value) == "sum adds what has one shape, but a gives 4 and b gives 5"
    assert caught.value.layer == 2


def test_a_configuration_is_connected_without_memory_for_parameters():
    size = 10**9
    entries = [{"size": size, "name": "a"}, {"size": 4}]
    layers, graph = connected({"input": size, "loss": "mse", "layers": entries})
    assert [(layer.name, layer.inputs, layer.outputs) for layer in layers] == [
        ("a", size, size),
        ("dense_2", size, 4),
    ]
    assert graph.sources == ((INPUT,), (0,))
    assert [type(layer.activation) for layer in layers] == [ReLU, Linear]


def test_a_configuration_of_a_loss_that_does_not_fit_is_not_connected():
    with pytest.raises(ConfigError, match="cross_entropy needs outputs"):
        connected({"input": 2, "loss": "cross_entropy", "layers": [{"size": 4}]})


def test_softmax_must_be_last():
    assert messages(Dense(2), Softmax(), Dense(2)) == ["softmax must be the last layer"]
    assert "softmax must be the last layer" in messages(Dense(2), Softmax(), Softmax())


def test_a_network_needs_a_dense_layer():
    assert messages() == ["a network needs at least one dense layer, or another with weights"]
    assert messages(Softmax()) == [
        "a network needs at least one dense layer, or another with weights"
    ]


@pytest.mark.parametrize(
    ("entries", "loss", "message"),
    [
        (
            [{"size": 2, "activation": "tanh"}],
            "cross_entropy",
            "cross_entropy needs outputs that are a distribution, but the last layer is dense "
            "with activation tanh; add a softmax layer behind it, or choose another loss",
        ),
        (
            [{"size": 2}],
            "binary_cross_entropy",
            "binary_cross_entropy needs outputs between 0 and 1, but the last layer is dense with "
            "activation linear; give it activation sigmoid, or choose another loss",
        ),
        (
            [{"size": 2}, "softmax"],
            "binary_cross_entropy",
            "binary_cross_entropy needs outputs between 0 and 1, but the last layer is softmax; "
            "give it activation sigmoid, or choose another loss",
        ),
    ],
)
def test_a_loss_for_another_kind_of_output_says_what_to_change(entries, loss, message):
    assert messages(*layers_from_config(entries), loss=loss) == [message]


@pytest.mark.parametrize("name", ["a.b", "a/b", "a\\b"])
def test_a_name_has_no_dot_and_no_slash(name):
    assert messages(Dense(2, name=name)) == [
        f"the name {name!r} must not contain a dot or a slash"
    ]


@pytest.mark.parametrize("name", ["X", "two words", "a-b:c", "Ω"])
def test_a_name_may_hold_anything_else(name):
    assert chain(Dense(2, name=name))[0].name == name


def test_names_are_unique_also_where_one_was_given():
    assert messages(Dense(2, name="dense_2"), Dense(2)) == ["two layers have the name 'dense_2'"]


def test_a_layer_belongs_to_one_network():
    """Otherwise the second network would take the first one's weights away."""
    shared = Dense(2)
    first = Network([shared], input=3, loss="mse", seed=1)
    assert messages(shared) == ["dense_1 already belongs to a network"]
    assert shared.W.base is first.theta


def test_all_faults_come_at_once():
    found = messages(Dense(2, name="a"), Softmax(), Dense(2, name="a"), loss="cross_entropy")
    assert len(found) == 3
    faults = list(network_problems(chain_of_names("a", "a"), loss_function("mse")))
    assert [fault.layer for fault in faults] == [1]


def places(*layers, loss="mse"):
    return [(fault.layer, fault.key) for fault in network_problems(layers, loss_function(loss))]


def test_a_fault_has_its_place():
    bound = chain(Dense(2, name="bound"))[0]
    bound.bind({}, {})
    assert places() == [(None, None)]
    assert places(Softmax(name="s"), Softmax(name="t")) == [(0, None)]
    first, softmax, last = Dense(2, name="a"), Softmax(name="s"), Dense(2, name="b")
    assert places(first, softmax, last) == [(1, None)]
    assert places(first, bound) == [(1, None)]
    assert places(first, Dense(2, name="b.c")) == [(1, None)]
    assert places(first, Dense(2, name="c", inputs="nowhere")) == [(1, "inputs")]
    assert places(first, loss="cross_entropy") == [(None, None)]


def test_where_names_are_wrong_what_feeds_what_is_not_judged():
    """It would be judged by the wrong names."""
    assert messages(Dense(2, name="a.b"), Dense(2, inputs="nowhere")) == [
        "the name 'a.b' must not contain a dot or a slash"
    ]


def chain_of_names(*names):
    return [Dense(2, "linear", name=name) for name in names]


@pytest.mark.parametrize(("value", "name"), [("silu", "silu"), (None, "")])
def test_the_name_of_an_activation(value, name):
    assert activation_name(Dense(2, value)) == name


# Layers from a configuration's list


def test_entries_make_layers():
    layers = layers_from_config(
        [
            {"size": 3, "activation": "tanh", "weights": [-0.1, 0.1], "learning_rate": 0.01},
            {"type": "dense", "size": 2, "activation": None, "learning_rate": None},
            {"type": "basic_layer", "size": 4, "name": "four"},
            "softmax",
        ]
    )
    assert [type(layer) for layer in layers] == [Dense, Dense, Dense, Softmax]
    assert [layer.learning_rate for layer in layers] == [0.01, None, None, None]
    assert layers[2].name == "four"


def test_the_entries_are_left_as_they_were():
    entries = [{"type": "dense", "size": 3}]
    layers_from_config(entries)
    assert entries == [{"type": "dense", "size": 3}]


def test_what_is_wrong_in_any_layer_is_said_at_once_with_its_index():
    entries = [{"size": 0}, {"size": 2}, {"size": 2, "activaton": "tanh"}, "sotfmax", {}, 7]
    with pytest.raises(ConfigError) as caught:
        layers_from_config(entries)
    assert [str(problem) for problem in caught.value.problems] == [
        "layers[0]: size must be a whole number of at least 1, found 0",
        "layers[2]: unknown key of a dense layer 'activaton'; did you mean 'activation'? Known: "
        "size, activation, bias, weights, biases, learning_rate, penalty, name, inputs",
        "layers[3]: unknown type of layer 'sotfmax'; did you mean 'softmax'? "
        f"Known: {', '.join(LAYERS)}",
        "layers[4]: a dense layer needs its size",
        "layers[5]: layer is a name, or a mapping of type and options, found 7",
    ]


def test_softmax_has_no_learning_rate():
    with pytest.raises(ConfigError, match="unknown key of a softmax layer 'learning_rate'"):
        layers_from_config([{"type": "softmax", "learning_rate": 0.1}])


def test_what_is_wrong_in_a_network_is_said_at_once():
    with pytest.raises(ConfigError) as caught:
        network_options({"los": "mse", "optimizer": "sgd", "layers": []})
    found = [str(problem) for problem in caught.value.problems]
    assert found[0].startswith("unknown key of network 'los'; did you mean 'loss'?")
    assert found[1].startswith("unknown key of network 'optimizer'")
    assert found[2:] == [
        "network needs its number of inputs: input",
        "network needs a list of layers: layers",
    ]


def test_a_network_is_a_mapping():
    with pytest.raises(ConfigError) as caught:
        network_options(["dense"])
    keys = ", ".join(NETWORK_KEYS)
    assert str(caught.value) == f"network is a mapping of {keys}, found ['dense']"


def test_the_options_of_a_network_are_a_copy_of_what_is_written():
    config = {"input": 2, "layers": [{"size": 2}], "loss": "mse"}
    found = network_options(config)
    assert found == config
    assert found is not config


@pytest.mark.parametrize("layers", [None, [], "softmax", {"size": 2}, 3])
def test_layers_are_a_list(layers):
    with pytest.raises(ConfigError, match="network needs a list of layers: layers"):
        network_options({"input": 2, "layers": layers})


def test_a_layer_of_filters_says_what_it_needs():
    with pytest.raises(ConfigError) as error:
        layers_from_config([{"type": "conv2d", "size": 3}, {"type": "conv2d", "filters": 2}])
    first, second = map(str, error.value.problems)
    assert first == "layers[0]: a conv2d layer needs a number of filters"
    assert second == "layers[1]: a conv2d layer needs its size"
