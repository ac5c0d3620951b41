"""docs/explain.md: what it shows of layers is what its lines of Python print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from printed_formulas import steps_of, wrong_steps

PAGE = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
PARTS = re.split(r"```python\n(?=from)", PAGE)[1:]
"""A program, and the page behind it up to the next one."""


@pytest.mark.parametrize("part", PARTS)
def test_what_is_shown_of_a_layer_is_what_is_printed(part):
    program, behind = part.split("```", 1)
    names: dict[str, Any] = {}
    exec(program, names)
    text = names["explanation"].text(80)
    shown = re.findall(r"```text python\n(.*?)```", behind, re.DOTALL)
    assert shown
    for block in shown:
        assert block in text
        assert wrong_steps(block) == []
    assert len(steps_of("\n\n".join(shown))) > 1


def test_there_are_programs_on_the_page():
    assert len(PARTS) == 4
