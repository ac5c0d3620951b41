"""docs/explain.md: what it shows is what the command prints, and its program runs."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from chainrule.explain.latex import letter_latex
from chainrule.explain.naming import name_text
from chainrule.runs.explained import explained
from printed_formulas import steps_of, wrong_steps

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def textbook():
    return explained(ROOT / "examples" / "textbook.yaml")


def test_the_page_shows_what_the_command_prints(textbook):
    text = textbook.text(80)
    shown = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert len(shown) > 9
    for block in shown:
        assert block in text


@pytest.mark.exhaustive
def test_the_page_shows_what_is_printed_of_a_larger_network():
    (block,) = re.findall(r"```text iris\n(.*?)```", PAGE, re.DOTALL)
    assert block in explained(ROOT / "examples" / "iris.yaml").text(80)


def test_the_page_shows_the_markdown(textbook):
    (formula,) = re.findall(r"```math\n.*?```", PAGE, re.DOTALL)
    assert formula in textbook.markdown()


def test_the_lines_of_the_page_can_be_computed_again():
    shown = "\n\n".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))
    assert len(steps_of(shown)) > 8
    assert wrong_steps(shown) == []


def test_the_program_runs():
    test = doctest.DocTestParser().get_doctest(PAGE, {}, "explain.md", None, 0)
    assert doctest.DocTestRunner().run(test).failed == 0
    assert len(test.examples) > 4


def test_every_letter_of_an_explanation_is_one_that_latex_knows(textbook):
    for step in textbook.steps:
        own = getattr(step.result.name, "by", step.result.name)
        base, _ = letter_latex(own.letter)
        assert base.isascii(), name_text(own)
