"""Trainings whose steps are wrong: their rate, their minibatches, or what is no longer finite."""

from __future__ import annotations

from typing import Any

from doctor.illnesses_of_the_start import NORMAL, RELU, RINGS, SHAPES, stack, values
from doctor.made import clouds, friedman
from doctor.patients import Patient, configuration, dense, variant

SINE = {"generator": "curve", "count": 300, "noise": 0.05}
ECHO = {"generator": "echo", "steps": 10, "delay": 3, "count": 250}
SPIRALS = {"generator": "spirals", "count": 450}


@variant("rate_too_high")
def a_rate_of_1000() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    config = configuration(layers, RINGS, rate=0.3, epochs=40, batch_size=16)
    return Patient(config=config, cause=("network.learning_rate=1000",))


@variant("rate_too_high")
def adam_at_1_on_images() -> Patient:
    layers = [dense(40, "tanh"), dense(4), "softmax"]
    config = configuration(layers, SHAPES, optimizer="adam", rate=0.005, epochs=12)
    return Patient(config=config, cause=("network.learning_rate=1",))


@variant("rate_too_high")
def a_regression_that_swings() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, rate=0.05, epochs=40, batch_size=16)
    return Patient(config=config, cause=("network.learning_rate=0.9",), files=values())


@variant("rate_too_high")
def momentum_at_20_times_its_rate() -> Patient:
    layers = [dense(24, "sigmoid"), dense(24, "sigmoid"), dense(4), "softmax"]
    files = {"train.npz": clouds([90] * 4), "test.npz": clouds([40] * 4, seed=2)}
    config = configuration(layers, NORMAL, optimizer="momentum", rate=0.1, epochs=30)
    return Patient(config=config, cause=("network.learning_rate=8",), files=files)


@variant("rate_too_high")
def a_regression_that_diverges() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, SINE, optimizer="momentum", rate=0.02, epochs=30)
    also = {"not_finite": "the training ends with a number that is not finite"}
    return Patient(config=config, cause=("network.learning_rate=5",), also=also)


@variant("rate_too_low")
def a_rate_of_a_millionth() -> Patient:
    layers = [dense(16, "tanh"), dense(3), "softmax"]
    config = configuration(layers, RINGS, rate=0.3, epochs=60, batch_size=16)
    return Patient(config=config, cause=("network.learning_rate=1e-6",))


@variant("rate_too_low")
def adam_at_a_five_hundredth_of_its_rate() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    config = configuration(layers, SHAPES, optimizer="adam", rate=0.005, epochs=12)
    return Patient(config=config, cause=("network.learning_rate=1e-5",))


@variant("rate_too_low")
def a_regression_that_creeps() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, rate=0.1, epochs=40, batch_size=16, engine="compiled")
    return Patient(config=config, cause=("network.learning_rate=2e-5",), files=values())


@variant("rate_too_low")
def filters_that_hardly_move() -> Patient:
    filters = {"type": "conv2d", "filters": 8, "size": 3, "weights": "he"}
    layers = [filters, "max_pool2d", "flatten", dense(4), "softmax"]
    data = {**SHAPES, "flatten": False}
    config = configuration(layers, data, optimizer="momentum", epochs=8, batch_size=16)
    return Patient(config=config, cause=("network.learning_rate=1e-5",))


@variant("rate_too_low")
def a_recurrence_at_a_thousandth_of_its_rate() -> Patient:
    layers = [{"type": "gru", "size": 12}, dense(1)]
    config = configuration(layers, ECHO, loss="mse", optimizer="rmsprop", rate=0.01, epochs=25)
    return Patient(config=config, cause=("network.learning_rate=1e-5",))


@variant("batch_too_large")
def all_cases_at_once() -> Patient:
    layers = [dense(24, "tanh"), dense(3), "softmax"]
    data = {"generator": "rings", "rings": 3, "count": 900}
    config = configuration(layers, data, rate=0.1, epochs=20, batch_size=8)
    return Patient(config=config, cause=("training.batch_size=full",))


@variant("batch_too_large")
def images_512_at_a_time() -> Patient:
    layers = [dense(40, "relu", **RELU), dense(4), "softmax"]
    data = {**SHAPES, "count": 900}
    config = configuration(layers, data, rate=0.1, epochs=10, batch_size=16)
    return Patient(config=config, cause=("training.batch_size=512",))


@variant("batch_too_large")
def a_regression_of_one_step_an_epoch() -> Patient:
    layers = [dense(32, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=15, batch_size=8)
    return Patient(config=config, cause=("training.batch_size=600",), files=values(600))


@variant("batch_too_large")
def spirals_by_adam_in_full() -> Patient:
    layers = [dense(48, "relu", **RELU), dense(24, "relu", **RELU), dense(3), "softmax"]
    data = {"generator": "spirals", "count": 900}
    config = configuration(layers, data, optimizer="adam", epochs=40, batch_size=16)
    return Patient(config=config, cause=("training.batch_size=full",))


@variant("batch_too_large")
def sequences_300_at_a_time() -> Patient:
    layers = [{"type": "recurrent", "size": 16}, dense(1)]
    data = {**ECHO, "count": 500}
    config = configuration(layers, data, loss="mse", optimizer="adam", epochs=12, batch_size=8)
    return Patient(config=config, cause=("training.batch_size=350",))


def _far(count: int, exponent: int, seed: int = 1) -> dict[str, Any]:
    """Values of a smooth function, and one input in fifty cases that is enormous."""
    made = friedman(count, seed)
    x = made["x"].copy()
    x[::50, 2] *= 10.0**exponent
    return {**made, "x": x}


def _huge(count: int, seed: int = 1) -> dict[str, Any]:
    """The same with targets of 1e25, whose squares float32 cannot hold."""
    made = friedman(count, seed)
    return {**made, "t": made["t"] * 1e25}


@variant("not_finite")
def an_input_of_1e200() -> Patient:
    layers = [dense(24, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=20)
    files = {**values(), "huge.npz": _far(400, 200)}
    also = {"unscaled_inputs": "an input of 1e200 beside others of 1 is the cause of the overflow"}
    return Patient(config=config, cause=("data.file=huge.npz",), files=files, also=also)


@variant("not_finite")
def targets_that_float32_cannot_square() -> Patient:
    layers = [dense(24, "tanh"), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", rate=0.02, epochs=40, dtype="float32")
    files = {**values(), "huge.npz": _huge(400), "huge_test.npz": _huge(150, 2)}
    also = {"unscaled_targets": "targets of 1e25 are the cause of the overflow"}
    return Patient(
        config=config,
        cause=("data.file=huge.npz", "data.test_file=huge_test.npz"),
        files=files,
        also=also,
    )


@variant("not_finite")
def weights_of_1e80_on_the_way_forward() -> Patient:
    layers = [*stack(4, 16, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, optimizer="adam", epochs=20)
    cause = tuple(f"network.layers.{k}.weights=[-1e80,1e80]" for k in range(4))
    also = {"exploding_gradients": "each layer multiplies by 1e80, until nothing is finite"}
    return Patient(config=config, cause=cause, files=values(), also=also)


@variant("not_finite")
def weights_of_1e90_on_the_way_back() -> Patient:
    layers = [*stack(4, 16, "relu", **RELU), dense(1)]
    config = configuration(layers, NORMAL, loss="mae", optimizer="adam", epochs=20)
    cause = tuple(f"network.layers.{k}.weights=[-1e90,1e90]" for k in range(1, 5))
    cause += ("network.layers.0.weights=[-1e-270,1e-270]",)
    also = {"exploding_gradients": "going back each layer multiplies by 1e90"}
    return Patient(config=config, cause=cause, files=values(), also=also)


@variant("not_finite")
def a_recurrence_that_overflows() -> Patient:
    layers = [
        {"type": "recurrent", "size": 16, "activation": "linear", "recurrent_weights": 0.2},
        dense(1),
    ]
    data = {**ECHO, "steps": 60}
    config = configuration(layers, data, loss="mse", optimizer="adam", rate=0.005, epochs=20)
    cause = ("network.layers.0.recurrent_weights=[-1e7,1e7]",)
    also = {"exploding_gradients": "each of 60 steps multiplies by 1e7"}
    return Patient(config=config, cause=cause, also=also)
