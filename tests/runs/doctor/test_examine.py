"""`chainrule.examine`: the illness is named, and following the advice cures it."""

from __future__ import annotations

import pytest

from chainrule import examine, train
from chainrule.core.errors import DivergenceError

RINGS = {"generator": "rings", "count": 200}


def network(layer, **own):
    return {
        "network": {"layers": [{"size": 8, **layer}, {"size": 2}, "softmax"], **own},
        "data": RINGS,
        "training": {"epochs": 40},
    }


@pytest.mark.parametrize(
    ("illness", "layer", "config"),
    [
        ("dead_units", "dense_1", network({"activation": "relu", "biases": [-9, -8]})),
        ("saturated_units", "dense_1", network({"activation": "tanh", "biases": [30, 40]})),
        ("rate_too_low", None, network({"activation": "tanh"}, learning_rate=1e-5)),
    ],
)
def test_an_illness_is_named_with_its_layer_and_its_advice_cures_it(illness, layer, config):
    found = examine(config)
    assert (found.first.illness, found.first.layer) == (illness, layer)
    assert any(letter.isdigit() for letter in found.first.evidence)
    assert examine(config, overrides=found.first.settings).healthy


def test_a_network_that_learns_is_healthy():
    found = examine(network({"activation": "tanh"}))
    assert found.healthy
    assert not found.alarms


def test_a_run_in_its_folder_says_what_the_run_in_memory_says(folder):
    ill = network({"activation": "relu", "biases": [-9, -8]})
    run = train(ill, run=folder / "ill")
    found, of_folder = examine(run), examine(folder / "ill")
    assert found.to_dict() == of_folder.to_dict()
    assert found.name == "ill"


def test_a_training_that_diverges_says_where_and_why():
    ill = network({"activation": "relu"}, learning_rate=1e200)
    with pytest.raises(DivergenceError) as caught:
        train(ill, save=False)
    found = examine(caught.value.run)
    assert [each.illness for each in found] == ["rate_too_high", "not_finite"]
    assert "forward pass" in found.findings[1].evidence
    assert examine(ill, overrides=found.first.settings).healthy
