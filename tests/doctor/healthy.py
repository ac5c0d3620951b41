"""Trainings that are well, by name: `HEALTHY`. The doctor should have nothing to say of them.

They are every example, every configuration of the courses, the data sets of this machine, and
usual trainings that look odd in one way or another without being ill: a short one that still
improves, noise that nothing can learn, a network that gets everything right.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from doctor.healthy_variants import VARIANTS
from doctor.patients import Patient, configuration, dense

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("CHAINRULE_DATA", ROOT.parent / "shared" / "data"))


class AbsentError(Exception):
    """Data that this machine does not have."""


def shared(*names: str) -> Path:
    """A file or folder of the machine's real data.

    Raises:
        AbsentError: it is not there.
    """
    path = SHARED.joinpath(*names)
    if not path.exists():
        raise AbsentError(f"{'/'.join(names)} is not in {SHARED} (set CHAINRULE_DATA)")
    return path


def written(path: Path, *settings: str, needs: str | None = None) -> Patient:
    """A configuration as it stands in the repository."""
    return Patient(config=path, settings=settings, needs=needs)


def letters(size: str, *settings: str) -> Patient:
    """The example of handwritten letters, on one of its sets."""
    files = [shared("cmu_ocr", f"{size}{part}.csv") for part in ("Train", "Validation")]
    where = (f"data.file={files[0]}", f"data.validation_file={files[1]}")
    return written(ROOT / "examples" / "letters.yaml", *where, *settings)


def photographs(path: Path, *settings: str) -> Patient:
    """A configuration for CIFAR-10, on 500 of its images and so few epochs that it only begins."""
    few = shared("cifar_mini", "cifar-10-batches-py")
    return written(path, f"data.path={few}", "data.split=[0.8,0.2,0]", *settings)


def _examples() -> dict[str, Callable[[], Patient]]:
    """Every file of examples/ that is a configuration."""
    found: dict[str, Callable[[], Patient]] = {}
    for path in sorted((ROOT / "examples").iterdir()):
        if path.name == "letters.yaml":
            make = partial(letters, "medium")
        elif path.name == "cifar10.yaml":
            make = partial(photographs, path, "training.epochs=3")
        elif path.name == "vanishing.yaml":  # it is ill on purpose, and well with tanh
            make = partial(
                written, path, *(f"network.layers.{k}.activation=tanh" for k in range(5))
            )
        elif path.suffix in (".yaml", ".txt"):
            needs = "sklearn" if path.name == "iris.yaml" else None
            make = partial(written, path, needs=needs)
        else:
            continue
        found[f"examples {path.name}"] = make
    return found


def _courses() -> dict[str, Callable[[], Patient]]:
    """Every configuration of courses/, and the trainings of their scripts."""
    found: dict[str, Callable[[], Patient]] = {}
    for path in sorted((ROOT / "courses").rglob("*.yaml")):
        make: Callable[[], Patient] = partial(written, path)
        if path.parent.name == "hlcv_ex2":
            short = ("training.epochs=3", "training.engine=auto")
            make = partial(photographs, path, *short)
        found[f"courses {path.parent.name} {path.stem}"] = make
    for path in sorted((ROOT / "courses").rglob("*.txt")):
        found[f"courses {path.parent.name} {path.name}"] = partial(written, path)
    return {**found, **_SCRIPTS}


def of_file(path: Path, **keys: Any) -> dict[str, Any]:
    """Data of a file of numbers without a header, whose last column is the class."""
    return {"file": str(path), "header": False, **keys}


def psu_xor() -> Patient:
    layers = [dense(6, "relu", weights="he"), dense(2), "softmax"]
    data = of_file(shared("psu", "xor.dat"), split=[1, 0, 0])
    return Patient(config=configuration(layers, data, rate=0.5, epochs=500, batch_size="full"))


def psu_spiral() -> Patient:
    layers = [dense(100, "relu", weights="he"), dense(3), "softmax"]
    data = of_file(shared("psu", "spiral_train.dat"), split=[1, 0, 0])
    config = configuration(
        layers,
        data,
        rate=1.0,
        epochs=2000,
        batch_size="full",
        penalty={"type": "L2", "rate": 1e-3},
    )
    return Patient(config=config)


def psu_iris(hidden: int) -> Patient:
    layers = [*(dense(100, "relu", weights="he") for _ in range(hidden)), dense(3), "softmax"]
    train, test = shared("psu", "iris_train.dat"), shared("psu", "iris_test.dat")
    data = of_file(train, test_file=str(test), split=[1, 0, 0])
    config = configuration(
        layers, data, rate=0.1, epochs=100, batch_size=10, penalty={"type": "L2", "rate": 1e-3}
    )
    return Patient(config=config)


def cmu_letters(size: str, epochs: int) -> Patient:
    layers = [dense(50, "sigmoid", weights=[-0.1, 0.1]), dense(10, weights=[-0.1, 0.1]), "softmax"]
    files = [shared("cmu_ocr", f"{size}{part}.csv") for part in ("Train", "Validation")]
    data = of_file(files[0], label="first", validation_file=str(files[1]), split=[1, 0, 0])
    config = configuration(
        layers, data, rate=0.01, epochs=epochs, batch_size=1, shuffle=False, engine="compiled"
    )
    return Patient(config=config)


def hlcv_toy() -> Patient:
    """The exercise's toy network: five random cases of three classes."""
    rng = np.random.default_rng(1)
    layers = [dense(10, "relu", weights="he"), dense(3), "softmax"]
    files = {"toy.npz": {"x": 10 * rng.normal(size=(5, 4)), "t": np.array([0, 1, 2, 2, 1])}}
    data = {"file": "toy.npz", "split": [1, 0, 0]}
    config = configuration(layers, data, rate=0.1, epochs=100, batch_size="full")
    return Patient(config=config, files=files)


def asu_better() -> Patient:
    few = shared("cifar_mini", "cifar-10-batches-py")
    layers = [dense(size, "relu", weights="he") for size in (128, 64)]
    data = {"name": "cifar10", "path": str(few), "split": [0.8, 0.2, 0], "standardize": True}
    config = configuration(
        [*layers, dense(10), "softmax"],
        data,
        rate=0.01,
        epochs=3,
        optimizer="momentum",
        dtype="float32",
        penalty={"type": "L2", "rate": 2e-3},
        schedule={"type": "cosine", "final": 0},
    )
    return Patient(config=config)


_SCRIPTS: dict[str, Callable[[], Patient]] = {
    "courses psu xor": psu_xor,
    "courses psu spiral": psu_spiral,
    "courses psu iris, one hidden layer": partial(psu_iris, 1),
    "courses psu iris, two hidden layers": partial(psu_iris, 2),
    "courses cmu 500 letters, 10 epochs": partial(cmu_letters, "small", 10),
    "courses cmu 5000 letters, 3 epochs": partial(cmu_letters, "medium", 3),
    "courses hlcv toy": hlcv_toy,
    "courses asu better network": asu_better,
}

HEALTHY: dict[str, Callable[[], Patient]] = {**_examples(), **_courses(), **VARIANTS}
"""By name, the functions that make them; `AbsentError` where this machine lacks the data."""
