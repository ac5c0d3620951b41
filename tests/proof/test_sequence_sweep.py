"""The proof's sweep over recurrent networks, in a quick form."""

from __future__ import annotations

import numpy as np
import pytest
from proof.agreement import agreements
from proof.sequences import CLAIMS, Kind, compare, drawn, network_of

from chainrule.nn import Embedding, Recurrent

KINDS = [
    Kind("tanh", "cross_entropy", 0),
    Kind("relu", "mse", 1),
    Kind("gelu", "hinge", 2),
    Kind("lstm", "huber", 3),
    Kind("gru", "cross_entropy", 4),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.layer}-{kind.loss}")
def test_every_derivation_agrees_on_a_few(kind):
    found = agreements(CLAIMS)
    compare(found, kind, drawn(kind), with_jax=False)
    for name in ("complex", "graph"):
        assert found[name].arrays, name
    for name, agreement in found.items():
        assert agreement.holds or not agreement.arrays, name


def test_a_gradient_that_is_wrong_is_found(monkeypatch):
    right = Recurrent._backward

    def forgets_a_bit(self, delta, *, to_input):
        found = right(self, delta, to_input=to_input)
        self.U_grad[0, 0] *= 1.0001
        return found

    monkeypatch.setattr(Recurrent, "_backward", forgets_a_bit)
    found = agreements(CLAIMS)
    for number in range(4):
        kind = Kind("tanh", "mse", number)
        compare(found, kind, drawn(kind), with_jax=False)
    assert not any(found[name].holds for name in ("central", "complex", "graph", "truncated"))


def test_what_is_drawn_varies():
    kinds = [Kind("tanh", "mse", number) for number in range(40)]
    networks = [network_of(kind, 3) for kind in kinds]
    layers = [layer for net in networks for layer in net.layers if isinstance(layer, Recurrent)]
    assert {layer.only_last for layer in layers} == {True, False}
    assert {layer.bias for layer in layers} == {True, False}
    assert {layer.learns_start for layer in layers} == {True, False}
    assert len(layers) > len(networks)
    assert 0 < sum(isinstance(net.layers[0], Embedding) for net in networks) < 40
    cases = [drawn(kind) for kind in kinds[:12]]
    assert any(np.isnan(case.x).any() for case in cases)
    assert {len(case.xs) for case in cases} >= {1, 2}
    assert min(case.x.shape[1] for case in cases) < 3
