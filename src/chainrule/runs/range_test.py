"""The range test of the learning rate, also called LR finder: a training whose rate rises."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.core.arguments import is_finite, is_whole
from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, Problem, shown
from chainrule.training import Trainer
from chainrule.training.engines import NotFiniteError
from chainrule.training.engines.threads import on_threads
from chainrule.training.optimizers import LBFGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from chainrule.config.load import Config

FEWEST, MOST, CASES = 200, 1000, 6400
"""By default a test runs as many minibatches as hold this many cases, but at least and at most so
many: single cases have noisier losses."""

MOST_MINIBATCHES = 1_000_000

DIVERGED = 4.0
"""The test ends when the loss is this many times its first level: the training has diverged."""

WIDTH = 0.03
"""The standard deviation of the Gaussian by which losses are averaged, as a share of the test."""

FALLEN, ERRORS = 0.02, 4.0
"""A loss has fallen if it did so by this share of its level, and by so many standard errors."""

BEGUN = 0.1
"""The fall begins where the smoothed loss has fallen for good by this share of it."""


@dataclass(frozen=True, eq=False)
class RangeTest:
    """The result of a range test.

    Attributes:
        name: of the configuration.
        rates: the network's learning rate in each minibatch that ran, rising, (minibatches,).
        losses: the loss of each of them before its update, (minibatches,).
        smoothed: the losses averaged with their neighbours, (minibatches,).
        suggestion: a rate to train with; None if the test shows none.
        lowest: the rate at which the smoothed loss was lowest, which one may go near, as the peak
            of ``one_cycle`` does, but not beyond; None where there is no suggestion.
        reason: why this rate is suggested, or why none is.
    """

    name: str
    rates: Array
    losses: Array
    smoothed: Array
    suggestion: float | None
    lowest: float | None
    reason: str

    def figure(self) -> Figure:
        """The losses over the rates, with the suggestion."""
        from chainrule.plots.range_test import range_figure

        return range_figure(
            self.rates,
            self.losses,
            self.smoothed,
            title=f"{self.name}: learning-rate range test",
            suggestion=self.suggestion,
            reason=self.reason,
        )

    def save(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write `figure` as PNG and SVG, or as the file that has a suffix; see `save_figure`."""
        from chainrule.plots.save import save_figure

        return save_figure(self.figure(), path)

    def __repr__(self) -> str:
        return f"RangeTest({self.reason})"


def range_test(
    config: str | os.PathLike[str] | Mapping[str, Any] | Config,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    minibatches: int | None = None,
    overrides: Sequence[str] = (),
    data: Any = None,
) -> RangeTest:
    """Look for a learning rate: train for a while with a rate that rises from ``low`` to ``high``.

    Minibatch k = 0, …, n − 1 has the rate low · (high / low)^(k / (n − 1)). Learning rates of
    single layers keep their ratio to that of the network. Schedule and callbacks of the
    configuration take no part, and nothing is kept of the training: no file is written.

    Where the rate is too small the loss stays; then it falls; beyond the largest useful rate it
    grows, and the test ends once it is `DIVERGED` times as large as at first. The suggestion is
    the rate at which the smoothed loss falls most steeply over log(rate).

    Source: Smith, *Cyclical learning rates for training neural networks* (2017), section 3.3;
    the suggestion is that of PyTorch Lightning's and fastai's finders.

    Args:
        config: as `chainrule.train` takes it.
        low: the first rate, above 0.
        high: the last rate, above ``low``.
        minibatches: n, at least 10; None for about `CASES` cases, from `FEWEST` to `MOST`.
        overrides: items such as ``"training.batch_size=8"`` that replace settings.
        data: what to train on in place of the configuration's data, as `chainrule.train` takes it.

    Raises:
        ConfigError: a rate or number is out of its range, the configuration cannot be run, or its
            optimiser has no learning rate.
        DataError: the data cannot be read.

    Example:
        >>> found = range_test({
        ...     "network": {"layers": [{"size": 8, "activation": "tanh"}, {"size": 3}, "softmax"]},
        ...     "data": {"generator": "blobs", "classes": 3, "count": 200}})
        >>> 0.001 < found.suggestion < found.lowest
        True
    """
    from chainrule.runs.passed import configured
    from chainrule.runs.resolve import require_engine, resolve

    _check(low, high, minibatches)
    checked, shared, given = configured(config, overrides, data, None, None)
    if checked.training["engine"] == "auto":  # so few minibatches are not worth compiling
        checked = checked.replace(training={"engine": "numpy"})
    require_engine(checked)
    resolved = resolve(checked, shared, given=given)
    bare = replace(resolved.settings, schedule="constant", callbacks=None)
    trainer = replace(resolved, settings=bare).trainer()
    key, problem = _without_rate(trainer)
    if problem:
        raise ConfigError(checked.problem(key, problem))
    if minibatches is None:
        minibatches = int(np.clip(-(-CASES // trainer.engine.batch_size), FEWEST, MOST))
    rates = np.geomspace(low, high, minibatches)
    losses = _losses(trainer, rates)
    return _judged(checked.name, rates, losses)


def _check(low: object, high: object, minibatches: object) -> None:
    """Check the arguments; lists all problems."""
    problems = [
        Problem(f"{name} is a finite rate above 0, found {shown(value)}", key=name)
        for name, value in (("low", low), ("high", high))
        if not (is_finite(value) and value > 0)
    ]
    if not problems and not float(high) > float(low):  # type: ignore[arg-type]
        message = f"the last rate (high, --to) is above the first (low, --from), which is {low}"
        problems.append(Problem(f"{message}; found {shown(high)}", key="high"))
    if minibatches is not None and not (
        is_whole(minibatches, at_least=10) and minibatches <= MOST_MINIBATCHES
    ):
        expected = f"a whole number from 10 to {MOST_MINIBATCHES:,}"
        problems.append(
            Problem(f"minibatches is {expected}, found {shown(minibatches)}", key="minibatches")
        )
    if problems:
        raise ConfigError(problems)


def _without_rate(trainer: Trainer) -> tuple[tuple[str, str], str]:
    """The setting and the reason for which there is no rate to look for; "" where there is."""
    if isinstance(trainer.optimizer, LBFGS):
        why = "lbfgs finds the length of its steps itself: there is no learning rate to look for"
        return ("training", "optimizer"), why
    if not trainer.base_rate > 0:
        why = (
            "the network's learning_rate is 0, so that no multiple of it is another rate; leave "
            "it out for this test"
        )
        return ("network", "learning_rate"), why
    return ("training", "optimizer"), ""


def _losses(trainer: Trainer, rates: Array) -> Array:
    """The losses of minibatches at these rates, until one is no number or the loss has grown."""
    engine, scales, found = trainer.engine, rates / trainer.base_rate, []
    own = trainer.network.context.claimed_gradients()
    with own, on_threads(trainer.threads, trainer.threads):
        engine.prepare()
        for k in range(len(rates)):
            epoch, at = divmod(k, engine.minibatches)
            if at == 0:
                order = trainer.order(epoch + 1)
            try:
                found += engine.run(order, at, at + 1, scales[k : k + 1]).losses.tolist()
            except NotFiniteError:
                break
            if _has_diverged(found, len(rates)):
                break
    return np.array(found)


def _few(minibatches: int) -> int:
    """The number of minibatches whose mean loss is the level at the start, or at the end."""
    return max(3, minibatches // 20)


def _has_diverged(losses: Sequence[float], minibatches: int) -> bool:
    few = _few(minibatches)
    if len(losses) < 2 * few:
        return False
    return float(np.mean(losses[-few:])) > DIVERGED * float(np.mean(losses[:few]))


def _smoothed(losses: Array, minibatches: int, most: float) -> Array:
    """Means over the neighbours, weighted by a Gaussian; a loss counts as ``most`` at most."""
    at = np.arange(len(losses))
    reach = int(np.ceil(4 * WIDTH * minibatches))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (WIDTH * minibatches)) ** 2)
    weights = np.convolve(np.ones(len(at)), kernel)[reach : reach + len(at)]
    return np.convolve(np.minimum(losses, most), kernel)[reach : reach + len(at)] / weights


def _judged(name: str, rates: Array, losses: Array) -> RangeTest:
    """The result, with what the losses say about the rates."""
    minibatches, ran = len(rates), len(losses)
    at = rates[:ran]
    if ran < 2 * _few(minibatches):
        reason = (
            f"the loss was no longer a finite number after {ran} minibatches, at a rate of "
            f"{rates[min(ran, minibatches - 1)]:.2g}: begin with a smaller rate, or look at the "
            "scale of inputs and targets"
        )
        return RangeTest(name, at, losses, losses, None, None, reason)
    few = _few(minibatches)
    level = float(losses[:few].mean())
    smoothed = _smoothed(losses, minibatches, DIVERGED * max(level, float(losses.min())))
    best = int(np.argmin(smoothed))
    fall = float(smoothed[:few].mean() - smoothed[best])
    # The Gaussian has the effect of a mean over 2 √π times its standard deviation.
    averaged = max(1.0, 2 * np.sqrt(np.pi) * WIDTH * minibatches)
    noise = float(np.std((losses - smoothed)[: max(best, few)])) / np.sqrt(averaged)
    if fall <= max(FALLEN * abs(level), ERRORS * noise):
        grew = ", where it had grown" if float(losses[-few:].mean()) > 1.5 * level else ""
        reason = (
            f"the loss did not fall by more than its noise at any rate from {rates[0]:.2g} to "
            f"{at[-1]:.2g}{grew}: try other rates or more minibatches, or look at the data and "
            "the network"
        )
        return RangeTest(name, at, losses, smoothed, None, None, reason)
    high = np.flatnonzero(smoothed[: best + 1] >= smoothed[best] + (1 - BEGUN) * fall)
    begun = int(high[-1]) if len(high) else 0
    steepest = begun + int(np.argmin(np.gradient(smoothed)[begun : best + 1]))
    suggestion, lowest = (float(f"{at[k]:.2g}") for k in (steepest, best))
    beyond = "and grew beyond" if best < ran - few else "the last rate of the test"
    reason = (
        f"the loss fell most steeply at a rate of {suggestion:g}; it was lowest at {lowest:g}, "
        f"{beyond}"
    )
    return RangeTest(name, at, losses, smoothed, suggestion, lowest, reason)
