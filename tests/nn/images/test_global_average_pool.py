"""The mean of whole channels is average pooling with a window as large as the image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.core.errors import ConfigError
from chainrule.nn import AveragePool2D, Flatten, GlobalAveragePool2D
from chainrule.nn.images.pooled import ChannelMeans

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))


@given(SHAPES, st.integers(1, 3), st.integers(0, 10**6))
def test_it_is_the_average_of_one_window(shape, count, seed):
    rng = np.random.default_rng(seed)
    whole = Network([GlobalAveragePool2D(), Dense(2)], input=shape, loss="mse", seed=1)
    window = [AveragePool2D(shape[1:]), Flatten(), Dense(2)]
    other = Network(window, input=shape, loss="mse", seed=1)
    x, t = rng.normal(size=(count, *shape)), rng.normal(size=(count, 2))
    for network in (whole, other):
        network.loss(x, t)
        network.backward_pass(t, to_input=True)
    assert whole.layers[0].output_shape == shape[:1]
    assert whole.layers[0].z == pytest.approx(x.mean(axis=(2, 3)), abs=1e-14)
    assert whole.gradients.vector == pytest.approx(other.gradients.vector, abs=1e-14)
    assert whole.input_gradient == pytest.approx(other.input_gradient, abs=1e-14)
    before = whole.input_gradient.copy()
    whole.explicit_jacobians = True
    whole.loss(x, t)
    whole.backward_pass(t, to_input=True)
    assert whole.input_gradient == pytest.approx(before, abs=1e-14)


@given(SHAPES, st.booleans(), st.integers(0, 10**6))
def test_its_jacobian_has_a_share_for_each_place(shape, is_complex, seed):
    rng, places = np.random.default_rng(seed), shape[1] * shape[2]
    J = ChannelMeans(2, shape[0], places, np.dtype(float))
    dense = J.dense()
    assert dense.shape == J.dense_shape
    assert dense.sum(axis=2) == pytest.approx(np.ones((2, shape[0])))
    g, v = rng.normal(size=dense.shape[:2]), rng.normal(size=(2, dense.shape[2]))
    if is_complex:
        g, v = g + 1j * rng.normal(size=g.shape), v + 1j * rng.normal(size=v.shape)
    assert J.vjp(g) == pytest.approx(np.einsum("nm,nmk->nk", g, dense), abs=1e-14)
    assert J.jvp(v) == pytest.approx(np.einsum("nmk,nk->nm", dense, v), abs=1e-14)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_type_stays_and_large_images_lose_no_digit(dtype):
    layer = GlobalAveragePool2D()
    Network([layer, Dense(1)], input=[1, 1000, 1000], loss="mse", dtype=dtype)
    y = layer.forward_pass(np.full((1, 10**6), 0.1, dtype))
    assert y.dtype == dtype
    assert y[0, 0] == pytest.approx(0.1, rel=1e-6)
    back = layer.backward_pass(np.ones((1, 1), dtype))
    assert back.dtype == dtype
    assert np.array_equal(back, np.full((1, 10**6), 1e-6, dtype))


@pytest.mark.parametrize("shape", [[4, 4], 16])
def test_it_takes_images_alone(shape):
    with pytest.raises(ConfigError, match=r"global_average_pool2d_1 takes images"):
        Network([GlobalAveragePool2D(), Dense(1)], input=shape)
