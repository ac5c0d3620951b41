"""The training loop: epochs of minibatches, validation, history and callbacks.

A `Trainer` owns no mathematics. It gives an engine one chunk of minibatches after the other
and calls its callbacks. Between two chunks training can be stopped or interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from chainrule.core.arrays import Array
from chainrule.core.errors import (
    ConfigError,
    DivergenceError,
    MissingExtraError,
    printable,
    shown,
    unknown,
)
from chainrule.core.interrupts import Interruptible
from chainrule.core.randomness import stream
from chainrule.core.sequences import number_of_targets
from chainrule.data.dataset import Dataset
from chainrule.nn.network import Network
from chainrule.training.callbacks import Callback, callback
from chainrule.training.engines import ENGINES, Chunk, Engine, NotFiniteError
from chainrule.training.engines.compiled.support import engine_for
from chainrule.training.engines.threads import number_of_threads, on_threads, products_are_small
from chainrule.training.history import History, Progress, Row, score_columns
from chainrule.training.optimizers import Optimizer, optimizer
from chainrule.training.schedules import Schedule, schedule
from chainrule.training.scores import Score, has_r2
from chainrule.training.settings import Settings

CHUNK_SECONDS = 0.05
"""A chunk grows until it takes about this long: short enough to stop soon, long enough to be
fast. Its length never changes the numbers."""

LONGEST_REASON = 300
"""The reason why a training was stopped is stored up to this many letters."""


@dataclass(frozen=True)
class Part:
    """Inputs and targets of one part of the data; possibly none."""

    x: Array
    t: Array

    def __len__(self) -> int:
        return len(self.x)


class Trainer:
    """Trains one network on one training set.

    Args:
        network: changed in place.
        train: the training cases, at least one.
        validation: watched after each epoch; may be empty.
        settings: see `Settings`.
        classes: whether targets are classes (accuracy) or values (R²).
        callbacks: called in this order, after those that the settings name.

    Attributes:
        callbacks: all of them.
        epoch: the epoch in progress, from 1; 0 before the first.
        minibatch: how many minibatches of it have run.
        last_loss: of the minibatch that ran last.
        threads: how many the matrix products run on.
        base_rate: the network's learning rate, before any schedule.
        progress: the figures of the epoch in progress.
        history: the figures of the finished epochs.
        interrupted: set it to end `run` after the chunk in progress; training may go on later.
        stop_reason: why training was finished before its last epoch, see `stop`; else None.
        restored: the message of a callback that gave θ the values of an earlier epoch; else None.
        finished: whether every epoch has run, or training was stopped for a reason.
        interruptible: runs the evaluations, which a request to stop ends at once.
        inconsistent: whether training was broken off within a chunk, so that θ and the position
            are not those of one moment.

    Raises:
        ConfigError: there is no such optimiser, schedule, engine or callback, an option is out
            of its range, or a callback cannot take part in this training.
    """

    def __init__(
        self,
        network: Network,
        train: Part | Dataset,
        validation: Part | Dataset,
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
        is_small = settings.threads == "auto" and products_are_small(network, batch_size)
        self._product_threads = 1 if is_small else self.threads
        self.history = History()
        self.epoch = 0
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.counts)
        self.last_loss = float("nan")
        self.interrupted = False
        self.stop_reason: str | None = None
        self.restored: str | None = None
        self.interruptible = Interruptible()
        self.inconsistent = False
        self.finished = settings.epochs == 0
        self._divergence: str | None = None
        self._chunk = 1
        self.callbacks = [*self._stock_callbacks(), *callbacks]
        for one in callbacks:
            one.prepare(self)

    @property
    def rate(self) -> float:
        """The network's learning rate in the epoch in progress."""
        return self.base_rate * self.optimizer.scale

    def _prepared(self, part: Part | Dataset) -> Part:
        """The part in the network's type, converted once for all epochs."""
        if not len(part):
            return Part(part.x, part.t)
        return Part(*self.network.prepare(part.x, part.t))

    def _make_engine(self) -> Engine:
        settings, cases = self.settings, len(self.train)
        if settings.engine not in ENGINES:
            raise ConfigError(unknown("engine", settings.engine, ENGINES))
        batch_size = settings.cases_a_minibatch(cases)
        name = settings.engine
        if name == "auto" and settings.clip_gradient_norm is not None:
            name = "numpy"  # compiled code does not clip
        elif name == "auto":
            sizes = {"cases": cases, "batch_size": batch_size, "epochs": settings.epochs}
            name = engine_for(self.network, self.optimizer, **sizes)
        try:
            return ENGINES[name](
                self.network,
                self.optimizer,
                self.train.x,
                self.train.t,
                batch_size=batch_size,
                classes=self.classes,
                clip_gradient_norm=settings.clip_gradient_norm,
                seed=settings.seed,
            )
        except (ConfigError, MissingExtraError) as error:
            raise type(error)([replace(p, key="engine") for p in error.problems]) from None

    def _stock_callbacks(self) -> list[Callback]:
        """The callbacks of the settings, prepared; the key of a problem says which it is about."""
        found = [callback(value) for value in self.settings.callbacks or ()]
        for k, one in enumerate(found):
            try:
                one.prepare(self)
            except ConfigError as error:
                problems = [replace(p, key=f"callbacks.{k}.{p.key}") for p in error.problems]
                raise ConfigError(problems) from None
        return found

    @property
    def columns(self) -> list[str]:
        """The columns of the history that a callback may monitor: all but epoch and seconds."""
        train = self._columns("train", self.train)
        if self.settings.evaluate == "running" and not self.classes:
            train = train[:1]
        return train + self._columns("validation", self.validation)

    def _columns(self, part: str, cases: Part) -> list[str]:
        if not len(cases):
            return []
        quality = ["accuracy"] if self.classes else ["r2"] * has_r2(cases.t)
        return [f"{part}_{figure}" for figure in ("loss", *quality)]

    def run(self) -> History:
        """Train until the last epoch, or until training is stopped or interrupted.

        Raises:
            DivergenceError: a loss or gradient is not finite; θ is as it was before that
                minibatch, unless a callback restored that of an earlier epoch, and ``history``
                holds the epochs before.
        """
        for one in self.callbacks:
            one.on_start(self)
        try:
            own = self.network.context.claimed_gradients()
            with own, on_threads(self.threads, self._product_threads):
                self._prepare_engine()
                while not (self.interrupted or self.is_complete):
                    if not self.is_within_epoch:
                        self._begin_epoch()
                    self._run_epoch()
            self.finished = self.is_complete
        finally:
            self._call("on_end")
        return self.history

    def _prepare_engine(self) -> None:
        """Compile what the engine runs; who interrupts this skips the evaluations as well."""
        self.interruptible.attempt(self.engine.prepare)
        if self.interruptible.is_requested:
            self.interruptible.close()

    def stop(self, reason: str) -> None:
        """Finish training after the chunk in progress; a training that was stopped is complete.

        Args:
            reason: for the record, such as "early stopping after epoch 12"; the first one counts.

        Raises:
            ConfigError: the reason is no text.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise ConfigError(f"stop needs the reason, a text; found {shown(reason)}")
        if self.stop_reason is None:
            self.stop_reason = " ".join(printable(reason).split())[:LONGEST_REASON]

    def ask_to_stop(self) -> None:
        """Interrupt training after the chunk in progress, and an evaluation at once.

        It is for the handler of a signal; within an evaluation it raises what ends that.
        """
        self.interrupted = True
        self.interruptible.leave()

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing left to train."""
        return self.stop_reason is not None or len(self.history.rows) >= self.settings.epochs

    @property
    def is_over(self) -> bool:
        """Whether training has ended for good: it is finished, or has diverged."""
        return self.finished or self._divergence is not None

    @property
    def ending(self) -> str | None:
        """How training ended, if it is not just that the last epoch has run."""
        reason = self._divergence or self.stop_reason
        if self.restored is None:
            return reason
        return f"{reason or f'all {self.settings.epochs} epochs have run'}: {self.restored}"

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch has begun that is not in the history yet."""
        return self.epoch > len(self.history.rows)

    def _begin_epoch(self) -> None:
        self.epoch += 1
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.counts)
        self.set_scale()

    def set_scale(self) -> None:
        """Give the optimiser the schedule's factor of the epoch in progress."""
        self.optimizer.scale = self.schedule.factor(self.epoch, self.settings.epochs)

    def order(self, epoch: int) -> Array | None:
        """The order of the cases in an epoch, which depends on the seed and the epoch alone."""
        if not self.settings.shuffle:
            return None
        return stream(self.settings.seed, "shuffle", str(epoch)).permutation(len(self.train))

    def _call(self, event: str, *details: Any) -> None:
        """Call every callback in order, even if one of them fails."""
        with ExitStack() as stack:
            for one in reversed(self.callbacks):
                stack.callback(getattr(one, event), self, *details)

    def _run_epoch(self) -> None:
        """Run the rest of an epoch, and end it unless training is to stop before."""
        progress = self.progress
        if progress.order is None:
            progress.order = self.order(self.epoch)
        while self.minibatch < self.engine.minibatches:
            self.inconsistent = True
            result, elapsed = self._run_chunk(progress.order)
            progress.add(self.minibatch, result, elapsed)
            self.inconsistent = False
            self._call("on_chunk")
            self._call("on_pause")
            is_to_stop = self.interrupted or self.stop_reason is not None
            if is_to_stop and self.minibatch < self.engine.minibatches:
                return
        self._end_epoch()

    def _run_chunk(self, order: Array | None) -> tuple[Chunk, float]:
        """Run the next minibatches; their result, and the seconds the engine took."""
        last = min(self.minibatch + self._chunk_length(), self.engine.minibatches)
        self._show_minibatch(order)
        start = perf_counter()
        try:
            with self.network.lock:
                result = self.engine.run(order, self.minibatch, last)
        except NotFiniteError as error:
            raise self._diverged(error) from error
        elapsed = perf_counter() - start
        if elapsed < CHUNK_SECONDS / 2:
            self._chunk = min(self._chunk * 2, self.engine.minibatches)
        elif elapsed > CHUNK_SECONDS * 2:
            self._chunk = max(1, self._chunk // 2)
        self.minibatch = last
        self.last_loss = float(result.losses[-1])
        self.history.add_minibatches(result.losses)
        return result, elapsed

    def _chunk_length(self) -> int:
        """How many minibatches to run at once."""
        if any(one.every_minibatch for one in self.callbacks):
            return 1
        every = self.settings.checkpoint_every
        return min(self._chunk, every - self.minibatches_run % every) if every else self._chunk

    @property
    def minibatches_run(self) -> int:
        """How many minibatches have run in all epochs."""
        return max(0, self.epoch - 1) * self.engine.minibatches + self.minibatch

    def _show_minibatch(self, order: Array | None) -> None:
        for one in self.callbacks:
            if one.every_minibatch:
                cases = self.engine.cases_of(self.minibatch)
                chosen = cases if order is None else order[cases]
                one.on_minibatch(self, self.engine.x[chosen], self.engine.t[chosen])

    def _diverged(self, error: NotFiniteError) -> DivergenceError:
        where = f"in epoch {self.epoch}, minibatch {error.minibatch + 1}"
        self._divergence = f"the {error.what} was no longer a finite number {where}"
        return DivergenceError(
            f"training stopped: the {error.what} is no longer a finite number {where}, first seen "
            f"in layer {error.layer}. A smaller learning_rate usually helps, and inputs of mean 0 "
            "and deviation 1"
            + ("" if self.network.reads_sequences else " (data: standardize: true)")
        )

    def _end_epoch(self) -> None:
        """Add the epoch to the history, unless its evaluation is interrupted."""
        row = self.interruptible.attempt(self._row)
        if row is not None:
            self.history.append(row)
            self._call("on_epoch", row)
            self._call("on_pause")

    def _row(self) -> Row:
        """The epoch's row of the history; nothing else is changed, so it may be interrupted."""
        progress, row = self.progress, Row(epoch=self.epoch, train_loss=self.progress.mean_loss)
        if self.settings.evaluate == "full":
            row |= score_columns("train", self.evaluate(self.train))
        elif self.classes:
            row["train_accuracy"] = progress.correct / max(1, number_of_targets(self.train.t))
        row |= score_columns("validation", self.evaluate(self.validation))
        row["seconds"] = progress.seconds
        return row

    def evaluate(self, cases: Part | Dataset) -> Score | None:
        """The score of the network as it is now; None where there are no cases."""
        return self.engine.evaluate(cases.x, cases.t)
