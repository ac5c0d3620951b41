"""What is computed under windows, against the sums that define it, number by number."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.nn.images import conv2d as convolution
from chainrule.nn.images import locally_connected2d as local
from chainrule.nn.images import pooled as pooling
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.im2col import (
    filter_matrix,
    im2col,
    offsets,
    padded,
    padded_zeros,
    under,
    within,
)
from networks import normal

CASES, CHANNELS, FILTERS = 2, 3, 4

PLACES = {
    "plain": Windows(CHANNELS, 5, 6, 2, 3),
    "strides": Windows(CHANNELS, 6, 7, 2, 3, (2, 3)),
    "padding": Windows(CHANNELS, 4, 5, 3, 2, (1, 1), (2, 1, 0, 1)),
    "both": Windows(CHANNELS, 5, 4, 2, 3, (3, 2), (0, 1, 2, 1)),
    "one number": Windows(CHANNELS, 3, 4, 1, 1, (2, 1)),
    "apart": Windows(CHANNELS, 5, 6, 1, 2, (2, 3)),
}
everywhere = pytest.mark.parametrize("windows", PLACES.values(), ids=PLACES)
kinds = pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])


def images(windows, dtype=np.float64):
    x = normal((CASES, *windows.image))
    return (x + 1j * normal(x.shape, seed=1) if dtype is np.complex128 else x).astype(dtype)


def at_places(windows, channels, dtype=np.float64):
    return normal((CASES, channels, windows.down, windows.across)).astype(dtype)


def covered(windows, i, j):
    """(p, q, row, column) of what the window at (i, j) has within the image."""
    top, _, left, _ = windows.padding
    for p, q in np.ndindex(windows.rows, windows.columns):
        row, column = i * windows.stride[0] + p - top, j * windows.stride[1] + q - left
        if 0 <= row < windows.height and 0 <= column < windows.width:
            yield p, q, row, column


def each_product(windows):
    """(f, c, i, j, p, q, row, column) of every product that filters are made of."""
    for f, c, i, j in np.ndindex(FILTERS, CHANNELS, windows.down, windows.across):
        for place in covered(windows, i, j):
            yield (f, c, i, j, *place)


@everywhere
def test_padding_lies_around_the_image(windows):
    x = images(windows)
    found = padded(x, windows, -1.5)
    assert np.array_equal(within(found, windows), x)
    assert found.sum() == pytest.approx(x.sum() - 1.5 * (found.size - x.size))
    assert found.shape == padded_zeros(CASES, windows, np.float64).shape
    assert not padded(np.zeros_like(x), windows).any()
    assert (padded(x, windows) is x) == (not any(windows.padding))


def test_padded_zeros_are_of_the_type_asked_for():
    found = padded_zeros(2, PLACES["padding"], np.dtype(np.float32))
    assert found.shape == (2, CHANNELS, 7, 6)
    assert found.dtype == np.float32
    assert not found.any()


@everywhere
def test_what_is_under_the_windows(windows):
    x = images(windows)
    around = padded(x, windows)
    every = im2col(x, windows)
    size = (CHANNELS, windows.rows, windows.columns)
    assert every.shape == (CASES, windows.down, windows.across, *size)
    assert list(offsets(windows)) == list(np.ndindex(windows.rows, windows.columns))
    for p, q in offsets(windows):
        view = under(around, windows, p, q)
        assert np.shares_memory(view, around)
        assert view.shape == (CASES, CHANNELS, windows.down, windows.across)
        for i, j in np.ndindex(windows.down, windows.across):
            row, column = i * windows.stride[0] + p, j * windows.stride[1] + q
            assert np.array_equal(view[:, :, i, j], around[:, :, row, column])
            assert np.array_equal(every[:, i, j, :, p, q], around[:, :, row, column])


@everywhere
@pytest.mark.parametrize("shared", [True, False])
def test_filters_as_one_matrix(windows, shared):
    places = (1, 1) if shared else (windows.down, windows.across)
    W = normal((*places, FILTERS, CHANNELS, windows.rows, windows.columns))
    found = filter_matrix(W, windows)
    expected = np.zeros((FILTERS, windows.down, windows.across, *windows.image))
    for f, c, i, j, p, q, row, column in each_product(windows):
        own = W[0, 0] if shared else W[i, j]
        expected[f, i, j, c, row, column] += own[f, c, p, q]
    assert np.array_equal(found, expected.reshape(FILTERS * windows.places, -1))


@everywhere
@kinds
def test_shared_filters(windows, dtype):
    shape = (FILTERS, CHANNELS, windows.rows, windows.columns)
    x, W = images(windows, dtype), normal(shape).astype(np.float32)
    delta = at_places(windows, FILTERS, np.float32)
    z = np.zeros((CASES, FILTERS, windows.down, windows.across), complex)
    upstream, gradient = np.zeros(x.shape, complex), np.zeros(W.shape, complex)
    exact, deltas = W.astype(float), delta.astype(float)
    for f, c, i, j, p, q, row, column in each_product(windows):
        z[:, f, i, j] += exact[f, c, p, q] * x[:, c, row, column]
        upstream[:, c, row, column] += exact[f, c, p, q] * deltas[:, f, i, j]
        gradient[f, c, p, q] += (deltas[:, f, i, j] * x[:, c, row, column]).sum()
    same(convolution.convolve(x, W, windows), z, dtype)
    same(convolution.input_gradient(delta, W, windows), upstream, np.float32)
    same(convolution.input_gradient(delta, W.astype(dtype), windows), upstream, dtype)
    same(convolution.weight_gradient(x, delta, windows), gradient, dtype)


@everywhere
@kinds
def test_filters_of_each_place(windows, dtype):
    shape = (windows.down, windows.across, FILTERS, CHANNELS, windows.rows, windows.columns)
    x, W = images(windows, dtype), normal(shape).astype(np.float32)
    delta = at_places(windows, FILTERS, np.float32)
    z = np.zeros((CASES, FILTERS, windows.down, windows.across), complex)
    upstream, gradient = np.zeros(x.shape, complex), np.zeros(W.shape, complex)
    exact, deltas = W.astype(float), delta.astype(float)
    for f, c, i, j, p, q, row, column in each_product(windows):
        z[:, f, i, j] += exact[i, j, f, c, p, q] * x[:, c, row, column]
        upstream[:, c, row, column] += exact[i, j, f, c, p, q] * deltas[:, f, i, j]
        gradient[i, j, f, c, p, q] += (deltas[:, f, i, j] * x[:, c, row, column]).sum()
    same(local.apply_filters(x, W, windows), z, dtype)
    same(local.input_gradient(delta, W, windows), upstream, np.float32)
    same(local.input_gradient(delta, W.astype(dtype), windows), upstream, dtype)
    same(local.weight_gradient(x, delta, windows), gradient, dtype)
    out = np.full(shape, np.nan, dtype)
    assert local.weight_gradient(x, delta, windows, out) is out
    same(out, gradient, dtype)


def same(found, expected, dtype):
    """The same numbers, of the arguments' common type, one after the other in memory."""
    expected = expected if dtype is np.complex128 else expected.real
    limit = 1e-5 if np.float32 in (dtype, found.dtype.type) else 1e-12
    assert found.dtype == dtype
    assert found.flags.c_contiguous
    np.testing.assert_allclose(found, expected, rtol=limit, atol=limit)


@everywhere
def test_the_largest_and_where_it_is(windows):
    x = images(windows) - 3  # below 0 nearly everywhere, so that padding would be larger
    best, winners = pooling.largest(x, windows)
    assert winners.dtype == np.int32
    assert best.dtype == x.dtype
    delta = at_places(windows, CHANNELS)
    upstream = np.zeros(x.shape)
    for n, c, i, j in np.ndindex(best.shape):
        inside = [(x[n, c, row, column], p * windows.columns + q, row, column)
                  for p, q, row, column in covered(windows, i, j)]  # fmt: skip
        value, k, row, column = max(inside)
        assert (best[n, c, i, j], winners[n, c, i, j]) == (value, k)
        upstream[n, c, row, column] += delta[n, c, i, j]
    np.testing.assert_allclose(
        pooling.scatter(delta, winners, windows), upstream, rtol=1e-12, atol=1e-14
    )
    assert np.array_equal(pooling.gather(x, winners, windows), best)
    twice = pooling.gather(2 * x + 1, winners, windows)
    np.testing.assert_allclose(twice, 2 * best + 1, rtol=1e-13, atol=1e-14)


@everywhere
def test_distances_to_ties_are_those_to_the_largest(windows):
    x = images(windows) - 3
    best, winners = pooling.largest(x, windows)
    found = pooling.distances_to_ties(x, windows)
    assert found.shape == (windows.rows * windows.columns, *best.shape)
    for n, c, i, j in np.ndindex(best.shape):
        expected = np.full(len(found), -np.inf)
        for p, q, row, column in covered(windows, i, j):
            expected[p * windows.columns + q] = x[n, c, row, column] - best[n, c, i, j]
        expected[winners[n, c, i, j]] = 1
        assert np.array_equal(found[:, n, c, i, j], expected)


def test_ties_are_0_and_zeros_none():
    windows = Windows(1, 1, 6, 1, 3, (1, 3))
    x = np.array([2.0, 3, 3, 0, 0, -1]).reshape(1, 1, 1, 6)
    assert pooling.distances_to_ties(x, windows)[:, 0, 0, 0].tolist() == [
        [-1, 1],
        [1, -1],
        [0, -1],
    ]


@pytest.mark.parametrize(
    ("numbers", "winner"),
    [
        ([1.0, 3, 3, 2], 1),
        ([np.nan, 3, 4, 2], 0),
        ([1, np.nan, 4, 2], 1),
        ([1, np.nan, np.nan, 9], 2),
        ([-np.inf] * 4, 0),
        ([1 + 5j, 2, 3 - 9j, 2 + 7j], 2),
        ([1 + 5j, 1 + 9j, 0, 1], 0),
    ],
)
def test_which_of_them_is_the_largest(numbers, winner):
    windows = Windows(1, 2, 2, 2, 2)
    x = np.array(numbers).reshape(1, 1, 2, 2)
    best, winners = pooling.largest(x, windows)
    assert winners.item() == winner
    assert np.array_equal(best.ravel(), [numbers[winner]], equal_nan=True)


@everywhere
@kinds
def test_means_and_where_they_go(windows, dtype):
    x, delta = images(windows, dtype), at_places(windows, CHANNELS).astype(dtype)
    y, upstream = np.zeros(delta.shape, complex), np.zeros(x.shape, complex)
    under_one = windows.rows * windows.columns
    for i, j in np.ndindex(windows.down, windows.across):
        for _, _, row, column in covered(windows, i, j):
            y[:, :, i, j] += x[:, :, row, column] / under_one
            upstream[:, :, row, column] += delta[:, :, i, j] / under_one
    same(pooling.mean(x, windows), y, dtype)
    same(pooling.spread(delta, windows), upstream, dtype)


@everywhere
def test_the_images_are_not_changed(windows):
    x, delta = images(windows), at_places(windows, CHANNELS)
    before = x.copy(), delta.copy()
    _, winners = pooling.largest(x, windows)
    pooling.distances_to_ties(x, windows)
    pooling.scatter(delta, winners, windows)
    pooling.mean(x, windows)
    pooling.spread(delta, windows)
    assert np.array_equal(x, before[0])
    assert np.array_equal(delta, before[1])
