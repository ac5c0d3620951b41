"""A run's folder: which files it holds, and how they are written.

======================  =============================================================
``config.yaml``         the configuration as run, with everything resolved
``metrics.jsonl``       a line an epoch: the columns of the history
``learning_curve.png``  and ``.svg``: loss and accuracy, with the test result
``parameters.safetensors``  θ by names
``checkpoint.safetensors``  the last checkpoint of the training
``run.json``            engine, scaling, class names and results
======================  =============================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any

from chainrule.checkpoint import save_checkpoint
from chainrule.errors import ChainruleError, Problem
from chainrule.files import reason, write_whole
from chainrule.training import Callback, Row, Trainer

CHECKPOINT_SECONDS = 1.0
"""Unless a number of minibatches is asked for, checkpoints are at least this far apart."""


@dataclass(frozen=True)
class RunFolder:
    """The places of a run's files."""

    path: Path

    @property
    def config(self) -> Path:
        """The configuration as run."""
        return self.path / "config.yaml"

    @property
    def metrics(self) -> Path:
        """A line of JSON an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def curve(self) -> Path:
        """The learning curve, without the ending of its two formats."""
        return self.path / "learning_curve"

    @property
    def parameters(self) -> Path:
        """θ by names."""
        return self.path / "parameters.safetensors"

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint."""
        return self.path / "checkpoint.safetensors"

    @property
    def facts(self) -> Path:
        """Engine, scaling, class names and results."""
        return self.path / "run.json"

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Write ``run.json``.

        Raises:
            ChainruleError: it cannot be written.
        """
        write_whole(self.facts, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def new_folder(name: str, wanted: Path | None) -> RunFolder:
    """Make the folder of a new run: ``wanted``, or ``runs/NAME-1``, ``-2``, and so on.

    Raises:
        ChainruleError: ``wanted`` holds something already, or a folder cannot be made.
    """
    try:
        if wanted is not None:
            wanted.mkdir(parents=True, exist_ok=True)
            if any(wanted.iterdir()):
                message = "this folder is not empty; a run needs a new or an empty one"
                raise ChainruleError(Problem(message, wanted))
            return RunFolder(wanted)
        Path("runs").mkdir(exist_ok=True)
        for number in count(1):
            path = Path("runs") / f"{name}-{number}"
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return RunFolder(path)
    except OSError as error:
        place = wanted or Path("runs")
        message = f"cannot make the run's folder: {reason(place, error)}"
        raise ChainruleError(Problem(message, place)) from error
    raise AssertionError("count never ends")


class Recorder(Callback):
    """Writes a run's files while it is trained.

    Args:
        folder: empty.
        config: the text of ``config.yaml``.
    """

    def __init__(self, folder: RunFolder, config: str) -> None:
        self.folder = folder
        self.config = config
        self._saved_at = monotonic()

    def on_start(self, trainer: Trainer) -> None:
        """Write the configuration, and an empty file of metrics."""
        write_whole(self.folder.config, self.config)
        write_whole(self.folder.metrics, "")

    def on_stretch(self, trainer: Trainer) -> None:
        """Write a checkpoint where a number of minibatches is asked for and has run."""
        every = trainer.settings.checkpoint_every
        if every and trainer.minibatches_run % every == 0:
            save_checkpoint(self.folder.checkpoint, trainer)

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """Add a line to the metrics, and write a checkpoint unless there was one just now."""
        with open(self.folder.metrics, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if not trainer.settings.checkpoint_every and self._is_due():
            save_checkpoint(self.folder.checkpoint, trainer)

    def _is_due(self) -> bool:
        if monotonic() - self._saved_at < CHECKPOINT_SECONDS:
            return False
        self._saved_at = monotonic()
        return True

    def on_end(self, trainer: Trainer) -> None:
        """Write the last checkpoint: the state in which training ended or was stopped."""
        save_checkpoint(self.folder.checkpoint, trainer)
