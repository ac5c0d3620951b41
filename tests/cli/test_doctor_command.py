"""``chainrule doctor``, and the last lines of ``chainrule train``."""

from __future__ import annotations

import json

import pytest

DEAD = """\
network: {layers: [{size: 8, biases: [-9, -8], activation: relu}, {size: 2}, softmax]}
data: {generator: rings, count: 200}
training: {epochs: 15}
"""
WELL = DEAD.replace("biases: [-9, -8], activation: relu", "activation: tanh")


@pytest.fixture(autouse=True)
def configurations(folder):
    (folder / "dead.yaml").write_text(DEAD)
    (folder / "well.yaml").write_text(WELL)


def test_a_finding_has_its_layer_its_evidence_and_what_to_try(command):
    out = command("doctor", "dead.yaml").out
    assert "dead_units in dense_1, certain" in out
    assert "100.0% of the 8 units of dense_1" in out
    assert "--set network.layers.0.weights=he network.layers.0.biases=zeros" in out


def test_the_findings_as_json(command):
    found = json.loads(command("doctor", "dead.yaml", "--json").out)
    assert not found["healthy"]
    assert found["findings"][0]["illness"] == "dead_units"
    assert found["findings"][0]["settings"][0] == "network.layers.0.weights=he"


def test_train_ends_with_two_lines_where_it_plainly_went_wrong(command):
    *_, first, second = command("train", "dead.yaml").out.splitlines()
    assert first.startswith("doctor: dead_units in dense_1 (certain): ")
    assert second.startswith("try: ")
    assert second.endswith("(chainrule doctor runs/dead-1 says more)")
    assert "doctor: " not in command("train", "well.yaml").out


def test_the_message_of_a_training_that_diverged_is_followed_by_why(command):
    change = "network.layers.0.activation=relu", "network.learning_rate=1e200"
    failed = command("train", "well.yaml", "--set", *change)
    assert failed.status == 2
    assert "doctor: " in failed.err
    assert "network.learning_rate=0.1" in failed.err
