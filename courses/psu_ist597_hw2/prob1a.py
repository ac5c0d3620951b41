"""Problem 1a: softmax regression on XOR, its gradient checked.

Run with: python3 prob1a.py [--out out]

One line cannot separate XOR: whatever θ, at most 3 of the 4 cases are on their side of it. The
lowest cost is that of W = 0, where every probability is ½, and descent goes there. Which cases are
right there is chance: from other starts it is 25 % or 50 %.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from chainrule.plots.comparison import compare_histories
from checking import check_gradient, starting_theta
from descent import Fit, accuracy, first_theta, fit
from experiments import load, options, print_table, save
from theta import computeCost, computeGrad, computeNumGrad, create_mini_batch, predict, shuffle

__all__ = [
    "computeCost",
    "computeGrad",
    "computeNumGrad",
    "create_mini_batch",
    "main",
    "predict",
    "shuffle",
]

REG, STEP_SIZE, EPOCHS, SEED = 1e-3, 0.1, 500, 3
TRIED = [(0.03, 0.0), (0.03, REG), (STEP_SIZE, 0.0), (STEP_SIZE, REG), (3.0, 0.0), (3.0, REG)]


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, train at several rates, show the four cases' probabilities."""
    out = options(__doc__, words)
    X, y = load("xor.dat")
    print("Softmax regression on XOR: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, 2], seed=1), REG)
    fits = {setting: softmax_regression(*setting) for setting in TRIED}
    print_table(
        f"Tried, {EPOCHS} steps each (ln 2 = 0.693147)",
        ["step size, λ", "cost", "accuracy", "largest |p − ½|"],
        [
            (
                f"{step:g}, {reg:g}",
                f"{computeCost(X, y, found.theta, reg):.6f}",
                f"{accuracy(X, y, found.theta):.0%}",
                f"{abs(predict(X, found.theta)[1] - 0.5).max():.0e}",
            )
            for (step, reg), found in fits.items()
        ],
    )
    theta = fits[STEP_SIZE, REG].theta
    print_table(
        f"The cases at step size {STEP_SIZE:g}, λ = {REG:g}",
        ["case", "class", "p of class 0", "p of class 1"],
        [
            (f"{case[0]:g} {case[1]:g}", str(label), f"{p[0]:.4f}", f"{p[1]:.4f}")
            for case, label, p in zip(X, y, predict(X, theta)[1], strict=True)
        ],
    )
    figure = compare_histories(
        {f"step size {step:g}": fits[step, reg].history for step, reg in TRIED if not reg},
        column="loss",
        title="Softmax regression on XOR: never below ln 2 = 0.693",
        x_label="steps",
    )
    save(figure, out, "prob1a_losses")


def softmax_regression(step_size: float = STEP_SIZE, reg: float = REG) -> Fit:
    """What softmax regression learns of XOR."""
    X, y = load("xor.dat")
    theta = first_theta([2, 2], seed=SEED)
    return fit(theta, X, y, reg=reg, step_size=step_size, epochs=EPOCHS)


if __name__ == "__main__":
    with failures_reported("prob1a"):
        main()
