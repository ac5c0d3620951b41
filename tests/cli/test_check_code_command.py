"""``chainrule check-code``: what a learner sees of the own code."""

from pathlib import Path

import pytest

MINE = """
import numpy as np

def tanh(z):
    return np.tanh(z)

def tanh_derivative(z):
    return 1 / np.cosh(z)

def swish(x, b):
    s = 1 / (1 + np.exp(-x))
    return x * s + b

def slope(g, x, b):
    s = 1 / (1 + np.exp(-x))
    return g * (s + x * s * (1 - s)), g.sum(axis=0)

def gradient_check(f, x, g):
    return True
"""


pytestmark = pytest.mark.exhaustive


@pytest.fixture
def mine(folder):
    Path("mine.py").write_text(MINE, "utf-8")
    return "mine.py"


def test_what_is_found_by_its_name_is_judged(command, mine):
    result = command("check-code", mine)
    assert result.status == 1
    assert "tanh: WRONG" in result.out
    assert "gradient_check: WRONG\n  It passes everything." in result.out


def test_two_functions_are_named_and_inputs_given(command, mine):
    words = ["--forward", "swish", "--backward", "slope", "--inputs", "x=5x3 b=3"]
    result = command("check-code", mine, *words)
    assert result.status == 0, result.out
    assert "swish: right\n  swish is right to 12 digits: the gradients for x, b\n" in result.out
    wrong = command("check-code", mine, "--forward", "swihs")
    assert (wrong.status, wrong.out) == (2, "")
    assert wrong.err == "mine.py: there is no function swihs at the top level; swish is meant?\n"


def test_a_file_without_gradients_is_told_what_is_looked_for(command, folder):
    Path("empty.py").write_text("x = 1", "utf-8")
    result = command("check-code", "empty.py")
    assert result.status == 2
    assert "--forward f --backward f_slope" in result.err
    assert command("check-code", "absent.py").err == "absent.py: there is no such file\n"


def test_a_gradient_without_its_function_is_refused(command, mine):
    result = command("check-code", mine, "--backward", "slope")
    assert result.status == 2
    assert "--forward" in result.err
