"""Problem 1c: one hidden relu layer on XOR, and its loss over the epochs.

Run with: python3 prob1c.py [--out out]

With a hidden layer the two sides need not be separated by one line, and all four cases can be
right. With few units some starts end in a flat place with one case wrong; more units help.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from chainrule.plots.comparison import compare_histories
from checking import check_gradient, starting_theta
from descent import Fit, accuracy, first_theta, fit
from experiments import draw_boundaries, load, options, print_table, save
from prob1a import softmax_regression
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

REG = 1e-3  # of the check; a loss without a penalty may fall to 0
HIDDEN, STEP_SIZE, EPOCHS = 6, 0.5, 500
UNITS, STARTS = (2, 4, HIDDEN, 16), 10


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, train, draw the loss and the boundary beside 1a's."""
    out = options(__doc__, words)
    X, y = load("xor.dat")
    print(f"XOR, {HIDDEN} hidden units: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, HIDDEN, 2], seed=1), REG)
    hidden, linear = perceptron(HIDDEN), softmax_regression()
    print_table(
        f"The loss over the epochs, {HIDDEN} hidden units, step size {STEP_SIZE:g}",
        ["epoch", "loss", "accuracy"],
        [
            (
                f"{k}",
                f"{hidden.history['train_loss'][k - 1]:.4f}",
                f"{hidden.history['train_accuracy'][k - 1]:.0%}",
            )
            for k in (1, 10, 50, 100, 200, EPOCHS)
        ],
    )
    print_table(
        f"Tried, {STARTS} starts of {EPOCHS} steps each",
        ["hidden units", "starts with 100% right", "median cost"],
        [(str(units), *over_starts(units)) for units in UNITS],
    )
    found = {"softmax regression (1a)": linear, f"{HIDDEN} hidden units": hidden}
    histories = {name: one.history for name, one in found.items()}
    figure = compare_histories(
        histories, column="train_loss", title="XOR: the loss over the epochs"
    )
    save(figure, out, "prob1c_losses")
    thetas = {name: one.theta for name, one in found.items()}
    figure = draw_boundaries(
        thetas, X, y, ["class 0", "class 1"], "XOR without and with a hidden layer"
    )
    save(figure, out, "prob1c_boundaries")


def perceptron(units: int, seed: int = 1, every: int = 1) -> Fit:
    """What one hidden layer learns of XOR from one start."""
    X, y = load("xor.dat")
    theta = first_theta([2, units, 2], seed=seed)
    return fit(theta, X, y, reg=0.0, step_size=STEP_SIZE, epochs=EPOCHS, every=every)


def over_starts(units: int) -> tuple[str, str]:
    """How many starts end with every case right, and the median of their costs, as text."""
    X, y = load("xor.dat")
    thetas = [perceptron(units, seed, every=EPOCHS).theta for seed in range(1, STARTS + 1)]
    costs = sorted(computeCost(X, y, theta, reg=0.0) for theta in thetas)
    right = sum(accuracy(X, y, theta) == 1 for theta in thetas)
    return f"{right} of {STARTS}", f"{costs[STARTS // 2]:.4f}"


if __name__ == "__main__":
    with failures_reported("prob1c"):
        main()
