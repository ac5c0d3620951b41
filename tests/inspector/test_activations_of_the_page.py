"""The page has Python's activations and slopes: near 0, far from it, and at no number at all."""

from dataclasses import asdict, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from chainrule.nn.activations import ACTIVATIONS, activation
from javascript import needs_node, run

SCRIPT = Path(__file__).parent / "page" / "activations_against_python.mjs"
OTHERS = ({"type": "leaky_relu", "slope": 0.3}, {"type": "elu", "alpha": 2.0})
"""Activations with other options than those they have by default."""

pytestmark = needs_node


@pytest.fixture(scope="module")
def z():
    near = np.random.default_rng(1).normal(scale=4, size=400)
    far = [20.0, 36.0, 40.0, 300.0, 709.5, 745.0, 1e5, 1e200, 1e308, np.inf]
    small = [0.0, 1e-300, 5e-324, 1e-17, 1e-9, 1.9999, 2.8284271247461903]
    return np.concatenate([near, far, np.negative(far), small, np.negative(small), [np.nan]])


def test_values_and_slopes(z):
    chosen = [activation(name) for name in ACTIVATIONS] + [activation(one) for one in OTHERS]
    names = [*ACTIVATIONS, *(one["type"] for one in OTHERS)]
    options = [asdict(phi) if is_dataclass(phi) else {} for phi in chosen]
    given = [
        {"named": {"type": name, **own}, "z": [*map(js, z)]}
        for name, own in zip(names, options, strict=True)
    ]
    for phi, name, found in zip(chosen, names, run(SCRIPT, given), strict=True):
        with np.errstate(all="ignore"):
            held(name, z, found["value"], phi.value(z))
            held(f"the slope of {name}", z, found["slope"], phi.derivative(z))


def js(number: float) -> str:
    """A number as JavaScript reads it."""
    return repr(float(number)).replace("inf", "Infinity").replace("nan", "NaN")


def held(what: str, z, found, right) -> None:
    found = np.array([float(one.replace("Infinity", "inf")) for one in found])
    with np.errstate(invalid="ignore"):
        error = np.abs(found - right) / np.maximum(1, np.abs(right))
    same = (found == right) | (np.isnan(found) & np.isnan(right)) | (error < 1e-15)
    assert same.all(), f"{what} at {z[~same]}: {found[~same]}, not {right[~same]}"
