"""Every shipped example is explained truly, in LaTeX that GitHub and latex2mathml know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainrule.explain.html import mathml
from chainrule.explain.naming import text_width
from chainrule.runs.explained import explained
from printed_formulas import latex_steps_of, steps_of, wrong_steps

EXAMPLES = Path(__file__).parents[2] / "examples"
FOREIGN = {"cifar10.yaml", "letters.yaml"}  # whose data are not in the repository
NAMES = sorted({path.name for path in EXAMPLES.glob("*.yaml")} - FOREIGN)

WORDS = """
frac partial cdot sqrt lvert rvert lVert rVert ln tanh cosh max min operatorname text hat bar tilde
prime dots quad leftarrow approx begin end sigma Phi varphi pi delta eta varepsilon gamma beta mu
alpha theta lambda rho ell Delta
"""

COMMANDS = set(re.findall(r"\w+", WORDS))
"""The commands that GitHub's MathJax has, and that latex2mathml converts."""


def formulas_of(markdown):
    """The displayed formulas, side by side, and those within sentences."""
    for block in re.findall(r"```math\n\\begin\{aligned\}\n(.*?)\n\\end", markdown, re.DOTALL):
        for row in block.split(" \\\\\n"):
            yield from row.replace(r"\quad {}", "").split("&")
    yield from re.findall(r"\$`(.*?)`\$", markdown)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_explained_truly(name):
    found = explained(EXAMPLES / name, case=0)
    text = found.text(40)
    assert len(steps_of(text)) == len(found.steps) > 20
    assert wrong_steps(text) == []
    assert max(map(text_width, text.splitlines())) <= 40
    markdown = found.markdown()
    assert wrong_steps(latex_steps_of(markdown)) == []
    assert set(re.findall(r"\\([A-Za-z]+)", "\n".join(formulas_of(markdown)))) <= COMMANDS


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["textbook.yaml", "convolution.yaml", "memory.yaml", "iris.yaml"])
def test_every_formula_becomes_mathml(name):
    for formula in set(formulas_of(explained(EXAMPLES / name).markdown())):
        if formula.strip():
            written = mathml(formula.strip())
            assert "\\" not in written, formula
            assert written.count("<mrow>") == written.count("</mrow>"), formula


def test_the_textbook_in_markdown_has_known_commands_alone():
    markdown = explained(EXAMPLES / "textbook.yaml").markdown()
    formulas = list(formulas_of(markdown))
    assert set(re.findall(r"\\([A-Za-z]+)", "\n".join(formulas))) <= COMMANDS
    assert all(formula.count("{") == formula.count("}") for formula in formulas)
    assert "$$" not in markdown
