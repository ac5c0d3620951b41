"""ASU EEE 598, lab 3: the layers of images, against PyTorch in float64, numeric differentiation,
and the same layers one after the other.
"""

from __future__ import annotations

import numpy as np
import pytest
from course_folders import on_path
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.core.errors import ConfigError, ShapeError

with on_path("asu_eee598_lab3"):
    from layers import (
        ConvLayer,
        CrossEntropyLayer,
        FlattenLayer,
        FullLayer,
        MaxPoolLayer,
        ReluLayer,
        Sequential,
        SoftMaxLayer,
    )

seeds = st.integers(0, 10_000)
sizes = st.integers(1, 7)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape)


def near(found, expected, limit=1e-12):
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    assert found.dtype == np.float64
    assert np.abs(found - expected).max() <= limit * max(1e-300, np.abs(expected).max())


def chosen(n_i, n_o, h, seed=0):
    layer = ConvLayer(n_i, n_o, h)
    layer.W, layer.b = normal(seed, n_o, n_i, h, h), normal(seed + 1, 1, n_o)
    return layer


# Convolution


@settings(max_examples=60)
@given(seeds, st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), sizes, sizes, sizes)
def test_convolution_is_that_of_pytorch(seed, batch, n_i, n_o, h, height, width):
    torch = pytest.importorskip("torch", reason="needs the package torch")
    layer, x = chosen(n_i, n_o, h, seed), normal(seed + 2, batch, n_i, height, width)
    X, W, b = (torch.tensor(a, requires_grad=True) for a in (x, layer.W, layer.b))
    # As padding="same" has it, which warns where h is even.
    around = torch.nn.functional.pad(X, 2 * [(h - 1) // 2, h // 2])
    expected = torch.nn.functional.conv2d(around, W, b[0])
    y_grad = normal(seed + 3, *expected.shape)
    expected.backward(torch.tensor(y_grad))
    near(layer.forward(x), expected.detach().numpy())
    near(layer.backward(y_grad), X.grad.numpy())
    near(layer.W_grad, W.grad.numpy())
    near(layer.b_grad, b.grad.numpy())
    assert layer.W_grad.shape == layer.W.shape == (n_o, n_i, h, h)
    assert layer.b_grad.shape == layer.b.shape == (1, n_o)


@settings(max_examples=15)
@given(seeds, st.integers(1, 4))
def test_convolution_s_gradients_are_those_of_its_values(seed, h):
    layer, x, g = chosen(2, 3, h, seed), normal(seed, 2, 2, 4, 5), normal(seed + 9, 2, 3, 4, 5)
    layer.forward(x)
    found = {"x": layer.backward(g), "W": np.array(layer.W_grad), "b": np.array(layer.b_grad)}
    arrays = {"x": x, "W": layer.W, "b": layer.b}
    for name, array in arrays.items():
        for place in list(np.ndindex(array.shape))[:: max(1, array.size // 10)]:
            kept = array[place]
            values = []
            for step in (1e-3, -1e-3):
                array[place] = kept + step
                values.append((layer.forward(x) * g).sum())
            array[place] = kept
            # y is linear in each of them, so that the difference is exact but for rounding.
            difference = (values[0] - values[1]) / 2e-3
            assert found[name][place] == pytest.approx(difference, rel=1e-8, abs=1e-9)


def test_convolution_by_hand():
    layer = ConvLayer(1, 1, 3)
    layer.W = [[[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]]
    layer.b = [[100]]
    y = layer.forward([[[[1, 0], [0, 0]]]])
    assert y.tolist() == [[[[105, 104], [102, 101]]]]
    assert layer.backward([[[[1, 0], [0, 0]]]]).tolist() == [[[[5, 6], [8, 9]]]]
    assert layer.W_grad.tolist() == [[[[0, 0, 0], [0, 1, 0], [0, 0, 0]]]]
    assert layer.b_grad.tolist() == [[1]]


def test_an_even_filter_has_its_extra_border_below_and_to_the_right():
    layer = ConvLayer(1, 1, 2)
    layer.W = [[[[1, 10], [100, 1000]]]]
    assert layer.forward([[[[1, 2], [3, 4]]]]).tolist() == [[[[4321, 402], [43, 4]]]]


def test_a_filter_may_be_larger_than_the_image():
    layer = ConvLayer(1, 1, 7)
    layer.W = np.arange(49.0).reshape(1, 1, 7, 7)
    assert layer.forward([[[[1.0]]]]).tolist() == [[[[24.0]]]]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, bool])
def test_numbers_of_any_type_are_taken_as_float64(dtype):
    layer, x = chosen(1, 2, 3), (normal(5, 2, 1, 4, 4) > 0).astype(dtype)
    assert np.array_equal(layer.forward(x), layer.forward(x.astype(float)))
    assert layer.forward(x.tolist()).dtype == np.float64
    g = np.ones((2, 2, 4, 4), dtype)
    assert np.array_equal(layer.backward(g), layer.backward(g.tolist()))
    kept = x.copy()
    layer.forward(x)[...] = 7
    assert np.array_equal(x, kept)


def test_what_was_returned_stays_as_it_was():
    layer, x = chosen(1, 1, 3), normal(1, 2, 1, 4, 4)
    y, kept = layer.forward(x), layer.forward(x)
    layer.forward(x + 1)
    y_grad = layer.backward(np.ones_like(y))
    upstream = y_grad.copy()
    layer.backward(2 * np.ones_like(y))
    assert np.array_equal(y, kept)
    assert np.array_equal(y_grad, upstream)


def test_convolution_starts_as_glorot_says():
    layer = ConvLayer(20, 30, 5)
    assert layer.W.std() == pytest.approx(np.sqrt(2 / (50 * 25)), rel=0.03)
    assert abs(layer.W.mean()) < 1e-3
    assert not layer.b.any()
    assert not layer.W_grad.any()
    assert not np.array_equal(layer.W, ConvLayer(20, 30, 5).W)
    assert np.array_equal(ConvLayer(2, 3, 3, seed=5).W, ConvLayer(2, 3, 3, seed=5).W)
    assert (layer.n_i, layer.n_o, layer.h) == (20, 30, 5)
    assert repr(layer) == "ConvLayer(20, 30, 5)"


def test_one_layer_takes_images_of_any_size():
    layer = chosen(2, 3, 3)
    for height, width in ((4, 5), (7, 2), (1, 1), (4, 5)):
        x, W = normal(0, 2, 2, height, width), np.array(layer.W)
        assert layer.forward(x).shape == (2, 3, height, width)
        assert layer.backward(np.ones((2, 3, height, width))).shape == x.shape
        layer.update_param(0.1)
        assert pytest.approx(W - 0.1 * layer.W_grad, rel=1e-12) == layer.W


@pytest.mark.parametrize("update", ["update_param", "update_params"])
def test_convolution_takes_steps_down(update):
    layer, x = chosen(1, 2, 3), normal(1, 3, 1, 5, 5)
    target, losses = normal(2, 3, 2, 5, 5), []
    for _ in range(5):
        y = layer.forward(x)
        losses.append(((y - target) ** 2).mean())
        layer.backward(2 * (y - target) / y.size)
        W, b = np.array(layer.W), np.array(layer.b)
        getattr(layer, update)(0.2)
        assert np.allclose(layer.W, W - 0.2 * layer.W_grad, rtol=1e-14)
        assert np.allclose(layer.b, b - 0.2 * layer.b_grad, rtol=1e-14)
    assert all(np.diff(losses) < 0)


def test_convolution_s_parameters_may_be_assigned_and_changed_in_place():
    layer, x = ConvLayer(1, 1, 1), np.ones((1, 1, 2, 2))
    layer.W = np.float32([[[[3]]]])
    layer.b = [1]
    layer.W *= 2
    layer.b += 1
    assert layer.forward(x).tolist() == [[[[8, 8], [8, 8]]]]
    layer.W_grad, layer.b_grad = [[[[5]]]], [[7]]
    layer.update_param(1)
    assert (layer.W.item(), layer.b.item()) == (1, -5)
    for name, value in {"W": np.ones((1, 1)), "b": np.ones((1, 2))}.items():
        with pytest.raises(ShapeError, match=f"{name} has shape"):
            setattr(layer, name, value)


@pytest.mark.parametrize("sizes", [(0, 1, 3), (1, 0, 3), (1, 1, 0), (1.5, 1, 3), (1, 1, "3")])
def test_sizes_that_are_none_are_told(sizes):
    with pytest.raises(ConfigError, match="whole number of at least 1"):
        ConvLayer(*sizes)


# Max pool and flatten


@settings(max_examples=60)
@given(seeds, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(4, 9), sizes)
def test_max_pool_is_that_of_pytorch(seed, batch, channels, size, height, more):
    torch = pytest.importorskip("torch", reason="needs the package torch")
    # Whole numbers, so that many are equal: the gradient has to go to the same one.
    x = np.random.default_rng(seed).integers(0, 4, (batch, channels, height, size + more)) * 1.0
    X = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(X, size)
    y_grad = normal(seed, *expected.shape)
    expected.backward(torch.tensor(y_grad))
    pool = MaxPoolLayer(size)
    assert np.array_equal(pool.forward(x), expected.detach().numpy())
    near(pool.backward(y_grad), X.grad.numpy())


def test_max_pool_by_hand():
    pool = MaxPoolLayer()
    x = [[[[1, 2, 0], [4, 3, 9], [9, 9, 9]]]]
    assert pool.forward(x).tolist() == [[[[4]]]]
    assert pool.backward([[[[5]]]]).tolist() == [[[[0, 0, 0], [5, 0, 0], [0, 0, 0]]]]
    pool.update_param(0.1)
    assert repr(pool) == "MaxPoolLayer(2)"


@settings(max_examples=60)
@given(seeds, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(4, 9), sizes)
def test_every_equal_maximum_may_get_the_whole_gradient(seed, batch, channels, size, height, more):
    x = np.random.default_rng(seed).integers(-2, 2, (batch, channels, height, size + more)) * 1.0
    pool = MaxPoolLayer(size, ties="all")
    y = pool.forward(x)
    assert np.array_equal(y, MaxPoolLayer(size).forward(x))
    y_grad = normal(seed, *y.shape)
    expected = np.zeros_like(x)
    for n, c, i, j in np.ndindex(y.shape):
        for p, q in np.ndindex(size, size):
            at = n, c, i * size + p, j * size + q
            expected[at] = y_grad[n, c, i, j] if x[at] == y[n, c, i, j] else 0
    assert np.array_equal(pool.backward(y_grad), expected)


def test_the_rule_for_equal_maxima_by_hand():
    pool = MaxPoolLayer(ties="all")
    pool.forward([[[[3, 3, 1], [0, 3, 9], [9, 9, 9]]]])
    assert pool.backward([[[[5]]]]).tolist() == [[[[5, 5, 0], [0, 5, 0], [0, 0, 0]]]]
    assert repr(pool) == "MaxPoolLayer(2, ties='all')"
    assert MaxPoolLayer().ties == "first"
    with pytest.raises(ConfigError, match="unknown ties 'al'; did you mean 'all'"):
        MaxPoolLayer(2, ties="al")


def test_flatten_there_and_back():
    flatten, x = FlattenLayer(), normal(0, 3, 2, 4, 5)
    assert np.array_equal(flatten.forward(x), x.reshape(3, 40))
    g = normal(1, 3, 40)
    assert np.array_equal(flatten.backward(g), g.reshape(x.shape))
    assert np.array_equal(flatten.forward(x[0, 0]), x[0, 0])
    flatten.update_params(0.1)


MAKE = {
    "conv": lambda: ConvLayer(2, 3, 3),
    "pool": lambda: MaxPoolLayer(2),
    "flatten": FlattenLayer,
    "relu": ReluLayer,
}


@pytest.mark.parametrize("name", MAKE)
def test_backward_follows_forward_and_fits_it(name):
    layer = MAKE[name]()
    with pytest.raises(ShapeError, match="backward follows forward"):
        layer.backward(np.ones((2, 2)))
    layer.forward(np.ones((2, 2, 4, 4)))
    with pytest.raises(ShapeError, match="its gradient"):
        layer.backward(np.ones((3, 2)))


@pytest.mark.parametrize("x", [np.ones((2, 4, 4)), np.ones((1, 3, 4, 4)), np.ones((0, 2, 4, 4))])
def test_what_is_no_batch_of_such_images_is_told(x):
    with pytest.raises(ShapeError, match=r"\(batch, 2, height, width\), found"):
        ConvLayer(2, 3, 3).forward(x)
    if x.ndim != 4:
        with pytest.raises(ShapeError, match=r"\(batch, channels, height, width\), found"):
            MaxPoolLayer().forward(x)
    with pytest.raises(ConfigError, match="does not fit"):
        MaxPoolLayer(5).forward(np.ones((1, 1, 4, 4)))


# The stack


def stack(seed=0, ties="first"):
    return [
        ConvLayer(2, 4, 3, seed=seed),
        ReluLayer(),
        MaxPoolLayer(2, ties=ties),
        ConvLayer(4, 3, 2, seed=seed + 1),
        MaxPoolLayer(2, ties=ties),
        ReluLayer(),
        FlattenLayer(),
        FullLayer(6, 5, seed=seed + 2),
        ReluLayer(),
        FullLayer(5, 3, seed=seed + 3),
        SoftMaxLayer(),
    ]


def data(seed, cases=5):
    return normal(seed, cases, 2, 4, 8), np.arange(cases) % 3


def gradients(parts):
    return [
        np.array(getattr(layer, name))
        for layer in parts
        if isinstance(layer, ConvLayer | FullLayer)
        for name in ("W_grad", "b_grad")
    ]


@settings(max_examples=40)
@given(seeds, st.sampled_from(["first", "all"]))
def test_a_stack_is_its_layers_one_after_the_other(seed, ties):
    parts, (x, t) = stack(seed, ties), data(seed)
    if ties == "all":  # then whole numbers, so that many maxima are equal
        x, parts[0].W, parts[3].W = (np.rint(a) for a in (x, 4 * parts[0].W, 2 * parts[3].W))
    y, loss = x, CrossEntropyLayer()
    for part in parts:
        y = part.forward(y)
    alone = loss.forward(y, t)
    g = loss.backward()
    for part in reversed(parts):
        g = part.backward(g)
    expected = gradients(parts)
    model = Sequential(parts, loss)
    assert model.forward(x) == pytest.approx(y, rel=1e-11)
    assert model.forward(x, t) == pytest.approx(alone, rel=1e-11)
    assert model.backward().shape == x.shape
    near(model.backward(), g, 1e-10)
    for found, one in zip(gradients(parts), expected, strict=True):
        near(found, one, 1e-10)


@settings(max_examples=20)
@given(seeds)
def test_the_layers_of_a_stack_go_backward_one_by_one_as_well(seed):
    parts, (x, t), loss = stack(seed), data(seed), CrossEntropyLayer()
    model = Sequential(parts, loss)
    model.forward(x, t)
    together, expected = model.backward(), gradients(parts)
    model.forward(x, t)
    g = loss.backward()
    for part in reversed(parts):
        g = part.backward(g)
    near(g, together, 1e-9)
    for found, one in zip(gradients(parts), expected, strict=True):
        near(found, one, 1e-9)


def test_a_stack_trains_as_pytorch_does():
    torch = pytest.importorskip("torch", reason="needs the package torch")
    nn = torch.nn
    parts, (x, t) = stack(1), data(1, 12)
    twin = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.ZeroPad2d((0, 1, 0, 1)),
        nn.Conv2d(4, 3, 2), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3),
    ).double()  # fmt: skip
    taught = [layer for layer in parts if isinstance(layer, ConvLayer | FullLayer)]
    pairs = list(zip([m for m in twin if hasattr(m, "weight")], taught, strict=True))
    with torch.no_grad():
        for module, layer in pairs:
            module.weight.copy_(torch.tensor(layer.W))
            module.bias.copy_(torch.tensor(layer.b[0]))
    descent, expected = torch.optim.SGD(twin.parameters(), lr=0.2), []
    for _ in range(4):
        losses = []
        for first in range(0, 12, 5):
            part = slice(first, first + 5)
            loss = nn.functional.cross_entropy(twin(torch.tensor(x[part])), torch.tensor(t[part]))
            descent.zero_grad()
            loss.backward()
            descent.step()
            losses.append(loss.item())
        expected.append(np.mean(losses))
    model = Sequential(parts, CrossEntropyLayer())
    assert model.fit(x, t, epochs=4, lr=0.2, batch_size=5) == pytest.approx(expected, rel=1e-11)
    for module, layer in pairs:
        near(layer.W, module.weight.detach().numpy(), 1e-11)
        near(layer.b[0], module.bias.detach().numpy(), 1e-11)
    labels = twin(torch.tensor(x)).argmax(dim=1)
    assert model.predict(x).tolist() == labels.tolist()


def test_parameters_are_the_stack_s_in_both_directions():
    parts, (x, t) = stack(), data(2)
    model = Sequential(parts, CrossEntropyLayer())
    before = model.forward(x, t)
    parts[0].W *= 2
    parts[3].b = np.ones((1, 3))
    after = model.forward(x, t)
    assert after != before
    model.backward()
    W, W_grad = np.array(parts[0].W), np.array(parts[0].W_grad)
    model.update_param(0.5)
    near(parts[0].W, W - 0.5 * W_grad)
    y = x
    for part in parts:
        y = part.forward(y)
    assert model.forward(x) == pytest.approx(y, rel=1e-11)


def test_a_convolution_in_a_stack_still_gives_what_is_before_the_relu_on_images_of_any_size():
    parts, (x, _) = stack(), data(3)
    alone = ConvLayer(2, 4, 3, seed=0)
    model = Sequential(parts, CrossEntropyLayer())
    model.forward(x)
    assert np.array_equal(parts[0].forward(x), alone.forward(x))
    other = normal(4, 1, 2, 6, 6)
    assert np.array_equal(parts[0].forward(other), alone.forward(other))
    parts[0].W *= 0
    assert np.array_equal(model.forward(x)[0], model.forward(x)[1])


def test_a_stack_takes_images_of_another_size_that_its_full_layers_fit():
    parts, (x, t) = stack(), data(3)
    model = Sequential(parts, CrossEntropyLayer())
    model.fit(x, t, 2, 0.1, 2)
    W = np.array(parts[0].W)
    turned = x.transpose(0, 1, 3, 2)
    assert model.forward(turned).shape == (5, 3)
    assert np.array_equal(parts[0].W, W)
    with pytest.raises(ConfigError, match=r"FullLayer\(6, 5\) receives 24 numbers"):
        model.forward(normal(0, 1, 2, 8, 16))


WRONG = {
    "channels": [ConvLayer(1, 2, 3), ConvLayer(3, 2, 3), FlattenLayer(), FullLayer(8, 2)],
    "two relus": [ConvLayer(1, 2, 3), ReluLayer(), MaxPoolLayer(), ReluLayer(), FlattenLayer()],
    "relu of nothing": [MaxPoolLayer(), ReluLayer(), FlattenLayer(), FullLayer(4, 2)],
    "full layers": [FlattenLayer(), FullLayer(8, 3), FullLayer(4, 2)],
}


@pytest.mark.parametrize("name", WRONG)
def test_a_stack_that_makes_no_network_is_told(name):
    with pytest.raises(ConfigError, match=r"follows|found ReluLayer"):
        Sequential([*WRONG[name], SoftMaxLayer()], CrossEntropyLayer())


def test_a_stack_without_flatten_is_told_when_it_sees_images():
    model = Sequential([ConvLayer(1, 2, 3), FullLayer(8, 2), SoftMaxLayer()], CrossEntropyLayer())
    with pytest.raises(ConfigError, match="put a flatten layer before it"):
        model.forward(np.ones((1, 1, 2, 2)))


def test_what_does_not_fit_a_stack_is_told():
    model = Sequential(stack(), CrossEntropyLayer())
    with pytest.raises(ShapeError, match="has seen no images"):
        model.update_param(0.1)
    with pytest.raises(ShapeError, match="backward follows forward"):
        model.backward()
    with pytest.raises(ShapeError, match=r"\(batch, channels, height, width\), found"):
        model.forward(np.ones((2, 64)))
    with pytest.raises(ConfigError, match=r"ConvLayer\(2, 4, 3\) receives 3 channels"):
        model.predict(np.ones((2, 3, 4, 8)))
