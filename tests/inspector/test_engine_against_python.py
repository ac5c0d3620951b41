"""The page's own passes give, key by key, the numbers that Python records, of random networks."""

import math
from pathlib import Path
from typing import Any

import pytest
from image_networks import filters_of_all_kinds, normalised_of_all_kinds, pools_of_all_kinds
from random_networks import drawn

from chainrule.explain.lesson import in_float64
from chainrule.inspector.passes import recorded
from chainrule.inspector.record import FirstStep, Record
from chainrule.inspector.scene import Told, scene
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "engine_against_python.mjs"

pytestmark = needs_node


def told(seed: int) -> dict[str, Any]:
    """The scene and the recorded arrays of a random network, as JSON takes them."""
    made = drawn(seed)
    network = in_float64(made.network)
    weights = network.prepare_weights(made.weights, len(made.x))
    step = FirstStep(made.rule, made.scale, made.most)
    record = recorded(network, *network.prepare(made.x, made.t), weights, step=step, seed=seed)
    return as_json(record)


def as_json(record: Record) -> dict[str, Any]:
    """The scene and the arrays of a record, as JSON takes them."""
    arrays = {
        key: [one if math.isfinite(one) else js_number(one) for one in entry.values.ravel()]
        for key, entry in record.entries.items()
    }
    return {"scene": scene(record, Told("a test")), "arrays": arrays}


def js_number(one: float) -> str:
    """A number that JSON lacks, as JavaScript writes it."""
    return "NaN" if math.isnan(one) else "Infinity" if one > 0 else "-Infinity"


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
