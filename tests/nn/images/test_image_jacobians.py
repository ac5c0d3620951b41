"""Each Jacobian of layers on images is one linear map, whichever way it is applied."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.nn.images import conv2d as convolution
from chainrule.nn.images import locally_connected2d as local
from chainrule.nn.images import pooled as pooling
from chainrule.nn.images.conv2d import ConvolutionBiases, ConvolutionInput, ConvolutionWeights
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.locally_connected2d import LocalBiases, LocalInput, LocalWeights
from chainrule.nn.images.pooled import AveragePooling, MaxPooling
from networks import normal

CASES, CHANNELS, FILTERS = 3, 2, 4
WINDOWS = Windows(CHANNELS, 5, 4, 2, 3, (2, 1), (0, 1, 1, 1))
IMAGE = CHANNELS * 5 * 4
PLACES = (WINDOWS.down, WINDOWS.across)
SHARED = (FILTERS, CHANNELS, 2, 3)
OWN = (*PLACES, *SHARED)


def x(dtype):
    return normal((CASES, IMAGE)).astype(dtype)


def winners(dtype):
    return pooling.largest(x(dtype).reshape(CASES, CHANNELS, 5, 4), WINDOWS)[1]


JACOBIANS = {
    "filters by x": lambda d: ConvolutionInput(normal(SHARED).astype(d), WINDOWS, CASES),
    "filters by W": lambda d: ConvolutionWeights(x(d), WINDOWS, SHARED),
    "filters by b": lambda d: ConvolutionBiases(CASES, WINDOWS, (FILTERS,), np.dtype(d)),
    "own filters by x": lambda d: LocalInput(normal(OWN).astype(d), WINDOWS, CASES),
    "own filters by W": lambda d: LocalWeights(x(d), WINDOWS, OWN),
    "own filters by b": lambda d: LocalBiases(CASES, WINDOWS, (*PLACES, FILTERS), np.dtype(d)),
    "largest": lambda d: MaxPooling(winners(d), WINDOWS, np.dtype(d)),
    "mean": lambda d: AveragePooling(WINDOWS, CASES, np.dtype(d)),
}
SHAPES = {
    "filters by W": SHARED,
    "filters by b": (FILTERS,),
    "own filters by W": OWN,
    "own filters by b": (*PLACES, FILTERS),
}
"""Of the parameters; all others are by images."""

each = pytest.mark.parametrize("name", JACOBIANS)
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def maps_of(name):
    return CHANNELS if name in ("largest", "mean") else FILTERS


def images(rows):
    return rows.reshape(len(rows), CHANNELS, 5, 4)


def rows(found):
    return found.reshape(len(found), -1)


def moved(name, v):
    """How the outputs move along v, by the functions under the windows."""
    own = images(x(float))
    if name.endswith("b"):
        at = v if name.startswith("filters") else v.transpose(2, 0, 1)
        return np.broadcast_to(
            at.reshape(1, FILTERS, -1), (CASES, FILTERS, WINDOWS.places)
        ).reshape(CASES, -1)
    found = {
        "filters by x": lambda: convolution.convolve(images(v), normal(SHARED), WINDOWS),
        "filters by W": lambda: convolution.convolve(own, v, WINDOWS),
        "own filters by x": lambda: local.apply_filters(images(v), normal(OWN), WINDOWS),
        "own filters by W": lambda: local.apply_filters(own, v, WINDOWS),
        "largest": lambda: pooling.gather(images(v), winners(float), WINDOWS),
        "mean": lambda: pooling.mean(images(v), WINDOWS),
    }[name]()
    return rows(found)


@each
def test_it_moves_outputs_as_the_layer_does(name):
    J = JACOBIANS[name](float)
    v = normal(SHAPES.get(name, (CASES, IMAGE)), seed=1)
    found = J.jvp(v)
    assert found.shape == (CASES, maps_of(name) * WINDOWS.places)
    np.testing.assert_allclose(found, moved(name, v), rtol=1e-12, atol=1e-14)


@each
def test_the_matrix_does_the_same(name):
    J = JACOBIANS[name](float)
    dense = J.dense()
    shape = SHAPES.get(name, (IMAGE,))
    assert dense.shape == J.dense_shape == (CASES, maps_of(name) * WINDOWS.places, *shape)
    v = normal(SHAPES.get(name, (CASES, IMAGE)), seed=1)
    along = v if name in SHAPES else v[:, None]
    by_dense = (dense * along).reshape(*dense.shape[:2], -1).sum(axis=2)
    np.testing.assert_allclose(J.jvp(v), by_dense, rtol=1e-12, atol=1e-13)


@each
def test_backwards_it_is_the_transposed_matrix(name):
    J = JACOBIANS[name](float)
    dense = J.dense()
    g = normal(dense.shape[:2], seed=2)
    expected = np.tensordot(g, dense, 2) if name in SHAPES else np.einsum("no,noi->ni", g, dense)
    found = J.vjp(g)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
    out = np.full(expected.shape, np.nan)
    J.vjp(g, out)
    assert np.array_equal(out, found)


@each
@pytest.mark.parametrize("chosen", [slice(0, 1), slice(1, 3), slice(2, 2), slice(None, None, 2)])
def test_some_cases_have_their_own_part(name, chosen):
    J = JACOBIANS[name](float)
    some = J.cases(chosen)
    assert type(some) is type(J)
    assert np.array_equal(some.dense(), J.dense()[chosen])


@each
@types
def test_the_type_is_kept(name, dtype):
    J = JACOBIANS[name](dtype)
    dense = J.dense()
    assert dense.dtype == J.cases(slice(0, 1)).dense().dtype == dtype
    assert J.vjp(np.ones(dense.shape[:2], dtype)).dtype == dtype
    assert J.jvp(np.ones(SHAPES.get(name, (CASES, IMAGE)), dtype)).dtype == dtype
