"""`chainrule.examine`: the illness is named, and following the advice cures it."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import Diagnosis, examine, train
from chainrule.core.errors import ConfigError, DataError, DivergenceError
from chainrule.runs.doctor.diagnosis import Finding

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
        pytest.param(
            "saturated_units",
            "dense_1",
            network({"activation": "tanh", "biases": [30, 40]}),
            marks=pytest.mark.exhaustive,
        ),
        pytest.param(
            "rate_too_low",
            None,
            network({"activation": "tanh"}, learning_rate=1e-5),
            marks=pytest.mark.exhaustive,
        ),
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


@pytest.mark.exhaustive
def test_a_column_that_gives_the_label_away_is_named_with_the_key_that_drops_it(folder):
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 200)
    columns = [*rng.normal(size=(3, 200)), label * 4.0 - 1]
    rows = [",".join(map(str, row)) for row in zip(*columns, label.tolist(), strict=True)]
    (folder / "loans.csv").write_text("\n".join(["age,sum,rate,paid back,label", *rows]))
    config = network({"activation": "tanh"})
    config["data"] = {"file": "loans.csv", "label": "label", "target": "class"}
    found = examine(config)
    assert found.first.illness == "leaking_feature"
    assert "paid back" in found.first.evidence
    assert "leaking_feature" not in {
        each.illness for each in examine(config, overrides=found.first.settings)
    }


def test_a_run_of_passed_data_is_examined_in_memory_and_refused_from_its_folder(folder):
    config = network({"activation": "tanh"})
    x = np.random.default_rng(1).normal(size=(60, 2))
    run = train({**config, "data": {}}, data=(x, (x[:, 0] > 0).astype(int)), run=folder / "run")
    assert examine(run).name == "run"
    with pytest.raises(DataError, match=r"examine the run while it is in memory"):
        examine(folder / "run")


def test_a_diagnosis_shows_itself_in_a_line_and_in_a_notebook():
    finding = Finding("wrong_loss", "<b>", "3 < 4", "certain", "a < b", ("network.loss=mse",))
    found = Diagnosis((finding,), "2 epochs", "<run>")
    assert repr(found) == "Diagnosis(<run>: wrong_loss (certain))"
    assert "<b>" not in found._repr_html_()
    assert "&lt;b&gt;" in found._repr_html_()
    assert found.to_dict()["findings"][0]["settings"] == ["network.loss=mse"]


def test_a_run_takes_no_settings():
    run = train(network({"activation": "tanh"}), overrides=["training.epochs=1"], save=False)
    with pytest.raises(ConfigError, match=r"go with a configuration"):
        examine(run, overrides=["training.epochs=2"])
