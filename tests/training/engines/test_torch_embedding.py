"""PyTorch's `nn.Embedding` has our vectors as they are, and takes them back."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Dense, Network
from chainrule.core.errors import ShapeError
from chainrule.nn import Conv2D, Embedding, GlobalAveragePool2D

torch = pytest.importorskip("torch", reason="needs the package torch")


def test_the_vectors_are_not_transposed():
    from chainrule.training.engines.torch.modules import to_torch
    from chainrule.training.engines.torch.parameters import from_torch

    network = Network([Embedding(3, classes=5), Dense(2)], input=4, loss="mse", seed=1)
    module = to_torch(network)
    embedding = next(m for m in module.modules() if isinstance(m, torch.nn.Embedding))
    assert np.array_equal(embedding.weight.detach().numpy(), network.layers[0].E)
    x = np.random.default_rng(1).integers(-1, 5, (7, 4))
    found = module(torch.tensor(x, dtype=torch.float64)).detach().numpy()
    assert found == pytest.approx(network.forward_pass(x), abs=1e-14)
    theirs = torch.nn.Sequential(
        torch.nn.Embedding(5, 3), torch.nn.Flatten(), torch.nn.Linear(12, 2)
    )
    from_torch(theirs, network)
    assert np.allclose(network.layers[0].E, theirs[0].weight.detach().numpy())
    known = np.abs(x)
    assert network.forward_pass(known) == pytest.approx(
        theirs(torch.tensor(known)).detach().numpy(), abs=1e-6
    )
    with pytest.raises(ShapeError, match=r"shape \(5, 3\), found \(3, 5\)"):
        from_torch(torch.nn.Sequential(torch.nn.Embedding(3, 5), theirs[2]), network)


def test_the_mean_of_channels_is_pytorchs():
    from chainrule.training.engines.torch.modules import to_torch

    network = Network(
        [Conv2D(3, 2, activation="tanh"), GlobalAveragePool2D(), Dense(2)], input=[1, 5, 4], seed=1
    )
    module = to_torch(network)
    assert any(isinstance(m, torch.nn.AdaptiveAvgPool2d) for m in module.modules())
    x = np.random.default_rng(1).normal(size=(3, 1, 5, 4))
    found = module(torch.tensor(x)).detach().numpy()
    assert found == pytest.approx(network.forward_pass(x), abs=1e-14)
