"""Every operation of the graph, by its own name and by NumPy's, against other derivations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from operation_cases import CASES, ELEMENTWISE, MISSING, shapes_for

from chainrule.autodiff import (
    OPERATIONS,
    Node,
    apply,
    concatenate,
    conv2d,
    gradient,
    log_softmax,
    maximum,
    minimum,
    relu,
    softmax,
    variable,
    where,
)
from chainrule.core.errors import ShapeError

STEP = 1e-30


def weighted(function, weights):
    """Σ weights ⊙ f: a number in which every number of f counts differently."""
    return lambda *arguments: (function(*arguments) * weights).sum()


def tuple_of(found):
    return found if isinstance(found, tuple) else (found,)


def check_both_derivatives(case, shapes, rng):
    """∇L v and H v of L = Σ w ⊙ f, against the imaginary parts of L and ∇L at x + i h v."""
    arguments = case.arguments(shapes, rng)
    directions = [rng.normal(size=a.shape) for a in arguments]
    value = case.function(*map(variable, arguments)).value
    L = weighted(case.function, rng.normal(size=value.shape))
    moved = [a + 1j * STEP * v for a, v in zip(arguments, directions, strict=True)]

    def along(*points):
        found = tuple_of(gradient(L, *points))
        return sum((g * v).sum() for g, v in zip(found, directions, strict=True))

    expected = np.imag(L(*map(variable, moved)).value) / STEP
    assert close(along(*arguments), expected)
    first = tuple_of(gradient(L, *moved))
    for second, g in zip(tuple_of(gradient(along, *arguments)), first, strict=True):
        assert close(second, np.imag(g) / STEP)


def close(a, b):
    assert np.shape(a) == np.shape(b)
    return np.abs(a - b).max(initial=0.0) <= 1e-11 * max(1.0, np.abs(b).max(initial=0.0))


def test_every_line_of_the_table_is_tried():
    assert not MISSING


@pytest.mark.parametrize("name", CASES)
def test_first_and_second_derivative(name):
    check_both_derivatives(CASES[name], shapes_for(CASES[name]), np.random.default_rng(1))


@pytest.mark.parametrize("name", ELEMENTWISE)
@settings(max_examples=8)
@given(data=st.data())
def test_elementwise_over_shapes(name, data):
    case = ELEMENTWISE[name]
    count = len(case.domains)
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    check_both_derivatives(case, shapes.input_shapes, rng)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_type_is_kept(name, dtype):
    case = CASES[name]
    arguments = case.arguments(shapes_for(case), np.random.default_rng(2))
    arguments = [a.astype(dtype) for a in arguments]
    value = case.function(*map(variable, arguments))
    assert value.dtype == dtype
    found = gradient(lambda *a: (2.5 * case.function(*a)).sum(), *arguments)
    for g, a in zip(tuple_of(found), arguments, strict=True):
        assert g.dtype == dtype
        assert g.shape == a.shape


def slightly_wrong(right, k):
    """The pullback to argument ``k``, a thousandth off."""

    def pullback(j):
        def backward(g, y, *inputs):
            result = right.pullback(j)(g, y, *inputs)
            return result * 1.001 + 0.001 if j == k else result

        return backward

    return replace(right, backward=pullback)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_check_finds_a_derivative_wrong_by_a_thousandth(name, monkeypatch):
    case = CASES[name]
    right, count = OPERATIONS[name], len(case.domains)
    for k in range(name == "where", count + (name == "where")):
        monkeypatch.setitem(OPERATIONS, name, slightly_wrong(right, k))
        with pytest.raises(AssertionError):
            check_both_derivatives(case, shapes_for(case), np.random.default_rng(1))


def test_a_float32_variable_beside_float64_has_a_float32_gradient():
    x, y = np.ones(3, dtype="float32"), np.ones(3)
    gx, gy = gradient(lambda a, b: (a * b).sum(), x, y)
    assert (gx.dtype, gy.dtype) == ("float32", "float64")


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (relu, 0.0),
        (lambda z: relu(z, at_zero=1.0), 1.0),
        (lambda z: maximum(z, 0.0), 0.0),
        (lambda z: maximum(0.0, z), 1.0),
        (lambda z: minimum(z, 0.0), 0.0),
        (abs, 0.0),
    ],
)
def test_the_derivative_at_a_kink(function, slope):
    assert gradient(function, 0.0) == slope


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_whole_powers_at_zero(n):
    """No 0 · ∞ on the way to any derivative of a power."""
    first, second = [0.0, 1.0, 0.0, 0.0][n], [0.0, 0.0, 2.0, 0.0][n]
    assert gradient(lambda x: x**n, 0.0) == first
    assert gradient(lambda x: gradient(lambda u: u**n, x), 0.0) == second
    third = gradient(lambda x: gradient(lambda u: gradient(lambda v: v**n, u), x), 0.0)
    assert third == (6.0 if n == 3 else 0.0)


def test_zero_to_a_power_does_not_move_with_the_power():
    assert gradient(lambda b: 0.0**b, 2.0) == 0.0


def test_where_takes_no_gradient_from_the_side_not_taken():
    x = np.array([-1.0, 4.0])
    found = gradient(lambda z: where(z > 0, z**0.5, -z).sum(), np.abs(x) * np.sign(x) + 0j).real
    assert found == pytest.approx([-1.0, 0.25])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda a: a + np.ones(4), r"add expects .*broadcast together, found \(2, 3\) and \(4,\)"),
        (lambda a: a @ a, r"matmul expects as many columns .* found \(2, 3\) and \(2, 3\)"),
        (lambda a: a.reshape(4), r"reshape expects .* found \(2, 3\), shape 4"),
        (lambda a: a[5], r"getitem expects an index .* found \(2, 3\), key 5"),
        (lambda a: a.sum(axis=2), r"sum expects an axis .* found \(2, 3\), axis 2"),
        (lambda a: concatenate([a, a.T]), r"concatenate expects .*joined one, found \(2, 3\) and"),
        (lambda a: concatenate([]), "at least one array, found none"),
        (lambda a: a.transpose(0, 0), r"transpose expects every axis .*axes \(0, 0\)"),
        (lambda a: a + "x", "values of a graph are numbers, found 'x'"),
        (lambda a: a * [[1.0, 2.0], [3.0]], "rows of one length"),
        (lambda a: np.asarray(a), r"no array: .* write node.value"),
        (lambda a: np.array([a[0], a[1]]), "concatenate for an array of nodes"),
        (lambda a: softmax(a[0, 0]), r"softmax expects rows of at least one number, found \(\)"),
        (lambda a: log_softmax(a[:, :0]), r"rows of at least one number, found \(2, 0\)"),
        (lambda a: apply("sine", a), "unknown operation 'sine'; did you mean 'sin'"),
    ],
)
def test_shapes_that_do_not_fit_are_told(make, says):
    with pytest.raises(ShapeError, match=says):
        make(variable(np.ones((2, 3))))


def test_a_misfit_names_the_nodes():
    with pytest.raises(ShapeError, match=r"found W \(2,\) and x \(3,\)"):
        variable([1.0, 2.0], "W") * variable([1.0, 2.0, 3.0], "x")


# NumPy's functions on nodes give nodes; what the graph has not is told


X = np.array([[0.3, 0.8, 1.4], [0.2, 2.0, 0.7]])


def by_numpy(x):
    y = np.where(x > 0.5, np.exp(-x), np.log1p(x)) + np.sin(x) * np.maximum(x, 0.6)
    y = np.concatenate([y, np.sqrt(np.abs(x))], axis=0).reshape(3, 4) @ np.ones((4, 2))
    return np.sum(np.transpose(y) * np.tanh(np.mean(x)) / np.power(x[0, 0], 2))


def test_one_function_of_arrays_and_of_nodes():
    assert by_numpy(variable(X)).value == by_numpy(X)
    moved = X + 0j
    numeric = np.empty_like(X)
    for place in np.ndindex(*X.shape):
        moved[place] += 1e-30j
        numeric[place] = by_numpy(variable(moved)).value.imag / 1e-30
        moved[place] = X[place]
    assert gradient(by_numpy, X) == pytest.approx(numeric, rel=1e-13)


def test_an_array_on_the_left_makes_one_node():
    for found in (X * variable(X), X + variable(X), X - variable(X), X.T @ variable(X)):
        assert isinstance(found, Node)
    assert (X - variable(2 * X)).value.tolist() == (-X).tolist()
    assert (variable(X) > X).any() is np.False_
    assert (variable(X) >= X).all()
    assert np.shape(variable(X)) == (2, 3)
    assert np.ones_like(variable(X)).tolist() == np.ones((2, 3)).tolist()


def test_comparisons_give_plain_arrays():
    x = variable([0.0, 1.0, 2.0])
    assert (x == 0).tolist() == [True, False, False]
    assert (x != 0).tolist() == (np.zeros(3) != x).tolist() == [False, True, True]
    assert np.equal(x, 1.0).tolist() == [False, True, False]
    assert ((x > 1) & (x <= 2)).tolist() == [False, False, True]
    assert gradient(lambda x: np.where(x == 1, 5.0, x**2).sum(), x.value).tolist() == [0, 0, 4]


def test_iterating_and_unpacking():
    first, second = variable(X)
    assert second.value.tolist() == X[1].tolist()
    assert [float(x.value) for x in first] == X[0].tolist()
    assert len(variable(X)) == 2


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: np.arccosh(x), "np.arccosh is no operation of the graph; there are absolute"),
        (lambda x: np.add.reduce(x), "np.add with reduce is no operation"),
        (lambda x: np.sort(x), "np.sort is no operation"),
        (lambda x: np.sum(x, dtype=int), "np.sum on a node: .*dtype"),
    ],
)
def test_what_the_graph_has_not_is_told(call, says):
    with pytest.raises(ShapeError, match=says):
        call(variable(X))


# Convolution written out in loops, the question's numbers, and what is refused


def in_loops(x, w, b, stride, padding):
    """The definition, one product after the other."""
    x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    (cases, _, height, width), (filters, _, rows, columns) = x.shape, w.shape
    out = (cases, filters, (height - rows) // stride + 1, (width - columns) // stride + 1)
    y = np.empty(out)
    for n, o, i, j in np.ndindex(*out):
        under = x[n, :, i * stride : i * stride + rows, j * stride : j * stride + columns]
        y[n, o, i, j] = (under * w[o]).sum() + b[o]
    return y


@settings(max_examples=30)
@given(st.data())
def test_against_loops(data):
    def size(low=1, high=3):
        return data.draw(st.integers(low, high))

    rng = np.random.default_rng(size(0, 1000))
    channels, filters, rows, columns = size(), size(), size(), size()
    stride, padding = size(), size(0, 2)
    x = rng.normal(size=(size(), channels, size(rows, 6), size(columns, 6)))
    w, b = rng.normal(size=(filters, channels, rows, columns)), rng.normal(size=filters)
    found = conv2d(variable(x), w, b, stride=stride, padding=padding).value
    assert found == pytest.approx(in_loops(x, w, b, stride, padding), rel=1e-12, abs=1e-13)


def test_gradients_are_sums_of_what_was_multiplied():
    """A filter at one place alone: ∂y/∂w is the image under it, ∂y/∂x the filter."""
    x, w = np.arange(4.0).reshape(1, 1, 2, 2), np.array([[[[5.0, 6.0], [7.0, 8.0]]]])
    g_x, g_w = gradient(lambda x, w: conv2d(x, w).sum(), x, w)
    assert (g_x == w).all()
    assert (g_w == x).all()


def test_no_cases_are_no_failure():
    g_x, g_w = gradient(
        lambda x, w: conv2d(x, w).sum(), np.ones((0, 1, 3, 3)), np.ones((2, 1, 2, 2))
    )
    assert g_x.shape == (0, 1, 3, 3)
    assert not g_w.any()


@pytest.mark.parametrize(
    ("x", "w", "options", "says"),
    [
        (
            (1, 2, 4, 4),
            (1, 3, 2, 2),
            {},
            r"same channels, found \(1, 2, 4, 4\) and \(1, 3, 2, 2\)",
        ),
        ((2, 4, 4), (1, 2, 2, 2), {}, "images .cases, channels, height, width."),
        ((1, 1, 2, 2), (1, 1, 3, 3), {}, "filter of 3 × 3 does not fit into images of 2 × 2"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": 0}, "stride .* at least 1, found 0"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"padding": -1}, "padding .* at least 0, found -1"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": (1, 2, 3)}, r"found \(1, 2, 3\)"),
        ((1, 1, 4, 4), (1, 1, 2, 2), {"stride": 1.5}, "found 1.5"),
        ((1, 1, 4, 4), (3, 1, 2, 2), {"b": np.ones(2)}, r"3 filters have the shape \(3,\), found"),
    ],
)
def test_what_does_not_fit_is_told(x, w, options, says):
    with pytest.raises(ShapeError, match=says):
        conv2d(np.ones(x), np.ones(w), **options)
