"""Average training loss over 15 epochs at the learning rates 0.1, 0.01 and 10; test accuracies.

Run with: python3 learning_rates.py [--rates 0.1 0.01 10] [--data cifar10] [--epochs 15]

The network is the lab's: 3072 pixels, 500 relu units, 4 classes. Draws the losses over the
epochs, a curve that grows or diverges on a logarithmic axis of its own, and the test accuracy
over the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from chainrule.cli.terminal import failures_reported
from images import BATCH, DATA, accuracy, given_network, parser, save
from layers import CrossEntropyLayer
from layers.dataset import Cases
from layers.layer import Array, checked_rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATES = (0.1, 0.01, 10.0)
GUESSING = CrossEntropyLayer().forward([[0.25] * 4], [0])
"""The loss of four equal probabilities, ln 4."""

FAR = 10
"""So many times the loss of guessing would hide the curves of the rates that learn."""

SMALLEST = 1e-300


@dataclass(frozen=True)
class Result:
    """What one rate gave.

    Attributes:
        rate: the learning rate.
        losses: the average training loss of every epoch, (epochs,); NaN once it has diverged.
        minibatches: the losses of the minibatches that ran, (minibatches,).
        accuracy: on the test images, at the end or where training diverged.
    """

    rate: float
    losses: Array
    minibatches: Array
    accuracy: float

    @property
    def diverged(self) -> bool:
        """Whether the training ended early."""
        return bool(np.isnan(self.losses).any())

    @property
    def grew(self) -> bool:
        """Whether it diverged, or some epoch's loss is far above guessing."""
        return self.diverged or bool(self.losses.max() > FAR * GUESSING)


def train(rate: float, train: Cases, test: Cases, epochs: int) -> Result:
    """Train the given network at one rate, from the same weights each time."""
    (x, y), (x_test, y_test) = train, test
    model = given_network(x.shape[1], y.shape[1])
    losses = model.fit(x, y, epochs, rate, BATCH)
    return Result(rate, losses, model.minibatch_losses, accuracy(model.predict(x_test), y_test))


def draw_losses(results: Sequence[Result]) -> Figure:
    """The average training loss over the epochs, a curve a rate.

    Where the loss of some training grew, a second panel shows every minibatch of it, to its end.
    """
    from chainrule.plots.style import house_style, new_figure

    grown = [result for result in results if result.grew]
    with house_style():
        title = "Average training loss at several learning rates, 3072-500-4"
        figure = new_figure(13 if grown else 8.5, 6, title)
        panels = figure.subplots(1, 1 + bool(grown), squeeze=False)[0]
        _draw_averages(panels[0], results)
        if grown:
            _draw_minibatches(panels[1], results)
    return figure


def _draw_averages(axes: Axes, results: Sequence[Result]) -> None:
    """The epochs that ran to their end, on the scale of the rates that learn."""
    from matplotlib.ticker import MaxNLocator

    from chainrule.plots.style import FAINT, marker_of

    for k, result in enumerate(results):
        color, marker = marker_of(k)
        whole = result.losses[np.isfinite(result.losses)]
        broken = (
            f": diverged in epoch {len(whole) + 1}"
            if result.diverged
            else ": leaves this scale" * result.grew
        )
        axes.plot(
            np.arange(1, len(whole) + 1), whole, color=color, marker=marker,
            label=f"rate {result.rate:g}{broken}",
        )  # fmt: skip
    axes.axhline(GUESSING, color=FAINT, linestyle=":", label="guessing: ln 4")
    shown = [loss for result in results if not result.grew for loss in result.losses]
    axes.set_ylim(0, 1.08 * max([GUESSING, *shown]))
    axes.set_xlabel("epochs")
    axes.set_ylabel("cross-entropy, average of the epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(loc="best")


def _draw_minibatches(axes: Axes, results: Sequence[Result]) -> None:
    """Every minibatch of what grew; the axis is logarithmic and reaches any number."""
    from chainrule.plots.style import marker_of

    for k, result in enumerate(results):
        if not result.grew or not len(result.minibatches):
            continue
        color = marker_of(k)[0]
        steps = np.arange(1, len(result.minibatches) + 1)
        exponents = [math.log10(max(loss, SMALLEST)) for loss in result.minibatches]
        axes.plot(steps, exponents, color=color, label=f"rate {result.rate:g}")
        axes.plot(
            steps[-1], exponents[-1], color=color, linestyle="none", marker="X", markersize=13,
            label=f"the last finite loss: {result.minibatches[-1]:.0e}",
        )  # fmt: skip
    axes.set_title("what grew or diverged, minibatch by minibatch")
    axes.yaxis.set_major_formatter(lambda exponent, _: f"1e{exponent:.0f}")
    axes.set_xlabel("minibatches")
    axes.set_ylabel("cross-entropy (logarithmic axis)")
    axes.legend(loc="best")


def draw_accuracies(results: Sequence[Result]) -> Figure:
    """The test accuracy over the learning rate, on a logarithmic axis."""
    from chainrule.plots.style import ALARM, FAINT, TEST, house_style, new_figure

    with house_style():
        from matplotlib.ticker import PercentFormatter

        figure = new_figure(8, 5.5, "Test accuracy over the learning rate, 3072-500-4")
        axes = figure.subplots()
        ordered = sorted(results, key=lambda result: result.rate)
        rates, reached = [r.rate for r in ordered], [r.accuracy for r in ordered]
        axes.plot(rates, reached, color=TEST, marker="o", markersize=9, label="test accuracy")
        axes.axhline(0.25, color=FAINT, linestyle=":", label="guessing")
        broken = [r for r in ordered if r.diverged]
        if broken:
            axes.plot(
                [r.rate for r in broken], [r.accuracy for r in broken], linestyle="none",
                marker="X", markersize=13, color=ALARM, label="training diverged",
            )  # fmt: skip
        for result in ordered:
            axes.annotate(
                f"{result.accuracy:.1%}", (result.rate, result.accuracy), (0, 12),
                textcoords="offset points", ha="center",
            )  # fmt: skip
        if rates[0] > 0:
            axes.set_xscale("log")
        axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
        axes.minorticks_off()
        axes.margins(x=0.12)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("learning rate")
        axes.legend(loc="upper right")
    return figure


def as_told(loss: float) -> str:
    """A loss in a few letters, however large.

    Example:
        >>> [as_told(loss) for loss in (0.43828, 97361.479)]
        ['0.438', '9.7e+04']
    """
    return f"{loss:.3f}" if loss < 1000 else f"{loss:.1e}"


def main(words: Sequence[str] | None = None) -> None:
    """Train at each rate, print what came of it, draw it."""
    options = parser(__doc__)
    options.add_argument("--rates", type=float, nargs="+", default=RATES, help="to compare")
    chosen = options.parse_args(words)
    rates = [checked_rate(rate) for rate in chosen.rates]
    train_cases, test_cases = DATA[chosen.data](chosen.classes)
    results = []
    for rate in rates:
        results.append(train(rate, train_cases, test_cases, chosen.epochs))
        told = ", ".join(as_told(loss) for loss in results[-1].losses if np.isfinite(loss))
        end = "diverged" if results[-1].diverged else f"test accuracy {results[-1].accuracy:.1%}"
        print(f"rate {rate:g}: {told or 'no whole epoch'}; {end}", flush=True)
    save(draw_losses(results), chosen.out, "training_loss")
    save(draw_accuracies(results), chosen.out, "test_accuracy")


if __name__ == "__main__":
    with failures_reported("learning_rates"):
        main()
