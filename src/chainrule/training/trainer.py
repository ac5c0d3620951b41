"""The training loop: epochs of minibatches, validation, history and callbacks.

A `Trainer` contains no mathematics. It passes minibatches to an engine, one chunk after the
other, and calls the callbacks. Training can be stopped or interrupted between two chunks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, cases_that_count
from chainrule.core.errors import (
    ConfigError,
    DataError,
    DivergenceError,
    MissingExtraError,
    Problem,
    printable,
    shown,
    unknown,
)
from chainrule.core.interrupts import Interruptible
from chainrule.core.randomness import stream
from chainrule.core.sequences import target_rows
from chainrule.data.dataset import Dataset
from chainrule.data.standardization import is_standardized
from chainrule.data.target_scaling import is_far_from_1
from chainrule.nn.network import Network
from chainrule.training.callbacks import Callback, callback
from chainrule.training.class_weights import weights_by_class
from chainrule.training.engines import ENGINES, Chunk, Engine, NotFiniteError
from chainrule.training.engines.compiled.support import engine_for
from chainrule.training.engines.threads import number_of_threads, on_threads, products_are_small
from chainrule.training.health import Recording
from chainrule.training.history import (
    LEARNING_RATE,
    History,
    NotFinite,
    Progress,
    Row,
    score_columns,
)
from chainrule.training.optimizers import LBFGS, Optimizer, optimizer
from chainrule.training.schedules import Epoch, Schedule, schedule
from chainrule.training.scores import (
    CLASSES,
    VALUES,
    Score,
    TargetKind,
    evaluate,
    fraction_right,
    has_r2,
    measured,
)
from chainrule.training.settings import Settings

CHUNK_SECONDS = 0.05
"""The number of minibatches in a chunk is adapted so that it takes about this long: short enough
to stop soon, long enough to be fast. It does not affect the results."""

_WHERE = "true in the data of a configuration, True of an estimator"

LONGEST_REASON = 300
"""The reason why training was stopped is cut off after this many characters."""


@dataclass(frozen=True)
class Part:
    """Inputs, targets and weights of one part of the data, which may be empty."""

    x: Array
    t: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.x)


class Trainer:
    """Trains one network on one training set.

    Args:
        network: the network to train; its θ is changed in place.
        train: the training cases, at least one.
        validation: the cases to evaluate after each epoch; may be empty.
        settings: see `Settings`.
        classes: True if the targets are classes (accuracy), False if they are values (R²).
        kind: more on the targets, in place of ``classes``: labels, names, a scaling.
        callbacks: called in this order, after those that the settings name.
        files: the names of the files that the run itself writes into its folder; None if the run
            has no folder.

    Attributes:
        callbacks: those of the settings, followed by those passed as an argument.
        epoch: the epoch in progress, from 1; 0 before the first.
        minibatch: how many minibatches of this epoch have run.
        minibatch_weights: the weights of the cases of the minibatch that callbacks are shown, or
            None.
        last_loss: the loss of the minibatch that ran last; NaN before the first.
        threads: the number of threads for the engine and for large matrix products.
        train: the prepared training cases without those of weight 0; the other weights are
            divided by their mean, so that the learning rate keeps its meaning.
        metrics: the names of the metrics that the history has beside the scores.
        training_weights: the same weights, each times the weight of the case's class, if the
            settings have such; None where all are equal.
        base_rate: the network's learning rate, before any schedule.
        progress: the losses and counts of the epoch in progress.
        history: the losses and scores of the finished epochs.
        interrupted: set it to end `run` after the chunk in progress; training may go on later.
        stop_reason: why training was stopped before its last epoch, see `stop`; otherwise None.
        folder: the run's folder, from the start of training on; None if it has none.
        not_finite: where the number arose that ended training, if it diverged; otherwise None.
        restored: the message of a callback that restored θ of an earlier epoch; otherwise None.
        finished: whether all epochs have run, or `stop` was called.
        interruptible: runs the evaluations, so that a request to stop ends them at once.
        inconsistent: whether an exception ended training within a chunk, so that θ may be ahead
            of ``epoch`` and ``minibatch``.

    Raises:
        ConfigError: the optimiser, schedule, engine or callback is unknown, an option is out of
            its range, a callback cannot take part in this training, or metrics or class weights
            do not suit the targets.
        DataError: all training cases have the weight 0.
    """

    def __init__(
        self,
        network: Network,
        train: Part | Dataset,
        validation: Part | Dataset,
        settings: Settings,
        *,
        classes: bool = False,
        kind: TargetKind | None = None,
        callbacks: Sequence[Callback] = (),
        files: Collection[str] | None = None,
    ) -> None:
        self.network = network
        self.train = self._prepared(train)
        if not len(self.train):
            none = "all training cases have the weight 0" if len(train.x) else "no training cases"
            raise DataError(f"there is nothing to train on: {none}")
        self.validation = self._prepared(validation)
        self.settings = settings
        self.kind = kind or (CLASSES if classes else VALUES)
        self.metrics = self._checked_metrics()
        self.training_weights = self._training_weights()
        self.classes = self.kind.classes
        self.optimizer = self._bound_optimizer()
        self.base_rate = (
            self.optimizer.default_rate if network.learning_rate is None else network.learning_rate
        )
        self.engine: Engine = self._make_engine()
        batch_size = min(self.engine.batch_size, len(self.train))
        _require_cases_to_learn_from(network, batch_size)
        self.threads = number_of_threads(network, batch_size, settings.threads)
        self.engine.threads = self.threads
        is_small = settings.threads == "auto" and products_are_small(network, batch_size)
        self._product_threads = 1 if is_small else self.threads
        self.history = History()
        self.epoch = 0
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.counts)
        self.minibatch_weights: Array | None = None
        self.last_loss = float("nan")
        self.interrupted = False
        self.stop_reason: str | None = None
        self.restored: str | None = None
        self.interruptible = Interruptible()
        self.inconsistent = False
        self.finished = settings.epochs == 0
        self.folder: Path | None = None
        self._names = None if files is None else {name.casefold() for name in files}
        self._divergence: str | None = None
        self.not_finite: NotFinite | None = None
        self._chunk = 1
        self._scales: Array | None = None
        self._health = Recording(self)
        self.schedule: Schedule = self._make_schedule()
        if problems := [*self.optimizer.problems(self)]:
            raise ConfigError(problems)
        self.callbacks = [*self._stock_callbacks(), *callbacks]
        for one in callbacks:
            one.prepare(self)

    @property
    def rate(self) -> float:
        """The network's learning rate in the minibatch in progress, or else in the last one."""
        return self.base_rate * self.optimizer.scale

    def _prepared(self, part: Part | Dataset) -> Part:
        """The cases that count, in the network's floating-point type, converted once."""
        x, t, weights = cases_that_count(part.x, part.t, part.weights)
        if not len(x):
            return Part(x, t)
        x, t = self.network.prepare(x, t)
        return Part(x, t, self.network.prepare_weights(weights, len(x)))

    def _checked_metrics(self) -> list[str]:
        """The metrics of the settings that the scores of these targets do not have anyway.

        Raises:
            ConfigError: one does not suit the targets or the outputs.
        """
        named = self.settings.metrics or ()
        problems = [
            Problem(reason, key=f"metrics.{k}")
            for k, name in enumerate(named)
            if (reason := self.kind.reason_against(name, self.network)) is not None
        ]
        if problems:
            raise ConfigError(problems)
        return [name for name in named if name not in self.kind.measures]

    def _training_weights(self) -> Array | None:
        """The weights of the training cases, times those of their classes, of mean 1."""
        part, given = self.train, self.settings.class_weights
        weights = weights_by_class(given, self.kind, self.network, part.t, part.weights)
        if given is None or weights is None:
            return weights
        *_, shares = cases_that_count(part.x, part.t, weights)
        return self.network.prepare_weights(shares, len(part))

    def _counted(self) -> Array | None:
        """How much a correct case counts where that is not its weight in training, or None."""
        if self.settings.class_weights is None or self.training_weights is None:
            return None
        own = self.train.weights
        return np.ones(len(self.train)) if own is None else own

    def _bound_optimizer(self) -> Optimizer:
        """The optimiser of the settings, bound to θ and its gradient."""
        found, network = optimizer(self.settings.optimizer), self.network
        layout = network.parameters.layout
        biases = [segment.slice for segment in layout.trained if segment.is_bias]
        rates = layout.runs(network.rates(found.default_rate))
        found.bind(network.theta, network.gradients.vector, rates, biases)
        return found

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
        with _keyed("engine"):
            return ENGINES[name](
                self.network,
                self.optimizer,
                self.train.x,
                self.train.t,
                batch_size=batch_size,
                classes=self.classes,
                clip_gradient_norm=settings.clip_gradient_norm,
                seed=settings.seed,
                weights=self.training_weights,
                counted=self._counted(),
            )

    def _make_schedule(self) -> Schedule:
        """The schedule of the settings; an error names its option by its key."""
        with _keyed("schedule"):
            found = schedule(self.settings.schedule)
            found.prepare(self)
        return found

    def _stock_callbacks(self) -> list[Callback]:
        """The callbacks of the settings, prepared; an error names the callback by its key."""
        found = [callback(value) for value in self.settings.callbacks or ()]
        for k, one in enumerate(found):
            with _keyed(f"callbacks.{k}"):
                one.prepare(self)
        return found

    def claim(self, name: str, key: str) -> None:
        """Reserve the name of a file or folder in the run's folder for one callback.

        Args:
            name: the name; the callback writes to ``folder / name`` once training has begun.
            key: the callback's option that says it.

        Raises:
            ConfigError: the run has no folder, or something else of that name lies there.
        """
        if self._names is None:
            message = (
                f"{name} is to be written into the run's folder, but this training has none; "
                "name one (chainrule.train(config, run=...), network.fit(x, y, folder=...)), or "
                "leave the callback out"
            )
            raise ConfigError(Problem(message, key=key))
        if name.casefold() in self._names:
            message = f"there is another {name} in the run's folder; choose another name"
            raise ConfigError(Problem(message, key=key))
        self._names.add(name.casefold())

    @property
    def columns(self) -> list[str]:
        """The columns of the history that a callback can monitor: all but epoch and seconds."""
        train = self.columns_in_full
        if self.settings.evaluate == "running":
            train = train[: 2 if self.classes else 1]
        return train + self._columns("validation", self.validation)

    @property
    def columns_in_full(self) -> list[str]:
        """The columns of the training data that ``evaluate: full`` gives."""
        return self._columns("train", self.train)

    def _columns(self, part: str, cases: Part) -> list[str]:
        if not len(cases):
            return []
        measures = ["loss", *self.kind.measures]
        if "r2" in measures and not has_r2(cases.t):
            measures.remove("r2")
        measures += self._defined_metrics(cases)
        return [f"{part}_{measure}" for measure in measures]

    def _defined_metrics(self, cases: Part) -> list[str]:
        """Those of the metrics that are defined for these targets, whatever the outputs are."""
        rows = target_rows(cases.t)
        outputs = self.network.layers[-1].output_shape[-1]
        y = np.zeros((len(rows), outputs), self.network.dtype)
        labels = self.kind.multi_label
        return list(measured(self.metrics, y, cases.t, cases.weights, labels=labels))

    def run(self) -> History:
        """Train until all epochs have run, or until training is stopped or interrupted.

        Raises:
            DivergenceError: a loss or gradient is not finite. θ is as it was before that
                minibatch, unless a callback restored θ of an earlier epoch; ``history`` holds
                the epochs that were finished.
        """
        for one in self.callbacks:
            one.on_start(self)
        try:
            own = self.network.context.claimed_gradients()
            with own, on_threads(self.threads, self._product_threads):
                if not self.is_complete:
                    self._prepare_engine()
                while not (self.interrupted or self.is_complete):
                    if not self.is_within_epoch:
                        self._begin_epoch()
                    self._run_epoch()
            self.finished = self.is_complete
        finally:
            self.optimizer.close()
            self._call("on_end")
        return self.history

    def _prepare_engine(self) -> None:
        """Compile what the engine runs; an interruption here skips all evaluations as well."""
        self.interruptible.attempt(self.engine.prepare)
        if self.interruptible.is_requested:
            self.interruptible.close()

    def stop(self, reason: str) -> None:
        """End training for good after the chunk in progress; a later `run` does not continue it.

        Args:
            reason: the text for `stop_reason`, such as "early stopping after epoch 12"; only the
                first call sets it.

        Raises:
            ConfigError: the reason is not a string, or is blank.
        """
        if not isinstance(reason, str) or not reason.strip():
            raise ConfigError(f"stop needs the reason, a text; found {shown(reason)}")
        if self.stop_reason is None:
            self.stop_reason = " ".join(printable(reason).split())[:LONGEST_REASON]

    def ask_to_stop(self) -> None:
        """Interrupt training after the chunk in progress, or an evaluation at once.

        A signal handler calls it; during an evaluation it raises the exception that ends this.
        """
        self.interrupted = True
        self.interruptible.leave()

    @property
    def is_complete(self) -> bool:
        """Whether all epochs have run, or `stop` was called."""
        return self.stop_reason is not None or len(self.history.rows) >= self.settings.epochs

    @property
    def is_over(self) -> bool:
        """Whether training has ended for good: it is finished, or has diverged."""
        return self.finished or self._divergence is not None

    @property
    def ending(self) -> str | None:
        """How training ended; None if all epochs have run and no callback restored θ."""
        reason = self._divergence or self.stop_reason
        if self.restored is None:
            return reason
        return f"{reason or f'all {self.settings.epochs} epochs have run'}: {self.restored}"

    @property
    def is_within_epoch(self) -> bool:
        """Whether an epoch has begun and is not in the history yet."""
        return self.epoch > len(self.history.rows)

    def _begin_epoch(self) -> None:
        self.epoch += 1
        self.minibatch = 0
        self.progress = Progress.at_start(self.engine.counts)
        self.set_scale()

    def set_scale(self) -> None:
        """Take the schedule's factors for the epoch in progress."""
        found = self.schedule.factors(
            Epoch(self.epoch, self.settings.epochs, self.engine.minibatches, self.history.rows)
        )
        self._scales = found if isinstance(found, np.ndarray) else None
        self.optimizer.scale = float(
            found if self._scales is None else self._scales[max(0, self.minibatch - 1)]
        )

    def scales(self, first: int, last: int) -> Array | None:
        """The factors of minibatches of the epoch in progress; None where all are the same."""
        return None if self._scales is None else self._scales[first:last]

    def order(self, epoch: int) -> Array | None:
        """The order of the cases by seed and epoch, (cases,); None if they are not shuffled."""
        if not self.settings.shuffle:
            return None
        return stream(self.settings.seed, "shuffle", str(epoch)).permutation(len(self.train))

    def _call(self, event: str, *details: Any) -> None:
        """Call this method of every callback in order, even if one of them raises."""
        with ExitStack() as stack:
            for one in reversed(self.callbacks):
                stack.callback(getattr(one, event), self, *details)

    def _run_epoch(self) -> None:
        """Run the remaining minibatches of the epoch and end it; return early if told to stop."""
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
        """Run the next chunk; returns its result and the seconds that the engine took."""
        last = min(self.minibatch + self._chunk_length(), self.engine.minibatches)
        last = self._health.before(self, last)
        scales = self.scales(self.minibatch, last)
        if scales is not None:  # shown before the chunk, and afterwards that of its last minibatch
            self.optimizer.scale = float(scales[0])
        self._show_minibatch(order)
        start = perf_counter()
        given = () if scales is None else (scales,)
        try:
            with self.network.lock:
                result = self.engine.run(order, self.minibatch, last, *given)
        except NotFiniteError as error:
            raise self._diverged(error) from error
        elapsed = perf_counter() - start
        if scales is not None:
            self.optimizer.scale = float(scales[-1])
        if elapsed < CHUNK_SECONDS / 2:
            self._chunk = min(self._chunk * 2, self.engine.minibatches)
        elif elapsed > CHUNK_SECONDS * 2:
            self._chunk = max(1, self._chunk // 2)
        self.minibatch = last
        self.last_loss = float(result.losses[-1])
        self.history.add_minibatches(result.losses)
        if self._health.is_due:
            self._health.measure(self)
        return result, elapsed

    def _chunk_length(self) -> int:
        """The number of minibatches in the next chunk."""
        if any(one.every_minibatch for one in self.callbacks):
            return 1
        every = self.settings.checkpoint_every
        return min(self._chunk, every - self.minibatches_run % every) if every else self._chunk

    @property
    def minibatches_run(self) -> int:
        """How many minibatches have run since the first epoch began."""
        return max(0, self.epoch - 1) * self.engine.minibatches + self.minibatch

    def _show_minibatch(self, order: Array | None) -> None:
        for one in self.callbacks:
            if one.every_minibatch:
                cases = self.engine.cases_of(self.minibatch)
                chosen = cases if order is None else order[cases]
                self.minibatch_weights = self.engine.weights_of(order, self.minibatch)
                one.on_minibatch(self, self.engine.x[chosen], self.engine.t[chosen])

    def _diverged(self, error: NotFiniteError) -> DivergenceError:
        found = NotFinite(error.what, *error.origin, self.epoch, error.minibatch + 1)
        where = f"in epoch {found.epoch}, minibatch {found.minibatch}"
        self.not_finite = found
        self._divergence = f"the {error.what} was no longer a finite number {where}"
        return DivergenceError(
            f"training stopped: the {error.what} is no longer a finite number {where}; it arose "
            f"{error.origin}. {self._advice()}"
        )

    def _advice(self) -> str:
        """What may help against divergence."""
        also = self._scaling_advice()
        if not isinstance(self.optimizer, LBFGS):
            return "A smaller learning_rate usually helps" + "".join(f", and {e}" for e in also)
        return f"What may help: {', and '.join([*also, 'optimizer: adam, with a learning_rate'])}"

    def _scaling_advice(self) -> list[str]:
        """What may help besides a smaller learning rate, of what was not done already."""
        advice = []
        if self.network.reads_sequences:
            advice.append("inputs of mean 0 and deviation 1")
        elif not is_standardized(self.train.x):
            advice.append(f"inputs of mean 0 and deviation 1 (standardize: {_WHERE})")
        if not (self.kind.classes or self.kind.multi_label) and is_far_from_1(self.train.t):
            largest = float(np.abs(self.train.t).max())
            advice.append(
                f"targets of mean 0 and deviation 1 (scale_targets: {_WHERE}; they go up to "
                f"{largest:.3g} now)"
            )
        return advice

    def _end_epoch(self) -> None:
        """Add the epoch to the history, unless its evaluation is interrupted."""
        row = self.interruptible.attempt(self._row)
        if row is not None:
            self.history.append(row)
            if self.optimizer.ending is not None:
                self.stop(self.optimizer.ending)
            self._call("on_epoch", row)
            self._call("on_pause")

    def _row(self) -> Row:
        """The epoch's row of the history. This changes no state, so it can be interrupted."""
        progress, row = self.progress, Row(epoch=self.epoch, train_loss=self.progress.mean_loss)
        if self.settings.evaluate == "full":
            row |= score_columns("train", self.evaluate(self.train))
        elif self.classes:
            row["train_accuracy"] = fraction_right(
                progress.correct, self.train.t, self.train.weights
            )
        row |= score_columns("validation", self.evaluate(self.validation))
        if not self.schedule.is_constant:
            row[LEARNING_RATE] = self.rate
        row["seconds"] = progress.seconds
        return row

    def evaluate(self, cases: Part | Dataset) -> Score | None:
        """The score of the network as it is now; None if there are no cases."""
        x, t, weights = cases.x, cases.t, cases.weights
        if self.classes:
            return self.engine.evaluate(x, t, weights, self.metrics)
        kind, metrics = self.kind, self.metrics
        return evaluate(self.network, x, t, kind=kind, weights=weights, metrics=metrics)


@contextmanager
def _keyed(key: str) -> Iterator[None]:
    """A context in which errors get the key of a setting, before the keys that they have."""
    try:
        yield
    except (ConfigError, MissingExtraError) as error:
        problems = [replace(p, key=".".join(filter(None, (key, p.key)))) for p in error.problems]
        raise type(error)(problems) from None


def _require_cases_to_learn_from(network: Network, batch_size: int) -> None:
    """Refuse minibatches that are too small for a layer to learn anything."""
    for layer in network.layers:
        if batch_size < layer.least_cases:
            message = (
                f"{layer.name} takes mean and variance over the cases of a minibatch, and gives "
                f"the same whatever x is where that is a single case; choose a batch_size of at "
                f"least {layer.least_cases}, or layer_norm, which looks at each case by itself"
            )
            raise ConfigError(Problem(message, key="batch_size"))
