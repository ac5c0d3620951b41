r"""Learning-rate schedules: a factor by which every learning rate is multiplied.

The learning rate of a minibatch is the configured rate times the factor of that minibatch. The
factor is the same for the network's rate and for the rates of single layers, so their ratios stay
constant. With e the epoch, counted from 1, and E the number of epochs:

================  ==================================================
name              factor
================  ==================================================
``constant``      1
``exponential``   decayᵉ⁻¹
``inverse``       1 / (1 + decay · (e − 1))
``step``          byᵏ, k = ⌊(e − 1) / every⌋
``cosine``        final + (1 − final) · ½ (1 + cos(π (e − 1) / E))
``one_cycle``     changes with every minibatch, see `OneCycle`
``plateau``       factorᵏ, k the number of plateaus so far, see `Plateau`
================  ==================================================

Any of them may begin with a warm-up (Goyal et al., *Accurate, large minibatch SGD*, 2017, 2.2):
over the first ``warm_up`` epochs, which need not be whole, the factor grows from one minibatch
to the next in equal steps. Minibatch n of the training, counted from 1, has min(1, n / (w M))
times the schedule's factor, with w the warm-up and M the minibatches of an epoch. The schedule
counts its epochs from the first one that the warm-up does not fill: it has e − ⌊w⌋ in place of e,
at least 1, and E − ⌊w⌋ in place of E.

The factors depend on e, E and M, and for ``plateau`` on the rows of the history. Training that
resumes from a checkpoint with the same E therefore uses the same rates as training without
interruption.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import cos, floor, pi
from typing import Any, NamedTuple

import numpy as np

from chainrule.core.arguments import (
    is_finite,
    require,
    require_at_least_0,
    require_count,
    require_flag,
    require_fraction,
    require_share,
)
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, unknown
from chainrule.core.registry import OMITTED_AS_DEFAULT, Entry, from_table
from chainrule.training.history import Row
from chainrule.training.monitor import MODE, MONITOR, Monitor


class Epoch(NamedTuple):
    """An epoch of a training.

    Attributes:
        number: e, counted from 1.
        of: E, the number of epochs of the whole training.
        minibatches: M, the number of minibatches in an epoch.
        rows: those of the history; only the rows of earlier epochs are read.
    """

    number: int
    of: int
    minibatches: int = 1
    rows: Sequence[Row] = ()


@dataclass(frozen=True)
class Schedule(Entry, ABC):
    """The factor on the learning rates, for each epoch or for each minibatch of it.

    Attributes:
        warm_up: the number of epochs over which the rates grow from 0, at least 0; it need not be
            whole.

    Example:
        >>> Cosine(warm_up=0.5).factors(Epoch(1, 10, minibatches=4))
        array([0.5, 1. , 1. , 1. ])
    """

    warm_up: float = field(default=0.0, kw_only=True, repr=False, metadata=OMITTED_AS_DEFAULT)

    def __post_init__(self) -> None:
        require_at_least_0("warm_up", self.warm_up)

    def factors(self, epoch: Epoch) -> float | Array:
        """The factor by which every learning rate is multiplied in an epoch.

        Returns:
            A number, if the factor is the same throughout the epoch; otherwise the factor of each
            minibatch, (minibatches,).
        """
        filled = floor(min(self.warm_up, epoch.number - 1))
        counted = Epoch(
            epoch.number - filled,
            max(1, epoch.of - floor(min(self.warm_up, epoch.of))),
            epoch.minibatches,
            epoch.rows[filled:],
        )
        found = self._after_warm_up(counted)
        if epoch.number - 1 >= self.warm_up:
            return found
        n = np.arange(1, epoch.minibatches + 1) + (epoch.number - 1) * epoch.minibatches
        return np.minimum(1.0, n / (self.warm_up * epoch.minibatches)) * found

    @abstractmethod
    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        """`factors` of an epoch that is counted from the end of the warm-up."""

    @property
    def is_constant(self) -> bool:
        """Whether the rates are the configured ones throughout."""
        return False

    def prepare(self, trainer: Any) -> None:  # most need nothing
        """Check that a `chainrule.training.Trainer` has what the schedule needs.

        Raises:
            ConfigError: it has not; the key is that of an option.
        """


@dataclass(frozen=True)
class Constant(Schedule):
    """Constant learning rates: the factor is 1 in every epoch."""

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        return 1.0

    @property
    def is_constant(self) -> bool:
        """Whether there is no warm-up."""
        return self.warm_up == 0


@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay, decayᵉ⁻¹: the rates are multiplied by ``decay`` after each epoch.

    Attributes:
        decay: the ratio of the rates of one epoch to those of the epoch before, from 0 to 1.

    Example:
        >>> [round(Exponential(0.5).factors(Epoch(e, 3)), 3) for e in (1, 2, 3)]
        [1.0, 0.5, 0.25]
    """

    decay: float = 0.95

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share("decay", self.decay)

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        return self.decay ** (epoch.number - 1)


@dataclass(frozen=True)
class Inverse(Schedule):
    """Inverse decay, 1 / (1 + decay · (e − 1)): in proportion to 1/e for large e and decay > 0.

    The rates then satisfy the conditions of Robbins and Monro, *A stochastic approximation
    method* (1951): their sum over all epochs is infinite, and the sum of their squares is finite.

    Attributes:
        decay: how much 1 / factor increases from one epoch to the next, at least 0.
    """

    decay: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_at_least_0("decay", self.decay)

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        return 1.0 / (1.0 + self.decay * (epoch.number - 1))


@dataclass(frozen=True)
class Step(Schedule):
    """Step decay, byᵏ: the rates are multiplied by ``by`` each time ``every`` epochs have passed.

    Attributes:
        every: the number of epochs between two changes, a whole number of at least 1.
        by: the factor of one change, from 0 to 1.

    Example:
        >>> [Step(every=2, by=0.1).factors(Epoch(e, 4)) for e in (1, 2, 3, 4)]
        [1.0, 1.0, 0.1, 0.1]
    """

    every: float = 10
    by: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        is_right = is_finite(self.every) and self.every >= 1 and self.every == int(self.every)
        require("every", is_right, "a whole number of epochs", self.every)
        require_share("by", self.by)

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        return float(self.by ** ((epoch.number - 1) // int(self.every)))


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine annealing: the factor falls from 1 towards ``final`` along half a period of a cosine.

    Source: Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*
    (2017); here without restarts.

    Attributes:
        final: the value of the formula at e = E + 1, one epoch after the last, from 0 to 1.
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share("final", self.final)

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        wave = cos(pi * (epoch.number - 1) / epoch.of)
        return self.final + (1 - self.final) * 0.5 * (1 + wave)


ANNEALING = ("cos", "linear")


@dataclass(frozen=True)
class OneCycle(Schedule):
    """One cycle: the rates rise to a peak and fall far below their start, minibatch by minibatch.

    The peak is the configured learning rate, PyTorch's ``max_lr``: there the factor is 1. Let
    minibatch n = 0, …, T − 1 of the training be counted from 0. The factor goes from
    1 / div_factor at n = 0 to 1 at n = pct_start · T − 1, and from there to
    1 / (div_factor · final_div_factor) at n = T − 1. In three phases it first goes back to
    1 / div_factor at n = 2 · pct_start · T − 2. Between a at n = u and b at n = v it is
    s a + (1 − s) b, with s = ½ (1 + cos(π p)) for ``cos`` and s = 1 − p for ``linear``, where
    p = (n − u) / (v − u). The momentum stays as it is (PyTorch's ``cycle_momentum=False``).

    Source: Smith, *A disciplined approach to neural network hyper-parameters: part 1* (2018),
    section 4; the options and formulas are those of `torch.optim.lr_scheduler.OneCycleLR`.

    Attributes:
        pct_start: the share of the minibatches over which the rates rise, from 0 to 1; with
            three_phase at most 0.5.
        div_factor: the peak divided by the first rate, at least 1.
        final_div_factor: the first rate divided by the last, at least 1.
        anneal_strategy: ``cos`` or ``linear``.
        three_phase: whether the rates fall back to the first before they fall to the last.

    Example:
        >>> OneCycle(pct_start=0.5, div_factor=4).factors(Epoch(1, 1, minibatches=6)).round(3)
        array([0.25 , 0.625, 1.   , 0.75 , 0.25 , 0.   ])
    """

    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal_strategy: str = field(
        default="cos", metadata={"kind": "way to anneal", "words": ANNEALING}
    )
    three_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_share("pct_start", self.pct_start)
        for name in ("div_factor", "final_div_factor"):
            value = getattr(self, name)
            require(name, is_finite(value) and value >= 1, "finite and at least 1", value)
        if self.anneal_strategy not in ANNEALING:
            raise ConfigError(unknown("way to anneal", self.anneal_strategy, ANNEALING))
        require_flag("three_phase", self.three_phase)
        is_right = not self.three_phase or self.pct_start <= 0.5
        require("pct_start", is_right, "at most 0.5 with three_phase", self.pct_start)

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        n = np.arange(epoch.minibatches) + (epoch.number - 1) * epoch.minibatches
        found, left = np.empty(epoch.minibatches), np.ones(epoch.minibatches, bool)
        for (u, a), (v, b) in pairwise(self._turns(epoch.of * epoch.minibatches)):
            here = left & (n <= v)
            # A phase of no length has only its end.
            p = (n[here] - u) / (v - u) if v > u else np.ones(np.count_nonzero(here))
            share = 1 - p if self.anneal_strategy == "linear" else 0.5 * (1 + np.cos(pi * p))
            found[here] = share * a + (1 - share) * b
            left &= ~here
        return found

    def _turns(self, total: int) -> list[tuple[float, float]]:
        """The minibatch and the factor at which each phase begins and ends."""
        first = 1 / self.div_factor
        back = [(2 * self.pct_start * total - 2, first)] if self.three_phase else []
        last = (total - 1.0, first / self.final_div_factor)
        return [(0.0, first), (self.pct_start * total - 1, 1.0), *back, last]


@dataclass
class _Seen:
    """What the rows of the first ``epochs`` epochs have led to."""

    epochs: int = 0
    best: float | None = None
    wait: int = 0
    resting: int = 0
    factor: float = 1.0


@dataclass(frozen=True)
class Plateau(Schedule):
    """Reduction on a plateau: the rates are multiplied by ``factor`` where a column stands still.

    After ``patience`` epochs in a row that were not better than the best one, the factor f becomes
    max(factor · f, least) from the next epoch on, and the next ``cooldown`` epochs do not count as
    waiting. Everything follows from the rows of the history.

    Source: Keras's ``ReduceLROnPlateau``, from which ``patience`` is taken (PyTorch's is one
    less), and `torch.optim.lr_scheduler.ReduceLROnPlateau` with ``threshold_mode="abs"``, from
    which ``cooldown`` is taken (Keras counts the last of these epochs as waiting).

    Attributes:
        monitor: a column of the history, such as ``validation_loss`` or ``train_accuracy``.
        factor: by which the rates are multiplied, from 0 to below 1.
        patience: after how many epochs in a row without improvement, at least 1.
        min_delta: an epoch improves on the best value only by more than this, at least 0.
        cooldown: the number of epochs after a reduction that do not count, at least 0.
        least: the smallest factor, from 0 to 1.
        mode: ``min`` if lower values are better, ``max`` if higher ones are; ``auto``: min for a
            loss or an error, max for an accuracy, F1 or R².

    Example:
        >>> rows = [{"train_loss": loss} for loss in (0.9, 0.5, 0.5, 0.6, 0.4)]
        >>> often = Plateau(monitor="train_loss", factor=0.5, patience=2)
        >>> [often.factors(Epoch(e, 6, rows=rows)) for e in (1, 2, 3, 4, 5, 6)]
        [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
    """

    monitor: str = field(default="validation_loss", metadata=MONITOR)
    factor: float = 0.1
    patience: int = 10
    min_delta: float = 0.0
    cooldown: int = 0
    least: float = 0.0
    mode: str = field(default="auto", metadata=MODE)
    _seen: _Seen = field(default_factory=_Seen, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        Monitor(self.monitor, self.mode, self.min_delta)  # checks them
        require_fraction("factor", self.factor)
        require_count("patience", self.patience, 1)
        require_count("cooldown", self.cooldown, 0)
        require_share("least", self.least)

    @cached_property
    def _monitor(self) -> Monitor:
        return Monitor(self.monitor, self.mode, self.min_delta)

    def prepare(self, trainer: Any) -> None:
        """See `Schedule.prepare`."""
        self._monitor.require(trainer, "the schedule plateau")
        vars(self._seen).update(vars(_Seen()))

    def _after_warm_up(self, epoch: Epoch) -> float | Array:
        seen, before = self._seen, epoch.number - 1
        if seen.epochs > before:
            vars(seen).update(vars(_Seen()))
        for row in epoch.rows[seen.epochs : before]:
            self._see(row.get(self.monitor), seen)
        return seen.factor

    def _see(self, value: float | None, seen: _Seen) -> None:
        """Take note of the value of one more epoch."""
        seen.epochs += 1
        if self._monitor.is_better(value, seen.best):
            seen.best, seen.wait = value, 0
        else:
            seen.wait += 1
        if seen.resting > 0:
            seen.resting, seen.wait = seen.resting - 1, 0
        if seen.wait >= self.patience:
            seen.factor = max(seen.factor * self.factor, self.least)
            seen.resting, seen.wait = self.cooldown, 0


SCHEDULES: Mapping[str, type[Schedule]] = {
    "constant": Constant,
    "exponential": Exponential,
    "inverse": Inverse,
    "step": Step,
    "cosine": Cosine,
    "one_cycle": OneCycle,
    "plateau": Plateau,
}
"""The classes of schedules, by the name that a configuration uses."""


def schedule(value: str | Mapping[str, Any] | Schedule) -> Schedule:
    """The schedule with a given name, or with the ``type`` and the options of a mapping.

    An object stands for itself.

    Raises:
        ConfigError: the name or an option does not exist, or an option is out of its range.

    Example:
        >>> schedule({"type": "exponential", "decay": 0.9})
        Exponential(decay=0.9)
    """
    return from_table("schedule", SCHEDULES, value)
