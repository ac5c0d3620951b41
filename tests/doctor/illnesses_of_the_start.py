"""Networks that begin badly: dead, saturated or equal units, gradients that vanish or explode."""

from __future__ import annotations

from typing import Any

from doctor.made import friedman, images
from doctor.patients import Patient, configuration, dense, variant

MOONS = {"generator": "moons", "count": 300, "noise": 0.15}
RINGS = {"generator": "rings", "rings": 3, "count": 450}
SHAPES = {"generator": "shapes", "size": 12, "count": 400, "width": [7, 11], "height": [7, 11]}
RATE_OR_UNITS = "the rate is what kills the units, so that either is the right thing to say first"
RELU = {"weights": "he"}
NORMAL = {"file": "train.npz", "test_file": "test.npz", "split": [0.85, 0.15, 0]}


def stack(depth: int, size: int, activation: str, **keys: Any) -> list[Any]:
    """That many equal dense layers."""
    return [dense(size, activation, **keys) for _ in range(depth)]


def every(layers: range | list[int], key: str, value: str) -> tuple[str, ...]:
    """The settings that give several layers one value."""
    return tuple(f"network.layers.{k}.{key}={value}" for k in layers)


def values(count: int = 400) -> dict[str, Any]:
    """Training and test files of a smooth function of five inputs."""
    return {"train.npz": friedman(count), "test.npz": friedman(150, seed=2)}


def pictures(count: int = 300) -> dict[str, Any]:
    """Training and test files of images of four shapes."""
    return {"train.npz": images(count), "test.npz": images(120, seed=2)}


@variant("dead_units")
def biases_of_minus_20() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(2), "softmax"]
    config = configuration(layers, MOONS, rate=0.1, epochs=30, batch_size=16)
    return Patient(config=config, cause=every([0], "biases", "[-20,-20]"))


@variant("dead_units")
def second_of_two_layers_on_images() -> Patient:
    layers = [*stack(2, 32, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, SHAPES, optimizer="adam", epochs=10, batch_size=16)
    return Patient(config=config, cause=every([1], "biases", "[-30,-10]"))


@variant("dead_units")
def a_huge_early_rate() -> Patient:
    layers = [*stack(2, 24, "relu", **RELU), dense(3), "softmax"]
    config = configuration(
        layers, RINGS, rate=0.2, epochs=25, schedule={"type": "exponential", "decay": 0.9}
    )
    cause = ("network.learning_rate=30", "training.schedule={type: exponential, decay: 0.3}")
    return Patient(config=config, cause=cause, also={"rate_too_high": RATE_OR_UNITS})


@variant("dead_units")
def filters_that_see_nothing() -> Patient:
    filters = {"type": "conv2d", "filters": 8, "size": 3, "weights": "he"}
    layers = [filters, "max_pool2d", "flatten", dense(4), "softmax"]
    data = {**SHAPES, "flatten": False}
    config = configuration(layers, data, optimizer="adam", epochs=8, batch_size=16)
    return Patient(config=config, cause=every([0], "biases", "[-9,-5]"))


@variant("dead_units")
def most_units_of_a_regression() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=40, engine="numpy")
    return Patient(config=config, cause=every([0], "biases", "[-8,-2]"), files=values())


@variant("saturated_units")
def tanh_with_weights_up_to_50() -> Patient:
    layers = [*stack(2, 24, "tanh"), dense(2), "softmax"]
    config = configuration(layers, MOONS, rate=0.1, epochs=40, batch_size=16)
    return Patient(config=config, cause=every([0, 1], "weights", "[-50,50]"))


@variant("saturated_units")
def sigmoid_with_biases_of_30() -> Patient:
    layers = [dense(24, "sigmoid"), dense(3), "softmax"]
    data = {"generator": "rings", "rings": 3, "count": 450}
    config = configuration(layers, data, optimizer="adam", rate=0.05, epochs=40)
    return Patient(config=config, cause=every([0], "biases", "[25,35]"))


@variant("saturated_units")
def deep_tanh_on_images() -> Patient:
    layers = [*stack(3, 32, "tanh"), dense(4), "softmax"]
    config = configuration(layers, SHAPES, optimizer="momentum", epochs=15, batch_size=16)
    return Patient(config=config, cause=every(range(3), "weights", "[-4,4]"))


@variant("saturated_units")
def a_recurrence_with_large_weights() -> Patient:
    layers = [{"type": "recurrent", "size": 16}, dense(1)]
    data = {"generator": "echo", "steps": 10, "delay": 3, "count": 250}
    config = configuration(layers, data, optimizer="adam", rate=0.01, epochs=40, loss="mse")
    return Patient(
        config=config,
        cause=(*every([0], "weights", "[-20,20]"), *every([0], "recurrent_weights", "[-20,20]")),
    )


@variant("saturated_units")
def values_by_sigmoids_with_weights_up_to_40() -> Patient:
    layers = [dense(24, "sigmoid"), dense(24, "sigmoid"), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", rate=0.02, epochs=60)
    return Patient(config=config, cause=every([0, 1], "weights", "[-60,60]"), files=values())


@variant("symmetric_start")
def all_zeros() -> Patient:
    layers = [dense(16, "tanh"), dense(16, "tanh"), dense(2), "softmax"]
    config = configuration(layers, MOONS, optimizer="momentum", epochs=40)
    return Patient(config=config, cause=every(range(3), "weights", "zeros"))


@variant("symmetric_start")
def relus_at_zero() -> Patient:
    layers = [dense(32, "relu", **RELU), dense(3), "softmax"]
    config = configuration(layers, RINGS, optimizer="adam", rate=0.01, epochs=40)
    return Patient(config=config, cause=every([0], "weights", "zeros"))


@variant("symmetric_start")
def one_constant_for_all_weights() -> Patient:
    layers = [dense(24, "sigmoid"), dense(3), "softmax"]
    config = configuration(layers, RINGS, optimizer="adam", rate=0.05, epochs=60)
    return Patient(config=config, cause=every([0, 1], "weights", "[0.3,0.3]"))


@variant("symmetric_start")
def filters_of_zeros() -> Patient:
    filters = {"type": "conv2d", "filters": 8, "size": 3, "activation": "tanh"}
    layers = [filters, "max_pool2d", "flatten", dense(4), "softmax"]
    data = {**SHAPES, "flatten": False}
    config = configuration(layers, data, optimizer="adam", epochs=8, batch_size=16)
    return Patient(config=config, cause=every([0, 3], "weights", "zeros"))


@variant("symmetric_start")
def a_regression_of_equal_units() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", rate=0.02, epochs=50, dtype="float32")
    return Patient(config=config, cause=every([0, 1], "weights", "[0.2,0.2]"), files=values())


@variant("vanishing_gradients")
def eight_layers_of_sigmoids() -> Patient:
    layers = [*stack(8, 16, "tanh"), dense(2), "softmax"]
    config = configuration(layers, MOONS, rate=0.1, epochs=30, batch_size=16)
    return Patient(config=config, cause=every(range(8), "activation", "sigmoid"))


@variant("vanishing_gradients")
def sigmoids_on_images() -> Patient:
    layers = [*stack(5, 40, "tanh"), dense(4), "softmax"]
    config = configuration(layers, SHAPES, optimizer="momentum", epochs=15, batch_size=16)
    return Patient(config=config, cause=every(range(5), "activation", "sigmoid"))


@variant("vanishing_gradients")
def small_weights_in_a_deep_regression() -> Patient:
    layers = [*stack(6, 24, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, rate=0.05, epochs=40, batch_size=16)
    return Patient(config=config, cause=every(range(6), "weights", "[-0.05,0.05]"), files=values())


@variant("vanishing_gradients")
def relus_with_small_weights() -> Patient:
    layers = [*stack(7, 24, "relu", **RELU), dense(3), "softmax"]
    config = configuration(layers, RINGS, epochs=40, optimizer="momentum")
    return Patient(config=config, cause=every(range(7), "weights", "[-0.1,0.1]"))


@variant("vanishing_gradients")
def a_recurrence_that_forgets() -> Patient:
    keeps = {"type": "lstm", "size": 8, "forget_bias": 3}
    data = {"generator": "echo", "steps": 40, "delay": 39, "count": 250}
    config = configuration(
        [keeps, dense(1)], data, rate=0.02, loss="mse", optimizer="adam", epochs=30, batch_size=16
    )
    forgets = "network.layers.0={type: recurrent, size: 8, recurrent_weights: [-0.3,0.3]}"
    return Patient(config=config, cause=(forgets,))


@variant("exploding_gradients")
def eight_layers_of_relus_with_large_weights() -> Patient:
    layers = [*stack(8, 32, "relu", **RELU), dense(2), "softmax"]
    config = configuration(layers, MOONS, rate=0.1, epochs=30, batch_size=16, clip_gradient_norm=1)
    return Patient(config=config, cause=every(range(8), "weights", "[-1.2,1.2]"))


@variant("exploding_gradients")
def a_deep_regression_with_large_weights() -> Patient:
    layers = [*stack(6, 32, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=30, batch_size=16)
    return Patient(config=config, cause=every(range(7), "weights", "[-1,1]"), files=values())


@variant("exploding_gradients")
def images_with_large_weights() -> Patient:
    layers = [*stack(5, 48, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, SHAPES, rate=0.05, epochs=15, batch_size=16)
    return Patient(config=config, cause=every(range(5), "weights", "[-0.8,0.8]"))


@variant("exploding_gradients")
def a_recurrence_that_grows() -> Patient:
    layers = [{"type": "recurrent", "size": 12, "activation": "linear"}, dense(1)]
    data = {"generator": "echo", "steps": 20, "delay": 3, "count": 250}
    config = configuration(
        layers, data, rate=0.005, loss="mse", optimizer="adam", epochs=25, batch_size=16
    )
    return Patient(config=config, cause=every([0], "recurrent_weights", "[-1,1]"))


@variant("exploding_gradients")
def a_recurrence_of_relus() -> Patient:
    layers = [{"type": "recurrent", "size": 16, "activation": "relu"}, dense(1)]
    data = {"generator": "echo", "steps": 15, "delay": 1, "count": 250}
    config = configuration(
        layers, data, rate=0.01, loss="mse", optimizer="sgd", epochs=40, batch_size=8
    )
    return Patient(config=config, cause=every([0], "recurrent_weights", "[-0.9,1.1]"))
