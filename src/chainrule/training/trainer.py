"""The loop: epochs of minibatches, validation, history, and whoever wants to watch.

A `Trainer` owns no mathematics. It gives an engine one chunk of minibatches after the other
and tells its callbacks what happened. Between two chunks it can be asked to stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, DivergenceError, unknown
from chainrule.core.interrupts import Interruptible
from chainrule.core.randomness import stream
from chainrule.core.sequences import number_of_targets
from chainrule.nn.network import Network
from chainrule.training.engines import ENGINES, Chunk, Engine, NotFiniteError
from chainrule.training.engines.compiled.support import engine_for
from chainrule.training.engines.threads import number_of_threads, on_threads, products_are_small
from chainrule.training.history import History, Progress, Row, score_columns
from chainrule.training.optimizers import Optimizer, optimizer
from chainrule.training.schedules import Schedule, schedule
from chainrule.training.scores import Score
from chainrule.training.settings import Settings

CHUNK_SECONDS = 0.05
"""A chunk grows until it takes about this long: often enough to stop, rarely enough to be
fast. Its length never changes the numbers."""


@dataclass(frozen=True)
class Part:
    """Inputs and targets of one part of the data; possibly none."""

    x: Array
    t: Array

    def __len__(self) -> int:
        return len(self.x)


class Callback:
    """Whoever watches a training; override what is of interest.

    Attributes:
        every_minibatch: whether `on_minibatch` is wanted, which makes every chunk one long.
    """

    every_minibatch = False

    def on_start(self, trainer: Trainer) -> None:
        """Before the first epoch."""

    def on_minibatch(self, trainer: Trainer, x: Array, t: Array) -> None:
        """Before a minibatch runs, with its prepared inputs and targets."""

    def on_chunk(self, trainer: Trainer) -> None:
        """After a chunk of minibatches."""

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
        stop: set it to end training after the chunk in progress.
        finished: whether every epoch has run.
        interruptible: the evaluations, which a request to stop leaves.
        inconsistent: whether training was broken off within a chunk, so that θ and the position
            are not those of one moment.

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
        self.progress = Progress.at_start(self.engine.counts)
        self.last_loss = float("nan")
        self.stop = False
        self.interruptible = Interruptible()
        self.inconsistent = False
        self.finished = settings.epochs == 0
        self._chunk = 1

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
            seed=self.settings.seed,
        )

    def run(self) -> History:
        """Train until the last epoch, or until ``stop`` is set.

        Raises:
            DivergenceError: a loss or gradient is not finite; θ is as it was before that
                minibatch, and ``history`` holds the epochs before.
        """
        self._tell("on_start")
        try:
            own = self.network.context.claimed_gradients()
            with own, on_threads(self.threads, self._product_threads):
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
        self.interruptible.attempt(self.engine.prepare)
        if self.interruptible.is_requested:
            self.interruptible.close()

    def _end(self) -> None:
        """Tell every callback, also where one of them fails."""
        with ExitStack() as stack:
            for callback in reversed(self.callbacks):
                stack.callback(callback.on_end, self)

    def ask_to_stop(self) -> None:
        """End training after the chunk in progress, or at once where that changes no number.

        For a signal's handler: between two instructions of an evaluation it may raise.
        """
        self.stop = True
        self.interruptible.leave()

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

    def _tell(self, event: str, *details: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *details)

    def _run_epoch(self) -> None:
        """Run what is left of an epoch, and end it unless training is to stop before."""
        progress = self.progress
        if progress.order is None:
            progress.order = self.order(self.epoch)
        while self.minibatch < self.engine.minibatches:
            self.inconsistent = True
            result, elapsed = self._run_chunk(progress.order)
            progress.add(self.minibatch, result, elapsed)
            self.inconsistent = False
            self._tell("on_chunk")
            if self.stop and self.minibatch < self.engine.minibatches:
                return
        self._end_epoch()

    def _run_chunk(self, order: Array | None) -> tuple[Chunk, float]:
        """Run the next minibatches; their result, and the seconds the engine took."""
        last = min(self.minibatch + self._chunk_length(), self.engine.minibatches)
        if self._chunk_length() == 1:
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
        if any(callback.every_minibatch for callback in self.callbacks):
            return 1
        every = self.settings.checkpoint_every
        return min(self._chunk, every - self.minibatches_run % every) if every else self._chunk

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
        row = self.interruptible.attempt(self._row)
        if row is not None:
            self.history.append(row)
            self._tell("on_epoch", row)

    def _row(self) -> Row:
        """The epoch's row of the history; to compute it changes nothing."""
        progress, row = self.progress, Row(epoch=self.epoch, train_loss=self.progress.mean_loss)
        if self.settings.evaluate == "full":
            row |= score_columns("train", self.evaluate(self.train))
        elif self.classes:
            row["train_accuracy"] = progress.correct / max(1, number_of_targets(self.train.t))
        row |= score_columns("validation", self.evaluate(self.validation))
        row["seconds"] = progress.seconds
        return row

    def evaluate(self, cases: Part) -> Score | None:
        """The score of the network as it is now; None where there are no cases."""
        return self.engine.evaluate(cases.x, cases.t)
