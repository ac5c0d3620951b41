"""Formulas of rows, losses and updates give what was recorded, and say what they read."""

from pathlib import Path

import pytest
from random_networks import at_each_step, embedded, joins, rows, told

from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "held_against_python.mjs"
OWN = (rows, joins, at_each_step, embedded)

pytestmark = needs_node


def held(seeds: list[int]) -> None:
    """Hold every formula of the random networks of these seeds against Python's numbers."""
    found = run(SCRIPT, [told(seed, OWN) | {"exact": True} for seed in seeds])
    for seed, errors in zip(seeds, found, strict=True):
        wrong = {target: e for target, e in errors.items() if e is None or e > 1e-11}
        assert not wrong, f"seed {seed}: {wrong}"


def test_a_few_random_networks():
    held([*range(8)])


@pytest.mark.exhaustive
def test_many_random_networks():
    held([*range(8, 150)])
