"""Problem 1b: softmax regression on the spiral, with its decision boundary.

Run with: python3 prob1b.py [--out out]

The boundaries between the classes are straight lines, so about half the cases are right.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.failures import failures_told
from chainrule.plots.decision_boundary import decision_boundary
from checking import check_gradient, starting_theta
from experiments import accuracy, load, options, save, train
from theta import computeCost, computeGrad, computeNumGrad, create_mini_batch, predict, theta_of

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "main", "predict"]

REG = 1e-3


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, train, draw the boundary."""
    out = options(__doc__, words)
    X, y = load("spiral_train.dat")
    print("Softmax regression on the spiral: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, 3], seed=1), REG)
    theta = theta_of(train("spiral_train.dat", reg=REG, epochs=500, rate=1.0).network)
    right = accuracy(X, y, theta)
    print(f"\nafter 500 steps: cost {computeCost(X, y, theta, REG):.4f}, accuracy {right:.1%}")
    figure = decision_boundary(
        {f"{right:.1%} right": lambda x: predict(x, theta)[1]},
        X,
        y,
        classes=["arm 0", "arm 1", "arm 2"],
        title="Softmax regression on the spiral",
    )
    save(figure, out, "prob1b_boundary")


if __name__ == "__main__":
    with failures_told("prob1b"):
        main()
