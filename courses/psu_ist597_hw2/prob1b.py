"""Problem 1b: softmax regression on the spiral, with its decision boundary.

Run with: python3 prob1b.py [--out out]

The boundaries between the classes are straight lines, so about half the cases are right.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from checking import check_gradient, starting_theta
from descent import Fit, accuracy, first_theta, fit
from experiments import ARMS, draw_boundaries, load, options, print_table, save
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

REG, STEP_SIZE, EPOCHS = 1e-3, 1.0, 500
TRIED = [(0.1, REG), (STEP_SIZE, 0.0), (STEP_SIZE, REG), (STEP_SIZE, 1e-2), (10.0, REG)]


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, train at several rates, draw the boundary."""
    out = options(__doc__, words)
    X, y = load("spiral_train.dat")
    print("Softmax regression on the spiral: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, 3], seed=1), REG)
    thetas = {setting: softmax_regression(*setting).theta for setting in TRIED}
    print_table(
        f"Tried, {EPOCHS} steps each",
        ["step size, λ", "cost", "accuracy"],
        [
            (
                f"{step:g}, {reg:g}",
                f"{computeCost(X, y, theta, reg):.4f}",
                f"{accuracy(X, y, theta):.1%}",
            )
            for (step, reg), theta in thetas.items()
        ],
    )
    chosen = {f"step size {STEP_SIZE:g}, λ = {REG:g}": thetas[STEP_SIZE, REG]}
    figure = draw_boundaries(chosen, X, y, ARMS, "Softmax regression on the spiral")
    save(figure, out, "prob1b_boundary")


def softmax_regression(step_size: float = STEP_SIZE, reg: float = REG) -> Fit:
    """What softmax regression learns of the spiral."""
    X, y = load("spiral_train.dat")
    theta = first_theta([2, 3])
    return fit(theta, X, y, reg=reg, step_size=step_size, epochs=EPOCHS, every=10)


if __name__ == "__main__":
    with failures_reported("prob1b"):
        main()
