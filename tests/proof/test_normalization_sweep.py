"""The proof's sweep over networks that normalise, in a quick form."""

from __future__ import annotations

import numpy as np
import pytest
from proof.agreement import agreements
from proof.normalization import CLAIMS, LAYERS, SHAPES, Kind, compare, drawn, kinds

from chainrule.nn.layers.standardized import ByColumn

SOME = [
    Kind("tanh", layer, shape, training, 1)
    for layer in LAYERS
    for shape in SHAPES
    for training in (False, True)
]


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", SOME, ids=lambda k: f"{k.layer}-{k.shape}-{k.training}")
def test_every_derivation_agrees_on_a_few(kind):
    found = agreements(CLAIMS)
    compare(found, kind, drawn(kind), with_jax=False)
    for name, agreement in found.items():
        assert agreement.holds or not agreement.arrays, name


@pytest.mark.exhaustive
def test_a_gradient_that_is_wrong_is_found(monkeypatch):
    right = ByColumn.vjp

    def forgets_a_bit(self, g, out=None):
        found = right(self, g, out)
        found *= 1.0001
        return found

    monkeypatch.setattr(ByColumn, "vjp", forgets_a_bit)
    found = agreements(CLAIMS)
    for kind in SOME[:4]:
        compare(found, kind, drawn(kind), with_jax=False)
    assert not any(found[name].holds for name in ("central", "complex", "graph", "explicit"))


def test_what_is_drawn_varies():
    every = [*kinds(1)]
    assert len({*every}) == len(every) == 12 * 2 * 3 * 2
    cases = [drawn(kind) for kind in every[::5]]
    assert min(len(case.x) for case in cases) == 1
    assert any(np.isnan(case.x).any() for case in cases)
    assert {case.network.penalised != () for case in cases} == {True, False}
