"""Data that cannot be learnt from as they are: their scale, their classes, their labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from doctor.illnesses_of_the_start import NORMAL, RELU, stack
from doctor.made import (
    SPECIES,
    clouds,
    flowers,
    friedman,
    houses,
    images,
    people,
    shuffled,
    with_column,
)
from doctor.patients import Patient, configuration, dense, variant

TABLE = {"file": "train.csv", "test_file": "test.csv", "split": [0.85, 0.15, 0]}


def standardized(**keys: Any) -> dict[str, Any]:
    """Data whose inputs are scaled, until the cause of an illness takes that away."""
    return {**keys, "standardize": True}


UNSCALED = ("data.standardize=false",)


@variant("unscaled_inputs")
def an_income_beside_small_columns() -> Patient:
    layers = [dense(16, "tanh"), dense(2), "softmax"]
    config = configuration(layers, standardized(**TABLE), rate=0.1, epochs=40, batch_size=16)
    return Patient(
        config=config, cause=UNSCALED, files={"train.csv": people(), "test.csv": people(200, 2)}
    )


@variant("unscaled_inputs")
def pixels_up_to_255() -> Patient:
    layers = [dense(32, "tanh"), dense(16, "tanh"), dense(4), "softmax"]
    files = {"train.npz": grey(400), "test.npz": grey(120, 2)}
    config = configuration(layers, standardized(**NORMAL), rate=0.05, epochs=20)
    return Patient(config=config, cause=UNSCALED, files=files)


@variant("unscaled_inputs")
def pixels_up_to_255_into_filters() -> Patient:
    filters = {"type": "conv2d", "filters": 8, "size": 3, "weights": "he"}
    layers = [filters, "max_pool2d", "flatten", dense(4), "softmax"]
    files = {"train.npz": grey(300), "test.npz": grey(120, 2)}
    config = configuration(layers, standardized(**NORMAL), rate=0.05, epochs=10, batch_size=16)
    return Patient(config=config, cause=UNSCALED, files=files)


@variant("unscaled_inputs")
def a_sensor_in_tens_of_thousands() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1)]
    files = {"train.npz": in_units(400), "test.npz": in_units(150, 2)}
    config = configuration(layers, standardized(**NORMAL), optimizer="adam", epochs=40)
    return Patient(config=config, cause=UNSCALED, files=files)


@variant("unscaled_inputs")
def years_about_2000() -> Patient:
    layers = [dense(16, "tanh"), dense(16, "tanh"), dense(3), "softmax"]
    files = {"train.csv": dated(450), "test.csv": dated(200, 2)}
    config = configuration(layers, standardized(**TABLE), optimizer="momentum", epochs=30)
    return Patient(config=config, cause=UNSCALED, files=files)


def grey(count: int, seed: int = 1) -> dict[str, Any]:
    """Images of shapes whose pixels are 0 to 255."""
    made = images(count, seed=seed)
    return {**made, "x": made["x"] * 255.0}


def in_units(count: int, seed: int = 1) -> dict[str, Any]:
    """Values of a smooth function, whose inputs were measured in small units."""
    made = friedman(count, seed)
    return {**made, "x": made["x"] * np.array([1, 1, 40_000, 1, 300])}


def dated(count: int, seed: int = 1) -> dict[str, Any]:
    """Three kinds of wine, known by two small numbers and the year."""
    made = clouds([count // 3] * 3, features=3, apart=3, seed=seed)
    first, second, third = made["x"].T
    return {
        "acid": first,
        "year": (2000 + 4 * third).round(),
        "sugar": second,
        "kind": np.array(["red", "white", "rose"])[made["t"]],
    }


SCALED_TARGETS = {**TABLE, "scale_targets": True}
PLAIN_TARGETS = ("data.scale_targets=false",)


@variant("unscaled_targets")
def prices_of_houses() -> Patient:
    layers = [dense(16, "tanh"), dense(1)]
    config = configuration(layers, SCALED_TARGETS, loss="mse", optimizer="adam", epochs=40)
    return Patient(
        config=config,
        cause=PLAIN_TARGETS,
        files={"train.csv": houses(), "test.csv": houses(150, 2)},
    )


@variant("unscaled_targets")
def prices_by_plain_descent() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, SCALED_TARGETS, loss="mse", rate=0.02, epochs=30)
    also = {"not_finite": "with prices in the loss its gradient grows until it is not finite"}
    files = {"train.csv": houses(), "test.csv": houses(150, 2)}
    return Patient(config=config, cause=PLAIN_TARGETS, files=files, also=also)


@variant("unscaled_targets")
def targets_of_a_ten_thousandth() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    data = {**NORMAL, "scale_targets": True}
    files = {"train.npz": times(1e-4, 400), "test.npz": times(1e-4, 150, 2)}
    config = configuration(layers, data, optimizer="adam", rate=0.02, epochs=25)
    return Patient(config=config, cause=PLAIN_TARGETS, files=files)


@variant("unscaled_targets")
def temperatures_in_kelvin_times_ten() -> Patient:
    layers = [dense(24, "tanh"), dense(24, "tanh"), dense(1)]
    data = {**NORMAL, "scale_targets": True}
    files = {"train.npz": times(30, 400, plus=3000), "test.npz": times(30, 150, 2, plus=3000)}
    config = configuration(layers, data, optimizer="momentum", rate=0.01, epochs=40, loss="mae")
    return Patient(config=config, cause=PLAIN_TARGETS, files=files)


@variant("unscaled_targets")
def two_targets_in_thousands() -> Patient:
    layers = [dense(32, "relu", **RELU), dense(2)]
    data = {**NORMAL, "scale_targets": True}
    files = {"train.npz": pairs(400), "test.npz": pairs(150, 2)}
    config = configuration(layers, data, loss="huber", optimizer="rmsprop", epochs=40)
    return Patient(config=config, cause=PLAIN_TARGETS, files=files)


def times(factor: float, count: int, seed: int = 1, plus: float = 0) -> dict[str, Any]:
    """Values of a smooth function in other units."""
    made = friedman(count, seed)
    return {**made, "t": made["t"] * factor + plus}


def pairs(count: int, seed: int = 1) -> dict[str, Any]:
    """Two values a case, both in thousands."""
    made = friedman(count, seed)
    other = made["x"][:, :1] * made["x"][:, 3:4]
    return {**made, "t": np.hstack([4000 * made["t"], 9000 * other + 20_000])}


ALIKE = {
    "train.npz": clouds([130, 130], apart=1.2),
    "test.npz": clouds([100, 100], apart=1.2, seed=2),
}


@variant("class_imbalance")
def one_case_in_fifty() -> Patient:
    layers = [dense(12, "tanh"), dense(2), "softmax"]
    config = configuration(layers, NORMAL, rate=0.1, epochs=30)
    files = {**ALIKE, "rare.npz": clouds([500, 10], apart=1.2)}
    return Patient(config=config, cause=("data.file=rare.npz",), files=files)


@variant("class_imbalance")
def a_rare_class_of_one_output() -> Patient:
    layers = [dense(16, "relu", **RELU), dense(1, "sigmoid")]
    config = configuration(
        layers, NORMAL, loss="binary_cross_entropy", optimizer="adam", epochs=20
    )
    files = {**ALIKE, "rare.npz": clouds([580, 18], apart=1.2)}
    return Patient(config=config, cause=("data.file=rare.npz",), files=files)


@variant("class_imbalance")
def one_of_three_is_rare() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    config = configuration(layers, TABLE, optimizer="adam", epochs=30)
    files = {
        "train.csv": flowers(),
        "rare.csv": flowers((150, 150, 5)),
        "test.csv": flowers(seed=2),
    }
    return Patient(config=config, cause=("data.file=rare.csv",), files=files)


@variant("class_imbalance")
def images_of_nearly_one_kind() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, NORMAL, rate=0.05, epochs=12, batch_size=16)
    files = {
        "train.npz": images(300),
        "rare.npz": thinned(images(1000), 250, 6),
        "test.npz": images(160, seed=2),
    }
    return Patient(config=config, cause=("data.file=rare.npz",), files=files)


@variant("class_imbalance")
def two_rare_classes_of_five() -> Patient:
    layers = [dense(24, "tanh"), dense(24, "tanh"), dense(5), "softmax"]
    config = configuration(layers, NORMAL, rate=0.1, epochs=25)
    files = {
        "train.npz": clouds([80] * 5, apart=2),
        "rare.npz": clouds([200, 5, 200, 200, 5], apart=2),
        "test.npz": clouds([60] * 5, apart=2, seed=2),
    }
    return Patient(config=config, cause=("data.file=rare.npz",), files=files)


def thinned(made: dict[str, Any], most: int, others: int) -> dict[str, Any]:
    """Many cases of the first class, and few of each other."""
    t = made["t"]
    kept = [np.flatnonzero(t == k)[: most if k == 0 else others] for k in np.unique(t)]
    order = np.random.default_rng(5).permutation(np.concatenate(kept))
    return {name: values[order] for name, values in made.items()}


def without(made: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The cases in which a column or an array is something else."""
    kept = np.asarray(made[name]) != value
    return {key: np.asarray(values)[kept] for key, values in made.items()}


LACKS = ("data.file=lacks.csv",)


@variant("absent_class")
def flowers_without_virginica() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    data = standardized(**TABLE, classes=["setosa", "versicolor", "virginica"])
    config = configuration(layers, data, rate=0.1, epochs=30, batch_size=16)
    files = {"train.csv": flowers(), "test.csv": flowers(seed=2)}
    files["lacks.csv"] = without(flowers(), "species", "virginica")
    return Patient(config=config, cause=LACKS, files=files)


@variant("absent_class")
def images_without_crosses() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=15, batch_size=16)
    files = {"train.npz": images(400), "test.npz": images(160, seed=2)}
    files["lacks.npz"] = without(images(400), "t", 3)
    return Patient(config=config, cause=("data.file=lacks.npz",), files=files)


@variant("absent_class")
def a_table_in_order_of_its_classes() -> Patient:
    layers = [dense(12, "tanh"), dense(3), "softmax"]
    data = standardized(file="all.csv", split=[0.6, 0.2, 0.2], time="number", drop=["day"])
    config = configuration(layers, data, rate=0.1, epochs=40)
    made = flowers((100, 100, 100))
    order = np.argsort(made["species"])
    made = {name: np.asarray(values)[order] for name, values in made.items()}
    made = with_column(made, "day", np.arange(1, 301))
    number = np.random.default_rng(4).permutation(300)
    files = {"all.csv": with_column(made, "number", number)}
    return Patient(config=config, cause=("data.time=day", "data.drop=[number]"), files=files)


@variant("absent_class")
def one_of_two_classes() -> Patient:
    layers = [dense(12, "relu", **RELU), dense(1, "sigmoid")]
    config = configuration(
        layers, NORMAL, loss="binary_cross_entropy", optimizer="adam", rate=0.01, epochs=20
    )
    files = {**ALIKE, "lacks.npz": without(ALIKE["train.npz"], "t", 1)}
    also = {"constant_labels": "with one of two classes absent all labels are the other one"}
    return Patient(config=config, cause=("data.file=lacks.npz",), files=files, also=also)


@variant("absent_class")
def two_of_five_classes() -> Patient:
    layers = [dense(24, "tanh"), dense(5), "softmax"]
    config = configuration(layers, NORMAL, optimizer="momentum", epochs=25)
    made = clouds([80] * 5, apart=4)
    files = {"train.npz": made, "test.npz": clouds([50] * 5, apart=4, seed=2)}
    files["lacks.npz"] = without(without(made, "t", 1), "t", 4)
    return Patient(config=config, cause=("data.file=lacks.npz",), files=files)


@variant("constant_labels")
def every_flower_a_setosa() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    data = standardized(**TABLE, classes=["setosa", "versicolor", "virginica"])
    config = configuration(layers, data, rate=0.1, epochs=30)
    files = {"train.csv": flowers(), "test.csv": flowers(seed=2)}
    files["same.csv"] = {**flowers(), "species": np.array(["setosa"] * 180)}
    also = {"absent_class": "the two other classes are absent from the training data"}
    return Patient(config=config, cause=("data.file=same.csv",), files=files, also=also)


@variant("constant_labels")
def every_price_the_same() -> Patient:
    layers = [dense(16, "tanh"), dense(1)]
    config = configuration(layers, SCALED_TARGETS, loss="mse", optimizer="adam", epochs=25)
    files = {"train.csv": houses(), "test.csv": houses(150, 2)}
    files["same.csv"] = {**houses(), "price": np.full(400, 250_000)}
    files["same_test.csv"] = {**houses(150, 2), "price": np.full(150, 250_000)}
    return Patient(
        config=config, cause=("data.file=same.csv", "data.test_file=same_test.csv"), files=files
    )


@variant("constant_labels")
def every_value_half() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=25)
    files = {"train.npz": friedman(), "test.npz": friedman(150, 2)}
    files["same.npz"] = {**friedman(), "t": np.full((400, 1), 0.5)}
    return Patient(config=config, cause=("data.file=same.npz",), files=files)


@variant("constant_labels")
def no_image_is_anything_but_a_circle() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, NORMAL, rate=0.05, epochs=10, batch_size=16)
    files = {"train.npz": images(300), "test.npz": images(160, seed=2)}
    files["same.npz"] = {**images(300), "t": np.zeros(300, int)}
    also = {"absent_class": "the three other classes are absent from the training data"}
    return Patient(config=config, cause=("data.file=same.npz",), files=files, also=also)


@variant("constant_labels")
def nobody_bought() -> Patient:
    layers = [dense(16, "tanh"), dense(1, "sigmoid")]
    data = standardized(**TABLE, classes=["no", "yes"])
    config = configuration(
        layers, data, loss="binary_cross_entropy", optimizer="adam", rate=0.02, epochs=30
    )
    files = {"train.csv": people(), "test.csv": people(200, 2)}
    files["same.csv"] = {**people(), "bought": np.array(["no"] * 500)}
    also = {"absent_class": "the other class is absent from the training data"}
    return Patient(config=config, cause=("data.file=same.csv",), files=files, also=also)


@variant("shuffled_labels")
def flowers_with_labels_of_others() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    config = configuration(layers, standardized(**TABLE), rate=0.1, epochs=40)
    files = {"train.csv": flowers(), "test.csv": flowers(seed=2)}
    files["mixed.csv"] = shuffled(flowers(), "species")
    return Patient(config=config, cause=("data.file=mixed.csv",), files=files)


@variant("shuffled_labels")
def images_with_labels_of_others() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=20, batch_size=16)
    files = {"train.npz": images(400), "test.npz": images(160, seed=2)}
    files["mixed.npz"] = shuffled(images(400), "t")
    return Patient(config=config, cause=("data.file=mixed.npz",), files=files)


@variant("shuffled_labels")
def values_of_other_cases() -> Patient:
    layers = [dense(32, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", rate=0.01, epochs=60)
    files = {"train.npz": friedman(600), "test.npz": friedman(150, 2)}
    files["mixed.npz"] = shuffled(friedman(600), "t")
    return Patient(config=config, cause=("data.file=mixed.npz",), files=files)


@variant("shuffled_labels")
def clouds_far_apart() -> Patient:
    layers = [*stack(2, 24, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, NORMAL, optimizer="momentum", epochs=25)
    files = {
        "train.npz": clouds([150] * 4, apart=4),
        "test.npz": clouds([50] * 4, apart=4, seed=2),
    }
    files["mixed.npz"] = shuffled(files["train.npz"], "t")
    return Patient(config=config, cause=("data.file=mixed.npz",), files=files)


@variant("shuffled_labels")
def buyers_by_chance() -> Patient:
    layers = [dense(12, "tanh"), dense(1, "sigmoid")]
    config = configuration(
        layers, standardized(**TABLE), loss="binary_cross_entropy", rate=0.2, epochs=30
    )
    files = {"train.csv": people(700), "test.csv": people(200, 2)}
    files["mixed.csv"] = shuffled(people(700), "bought")
    return Patient(config=config, cause=("data.file=mixed.csv",), files=files)


def coded(columns: dict[str, Any], label: str, of: str, noise: float, seed: int = 3) -> Any:
    """A column that is 1 where the label is ``of``, with noise."""
    is_it = (np.asarray(columns[label]) == of).astype(float)
    return is_it + noise * np.random.default_rng(seed).normal(size=len(is_it))


LEAKS = ("data.file=leaks.csv", "data.test_file=leaks_test.csv")


def leaking(train: Any, test: Any, name: str, known: Callable[[Any], Any]) -> dict[str, Any]:
    """The files of a table, and the same with a column that knows the label."""
    files = {"train.csv": train, "test.csv": test}
    for file, made in (("leaks.csv", train), ("leaks_test.csv", test)):
        files[file] = with_column(made, name, known(made))
    return files


@variant("leaking_feature")
def a_discount_that_only_buyers_got() -> Patient:
    layers = [dense(16, "tanh"), dense(2), "softmax"]
    config = configuration(layers, standardized(**TABLE), rate=0.1, epochs=30)
    train, test = people(noise=1), people(200, 2, noise=1)
    files = leaking(train, test, "discount", lambda made: coded(made, "bought", "yes", 0.05))
    return Patient(config=config, cause=LEAKS, files=files)


@variant("leaking_feature")
def the_label_in_other_words() -> Patient:
    layers = [dense(16, "relu", **RELU), dense(3), "softmax"]
    config = configuration(layers, standardized(**TABLE), optimizer="adam", epochs=30)
    codes = dict(zip(SPECIES, ("A7", "B2", "C9"), strict=True))
    files = leaking(
        blurred(150),
        blurred(60, 2),
        "code",
        lambda made: np.array([codes[species] for species in made["species"]]),
    )
    return Patient(config=config, cause=LEAKS, files=files)


@variant("leaking_feature")
def the_price_in_another_currency() -> Patient:
    layers = [dense(16, "tanh"), dense(1)]
    config = configuration(
        layers, standardized(**SCALED_TARGETS), loss="mse", optimizer="adam", rate=0.01, epochs=30
    )
    train, test = houses(noise=1), houses(150, 2, noise=1)
    files = leaking(train, test, "tax", lambda made: (made["price"] * 0.0011 + 12).round(1))
    return Patient(config=config, cause=LEAKS, files=files)


@variant("leaking_feature")
def a_class_number_with_noise() -> Patient:
    layers = [dense(24, "tanh"), dense(4), "softmax"]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=25)
    files = {
        "train.npz": clouds([100] * 4, apart=1.5),
        "test.npz": clouds([50] * 4, apart=1.5, seed=2),
    }
    for name in ("train", "test"):
        made = files[f"{name}.npz"]
        noise = 0.04 * np.random.default_rng(7).normal(size=len(made["t"]))
        files[f"leaks_{name}.npz"] = {
            **made,
            "x": np.hstack([made["x"], (made["t"] / 2 + noise)[:, None]]),
        }
    return Patient(
        config=config,
        cause=("data.file=leaks_train.npz", "data.test_file=leaks_test.npz"),
        files=files,
    )


@variant("leaking_feature")
def a_value_known_afterwards() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, standardized(**NORMAL), rate=0.05, epochs=30)
    files = {"train.npz": friedman(noise=1), "test.npz": friedman(150, 2, noise=1)}
    for name in ("train", "test"):
        made = files[f"{name}.npz"]
        known = -3 * made["t"] + 0.1 * np.random.default_rng(7).normal(size=made["t"].shape)
        files[f"leaks_{name}.npz"] = {**made, "x": np.hstack([known, made["x"]])}
    return Patient(
        config=config,
        cause=("data.file=leaks_train.npz", "data.test_file=leaks_test.npz"),
        files=files,
    )


def blurred(each: int, seed: int = 1) -> dict[str, Any]:
    """Flowers that were measured badly."""
    made = flowers((each,) * 3, seed)
    rng = np.random.default_rng(seed + 50)
    return {
        n: v if n == "species" else (v + rng.normal(size=len(v))).round(1) for n, v in made.items()
    }
