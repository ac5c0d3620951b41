"""The compiled loops of a convolution: NumPy's numbers, the same bits always, little room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.nn import Add, Conv2D, Flatten, MaxPool2D
from chainrule.nn.images import conv2d as convolution
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.convolution import Convolution
from chainrule.nn.images.kernels.grids import Grids
from chainrule.nn.kernels import threads
from networks import difference


def arrays(windows, filters, cases, dtype, seed=0):
    """x, W, b and δ, as rows where they are images."""
    rng = np.random.default_rng(seed)
    sizes = {
        "x": (cases, windows.channels * windows.height * windows.width),
        "W": (filters, windows.channels, windows.rows, windows.columns),
        "b": (filters,),
        "delta": (cases, filters * windows.places),
    }
    return {name: rng.normal(size=size).astype(dtype) for name, size in sizes.items()}


def by_loops(windows, of):
    """z, ∂L/∂W, ∂L/∂b and ∂L/∂x; all arrays hold NaN before."""
    x, W, b, delta = of.values()
    loops = Convolution(windows, len(W), len(x), x.dtype)
    z, W_grad, b_grad, input_gradient = (np.full_like(like, np.nan) for like in (delta, W, b, x))
    for _ in range(2):  # what the first pass leaves in its room must not matter to the second
        loops.forward(x, W, b, z)
        loops.backward(x, delta, W, W_grad=W_grad, b_grad=b_grad, input_gradient=input_gradient)
    return z, W_grad, b_grad, input_gradient


def by_numpy(windows, of):
    x, W, b, delta = of.values()
    images = x.reshape(len(x), *windows.image)
    maps = delta.reshape(len(x), len(W), windows.down, windows.across)
    z = convolution.convolve(images, W, windows) + b[:, None, None]
    input_gradient = convolution.input_gradient(maps, W, windows)
    W_grad = convolution.weight_gradient(images, maps, windows)
    return (
        z.reshape(delta.shape),
        W_grad,
        maps.sum(axis=(0, 2, 3)),
        input_gradient.reshape(x.shape),
    )


@st.composite
def shapes(draw):
    """Windows on images up to some lines of the cache wide, padded on each side by itself."""
    padding = draw(st.tuples(*[st.integers(0, 3)] * 4))
    rows, columns = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    return Windows(
        draw(st.integers(1, 5)),
        draw(st.integers(rows, 12)),
        draw(st.integers(columns, 40)),
        rows,
        columns,
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        padding,
    )


some_filters = st.integers(1, 17)


@given(windows=shapes(), filters=some_filters, cases=st.integers(1, 10))
@settings(max_examples=60)
def test_the_numbers_of_numpy(windows, filters, cases):
    of = arrays(windows, filters, cases, np.float64)
    for ours, expected in zip(by_loops(windows, of), by_numpy(windows, of), strict=True):
        assert np.abs(ours - expected).max() <= 1e-13 * max(1, np.abs(expected).max())


@pytest.mark.exhaustive
@given(windows=shapes(), filters=some_filters)
@settings(max_examples=20)
def test_single_precision(windows, filters):
    of = arrays(windows, filters, 3, np.float32)
    for ours, expected in zip(by_loops(windows, of), by_numpy(windows, of), strict=True):
        assert ours.dtype == np.float32
        assert difference(ours.astype(float), expected.astype(float)) < 1e-5


@given(windows=shapes(), filters=some_filters, itemsize=st.sampled_from([4, 8]))
@settings(max_examples=200)
def test_every_index_that_kernels_make_of_the_tables_lies_within_their_arrays(
    windows, filters, itemsize
):
    grids = Grids(windows, filters, itemsize)
    s = grids.sizes
    assert (s.height + s.top - 1) // s.step_down < s.grid_height
    assert (s.width + s.left - 1) // s.step_across < s.grid_width
    last = (s.down - 1) * s.grid_width + s.across
    assert last <= min(s.forward_length, s.weight_length, s.input_length)
    assert grids.offsets.min() >= 0
    reach = max(s.forward_length, s.weight_length)
    assert grids.offsets.max() <= grids.image_size - reach
    assert s.margin + max(s.input_length, s.weight_length) <= s.delta_plane
    assert grids.input_offsets.min() >= 0
    assert grids.input_offsets.max() <= filters * s.delta_plane - s.input_length


BUSY = Windows(8, 20, 20, 3, 3, (1, 1), (1, 1, 1, 1))


@pytest.mark.exhaustive
def test_the_bits_are_the_same_on_any_number_of_threads():
    of = arrays(BUSY, 16, 19, np.float32)
    found = []
    for count in (1, 2, 3, 2):
        with threads.at_most(count):
            found.append(by_loops(BUSY, of))
    for other in found[1:]:
        assert all(map(np.array_equal, found[0], other))


def test_what_is_infinite_stays_within_its_case():
    of = arrays(BUSY, 16, 4, np.float64)
    z, *_ = by_loops(BUSY, of)
    of["x"][1, 7] = np.inf
    of["delta"][2, 9] = np.nan
    others = [0, 3]
    with np.errstate(invalid="ignore"):
        again, _, _, input_gradient = by_loops(BUSY, of)
    assert np.array_equal(again[others], z[others])
    assert not np.isfinite(again[1]).all()
    assert np.isfinite(input_gradient[[0, 1, 3]]).all()


@pytest.mark.exhaustive
@pytest.mark.parametrize("branches", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(("image", "filters"), [((3, 32, 32), 16), ((16, 16, 16), 32)])
def test_memory_is_at_most_three_times_the_activations(image, filters, activation, branches):
    layer = Conv2D(filters, 3, padding="same", activation=activation, name="layer")
    after = [Conv2D(1, 1, inputs="layer", name="after")]
    if branches:
        after += [Conv2D(1, 1, inputs="layer", name="other"), Add(inputs=["after", "other"])]
    layers = [Conv2D(image[0], 1), layer, *after, Flatten(), Dense(2)]
    network = Network(layers, input=list(image), dtype="float32", loss="mse")
    rng, pool = np.random.default_rng(0), {}
    x = rng.normal(size=(32, network.input)).astype(np.float32)
    with network.reused_buffers(pool), threads.at_most(2):
        network.propagate(x)
        network.backpropagate(np.zeros((32, 2), np.float32), to_input=True)
    place = (layer.name if branches else "", "input gradient", (32, layer.inputs), "f")
    own = [value for key, value in pool.items() if key[0] == layer.name or key == place]
    assert place in pool
    total = sum(array.nbytes for array in own)
    activations = 32 * layer.outputs * 4
    assert activations < total <= 3 * activations


def test_a_step_is_the_same_by_loops_and_by_numpy(monkeypatch):
    layers = [Conv2D(4, 3, padding="same"), MaxPool2D(2), Conv2D(5, 3), Flatten(), Dense(2)]
    network = Network(layers, input=[2, 12, 12], loss="mse", seed=1)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(7, 288)), rng.normal(size=(7, 2))
    gradients = []
    for worth in (0, 10**12):
        monkeypatch.setattr("chainrule.nn.images.filtered.WORTH_LOOPS", worth)
        network.forward_pass(x)
        gradients.append(network.backward_pass(t).vector.copy())
    assert difference(*gradients) < 1e-14
    assert not np.array_equal(*gradients)  # two ways indeed
