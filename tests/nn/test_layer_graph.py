"""What feeds what: sources by name, the order, and what makes no network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.nn.graph import INPUT, LayerNode, graph_problems, layer_graph, names_of


def messages(*nodes):
    return [(fault.message, fault.layer, fault.key) for fault in graph_problems(nodes)]


def test_a_layer_is_fed_by_the_one_before_it():
    graph = layer_graph(
        [LayerNode("a", "dense"), LayerNode("b", "dense"), LayerNode("softmax", "softmax")]
    )
    assert graph.sources == ((INPUT,), (0,), (1,))
    assert graph.is_chain
    assert graph.order == (0, 1, 2)


def test_a_layer_may_name_one_that_stands_below_it():
    graph = layer_graph(
        [
            LayerNode("b", "dense", ("a",)),
            LayerNode("a", "dense", ("input",)),
            LayerNode("c", "dense", ("b",)),
        ]
    )
    assert graph.sources == ((1,), (INPUT,), (0,))
    assert graph.order == (1, 0, 2)
    assert not graph.is_chain


@given(st.data(), st.integers(1, 12))
def test_each_layer_comes_after_what_feeds_it_and_the_last_comes_last(data, count):
    nodes = [LayerNode("l0", "dense", ("input",))]
    for k in range(1, count):
        names = st.sampled_from([f"l{j}" for j in range(k)] + ["input"])
        chosen = data.draw(st.lists(names, min_size=2, max_size=4))
        nodes.append(LayerNode(f"l{k}", "add", tuple(chosen), joins=True))
    nodes.append(LayerNode("end", "add", (*[node.name for node in nodes], "input"), joins=True))
    assert not messages(*nodes)
    graph = layer_graph(nodes)
    place = {k: at for at, k in enumerate(graph.order)} | {INPUT: -1}
    assert sorted(graph.order) == list(range(len(nodes)))
    assert graph.order[-1] == len(nodes) - 1
    for k, sources in enumerate(graph.sources):
        assert all(place[source] < place[k] for source in sources)


def test_an_input_that_is_not_there_is_told_with_the_nearest_name():
    ((message, layer, key),) = messages(
        LayerNode("first", "dense"),
        LayerNode("b", "dense"),
        LayerNode("sum", "add", ("frist", "b"), joins=True),
    )
    assert message.startswith("unknown input of sum 'frist'; did you mean 'first'?")
    assert (layer, key) == (2, "inputs")


def test_a_circle_is_told_as_a_path():
    ((message, layer, key),) = messages(
        LayerNode("a", "add", ("input", "b"), joins=True),
        LayerNode("b", "dense", ("a",)),
        LayerNode("c", "dense"),
    )
    assert message in (
        "the layers feed each other in a circle: a → b → a",
        "the layers feed each other in a circle: b → a → b",
    )
    assert (layer, key) in ((0, "inputs"), (1, "inputs"))


def test_a_layer_that_feeds_itself_is_a_circle():
    ((message, _, _),) = messages(
        LayerNode("a", "dense", ("a",)), LayerNode("b", "dense", ("input",))
    )
    assert message == "the layers feed each other in a circle: a → a"


def test_an_output_that_goes_nowhere_is_told():
    found = messages(
        LayerNode("a", "dense"), LayerNode("b", "dense"), LayerNode("c", "dense", ("a",))
    )
    assert found == [
        (
            "the output of b goes nowhere; name it in the inputs of another layer, or leave the "
            "layer out",
            1,
            None,
        )
    ]


def test_the_last_layer_feeds_no_other():
    found = messages(
        LayerNode("a", "dense"),
        LayerNode("c", "add", ("a", "b"), joins=True),
        LayerNode("b", "dense", ("input",)),
    )
    assert found == [
        (
            "b, the last layer of the list, is the network's output and feeds no other, but c "
            "names it",
            1,
            "inputs",
        ),
        (
            "the output of c goes nowhere; name it in the inputs of another layer, or leave the "
            "layer out",
            1,
            None,
        ),
    ]


@pytest.mark.parametrize(("sources", "words"), [((), "and has none"), (("a",), "found only a")])
def test_a_join_takes_at_least_two(sources, words):
    ((message, layer, key),) = messages(
        LayerNode("a", "dense"), LayerNode("sum", "add", sources, joins=True)
    )
    assert message == f"sum needs the names of at least two inputs, {words}"
    assert (layer, key) == (1, "inputs")


def test_other_layers_take_one():
    assert messages(LayerNode("a", "dense"), LayerNode("b", "dense", ("a", "input"))) == [
        (
            "b, of type dense, takes one input, found 2: a, input; join them with a layer of type "
            "add or concatenate",
            1,
            "inputs",
        )
    ]


def test_no_layer_is_called_input():
    ((message, layer, key),) = messages(LayerNode("input", "dense"), LayerNode("b", "dense"))
    assert message == "'input' is what the network is given, no name of a layer"
    assert (layer, key) == (0, "name")


def test_names_are_the_type_and_its_number_where_none_is_given():
    types = ["dense", "conv2d", "dense", "dense", "softmax"]
    names = ["dense_1", "conv2d_1", "x", "dense_3", "softmax"]
    assert names_of(types, [None, None, "x", None, None]) == names


def test_a_circle_stands_at_a_layer_that_names_its_input():
    ((message, layer, key),) = messages(
        LayerNode("a", "dense", ("c",)),
        LayerNode("b", "dense"),
        LayerNode("c", "dense"),
        LayerNode("d", "dense"),
    )
    assert message.count(" → ") == 3
    assert (layer, key) == (0, "inputs")
