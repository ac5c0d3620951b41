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


def test_a_configuration_of_no_epochs_is_not_trained():
    config = network({"activation": "tanh"})
    assert examine(config, overrides=["training.epochs=0"]).examined.startswith("0 epochs;")


def test_a_run_takes_no_settings():
    run = train(network({"activation": "tanh"}), overrides=["training.epochs=1"], save=False)
    with pytest.raises(ConfigError, match=r"go with a configuration"):
        examine(run, overrides=["training.epochs=2"])


def test_wide_of_the_mark_for_long_is_overfitting_though_the_loss_never_rose():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 40))
    t = (x[:, 0] + x[:, 1] > 0).astype(int)
    config = {
        "network": {"layers": [{"size": 16, "activation": "tanh"}, {"size": 2}, "softmax"]},
        "data": {"split": [0.2, 0.8, 0]},
        "training": {"epochs": 30},
    }
    assert examine(config, data=(x, t)).first.illness == "overfitting"


def test_labels_of_others_are_seen_without_cases_held_out():
    rng = np.random.default_rng(2)
    config = {**network({"activation": "tanh"}), "data": {"split": [1, 0, 0]}}
    config["training"] = {"epochs": 10}
    x, t = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
    assert examine(config, data=(x, t)).first.illness == "shuffled_labels"


def test_values_behind_softmax_are_a_wrong_loss():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2))
    config = {
        "network": {"loss": "mse", "layers": [{"size": 2}, "softmax"]},
        "data": {"split": [1, 0, 0], "target": "value"},
        "training": {"epochs": 3},
    }
    found = examine(config, data=(x, 3 * x)).first
    assert (found.illness, found.layer, found.confidence) == ("wrong_loss", "softmax", "certain")


def test_an_estimator_is_told_what_the_doctor_takes():
    class Fitted:
        network_ = None

    with pytest.raises(ConfigError, match=r"data=\(X, y\)"):
        examine(Fitted())


def test_a_loss_of_every_step_that_fits_is_not_blamed():
    config = {
        "network": {
            "loss": "binary_cross_entropy",
            "layers": [
                {"type": "recurrent", "size": 3},
                {"size": 1, "activation": "sigmoid"},
            ],
        },
        "data": {"generator": "parity", "bits": 4, "targets": "all"},
        "training": {"epochs": 2},
    }
    assert "wrong_loss" not in [each.illness for each in examine(config)]


def passed(x, t, epochs=5, **own):
    """What the doctor says first of passed classes."""
    outputs = int(t.max()) + 1
    config = {
        "network": {"layers": [{"size": 6, **own}, {"size": outputs}, "softmax"]},
        "data": {"split": [0.7, 0.3, 0]},
        "training": {"epochs": epochs},
    }
    return examine(config, data=(x, t)).first


def test_an_input_that_is_the_number_of_the_class_leaks_though_others_know_it_too():
    t = np.random.default_rng(5).integers(0, 3, 120)
    others = np.random.default_rng(6).normal(size=(120, 3)) + 9 * t[:, None]
    assert "leaking_feature" not in str(passed(others, t, epochs=2))
    assert passed(np.column_stack([others, t]), t, epochs=2).illness == "leaking_feature"


def test_a_number_whose_square_overflows_is_named_with_its_column():
    rng = np.random.default_rng(7)
    x, t = rng.normal(size=(80, 3)), rng.integers(0, 2, 80)
    x[:, 1] += 3 * t
    x[np.arange(80) % 2 == 0, 2] = 1e200
    found = passed(x, t)
    assert found.illness == "not_finite"
    assert "x₃ such as 1e+200" in found.evidence


def test_units_that_start_at_the_flat_ends_are_told_though_the_training_gets_there():
    t = np.random.default_rng(8).integers(0, 2, 100)
    x = 0.3 * np.random.default_rng(9).normal(size=(100, 4)) + 4 * t[:, None] - 2
    found = passed(x, t, epochs=20, activation="tanh", weights=[-200, 200])
    assert found.confidence == "possible"
    assert found.illness == "saturated_units"
    assert passed(x, t, activation="tanh") is None


def test_a_class_of_a_case_or_two_is_a_hint():
    x = np.random.default_rng(10).normal(size=(100, 3))
    t = (np.arange(100) % 50 == 0).astype(int)
    x[t == 1] += 5
    found = passed(x, t, epochs=20)
    assert (found.illness, found.confidence) == ("class_imbalance", "possible")


@pytest.mark.exhaustive
def test_a_relu_before_softmax_is_a_hint():
    config = network({"activation": "tanh"})
    config["network"]["layers"][1] = {"size": 2, "activation": "relu", "biases": [1, 2]}
    config["training"] = {"epochs": 5}
    found = [each for each in examine(config) if each.illness == "wrong_loss"]
    assert [each.settings for each in found] == [("network.layers.1.activation=linear",)]


def test_a_number_whose_square_overflows_is_named_among_cases_held_out_as_well():
    rng = np.random.default_rng(11)
    x, config = rng.normal(size=(60, 1)), network({"activation": "tanh"})
    config["network"] = {"loss": "mse", "layers": [{"size": 4}, {"size": 1}]}
    config["data"], config["training"] = {"split": [0.5, 0.5, 0]}, {"epochs": 3}
    firsts = [
        examine(config, data=(x, np.where(np.arange(60) == k, 1e180, x[:, 0]))).first
        for k in range(4)
    ]
    assert {each.illness for each in firsts} == {"not_finite"}
    parts = {"validation or test" in each.evidence for each in firsts}
    assert parts == {True, False}
