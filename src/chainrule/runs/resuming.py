"""Resuming a run: what its folder holds, and whether configuration and data are the same.

A resumed run gives the results of one that never stopped, bit for bit, only if everything that
affects the results is the same. Three settings may differ: ``epochs`` may be larger, if this
leaves the learning rates of the epochs so far unchanged; ``checkpoint_every`` and ``health``
change no result and may have any value.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from chainrule.config.load import Config
from chainrule.core.errors import ChainruleError, ConfigError, DataError, Problem
from chainrule.data.settings import PATH_KEYS
from chainrule.runs.checkpoint import Checkpoint, read_checkpoint
from chainrule.runs.run_folder import RunFolder
from chainrule.training import Trainer
from chainrule.training.schedules import Epoch

FREE = (("training", "epochs"), ("training", "checkpoint_every"), ("training", "health"))
"""Settings that may differ; `_problem_of_epochs` checks the first."""

CHOSEN = ("engine", "threads")
"""Settings that may be ``auto`` in a configuration; a run's checkpoint has the chosen values."""

INITIAL_VALUES = "initial values"
"""What a checkpoint calls those that files gave, beside the parts of its data."""

Place = tuple[str | int, ...]


def find_checkpoint(folder: RunFolder) -> Checkpoint | None:
    """The checkpoint of a run; None if no run has begun in the folder.

    Raises:
        ChainruleError: the folder has files but no checkpoint, one of its files is a link, pipe
            or device, or the checkpoint cannot be read.
    """
    folder.require_own()
    if os.path.exists(folder.checkpoint):  # unlike Path.exists, it accepts a name of any length
        return read_checkpoint(folder.checkpoint)
    try:
        there = set(folder.path.iterdir()) if os.path.exists(folder.path) else set()
        begun = {folder.config, folder.metrics, *folder.leftovers()} if there else set()
    except OSError as error:
        raise ChainruleError(Problem(f"cannot read this: {error.strerror}", folder.path)) from None
    if there - begun:
        name = min(there - begun).name
        message = f"no run can go on here: there is {name}, but no {folder.checkpoint.name}"
        raise ChainruleError(Problem(message, folder.path))
    return None


def as_chosen(config: Config, checkpoint: Checkpoint) -> Config:
    """The configuration with the run's engine and threads in place of ``auto``."""
    of_run = checkpoint.configuration["training"]
    chosen = {key: of_run.get(key) for key in CHOSEN if config.training[key] == "auto"}
    return config.replace(training={k: v for k, v in chosen.items() if v is not None})


def go_on(
    trainer: Trainer, config: Config, checkpoint: Checkpoint, data: Mapping[str, str]
) -> None:
    """Set a trainer to the state of a checkpoint, if configuration and data are those of its run.

    Args:
        trainer: a trainer that has not begun.
        config: the configuration as run, with every choice written out.
        checkpoint: the checkpoint to continue from.
        data: the `chainrule.runs.checkpoint.data_checksums` of the data.

    Raises:
        ChainruleError: the checkpoint is that of another run; lists the differences.
    """
    problems = list(_differences(config, checkpoint))
    problems += _problem_of_epochs(trainer, config, checkpoint)
    if problems:
        raise ConfigError(problems)
    changed = [name for name in data if data[name] != checkpoint.data.get(name)]
    if changed:
        message = (
            f"the {' and the '.join(changed)} are not those that the run in "
            f"{checkpoint.path.parent} began with"
        )
        part = "network" if changed == [INITIAL_VALUES] else "data"
        raise DataError(config.problem((part,), message))
    checkpoint.restore(trainer)


def _differences(config: Config, checkpoint: Checkpoint) -> Iterator[Problem]:
    now, run = json.loads(json.dumps(config.parts)), checkpoint.path.parent
    for place, found, began in _different_settings(now, checkpoint.configuration):
        if place not in FREE and place[-1] not in PATH_KEYS:
            then = "without it" if began is None else f"with {_shown(began)}"
            message = (
                f"{'.'.join(map(str, place))} is {_shown(found)}, but the run in {run} was begun "
                f"{then}; a run goes on with the configuration it was begun with"
            )
            yield config.problem(place, message)


def _different_settings(
    now: Any, then: Any, place: Place = ()
) -> Iterator[tuple[Place, Any, Any]]:
    """The paths at which two trees of settings differ, each with both values."""
    if isinstance(now, list) and isinstance(then, list):
        now, then = dict(enumerate(now)), dict(enumerate(then))
    if isinstance(now, dict) and isinstance(then, dict):
        for key in dict.fromkeys([*now, *then]):
            yield from _different_settings(now.get(key), then.get(key), (*place, key))
    elif isinstance(now, bool) != isinstance(then, bool) or now != then:  # true is not 1
        yield place, now, then


def _shown(value: Any) -> str:
    return "left out" if value is None else json.dumps(value, ensure_ascii=False)


def _problem_of_epochs(
    trainer: Trainer, config: Config, checkpoint: Checkpoint
) -> Iterator[Problem]:
    """A problem if the number of epochs became smaller or changes the epochs that have run."""
    now, then = config.training["epochs"], checkpoint.configuration["training"].get("epochs")
    if now == then:
        return
    place, began = ("training", "epochs"), f"the run in {checkpoint.path.parent} was begun with"
    if not isinstance(then, int) or now < then:
        yield config.problem(place, f"epochs is {now}, but {began} {then}; only more can follow")
        return
    begun = range(1, min(checkpoint.position.epoch, then) + 1)
    of_an_epoch = trainer.engine.minibatches, checkpoint.history.rows

    def factors(epoch: int, epochs: int) -> Any:
        return trainer.schedule.factors(Epoch(epoch, epochs, *of_an_epoch))

    if not all(np.array_equal(factors(e, now), factors(e, then)) for e in begun):
        message = (
            f"epochs is {now}, but {began} {then}, and its schedule follows from that number; "
            f"write {then}"
        )
        yield config.problem(place, message)
