"""docs/keras.md: its lines run, and every word of its last column is known."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import chainrule
from chainrule import nn

PAGE = (Path(__file__).parents[2] / "docs" / "keras.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
CELLS = [row.split("|")[-2] for row in PAGE.splitlines() if row.startswith("|")]
QUOTED = [text for cell in CELLS for text in re.findall(r"`([^`]*)`", cell)]
LAYERS = [text for text in QUOTED if text.startswith("nn.") and "nn.Network" not in text]
SETTINGS = [text for text in QUOTED if re.match("(optimizer|schedule|metrics|class_w|clip)", text)]


def test_the_lines_of_python_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(PYTHON[0], names)
    x = names["x"]
    assert names["history"]["validation_accuracy"][-1] > 0.7
    assert (names["again"].forward_pass(x) == names["network"].forward_pass(x)).all()


def test_the_configuration_trains(tmp_path):
    (tmp_path / "page.yaml").write_text(YAML[0], encoding="utf-8")
    run = chainrule.train(tmp_path / "page.yaml", save=False, overrides=["training.epochs=3"])
    assert len(run.history["validation_roc_auc"]) == 3


@pytest.mark.parametrize("line", LAYERS)
def test_a_layer_of_the_last_column_is_made(line):
    made = eval(f"[{line}]", {"nn": nn})
    assert all(isinstance(layer, nn.Layer) for layer in made)


@pytest.mark.parametrize("line", SETTINGS)
def test_a_setting_of_the_last_column_is_known(line):
    layers = [nn.Dense(2), nn.Softmax()]
    network = nn.Network(layers, input=2)
    chosen = eval(f"dict({line})")
    x = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    settings = {"epochs": 1, "engine": "numpy", "validation": (x, [0, 1, 1, 0])}
    assert network.fit(x, [0, 1, 1, 0], **settings, **chosen)["train_loss"]


def test_the_columns_are_read():
    assert len(LAYERS) >= 10
    assert len(SETTINGS) >= 5
