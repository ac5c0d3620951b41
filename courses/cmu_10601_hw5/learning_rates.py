"""Cross-entropy over the epochs at the learning rates 0.1, 0.01 and 0.001, with 50 units.

Run with: python3 learning_rates.py [--epochs 100] [--size large] [--jobs 2] [--out out]

Draws one figure for each rate.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from experiments import Setting, history_of, options, save, side_by_side

RATES = (0.1, 0.01, 0.001)
HIDDEN_UNITS = 50


def main(words: Sequence[str] | None = None) -> None:
    """Train at each rate, print the last cross-entropies, draw the curves."""
    from chainrule.plots.learning_curve import learning_curve

    chosen = options(__doc__, words)
    settings = [Setting(chosen.size, chosen.epochs, HIDDEN_UNITS, rate) for rate in RATES]
    runs = side_by_side(history_of, settings, chosen.jobs)
    print(f"{'rate':>6}  {'training':>9}  {'validation':>10}  (after {chosen.epochs} epochs)")
    for rate, history in zip(RATES, runs, strict=True):
        train, validation = history["train_loss"], history["validation_loss"]
        best = min(range(len(validation)), key=validation.__getitem__)
        print(
            f"{rate:>6g}  {train[-1]:>9.4f}  {validation[-1]:>10.4f}  "
            f"best validation {validation[best]:.4f} after {best + 1}"
        )
        figure = learning_curve(
            {"train_loss": train, "validation_loss": validation},
            title=f"Mean cross-entropy, {HIDDEN_UNITS} hidden units, learning rate {rate:g}",
        )
        save(figure, chosen.out, f"learning_rate_{rate:g}")


if __name__ == "__main__":
    with failures_reported("learning_rates"):
        main()
