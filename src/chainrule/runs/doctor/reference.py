"""What quick and simple models reach on the data, to see what a network could have learnt."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from chainrule.core.arrays import Array, one_hot
from chainrule.core.errors import ChainruleError
from chainrule.core.sequences import are_sequences
from chainrule.nn.layers.dense import Dense
from chainrule.nn.network import Network
from chainrule.training import Settings, Trainer
from chainrule.training.metrics import roc_auc_of
from chainrule.training.scores import TargetKind
from chainrule.training.trainer import Part

CASES = 1500
"""The simple models see at most so many training cases, and are scored on half as many others."""

NEIGHBOURS = 5

WIDEST = 2048
"""Of cases of more numbers, so many of them are compared, evenly spaced."""

CERTAIN = 3.5
"""A signal is more than so many standard errors from none."""


@dataclass(frozen=True)
class Reference:
    """The skills of simple models on cases that they were not fitted on.

    Attributes:
        skills: accuracy or R² by the name of the model.
        cases: on how many cases they were scored; 0 if there is no model.
        error: two standard errors of such a skill.
        signal: how many standard errors the best of the models is from knowing nothing: of
            classes by the areas under their ROC curves, of values by R².
    """

    skills: dict[str, float]
    cases: int
    error: float
    signal: float

    @property
    def best(self) -> float:
        """The best skill; −1 where there is none."""
        return max(self.skills.values(), default=-1.0)

    @property
    def finds_something(self) -> bool:
        """Whether some model knows more of the targets than chance does."""
        return self.signal > CERTAIN


NO_REFERENCE = Reference({}, 0, 1.0, np.inf)
"""That of data which simple models cannot take."""


def reference(
    train: Part, held: Part, kind: TargetKind, outputs: int, *, quick: bool
) -> Reference:
    """The skills of nearest neighbours, a linear model and, unless quick, a small network.

    Args:
        train: prepared training cases.
        held: prepared cases held out; where there are few, a quarter of the training cases.
        kind: what the targets are.
        outputs: the number of outputs of the network.
        quick: whether to do only what takes milliseconds.
    """
    if are_sequences(train.t):
        return NO_REFERENCE
    x, t = _rows(train.x), _targets(train.t, kind, outputs)
    if len(held) >= max(20, len(train) // 20):
        half = CASES // 2
        fit, seen = (x, t), (_rows(held.x)[:half], _targets(held.t, kind, outputs)[:half])
    else:
        test = np.arange(len(x)) % 4 == 3
        fit, seen = (x[~test], t[~test]), (x[test], t[test])
    fit = fit[0][:CASES], fit[1][:CASES]
    if min(len(fit[0]), len(seen[0])) < 4 or (quick and x.shape[1] > 256):
        return NO_REFERENCE
    fit, seen = _scaled(fit, seen)
    values = not (kind.classes or kind.multi_label)
    models = {"nearest neighbours": _neighbours, "a linear model": _linear}
    if not quick:
        models["a small network"] = _network
    found = {name: model(*fit, seen[0]) for name, model in models.items()}
    skills = {name: _skill(y, seen[1], values) for name, y in found.items()}
    signal = max(_signal(y, seen[1], values) for y in found.values())
    return Reference(skills, len(seen[0]), 2 * sqrt(0.25 / len(seen[0])), signal)


def _rows(x: Array) -> Array:
    rows = np.nan_to_num(x.reshape(len(x), -1).astype(np.float64))
    if rows.shape[1] <= WIDEST:
        return rows
    return rows[:, np.linspace(0, rows.shape[1] - 1, WIDEST).astype(np.intp)]


def _targets(t: Array, kind: TargetKind, outputs: int) -> Array:
    """Targets as rows: one-hot of classes."""
    if t.ndim == 1 and (kind.classes or kind.multi_label):
        return one_hot(t.astype(np.intp), max(2, outputs), np.dtype(np.float64))
    rows = t.reshape(len(t), -1).astype(np.float64)
    if kind.classes and rows.shape[1] == 1:
        return np.concatenate([1 - rows, rows], axis=1)
    return rows


def _scaled(
    fit: tuple[Array, Array], seen: tuple[Array, Array]
) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Inputs of mean 0 and deviation 1 by those that are fitted."""
    size = np.abs(fit[0]).max(axis=0)
    unit = np.where((size > 0) & np.isfinite(size), size, 1.0)  # so that no square overflows
    first, second = fit[0] / unit, seen[0] / unit
    mean, scale = first.mean(axis=0), first.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    first, second = (first - mean) / scale, np.clip((second - mean) / scale, -1e3, 1e3)
    return (first, fit[1]), (second, seen[1])


def _neighbours(x: Array, t: Array, seen: Array) -> Array:
    """The mean target of the nearest cases, (cases, outputs)."""
    squares = (x * x).sum(axis=1) - 2 * seen @ x.T
    near = np.argpartition(squares, min(NEIGHBOURS, len(x) - 1), axis=1)[:, :NEIGHBOURS]
    found: Array = t[near].mean(axis=1)
    return found


def _linear(x: Array, t: Array, seen: Array) -> Array:
    """The outputs of a linear model with a ridge penalty, (cases, outputs)."""
    mean = t.mean(axis=0)
    ridge = 0.01 * len(x)
    if x.shape[1] <= len(x):
        weights = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ (t - mean))
    else:
        weights = x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x)), t - mean)
    found: Array = seen @ weights + mean
    return found


def _network(x: Array, t: Array, seen: Array) -> Array:
    """The outputs of a small network that is trained as one begins: tanh, Glorot, Adam."""
    mean, scale = t.mean(axis=0), float(t.std()) or 1.0
    layers = [Dense(32, "tanh", weights="glorot"), Dense(t.shape[1], "linear", weights="glorot")]
    network = Network(layers, input=x.shape[1], loss="mse", learning_rate=0.01, seed=1)
    epochs = int(np.clip(800 * 32 // len(x), 4, 100))
    settings = Settings(epochs=epochs, batch_size=32, optimizer="adam", engine="numpy", seed=1)
    part = Part(*network.prepare(x, (t - mean) / scale))
    try:
        Trainer(network, part, Part(part.x[:0], part.t[:0]), settings).run()
    except ChainruleError:
        return np.broadcast_to(mean, (len(seen), len(mean)))
    found: Array = network.evaluate(network.prepare_inputs(seen))[1] * scale + mean
    return found


def _skill(y: Array, t: Array, values: bool) -> float:
    """The accuracy of rows of classes or labels, or R²."""
    if values:
        total = float(np.square(t - t.mean(axis=0)).sum())
        return 1 - float(np.square(y - t).sum()) / total if total > 0 else 0.0
    if (t.sum(axis=1) == 1).all():
        return float((y.argmax(axis=1) == t.argmax(axis=1)).mean())
    return float(((y > 0.5) == (t > 0.5)).mean())


def _signal(y: Array, t: Array, values: bool) -> float:
    """By how many standard errors the outputs know more than nothing."""
    if values:
        pairs = [(a, b) for a, b in zip(y.T, t.T, strict=True) if a.std() > 0 and b.std() > 0]
        found = [np.corrcoef(a, b)[0, 1] * sqrt(len(t)) for a, b in pairs]
    else:
        found = [_signal_of(a, b > 0.5) for a, b in zip(y.T, t.T, strict=True)]
    return float(np.nan_to_num(max(found, default=0.0)))


def _signal_of(score: Array, actual: Array) -> float:
    """(AUC − ½) over its standard error if the score knew nothing."""
    positive, negative = int(actual.sum()), int((~actual).sum())
    area = roc_auc_of(score, actual)
    if area is None or min(positive, negative) < 3:
        return 0.0
    error = sqrt((positive + negative + 1) / (12 * positive * negative))
    return (area - 0.5) / error
