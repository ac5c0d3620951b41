"""The sum over all paths of a number to the loss is its gradient, and the largest are listed."""

from pathlib import Path

import numpy as np
import pytest

from chainrule import Dense, Network, Softmax
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.scene import Told, scene
from inspector.image_networks import a_few, normalised_of_all_kinds, pools_of_all_kinds
from inspector.sequence_networks import variants
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "paths_held.mjs"

pytestmark = needs_node


def followed(network: Network, x, t, most: int = 8, cells: int = 3):
    """The paths of a few numbers of every parameter, each with its gradient."""
    made = in_float64(network)
    record = recorded(made, *made.prepare(x, t))
    arrays = {
        key: [None if np.isnan(value) else value for value in entry.values.ravel().tolist()]
        for key, entry in record.entries.items()
    }
    random = np.random.default_rng(1)
    without_penalty = made.gradients
    tried, expected = [], []
    for key in [key.removesuffix("_grad") for key in record.entries if key.endswith("_grad")]:
        for _ in range(cells):
            at = [int(random.integers(n)) for n in record[key].shape]
            tried.append({"key": key, "at": at})
            expected.append(without_penalty[key][tuple(at)])
    told = scene(record, Told("a test"))
    given = [{"scene": told, "arrays": arrays, "cells": tried, "most": most}]
    (found,) = run(SCRIPT, given)
    assert tried
    return list(zip(tried, expected, found, strict=True))


def dense() -> tuple[Network, np.ndarray, list[int]]:
    layers = [Dense(4, "tanh"), Dense(3, "gelu"), Dense(3), Softmax()]
    x = np.random.default_rng(0).normal(size=(5, 4))
    return Network(layers, input=4, seed=1), x, [0, 1, 1, 0, 2]


def test_the_products_of_all_paths_add_up_to_the_gradient():
    for cell, gradient, paths in followed(*dense()):
        assert paths["only"] is None
        assert paths["total"] == pytest.approx(gradient, rel=1e-9, abs=1e-13), cell


def test_where_all_paths_are_listed_they_are_as_many_as_counted_and_sorted():
    tried = followed(*dense(), most=10_000)
    for cell, gradient, paths in tried:
        products = np.abs(paths["products"])
        assert len(products) == paths["count"]
        assert (np.diff(products) <= 1e-12 * products[0]).all()
        assert paths["recounted"] == pytest.approx(gradient, rel=1e-9, abs=1e-13), cell
    counts = {cell["key"]: paths["count"] for cell, _, paths in tried}
    # Of each of 5 cases: over 3 units of the second layer, 3 of the third, and 3 probabilities;
    # the loss depends on one of these, that of the case's class.
    assert counts["dense_1.W"] == 5 * 3 * 3
    assert counts["dense_2.b"] == 5 * 3


@pytest.mark.exhaustive
def test_few_are_the_largest_of_all():
    for (_, _, few), (_, _, all_) in zip(
        followed(*dense(), most=4), followed(*dense(), most=10_000), strict=True
    ):
        assert np.abs(few["products"]) == pytest.approx(np.abs(all_["products"][:4]), rel=1e-9)


@pytest.mark.exhaustive
@pytest.mark.parametrize("networks", [a_few, pools_of_all_kinds, normalised_of_all_kinds])
def test_paths_through_filters_pools_and_norms(networks):
    for k, given in enumerate(networks()):
        for cell, gradient, paths in followed(*given, cells=1):
            assert paths["total"] == pytest.approx(gradient, rel=1e-9, abs=1e-12), (k, cell)


@pytest.mark.exhaustive
def test_paths_through_steps():
    for name, network, x, t in variants(np.random.default_rng(0)):
        if any(getattr(layer, "truncate", None) for layer in network.layers):
            continue  # its gradient leaves paths out on purpose
        for cell, gradient, paths in followed(network, x, t, cells=1):
            assert paths["total"] == pytest.approx(gradient, rel=1e-9, abs=1e-12), (name, cell)


@pytest.mark.exhaustive
def test_of_too_many_cells_those_of_one_case_are_followed():
    network = Network([Dense(200, "tanh"), Dense(200, "tanh"), Dense(2)], input=3, seed=1)
    random = np.random.default_rng(0)
    x, t = random.normal(size=(64, 3)), random.normal(size=(64, 2))
    alone = in_float64(network)
    recorded(alone, *alone.prepare(x[:1], t[:1]))
    tried = [found for found in followed(network, x, t) if found[0]["key"] == "dense_1.W"]
    assert tried
    for cell, _, paths in tried:
        assert paths["only"] == 0
        share = alone.gradients[cell["key"]][tuple(cell["at"])] / len(x)
        assert paths["total"] == pytest.approx(share, rel=1e-9)
        assert paths["count"] == 200 * 2
