"""Average cross-entropy over the number of hidden units: 5, 20, 50, 100 and 200.

Run with: python3 hidden_units.py [--epochs 100] [--size large] [--jobs 2] [--out out]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chainrule.cli.terminal import failures_reported
from experiments import Setting, history_of, options, save, side_by_side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNITS = (5, 20, 50, 100, 200)
LEARNING_RATE = 0.01


def main(words: Sequence[str] | None = None) -> None:
    """Train with each number of units, print a table, draw it."""
    chosen = options(__doc__, words)
    settings = [Setting(chosen.size, chosen.epochs, units, LEARNING_RATE) for units in UNITS]
    runs = side_by_side(history_of, settings, chosen.jobs)
    print(f"{'units':>6}  {'training':>9}  {'validation':>10}  (after {chosen.epochs} epochs)")
    train, validation = [], []
    for units, history in zip(UNITS, runs, strict=True):
        train.append(history["train_loss"][-1])
        validation.append(history["validation_loss"][-1])
        print(f"{units:>6}  {train[-1]:>9.4f}  {validation[-1]:>10.4f}", flush=True)
    title = f"Cross-entropy after {chosen.epochs} epochs, learning rate {LEARNING_RATE:g}"
    save(draw(train, validation, title), chosen.out, "hidden_units")


def draw(train: Sequence[float], validation: Sequence[float], title: str) -> Figure:
    """Both cross-entropies over the number of units, every point with its number."""
    from chainrule.plots.style import TRAINING, VALIDATION, house_style, new_figure

    with house_style():
        figure = new_figure(8.5, 6, title)
        axes = figure.subplots()
        axes.plot(UNITS, train, "o-", color=TRAINING, label="training", markersize=8)
        dashes = (0, (4, 1.2))
        axes.plot(
            UNITS, validation, "s", linestyle=dashes, color=VALIDATION, label="validation",
            markersize=8,
        )  # fmt: skip
        axes.set_xscale("log")
        axes.set_xticks(UNITS, [str(units) for units in UNITS])
        axes.minorticks_off()
        axes.set_ylim(0, 1.08 * max(*train, *validation))
        axes.set_xlabel("hidden units (logarithmic axis)")
        axes.set_ylabel("mean cross-entropy")
        axes.legend(loc="best")
    return figure


if __name__ == "__main__":
    with failures_reported("hidden_units"):
        main()
