"""Formulas of rows, losses and updates give what was recorded, and say what they read."""

from pathlib import Path
from typing import Any

import pytest
from random_networks import (
    at_each_step,
    embedded,
    joins,
    of_every_loss_and_rule,
    rows,
    told,
    told_of,
)

from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "held_against_python.mjs"
OWN = (rows, joins, at_each_step, embedded)

pytestmark = needs_node


def held(seeds: list[int]) -> None:
    """Hold every formula of the random networks of these seeds against Python's numbers."""
    held_as_told([told(seed, OWN) for seed in seeds])


def held_as_told(networks: list[dict[str, Any]]) -> None:
    """The same for networks as `told` gives them."""
    found = run(SCRIPT, [one | {"exact": True} for one in networks])
    for n, errors in enumerate(found):
        wrong = {target: e for target, e in errors.items() if e is None or e > 1e-11}
        assert not wrong, f"network {n}: {wrong}"


def test_one_random_network_of_each_kind():
    held([*range(len(OWN))])


def test_every_loss_and_rule():
    held_as_told([told_of(made, n) for n, made in enumerate(of_every_loss_and_rule())])


@pytest.mark.exhaustive
def test_many_random_networks():
    held([*range(len(OWN), 150)])
