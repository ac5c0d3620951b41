"""The loop: epochs of minibatches, validation, history, and whoever wants to watch.

A `Trainer` owns no mathematics. It gives an engine one stretch of minibatches after the other
and tells its callbacks what happened. Between two stretches it can be asked to stop.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.engines import ENGINES, Engine, NotFiniteError, Stretch
from chainrule.engines.compiled.choice import engine_for
from chainrule.engines.threads import number_of_threads, on_threads, products_are_small
from chainrule.errors import ConfigError, DivergenceError, Problem, shown, unknown
from chainrule.interrupts import Leavable
from chainrule.network import Network
from chainrule.optimizers import Optimizer, optimizer
from chainrule.parameters import Array
from chainrule.randomness import stream
from chainrule.schedules import Schedule, schedule
from chainrule.scores import Score
from chainrule.sequences.losses import number_of_targets
from chainrule.tables import is_finite, is_whole

STRETCH_SECONDS = 0.05
"""A stretch grows until it takes about this long: often enough to stop, rarely enough to be
fast. Its length never changes the numbers."""

Row = dict[str, float | int | None]

_SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "epochs": (lambda v: is_whole(v) and v >= 0, "a whole number of at least 0"),
    "batch_size": (
        lambda v: v == "full" or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or full",
    ),
    "shuffle": (lambda v: isinstance(v, bool), "true or false"),
    "engine": (lambda v: isinstance(v, str), "the name of an engine"),
    "threads": (
        lambda v: v == "auto" or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or auto",
    ),
    "evaluate": (lambda v: v in ("running", "full"), "running or full"),
    "checkpoint_every": (
        lambda v: v is None or (is_whole(v) and v >= 1),
        "a whole number of at least 1, or None",
    ),
    "clip_gradient_norm": (
        lambda v: v is None or (is_finite(v) and v > 0),
        "a finite number above 0, or None",
    ),
}
"""What each setting may be that no table of words decides, for whoever sets it in Python."""

_ALWAYS = ("epoch", "train_loss", "validation_loss", "seconds")


@dataclass(frozen=True)
class Part:
    """Inputs and targets of one part of the data; possibly none."""

    x: Array
    t: Array

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Settings:
    """How to train: the ``training:`` part of a configuration.

    Attributes:
        epochs: passes over the training data, at least 0.
        batch_size: cases a minibatch, or ``full`` for all of them.
        seed: of the shuffle (and, elsewhere, of the first weights and the data).
        shuffle: draw a new order each epoch; otherwise that of the file.
        optimizer: a name, or ``type`` with options.
        schedule: how the learning rates change from epoch to epoch, likewise.
        engine: a name from the table of engines.
        threads: how many the products run on, or ``auto``: the sizes decide.
        evaluate: ``running`` for the training loss as the minibatches ran, ``full`` for a pass
            of its own over the training data after each epoch.
        checkpoint_every: minibatches between checkpoints; None for one an epoch.
        clip_gradient_norm: the most that the norm of the whole gradient, penalty included, is in
            a step, above 0: g ← g · min(1, c / ‖g‖). None leaves it as it is.
    """

    epochs: int = 30
    batch_size: int | str = 32
    seed: int = 0
    shuffle: bool = True
    optimizer: str | Mapping[str, Any] = "sgd"
    schedule: str | Mapping[str, Any] = "constant"
    engine: str = "auto"
    threads: int | str = "auto"
    evaluate: str = "running"
    checkpoint_every: int | None = None
    clip_gradient_norm: float | None = None

    def __post_init__(self) -> None:
        problems = [
            Problem(f"{name} is {what}, found {shown(getattr(self, name))}")
            for name, (suits, what) in _SETTINGS.items()
            if not suits(getattr(self, name))
        ]
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Settings:
        """The settings that a checked mapping describes.

        Raises:
            ConfigError: an unknown key.
        """
        known = [f.name for f in fields(cls)]
        for key in config:
            if key not in known:
                raise ConfigError(unknown("key of training", key, known))
        return cls(**config)

    def cases_a_minibatch(self, cases: int) -> int:
        """The batch size as a number, for a training set of ``cases`` cases."""
        return max(1, cases) if self.batch_size == "full" else int(self.batch_size)


class History(Mapping[str, list[Any]]):
    """What each epoch gave: columns by name, one entry an epoch.

    Attributes:
        minibatch_losses: the loss of every minibatch as it ran, of all epochs in order.

    Example:
        >>> history = History()
        >>> history.append({"epoch": 1, "train_loss": 0.5})
        >>> history["train_loss"]
        [0.5]
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._minibatches: list[Array] = []
        self._texts: list[str] = []

    def append(self, row: Row) -> None:
        """Add an epoch."""
        self.rows.append(row)

    def to_json(self) -> str:
        """The rows as a list; each is turned into text once, however often this is asked."""
        self._texts += [json.dumps(row) for row in self.rows[len(self._texts) :]]
        return f"[{', '.join(self._texts)}]"

    def add_minibatches(self, losses: Array) -> None:
        """Add the losses of a stretch of minibatches."""
        self._minibatches.append(losses)

    @property
    def minibatch_losses(self) -> Array:
        """The loss of every minibatch as it ran, shape (minibatches,)."""
        return np.concatenate([np.empty(0), *self._minibatches])

    def __getitem__(self, column: str) -> list[Any]:
        if not self.rows and column in _ALWAYS:
            return []
        if column not in self._columns():
            raise KeyError(unknown("column", column, self._columns()))
        return [row.get(column) for row in self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns())

    def __len__(self) -> int:
        return len(self._columns())

    def _columns(self) -> list[str]:
        return list(dict.fromkeys(key for row in self.rows for key in row))

    def __repr__(self) -> str:
        return f"History({len(self.rows)} epochs: {', '.join(self._columns())})"


@dataclass
class Progress:
    """What an epoch gave so far.

    Attributes:
        losses: room for the loss of each minibatch; the first ones are filled.
        correct: how many cases were classified rightly as they ran.
        seconds: that the engine took.
        order: of the cases, (cases,); None for that of the file, or before it is drawn.
    """

    losses: Array
    correct: int = 0
    seconds: float = 0.0
    order: Array | None = None

    @classmethod
    def at_start(cls, minibatches: int) -> Progress:
        """That of an epoch of so many minibatches before the first."""
        return cls(np.zeros(minibatches))

    def add(self, minibatch: int, result: Stretch, seconds: float) -> None:
        """Add a stretch, behind which ``minibatch`` minibatches have run."""
        self.losses[minibatch - len(result.losses) : minibatch] = result.losses
        self.correct += result.correct
        self.seconds += seconds

    @property
    def mean_loss(self) -> float:
        """Of all minibatches at once, so that it does not depend on how the epoch was cut."""
        return float(self.losses.sum()) / len(self.losses)


class Callback:
    """Whoever watches a training; override what is of interest.

    Attributes:
        every_minibatch: whether `on_minibatch` is wanted, which makes every stretch one long.
    """

    every_minibatch = False

    def on_start(self, trainer: Trainer) -> None:
        """Before the first epoch."""

    def on_minibatch(self, trainer: Trainer, x: Array, t: Array) -> None:
        """Before a minibatch runs, with its prepared inputs and targets."""

    def on_stretch(self, trainer: Trainer) -> None:
        """After a stretch of minibatches."""

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """After an epoch, with its row of the history."""

    def on_end(self, trainer: Trainer) -> None:
        """After the last epoch, or when training was stopped."""


class Trainer:
    """Trains one network on one training set.

    Args:
        network: changed in place.
        train: the training cases, at least one.
        validation: watched after each epoch; may be empty.
        settings: see `Settings`.
        classes: whether targets are classes (accuracy) or values (R²).
        callbacks: told what happens, in order.

    Attributes:
        epoch: the epoch in progress, from 1; 0 before the first.
        minibatch: how many minibatches of it have run.
        last_loss: of the minibatch that ran last.
        threads: how many the products run on.
        base_rate: the network's learning rate, before any schedule.
        progress: what the epoch in progress gave so far.
        history: what the finished epochs gave.
        stop: set it to end training after the stretch in progress.
        finished: whether every epoch has run.
        leavable: the evaluations, which a request to stop leaves.
        torn: whether training was broken off within a stretch, so that θ and the position are
            not those of one moment.

    Raises:
        ConfigError: an optimiser, schedule, engine or setting that is none.
    """

    def __init__(
        self,
        network: Network,
        train: Part,
        validation: Part,
        settings: Settings,
        *,
        classes: bool,
        callbacks: Sequence[Callback] = (),
    ) -> None:
        self.network = network
        self.train = self._prepared(train)
        self.validation = self._prepared(validation)
        self.settings = settings
        self.classes = classes
        self.callbacks = list(callbacks)
        self.optimizer: Optimizer = optimizer(settings.optimizer)
        rates = network.rates(self.optimizer.default_rate)
        layout = network.parameters.layout
        self.optimizer.bind(network.theta, network.gradients.vector, layout.runs(rates))
        self.schedule: Schedule = schedule(settings.schedule)
        self.base_rate = (
            self.optimizer.default_rate if network.learning_rate is None else network.learning_rate
        )
        self.engine: Engine = self._make_engine()
        batch_size = min(self.engine.batch_size, len(self.train))
        self.threads = number_of_threads(network, batch_size, settings.threads)
        self.engine.threads = self.threads
        alone = settings.threads == "auto" and products_are_small(network, batch_size)
        self._product_threads = 1 if alone else self.threads
        self.history = History()
        self.epoch = 0
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.minibatches)
        self.last_loss = float("nan")
        self.stop = False
        self.leavable = Leavable()
        self.torn = False
        self.finished = settings.epochs == 0
        self._stretch = 1

    @property
    def rate(self) -> float:
        """The network's learning rate in the epoch in progress."""
        return self.base_rate * self.optimizer.scale

    def _prepared(self, part: Part) -> Part:
        """As the network computes with it: of its type, and once for all epochs."""
        if not len(part):
            return part
        x, t = self.network.prepare_inputs(part.x), self.network.prepare_targets(part.t)
        self.network.require_inputs(x, t)
        return Part(x, t)

    def _make_engine(self) -> Engine:
        if self.settings.engine not in ENGINES:
            raise ConfigError(unknown("engine", self.settings.engine, ENGINES))
        cases = len(self.train)
        batch_size = self.settings.cases_a_minibatch(cases)
        name = self.settings.engine
        if name == "auto" and self.settings.clip_gradient_norm is not None:
            name = "numpy"  # compiled code does not clip
        elif name == "auto":
            name = engine_for(
                self.network,
                self.optimizer,
                cases=cases,
                batch_size=batch_size,
                epochs=self.settings.epochs,
            )
        return ENGINES[name](
            self.network,
            self.optimizer,
            self.train.x,
            self.train.t,
            batch_size=batch_size,
            classes=self.classes,
            clip_gradient_norm=self.settings.clip_gradient_norm,
        )

    def run(self) -> History:
        """Train until the last epoch, or until ``stop`` is set.

        Raises:
            DivergenceError: a loss or gradient is not finite; θ is as it was before that
                minibatch, and ``history`` holds the epochs before.
        """
        self._tell("on_start")
        try:
            with on_threads(self.threads, self._product_threads):
                self._prepare_engine()
                while not (self.stop or self.is_complete):
                    if not self.is_within_epoch:
                        self._begin_epoch()
                    self._run_epoch()
            self.finished = self.is_complete
        finally:
            self._end()
        return self.history

    def _prepare_engine(self) -> None:
        """Compile what the engine runs; who leaves that has no time for anything else either."""
        self.leavable.attempt(self.engine.prepare)
        if self.leavable.is_asked:
            self.leavable.close()

    def _end(self) -> None:
        """Tell every callback, also where one of them fails."""
        with ExitStack() as stack:
            for callback in reversed(self.callbacks):
                stack.callback(callback.on_end, self)

    def ask_to_stop(self) -> None:
        """End training after the stretch in progress, or at once where that changes no number.

        For a signal's handler: between two instructions of an evaluation it may raise.
        """
        self.stop = True
        self.leavable.leave()

    @property
    def is_complete(self) -> bool:
        """Whether the last of all epochs has run to its end."""
        return len(self.history.rows) >= self.settings.epochs

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch has begun that is not in the history yet."""
        return self.epoch > len(self.history.rows)

    def _begin_epoch(self) -> None:
        self.epoch += 1
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.minibatches)
        self.set_scale()

    def set_scale(self) -> None:
        """Give the optimiser the schedule's factor of the epoch in progress."""
        self.optimizer.scale = self.schedule.factor(self.epoch, self.settings.epochs)

    def order(self, epoch: int) -> Array | None:
        """The order of the cases in an epoch, which depends on the seed and the epoch alone."""
        if not self.settings.shuffle:
            return None
        return stream(self.settings.seed, "shuffle", str(epoch)).permutation(len(self.train))

    def _tell(self, event: str, *details: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *details)

    def _run_epoch(self) -> None:
        """Run what is left of an epoch, and end it unless training is to stop before."""
        progress = self.progress
        if progress.order is None:
            progress.order = self.order(self.epoch)
        while self.minibatch < self.engine.minibatches:
            self.torn = True
            result, elapsed = self._run_stretch(progress.order)
            progress.add(self.minibatch, result, elapsed)
            self.torn = False
            self._tell("on_stretch")
            if self.stop and self.minibatch < self.engine.minibatches:
                return
        self._end_epoch()

    def _run_stretch(self, order: Array | None) -> tuple[Stretch, float]:
        """Run the next minibatches; their result, and the seconds the engine took."""
        last = min(self.minibatch + self._stretch_length(), self.engine.minibatches)
        if self._stretch_length() == 1:
            self._show_minibatch(order)
        start = perf_counter()
        try:
            result = self.engine.run(order, self.minibatch, last)
        except NotFiniteError as error:
            raise self._diverged(error) from error
        elapsed = perf_counter() - start
        if elapsed < STRETCH_SECONDS / 2:
            self._stretch = min(self._stretch * 2, self.engine.minibatches)
        elif elapsed > STRETCH_SECONDS * 2:
            self._stretch = max(1, self._stretch // 2)
        self.minibatch = last
        self.last_loss = float(result.losses[-1])
        self.history.add_minibatches(result.losses)
        return result, elapsed

    def _stretch_length(self) -> int:
        """How many minibatches to run at once."""
        if any(callback.every_minibatch for callback in self.callbacks):
            return 1
        every = self.settings.checkpoint_every
        return min(self._stretch, every - self.minibatches_run % every) if every else self._stretch

    @property
    def minibatches_run(self) -> int:
        """How many minibatches have run in all epochs."""
        return max(0, self.epoch - 1) * self.engine.minibatches + self.minibatch

    def _show_minibatch(self, order: Array | None) -> None:
        watching = [callback for callback in self.callbacks if callback.every_minibatch]
        if not watching:
            return
        cases = self.engine.cases_of(self.minibatch)
        chosen = cases if order is None else order[cases]
        for callback in watching:
            callback.on_minibatch(self, self.engine.x[chosen], self.engine.t[chosen])

    def _diverged(self, error: NotFiniteError) -> DivergenceError:
        return DivergenceError(
            f"training stopped: the {error.what} is no longer a finite number in epoch "
            f"{self.epoch}, minibatch {error.minibatch + 1}, first seen in layer {error.layer}. "
            "A smaller learning_rate usually helps, and inputs of mean 0 and deviation 1"
            + ("" if len(self.network.input_shape) == 2 else " (data: standardize: true)")
        )

    def _end_epoch(self) -> None:
        """Add the epoch to the history, unless its evaluation is left."""
        row = self.leavable.attempt(self._row)
        if row is not None:
            self.history.append(row)
            self._tell("on_epoch", row)

    def _row(self) -> Row:
        """The epoch's row of the history; to compute it changes nothing."""
        progress, row = self.progress, Row(epoch=self.epoch, train_loss=self.progress.mean_loss)
        if self.settings.evaluate == "full":
            row |= _columns("train", self.evaluate(self.train))
        elif self.classes:
            row["train_accuracy"] = progress.correct / max(1, number_of_targets(self.train.t))
        row |= _columns("validation", self.evaluate(self.validation))
        row["seconds"] = progress.seconds
        return row

    def evaluate(self, cases: Part) -> Score | None:
        """The score of the network as it is now; None where there are no cases."""
        return self.engine.evaluate(cases.x, cases.t)


def _columns(part: str, score: Score | None) -> Row:
    """The columns of the history that a score fills."""
    if score is None:
        return {}
    columns: Row = {f"{part}_loss": score.loss}
    if score.accuracy is not None:
        columns[f"{part}_accuracy"] = score.accuracy
    if score.r2 is not None:
        columns[f"{part}_r2"] = score.r2
    return columns
