"""Callbacks: their base class, and the ones that this package provides.

The package's callbacks are in the table `CALLBACKS`, by the names that a configuration uses
(``callbacks: [{type: early_stopping, patience: 5}]``); the fields of a class are its options. Your
own callbacks are passed in Python.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, shown
from chainrule.core.registry import from_table, name_in
from chainrule.training.history import Row
from chainrule.training.monitor import MODE, MONITOR, Monitor

State = Mapping[str, Any]
"""What a checkpoint can hold: by name, arrays of numbers, and values that JSON can represent."""


class Callback:
    """Base of all callbacks; override the methods that you need.

    ``trainer`` is a `chainrule.training.Trainer`. Callbacks are called in order, those of the
    configuration first. If one raises in `on_chunk`, `on_epoch`, `on_pause` or `on_end`, the
    others are still called.

    Attributes:
        every_minibatch: whether to call `on_minibatch`; every chunk is then a single minibatch.
    """

    every_minibatch = False

    def prepare(self, trainer: Any) -> None:
        """Reset the callback for a new training, before any of it runs or is written.

        Raises:
            ConfigError: the callback cannot take part in this training.
        """

    def on_start(self, trainer: Any) -> None:
        """Called at the start of a training, or of the continuation of one."""

    def on_minibatch(self, trainer: Any, x: Array, t: Array) -> None:
        """Called before a minibatch runs, with its prepared inputs and targets."""

    def on_chunk(self, trainer: Any) -> None:
        """Called after a chunk of minibatches."""

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Called after an epoch, with its row of the history."""

    def on_pause(self, trainer: Any) -> None:
        """Called after `on_chunk` of every callback, and after `on_epoch` of every callback.

        θ, the position and the states of all callbacks are consistent here, so this is where
        checkpoints are written.
        """

    def on_end(self, trainer: Any) -> None:
        """Called after the last epoch, or when training was stopped, interrupted or has failed."""

    def state(self) -> State:
        """The callback's state for a checkpoint: arrays and plain values by name."""
        return {}

    def load_state(self, state: State) -> None:
        """Restore a state that `state` returned; called after `prepare`.

        Raises:
            KeyError, TypeError, ValueError: the state is that of another callback or training.
        """


@dataclass(eq=False)
class EarlyStopping(Callback):
    """Stops training when a loss or score has stopped improving.

    An epoch is an improvement if its value is below best − min_delta (or above best + min_delta
    for mode ``max``); a value that is not finite never is. Training stops after ``patience``
    epochs in a row without improvement. When training ends, also if it ran all its epochs or
    diverged, the parameters of the best epoch are restored. If it was interrupted they are not,
    since it may be resumed.

    Source: Prechelt, *Early stopping — but when?* (1998); the names of the options are Keras's.

    Attributes:
        monitor: a column of the history, such as ``validation_loss`` or ``train_accuracy``.
        patience: after how many epochs in a row without improvement training stops, at least 1.
        min_delta: an epoch improves on the best value only by more than this, at least 0.
        mode: ``min`` if lower values are better, ``max`` if higher ones are; ``auto``: min for a
            loss or an error, max for an accuracy, F1 or R².
        restore_best: whether the parameters of the best epoch are restored at the end.
        best: the best value so far; None before the first finite one.
        best_epoch: the epoch with the best value.
        wait: how many epochs have passed since the last improvement.
    """

    monitor: str = field(default="validation_loss", metadata=MONITOR)
    patience: int = 5
    min_delta: float = 0.0
    mode: str = field(default="auto", metadata=MODE)
    restore_best: bool = True
    best: float | None = field(default=None, init=False, repr=False)
    best_epoch: int = field(default=0, init=False, repr=False)
    wait: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self._monitor = Monitor(self.monitor, self.mode, self.min_delta)
        if not is_whole(self.patience, at_least=1):
            found = shown(self.patience)
            raise ConfigError(f"patience is a whole number of at least 1, found {found}")
        if not isinstance(self.restore_best, bool):
            raise ConfigError(f"restore_best is true or false, found {shown(self.restore_best)}")

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        self._monitor.require(trainer, name_in(CALLBACKS, self).replace("_", " "))
        self.best, self.best_epoch, self.wait = None, 0, 0
        self._theta = np.zeros_like(trainer.network.theta)

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """See `Callback.on_epoch`."""
        value = row.get(self.monitor)
        if value is not None and self._monitor.is_better(value, self.best):
            self.best, self.best_epoch, self.wait = float(value), trainer.epoch, 0
            self._theta[...] = trainer.network.theta
            return
        self.wait += 1
        if self.wait >= self.patience:
            best = "" if self.best is not None and self.restore_best else f": {self._about_best()}"
            trainer.stop(f"early stopping after epoch {trainer.epoch}{best}")

    def _about_best(self) -> str:
        if self.best is None:
            return f"{self.monitor} was never a finite number"
        return f"{self.monitor} was best in epoch {self.best_epoch}"

    def on_end(self, trainer: Any) -> None:
        """Restore the parameters of the best epoch, unless the training may go on."""
        is_last = trainer.epoch == self.best_epoch and not trainer.is_within_epoch
        if self.restore_best and self.best is not None and not is_last and trainer.is_over:
            trainer.network.theta[...] = self._theta
            trainer.restored = f"{self._about_best()}, whose parameters were restored"

    def state(self) -> State:
        """The best value, its epoch and its θ, and the number of epochs since then."""
        counts = {"best_epoch": self.best_epoch, "wait": self.wait}
        return {"best": self.best, **counts, "theta": self._theta.copy()}

    def load_state(self, state: State) -> None:
        """See `Callback.load_state`."""
        best, theta = state["best"], state["theta"]
        if best is not None and not is_finite(best):
            raise ValueError("its best value is no finite number")
        for name in ("best_epoch", "wait"):
            if not is_whole(state[name]) or state[name] < 0:
                raise ValueError(f"its {name} is no count")
        if (theta.shape, theta.dtype) != (self._theta.shape, self._theta.dtype):
            raise ValueError("its θ is that of another network")
        if not np.isfinite(theta).all():
            raise ValueError("its θ is not finite")
        self.best, self.best_epoch, self.wait = best, state["best_epoch"], state["wait"]
        self._theta[...] = theta


CALLBACKS: Mapping[str, type[Callback]] = {"early_stopping": EarlyStopping}
"""The callbacks that a configuration can name."""


def callback(value: str | Mapping[str, Any]) -> Callback:
    """A new callback of this package: by name, or by ``type`` with its options.

    Raises:
        ConfigError: the name or an option is unknown, or an option is out of its range.

    Example:
        >>> callback({"type": "early_stopping", "patience": 3}).patience
        3
    """
    return from_table("callback", CALLBACKS, value, numbers=False)


def with_state(callbacks: Iterable[Callback]) -> dict[str, Callback]:
    """The callbacks that have a state, by the names that a checkpoint gives them.

    Example:
        >>> list(with_state([Callback(), EarlyStopping(), EarlyStopping()]))
        ['early_stopping_1', 'early_stopping_2']
    """
    found, seen = {}, Counter[str]()
    for one in callbacks:
        if type(one).state is not Callback.state:
            name = name_in(CALLBACKS, one)
            seen[name] += 1
            found[f"{name}_{seen[name]}"] = one
    return found
