"""Patients that were first examined when the doctor's rules stood.

At first sight 16 of these 19 were named rightly, and 15 of the 17 in `held_out_again`; the rules
were mended after that, so that the sets now tell what breaks and no longer what is to be expected.

One variant of each illness, and healthy trainings; `python -m proof doctor --held-out` asks about
these alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doctor.healthy_variants import classes
from doctor.illnesses_of_the_data import (
    LEAKS,
    SCALED_TARGETS,
    TABLE,
    UNSCALED,
    leaking,
    shuffled,
    standardized,
    thinned,
    without,
)
from doctor.illnesses_of_the_start import NORMAL, RELU, every, stack, values
from doctor.illnesses_of_the_steps import ECHO
from doctor.made import SPECIES, clouds, flowers, friedman, houses, images, people
from doctor.patients import Patient, Variant, configuration, dense

HELD_OUT: dict[str, dict[str, Variant]] = {}
"""By illness and name, the functions that make the variants."""

HELD_OUT_HEALTHY: dict[str, Callable[[], Patient]] = {}
"""By name, the functions that make the healthy trainings."""

DIGITS = {"name": "digits"}


def held_out(illness: str) -> Callable[[Variant], Variant]:
    """Enter a function among the variants that are held out."""

    def enter(make: Variant) -> Variant:
        HELD_OUT.setdefault(illness, {})[make.__name__.replace("_", " ")] = make
        return make

    return enter


def well(make: Variant) -> Variant:
    """Enter a function among the healthy trainings that are held out."""
    HELD_OUT_HEALTHY[make.__name__.replace("_", " ")] = make
    return make


def digits(count: int = 1200, first: int = 0) -> dict[str, Any]:
    """Some of scikit-learn's digits, x (count, 8, 8) of 0 to 1."""
    from sklearn.datasets import load_digits

    x, t = load_digits(return_X_y=True)
    part = slice(first, first + count)
    return {"x": x[part].reshape(-1, 8, 8) / 16, "t": t[part]}


def both(make: Callable[..., dict[str, Any]] = digits) -> dict[str, Any]:
    """Training and test files of digits."""
    return {"train.npz": make(), "test.npz": make(400, 1200)}


@held_out("dead_units")
def a_recurrence_of_dead_relus() -> Patient:
    layers = [{"type": "recurrent", "size": 16, "activation": "relu"}, dense(1)]
    config = configuration(layers, ECHO, loss="mse", optimizer="adam", rate=0.01, epochs=40)
    return Patient(config=config, cause=every([0], "biases", "[-12,-6]"))


@held_out("saturated_units")
def digits_behind_saturated_layers() -> Patient:
    layers = classes(10, dense(32, "sigmoid"), dense(32, "tanh"))
    config = configuration(layers, DIGITS, optimizer="adam", rate=0.01, epochs=15)
    cause = (*every([0], "weights", "[-15,15]"), *every([1], "weights", "[-60,60]"))
    return Patient(config=config, cause=cause, needs="sklearn")


@held_out("symmetric_start")
def a_recurrence_from_zeros() -> Patient:
    layers = [{"type": "recurrent", "size": 16}, dense(1)]
    config = configuration(layers, ECHO, loss="mse", optimizer="adam", rate=0.01, epochs=30)
    cause = (*every([0, 1], "weights", "zeros"), *every([0], "recurrent_weights", "zeros"))
    return Patient(config=config, cause=cause)


@held_out("vanishing_gradients")
def digits_through_seven_sigmoids() -> Patient:
    config = configuration(classes(10, *stack(7, 24, "tanh")), DIGITS, rate=0.1, epochs=15)
    return Patient(config=config, cause=every(range(7), "activation", "sigmoid"), needs="sklearn")


@held_out("exploding_gradients")
def ten_layers_of_elu_with_large_weights() -> Patient:
    layers = classes(3, *stack(10, 20, "elu"))
    data = {"generator": "blobs", "features": 8, "count": 450, "spread": 2}
    config = configuration(layers, data, optimizer="adam", rate=0.003, epochs=20)
    return Patient(config=config, cause=every(range(10), "weights", "[-1.5,1.5]"))


@held_out("rate_too_high")
def digits_by_rmsprop_at_one_half() -> Patient:
    config = configuration(
        classes(10, dense(32, "tanh")), DIGITS, optimizer="rmsprop", rate=0.005, epochs=10
    )
    return Patient(config=config, cause=("network.learning_rate=0.5",), needs="sklearn")


@held_out("rate_too_low")
def buyers_by_adamw_at_a_thousandth() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1, "sigmoid")]
    files = {"train.csv": people(), "test.csv": people(200, 2)}
    config = configuration(
        layers,
        standardized(**TABLE),
        loss="binary_cross_entropy",
        optimizer="adamw",
        rate=0.005,
        epochs=20,
    )
    return Patient(config=config, cause=("network.learning_rate=5e-6",), files=files)


@held_out("batch_too_large")
def digits_a_thousand_at_a_time() -> Patient:
    config = configuration(
        classes(10, dense(32, "tanh")), DIGITS, rate=0.1, epochs=10, batch_size=16
    )
    return Patient(config=config, cause=("training.batch_size=1200",), needs="sklearn")


@held_out("unscaled_inputs")
def concentrations_of_a_millionth() -> Patient:
    def small(count: int, seed: int) -> dict[str, Any]:
        made = clouds([count // 3] * 3, features=4, apart=4, seed=seed)
        return {**made, "x": made["x"] * 1e-5}

    files = {"train.npz": small(450, 1), "test.npz": small(150, 2)}
    config = configuration(
        classes(3, dense(16, "tanh")), standardized(**NORMAL), rate=0.1, epochs=20
    )
    return Patient(config=config, cause=UNSCALED, files=files)


@held_out("unscaled_targets")
def seconds_since_1970() -> Patient:
    def when(count: int, seed: int) -> dict[str, Any]:
        made = friedman(count, seed)
        return {**made, "t": 1.6e9 + 3e7 * made["t"]}

    files = {"train.npz": when(400, 1), "test.npz": when(150, 2)}
    data = {**NORMAL, "scale_targets": True}
    config = configuration([dense(24, "tanh"), dense(1)], data, optimizer="nadam", epochs=40)
    also = {"not_finite": "squares of 1.6e9 may grow until they are not finite"}
    return Patient(config=config, cause=("data.scale_targets=false",), files=files, also=also)


@held_out("class_imbalance")
def three_in_a_hundred_buy() -> Patient:
    def rare(count: int) -> dict[str, Any]:
        made = people(3000, 3, noise=1)
        of = {word: np.flatnonzero(made["bought"] == word) for word in ("yes", "no")}
        kept = np.sort(np.concatenate([of["no"][:count], of["yes"][: count // 40]]))
        return {name: np.asarray(column)[kept] for name, column in made.items()}

    files = {
        "train.csv": people(noise=1),
        "rare.csv": rare(600),
        "test.csv": people(300, 2, noise=1),
    }
    layers = [dense(12, "tanh"), dense(2), "softmax"]
    config = configuration(layers, standardized(**TABLE), optimizer="adam", epochs=30)
    return Patient(config=config, cause=("data.file=rare.csv",), files=files)


@held_out("absent_class")
def some_digits_missing() -> Patient:
    files = {**both(), "lacks.npz": without(without(without(digits(), "t", 9), "t", 4), "t", 7)}
    config = configuration(
        classes(10, dense(48, "relu", **RELU)), NORMAL, optimizer="adam", epochs=10
    )
    return Patient(config=config, cause=("data.file=lacks.npz",), files=files, needs="sklearn")


@held_out("constant_labels")
def every_target_7() -> Patient:
    files = {**values(), "same.npz": {**friedman(), "t": np.full((400, 1), 7.0)}}
    config = configuration([dense(24, "tanh"), dense(1)], NORMAL, rate=0.05, epochs=40)
    return Patient(config=config, cause=("data.file=same.npz",), files=files)


@held_out("shuffled_labels")
def digits_of_other_images() -> Patient:
    files = {**both(), "mixed.npz": shuffled(digits(), "t")}
    config = configuration(classes(10, dense(48, "relu", **RELU)), NORMAL, rate=0.1, epochs=15)
    return Patient(config=config, cause=("data.file=mixed.npz",), files=files, needs="sklearn")


@held_out("leaking_feature")
def the_species_as_text_in_german() -> Patient:
    words = dict(zip(SPECIES, ("Borsten", "bunt", "Virginia"), strict=True))

    def noisy(each: int, seed: int) -> dict[str, Any]:
        made = flowers((each,) * 3, seed)
        rng = np.random.default_rng(seed + 5)
        return {
            name: column if name == "species" else (column + 1.2 * rng.normal(size=len(column)))
            for name, column in made.items()
        }

    def known(made: Any) -> Any:
        rng = np.random.default_rng(len(made["species"]))
        wrong = rng.random(len(made["species"])) < 0.02
        lied = np.array(list(words.values()))[rng.integers(0, 3, len(wrong))]
        return np.where(wrong, lied, np.array([words[each] for each in made["species"]]))

    files = leaking(noisy(150, 1), noisy(60, 2), "art", known)
    config = configuration(
        classes(3, dense(16, "tanh")), standardized(**TABLE), rate=0.1, epochs=25
    )
    return Patient(config=config, cause=LEAKS, files=files)


@held_out("overfitting")
def thirty_customers() -> Patient:
    files = {
        "train.csv": people(900, noise=1),
        "few.csv": people(30, 4, noise=1),
        "test.csv": people(300, 2, noise=1),
    }
    layers = classes(2, *stack(2, 48, "relu", **RELU))
    config = configuration(layers, standardized(**TABLE), optimizer="adam", epochs=15)
    cause = ("data.file=few.csv", "data.split=[1,0,0]", "data.validation_file=test.csv")
    return Patient(config=config, cause=(*cause, "training.epochs=300"), files=files)


@held_out("underfitting")
def digits_through_one_unit() -> Patient:
    config = configuration(
        classes(10, dense(32, "tanh")), DIGITS, optimizer="adam", rate=0.01, epochs=15
    )
    return Patient(config=config, cause=("network.layers.0.size=1",), needs="sklearn")


@held_out("wrong_loss")
def debts_by_a_softplus() -> Patient:
    files = {name: {**made, "t": -np.exp(made["t"] / 2)} for name, made in values().items()}
    config = configuration(
        [dense(24, "tanh"), dense(1)], NORMAL, optimizer="adam", rate=0.02, epochs=40
    )
    return Patient(config=config, cause=("network.layers.1.activation=softplus",), files=files)


@held_out("not_finite")
def inputs_of_1e30_in_float32() -> Patient:
    def far(seed: int) -> dict[str, Any]:
        made = friedman(400, seed)
        x = made["x"].copy()
        x[7::40, 0] = 3e30
        return {**made, "x": x}

    layers = [dense(24, "relu", **RELU), dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, rate=0.02, epochs=30, dtype="float32")
    also = {"unscaled_inputs": "inputs of 3e30 beside others of 1 are the cause"}
    cause = ("data.file=far.npz",)
    return Patient(config=config, cause=cause, files={**values(), "far.npz": far(1)}, also=also)


@well
def digits_by_filters() -> Patient:
    filters = {"type": "conv2d", "filters": 8, "size": 3, "weights": "he", "padding": "same"}
    layers = classes(10, filters, "max_pool2d", "flatten")
    config = configuration(layers, {**DIGITS, "flatten": False}, optimizer="adam", epochs=6)
    return Patient(config=config, needs="sklearn")


@well
def iris_by_lbfgs() -> Patient:
    data = standardized(name="iris", split=[0.6, 0.2, 0.2])
    config = configuration(
        classes(3, dense(8, "tanh")),
        data,
        optimizer="lbfgs",
        epochs=15,
        penalty={"type": "L2", "rate": 0.01},
    )
    return Patient(config=config, needs="sklearn")


@well
def a_graph_with_a_way_around() -> Patient:
    layers = [
        dense(16, "tanh", name="stem"),
        dense(16, "relu", weights="he"),
        dense(16, "linear", name="block"),
        {"type": "add", "inputs": ["stem", "block"]},
        dense(2),
        "softmax",
    ]
    config = configuration(
        layers, {"generator": "moons", "count": 500}, optimizer="adam", epochs=40
    )
    return Patient(config=config)


@well
def three_values_a_case() -> Patient:
    def made(count: int, seed: int) -> dict[str, Any]:
        one = friedman(count, seed)
        return {**one, "t": np.hstack([one["t"], one["x"][:, :1], one["x"][:, 1:2] ** 2])}

    files = {"train.npz": made(400, 1), "test.npz": made(150, 2)}
    config = configuration(
        [dense(32, "silu"), dense(3)], NORMAL, optimizer="adam", rate=0.01, epochs=30
    )
    return Patient(config=config, files=files)


@well
def a_noisy_step() -> Patient:
    data = {"generator": "curve", "function": "step", "count": 500, "noise": 0.6}
    config = configuration(
        [dense(12, "tanh"), dense(1)], data, optimizer="adam", rate=0.01, epochs=30
    )
    return Patient(config=config)


@well
def four_to_one_with_weights() -> Patient:
    files = {
        "train.npz": clouds([320, 80], apart=2.5),
        "test.npz": clouds([80, 20], apart=2.5, seed=2),
    }
    config = configuration(
        classes(2, dense(12, "relu", **RELU)),
        NORMAL,
        rate=0.05,
        epochs=25,
        class_weights="balanced",
    )
    return Patient(config=config, files=files)


@well
def prices_without_scaling_by_lbfgs() -> Patient:
    files = {"train.csv": houses(200, 3, noise=0.5), "test.csv": houses(100, 2, noise=0.5)}
    config = configuration(
        [dense(6, "tanh"), dense(1)],
        SCALED_TARGETS,
        loss="huber",
        optimizer="adam",
        rate=0.02,
        epochs=40,
    )
    return Patient(config=config, files=files)


@well
def strings_of_bits_by_lstm() -> Patient:
    data = {"generator": "echo", "of": "bits", "steps": [6, 12], "delay": 2, "count": 300}
    layers = classes(2, {"type": "lstm", "size": 10})
    return Patient(config=configuration(layers, data, optimizer="adam", rate=0.02, epochs=25))


@well
def images_of_unequal_kinds() -> Patient:
    files = {"train.npz": thinned(images(900, seed=6), 160, 80), "test.npz": images(160, seed=2)}
    config = configuration(
        classes(4, dense(40, "leaky_relu", weights="he")), NORMAL, optimizer="adamw", epochs=12
    )
    return Patient(config=config, files=files)


@well
def two_epochs_of_digits() -> Patient:
    return Patient(
        config=configuration(classes(10, dense(64, "relu", **RELU)), DIGITS, rate=0.1, epochs=2),
        needs="sklearn",
    )


@well
def a_dropout_of_one_half() -> Patient:
    layers = classes(10, dense(96, "relu", **RELU), {"type": "dropout", "rate": 0.5})
    return Patient(
        config=configuration(layers, DIGITS, optimizer="adam", epochs=12), needs="sklearn"
    )


@well
def labels_partly_wrong() -> Patient:
    def blurred(count: int, seed: int) -> dict[str, Any]:
        made = clouds([count // 3] * 3, apart=4, seed=seed)
        rng = np.random.default_rng(seed)
        wrong = rng.random(len(made["t"])) < 0.25
        return {**made, "t": np.where(wrong, rng.integers(0, 3, len(wrong)), made["t"])}

    files = {"train.npz": blurred(600, 1), "test.npz": blurred(200, 2)}
    config = configuration(classes(3, dense(8, "tanh")), NORMAL, rate=0.05, epochs=12)
    return Patient(config=config, files=files)
