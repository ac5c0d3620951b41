"""Derivatives of functions, and the walk back through a graph."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.autodiff import (
    Node,
    backpropagate,
    concatenate,
    cos,
    exp,
    gradient,
    hessian,
    jacobian,
    jvp,
    log,
    sin,
    softmax,
    topological,
    variable,
    vjp,
)
from chainrule.core.errors import ShapeError
from chainrule.gradients import central_difference, complex_step

seeds = st.integers(0, 10_000)


def mixed(x):
    """Three numbers of x (4,), none of them simple."""
    return concatenate([(x[1:] * sin(x[:3])), (exp(-x) * x[0]).sum().reshape(1), log(2 + x**2)])


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


@given(seeds)
def test_jacobian_column_for_column(seed):
    x = np.random.default_rng(seed).normal(size=4)
    J = jacobian(mixed, x)
    rows = [complex_step(lambda v, j=j: mixed(variable(v)).value[j], x) for j in range(len(J))]
    assert pytest.approx(np.array(rows), rel=1e-12, abs=1e-13) == J


@given(seeds)
def test_products_with_the_jacobian(seed):
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, 4))
    J = jacobian(mixed, x)
    g = rng.normal(size=len(J))
    assert vjp(mixed, x, g) == pytest.approx(g @ J, rel=1e-12, abs=1e-13)
    assert jvp(mixed, x, v) == pytest.approx(J @ v, rel=1e-12, abs=1e-13)


@given(seeds)
def test_hessian(seed):
    x = np.random.default_rng(seed).normal(size=4)
    H = hessian(rosenbrock, x)
    rows = [complex_step(lambda v, i=i: gradient(rosenbrock, v)[i], x) for i in range(4)]
    assert pytest.approx(np.array(rows), rel=1e-12, abs=1e-10) == H
    assert pytest.approx(H.T, rel=1e-13, abs=1e-11) == H
    numeric = central_difference(lambda v: rosenbrock(variable(v)).value, x)
    assert gradient(rosenbrock, x) == pytest.approx(numeric, rel=1e-8, abs=1e-7)


def test_shapes_of_matrices():
    x = np.arange(6.0).reshape(2, 3)
    assert jacobian(lambda x: x.sum(axis=1), x).shape == (2, 2, 3)
    assert hessian(lambda x: (x**3).sum(), x).shape == (2, 3, 2, 3)
    assert jvp(lambda x: x.sum(axis=1), x, np.ones((2, 3))).tolist() == [3.0, 3.0]
    assert vjp(lambda x: x.sum(axis=1), x, [1.0, 2.0]).tolist() == [[1.0] * 3, [2.0] * 3]


def test_jacobian_of_softmax():
    s = softmax([0.1, 0.2, -1.0]).value
    J = jacobian(softmax, [0.1, 0.2, -1.0])
    assert pytest.approx(np.diag(s) - np.outer(s, s), rel=1e-13) == J


@pytest.mark.parametrize("order", [1, 2, 3, 4, 5, 6])
def test_derivatives_of_any_order(order):
    """The n-th derivative of sin(2x) is 2ⁿ sin(2x + nπ/2)."""

    def f(x):
        return sin(2 * x)

    for _ in range(order):
        f = derivative_of(f)
    expected = 2**order * np.sin(2 * 0.3 + order * np.pi / 2)
    assert f(variable(0.3)).value == pytest.approx(expected, rel=1e-13)


def derivative_of(f):
    return lambda x: gradient(f, x)


def test_an_inner_derivative_does_not_see_the_outer_variable():
    """∂/∂x [x ∂(x + y)/∂y] = 1, not 2."""
    assert gradient(lambda x: x * gradient(lambda y: x + y, 1.0 * x), 3.0) == 1.0
    assert gradient(lambda x: x * gradient(lambda y: x * y, x), 3.0) == 6.0


def test_products_can_be_differentiated_again():
    """∂/∂x of (∂x³/∂x · v) is 6 x v; of g ∂x³/∂x is 6 x g."""
    x = np.array([2.0, 3.0])
    assert gradient(lambda x: jvp(lambda u: u**3, x, [1.0, 10.0]).sum(), x).tolist() == [12, 180]
    assert gradient(lambda x: vjp(lambda u: u**3, x, [1.0, 10.0]).sum(), x).tolist() == [12, 180]
    assert gradient(lambda v: jvp(lambda u: u**3, x, v).sum(), [1.0, 1.0]).tolist() == [12, 27]


def test_hessian_of_a_hessian():
    fourth = jacobian(lambda x: hessian(lambda u: (u**4).sum(), x), [1.0, 2.0])
    assert fourth[1, 1, 1] == 48.0
    assert np.count_nonzero(fourth) == 2


def test_arrays_in_arrays_out_and_nodes_in_nodes_out():
    assert isinstance(gradient(sin, 1.0), np.ndarray)
    assert isinstance(gradient(sin, variable(1.0)), Node)
    assert gradient(sin, np.float32(1.0)).dtype == "float32"


def test_several_arguments():
    found = gradient(lambda a, b, c: (a * b).sum() + c, np.ones(2), np.full(2, 3.0), 1.0)
    assert [g.tolist() for g in found] == [[3.0, 3.0], [1.0, 1.0], 1.0]


def test_a_function_that_does_not_depend_on_x():
    assert gradient(lambda x: 5.0, [1.0, 2.0]).tolist() == [0.0, 0.0]
    assert jacobian(lambda x: np.ones(2), 1.0).tolist() == [0.0, 0.0]
    assert jvp(lambda x: np.ones(2), 1.0, 1.0).tolist() == [0.0, 0.0]
    assert jacobian(lambda x: x[:0], np.ones(3)).shape == (0, 3)


def test_a_linear_function_has_hessian_0():
    assert hessian(lambda x: 3 * x.sum(), [1.0, 2.0]).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gradient(lambda x: x * x, [1.0, 2.0]), r"single number .* shape \(2,\)"),
        (lambda: vjp(lambda x: x, [1.0, 2.0], [1.0]), r"shape \(2,\), found \(1,\)"),
        (lambda: jvp(lambda x: x, [1.0, 2.0], [1.0]), r"shape \(2,\), found \(1,\)"),
        (lambda: gradient(lambda x: x, "three"), "values of a graph are numbers, found 'three'"),
    ],
)
def test_what_does_not_fit_is_told(call, says):
    with pytest.raises(ShapeError, match=says):
        call()


# The way back through a graph: order, sums, length, what is held fixed


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


@pytest.mark.exhaustive
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
