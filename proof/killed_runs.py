"""Runs that are killed by signal 9 again and again, and resumed.

A child process trains and writes a checkpoint after every minibatch. It is killed at a random
moment, or while it writes, or it kills itself before or after a system call of the writing. Then
the checkpoint must be whole and no older than the last one that was finished; another child
resumes from it. Runs that finish must have the bits of a run never stopped.

Run with: python -m proof.killed_runs [KILLS]
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from chainrule.core.errors import ChainruleError
from chainrule.runs.checkpoint import read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.runs.train import train
from chainrule.training import Callback, Trainer
from proof.children import HANGS, Board, Child

DONE = 0
"""Index on the board: the minibatches run when the last finished checkpoint was written."""

BEGUN = 1
"""Index on the board: 1 once training has begun."""

LATEST = 0.12
"""A child that is killed at a random moment is killed within this many seconds."""

MOST_TRIES = 10
"""Children started for each kill at most; some finish before they are killed."""

STEPS = ("fsync", "replace")
KINDS = ("at any moment", "within a writing", "between its steps")


def configuration(engine: str, optimizer: str, batch_size: int, width: int) -> dict[str, Any]:
    """A training of three epochs, whose last minibatch may be smaller."""
    return {
        "network": {
            "layers": [{"size": width, "activation": "tanh"}, {"size": 3}, "softmax"],
            "learning_rate": 0.01,
        },
        "data": {"generator": "blobs", "features": 30, "classes": 3, "count": 300},
        "training": {
            "epochs": 3,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "schedule": "cosine",
            "engine": engine,
            "checkpoint_every": 1,
        },
    }


CONFIGURATIONS = [
    configuration("compiled", "adam", 17, 40),
    configuration("numpy", "momentum", 20, 600),  # a checkpoint of half a MiB
    configuration("compiled", "sgd", 4, 10),
]
CONFIGURATIONS[2]["training"]["callbacks"] = [
    {"type": "early_stopping", "monitor": "train_loss", "mode": "max", "patience": 2}
]


class Reporter(Callback):
    """Writes on the board which checkpoint is on the disk."""

    def __init__(self, board: Board) -> None:
        self.board = board

    def on_start(self, trainer: Trainer) -> None:
        """The first checkpoint has been written before this is called."""
        self.board[BEGUN] = 1

    def on_pause(self, trainer: Trainer) -> None:
        """The checkpoint after this minibatch has been written before this is called."""
        self.board[DONE] = trainer.minibatches_run


def kill_within(step: int) -> None:
    """In a child: die before or after a call of fsync or rename, counted by ``step``."""
    calls = iter(range(2 * step + 2))

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            _die_at(next(calls), step)
            result = function(*arguments)
            _die_at(next(calls), step)
            return result

        return call

    for name in STEPS:
        setattr(os, name, deadly(getattr(os, name)))


def _die_at(call: int, step: int) -> None:
    if call == step:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Tally:
    """The results of the kills.

    Attributes:
        asked: the number of kills to make.
        kills: the number of kills made, by kind.
        unreadable: checkpoints that could not be read.
        lost: checkpoints older than one that had been finished.
        runs: runs that finished.
        other_bits: finished runs with other bits than a run never stopped.
        failures: children that ended with an error.
        leftovers: kills that left a temporary file, so they came while a file was written.
    """

    asked: int
    kills: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    lost: int = 0
    runs: int = 0
    other_bits: int = 0
    failures: int = 0
    leftovers: int = 0

    @property
    def total(self) -> int:
        """All kills."""
        return self.kills.total()

    @property
    def holds(self) -> bool:
        """Whether nothing was lost."""
        bad = (self.unreadable, self.lost, self.other_bits, self.failures)
        return self.total == self.asked and self.runs > 0 and not any(bad)

    def __str__(self) -> str:
        return (
            f"{self.total:,} kills ({self.leftovers:,} within a writing): {self.unreadable} "
            f"unreadable, {self.lost} lost; {self.runs} runs ended, {self.other_bits} with other "
            f"bits, {self.failures} failed"
        )


def files(folder: Path) -> dict[str, Any]:
    """The results of a run, except for times."""
    run = RunFolder(folder)
    rows = [json.loads(line) for line in run.metrics.read_text().splitlines()]
    return {
        "parameters": run.parameters.read_bytes(),
        "metrics": [{**row, "seconds": 0} for row in rows],
        "facts": run.facts.read_text(),
        "arrays": {k: v.tobytes() for k, v in read_checkpoint(run.checkpoint).arrays.items()},
    }


class Killer:
    """Kills runs of one configuration.

    Args:
        config: of the run.
        folder: an empty folder to work in.
        moments: the random numbers that choose the moments.
        tally: to which the results are added.
    """

    def __init__(
        self, config: dict[str, Any], folder: Path, moments: random.Random, tally: Tally
    ) -> None:
        self.config = config
        self.moments = moments
        self.tally = tally
        self.folder = folder / "killed"
        train(config, run=folder / "whole")
        self.expected = files(folder / "whole")
        self._done = 0

    def kill(self, kind: str) -> None:
        """Start or resume the run, and kill it."""
        board = Board()
        step = self.moments.randrange(60) if kind == KINDS[2] else None
        child = Child(lambda: self._train(board, step))
        if kind == KINDS[0]:
            child.wait(self.moments.uniform(0, LATEST))
        elif kind == KINDS[1]:
            self._wait_for_writing(child)
        else:
            child.wait()
        child.kill()
        child.wait()
        self._judge(child, board, kind)

    def _train(self, board: Board, step: int | None) -> None:
        if step is not None:
            kill_within(step)
        train(self.config, run=self.folder, resume=True, callbacks=[Reporter(board)])

    def _wait_for_writing(self, child: Child) -> None:
        """Wait until a temporary file is in the folder, and a little longer."""
        skipped, end = self.moments.randrange(8), monotonic() + HANGS
        while child.poll() is None and monotonic() < end:
            there = os.listdir(self.folder) if self.folder.exists() else []
            if any(name.endswith(".part") for name in there):
                if not skipped:
                    break
                skipped -= 1
                sleep(0.002)
        sleep(self.moments.uniform(0, 0.001))

    def _judge(self, child: Child, board: Board, kind: str) -> None:
        if child.status == 0:
            self._end_run()
            return
        if child.status != -signal.SIGKILL:
            self.tally.failures += 1
            return
        self.tally.kills[kind] += 1
        run = RunFolder(self.folder)
        self.tally.leftovers += bool(run.leftovers()) if self.folder.exists() else 0
        self._done = max(self._done, board[DONE])
        if not run.checkpoint.exists():
            self.tally.lost += bool(self._done or board[BEGUN])
            return
        try:
            found = read_checkpoint(run.checkpoint)
        except ChainruleError:
            self.tally.unreadable += 1
            return
        self.tally.lost += found.position.steps < self._done

    def _end_run(self) -> None:
        self.tally.runs += 1
        self.tally.other_bits += files(self.folder) != self.expected
        shutil.rmtree(self.folder)
        self._done = 0


def kill_runs(kills: int, seed: int = 1) -> Tally:
    """Kill runs of several configurations, then let each finish.

    Args:
        kills: the number of kills, divided among the configurations and the kinds.
        seed: of the random moments.
    """
    tally, moments = Tally(kills), random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        killers = []
        for k, config in enumerate(CONFIGURATIONS):
            (Path(place) / str(k)).mkdir()
            killers.append(Killer(config, Path(place) / str(k), moments, tally))
        for _ in range(MOST_TRIES * kills):
            if tally.total == kills or tally.unreadable or tally.failures:
                break
            killers[tally.total % len(killers)].kill(KINDS[tally.total // 3 % len(KINDS)])
        for killer in killers:
            child = Child(lambda killer=killer: killer._train(Board(), None))  # type: ignore[misc]
            child.wait()
            killer._judge(child, Board(), "")
    return tally


def main() -> int:
    """Kill as often as the command line says, and print the results."""
    tally = kill_runs(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
    print(tally)
    print(json.dumps(dict(tally.kills)))
    return int(not tally.holds)


if __name__ == "__main__":
    sys.exit(main())
