"""NumPy's functions on nodes give nodes; what the graph has not is told."""

import numpy as np
import pytest

from chainrule.autodiff import Node, gradient, variable
from chainrule.core.errors import ShapeError

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
