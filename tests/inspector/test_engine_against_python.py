"""The page's own passes give, key by key, the numbers that Python records, of random networks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_networks import filters_of_all_kinds, normalised_of_all_kinds, pools_of_all_kinds
from random_networks import (
    PARTS,
    as_json,
    at_each_step,
    drawn,
    embedded,
    joins,
    of_every_loss_and_rule,
    rows,
    told,
    told_of,
)

from chainrule import Network
from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.nn import Dense, LayerNorm
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "engine_against_python.mjs"

pytestmark = needs_node


def held(seeds: list[int]) -> None:
    """Hold the engine against Python on the random networks of these seeds."""
    held_as_told({f"seed {seed}": told(seed) for seed in seeds})


def held_as_told(networks: dict[str, dict[str, Any]], within: float = 1e-12) -> None:
    """Hold the engine against Python on networks by name, each as `as_json` gives it."""
    found = run(SCRIPT, [*networks.values()])
    for name, errors in zip(networks, found, strict=True):
        wrong = {
            key: e for key, e in errors.items() if not (isinstance(e, int | float) and e < within)
        }
        assert not wrong, f"{name}: {wrong}"


def test_one_random_network_of_each_kind():
    held([*range(len(PARTS))])


def test_every_loss_and_rule():
    networks = {}
    for n, made in enumerate(of_every_loss_and_rule()):
        networks[f"network {n}"] = told_of(made, n)
        if n % 3 == 0:
            made.network.theta = made.network.theta * 1e3  # whose exponentials overflow
            networks[f"network {n} of large weights"] = told_of(made, n)
    held_as_told(networks, within=1e-11)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "networks", [filters_of_all_kinds, pools_of_all_kinds, normalised_of_all_kinds]
)
def test_images_of_many_sizes_strides_paddings_and_ties(networks):
    made = [(in_float64(network), x, t) for network, x, t in networks()]
    records = [recorded(network, *network.prepare(x, t)) for network, x, t in made]
    held_as_told({f"network {n}": as_json(record) for n, record in enumerate(records)})


def test_another_activation_gives_and_takes_arrays():
    networks = {}
    for before, after in [("linear", "elu"), ("tanh", "linear"), ("relu", "gelu")]:
        first, second = (_with_activation(word) for word in (before, after))
        layers = [one | {"activation": two["activation"]} for one, two in _pairs(first, second)]
        begun = first | {"scene": first["scene"] | {"layers": layers}}
        networks[f"{before} to {after}"] = second | {"from": begun}
    held_as_told(networks)


def _with_activation(word: str) -> dict[str, Any]:
    layers = [Dense(3, word), LayerNorm(activation=word), Dense(2, word), Dense(2, word)]
    network = Network(layers, input=4, loss="mse", seed=3)
    x, t = np.random.default_rng(2).normal(size=(3, 4)), np.zeros((3, 2))
    return as_json(recorded(network, *network.prepare(x, t)))


def _pairs(first: dict[str, Any], second: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    return zip(first["scene"]["layers"], second["scene"]["layers"], strict=True)


@pytest.mark.exhaustive
def test_large_weights():
    networks = {}
    for seed in range(120):
        made = drawn(seed, (rows, joins, at_each_step, embedded))
        made.network.theta = made.network.theta * 1e4
        networks[f"seed {seed}"] = told_of(made, seed)
    held_as_told(networks, within=1e-10)


@pytest.mark.exhaustive
def test_three_hundred_random_networks():
    held([*range(len(PARTS), 300)])
