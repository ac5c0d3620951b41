"""docs/autodiff.md: its programs run, and what it shows is what they print."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from chainrule.autodiff import backpropagate, graph_table

PAGE = (Path(__file__).parents[2] / "docs" / "autodiff.md").read_text(encoding="utf-8")
PROGRAMS = [
    block for block in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "_function(" not in block
]


@pytest.fixture(scope="module")
def names():
    """What the page's programs, run one after the other, leave behind."""
    found = {"np": np}
    for program in PROGRAMS:
        exec(program, found)
    return found


def test_there_are_programs():
    assert len(PROGRAMS) == 3


def test_the_table(names):
    file = io.StringIO()
    Console(file=file, width=135).print(graph_table(names["L"], named_only=True))
    lines = [line.rstrip() for line in file.getvalue().splitlines() if line.strip()]
    assert "\n".join(lines) in PAGE


def test_the_numbers(names):
    w, b = (float(g.value) for g in backpropagate(names["L"], [names["w"], names["b"]]))
    assert f"∂L/∂w = {w:.4f}, ∂L/∂b = {b:.4f}".replace("-", "−") in PAGE
    assert names["gradient"](lambda x: names["gradient"](names["sin"], x), 0.5) == -np.sin(0.5)
    assert names["hessian"](lambda x: x[0] ** 2 * x[1], [1.0, 3.0]).tolist() == [[6, 2], [2, 0]]


def test_the_network_of_own_parts(names):
    assert names["network"].loss(np.ones((2, 2)), np.zeros(2)) > 0
