"""An embedding: what a dense layer without biases does to one-hot rows, without the rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import Dense, Network, Softmax
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import Add, Embedding, Flatten, Recurrent
from chainrule.nn.layers.embedding import MOST_CLASSES, ByVectors


def one_hot(numbers, classes):
    return (numbers[..., None] == np.arange(classes)).astype(float)


@st.composite
def cases(draw):
    """Class numbers, −1 among them, the number of classes, and the length of the vectors."""
    classes, size = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return rng.integers(-1, classes, shape), classes, size, rng


def rows_and_twin(classes, size, k):
    """A network on k numbers, and one of the same numbers that takes them as one-hot steps."""
    behind = [Dense(3, "linear"), Softmax()]
    embeds = Network([Embedding(size, classes=classes), *behind], input=k, penalty="L2", seed=1)
    dense = Dense(size, "linear", bias=False)
    behind = [Dense(3, "linear"), Softmax()]
    twin = Network([dense, Flatten(), *behind], input=[k, classes], penalty="L2", seed=1)
    twin.theta = embeds.theta
    return embeds, twin


@given(cases())
def test_it_is_a_dense_layer_on_one_hot_rows(case):
    x, classes, size, rng = case
    t = rng.integers(0, 3, len(x))
    embeds, twin = rows_and_twin(classes, size, x.shape[1])
    rows = one_hot(x, classes)
    assert embeds.forward_pass(x) == pytest.approx(twin.forward_pass(rows), abs=1e-14)
    assert embeds.loss(x, t) == pytest.approx(twin.loss(rows, t), abs=1e-14)
    found, expected = embeds.backward_pass(t).vector, twin.backward_pass(t).vector
    assert found == pytest.approx(expected, abs=1e-14)
    embeds.explicit_jacobians = True
    embeds.loss(x, t)
    assert embeds.backward_pass(t, to_input=True).vector == pytest.approx(expected, abs=1e-14)
    assert not embeds.input_gradient.any()


@given(cases(), st.booleans())
def test_its_jacobian_is_a_matrix_of_0_and_1(case, is_complex):
    x, classes, size, rng = case
    J = ByVectors(x, classes, size)
    dense = J.dense()
    assert dense.shape == J.dense_shape == (len(x), x.shape[1] * size, classes, size)
    assert dense.sum() == size * (x >= 0).sum()
    g, v = rng.normal(size=dense.shape[:2]), rng.normal(size=dense.shape[2:])
    if is_complex:
        g, v = g + 1j * rng.normal(size=g.shape), v + 1j * rng.normal(size=v.shape)
    assert J.vjp(g) == pytest.approx(np.einsum("nm,nmcs->cs", g, dense), abs=1e-13)
    assert J.jvp(v) == pytest.approx(np.einsum("nmcs,cs->nm", dense, v), abs=1e-13)
    assert J.cases(slice(0, 1)).jvp(v) == pytest.approx(J.jvp(v)[:1])


def test_a_number_that_occurs_often_gets_the_sum():
    layer = Embedding(2, classes=4)
    Network([layer], input=3, loss="mse")
    layer.forward_pass(np.array([[1.0, 3.0, 1.0], [-1.0, 1.0, 0.0]]))
    J = np.arange(1.0, 13.0).reshape(2, 6)
    assert layer.backward_pass(J, to_input=False) is None
    assert layer.E_grad.tolist() == [[11, 12], [1 + 5 + 9, 2 + 6 + 10], [0, 0], [3, 4]]
    layer.backward_pass(J)
    assert layer.E_grad[1].tolist() == [15, 18]  # and not twice that


def test_a_million_equal_numbers_in_float32_lose_no_digit():
    ones = np.ones((10**6, 1), np.float32)
    assert ByVectors(np.zeros((10**6, 1), int), 2, 1).vjp(0.1 * ones)[0] == pytest.approx(1e5)


def test_steps_become_vectors_and_padding_stays_padding():
    layer = Embedding(2, classes=3)
    network = Network([layer, Recurrent(2), Dense(1)], input=[3, 1], loss="mse", seed=1)
    layer.E = [[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]]
    x = np.array([[2, 0, 1], [1, np.nan, np.nan], [-1, 2, np.nan]])
    y = network.layers[0].forward_pass(x)
    nan = np.nan
    expected = [[20, 21, 0, 1, 10, 11], [10, 11, nan, nan, nan, nan], [0, 0, 20, 21, nan, nan]]
    assert np.array_equal(y, expected, equal_nan=True)
    t = np.ones((3, 3, 1))
    t[np.isnan(x)] = np.nan
    network.loss(x, t)  # rows of numbers stand for steps of one number
    whole = network.backward_pass(t)["embedding_1.E"].copy()
    parts = 0
    for case, length in enumerate((3, 1, 2)):
        alone = Network(
            [Embedding(2, classes=3), Recurrent(2), Dense(1)], input=[length, 1], loss="mse"
        )
        alone.theta = network.theta
        alone.loss(x[case : case + 1, :length], t[case : case + 1, :length])
        parts += alone.backward_pass(t[case : case + 1, :length])["embedding_1.E"]
    assert whole == pytest.approx(parts / 3, abs=1e-15)


@pytest.mark.parametrize(
    ("shape", "x", "place"),
    [
        (2, [[0, 1], [2, 3]], "case 1, number 1 is 3$"),
        (2, [[0, 1.5], [2, 2]], "case 0, number 1 is 1.5; .* not standardized or scaled"),
        (2, [[0, 1], [-2, 9]], "case 1, number 0 is -2, and 1 others do not fit"),
        ([3, 1], [[[0], [1], [np.nan]], [[0], [7], [np.nan]]], "case 1, step 1, number 0 is 7"),
        (1, [[np.nan]], "case 0, number 0 is nan"),
        (1, [[np.inf]], "case 0, number 0 is inf"),
    ],
)
def test_what_is_no_class_number_is_told_with_its_place(shape, x, place):
    last = [] if shape != [3, 1] else [Recurrent(2)]
    network = Network([Embedding(2, classes=3), *last, Dense(1)], input=shape, loss="mse")
    with pytest.raises(ShapeError, match=f"embedding_1 takes .* from 0 to 2, .*{place}"):
        network.forward_pass(x)


def test_a_layer_alone_never_reads_beyond_its_vectors():
    layer = Embedding(2, classes=3)
    Network([layer], input=1, loss="mse")
    for wrong in (3.0, -2.0, np.nan, 1e300):
        with pytest.raises(ShapeError, match="class numbers from 0 to 2"):
            layer.forward_pass(np.array([[wrong]]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Embedding(0, classes=3), "size must be a whole number of at least 1"),
        (lambda: Embedding(2, classes=0), "classes must be a whole number of at least 1"),
        (lambda: Embedding(2, classes=MOST_CLASSES + 1), "classes is at most 16,777,216"),
        (lambda: Network([Embedding(2)], input=1), "embedding_1 must be told how many"),
        (lambda: Network([Embedding(2, classes=3)], input=[1, 2, 2]), "has the shape 1 x 2 x 2"),
        (
            lambda: Network([Dense(2), Embedding(2, classes=3)], input=1),
            "embedding_1 takes class numbers, which only the network's input has",
        ),
        (
            lambda: Network(
                [Dense(2, name="a"), Add(inputs=["a", "input"]), Embedding(2, classes=3)], input=2
            ),
            "embedding_1 takes class numbers, which only the network's input has",
        ),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_it_has_vectors_and_neither_weights_nor_biases():
    layer = Embedding(4, classes=100, weights=[-0.5, 0.5])
    Network([layer], input=1, loss="mse", seed=3)
    assert layer.E.shape == (100, 4)
    assert -0.5 <= layer.E.min() < -0.4
    assert 0.4 < layer.E.max() <= 0.5
    with pytest.raises(ShapeError, match="whose vectors are called E"):
        _ = layer.W
    with pytest.raises(ShapeError, match="has no biases"):
        _ = layer.b
    glorot = Embedding(300, classes=300)
    Network([glorot], input=1, loss="mse")
    assert np.abs(glorot.E).max() == pytest.approx(0.1, rel=1e-3)  # √(6 / 600)


def test_complex_numbers_go_through():
    network = Network([Embedding(2, classes=3), Dense(1, "linear")], input=1, loss="mse", seed=1)
    theta = network.theta + 1e-20j * np.ones_like(network.theta)
    slope = network.loss([[1]], [[0.5]], theta).imag / 1e-20
    network.loss([[1]], [[0.5]])
    assert slope == pytest.approx(network.backward_pass([[0.5]]).vector.sum(), rel=1e-14)
    assert network.forward_pass(np.array([[1 + 1e-20j]])).imag == 0
