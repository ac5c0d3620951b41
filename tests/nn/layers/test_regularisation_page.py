"""docs/regularisation.md: its configuration trains and its lines of Python run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import chainrule

PAGE = (Path(__file__).parents[3] / "docs" / "regularisation.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(python|yaml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("text", [text for form, text in BLOCKS if form == "yaml"])
def test_a_configuration_trains(text, tmp_path):
    file = tmp_path / "page.yaml"
    file.write_text(text, encoding="utf-8")
    run = chainrule.train(file, save=False)
    assert run.test.accuracy > 0.8


@pytest.mark.parametrize("lines", [text for form, text in BLOCKS if form == "python"])
def test_the_lines_of_python_run(lines):
    names: dict[str, Any] = {}
    exec(lines, names)
    assert names["network"].theta.size > 0


def test_every_section_of_the_table_is_there():
    for title in re.findall(r"\[[^\]]*\]\(#([^)]*)\)", PAGE):
        assert f"\n## {title.replace('-', ' ').capitalize()}\n" in PAGE
