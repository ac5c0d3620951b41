"""What the page says of the signs in its formulas: each definition gives the function's number."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from chainrule.inspector.words import FUNCTIONS
from chainrule.nn.activations import ACTIVATIONS

SIGNS = {"sigmoid": "σ", "leaky_relu": "leaky relu"}
IN_PYTHON = [
    (", else", " else"),
    ("²", " ** 2"),
    ("·", "*"),
    ("−", "-"),
    ("e^", "exp"),
    ("√(2π)", "sqrt(2 * pi)"),
]


def told(sign: str, z: float, **known: float) -> float:
    """What somebody finds who follows a definition."""
    text = FUNCTIONS[sign].partition(", where")[0]
    for as_written, in_python in IN_PYTHON:
        text = text.replace(as_written, in_python)
    names = (
        vars(math)
        | known
        | {
            "z": z,
            "ln": math.log,
            "s": math.log1p(math.exp(z)),
            "σ": lambda x: 1 / (1 + math.exp(-x)),
            "Φ": lambda x: math.erfc(-x / math.sqrt(2)) / 2,
        }
    )
    return float(eval(re.sub(r"\|z\|", "abs(z)", text), names))


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "linear"])
def test_a_definition_gives_the_functions_number(name: str) -> None:
    """Within what four digits of a constant leave, above 0 and below it."""
    phi = ACTIVATIONS[name]()
    sign = SIGNS.get(name, name)
    options = {"alpha": 1.0, "slope": 0.01}
    for z in (-1.3, -0.2, 0.4, 1.7):
        a = phi.value(np.array([z]))[0]
        assert told(sign, z, **options) == pytest.approx(a, rel=1e-4)
        slope = phi.derivative(np.array([z]))[0]
        assert told(f"{sign}′", z, a=a, **options) == pytest.approx(slope, rel=1e-4)
