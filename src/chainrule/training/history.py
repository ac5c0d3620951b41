"""What training gave: the epoch in progress, and the finished ones in columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.engines import Stretch
from chainrule.errors import unknown
from chainrule.parameters import Array
from chainrule.scores import Score

Row = dict[str, float | int | None]
"""What an epoch gave, by column."""

_ALWAYS = ("epoch", "train_loss", "validation_loss", "seconds")


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


def mean_over_cases(losses: Array, counts: Array) -> Array:
    """Σ n_k L_k / Σ n_k, the mean over the cases of an epoch of what they lost as they ran.

    L_k is a mean over the n_k cases of a minibatch, to which a penalty is added: so the penalty
    counts as often, as it was at each step.

    Args:
        losses: of each minibatch, (..., minibatches).
        counts: its cases, (minibatches,).

    Example:
        >>> mean_over_cases(np.array([0.0, 100.0]), np.array([10, 1])).round(2)
        np.float64(9.09)
    """
    return np.average(losses, axis=-1, weights=counts / counts.max())  # of equal ones no bit less


@dataclass
class Progress:
    """What an epoch gave so far.

    Attributes:
        losses: room for the loss of each minibatch; the first ones are filled.
        counts: the cases of each.
        correct: how many cases were classified rightly as they ran.
        seconds: that the engine took.
        order: of the cases, (cases,); None for that of the file, or before it is drawn.
    """

    losses: Array
    counts: Array
    correct: int = 0
    seconds: float = 0.0
    order: Array | None = None

    @classmethod
    def at_start(cls, counts: Array) -> Progress:
        """That of an epoch before its first minibatch; ``counts`` are the cases of each."""
        return cls(np.zeros(len(counts)), counts)

    def add(self, minibatch: int, result: Stretch, seconds: float) -> None:
        """Add a stretch, behind which ``minibatch`` minibatches have run."""
        self.losses[minibatch - len(result.losses) : minibatch] = result.losses
        self.correct += result.correct
        self.seconds += seconds

    @property
    def mean_loss(self) -> float:
        """Over all cases at once, so that it does not depend on how the epoch was cut."""
        return float(mean_over_cases(self.losses, self.counts))


def score_columns(part: str, score: Score | None) -> Row:
    """The columns of the history that a score fills.

    Args:
        part: of the data, the first word of each column.
        score: of its cases; None where there are none.
    """
    if score is None:
        return {}
    columns: Row = {f"{part}_loss": score.loss}
    if score.accuracy is not None:
        columns[f"{part}_accuracy"] = score.accuracy
    if score.r2 is not None:
        columns[f"{part}_r2"] = score.r2
    return columns
