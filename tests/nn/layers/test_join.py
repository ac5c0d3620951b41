"""Add and concatenate: what they compute, what they send back, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError, ShapeError
from chainrule.nn import Add, Concatenate

SHAPES = st.sampled_from([(3,), (2, 3), (2, 3, 4)])


def connected(layer, *shapes):
    layer.name = "join"
    layer.connect(*shapes)
    return layer


def rows(rng, cases, *shapes):
    return [rng.normal(size=(cases, *shape)) for shape in shapes]


@given(SHAPES, st.integers(2, 4), st.integers(1, 5))
def test_add_is_the_sum(shape, terms, cases):
    arrays = rows(np.random.default_rng(0), cases, *[shape] * terms)
    layer = connected(Add(inputs=["a"] * terms), *[shape] * terms)
    x = layer.gather([a.reshape(cases, -1) for a in arrays])
    assert layer.output_shape == shape
    np.testing.assert_allclose(layer.forward_pass(x).reshape(cases, *shape), sum(arrays), 1e-15)
    J = rows(np.random.default_rng(1), cases, shape)[0].reshape(cases, -1)
    for part in layer.part(layer.backward_pass(J)):
        np.testing.assert_array_equal(part, J)


@given(st.integers(1, 3), st.lists(st.integers(1, 4), min_size=2, max_size=4), st.integers(1, 4))
def test_concatenate_joins_channels_or_features(axes, widths, cases):
    axis = 1 if axes == 2 else 0
    shapes = [tuple(np.insert([2, 3][: axes - 1], axis, width)) for width in widths]
    shapes = [tuple(map(int, shape)) for shape in shapes]
    arrays = rows(np.random.default_rng(0), cases, *shapes)
    layer = connected(Concatenate(inputs=["a"] * len(widths)), *shapes)
    expected = np.concatenate(arrays, axis=axis + 1)
    assert layer.output_shape == expected.shape[1:]
    x = layer.gather([a.reshape(cases, -1) for a in arrays])
    np.testing.assert_array_equal(layer.forward_pass(x).reshape(expected.shape), expected)
    # What goes back to each source is its own part of J, in its own shape.
    parts = layer.part(layer.backward_pass(layer.forward_pass(x)))
    for part, array in zip(parts, arrays, strict=True):
        np.testing.assert_array_equal(part.reshape(array.shape), array)


@pytest.mark.parametrize("kind", [Add, Concatenate])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_explicit_jacobians_say_the_same(kind, shape):
    layer = connected(kind(inputs=["a", "b"]), shape, shape)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, layer.inputs))
    y = layer.forward_pass(x)
    J, g, v = layer.jacobians()["x"], rng.normal(size=y.shape), rng.normal(size=x.shape)
    dense = J.dense()
    assert dense.shape == J.dense_shape
    np.testing.assert_allclose(J.vjp(g), np.einsum("nj,nji->ni", g, dense))
    np.testing.assert_allclose(J.jvp(v), np.einsum("nji,ni->nj", dense, v))
    np.testing.assert_allclose(y, np.einsum("nji,ni->nj", dense, x))
    np.testing.assert_allclose(J.cases(slice(1, 3)).vjp(g[1:]), J.vjp(g)[1:])
    layer.explicit = True
    np.testing.assert_allclose(layer.backward_pass(g), J.vjp(g))


def test_jacobians_follow_a_forward_pass():
    with pytest.raises(ShapeError, match="no forward pass through join"):
        connected(Add(inputs=["a", "b"]), (2,), (2,)).jacobians()


def test_two_sizes_that_do_not_fit_are_named():
    layers = [Dense(3, name="a"), Dense(4, name="b"), Add(inputs=["a", "b"]), Dense(1)]
    with pytest.raises(ConfigError) as caught:
        Network(layers, input=2, loss="mse")
    assert str(caught.value) == "add_1 adds what has one shape, but a gives 3 and b gives 4"


@pytest.mark.parametrize(
    ("first", "second", "along", "words"),
    [
        ((2, 3, 3), (2, 3, 4), "channels", "a gives 2 x 3 x 3 and b gives 2 x 3 x 4"),
        ((2, 3, 3), (2, 4, 3), "channels", "a gives 2 x 3 x 3 and b gives 2 x 4 x 3"),
        ((2, 3), (6,), "features", "a gives 2 x 3 and b gives 6"),
        ((2, 3), (2,), "features", "a gives 2 x 3 and b gives 2"),
        ((2, 3), (3, 3), "features", "a gives 2 x 3 and b gives 3 x 3"),
        ((6,), (2, 3), "features", "a gives 6 and b gives 2 x 3"),
    ],
    ids=str,
)
def test_what_does_not_lie_side_by_side_is_named(first, second, along, words):
    with pytest.raises(ConfigError) as caught:
        connected(Concatenate(inputs=["a", "b"]), first, second)
    assert str(caught.value) == (
        f"join joins along the {along}, all other sizes being the same, but {words}"
    )


@pytest.mark.parametrize("kind", [Add, Concatenate])
def test_delta_is_kept_and_sent_back_where_it_is_wanted(kind):
    layer = connected(kind(inputs=["a", "b"]), (2,), (2,))
    delta = np.ones_like(layer.forward_pass(np.ones((3, 4))))
    assert layer.backward_pass(delta, to_input=False) is None
    assert layer.delta is delta
    assert layer.backward_from_delta(delta).shape == (3, 4)


@pytest.mark.parametrize("kind", [Add, Concatenate])
def test_only_explicit_is_the_jacobian_built(kind):
    layer = connected(kind(inputs=["a", "b"]), (4000,), (4000,))
    y = layer.forward_pass(np.ones((1, 8000)))
    assert layer.backward_pass(y).shape == (1, 8000)
    layer.explicit = True
    with pytest.raises(ShapeError, match="more than the limit"):
        layer.backward_pass(y)
