"""The compiled loops of filters of each place's own: NumPy's numbers, the same bits always."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.nn.images import locally_connected2d as local
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.local import Local
from chainrule.nn.kernels import threads
from networks import difference


def by_loops(windows, filters, x, W, b, delta):
    """z, ∂L/∂W, ∂L/∂b and ∂L/∂x; all arrays hold NaN before."""
    loops = Local(windows, filters)
    z, W_grad, b_grad, input_gradient = (np.full_like(like, np.nan) for like in (delta, W, b, x))
    loops.forward(x, W, b, z)
    loops.weights(x, delta, W_grad, b_grad)
    loops.images(delta, W, input_gradient)
    return z, W_grad, b_grad, input_gradient


def by_numpy(windows, filters, x, W, b, delta):
    images = x.reshape(len(x), *windows.image)
    maps = delta.reshape(len(x), filters, windows.down, windows.across)
    z = local.apply_filters(images, W, windows) + b.transpose(2, 0, 1)
    input_gradient = local.input_gradient(maps, W, windows)
    W_grad = local.weight_gradient(images, maps, windows)
    b_grad = maps.sum(axis=0).transpose(1, 2, 0)
    return z.reshape(delta.shape), W_grad, b_grad, input_gradient.reshape(x.shape)


@st.composite
def cases(draw, dtype="float64"):
    """Windows, filters and arrays, of sizes on both sides of a tile and of a line of the cache."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    windows = Windows(
        draw(st.integers(1, 3)),
        draw(st.integers(rows, 8)),
        draw(st.integers(columns, 8)),
        rows,
        columns,
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
    )
    filters, count = draw(st.integers(1, 18)), draw(st.integers(1, 35))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    places = (windows.down, windows.across, filters)
    shapes = [
        (count, windows.channels * windows.height * windows.width),
        (*places, windows.channels, rows, columns),
        places,
        (count, filters * windows.places),
    ]
    return windows, filters, *(rng.normal(size=shape).astype(dtype) for shape in shapes)


@given(cases())
@settings(max_examples=60)
def test_the_numbers_of_numpy(case):
    for ours, expected in zip(by_loops(*case), by_numpy(*case), strict=True):
        assert np.abs(ours - expected).max() <= 1e-13 * max(1, np.abs(expected).max())


@pytest.mark.exhaustive
@given(cases(dtype="float32"))
@settings(max_examples=20)
def test_single_precision(case):
    for ours, expected in zip(by_loops(*case), by_numpy(*case), strict=True):
        assert ours.dtype == np.float32
        assert difference(ours.astype(float), expected.astype(float)) < 1e-5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_bits_are_the_same_on_any_number_of_threads(dtype):
    windows, rng = Windows(3, 20, 20, 3, 3), np.random.default_rng(0)
    shapes = [(37, 1200), (18, 18, 12, 3, 3, 3), (18, 18, 12), (37, 12 * 324)]
    arrays = [rng.normal(size=shape).astype(dtype) for shape in shapes]
    found = []
    for count in (1, 2, 3):
        with threads.at_most(count):
            found.append(by_loops(windows, 12, *arrays))
    for other in found[1:]:
        assert all(map(np.array_equal, found[0], other))
