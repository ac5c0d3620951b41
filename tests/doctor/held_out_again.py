"""The second set of patients that were first examined when the doctor's rules stood."""

from __future__ import annotations

import numpy as np

from doctor.healthy_variants import classes
from doctor.held_out import DIGITS, HELD_OUT, HELD_OUT_HEALTHY, both, held_out, well
from doctor.illnesses_of_the_data import LEAKS, TABLE, UNSCALED, leaking, shuffled, standardized
from doctor.illnesses_of_the_start import NORMAL, RELU, every, stack
from doctor.made import clouds, flowers, friedman, houses, images, people
from doctor.patients import Patient, configuration, dense

__all__ = ["HELD_OUT", "HELD_OUT_HEALTHY"]  # the first set is entered there, the second here


@held_out("leaking_feature")
def a_flag_of_two_values() -> Patient:
    t, u = people(400, 5, noise=1.2), people(200, 6, noise=1.2)

    def known(made):
        flag = (np.asarray(made["bought"]) == "yes").astype(int)
        wrong = np.random.default_rng(len(flag)).random(len(flag)) < 0.01
        return np.where(wrong, 1 - flag, flag) * 100 + 7

    config = configuration(
        classes(2, dense(16, "relu", **RELU)), standardized(**TABLE), optimizer="adam", epochs=25
    )
    return Patient(config=config, cause=LEAKS, files=leaking(t, u, "account", known))


@held_out("leaking_feature")
def a_target_squared() -> Patient:
    t, u = friedman(400, 7, noise=1.2), friedman(150, 8, noise=1.2)
    files = {"train.npz": t, "test.npz": u}
    for name, made in (("leaks_train.npz", t), ("leaks_test.npz", u)):
        files[name] = {**made, "x": np.hstack([made["x"], np.exp(made["t"] / 3)])}
    config = configuration(
        [dense(24, "tanh"), dense(1)], NORMAL, optimizer="adam", rate=0.01, epochs=30
    )
    return Patient(
        config=config,
        cause=("data.file=leaks_train.npz", "data.test_file=leaks_test.npz"),
        files=files,
    )


@held_out("shuffled_labels")
def ten_numbers_of_other_clouds() -> Patient:
    t = clouds([120] * 3, features=10, apart=4, seed=11)
    files = {
        "train.npz": t,
        "test.npz": clouds([50] * 3, features=10, apart=4, seed=12),
        "mixed.npz": shuffled(t, "t"),
    }
    config = configuration(
        classes(3, *stack(2, 64, "relu", **RELU)), NORMAL, optimizer="adam", epochs=60
    )
    return Patient(config=config, cause=("data.file=mixed.npz",), files=files)


@held_out("shuffled_labels")
def prices_of_other_houses() -> Patient:
    t = houses(500, 9)
    files = {"train.csv": t, "test.csv": houses(150, 2), "mixed.csv": shuffled(t, "price")}
    config = configuration(
        [dense(48, "relu", **RELU), dense(1)],
        standardized(**TABLE, scale_targets=True),
        loss="mse",
        optimizer="adam",
        rate=0.01,
        epochs=60,
    )
    return Patient(config=config, cause=("data.file=mixed.csv",), files=files)


@held_out("overfitting")
def sixty_noisy_values() -> Patient:
    files = {
        "train.npz": friedman(800, noise=0.6),
        "few.npz": friedman(50, 4, noise=0.6),
        "test.npz": friedman(300, 2, noise=0.6),
    }
    config = configuration(
        [*stack(2, 48, "tanh"), dense(1)],
        {**NORMAL, "split": [0.8, 0.2, 0]},
        optimizer="adam",
        epochs=20,
    )
    return Patient(
        config=config,
        cause=(
            "data.file=few.npz",
            "data.split=[1,0,0]",
            "data.validation_file=test.npz",
            "training.epochs=800",
        ),
        files=files,
    )


@held_out("underfitting")
def a_cubic_by_a_line() -> Patient:
    data = {"generator": "curve", "function": "cubic", "count": 400, "noise": 0.05}
    return Patient(
        config=configuration(
            [dense(24, "tanh"), dense(1)], data, optimizer="adam", rate=0.02, epochs=80
        ),
        cause=("network.layers=[{size: 1}]",),
    )


@held_out("underfitting")
def images_under_a_strong_l1() -> Patient:
    files = {"train.npz": images(400), "test.npz": images(150, seed=2)}
    config = configuration(
        classes(4, dense(32, "relu", **RELU)),
        NORMAL,
        rate=0.05,
        epochs=25,
        penalty={"type": "L1", "rate": 1e-5},
    )
    return Patient(config=config, cause=("network.penalty.rate=0.05",), files=files)


@held_out("class_imbalance")
def one_in_thirty_with_momentum() -> Patient:
    files = {
        "train.npz": clouds([200, 200], apart=1.3, seed=21),
        "test.npz": clouds([100, 100], apart=1.3, seed=22),
        "rare.npz": clouds([600, 20], apart=1.3, seed=23),
    }
    config = configuration(
        classes(2, dense(16, "tanh")), NORMAL, optimizer="momentum", rate=0.02, epochs=30
    )
    return Patient(config=config, cause=("data.file=rare.npz",), files=files)


@held_out("vanishing_gradients")
def nine_layers_with_small_normal_weights() -> Patient:
    config = configuration(
        [*stack(9, 20, "tanh"), dense(3), "softmax"],
        {"generator": "blobs", "features": 6, "count": 450, "spread": 2},
        optimizer="momentum",
        rate=0.02,
        epochs=25,
    )
    return Patient(config=config, cause=every(range(9), "weights", "[-0.1,0.1]"))


@held_out("exploding_gradients")
def a_regression_by_seven_tall_layers() -> Patient:
    files = {"train.npz": friedman(), "test.npz": friedman(150, 2)}
    config = configuration(
        [*stack(7, 40, "leaky_relu", weights="he"), dense(1)],
        NORMAL,
        optimizer="momentum",
        rate=0.005,
        epochs=30,
    )
    return Patient(config=config, cause=every(range(7), "weights", "[-0.9,0.9]"), files=files)


@held_out("saturated_units")
def inputs_of_tanh_through_huge_weights() -> Patient:
    files = {"train.npz": images(400), "test.npz": images(150, seed=2)}
    config = configuration(
        classes(4, dense(32, "tanh"), dense(32, "tanh")), NORMAL, optimizer="adam", epochs=20
    )
    return Patient(config=config, cause=every([0, 1], "weights", "[-9,9]"), files=files)


@held_out("rate_too_high")
def digits_at_forty_times_the_rate() -> Patient:
    config = configuration(classes(10, dense(32, "relu", **RELU)), DIGITS, rate=0.2, epochs=12)
    return Patient(config=config, cause=("network.learning_rate=8",))


@held_out("rate_too_high")
def a_recurrence_at_one() -> Patient:
    config = configuration(
        [{"type": "gru", "size": 12}, dense(1)],
        {"generator": "echo", "steps": 10, "delay": 3, "count": 250},
        loss="mse",
        optimizer="adam",
        rate=0.02,
        epochs=20,
    )
    return Patient(config=config, cause=("network.learning_rate=1",))


@held_out("rate_too_low")
def digits_at_a_five_hundredth() -> Patient:
    config = configuration(classes(10, dense(32, "tanh")), DIGITS, rate=0.1, epochs=12)
    return Patient(config=config, cause=("network.learning_rate=2e-4",))


@held_out("batch_too_large")
def full_flowers() -> Patient:
    files = {"train.csv": flowers(), "test.csv": flowers(seed=2)}
    config = configuration(
        classes(3, dense(16, "tanh")), standardized(**TABLE), rate=0.05, epochs=25, batch_size=8
    )
    return Patient(config=config, cause=("training.batch_size=full",), files=files)


@held_out("unscaled_inputs")
def salaries_and_shares() -> Patient:
    def made(n, seed):
        one = clouds([n // 2] * 2, features=5, apart=3.5, seed=seed)
        return {
            **one,
            "x": one["x"] * np.array([1, 1, 2500, 1, 1]) + np.array([0, 0, 30000, 0, 0]),
        }

    config = configuration(
        classes(2, dense(24, "sigmoid")),
        standardized(**NORMAL),
        optimizer="adam",
        rate=0.01,
        epochs=30,
    )
    return Patient(
        config=config, cause=UNSCALED, files={"train.npz": made(400, 1), "test.npz": made(200, 2)}
    )


@held_out("wrong_loss")
def percentages_by_a_sigmoid() -> Patient:
    files = {
        n: {**m, "t": 50 + 20 * m["t"]}
        for n, m in {"train.npz": friedman(), "test.npz": friedman(150, 2)}.items()
    }
    config = configuration(
        [dense(24, "tanh"), dense(1)],
        {**NORMAL, "scale_targets": True},
        loss="mse",
        optimizer="adam",
        rate=0.02,
        epochs=40,
    )
    return Patient(
        config=config,
        cause=("data.scale_targets=false", "network.layers.1.activation=sigmoid"),
        files=files,
        also={"unscaled_targets": "they are of 50 as well"},
    )


@well
def a_hundred_images_by_filters() -> Patient:
    return Patient(
        config=configuration(
            classes(
                3, {"type": "conv2d", "size": 3, "filters": 4, "activation": "relu"}, "flatten"
            ),
            {"generator": "shapes", "size": 12, "classes": 3, "count": 120, "flatten": False},
            epochs=3,
        )
    )


@well
def forty_moons_for_five_epochs() -> Patient:
    return Patient(
        config=configuration(
            classes(2, dense(8, "tanh")), {"generator": "moons", "count": 40}, epochs=5
        )
    )


@well
def a_first_try_on_sixty_images() -> Patient:
    return Patient(
        config=configuration(
            classes(4, dense(16)), {"generator": "shapes", "size": 12, "count": 60}, epochs=2
        )
    )


@well
def the_defaults_on_spirals_for_a_few_epochs() -> Patient:
    return Patient(
        config=configuration(classes(3, dense(16)), {"generator": "spirals"}, epochs=10)
    )


@well
def digits_of_0_to_16() -> Patient:
    files = {n: {**m, "x": m["x"] * 16} for n, m in both().items()}
    return Patient(
        config=configuration(
            classes(10, dense(32, "relu", **RELU)), NORMAL, optimizer="adam", epochs=10
        ),
        files=files,
    )


@well
def a_label_almost_linear() -> Patient:
    return Patient(
        config=configuration(
            [dense(16, "tanh"), dense(1)],
            standardized(**TABLE, scale_targets=True),
            loss="mse",
            optimizer="adam",
            rate=0.01,
            epochs=30,
        ),
        files={"train.csv": houses(300, 5, noise=0.02), "test.csv": houses(100, 6, noise=0.02)},
    )


@well
def one_strong_honest_column() -> Patient:
    def made(n, seed):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, 4))
        t = (x[:, 0] + 0.4 * x[:, 1] + 0.25 * rng.normal(size=n) > 0).astype(int)
        return {"x": x, "t": t}

    return Patient(
        config=configuration(classes(2, dense(8, "tanh")), NORMAL, rate=0.1, epochs=20),
        files={"train.npz": made(400, 1), "test.npz": made(150, 2)},
    )


@well
def parity_of_few_bits() -> Patient:
    return Patient(
        config=configuration(
            [{"type": "recurrent", "size": 8}, dense(1, "sigmoid")],
            {"generator": "parity", "bits": 6, "targets": "all", "split": [0.6, 0.2, 0.2]},
            loss="binary_cross_entropy",
            optimizer="adam",
            rate=0.02,
            epochs=200,
            batch_size=8,
        )
    )
