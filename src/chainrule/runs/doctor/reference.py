"""What quick and simple models reach on the data, to see what a network could have learnt."""

from __future__ import annotations

from collections.abc import Iterator
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

FEWEST, ENOUGH, FOLDS = 20, 150, 3
"""Of fewer cases nothing is said. Where fewer than the second number are held out, all cases are
divided into so many parts, each of which is asked about by models fitted on the others."""

MOST_RARE = 12
"""A signal can show if two classes have so many cases that are asked about."""

NEIGHBOURS = 5

WIDEST = 1024
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
            classes by the areas under their ROC curves, of values by the correlation.
        can_tell: whether there are enough cases of two classes for such a signal to show.
    """

    skills: dict[str, float]
    cases: int
    error: float
    signal: float
    can_tell: bool

    @property
    def best(self) -> float:
        """The best skill; −1 where there is none."""
        return max(self.skills.values(), default=-1.0)

    @property
    def finds_something(self) -> bool:
        """Whether some model knows more of the targets than chance does."""
        return self.signal > CERTAIN


NO_REFERENCE = Reference({}, 0, 1.0, np.inf, can_tell=False)
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
    values = not (kind.classes or kind.multi_label)
    x, t = _rows(train.x), _targets(train.t, kind, outputs)
    own = (_rows(held.x), _targets(held.t, kind, outputs)) if len(held) else (x[:0], t[:0])
    models = {"nearest neighbours": _neighbours, "a linear model": _linear}
    if not quick:
        models["a small network"] = _network
    if len(x) + len(own[0]) < FEWEST or (quick and x.shape[1] > 256):
        return NO_REFERENCE
    found: dict[str, list[Array]] = {name: [] for name in models}
    answers: list[Array] = []
    for fit, seen in _divisions((x, t), own, quick=quick):
        fitted, asked = _scaled(fit[0], seen[0])
        answers.append(seen[1])
        for name, model in models.items():
            found[name].append(model(fitted, fit[1], asked))
    right = np.concatenate(answers)
    given = {name: np.concatenate(each) for name, each in found.items()}
    skills = {name: _skill(y, right, values) for name, y in given.items()}
    signal = max(_signal(y, right, values) for y in given.values())
    error = 2 * sqrt(0.25 / len(right))
    return Reference(skills, len(right), error, signal, _can_tell(right, values))


Cases = tuple[Array, Array]


def _divisions(train: Cases, held: Cases, *, quick: bool) -> Iterator[tuple[Cases, Cases]]:
    """Cases to fit on with others to be asked about: those held out, or, of few, each in turn."""
    if len(held[0]) >= ENOUGH or (quick and len(held[0]) >= FEWEST):
        fit = train[0][:CASES], train[1][:CASES]
        yield fit, (held[0][: CASES // 2], held[1][: CASES // 2])
        return
    x, t = (np.concatenate(both)[:CASES] for both in zip(train, held, strict=True))
    fold = np.arange(len(x)) % FOLDS
    for k in range(1 if quick else FOLDS):
        yield (x[fold != k], t[fold != k]), (x[fold == k], t[fold == k])


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


def _scaled(fit: Array, seen: Array) -> Cases:
    """Inputs of mean 0 and deviation 1 by those that are fitted."""
    size = np.abs(fit).max(axis=0)
    unit = np.where((size > 0) & np.isfinite(size), size, 1.0)  # so that no square overflows
    first, second = fit / unit, seen / unit
    mean, scale = first.mean(axis=0), first.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    return (first - mean) / scale, np.clip((second - mean) / scale, -1e3, 1e3)


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
    epochs = int(np.clip(600 * 32 // len(x), 4, 60))
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


def _can_tell(t: Array, values: bool) -> bool:
    return values or int((t.sum(axis=0) >= MOST_RARE).sum()) > 1


def _signal_of(score: Array, actual: Array) -> float:
    """(AUC − ½) over its standard error if the score knew nothing."""
    positive, negative = int(actual.sum()), int((~actual).sum())
    area = roc_auc_of(score, actual)
    if area is None or min(positive, negative) < 3:
        return 0.0
    error = sqrt((positive + negative + 1) / (12 * positive * negative))
    return (area - 0.5) / error
