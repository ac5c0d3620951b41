"""docs/optimisers.md: its examples run, and its table has every optimiser with its defaults."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from ruamel.yaml import YAML

import chainrule
from chainrule.training.optimizers import OPTIMIZERS, optimizer
from chainrule.training.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "optimisers.md").read_text(encoding="utf-8")
EXAMPLES = [YAML(typ="safe").load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.S)]
RULES = PAGE[PAGE.index("## The rules") : PAGE.index("## L-BFGS")]
ROWS = {row[0]: row for row in re.findall(r"^\| `(\w+)` \|(.*)\|(.*)\|(.*)\|$", RULES, re.M)}


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_configuration(example):
    assert Settings(**example["training"])
    if "layers" not in example["network"]:
        return
    run = chainrule.train(example, save=False)
    assert run.ending.startswith("L-BFGS converged after ")


def test_the_programs_run():
    for program in re.findall(r"```python\n(.*?)```", PAGE, re.S):
        names: dict = {}
        exec(program, names)
        assert len(names["run"].history["train_loss"]) == 2


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_table_has_every_option_with_its_default_and_the_rate(name):
    _, _, options, rate = ROWS[name]
    found = {}
    for key, value in re.findall(r"`(\w+): ([^`]+)`", options):
        found[key] = YAML(typ="safe").load(value)
    if "adam's" in options:
        found = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, **found}
    one = optimizer(name)
    expected = {f.name: getattr(one, f.name) for f in fields(one) if f.init}
    assert {key: float(value) for key, value in found.items()} == expected
    if name != "lbfgs":
        assert float(rate) == one.default_rate
