"""The compiled loops of pools: NumPy's numbers to the bit, and nothing written beside an array."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.core.errors import ShapeError
from chainrule.nn import AveragePool2D, Flatten, MaxPool2D
from chainrule.nn.images import pooled
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.pooling import Pooling

GUARD = 4096
"""Numbers before and behind an array that nobody may write to."""


class Guarded:
    """An array in the midst of another one, of which nothing else may change."""

    def __init__(self, shape, dtype):
        size, mark = int(np.prod(shape)), np.array(77, dtype)
        self._whole = np.full(size + 2 * GUARD, mark)
        self.array = self._whole[GUARD : GUARD + size].reshape(shape)

    @property
    def is_kept(self):
        return bool((self._whole[:GUARD] == 77).all() and (self._whole[-GUARD:] == 77).all())


@st.composite
def pools(draw):
    """Windows of every size, step and padding, and images of few whole numbers, full of ties.

    Half of them are square windows of the usual sizes, which have loops of their own.
    """
    sides, steps, around = [], [], []
    usual = draw(st.sampled_from([None, None, 2, 3]))
    for _ in range(2):
        size = usual or draw(st.integers(1, 5))
        before, after = (draw(st.integers(0, size - 1)) for _ in range(2))
        length = draw(st.integers(max(1, size - before - after), 11))
        sides.append((length, size))
        steps.append(draw(st.integers(1, 5)))
        around += [before, after]
    (height, rows), (width, columns) = sides
    channels = draw(st.integers(1, 3))
    windows = Windows(channels, height, width, rows, columns, tuple(steps), tuple(around))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    count = draw(st.integers(1, 5))
    x = rng.integers(-1, 2, (count, channels * height * width)).astype(float)
    if draw(st.booleans()):
        x[rng.random(x.shape) < 0.05] = np.nan
    return windows, x, rng.integers(-9, 10, (count, channels * windows.places)).astype(float)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=150)
@given(pool=pools())
def test_the_largest_of_equal_numbers_and_their_gradient_are_numpys(dtype, pool):
    windows, x, J = pool[0], pool[1].astype(dtype), pool[2].astype(dtype)
    loops, images = Pooling(windows), x.reshape(len(x), *windows.image)
    y, winners = Guarded(J.shape, dtype), Guarded(J.shape, np.int32)
    loops.largest(x, y.array, winners.array)
    best, places = pooled.largest(images, windows)
    assert np.array_equal(y.array, best.reshape(J.shape), equal_nan=True)
    assert np.array_equal(winners.array, places.reshape(J.shape))
    input_gradient = Guarded(x.shape, dtype)
    loops.scatter(J, winners.array, input_gradient.array)
    expected = pooled.scatter(J.reshape(best.shape), places, windows)
    assert np.array_equal(input_gradient.array, expected.reshape(x.shape))
    assert y.is_kept
    assert winners.is_kept
    assert input_gradient.is_kept


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@settings(max_examples=100)
@given(pool=pools())
def test_means_and_their_gradient_are_numpys(dtype, pool):
    windows, x, J = pool[0], np.nan_to_num(pool[1]).astype(dtype), pool[2].astype(dtype)
    loops, images = Pooling(windows), x.reshape(len(x), *windows.image)
    y, input_gradient = Guarded(J.shape, dtype), Guarded(x.shape, dtype)
    loops.mean(x, y.array)
    assert np.array_equal(y.array, pooled.mean(images, windows).reshape(J.shape))
    loops.spread(J, input_gradient.array)
    maps = J.reshape(len(J), windows.channels, windows.down, windows.across)
    expected = pooled.spread(maps, windows).reshape(x.shape)
    np.testing.assert_allclose(input_gradient.array, expected, rtol=1e-5, atol=1e-5)
    assert y.is_kept
    assert input_gradient.is_kept


@pytest.mark.parametrize("kind", [MaxPool2D, AveragePool2D])
@settings(max_examples=60)
@given(pool=pools())
def test_a_layer_gives_its_loops_the_windows_that_it_has(kind, pool):
    """Strides, sizes and paddings that differ in height and width are not mistaken."""
    windows, x, J = pool[0], np.nan_to_num(pool[1]), pool[2]
    top, _, left, _ = windows.padding
    layer = kind([windows.rows, windows.columns], stride=windows.stride, padding=[top, left])
    if windows.height + 2 * top < windows.rows or windows.width + 2 * left < windows.columns:
        return
    Network([layer, Flatten(), Dense(1)], input=windows.image, loss="mse")
    J = np.resize(J, (len(x), layer.outputs))
    found = []
    for worth in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pooled, "WORTH_LOOPS", worth)
            y = layer.forward_pass(x).copy()
            found.append((y, layer.backward_pass(J).copy(), layer.evaluate(x, {})[1]))
    for loops, numpys in zip(*found, strict=True):
        np.testing.assert_allclose(loops, numpys, rtol=1e-14, atol=1e-14)


# Bounds


WINDOWS = Windows(2, 6, 8, 3, 2, (2, 3))


def test_arrays_of_other_sizes_are_never_read_or_written():
    loops, n = Pooling(WINDOWS), 3
    x, y = np.zeros((n, 96)), np.zeros((n, 2 * WINDOWS.places))
    winners, input_gradient = np.zeros(y.shape, np.int32), np.empty_like(x)
    for other in (x[:, :-1].copy(), x[:2], x[:, ::-1], x.ravel()):
        with pytest.raises(ShapeError, match="compiled loops take"):
            loops.largest(other, y, winners)
        with pytest.raises(ShapeError, match="compiled loops take"):
            loops.mean(other, y)
        with pytest.raises(ShapeError, match="compiled loops take"):
            loops.scatter(y, winners, other)
        with pytest.raises(ShapeError, match="compiled loops take"):
            loops.spread(y, other)
    for other in (y[:, 1:].copy(), y[:2], np.zeros((n, y.shape[1] + 1))):
        with pytest.raises(ShapeError, match="compiled loops take outputs"):
            loops.largest(x, other, winners)
        with pytest.raises(ShapeError, match="compiled loops take outputs"):
            loops.scatter(other, winners, input_gradient)
        with pytest.raises(ShapeError, match="compiled loops take winners"):
            loops.scatter(y, other.astype(np.int32), input_gradient)


@pytest.mark.parametrize("winner", [-1, 6, 2**31 - 1, -(2**31)])
def test_a_winner_that_is_none_is_told_and_nothing_is_written_for_it(winner):
    loops = Pooling(WINDOWS)
    y, input_gradient = np.ones((2, 2 * WINDOWS.places)), Guarded((2, 96), "float64")
    winners = np.zeros(y.shape, np.int32)
    winners[1, 3] = winner
    with pytest.raises(ShapeError, match="1 of the largest numbers lie outside"):
        loops.scatter(y, winners, input_gradient.array)
    assert input_gradient.is_kept
    assert input_gradient.array.sum() == y.size - 1
