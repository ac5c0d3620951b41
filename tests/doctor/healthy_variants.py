"""Usual trainings of every layer, optimiser and schedule, and odd ones that are not ill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doctor.illnesses_of_the_data import SCALED_TARGETS, TABLE, standardized, thinned
from doctor.illnesses_of_the_start import (
    MOONS,
    NORMAL,
    RELU,
    RINGS,
    SHAPES,
    pictures,
    stack,
    values,
)
from doctor.illnesses_of_the_steps import ECHO, SINE, SPIRALS
from doctor.made import clouds, flowers, friedman, houses, images, people
from doctor.patients import Patient, configuration, dense

VARIANTS: dict[str, Callable[[], Patient]] = {}
"""By name, the functions that make them."""

IMAGES = {**SHAPES, "flatten": False}
FILTERS = {"type": "conv2d", "filters": 8, "size": 3, "weights": "he"}


def healthy(make: Callable[[], Patient]) -> Callable[[], Patient]:
    """Enter a function among the healthy trainings, under its name."""
    VARIANTS[make.__name__.replace("_", " ")] = make
    return make


def usual(
    name: str, layers: list[Any], data: dict[str, Any], *, files: Any = None, **keys: Any
) -> None:
    """Enter a training that one line describes."""
    patient = Patient(config=configuration(layers, data, **keys), files=files or {})
    VARIANTS[name] = lambda: patient


def classes(size: int, *hidden: Any) -> list[Any]:
    """A network for so many classes."""
    return [*hidden, dense(size), "softmax"]


# Layers

TANH, HE = dense(24, "tanh"), dense(32, "relu", **RELU)
BATCH = {"type": "batch_norm", "activation": "relu"}
LAYER = {"type": "layer_norm", "activation": "relu"}
DROPOUT = {"type": "dropout", "rate": 0.3}

usual("dropout", classes(4, HE, DROPOUT), SHAPES, optimizer="adam", epochs=15)
usual("batch norm", classes(4, dense(32, "linear"), BATCH), SHAPES, rate=0.05, epochs=12)
usual(
    "layer norm",
    classes(3, dense(32, "linear"), LAYER),
    RINGS,
    optimizer="adam",
    rate=0.01,
    epochs=40,
)
usual(
    "deep sigmoids behind batch norm",
    classes(
        2,
        *(
            part
            for _ in range(4)
            for part in (dense(16, "linear"), {**BATCH, "activation": "sigmoid"})
        ),
    ),
    MOONS,
    optimizer="adam",
    rate=0.01,
    epochs=30,
)
usual(
    "convolution and average pool",
    classes(4, FILTERS, "average_pool2d", "flatten"),
    IMAGES,
    optimizer="adam",
    epochs=10,
    batch_size=16,
)
usual(
    "locally connected",
    classes(4, {**FILTERS, "type": "locally_connected2d", "filters": 4}, "flatten"),
    IMAGES,
    optimizer="adam",
    epochs=8,
)
usual(
    "batch norm of filters",
    classes(4, {**FILTERS, "activation": "linear"}, BATCH, "max_pool2d", "flatten"),
    IMAGES,
    optimizer="momentum",
    rate=0.02,
    epochs=8,
)
usual(
    "gru",
    [{"type": "gru", "size": 12}, dense(1)],
    ECHO,
    loss="mse",
    optimizer="adam",
    rate=0.02,
    epochs=30,
)
usual(
    "lstm",
    [{"type": "lstm", "size": 12}, dense(1)],
    ECHO,
    loss="mse",
    optimizer="adam",
    rate=0.02,
    epochs=40,
)
usual(
    "bits echoed",
    classes(2, {"type": "recurrent", "size": 12}),
    {**ECHO, "of": "bits"},
    optimizer="adam",
    rate=0.01,
    epochs=25,
)
for name in ("sigmoid", "elu", "selu", "gelu", "silu", "softsign", "leaky_relu"):
    usual(
        f"two layers of {name}",
        classes(3, *stack(2, 24, name)),
        RINGS,
        optimizer="adam",
        rate=0.02,
        epochs=100 if name == "sigmoid" else 40,
    )
usual(
    "one unit more than needed",
    classes(2, dense(3, "tanh")),
    {"generator": "xor", "count": 300},
    optimizer="adam",
    rate=0.05,
    epochs=60,
)
usual(
    "four layers of relu",
    classes(3, *stack(4, 32, "relu", **RELU)),
    SPIRALS,
    optimizer="adam",
    epochs=60,
)
usual(
    "a wide layer",
    classes(2, dense(300, "relu", **RELU)),
    MOONS,
    rate=0.3,
    epochs=80,
    batch_size=16,
)

# Optimisers and schedules

RATES = {
    "momentum": 0.05,
    "adagrad": 0.05,
    "rmsprop": 0.005,
    "adam": 0.01,
    "adamw": 0.01,
    "nadam": 0.01,
}
for name, rate in RATES.items():
    usual(f"{name} on moons", classes(2, TANH), MOONS, optimizer=name, rate=rate, epochs=50)
usual(
    "lbfgs",
    classes(2, TANH),
    MOONS,
    optimizer="lbfgs",
    epochs=30,
    penalty={"type": "L2", "rate": 0.001},
)
SCHEDULES: tuple[Any, ...] = (
    {"type": "exponential", "decay": 0.95},
    "cosine",
    {"type": "step", "every": 15, "by": 0.5},
    {"type": "one_cycle"},
    {"type": "plateau"},
)
for schedule in SCHEDULES:
    name = schedule if isinstance(schedule, str) else schedule["type"]
    usual(
        f"schedule {name}",
        classes(3, TANH),
        RINGS,
        optimizer="momentum",
        rate=0.2,
        epochs=60,
        schedule=schedule,
    )
usual(
    "warm up",
    classes(3, TANH),
    RINGS,
    rate=0.5,
    epochs=80,
    batch_size=8,
    schedule={"type": "cosine", "warm_up": 5},
)
usual(
    "clipped gradients",
    [HE, dense(1)],
    NORMAL,
    files=values(),
    optimizer="adam",
    epochs=40,
    clip_gradient_norm=1,
)
usual(
    "one case at a time",
    classes(3, TANH),
    {"generator": "rings", "rings": 3, "count": 300},
    rate=0.1,
    epochs=40,
    batch_size=1,
)
usual(
    "all cases at once for long",
    classes(2, dense(12, "tanh")),
    MOONS,
    rate=0.5,
    epochs=600,
    batch_size="full",
)
usual("float32", classes(4, HE), SHAPES, dtype="float32", rate=0.1, epochs=15)
usual(
    "explicit Jacobians",
    classes(2, dense(8, "tanh")),
    {"generator": "moons", "count": 60, "noise": 0.05},
    rate=0.3,
    epochs=30,
    batch_size=8,
)

# Odd, and not ill

usual("three epochs of images", classes(4, HE), SHAPES, optimizer="adam", epochs=3)
usual("one epoch of images", classes(4, HE), SHAPES, rate=0.1, epochs=1, batch_size=16)
usual(
    "two epochs of values",
    [TANH, dense(1)],
    NORMAL,
    files=values(),
    optimizer="adam",
    rate=0.02,
    epochs=2,
)
usual(
    "two epochs of a recurrence",
    [{"type": "recurrent", "size": 16}, dense(1)],
    ECHO,
    loss="mse",
    optimizer="adam",
    epochs=2,
)
usual(
    "everything right",
    classes(3, HE),
    {"generator": "blobs", "count": 300, "spread": 0.5},
    rate=0.1,
    epochs=40,
)
usual(
    "everything right for long",
    classes(3, HE),
    {"generator": "blobs", "count": 300, "spread": 0.5},
    optimizer="adam",
    epochs=200,
)
usual(
    "logistic regression",
    classes(2),
    NORMAL,
    files={"train.npz": clouds([150, 150]), "test.npz": clouds([60, 60], seed=2)},
    rate=0.1,
    epochs=30,
)
usual(
    "a straight line",
    [dense(1)],
    SCALED_TARGETS,
    files={"train.csv": houses(), "test.csv": houses(150, 2)},
    loss="mse",
    optimizer="adam",
    rate=0.02,
    epochs=40,
)
usual(
    "much noise in the values",
    [dense(8, "tanh"), dense(1)],
    NORMAL,
    files={"train.npz": friedman(600, noise=1), "test.npz": friedman(200, 2, noise=1)},
    optimizer="adam",
    epochs=25,
    penalty={"type": "L2", "rate": 0.001},
)
usual(
    "clouds that overlap",
    classes(2, dense(6, "tanh")),
    NORMAL,
    files={
        "train.npz": clouds([300, 300], apart=1),
        "test.npz": clouds([100, 100], apart=1, seed=2),
    },
    rate=0.05,
    epochs=15,
)
usual(
    "three cases to one",
    classes(2, TANH),
    NORMAL,
    files={"train.npz": clouds([300, 100]), "test.npz": clouds([90, 30], seed=2)},
    rate=0.1,
    epochs=25,
)
usual(
    "nine to one and told apart",
    classes(2, TANH),
    NORMAL,
    files={"train.npz": clouds([360, 40], apart=4), "test.npz": clouds([90, 10], apart=4, seed=2)},
    rate=0.1,
    epochs=30,
)
usual(
    "few cases of each of ten classes",
    classes(10, TANH),
    NORMAL,
    files={
        "train.npz": clouds([30] * 10, features=12, apart=5),
        "test.npz": clouds([20] * 10, features=12, apart=5, seed=2),
    },
    optimizer="adam",
    rate=0.01,
    epochs=25,
)
usual(
    "forty flowers",
    classes(3, dense(8, "tanh")),
    standardized(**TABLE),
    files={"train.csv": flowers((14, 13, 13)), "test.csv": flowers(seed=2)},
    rate=0.1,
    epochs=40,
    batch_size=8,
)
usual(
    "flowers in centimetres",
    classes(3, TANH),
    TABLE,
    files={"train.csv": flowers(), "test.csv": flowers(seed=2)},
    rate=0.1,
    epochs=50,
)
usual(
    "buyers",
    classes(2, HE),
    standardized(**TABLE),
    files={"train.csv": people(), "test.csv": people(200, 2)},
    optimizer="adam",
    epochs=20,
)
usual(
    "one output for two classes",
    [TANH, dense(1, "sigmoid")],
    standardized(**TABLE),
    files={"train.csv": people(), "test.csv": people(200, 2)},
    loss="binary_cross_entropy",
    rate=0.2,
    epochs=30,
)
usual("squared error of classes", classes(4, TANH), SHAPES, loss="mse", rate=0.5, epochs=25)
usual("hinge", [HE, dense(4, "linear")], SHAPES, loss="hinge", rate=0.05, epochs=20)
usual(
    "huber",
    [TANH, dense(1)],
    NORMAL,
    files=values(),
    loss="huber",
    optimizer="adam",
    rate=0.02,
    epochs=40,
)
usual(
    "values between 0 and 1 by a sigmoid",
    [TANH, dense(1, "sigmoid")],
    NORMAL,
    files={name: {**made, "t": 1 / (1 + np.exp(-made["t"]))} for name, made in values().items()},
    loss="mse",
    optimizer="adam",
    rate=0.02,
    epochs=40,
)
usual(
    "counts by a relu",
    [HE, dense(1, "softplus")],
    NORMAL,
    files={
        name: {**made, "t": np.round(np.exp(made["t"] / 1.5))} for name, made in values().items()
    },
    loss="mse",
    optimizer="adam",
    rate=0.02,
    epochs=50,
)
usual(
    "early stopping",
    classes(2, HE),
    {"generator": "moons", "count": 500, "noise": 0.3, "split": [0.5, 0.3, 0.2]},
    optimizer="adam",
    rate=0.01,
    epochs=200,
    callbacks=[{"type": "early_stopping", "patience": 5}],
)
usual(
    "no validation data",
    classes(2, TANH),
    {**MOONS, "split": [0.8, 0, 0.2]},
    rate=0.5,
    epochs=80,
    batch_size=16,
)
usual(
    "training data alone",
    [TANH, dense(1)],
    {**SINE, "split": [1, 0, 0]},
    optimizer="adam",
    rate=0.02,
    epochs=60,
)
usual(
    "eight points of a line",
    [dense(1)],
    {"file": "line.npz", "split": [1, 0, 0]},
    files={"line.npz": {"x": np.linspace(-1, 1, 8)[:, None], "t": np.linspace(-2, 3, 8)[:, None]}},
    loss="mse",
    rate=0.2,
    epochs=200,
    batch_size="full",
)
usual(
    "label smoothing",
    classes(4, HE),
    NORMAL,
    files=pictures(400),
    loss={"type": "cross_entropy", "label_smoothing": 0.1},
    optimizer="adam",
    epochs=12,
)
usual(
    "whole numbers from 3 to 8",
    [HE, dense(1)],
    SCALED_TARGETS,
    files={
        name: {**made, "price": np.clip(np.round((made["price"] - 300_000) / 60_000) + 5, 3, 8)}
        for name, made in (("train.csv", houses(600)), ("test.csv", houses(150, 2)))
    },
    loss="mse",
    optimizer="adam",
    epochs=25,
)


@healthy
def diabetes() -> Patient:
    from sklearn.datasets import load_diabetes

    x, t = load_diabetes(return_X_y=True)
    data = {**standardized(file="d.npz"), "scale_targets": True, "split": [0.7, 0.15, 0.15]}
    layers = [dense(8, "tanh"), dense(1)]
    config = configuration(layers, data, optimizer="adam", rate=0.003, epochs=25, batch_size=16)
    return Patient(config=config, files={"d.npz": {"x": x, "t": t}}, needs="sklearn")


@healthy
def handwritten_digits() -> Patient:
    layers = classes(10, dense(48, "relu", **RELU))
    config = configuration(layers, {"name": "digits"}, optimizer="adam", epochs=10)
    return Patient(config=config, needs="sklearn")


@healthy
def wine() -> Patient:
    from sklearn.datasets import load_wine

    x, t = load_wine(return_X_y=True)
    data = {**standardized(file="w.npz"), "split": [0.6, 0.2, 0.2]}
    config = configuration(classes(3, TANH), data, rate=0.1, epochs=30, batch_size=16)
    return Patient(config=config, files={"w.npz": {"x": x, "t": t}}, needs="sklearn")


@healthy
def tumours() -> Patient:
    from sklearn.datasets import load_breast_cancer

    x, t = load_breast_cancer(return_X_y=True)
    data = {**standardized(file="c.npz"), "split": [0.6, 0.2, 0.2]}
    layers = [HE, dense(1, "sigmoid")]
    config = configuration(layers, data, loss="binary_cross_entropy", rate=0.1, epochs=20)
    return Patient(config=config, files={"c.npz": {"x": x, "t": t}}, needs="sklearn")


@healthy
def a_class_of_fewer_images() -> Patient:
    files = {"train.npz": thinned(images(800), 150, 60), "test.npz": images(160, seed=2)}
    config = configuration(classes(4, HE), NORMAL, optimizer="adam", epochs=15, batch_size=16)
    return Patient(config=config, files=files)
