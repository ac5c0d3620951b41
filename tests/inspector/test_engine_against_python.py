"""The page's own passes give, key by key, the numbers that Python records, of random networks."""

from pathlib import Path
from typing import Any

import pytest
from image_networks import filters_of_all_kinds, normalised_of_all_kinds, pools_of_all_kinds
from random_networks import as_json, told

from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "engine_against_python.mjs"

pytestmark = needs_node


def held(seeds: list[int]) -> None:
    """Hold the engine against Python on the random networks of these seeds."""
    held_as_told({f"seed {seed}": told(seed) for seed in seeds})


def held_as_told(networks: dict[str, dict[str, Any]]) -> None:
    """Hold the engine against Python on networks by name, each as `as_json` gives it."""
    found = run(SCRIPT, [*networks.values()])
    for name, errors in zip(networks, found, strict=True):
        wrong = {
            key: e for key, e in errors.items() if not (isinstance(e, int | float) and e < 1e-12)
        }
        assert not wrong, f"{name}: {wrong}"


def test_a_few_random_networks():
    held([*range(15)])


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    "networks", [filters_of_all_kinds, pools_of_all_kinds, normalised_of_all_kinds]
)
def test_images_of_many_sizes_strides_paddings_and_ties(networks):
    made = [(in_float64(network), x, t) for network, x, t in networks()]
    records = [recorded(network, *network.prepare(x, t)) for network, x, t in made]
    held_as_told({f"network {n}": as_json(record) for n, record in enumerate(records)})


@pytest.mark.exhaustive
def test_three_hundred_random_networks():
    held([*range(15, 300)])
