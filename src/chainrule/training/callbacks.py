"""Callbacks: their base class, and the ones that this package provides.

The package's callbacks are in the table `CALLBACKS`, by the names that a configuration uses
(``callbacks: [{type: early_stopping, patience: 5}]``); the fields of a class are its options. Your
own callbacks are passed in Python.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from struct import pack
from time import monotonic, time
from typing import Any, ClassVar

import numpy as np

from chainrule.core.arguments import (
    is_finite,
    is_whole,
    require_above_0,
    require_count,
    require_flag,
)
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, shown
from chainrule.core.files import added_to, reported, require_own, write_whole
from chainrule.core.registry import Entry, from_table, missing_extra, name_in
from chainrule.training.frames import FRAME_ARRAYS, MOST_FRAME_BYTES, Frame, problem_of_frames
from chainrule.training.history import Row
from chainrule.training.monitor import MODE, MONITOR, Monitor

State = Mapping[str, Any]
"""What a checkpoint can hold: by name, arrays of numbers, and values that JSON can represent."""


class Callback(Entry):
    """Base of all callbacks; override the methods that you need.

    ``trainer`` is a `chainrule.training.Trainer`. Callbacks are called in order, those of the
    configuration first. If one raises in `on_chunk`, `on_epoch`, `on_pause` or `on_end`, the
    others are still called.

    Attributes:
        every_minibatch: whether to call `on_minibatch`; every chunk is then a single minibatch.
        writes_files: whether it writes into ``trainer.folder``, the run's folder; it asks for its
            names by ``trainer.claim``. Trials of a sweep that have no folder leave it out.
    """

    every_minibatch = False
    writes_files: ClassVar[bool] = False

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


class _KeepsBest(Callback):
    """Keeps the parameters of the best epoch, and restores them at the end of training."""

    monitor: str
    mode: str
    min_delta: float
    best: float | None
    best_epoch: int

    def __post_init__(self) -> None:
        self._monitor = Monitor(self.monitor, self.mode, self.min_delta)

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        self._monitor.require(trainer, name_in(CALLBACKS, self).replace("_", " "))
        self.best, self.best_epoch = None, 0
        self._theta = np.zeros_like(trainer.network.theta)

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Keep θ if the epoch was the best so far."""
        value = row.get(self.monitor)
        if value is not None and self._monitor.is_better(value, self.best):
            self.best, self.best_epoch = float(value), trainer.epoch
            self._theta[...] = trainer.network.theta

    def _about_best(self) -> str:
        if self.best is None:
            return f"{self.monitor} was never a finite number"
        return f"{self.monitor} was best in epoch {self.best_epoch}"

    def on_end(self, trainer: Any) -> None:
        """Restore the parameters of the best epoch, unless the training may go on."""
        theta = trainer.network.theta
        if self.best is not None and trainer.is_over and not np.array_equal(theta, self._theta):
            theta[...] = self._theta
            trainer.restored = f"{self._about_best()}, whose parameters were restored"

    def state(self) -> State:
        """The best value, its epoch and its θ."""
        return {"best": self.best, "best_epoch": self.best_epoch, "theta": self._theta.copy()}

    def load_state(self, state: State) -> None:
        """See `Callback.load_state`."""
        best, theta = state["best"], state["theta"]
        if best is not None and not is_finite(best):
            raise ValueError("its best value is no finite number")
        if not is_whole(state["best_epoch"], at_least=0):
            raise ValueError("its best_epoch is no count")
        if (theta.shape, theta.dtype) != (self._theta.shape, self._theta.dtype):
            raise ValueError("its θ is that of another network")
        if not np.isfinite(theta).all():
            raise ValueError("its θ is not finite")
        self.best, self.best_epoch = best, state["best_epoch"]
        self._theta[...] = theta


@dataclass(eq=False)
class BestWeights(_KeepsBest):
    """Gives the network the parameters of its best epoch when training ends.

    All epochs run; training is stopped by nothing here. If it was interrupted nothing is restored,
    since it may be resumed. Keras's ``ModelCheckpoint(save_best_only=True)`` writes a file for it;
    here every checkpoint of the run holds the best parameters.

    Attributes:
        monitor: a column of the history, such as ``validation_loss`` or ``train_accuracy``.
        min_delta: an epoch improves on the best value only by more than this, at least 0.
        mode: ``min`` if lower values are better, ``max`` if higher ones are; ``auto``: min for a
            loss or an error, max for an accuracy, F1 or R².
        best: the best value so far; None before the first finite one.
        best_epoch: the epoch with the best value.
    """

    monitor: str = field(default="validation_loss", metadata=MONITOR)
    min_delta: float = 0.0
    mode: str = field(default="auto", metadata=MODE)
    best: float | None = field(default=None, init=False, repr=False)
    best_epoch: int = field(default=0, init=False, repr=False)


@dataclass(eq=False)
class EarlyStopping(_KeepsBest):
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
        super().__post_init__()
        require_count("patience", self.patience, 1)
        require_flag("restore_best", self.restore_best)

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        super().prepare(trainer)
        self.wait = 0

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Stop if the patience has run out."""
        super().on_epoch(trainer, row)
        self.wait = 0 if self.best_epoch == trainer.epoch else self.wait + 1
        if self.wait >= self.patience:
            best = "" if self.best is not None and self.restore_best else f": {self._about_best()}"
            trainer.stop(f"early stopping after epoch {trainer.epoch}{best}")

    def on_end(self, trainer: Any) -> None:
        """See `BestWeights`."""
        if self.restore_best:
            super().on_end(trainer)

    def state(self) -> State:
        """The best value, its epoch and its θ, and the number of epochs since then."""
        return {**super().state(), "wait": self.wait}

    def load_state(self, state: State) -> None:
        """See `Callback.load_state`."""
        if not is_whole(state["wait"], at_least=0):
            raise ValueError("its wait is no count")
        super().load_state(state)
        self.wait = state["wait"]


@dataclass(eq=False)
class TimeLimit(Callback):
    """Ends training after so many seconds, at the end of the chunk of minibatches in progress.

    The seconds are those of a monotonic clock, evaluations and compilation included. A resumed
    training counts those that it has spent already, up to its last checkpoint. Training that is
    ended is finished, not interrupted. The network keeps the parameters that it has; list
    ``best_weights`` too for the best ones.

    Attributes:
        seconds: how long training may take, above 0.
        spent: the seconds that were spent before training began or was resumed.
    """

    seconds: float = 3600.0
    spent: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        require_above_0("seconds", self.seconds)
        self._since: float | None = None

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        self.spent, self._since = 0.0, None

    def on_start(self, trainer: Any) -> None:
        """Start the clock."""
        self._since = monotonic()
        self._look(trainer)

    def on_chunk(self, trainer: Any) -> None:
        """Stop if the time is over."""
        self._look(trainer)

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Stop if the time is over."""
        self._look(trainer)

    def _look(self, trainer: Any) -> None:
        """Stop training if the time is over, unless all minibatches have run anyway."""
        minibatches = trainer.settings.epochs * trainer.engine.minibatches
        if self._so_far() >= self.seconds and trainer.minibatches_run < minibatches:
            where = f"in epoch {trainer.epoch}" if trainer.epoch else "before the first epoch"
            trainer.stop(f"the time limit of {self.seconds:g} seconds was reached {where}")

    def _so_far(self) -> float:
        return self.spent + (0.0 if self._since is None else monotonic() - self._since)

    def on_end(self, trainer: Any) -> None:
        """Stop the clock."""
        self.spent, self._since = self._so_far(), None

    def state(self) -> State:
        """The seconds so far."""
        return {"spent": self._so_far()}

    def load_state(self, state: State) -> None:
        """See `Callback.load_state`."""
        if not (is_finite(state["spent"]) and state["spent"] >= 0):
            raise ValueError("its seconds are no time")
        self.spent = float(state["spent"])


@dataclass(eq=False)
class Frames(Callback):
    """Keeps the parameters at the start, after epochs, and at the end: a film of the training.

    It keeps those of every epoch at first; whenever more than ``count`` would remain, those of
    every 2nd, then of every 4th, 8th, ... epoch. Which ones these are depends on the number of
    epochs alone, not on the time. A run writes them into its folder, as ``frames.safetensors``;
    of a training without a folder they are in ``frames``.

    Attributes:
        count: how many frames remain at most, at least 2; fewer where so many would take more
            than `MOST_FRAME_BYTES`.
        every: the distance of the frames in epochs; the last one may follow earlier.
    """

    writes_files: ClassVar[bool] = True

    count: int = 60
    every: int = field(default=1, init=False, repr=False)

    def __post_init__(self) -> None:
        require_count("count", self.count, 2)

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`.

        Raises:
            ConfigError: not even two frames fit into `MOST_FRAME_BYTES`.
        """
        theta = trainer.network.theta
        fitting = MOST_FRAME_BYTES // max(1, theta.nbytes)
        if fitting < 2:
            at_most, found = (f"{n / 2**20:,.0f} MB" for n in (MOST_FRAME_BYTES, theta.nbytes))
            raise ConfigError(
                f"frames of a training take at most {at_most}, but the parameters of this network "
                f"alone {found}; leave the callback out"
            )
        self._most = min(self.count, fitting)
        self._like = np.zeros_like(theta)
        self._kept: list[Frame] = []
        self._last: Frame | None = None
        self.every = 1

    @property
    def frames(self) -> list[Frame]:
        """What was kept, in order; the last is that of the last epoch that was finished."""
        last = self._last
        is_apart = last is not None and last.epoch % self.every > 0
        return [*self._kept, last] if last is not None and is_apart else [*self._kept]

    def on_start(self, trainer: Any) -> None:
        """Keep the parameters with which training starts."""
        if not self._kept:
            self._kept = [Frame(0, trainer.network.theta.copy(), np.full(2, np.nan))]

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Keep those after the epoch, and let go of others if there are too many."""
        losses = (row.get(f"{part}_loss") for part in ("train", "validation"))
        numbers = np.array([np.nan if loss is None else loss for loss in losses])
        self._last = Frame(trainer.epoch, trainer.network.theta.copy(), numbers)
        if trainer.epoch % self.every == 0:
            self._kept.append(self._last)
        while len(self._kept) >= self._most:
            self.every *= 2
            self._kept = [frame for frame in self._kept if frame.epoch % self.every == 0]

    def arrays(self) -> dict[str, Array]:
        """The frames as arrays: ``epochs`` (frames,), ``theta`` and ``losses`` with a row each."""
        frames = self.frames
        return {
            "epochs": np.array([frame.epoch for frame in frames], np.int64),
            "theta": np.array([frame.theta for frame in frames], self._like.dtype).reshape(
                len(frames), self._like.size
            ),
            "losses": np.array([frame.losses for frame in frames], float).reshape(-1, 2),
        }

    def state(self) -> State:
        """The frames so far, and their distance."""
        return {"every": self.every, **self.arrays()}

    def load_state(self, state: State) -> None:
        """See `Callback.load_state`."""
        every, found = state["every"], {name: state[name] for name in FRAME_ARRAYS}
        if not is_whole(every, at_least=1):
            raise ValueError("its distance of frames is no count")
        problem = problem_of_frames(found, self._like.size, self._like.dtype)
        if problem is not None:
            raise ValueError(problem)
        frames = [Frame(int(n), *rest) for n, *rest in zip(*found.values(), strict=True)]
        kept = [frame for frame in frames if frame.epoch % every == 0]
        if len(kept) >= self._most or any(frame.epoch % every for frame in frames[:-1]):
            raise ValueError("its frames are at other distances than these")
        self.every, self._kept, self._last = every, kept, frames[-1] if frames else None


# Callbacks that write files into the run's folder.

_NAME = re.compile(r"[A-Za-z0-9_-]([A-Za-z0-9_.-]{0,98}[A-Za-z0-9_-])?")
"""No path, so that a configuration of somebody else writes nowhere but into its run's folder."""


def _require_name(key: str, name: Any) -> None:
    """Check the name of a file or folder that is to lie directly in the run's folder."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        expected = "a name in the run's folder, of at most 100 letters, digits, '-', '_' and '.'"
        raise ConfigError(f"{key} is {expected}, found {shown(name)}")


@dataclass(eq=False)
class CsvLog(Callback):
    """Writes the history as comma-separated text while training runs: a line for each epoch.

    The first line names the columns. Numbers have all their digits; a value that there is none of
    is an empty cell. A resumed training writes the epochs so far again, so that the file is that
    of a training never stopped, but for the seconds.

    Attributes:
        file: its name in the run's folder.
    """

    writes_files: ClassVar[bool] = True

    file: str = "log.csv"

    def __post_init__(self) -> None:
        _require_name("file", self.file)

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        trainer.claim(self.file, "file")

    def on_start(self, trainer: Any) -> None:
        """Write the epochs so far."""
        self._write_all(trainer)

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Add a line, or write all again if the columns are others than before."""
        if [*row] != self._columns:
            self._write_all(trainer)
            return
        with added_to(trainer.folder / self.file) as file:
            file.write(self._line(row).encode())

    def _write_all(self, trainer: Any) -> None:
        self._columns = [*trainer.history]
        lines = [",".join(self._columns) + "\n", *map(self._line, trainer.history.rows)]
        content = "".join(lines) if self._columns else ""
        write_whole(trainer.folder / self.file, content, own=True)

    def _line(self, row: Row) -> str:
        values = (row.get(column) for column in self._columns)
        return ",".join("" if v is None or v != v else repr(v) for v in values) + "\n"


@dataclass(eq=False)
class TensorBoard(Callback):
    """Writes every epoch's losses, scores and rates as events that TensorBoard shows.

    ``tensorboard --logdir runs`` then compares all runs below that folder. The step is the epoch;
    ``train_loss`` is ``loss/train``. A resumed training begins a new file of events, which says
    from which epoch on the older ones are no longer valid.

    Attributes:
        folder: the name of the folder for the events in the run's folder.

    Raises:
        MissingExtraError: by `prepare`: the library tensorboardX is not installed.
    """

    writes_files: ClassVar[bool] = True

    folder: str = "tensorboard"

    def __post_init__(self) -> None:
        _require_name("folder", self.folder)

    def prepare(self, trainer: Any) -> None:
        """See `Callback.prepare`."""
        if find_spec("tensorboardX") is None:
            raise missing_extra("the callback tensorboard", "tensorboard", "tensorboardX")
        trainer.claim(self.folder, "folder")

    def on_start(self, trainer: Any) -> None:
        """Begin a file of events."""
        path = trainer.folder / self.folder
        require_own(path)
        with reported(path):
            path.mkdir(exist_ok=True)
            older = sum("tfevents" in name for name in os.listdir(path))
        names = (f"events.out.tfevents.{number:06d}" for number in count(older + 1))
        self._file = next(path / name for name in names if not os.path.lexists(path / name))
        self._add(file_version="brain.Event:2")
        self._add(step=len(trainer.history.rows) + 1, session_log={"status": "START"})

    def on_epoch(self, trainer: Any, row: Row) -> None:
        """Add the values of the epoch."""
        values = [
            {"tag": _tag(column), "simple_value": value}
            for column, value in row.items()
            if value is not None and column not in ("epoch", "seconds")
        ]
        self._add(step=trainer.epoch, summary={"value": values})

    def _add(self, **event: Any) -> None:
        """Add an event: its length and its content, each followed by a checksum."""
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.record_writer import masked_crc32c

        content: bytes = Event(wall_time=time(), **event).SerializeToString()
        length = pack("<Q", len(content))
        parts = (length, pack("<I", masked_crc32c(length)), content)
        with added_to(self._file) as file:
            file.write(b"".join((*parts, pack("<I", masked_crc32c(content)))))


def _tag(column: str) -> str:
    """The name of a column in TensorBoard, which groups by what stands before the slash.

    Example:
        >>> _tag("validation_loss"), _tag("learning_rate")
        ('loss/validation', 'learning_rate')
    """
    part, _, measure = column.partition("_")
    return f"{measure}/{part}" if part in ("train", "validation") else column


CALLBACKS: Mapping[str, type[Callback]] = {
    "early_stopping": EarlyStopping,
    "best_weights": BestWeights,
    "time_limit": TimeLimit,
    "frames": Frames,
    "csv_log": CsvLog,
    "tensorboard": TensorBoard,
}
"""The callbacks that a configuration can name."""


def callback(value: str | Mapping[str, Any] | Callback) -> Callback:
    """A new callback of this package: by name, or by ``type`` with its options.

    An object stands for itself, so that it can be looked at after the training.

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
