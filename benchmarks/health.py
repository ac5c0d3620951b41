"""What recording the layers' health costs: trainings with and without it, in turns.

Run with: python -m benchmarks.health [--pairs 10] [--only W4] [--images 49000]

Each line is one training. Its ratio is the time with `health: true` divided by the time with
`health: false`, of pairs that run one after the other; the median and the quartiles are printed.
Both must end with the same bits. The images of examples/cifar10.yaml are random here, since only
the time counts, and two epochs long.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import interleaved, machine
from benchmarks.workloads import WORKLOADS, make_network, make_problem
from chainrule import Network, train
from chainrule.config.load import load_config
from chainrule.training.health import every
from chainrule.training.settings import Settings
from chainrule.training.trainer import Part, Trainer

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Case:
    """A training: a function that runs it with or without health and returns θ and the history."""

    name: str
    run: Callable[[bool], tuple[np.ndarray, Any]]


def of_trainer(name: str, make: Callable[[], Network], part: Part, **settings: Any) -> Case:
    """A training in memory."""

    def run(health: bool) -> tuple[np.ndarray, Any]:
        network = make()
        chosen = Settings(**{"seed": 1, **settings, "health": health})
        trainer = Trainer(network, part, Part(part.x[:0], part.t[:0]), chosen, classes=True)
        trainer.run()
        return network.theta, trainer.history

    return Case(f"{name} (every {every(make(), len(part.x))})", run)


def of_run(name: str, config: Mapping[str, Any]) -> Case:
    """A training with a folder, as the command writes it."""

    def run(health: bool) -> tuple[np.ndarray, Any]:
        whole = {**config, "training": {**config["training"], "health": health}}
        with tempfile.TemporaryDirectory() as folder:
            done = train(whole, run=Path(folder) / "run")
        return done.network.theta, done.history

    return Case(name, run)


def cases(images: int) -> list[Case]:
    """All trainings."""
    rng = np.random.default_rng(0)
    found = []
    for name in ("W4 f64", "W4 f32", "W1 f64", "W2 f32", "W5 f64"):
        problem = make_problem(WORKLOADS[name])
        workload = problem.workload
        options = {
            "epochs": 2000 if workload.full else 30,
            "batch_size": "full" if workload.full else workload.batch,
            "engine": "compiled",
        }
        if name == "W1 f64":
            options["epochs"] = 60

        def make(name: str = name) -> Network:
            return make_network(WORKLOADS[name])

        found.append(of_trainer(name, make, Part(problem.x, problem.t), **options))
    iris = {"input": 4, "layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"]}
    flowers = Part(rng.normal(size=(105, 4)), rng.integers(0, 3, 105))
    for engine, size in (("compiled", "full"), ("compiled", 32), ("numpy", 32)):
        options = {"epochs": 2000, "batch_size": size, "engine": engine, "optimizer": "adam"}
        name = f"iris-like, 2000 epochs, batch {size}, {engine}"
        found.append(of_trainer(name, lambda: Network.from_config(iris), flowers, **options))
    blobs = {"generator": "blobs", "features": 4, "classes": 3, "count": 150}
    training = {"epochs": 2000, "optimizer": "adam"}
    layers = {"layers": iris["layers"]}
    found.append(
        of_run("iris-like, a run", {"network": layers, "data": blobs, "training": training})
    )
    cifar = load_config(ROOT / "examples" / "cifar10.yaml")
    pictures = rng.standard_normal((images, 3072), np.float32)
    options = {**cifar.training, "epochs": 2}
    part = Part(pictures, rng.integers(0, 10, images))
    found.append(
        of_trainer("cifar10.yaml", lambda: Network.from_config(cifar.network), part, **options)
    )
    return found


def measured(case: Case, pairs: int) -> str:
    """A line on one training."""
    ends: dict[bool, tuple[np.ndarray, Any]] = {}

    def run(health: bool) -> None:
        ends[health] = case.run(health)

    ratios, seconds = [], []
    for order in ((False, True), (True, False)):
        found = interleaved(
            {str(health): lambda health=health: run(health) for health in order},
            -(-pairs // 2),
        )
        ratios += [a / b for a, b in zip(found["True"], found["False"], strict=True)]
        seconds += found["False"]
    (theta, on), (expected, off) = ends[True], ends[False]
    assert np.array_equal(theta, expected), f"{case.name}: other bits with health"
    assert on["train_loss"] == off["train_loss"], f"{case.name}: another history with health"
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return (
        f"{case.name:48} {np.median(seconds):8.3f} s  {len(on.health):4} measured  "
        f"{100 * (middle - 1):+.1f} %  ({100 * (low - 1):+.1f} to {100 * (high - 1):+.1f})"
    )


def main() -> None:
    """Measure all trainings, or those whose names contain a text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--only", default="", help="a part of the names")
    parser.add_argument("--images", type=int, default=49_000)
    given = parser.parse_args()
    print(machine())
    for case in cases(given.images):
        if given.only in case.name:
            print(measured(case, given.pairs), flush=True)


if __name__ == "__main__":
    main()
