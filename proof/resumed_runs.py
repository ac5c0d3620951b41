"""Trainings resumed at every minibatch, which must end with the bits of one never stopped.

Run with: python -m proof.resumed_runs
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.nn.layers.dense import Dense
from chainrule.nn.layers.softmax import Softmax
from chainrule.nn.network import Network
from chainrule.runs.checkpoint import checksum, read_checkpoint, save_checkpoint
from chainrule.training import Callback, Part, Settings, Trainer

ENGINES = (
    ("numpy", 4),
    ("numpy", 1),
    ("compiled", 4),
    ("compiled", 1),
    ("torch", 4),
    ("torch", 1),
)
"""Engines, each with the cases of a minibatch. There are ten cases: the last of four has two."""

OPTIMIZERS: dict[str, Any] = {
    "sgd": "sgd",
    "momentum": "momentum",
    "nesterov": {"type": "momentum", "nesterov": True},
    "adam": "adam",
    "adagrad": "adagrad",
    "rmsprop": "rmsprop",
    "rmsprop in full": {"type": "rmsprop", "centered": True, "momentum": 0.5},
    "adamw": {"type": "adamw", "weight_decay": 0.1},
    "nadam": {"type": "nadam", "momentum_decay": 0.1},
}
"""Those that take minibatches, with every learning rate."""

WHOLE: dict[str, Any] = {"lbfgs": "lbfgs"}
"""Those that take all cases at once, and no learning rate."""

ALL_CASES = 10

SCHEDULES: dict[str, Any] = {
    **{name: name for name in ("constant", "exponential", "inverse", "step", "cosine")},
    "one_cycle": "one_cycle",
    "plateau": {"type": "plateau", "patience": 1, "factor": 0.5, "min_delta": 0.05},
    "warm_up": {"type": "cosine", "warm_up": 1.5},
}

RNG = np.random.default_rng(5)
X, T = RNG.normal(size=(11, 3)), RNG.integers(0, 3, 11)
TRAIN, VALIDATION = Part(X[:10], T[:10]), Part(X[4:], T[4:])
WEIGHTS = RNG.uniform(0.2, 3.0, 10)


@dataclass(frozen=True)
class Setting:
    """One way to train, for three epochs.

    Attributes:
        engine: its name.
        batch_size: cases a minibatch.
        rule: a key of `OPTIMIZERS` or of `WHOLE`.
        schedule: a key of `SCHEDULES`.
        shuffle: whether the cases are shuffled in every epoch.
        early_stopping: the options of the callback; None for none.
        weighted: whether the cases have weights.
    """

    engine: str
    batch_size: int
    rule: str
    schedule: str
    shuffle: bool
    early_stopping: Mapping[str, Any] | None = None
    weighted: bool = False

    def trainer(self, *callbacks: Callback) -> Trainer:
        """A new trainer that has not trained yet."""
        own, common = (None, None) if self.rule in WHOLE else (0.05, 0.2)
        layers = [Dense(5, "tanh"), Dense(4, "relu", learning_rate=own), Dense(3), Softmax()]
        penalty = {"type": "L2", "rate": 0.01}
        network = Network(layers, input=3, learning_rate=common, penalty=penalty, seed=3)
        settings = Settings(
            epochs=3,
            batch_size=self.batch_size,
            seed=6,
            engine=self.engine,
            optimizer={**OPTIMIZERS, **WHOLE}[self.rule],
            schedule=SCHEDULES[self.schedule],
            shuffle=self.shuffle,
            evaluate="full" if self.shuffle else "running",
            callbacks=None
            if self.early_stopping is None
            else [{"type": "early_stopping", **self.early_stopping}],
        )
        train = replace(TRAIN, weights=WEIGHTS if self.weighted else None)
        return Trainer(network, train, VALIDATION, settings, classes=True, callbacks=callbacks)


class SaveAll(Callback):
    """A checkpoint at the start, after every minibatch and after every epoch."""

    every_minibatch = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths: list[Path] = []

    def on_start(self, trainer: Trainer) -> None:
        """Save."""
        self._save(trainer)

    def on_pause(self, trainer: Trainer) -> None:
        """Save."""
        self._save(trainer)

    def _save(self, trainer: Trainer) -> None:
        self.paths.append(self.folder / f"{len(self.paths)}.safetensors")
        parts: dict[str, Any] = {"network": {}, "data": {}, "training": {}}
        save_checkpoint(
            self.paths[-1], trainer, parts, {"training data": checksum(TRAIN.x, TRAIN.t)}
        )


def resume_everywhere(setting: Setting, folder: Path) -> tuple[list[str], int]:
    """Resume a training from each of its checkpoints.

    Returns:
        The checkpoints from which it ended with other bits, and how many there were.
    """
    never_stopped, save = setting.trainer(), SaveAll(folder)
    never_stopped.run()
    setting.trainer(save).run()
    expected, wrong = end_of(never_stopped), []
    for path in save.paths:
        resumed = setting.trainer()
        read_checkpoint(path).restore(resumed)
        resumed.run()
        if end_of(resumed) != expected:
            wrong.append(path.name)
    return wrong, len(save.paths)


def end_of(trainer: Trainer) -> dict[str, Any]:
    """The results of a training, except for times."""
    vectors = {"theta": trainer.network.theta, **trainer.optimizer.state}
    return {
        **{name: vector.tobytes() for name, vector in vectors.items()},
        "losses": trainer.history.minibatch_losses.tobytes(),
        "history": [{**row, "seconds": 0} for row in trainer.history.rows],
        "steps": trainer.optimizer.steps,
        "scores": [trainer.evaluate(part) for part in (TRAIN, VALIDATION)],
        "finished": trainer.finished,
        "ending": trainer.ending,
    }


def settings() -> Iterator[Setting]:
    """Every installed engine with every optimiser and schedule, shuffled and not."""
    for (engine, size), rule, schedule, shuffle in product(
        ENGINES, OPTIMIZERS, SCHEDULES, (True, False)
    ):
        if engine != "torch" or find_spec("torch"):
            yield Setting(engine, size, rule, schedule, shuffle)
    for rule, shuffle in product(WHOLE, (True, False)):
        yield Setting("numpy", ALL_CASES, rule, "constant", shuffle)


def main() -> int:
    """Resume everywhere in every setting."""
    total, wrong = 0, []
    for setting in settings():
        with tempfile.TemporaryDirectory() as folder:
            found, count = resume_everywhere(setting, Path(folder))
        total += count
        wrong += [(setting, name) for name in found]
    print(f"{total:,} resumptions, {len(wrong)} with other bits", *wrong[:5], sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
