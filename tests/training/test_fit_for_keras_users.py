"""`Network.fit` as one who knows Keras calls it: what is refused says what to write instead."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule.core.errors import ChainruleError, ConfigError
from chainrule.nn import (
    LSTM,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    Network,
    Recurrent,
    Softmax,
)

X = np.arange(24.0).reshape(12, 2) / 24
T = np.arange(12) % 3


def network(**options) -> Network:
    return Network([Dense(4, "tanh"), Dense(3), Softmax()], input=2, seed=1, **options)


def message(call) -> str:
    with pytest.raises(ChainruleError) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize(
    ("setting", "advice"),
    [
        ({"validation_split": 0.2}, "fit(x[:n], y[:n], validation=(x[n:], y[n:]))"),
        ({"validation_data": (X, T)}, "did you mean 'validation'?"),
        ({"sample_weight": np.ones(12)}, "did you mean 'weights'?"),
        ({"class_weight": {0: 2}}, "did you mean 'class_weights'?"),
        ({"learning_rate": 0.01}, "it belongs to the network: network.learning_rate = 0.01"),
        ({"loss": "mse"}, "it belongs to the network: Network(...)"),
        ({"verbose": 0}, "fit prints nothing; it returns the history"),
        ({"optimizer": {"type": "adam", "lr": 0.1}}, "the learning rate belongs to the network"),
        ({"optimizer": {"type": "sgd", "momentum": 0.9}}, "{type: momentum, momentum: 0.9"),
        ({"callbacks": ["csv_log"]}, "network.fit(x, y, folder=...)"),
        ({"validation": 0.2}, "validation is (x, y) or (x, y, weights) of cases held out"),
    ],
)
def test_settings_of_keras_lead_to_ours(setting, advice):
    assert advice in message(lambda: network().fit(X, T, **setting))


def test_the_advice_on_the_rate_holds():
    slow, fast = network(), network()
    slow.learning_rate, fast.learning_rate = 0.0, 0.01
    before = slow.theta.copy()
    slow.fit(X, T, epochs=2)
    fast.fit(X, T, epochs=2)
    assert np.array_equal(slow.theta, before)
    assert not np.array_equal(fast.theta, before)


def changed(a: np.ndarray, place: tuple[int, ...], value: float) -> np.ndarray:
    a = a.astype(float)
    a[place] = value
    return a


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: network().fit(changed(X, (3, 1), np.nan), T), "x[3, 1] is nan; a network is"),
        (lambda: network().fit(X * [1, np.inf], T), "x[0, 1] is inf, and 11 more are not fin"),
        (lambda: network().fit(X, changed(T, (2,), np.nan)), "y[2] is nan"),
        (
            lambda: network().fit(X, T, validation=(changed(X, (0, 0), np.inf), T)),
            "validation x[0, 0] is inf",
        ),
        (lambda: network().fit(X, T, weights=[-1.0] + [1.0] * 11), "found -1 for case 0"),
        (lambda: network().fit([[1, 2], [3]], [0, 1]), "found 2 in row 0, 1 in row 1"),
        (lambda: network().fit(X[:0], T[:0]), "nothing to train on: no training cases"),
        (lambda: network().fit(X, T, folder=3), "folder is a path, found 3"),
    ],
)
def test_numbers_that_are_missing_are_found_before_training(call, found):
    with np.errstate(invalid="ignore"):
        assert found in message(call)


def test_sequences_may_end_in_padding_and_hold_no_other_gaps():
    def read(x):
        layers = [Recurrent(2, outputs="last"), Dense(1)]
        return Network(layers, input=(3, 2), seed=1).fit(x, [1.0, 2.0], 1, engine="numpy")

    x = np.ones((2, 3, 2))
    assert len(read(changed(x, (1, 2), np.nan))["train_loss"]) == 1
    assert "x[1, 2, 0] is nan" in message(lambda: read(changed(x, (1, 2, 0), np.nan)))
    ragged = [[[1.0, 1.0]] * 3, [[1.0, 1.0]] * 2]
    assert "shorter sequences are padded with NaN" in message(lambda: read(ragged))


def test_images_with_channels_last_are_told_how_to_turn_them():
    reader = Network([Conv2D(2, 2), Flatten(), Dense(3), Softmax()], input=(3, 4, 4))
    x = np.random.default_rng(0).random((12, 4, 4, 3))
    assert "np.moveaxis(x, -1, 1) puts the channels first" in message(lambda: reader.fit(x, T))
    assert reader.fit(np.moveaxis(x, -1, 1), T, 1, engine="numpy")["train_loss"]


def test_a_target_for_each_case_needs_the_last_step_alone():
    x = np.ones((4, 3, 2))
    every_step = Network([LSTM(2), Dense(2), Softmax()], input=(3, 2))
    assert "outputs='last'" in message(lambda: every_step.fit(x, [0, 1, 0, 1]))
    with pytest.raises(ConfigError, match=r"of class numbers \[steps, 1\]"):
        Network([Embedding(2, classes=9), LSTM(2), Dense(1)], input=3)


def test_callbacks_write_into_a_folder(tmp_path):
    folder = tmp_path / "logs" / "first"
    history = network().fit(X, T, epochs=3, callbacks=["csv_log"], folder=folder)
    lines = (folder / "log.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("epoch,train_loss,train_accuracy")
    assert [float(line.split(",")[1]) for line in lines[1:]] == history["train_loss"]


@pytest.mark.parametrize("name", ["predict", "summary", "compile", "save_weights", "state_dict"])
def test_methods_of_keras_and_pytorch_are_told_what_is_here(name):
    with pytest.raises(AttributeError, match=rf"'Network' has no attribute '{name}'; .{{20}}"):
        getattr(network(), name)
    assert not hasattr(network(), "anything")


def test_scores_of_cases_are_not_asked_of_evaluate():
    with pytest.raises(ChainruleError, match=r"scores of cases are chainrule\.training\.scores"):
        network().evaluate(X, T)
