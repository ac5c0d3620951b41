"""The figures of a training: of the epoch in progress, and of the finished epochs in columns."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import unknown
from chainrule.training.engines import Chunk
from chainrule.training.scores import Score

Row = dict[str, float | int | None]
"""The figures of an epoch, by column."""

COLUMNS = tuple(
    f"{part}_{figure}" for part in ("train", "validation") for figure in ("loss", "accuracy", "r2")
)
"""The columns that a history may have beside ``epoch`` and ``seconds``."""

_ALWAYS = ("epoch", "train_loss", "validation_loss", "seconds")


class History(Mapping[str, list[Any]]):
    """The figures of the finished epochs: columns by name, one entry an epoch.

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
        self._arrays: dict[str, array[float]] = {}
        self._in_arrays = 0

    def append(self, row: Row) -> None:
        """Add an epoch."""
        self.rows.append(row)

    def to_arrays(self) -> dict[str, Array]:
        """The columns as arrays (epochs,) of float64, in order, NaN where a row lacks one.

        The number of an epoch is its place. Each row is read once, however often this is called,
        since every checkpoint calls it.
        """
        for k in range(self._in_arrays, len(self.rows)):
            row = {column: v for column, v in self.rows[k].items() if column != "epoch"}
            for column in row:
                if column not in self._arrays:
                    self._arrays[column] = array("d", [nan]) * k
            for column, values in self._arrays.items():
                value = row.get(column)
                values.append(nan if value is None else value)
        self._in_arrays = len(self.rows)
        return {column: np.array(values) for column, values in self._arrays.items()}

    @classmethod
    def from_arrays(cls, columns: Mapping[str, Array]) -> History:
        """The history whose `to_arrays` are these, which are of one length.

        Example:
            >>> History.from_arrays({"train_loss": np.array([0.5])}).rows
            [{'epoch': 1, 'train_loss': 0.5}]
        """
        history = cls()
        values = zip(*(column.tolist() for column in columns.values()), strict=True)
        history.rows = [
            {"epoch": k, **dict(zip(columns, row, strict=True))} for k, row in enumerate(values, 1)
        ]
        return history

    def add_minibatches(self, losses: Array) -> None:
        """Add the losses of a chunk of minibatches."""
        self._minibatches.append(losses)

    @property
    def minibatch_losses(self) -> Array:
        """The loss of every minibatch as it ran, shape (minibatches,)."""
        joined = np.concatenate([np.empty(0), *self._minibatches])
        self._minibatches = [joined]  # so that the next call joins only what is new
        return joined.copy()

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
    """Σ n_k L_k / Σ n_k, the mean loss over the cases of an epoch.

    L_k is the loss of minibatch k with its n_k cases as it ran, penalty included.

    Args:
        losses: L, (..., minibatches).
        counts: n, (minibatches,).

    Example:
        >>> mean_over_cases(np.array([0.0, 100.0]), np.array([10, 1])).round(2)
        np.float64(9.09)
    """
    return np.average(losses, axis=-1, weights=counts / counts.max())  # equal ones weigh 1


@dataclass
class Progress:
    """The figures of the epoch in progress.

    Attributes:
        losses: room for the loss of each minibatch; the first ones are filled.
        counts: the number of cases of each minibatch.
        correct: how many cases were classified correctly as they ran.
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
        """The progress of an epoch before its first minibatch."""
        return cls(np.zeros(len(counts)), counts)

    def add(self, minibatch: int, result: Chunk, seconds: float) -> None:
        """Add a chunk, after which ``minibatch`` minibatches have run."""
        self.losses[minibatch - len(result.losses) : minibatch] = result.losses
        self.correct += result.correct
        self.seconds += seconds

    @property
    def mean_loss(self) -> float:
        """Over all cases at once, so that the lengths of the chunks do not change it."""
        return float(mean_over_cases(self.losses, self.counts))


def score_columns(part: str, score: Score | None) -> Row:
    """The columns of the history that the score of a part of the data fills, if there is one."""
    if score is None:
        return {}
    figures = {"loss": score.loss, "accuracy": score.accuracy, "r2": score.r2}
    return {f"{part}_{name}": value for name, value in figures.items() if value is not None}
