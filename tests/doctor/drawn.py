"""Trainings that are drawn at random: data, network, optimiser and rate that go together.

    python -m doctor.drawn [COUNT]      (with tests/ on the path)

What is drawn is not always well, so it is trained first, and counts as healthy where the result
says so: test cases are judged well, training cases not much better, and the validation loss has
not risen. Then a cause is planted in it, and it counts as ill where it has the illness's sign.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from chainrule.runs.doctor.examine import examine
from doctor.battery import TOLD
from doctor.illnesses_of_the_data import (
    PLAIN_TARGETS,
    SCALED_TARGETS,
    TABLE,
    UNSCALED,
    standardized,
)
from doctor.illnesses_of_the_start import NORMAL, SHAPES, every
from doctor.made import clouds, flowers, friedman, houses, images, people, shuffled
from doctor.patients import Patient, configuration, dense, quality, trained
from doctor.signs import SIGNS, learns_less

RATES = {
    "sgd": (0.05, 0.5),
    "momentum": (0.01, 0.1),
    "adam": (0.002, 0.02),
    "adamw": (0.002, 0.02),
    "rmsprop": (0.001, 0.01),
    "nadam": (0.002, 0.02),
}
"""The rates between which one is drawn, by optimiser."""

MISSED = 0.1
"""The share of planted causes that may be missed, some of which are two illnesses at once."""

STARTS = {"relu": "he", "leaky_relu": "he", "elu": "he", "gelu": "he", "tanh": "glorot"}


def sources(seed: int) -> list[tuple[dict[str, Any], dict[str, Any], int, bool]]:
    """Data, their files, the number of outputs, and whether they are classes."""
    tables = {"train.csv": people(400, seed), "test.csv": people(200, seed + 1)}
    prices = {"train.csv": houses(400, seed), "test.csv": houses(200, seed + 1)}
    kinds = {"train.csv": flowers(seed=seed), "test.csv": flowers(seed=seed + 1)}
    values = {"train.npz": friedman(500, seed), "test.npz": friedman(200, seed + 1)}
    points = {
        "train.npz": clouds([100] * 4, apart=4, seed=seed),
        "test.npz": clouds([50] * 4, apart=4, seed=seed + 1),
    }
    seen = {"train.npz": images(500, seed=seed), "test.npz": images(200, seed=seed + 1)}
    return [
        ({"generator": "moons", "count": 500, "seed": seed}, {}, 2, True),
        ({"generator": "rings", "rings": 3, "count": 600, "seed": seed}, {}, 3, True),
        ({"generator": "blobs", "classes": 4, "seed": seed}, {}, 4, True),
        ({"generator": "spirals", "count": 900, "seed": seed}, {}, 3, True),
        ({**SHAPES, "count": 700, "seed": seed}, {}, 4, True),
        ({"generator": "curve", "count": 500, "noise": 0.2, "seed": seed}, {}, 1, False),
        (standardized(**TABLE), tables, 2, True),
        (standardized(**SCALED_TARGETS), prices, 1, False),
        (standardized(**TABLE), kinds, 3, True),
        (NORMAL, values, 1, False),
        (NORMAL, points, 4, True),
        (NORMAL, seen, 4, True),
    ]


def drawn(seed: int) -> Patient:
    """A training whose parts go together."""
    rng = np.random.default_rng(seed)
    data, files, outputs, are_classes = sources(seed)[rng.integers(12)]
    activation = str(rng.choice(list(STARTS)))
    width, depth = int(rng.choice([12, 24, 48])), int(rng.integers(1, 4))
    layers = [dense(width, activation, weights=STARTS[activation]) for _ in range(depth)]
    layers += [dense(outputs), *(["softmax"] if are_classes else [])]
    name = str(rng.choice(list(RATES)))
    low, high = np.log(RATES[name])
    config = configuration(
        layers,
        data,
        loss=None if are_classes else "mse",
        rate=float(f"{np.exp(rng.uniform(low, high)):.2g}"),
        optimizer=name,
        epochs=int(rng.choice([15, 30, 60])),
        batch_size=int(rng.choice([8, 16, 32])),
        dtype="float32" if rng.random() < 0.2 else None,
    )
    return Patient(config=config, files=files)


def is_well(run: chainrule.Run) -> bool:
    """Whether the result says that nothing is wrong."""
    train, validation, test = (quality(run, part) for part in ("train", "validation", "test"))
    losses = run.history["validation_loss"]
    close = train - min(validation, test) <= 0.25
    return min(validation, test) >= 0.6 and close and losses[-1] <= 1.3 * min(losses)


def planted(patient: Patient, rng: np.random.Generator) -> tuple[str, Patient]:
    """The same with a cause, drawn among those that go with it; and the illness."""
    network, data = patient.config["network"], patient.config["data"]
    hidden = [k for k, layer in enumerate(network["layers"][:-1]) if layer.get("activation")]
    activation, rate = network["layers"][0]["activation"], network["learning_rate"]
    causes: dict[str, tuple[str, ...]] = {
        "rate_too_low": (f"network.learning_rate={rate * 10 ** rng.uniform(-5, -3.5):.2g}",),
        "rate_too_high": (f"network.learning_rate={rate * 10 ** rng.uniform(2, 3):.2g}",),
        "symmetric_start": every([0, hidden[-1] + 1], "weights", "[0.1,0.1]"),
        "batch_too_large": ("training.batch_size=full", "training.epochs=15"),
    }
    if activation == "relu":
        causes["dead_units"] = every([int(rng.choice(hidden))], "biases", "[-60,-20]")
    if activation == "tanh":
        causes["saturated_units"] = every(hidden, "weights", "[-60,60]")
        causes["vanishing_gradients"] = (
            f"network.layers=[{', '.join(['{size: 24, activation: sigmoid}'] * 8)}, "
            f"{{size: {network['layers'][hidden[-1] + 1]['size']}}}"
            f"{', softmax' if network['layers'][-1] == 'softmax' else ''}]",
        )
    if data.get("file") == "train.csv" and "income" in patient.files["train.csv"]:
        causes["unscaled_inputs"] = UNSCALED
    if data.get("scale_targets"):
        causes["unscaled_targets"] = PLAIN_TARGETS
    if "file" in data:
        causes["shuffled_labels"] = (f"data.file=mixed{Path(data['file']).suffix}",)
    illness = str(rng.choice(list(causes)))
    return illness, replace(patient, cause=causes[illness], files=_with_mixed(patient.files))


def _with_mixed(files: Mapping[str, Any]) -> dict[str, Any]:
    """The files, and the training data with the labels of other cases."""
    mixed = {}
    for name, made in files.items():
        if name.startswith("train"):
            mixed[f"mixed{Path(name).suffix}"] = shuffled(made, list(made)[-1])
    return {**files, **mixed}


def healthy(seed: int) -> tuple[chainrule.Run, Patient] | None:
    """A drawn training that is well, and its patient; None where it is not well."""
    patient = drawn(seed)
    run = _trained(patient)
    return (run, patient) if is_well(run) else None


def _trained(patient: Patient) -> chainrule.Run:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = trained(patient, Path(folder))
        _ = run.data  # read while the files are there
        return run


def main(count: int) -> int:
    """Draw so many, and print each alarm and each miss; 1 if there are too many."""
    drawings = ((seed, each) for seed in range(count) if (each := healthy(seed)) is not None)
    well = alarms = ill = missed = 0
    for seed, (run, patient) in drawings:
        found = [each for each in examine(run).findings if each.confidence in TOLD]
        well, alarms = well + 1, alarms + bool(found)
        for each in found:
            print(f"drawn({seed}) is well, but: {each}  {patient.config}")
        illness, sick = planted(patient, np.random.default_rng([seed, 1]))
        run_of_sick = _trained(sick)
        if not SIGNS.get(illness, learns_less)(run_of_sick, run):
            continue
        names = [each.illness for each in examine(run_of_sick).findings]
        ill, missed = ill + 1, missed + (names[:1] != [illness])
        if names[:1] != [illness]:
            print(f"drawn({seed}) has {illness}: {names}  {sick.cause}  {patient.config}")
    print(f"alarms in {alarms} of {well} healthy trainings; {missed} of {ill} illnesses missed")
    return int(alarms > 0 or missed > MISSED * ill)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
