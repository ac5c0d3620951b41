"""The page on weights by hand: its lines run, and its YAML loads."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import numpy as np

import chainrule
from chainrule.config.reading.yaml_reader import read_yaml
from chainrule.nn.layer_types import LAYERS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "weights-by-hand.md"


def test_its_lines_give_what_they_show(monkeypatch):
    monkeypatch.chdir(ROOT)
    found = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert found.attempted >= 10
    assert found.failed == 0


def test_its_configuration_trains():
    text = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    run = chainrule.train(read_yaml(text).value, overrides=["training.epochs=0"], save=False)
    assert run.network.layers[0].W.tolist() == [[0.15, 0.25], [0.2, 0.3]]
    assert run.network.layers[0].b.tolist() == [0.35, 0.35]


def test_its_message_is_that_of_the_program(command, folder):
    page = PAGE.read_text(encoding="utf-8")
    lines, said = re.search(r"\$ chainrule (.*)\n(.*)\n```", page).groups()
    np.save("W.npy", np.ones((3, 2)))
    Path("net.yaml").write_text(
        "network:\n  loss: mse\n  layers:\n    - size: 3\n      weights: {file: W.npy}\n"
        "data: {x: [[1, 2]], t: [[1, 2, 3]]}\n"
    )
    ended = command(*lines.split())
    assert ended.err.strip().endswith(said)


def test_it_names_every_layer_that_has_parameters():
    table = PAGE.read_text(encoding="utf-8").split("## The shape of each array")[1]
    for kind, layer in LAYERS.items():
        assert (f"`{kind}`" in table) == layer.has_weights
