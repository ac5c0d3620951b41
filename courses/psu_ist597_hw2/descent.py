"""The homework's training loop: gradient descent on θ, on all cases at once or in minibatches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from chainrule.core.arguments import is_whole
from chainrule.core.errors import ConfigError, DivergenceError
from chainrule.core.randomness import stream
from chainrule.nn.initializers import initializer
from chainrule.training.engines.threads import on_threads
from chainrule.training.metrics import predicted_classes
from theta import Array, Theta, computeCost, computeGrad, create_mini_batch, predict, shuffle

Cases = tuple[npt.ArrayLike, npt.ArrayLike]
"""The inputs X, (N, D), and the class numbers y, (N,)."""

History = dict[str, list[float]]
"""Columns, a value a recorded epoch; see `fit`."""


class Fit(NamedTuple):
    """What came out of a training.

    Attributes:
        theta: what was learnt: of the last epoch, or with early stopping of the best one.
        epoch: the epoch which that is.
        history: see `fit`.
    """

    theta: tuple[Array, ...]
    epoch: int
    history: History


def first_theta(sizes: Sequence[int], *, seed: int = 1) -> tuple[Array, ...]:
    """A θ to start from: normal weights of variance 2 / inputs, which suits relu; biases of 0.

    Args:
        sizes: inputs, units of each hidden layer, classes.
        seed: of the weights.
    """
    rng, he = stream(seed, "first theta"), initializer("he")
    pairs = ((he.draw((n, units), rng), np.zeros((1, units))) for n, units in pairwise(sizes))
    return tuple(array for pair in pairs for array in pair)


def fit(
    theta: Theta,
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    reg: float,
    step_size: float,
    epochs: int,
    batch_size: int | None = None,
    validation: Cases | None = None,
    patience: int | None = None,
    every: int = 1,
    seed: int = 1,
) -> Fit:
    """Descend from θ: for each minibatch, θ ← θ − step_size · ∂cost/∂θ.

    Args:
        theta: where to start; it is not changed.
        X: cases, (N, D).
        y: class numbers, (N,).
        reg: of the penalty.
        step_size: the learning rate α.
        epochs: passes over the cases.
        batch_size: cases a minibatch, in a new order every epoch; None for all at once.
        validation: cases that are watched beside, and never trained on.
        patience: stop early when the validation loss has had no new lowest value for so many
            epochs, and go back to the θ at which it was lowest; None to go on to the end.
        every: record losses and accuracies every so many epochs, and of the last one.
        seed: of the order of the cases.

    Returns:
        θ and its epoch, and a history of ``epoch``, ``train_loss``, ``train_accuracy`` and, where
        there are validation cases, ``validation_loss`` and ``validation_accuracy``. These
        losses are cross-entropies without the penalty: with it, curves at different penalties
        could not be compared.

    Raises:
        DivergenceError: a loss is no longer finite.
        ConfigError: ``batch_size`` or ``every`` is not a whole number of at least 1, or there is
            ``patience`` without validation cases to watch.
    """
    for name, count in (("batch_size", batch_size), ("every", every)):
        if count is not None and not (is_whole(count) and count >= 1):
            raise ConfigError(f"{name} is a whole number of at least 1, found {count!r}")
    if patience is not None and validation is None:
        raise ConfigError("patience needs validation cases, whose loss it watches")
    learnt = [np.array(array, dtype=float) for array in theta]
    best = Fit(tuple(learnt), 0, {})
    history: History = {}
    parts = {"train": (X, y)} | ({} if validation is None else {"validation": validation})
    rng = stream(seed, "order of the cases")
    with on_threads(1):  # matrices this small are not worth a second thread
        for epoch in range(1, epochs + 1):
            for mb_x, mb_y in mini_batches(X, y, batch_size, rng):
                descend(learnt, computeGrad(mb_x, mb_y, learnt, reg), step_size)
            if epoch % every and epoch < epochs:
                continue
            record(history, epoch, parts, learnt)
            if patience is None or _is_lowest(history["validation_loss"]):
                best = Fit(tuple(array.copy() for array in learnt), epoch, history)
            elif epoch - best.epoch >= patience:
                break
    return best


def mini_batches(
    X: npt.ArrayLike, y: npt.ArrayLike, size: int | None, rng: np.random.Generator
) -> Iterator[Cases]:
    """One pass over the cases: all of them at once, or minibatches of a new order."""
    if size is None:
        yield X, y
        return
    X, y = shuffle(X, y, rng)
    for start in range(0, len(X), size):
        yield create_mini_batch(X, y, start, start + size)


def descend(theta: Sequence[Array], gradient: Sequence[Array], step_size: float) -> None:
    """θ ← θ − step_size · gradient, in place."""
    for array, slope in zip(theta, gradient, strict=True):
        array -= step_size * slope


def record(history: History, epoch: int, parts: dict[str, Cases], theta: Theta) -> None:
    """Add a row to the history.

    Raises:
        DivergenceError: a loss is not finite.
    """
    row = {"epoch": float(epoch)}
    for part, (X, y) in parts.items():
        row[f"{part}_loss"] = computeCost(X, y, theta, reg=0.0)
        row[f"{part}_accuracy"] = accuracy(X, y, theta)
    if not np.isfinite(list(row.values())).all():
        raise DivergenceError(
            f"the loss is not finite after epoch {epoch}; a smaller step size helps"
        )
    for name, value in row.items():
        history.setdefault(name, []).append(value)


def accuracy(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta) -> float:
    """The share of the cases whose class θ finds likeliest; of equals the smaller number."""
    return float(np.mean(predicted_classes(predict(X, theta)[1]) == np.asarray(y)))


def _is_lowest(losses: Sequence[float]) -> bool:
    """Whether the last of the losses is lower than all before."""
    return losses[-1] < min(losses[:-1], default=np.inf)
