"""A column of the history that a callback or a schedule follows: when an epoch is better."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

from chainrule.core.arguments import require_at_least_0
from chainrule.core.errors import ConfigError, Problem, nearest, unknown
from chainrule.training.history import COLUMNS
from chainrule.training.metrics import METRICS
from chainrule.training.scores import is_better_low

MODES = ("auto", "min", "max")

MONITOR = {"kind": "column to monitor", "words": COLUMNS}
MODE = {"kind": "mode", "words": MODES}
"""The metadata of the options ``monitor`` and ``mode``: the words that a configuration may say."""


@dataclass(frozen=True)
class Monitor:
    """Compares the values of a column.

    A value is better if it is below best − min_delta (or above best + min_delta for mode ``max``);
    a value that is not finite never is.

    Attributes:
        column: a column of the history, such as ``validation_loss`` or ``train_accuracy``.
        mode: ``min`` if lower values are better, ``max`` if higher ones are; ``auto``: min for a
            loss or an error, max for an accuracy, F1 or R².
        min_delta: a value is better only by more than this, at least 0.

    Raises:
        ConfigError: a word is unknown, or min_delta is out of its range.
    """

    column: str
    mode: str = "auto"
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.column not in COLUMNS:
            raise ConfigError(unknown("column to monitor", self.column, COLUMNS))
        if self.mode not in MODES:
            raise ConfigError(unknown("mode", self.mode, MODES))
        require_at_least_0("min_delta", self.min_delta)

    def is_better(self, value: float | None, best: float | None) -> bool:
        """Whether a value is better than the best one so far; None stands for no value."""
        if value is None or best is None or not isfinite(value):
            return value is not None and isfinite(value)
        less = self.mode == "min" or (self.mode == "auto" and is_better_low(self.column))
        by = best - value if less else value - best
        return by > self.min_delta

    def require(self, trainer: Any, who: str) -> None:
        """Check that a training has the column.

        Args:
            trainer: the `chainrule.training.Trainer`.
            who: what follows the column, as the subject of the message.

        Raises:
            ConfigError: it has not; the key is ``monitor``.
        """
        if self.column in trainer.columns:
            return
        why = self._why_absent(trainer)
        is_metric = self.column.partition("_")[2] in METRICS
        guess = None if is_metric else nearest(self.column, trainer.columns)
        hint = f"; did you mean {guess!r}?" if guess else "."
        there = ", ".join(trainer.columns)
        message = f"{who} monitors {self.column}, but {why}{hint} Known: {there}"
        raise ConfigError(Problem(message, key="monitor"))

    def _why_absent(self, trainer: Any) -> str:
        """Why a training does not have the column."""
        part, _, measure = self.column.partition("_")
        if part == "validation" and not len(trainer.validation):
            return "there are no validation data"
        if self.column in trainer.columns_in_full:
            return "the training data have it only with evaluate: full"
        if measure in trainer.metrics:
            return f"{measure} says nothing of these {part} data, as where all are of one class"
        kind = trainer.kind
        if measure in METRICS and kind.reason_against(measure, trainer.network) is None:
            return f"the training is not told to measure it: metrics: [{measure}]"
        return "there is no such column here"
