"""The losses and scores of a training: of finished epochs, and of the epoch in progress."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, Literal

import numpy as np

from chainrule.core import html
from chainrule.core.arrays import Array
from chainrule.core.errors import unknown
from chainrule.core.notation import counted, in_a_line
from chainrule.training.engines import Chunk, Origin
from chainrule.training.engines.base import Place
from chainrule.training.metrics import measure_text
from chainrule.training.scores import MEASURES, Score

Row = dict[str, float | int | None]
"""The number, losses, scores and seconds of one epoch, by the name of the column."""

Health = dict[str, dict[str, float | None]]
"""The figures of each layer's health after an epoch, by the layer's name and by their own."""

FIGURES = ("gradient_norm", "update_ratio", "dead", "saturated")
"""The figures of a layer's health that there are, see `chainrule.training.health`."""

COLUMNS = tuple(f"{part}_{measure}" for measure in MEASURES for part in ("train", "validation"))
"""The columns of losses and scores that a history may have, which can be monitored."""

LEARNING_RATE = "learning_rate"
"""The column of the network's learning rate in an epoch's last minibatch, where a schedule
changes it."""

_COLUMNS_OF_EMPTY_HISTORY = ("epoch", "train_loss", "validation_loss", "seconds")


@dataclass(frozen=True)
class NotFinite:
    """The number that ended a training because it was infinite or NaN.

    Attributes:
        what: what of the minibatch was not finite first, ``loss`` or ``gradient``.
        place: where the first such number arose, see `chainrule.training.engines.Origin`:
            ``forward``, ``loss``, ``penalty`` or ``backward``.
        layer: the name of the layer in which it arose; None for a penalty.
        epoch: the number of the epoch, from 1.
        minibatch: the number of the minibatch in the epoch, from 1.
    """

    what: Literal["loss", "gradient"]
    place: Place
    layer: str | None
    epoch: int
    minibatch: int

    def __str__(self) -> str:
        where = f"in epoch {self.epoch}, minibatch {self.minibatch}"
        origin = Origin(self.place, self.layer)
        return f"the {self.what} was no longer a finite number {where}; it arose {origin}"


class History(Mapping[str, list[Any]]):
    """The losses, scores and seconds of the finished epochs.

    It maps the name of each column to a list with one entry for each epoch.

    Attributes:
        rows: the values of each finished epoch, by the name of the column.
        health: the figures of each layer after the last update of an epoch, by the number of the
            epoch, of those that were measured: ``history.health[1]["dense_1"]["gradient_norm"]``.

    Example:
        >>> history = History()
        >>> history.append({"epoch": 1, "train_loss": 0.5})
        >>> history["train_loss"]
        [0.5]
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.health: dict[int, Health] = {}
        self._minibatches: list[Array] = []
        self._arrays: dict[str, array[float]] = {}
        self._rows_converted = 0

    def append(self, row: Row) -> None:
        """Add the values of an epoch that has just finished."""
        self.rows.append(row)

    def to_arrays(self) -> dict[str, Array]:
        """Each column except ``epoch`` as a float64 array (epochs,), in the order of the epochs.

        An epoch without a value in a column has NaN there. Since the epochs are numbered 1, 2,
        ..., entry k belongs to epoch k + 1. Every checkpoint calls this method, so it keeps what
        it has converted: later calls convert only the rows that were added since.
        """
        for k in range(self._rows_converted, len(self.rows)):
            row = {column: v for column, v in self.rows[k].items() if column != "epoch"}
            for column in row:
                if column not in self._arrays:
                    self._arrays[column] = array("d", [nan]) * k
            for column, values in self._arrays.items():
                value = row.get(column)
                values.append(nan if value is None else value)
        self._rows_converted = len(self.rows)
        return {column: np.array(values) for column, values in self._arrays.items()}

    @classmethod
    def from_arrays(cls, columns: Mapping[str, Array]) -> History:
        """The history for which `to_arrays` returns the given columns.

        Args:
            columns: by name, arrays of shape (epochs,).

        Raises:
            ValueError: the columns differ in length.

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

    def health_columns(self) -> list[tuple[str, str]]:
        """The layers and figures of which there are measurements, in order."""
        each = (layers.items() for layers in self.health.values())
        pairs = ((name, figure) for one in each for name, found in one for figure in found)
        return list(dict.fromkeys(pairs))

    def health_arrays(self) -> tuple[Array, Array]:
        """The measured epochs (measured,), and the figures of the columns (measured, columns).

        NaN stands for a figure that is None; `set_health` sets the same measurements.
        """
        columns = self.health_columns()
        figures = [[one[name][figure] for name, figure in columns] for one in self.health.values()]
        shape = (len(self.health), len(columns))
        return np.array([*self.health], np.int64), np.array(figures, np.float64).reshape(shape)

    def set_health(
        self, columns: Iterable[tuple[str, str]], epochs: Array, figures: Array
    ) -> None:
        """Set the measurements of which `health_columns` and `health_arrays` are those given.

        Example:
            >>> history = History()
            >>> history.set_health([("dense_1", "dead")], np.array([4]), np.array([[0.25]]))
            >>> history.health
            {4: {'dense_1': {'dead': 0.25}}}
        """
        self.health, columns = {}, [*columns]
        for epoch, row in zip(epochs.tolist(), figures.tolist(), strict=True):
            layers: Health = {name: {} for name, _ in columns}
            for (name, figure), value in zip(columns, row, strict=True):
                layers[name][figure] = None if isnan(value) else value
            self.health[epoch] = layers

    def add_minibatches(self, losses: Array) -> None:
        """Add the losses of minibatches that have just run, (minibatches,)."""
        self._minibatches.append(losses)

    @property
    def minibatch_losses(self) -> Array:
        """The losses of all minibatches of all epochs so far, in order; a copy, (minibatches,).

        Each is the loss, penalty included, with the parameters before the minibatch's update.
        """
        joined = np.concatenate([np.empty(0), *self._minibatches])
        self._minibatches = [joined]  # later calls append only the new chunks to it
        return joined.copy()

    def __getitem__(self, column: str) -> list[Any]:
        if not self.rows and column in _COLUMNS_OF_EMPTY_HISTORY:
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
        return f"History({counted(len(self.rows), 'epoch')}: {in_a_line(self._columns())})"

    @html.never_fails
    def _repr_html_(self) -> str:
        title = f"History: {counted(len(self.rows), 'epoch')}"
        if not self.rows:
            return html.piece(title)
        epochs = {"first": 0, "best": self._best, "last": -1}
        headings = [f"epoch {self.rows[k]['epoch']}, {what}" for what, k in epochs.items()]
        best = f"best by {self._judge.replace('_', ' ')}" if self._judge else ""
        rows = [
            (column.replace("_", " "), *(_text(column, self.rows[k]) for k in epochs.values()))
            for column in self._columns()
            if column != "epoch"
        ]
        return html.piece(title, html.table(("column", *headings), rows), html.lines(best))

    @property
    def _judge(self) -> str:
        """The loss by which an epoch is the best: the validation loss, if there is one."""
        columns = self._columns()
        return next((f"{p}_loss" for p in ("validation", "train") if f"{p}_loss" in columns), "")

    @property
    def _best(self) -> int:
        """The index of the epoch with the lowest finite loss; 0 if there is none."""
        losses = self.to_arrays().get(self._judge, np.zeros(1))
        return int(np.where(np.isfinite(losses), losses, np.inf).argmin())


def _text(column: str, row: Row) -> str:
    value = row.get(column)
    if column in ("seconds", LEARNING_RATE):
        return "–" if value is None else f"{value:.3g}"
    return measure_text(column, value)


def mean_over_cases(losses: Array, counts: Array) -> Array:
    """Σ_k n_k L_k / Σ_k n_k, the mean loss over the cases of an epoch.

    L_k is the loss of minibatch k, penalty included, with the parameters before its update; n_k
    is its number of cases.

    Args:
        losses: L, (..., minibatches).
        counts: n, (minibatches,), each at least 1.

    Returns:
        The means over the last axis of ``losses``, (...).

    Example:
        >>> mean_over_cases(np.array([0.0, 100.0]), np.array([10, 1])).round(2)
        np.float64(9.09)
    """
    # Dividing by the largest count cancels in the mean; minibatches of equal size get weight 1.
    return np.average(losses, axis=-1, weights=counts / counts.max())


@dataclass
class Progress:
    """The losses and counts of the epoch in progress.

    Attributes:
        losses: the loss of each minibatch, (minibatches,); 0 for those that have not run yet.
        counts: the number of cases of each minibatch, (minibatches,).
        correct: how many cases of the minibatches that have run were classified correctly, each
            with the parameters before the update of its minibatch; where cases have weights, the
            sum of their weights.
        seconds: the time that the engine has spent on this epoch.
        order: the indices of the cases in the order of this epoch, (cases,); None if the order
            is that of the data set, or has not been drawn yet.
    """

    losses: Array
    counts: Array
    correct: float = 0
    seconds: float = 0.0
    order: Array | None = None

    @classmethod
    def at_start(cls, counts: Array) -> Progress:
        """The progress at the start of an epoch, when no minibatch has run."""
        return cls(np.zeros(len(counts)), counts)

    def add(self, minibatch: int, result: Chunk, seconds: float) -> None:
        """Add the results of consecutive minibatches that an engine has run.

        Args:
            minibatch: how many minibatches of this epoch have run, these included.
            result: the losses and the number of correct cases of these minibatches.
            seconds: the time that they took.
        """
        self.losses[minibatch - len(result.losses) : minibatch] = result.losses
        if isinstance(result.correct, int):
            self.correct += result.correct
        else:  # one after the other, so that the rounding does not depend on the chunks
            self.correct = float(np.cumsum([self.correct, *result.correct])[-1])
        self.seconds += seconds

    @property
    def mean_loss(self) -> float:
        """The mean loss over all cases of the epoch, once all its minibatches have run.

        It is computed from all losses at once, so that its rounding does not depend on how the
        minibatches were grouped into chunks.
        """
        return float(mean_over_cases(self.losses, self.counts))


def score_columns(part: str, score: Score | None) -> Row:
    """The columns of a history's row that hold the score of one part of the data.

    Args:
        part: the part, ``train`` or ``validation``.
        score: its score; None for a part that was not evaluated, which has no columns.
    """
    if score is None:
        return {}
    return {f"{part}_{name}": value for name, value in score.figures.items()}
