"""What compiled loops are given is looked at first: no index leads out of an array."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ShapeError
from chainrule.nn import AveragePool2D, Conv2D, Flatten, LocallyConnected2D, MaxPool2D
from chainrule.nn.images import filtered, pooled
from chainrule.nn.images.geometry import Windows
from chainrule.nn.images.kernels.convolution import Convolution
from chainrule.nn.images.kernels.grids import require_shape, require_windows
from chainrule.nn.images.kernels.local import Local
from chainrule.nn.images.kernels.pooling import Pooling
from chainrule.training.engines.compiled.engine import CompiledEngine
from chainrule.training.optimizers import optimizer

CASES, FLOAT = 2, np.dtype("float64")
WINDOWS, FILTERS = Windows(3, 6, 7, 3, 2, (2, 1), (1, 0, 1, 1)), 4


def test_an_array_is_of_the_shape_and_lies_row_by_row():
    require_shape("images", np.zeros((2, 3)), 2, 3)
    require_shape("images", None, 2, 3)
    with pytest.raises(ShapeError, match=r"images of shape \(2, 3\), found \(3, 2\)"):
        require_shape("images", np.zeros((3, 2)), 2, 3)
    with pytest.raises(ShapeError, match="images that lies row by row"):
        require_shape("images", np.zeros((3, 2)).T, 2, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 8},
        {"columns": 10},
        {"rows": 0},
        {"channels": 0},
        {"stride": (0, 1)},
        {"stride": (1, -1)},
        {"padding": (-1, 0, 1, 1)},
        {"padding": (1, 0, 1, -1)},
    ],
    ids=str,
)
def test_windows_larger_than_the_padded_image_are_refused(wrong):
    require_windows(WINDOWS)
    require_windows(replace(WINDOWS, rows=7, columns=9))
    windows = replace(WINDOWS, **wrong)
    for refuses in (
        require_windows,
        Pooling,
        lambda windows: Local(windows, FILTERS),
        lambda windows: Convolution(windows, FILTERS, CASES, FLOAT),
    ):
        with pytest.raises(ShapeError, match="windows that fit on an image"):
            refuses(windows)


def of_convolution():
    """The arrays of one, by name."""
    images, outputs = (CASES, 126), (CASES, FILTERS * WINDOWS.places)
    shapes = {"x": images, "W": (4, 3, 3, 2), "b": (4,), "z": outputs, "a": outputs}
    shapes |= {"J": outputs, "delta": outputs, "W_grad": (4, 3, 3, 2), "b_grad": (4,)}
    shapes |= {"input_gradient": images}
    return {name: np.zeros(shape) for name, shape in shapes.items()}


FORWARD, BACKWARD = ("x", "W", "b", "z", "a"), ("x", "J", "W")
GRADIENTS = ("z", "delta", "W_grad", "b_grad", "input_gradient")


def run_convolution(arrays):
    loops = Convolution(WINDOWS, FILTERS, CASES, FLOAT)
    loops.forward(*(arrays[name] for name in FORWARD))
    loops.backward(*(arrays[name] for name in BACKWARD), **{n: arrays[n] for n in GRADIENTS})


def shorter_and_longer(array):
    yield array[..., :-1].copy()
    yield np.zeros((*array.shape[:-1], array.shape[-1] + 1))
    yield np.zeros((array.shape[0] + 1, *array.shape[1:]))
    yield array[None]


@pytest.mark.parametrize("name", of_convolution())
def test_arrays_of_other_sizes_are_never_convolved(name):
    arrays = of_convolution()
    run_convolution(arrays)
    for wrong in shorter_and_longer(arrays[name]):
        with pytest.raises(ShapeError, match="compiled loops take"):
            run_convolution({**arrays, name: wrong})


def of_local():
    shapes = {"x": (CASES, 84), "W": (2, 6, 4, 2, 3, 2), "b": (2, 6, 4), "z": (CASES, 48)}
    return {name: np.zeros(shape) for name, shape in shapes.items()}


def run_local(x, W, b, z, *, W_grad=None, b_grad=None, delta=None, input_gradient=None):
    loops = Local(Windows(2, 6, 7, 3, 2, (3, 1)), 4)
    loops.forward(x, W, b, z)
    delta, x = (z if delta is None else delta), np.zeros((CASES, 84))
    loops.weights(
        x,
        delta,
        np.zeros_like(of_local()["W"]) if W_grad is None else W_grad,
        np.zeros((2, 6, 4)) if b_grad is None else b_grad,
    )
    loops.images(
        delta, of_local()["W"], np.zeros_like(x) if input_gradient is None else input_gradient
    )


LIKE = {"W_grad": "W", "b_grad": "b", "delta": "z", "input_gradient": "x"}


@pytest.mark.parametrize("name", ["x", "W", "b", "z", *LIKE])
def test_arrays_of_other_sizes_never_meet_filters_of_a_place(name):
    arrays = of_local()
    run_local(**arrays)
    for wrong in shorter_and_longer(arrays[LIKE.get(name, name)]):
        with pytest.raises(ShapeError, match="compiled loops take"):
            run_local(**{**arrays, name: wrong})


# From the layers and the engine


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Conv2D(2, 2, activation="relu"),
        lambda: Conv2D(2, 2, activation="tanh"),
        lambda: LocallyConnected2D(2, 2),
        lambda: MaxPool2D(2),
        lambda: AveragePool2D(2),
    ],
)
def test_a_layer_refuses_what_does_not_fit_in_place_of_reading_beyond_it(layer, monkeypatch):
    for module in (filtered, pooled):
        monkeypatch.setattr(module, "WORTH_LOOPS", 0)
    layer = layer()
    Network([layer, Flatten(), Dense(1)], input=[2, 4, 4], loss="mse")
    x, J = np.zeros((3, 32)), np.zeros((3, layer.outputs))
    layer.forward_pass(x)
    layer.backward_pass(J)
    others = [] if isinstance(layer, AveragePool2D) else [J[:2], np.zeros((4, layer.outputs))]
    for wrong in (J[:, :-1], np.zeros((3, layer.outputs + 1)), *others):
        layer.forward_pass(x)
        with pytest.raises((ShapeError, ValueError)):
            layer.backward_pass(wrong)
    with pytest.raises((ShapeError, ValueError)):
        layer.forward_pass(x[:, :-1])


def engine(t, batch_size):
    network = Network([Dense(3), Dense(2)], input=2, loss="hinge", seed=1)
    step = optimizer("sgd")
    step.bind(network.theta, network.gradients.vector, [(slice(0, len(network.theta)), 0.1)])
    x = np.zeros((len(t), 2))
    return CompiledEngine(network, step, x, t, batch_size=batch_size, classes=True)


@pytest.mark.exhaustive
@pytest.mark.parametrize("batch_size", [1, 3])
def test_class_numbers_that_change_behind_an_engine_are_not_followed(batch_size):
    t = np.zeros(6, np.int64)
    made = engine(t, batch_size)
    assert made.fallback_reason is None
    expected = made.run(None, 0, made.minibatches).losses
    t[...] = 2**40
    other = engine(np.zeros(6, np.int64), batch_size)
    assert np.array_equal(other.run(None, 0, other.minibatches).losses, expected)
    assert np.isfinite(made.run(None, 0, made.minibatches).losses).all()


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 6], [0, 1, 2, 3, 4, -7], [2**62] * 6])
def test_cases_that_are_not_there_are_never_gathered(order, batch_size):
    made = engine(np.zeros(6, np.int64), batch_size)
    with pytest.raises(IndexError):
        made.run(np.array(order), 0, made.minibatches)
