"""The same derivatives by PyTorch's autograd."""

import numpy as np
import pytest
from operation_cases import CASES, shapes_for

from chainrule.autodiff import activate, gradient, variable
from chainrule.nn.activations import ACTIVATIONS

torch = pytest.importorskip("torch")

# What PyTorch calls the activations where its name is another.
NAMES = {"linear": "identity"}


def agree(function, theirs, arguments, rng):
    """First derivatives, and those of their weighted sum, to 1e-12 of the largest."""
    weights = rng.normal(size=function(*map(variable, arguments)).shape)

    def along(*points):
        found = gradient(lambda *a: (function(*a) * weights).sum(), *points)
        found = found if isinstance(found, tuple) else (found,)
        return sum((g * g).sum() for g in found), found

    tensors = [torch.tensor(a, requires_grad=True) for a in arguments]
    value = (theirs(torch, *tensors) * torch.tensor(weights)).sum()
    first = torch.autograd.grad(value, tensors, create_graph=True)
    squares = sum((g * g).sum() for g in first)
    ours_first = along(*arguments)[1]
    for a, b in zip(ours_first, first, strict=True):
        assert near(a, b)
    if not squares.requires_grad:
        return
    second = torch.autograd.grad(squares, tensors, allow_unused=True)
    ours = gradient(lambda *a: along(*a)[0], *arguments)
    for a, b in zip(ours if isinstance(ours, tuple) else (ours,), second, strict=True):
        assert near(a, torch.zeros(a.shape) if b is None else b)


def near(ours, theirs):
    theirs = theirs.detach().numpy(force=True)
    assert ours.shape == theirs.shape
    return np.abs(ours - theirs).max() <= 1e-12 * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("name", CASES)
def test_every_operation(name):
    rng = np.random.default_rng(3)
    case = CASES[name]
    agree(case.function, case.torch, case.arguments(shapes_for(case), rng), rng)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation(name):
    rng = np.random.default_rng(4)
    z = rng.normal(0, 3, (4, 5))

    def theirs(torch, z):
        return z * 1 if name == "linear" else getattr(torch.nn.functional, name)(z)

    agree(lambda a: activate(a, name), theirs, [z], rng)
