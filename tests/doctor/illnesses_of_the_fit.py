"""Networks that fit too closely or not closely enough, or that are judged by the wrong loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from doctor.illnesses_of_the_start import NORMAL, RELU, RINGS, pictures, stack, values
from doctor.made import clouds, images
from doctor.patients import Patient, configuration, dense, variant


@variant("overfitting")
def few_noisy_moons() -> Patient:
    layers = [*stack(2, 48, "relu", **RELU), dense(2), "softmax"]
    data = {"generator": "moons", "count": 1500, "noise": 0.35, "split": [0.4, 0.4, 0.2]}
    config = configuration(layers, data, optimizer="adam", rate=0.01, epochs=40, batch_size=16)
    return Patient(config=config, cause=("data.split=[0.03,0.77,0.2]", "training.epochs=150"))


@variant("overfitting")
def forty_images() -> Patient:
    layers = [dense(64, "relu", **RELU), dense(32, "relu", **RELU), dense(4), "softmax"]
    data = {**NORMAL, "split": [0.8, 0.2, 0]}
    files = {
        "train.npz": images(1000),
        "few.npz": images(40, seed=5),
        "test.npz": images(200, seed=2),
    }
    config = configuration(layers, data, optimizer="adam", epochs=15, batch_size=16)
    data = ("data.file=few.npz", "data.split=[1,0,0]", "data.validation_file=test.npz")
    return Patient(config=config, cause=(*data, "training.epochs=120"), files=files)


@variant("overfitting")
def twenty_points_of_a_noisy_curve() -> Patient:
    layers = [*stack(2, 48, "tanh"), dense(1)]
    data = {"generator": "curve", "count": 600, "noise": 0.35, "split": [0.6, 0.2, 0.2]}
    config = configuration(layers, data, optimizer="adam", rate=0.01, epochs=30)
    return Patient(config=config, cause=("data.split=[0.03,0.77,0.2]", "training.epochs=600"))


@variant("overfitting")
def a_hundred_columns_of_noise() -> Patient:
    layers = [dense(32, "tanh"), dense(2), "softmax"]
    files = {
        "train.npz": with_noise(900),
        "few.npz": with_noise(60, 3),
        "test.npz": with_noise(300, 2),
    }
    config = configuration(
        layers, NORMAL, optimizer="momentum", epochs=8, penalty={"type": "L2", "rate": 0.02}
    )
    cause = (
        "data.file=few.npz",
        "data.split=[1,0,0]",
        "data.validation_file=test.npz",
        "training.epochs=200",
        "network.penalty.rate=0",
    )
    return Patient(config=config, cause=cause, files=files)


@variant("overfitting")
def labels_partly_wrong_learnt_by_heart() -> Patient:
    layers = [*stack(2, 64, "relu", **RELU), dense(3), "softmax"]
    config = configuration(
        layers,
        {**NORMAL, "split": [0.6, 0.4, 0]},
        optimizer="adam",
        epochs=250,
        batch_size=16,
        callbacks=[{"type": "early_stopping", "patience": 5}],
    )
    files = {"train.npz": blurred_clouds(250), "test.npz": blurred_clouds(300, 2)}
    return Patient(config=config, cause=("training.callbacks=[]",), files=files)


def with_noise(count: int, seed: int = 1) -> dict[str, Any]:
    """Two clouds, and a hundred inputs that say nothing."""
    made = clouds([count // 2] * 2, apart=1.7, seed=seed)
    noise = np.random.default_rng(seed + 70).normal(size=(len(made["t"]), 100))
    return {**made, "x": np.hstack([made["x"], noise])}


def blurred_clouds(count: int, seed: int = 1) -> dict[str, Any]:
    """Three clouds; one label in five is wrong."""
    made = clouds([count // 3] * 3, apart=3, seed=seed)
    rng = np.random.default_rng(seed + 30)
    wrong = rng.random(len(made["t"])) < 0.2
    return {**made, "t": np.where(wrong, rng.integers(0, 3, len(wrong)), made["t"])}


@variant("underfitting")
def spirals_by_two_units() -> Patient:
    layers = [dense(32, "tanh"), dense(32, "tanh"), dense(3), "softmax"]
    data = {"generator": "spirals", "count": 600}
    config = configuration(layers, data, optimizer="adam", rate=0.01, epochs=80)
    return Patient(config=config, cause=("network.layers.0.size=2", "network.layers.1.size=2"))


@variant("underfitting")
def a_penalty_that_outweighs_the_loss() -> Patient:
    layers = [dense(24, "tanh"), dense(2), "softmax"]
    data = {"generator": "moons", "count": 400}
    config = configuration(
        layers, data, rate=0.1, epochs=50, batch_size=16, penalty={"type": "L2", "rate": 1e-4}
    )
    return Patient(config=config, cause=("network.penalty.rate=1",))


@variant("underfitting")
def a_straight_line_for_a_bump() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    data = {"generator": "curve", "function": "bump", "count": 400, "noise": 0.05}
    config = configuration(layers, data, optimizer="adam", rate=0.02, epochs=60)
    return Patient(config=config, cause=("network.layers.0.activation=linear",))


@variant("underfitting")
def rings_without_a_hidden_layer() -> Patient:
    layers = [dense(24, "tanh"), dense(3), "softmax"]
    config = configuration(layers, RINGS, optimizer="momentum", epochs=60)
    return Patient(config=config, cause=("network.layers=[{size: 3}, softmax]",))


@variant("underfitting")
def images_through_one_unit_of_most_left_out() -> Patient:
    layers = [dense(48, "relu", **RELU), {"type": "dropout", "rate": 0.1}, dense(4), "softmax"]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=20)
    return Patient(
        config=config,
        cause=("network.layers.0.size=3", "network.layers.1.rate=0.8"),
        files=pictures(400),
    )


@variant("wrong_loss")
def values_of_any_sign_by_a_sigmoid() -> Patient:
    layers = [dense(24, "tanh"), dense(1, "linear")]
    config = configuration(layers, NORMAL, loss="mse", optimizer="adam", rate=0.01, epochs=40)
    return Patient(config=config, cause=("network.layers.1.activation=sigmoid",), files=values())


@variant("wrong_loss")
def values_of_any_sign_by_a_relu() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1, "linear")]
    data = {"generator": "curve", "count": 400, "noise": 0.05}
    config = configuration(layers, data, loss="mse", optimizer="adam", rate=0.02, epochs=60)
    return Patient(config=config, cause=("network.layers.1.activation=relu",))


@variant("wrong_loss")
def values_beyond_one_by_a_tanh() -> Patient:
    layers = [dense(32, "tanh"), dense(1, "linear")]
    files = {name: {**made, "t": 4 + 3 * made["t"]} for name, made in values().items()}
    config = configuration(layers, NORMAL, loss="huber", optimizer="adam", rate=0.02, epochs=60)
    return Patient(config=config, cause=("network.layers.1.activation=tanh",), files=files)


@variant("wrong_loss")
def absolute_error_behind_softmax() -> Patient:
    layers = [dense(24, "tanh"), dense(10), "softmax"]
    train, test = (
        clouds([40] * 10, features=12, apart=4),
        clouds([20] * 10, features=12, apart=4, seed=2),
    )
    config = configuration(layers, NORMAL, loss="cross_entropy", rate=0.1, epochs=30)
    return Patient(
        config=config, cause=("network.loss=mae",), files={"train.npz": train, "test.npz": test}
    )


@variant("wrong_loss")
def scaled_targets_by_a_sigmoid() -> Patient:
    layers = [dense(24, "tanh"), dense(1, "sigmoid")]
    files = {
        name: {**made, "t": 1 / (1 + np.exp(-2 * made["t"]))} for name, made in values().items()
    }
    config = configuration(layers, NORMAL, loss="mse", optimizer="adam", rate=0.02, epochs=40)
    return Patient(config=config, cause=("data.scale_targets=true",), files=files)
