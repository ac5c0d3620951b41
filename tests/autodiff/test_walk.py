"""The way back through a graph: order, sums, length, what is held fixed."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.autodiff import backpropagate, cos, exp, sin, topological, variable
from chainrule.core.errors import ShapeError


@given(st.data())
def test_every_node_comes_once_and_after_its_inputs(data):
    nodes = [variable(1.0), variable(2.0)]
    for _ in range(data.draw(st.integers(1, 30))):
        a, b = (data.draw(st.sampled_from(nodes)) for _ in range(2))
        nodes.append(a + b)
    order = topological(nodes[-1])
    assert len(set(order)) == len(order)
    place = {node: k for k, node in enumerate(order)}
    assert all(place[s] < place[node] for node in order for s in node.inputs)
    assert order[-1] is nodes[-1]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=30))
def test_a_value_used_often_gets_the_sum(pairs):
    """Sums of sums: the gradient counts the ways from x to the output."""
    x = variable(1.0)
    nodes, ways = [x], [1]
    for a, b in pairs:
        a, b = a % len(nodes), b % len(nodes)
        nodes.append(nodes[a] + nodes[b])
        ways.append(ways[a] + ways[b])
    assert backpropagate(nodes[-1], [x])[0].value == ways[-1]


def test_one_node_as_both_arguments():
    x = variable(3.0)
    assert backpropagate(x * x, [x])[0].value == 6.0
    assert backpropagate(x / x, [x])[0].value == 0.0
    assert backpropagate(x**x, [x])[0].value == pytest.approx(27 * (1 + np.log(3)), rel=1e-15)


def test_a_chain_of_a_hundred_thousand_operations():
    x = variable(1.0)
    y = x
    for _ in range(50_000):
        y = y * 1.00001 + 1e-6
    gradient = backpropagate(y, [x])[0]
    assert gradient.value == pytest.approx(1.00001**50_000, rel=1e-9)
    del x, y, gradient
    gc.collect()  # to let go of a long chain must not overflow the stack either


def test_a_shared_value_is_gone_back_through_once():
    """Doubling forty times has 2⁴⁰ ways; the walk has forty steps."""
    x = y = variable(1.0)
    for _ in range(40):
        y = y + y
    assert backpropagate(y, [x])[0].value == 2.0**40


def test_gradients_of_nodes_within_the_graph():
    x = variable(2.0)
    u = sin(x)
    v = u * x
    g_x, g_u, g_v = backpropagate(exp(v), [x, u, v])
    assert g_v.value == np.exp(v.value)
    assert g_u.value == g_v.value * 2.0
    assert g_x.value == pytest.approx(g_v.value * (2 * np.cos(2.0) + np.sin(2.0)), rel=1e-15)


def test_what_is_held_fixed_lets_nothing_through():
    x = variable(2.0)
    u = sin(x)
    v = u * x
    assert backpropagate(v, [x], cut=[u])[0].value == u.value
    assert backpropagate(v, [u], cut=[u])[0].value == 2.0
    assert backpropagate(v, [x], cut=[v])[0].value != u.value


def test_what_the_output_does_not_depend_on_has_gradient_0():
    x, other = variable([1.0, 2.0]), variable(np.ones((2, 3), dtype="float32"))
    found = backpropagate(cos(x).sum(), [other])[0]
    assert found.shape == (2, 3)
    assert found.dtype == "float32"
    assert not found.value.any()


def test_a_gradient_of_zero_is_still_a_gradient():
    x = variable(0.0)
    assert backpropagate(x * x, [x])[0].value == 0.0


def test_the_output_itself():
    x = variable([1.0, 2.0])
    assert backpropagate(x, [x])[0].value.tolist() == [1.0, 1.0]


def test_a_seed_of_another_shape_is_told():
    x = variable([1.0, 2.0])
    with pytest.raises(ShapeError, match=r"output's shape \(2,\), found \(3,\)"):
        backpropagate(x * x, [x], variable(np.ones(3)))
