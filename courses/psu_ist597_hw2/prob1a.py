"""Problem 1a: softmax regression on XOR, its gradient checked.

Run with: python3 prob1a.py

One line cannot separate XOR: whatever θ, at most 3 of the 4 cases are on their side of it. The
lowest cost is that of W = 0, where every probability is ½.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.failures import failures_told
from checking import check_gradient, starting_theta
from experiments import accuracy, load, options, train
from theta import computeCost, computeGrad, computeNumGrad, create_mini_batch, predict, theta_of

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "main", "predict"]

REG = 1e-3


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, train, and show the probabilities of the four cases."""
    options(__doc__, words, pictures=False)
    X, y = load("xor.dat")
    print("Softmax regression on XOR: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, 2], seed=1), REG)
    run = train("xor.dat", reg=REG, epochs=200, rate=0.1)
    theta = theta_of(run.network)
    print(f"\nafter 200 steps: cost {computeCost(X, y, theta, REG):.6f} (ln 2 = 0.693147)")
    for case, label, p in zip(X, y, predict(X, theta)[1], strict=True):
        print(f"  {case}  class {label}  probabilities {p[0]:.4f} {p[1]:.4f}")
    print(f"accuracy {accuracy(X, y, theta):.0%}")


if __name__ == "__main__":
    with failures_told("prob1a"):
        main()
