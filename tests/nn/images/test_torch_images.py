"""Layers on images against PyTorch in double precision."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: the extra torch")

from hypothesis import given, settings
from torch.nn import functional

from chainrule.nn import AveragePool2D, Conv2D, MaxPool2D
from image_layers import WAYS, filtered, going, images_of, pooled

LIMIT = 1e-12

both_ways = pytest.mark.parametrize("way", WAYS)


def both_passes(case, way):
    """Our output, then ∂L/∂x and the gradients of the parameters for L = Σ J ⊙ output."""
    with going(way):
        y = case.layer.forward_pass(case.x)
        upstream = case.layer.backward_pass(case.J)
    return [y, upstream, *(case.layer._gradients[name] for name in case.layer.shapes())]


def theirs(case, function):
    """The same of a function of PyTorch's of padded images and the parameters."""
    layer = case.layer
    x = torch.from_numpy(images_of(case).copy()).requires_grad_()
    own = [torch.from_numpy(layer._values[n].copy()).requires_grad_() for n in layer.shapes()]
    top, bottom, left, right = layer.windows.padding
    value = -torch.inf if isinstance(layer, MaxPool2D) else 0.0
    padded = functional.pad(x, (left, right, top, bottom), value=value)
    y = function(padded, *own).flatten(1)
    found = torch.autograd.grad(y, (x, *own), torch.from_numpy(case.J))
    return [tensor.detach().numpy() for tensor in (y, *found)]


def assert_same(ours, others):
    for one, other in zip(ours, others, strict=True):
        other = other.reshape(one.shape)
        assert np.abs(one - other).max() <= LIMIT * max(1, np.abs(other).max())


@both_ways
@given(case=filtered(kinds=(Conv2D,)))
@settings(max_examples=40)
def test_convolution(way, case):
    def function(x, *own):
        return torch.tanh(functional.conv2d(x, *own, stride=case.layer.stride))

    assert_same(both_passes(case, way), theirs(case, function))


@both_ways
@given(case=filtered(kinds=(Conv2D,), activation="relu"))
@settings(max_examples=20)
def test_convolution_with_relu(way, case):
    def function(x, *own):
        return torch.relu(functional.conv2d(x, *own, stride=case.layer.stride))

    assert_same(both_passes(case, way), theirs(case, function))


@both_ways
@given(case=pooled(kinds=(MaxPool2D,)))
@settings(max_examples=40)
def test_max_pooling(way, case):
    layer = case.layer

    def function(x):
        return functional.max_pool2d(x, layer.window_size, layer.stride)

    assert_same(both_passes(case, way), theirs(case, function))


@both_ways
@given(case=pooled(kinds=(AveragePool2D,)))
@settings(max_examples=40)
def test_average_pooling(way, case):
    layer = case.layer

    def function(x):
        return functional.avg_pool2d(x, layer.window_size, layer.stride)

    assert_same(both_passes(case, way), theirs(case, function))


@both_ways
def test_ties_go_as_in_pytorch(way):
    layer = MaxPool2D(3, stride=2, padding=1)
    from image_layers import case_for

    case = case_for(layer, (2, 6, 7), cases=3)
    case.x[...] = np.random.default_rng(1).integers(0, 2, case.x.shape)

    def function(x):
        return functional.max_pool2d(x, 3, 2)

    assert_same(both_passes(case, way), theirs(case, function))
