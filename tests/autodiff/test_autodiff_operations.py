"""Each line of the table: first and second derivative against the complex step."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from operation_cases import CASES, ELEMENTWISE, MISSING, shapes_for

from chainrule.autodiff import (
    OPERATIONS,
    apply,
    concatenate,
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
