"""Formulas as they are written: brackets where they are needed, and nowhere else."""

import numpy as np
import pytest

from chainrule.autodiff import (
    concatenate,
    conv2d,
    formula,
    log,
    maximum,
    relu,
    sqrt,
    sum,
    variable,
)
from chainrule.autodiff.report import LONGEST

a, b, c = variable(2.0, "a"), variable(3.0, "b"), variable(5.0, "c")
v, W = variable([1.0, 2.0], "v"), variable(np.ones((2, 2)), "W")
X, F = variable(np.ones((1, 1, 3, 3)), "X"), variable(np.ones((2, 1, 2, 2)), "F")


@pytest.mark.parametrize(
    ("node", "written"),
    [
        (a + b + c, "a + b + c"),
        (a - (b - c), "a − (b − c)"),
        (a - b - c, "a − b − c"),
        (a * (b + c), "a · (b + c)"),
        (a / (b * c), "a / (b · c)"),
        (a / b * c, "a / b · c"),
        (a / (b / c), "a / (b / c)"),
        (-a * b, "−a · b"),
        (a * -b, "a · (−b)"),
        (a - (-b), "a − (−b)"),
        (-(a + b), "−(a + b)"),
        (-2 / (a - b), "−2 / (a − b)"),
        ((-a) ** 2, "(−a)²"),
        ((a**2) ** 3, "(a²)³"),
        (a**-1, "a⁻¹"),
        (a**0.5, "a^0.5"),
        (a**b, "a^b"),
        (a ** (b + c), "a^(b + c)"),
        (variable(-2.0) ** 2, "(−2)²"),
        (relu(a * b) + 1.5, "relu(a · b) + 1.5"),
        (sqrt(a + b), "√(a + b)"),
        (maximum(a + b, c), "max(a + b, c)"),
        (abs(a - b), "|a − b|"),
        (log((a - b) ** 2), "log((a − b)²)"),
        (W @ v, "W v"),
        ((W + W) @ v, "(W + W) v"),
        (sum(v + a), "Σ (v + a)"),
        (v[0] * v[1:], "v[0] · v[1:]"),
        (W[:, 1], "W[:, 1]"),
        (concatenate([v, v]), "[v, v]"),
        (conv2d(X, F, v) * a, "(conv(X, F) + reshape(v)) · a"),
        (v * np.ones(2), "v · array(2,)"),
    ],
)
def test_formulas(node, written):
    assert formula(node) == written


def test_named_nodes_are_written_by_their_names():
    u = (a + b).named("u")
    assert formula(u * c) == "u · c"
    assert formula(u) == "a + b"
    assert formula(a) == "a"


def test_a_long_formula_is_cut():
    y = a
    for _ in range(1000):
        y = y + b
    assert len(formula(y)) < LONGEST + 10
    assert " … " in formula(y)
