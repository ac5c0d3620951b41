"""Problem 2a: a multilayer perceptron with one hidden relu layer, on XOR and on the spiral.

Run with: python3 prob2a.py [--out out]

Draws the spiral's boundary beside that of softmax regression, and at several penalties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from chainrule.cli.failures import failures_told
from chainrule.plots.decision_boundary import decision_boundary
from checking import check_gradient, starting_theta
from experiments import accuracy, load, options, save, train
from theta import (
    Array,
    Theta,
    computeCost,
    computeGrad,
    computeNumGrad,
    create_mini_batch,
    predict,
    theta_of,
)

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "main", "predict"]

REG = 1e-3
XOR_HIDDEN = 16
SPIRAL_HIDDEN = 100
BEST_PENALTY = 1e-4
PENALTIES = (0.0, BEST_PENALTY, 1e-3, 3e-3, 1e-2, 1e-1)


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient on XOR, solve it, then the spiral with its boundaries."""
    out = options(__doc__, words)
    solve_xor()
    print(f"\nThe spiral, {SPIRAL_HIDDEN} hidden units")
    thetas = {reg: solve_spiral(reg) for reg in PENALTIES}
    linear = theta_of(train("spiral_train.dat", reg=REG, epochs=500, rate=1.0).network)
    both = {"softmax regression": linear, f"{SPIRAL_HIDDEN} hidden units": thetas[BEST_PENALTY]}
    draw(both, "The spiral without and with a hidden layer", out, "prob2a_difference")
    at_penalties = {f"λ = {reg:g}": theta for reg, theta in thetas.items()}
    draw(at_penalties, "The spiral at several penalties λ", out, "prob2a_penalties")


def solve_xor() -> None:
    """The gradient check on XOR, and training to the end."""
    X, y = load("xor.dat")
    print(f"XOR, {XOR_HIDDEN} hidden units: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, XOR_HIDDEN, 2], seed=1), REG)
    theta = theta_of(train("xor.dat", [XOR_HIDDEN], reg=REG, epochs=500, rate=0.5).network)
    cost = computeCost(X, y, theta, REG)
    print(f"after 500 steps: cost {cost:.4f}, accuracy {accuracy(X, y, theta):.0%}")


def solve_spiral(reg: float) -> tuple[Array, ...]:
    """The θ that a hidden layer learns at one penalty."""
    X, y = load("spiral_train.dat")
    run = train(
        "spiral_train.dat", [SPIRAL_HIDDEN], reg=reg, epochs=1000, rate=0.01, optimizer="adam"
    )
    theta = theta_of(run.network)
    cost = computeCost(X, y, theta, reg)
    print(f"  λ = {reg:<6g}  cost {cost:.4f}  accuracy {accuracy(X, y, theta):.1%}")
    return theta


def probabilities(theta: Theta, x: Array) -> Array:
    """What the picture asks at every point of the plane."""
    return predict(x, theta)[1]


def draw(thetas: Mapping[str, Theta], title: str, out: Path, name: str) -> None:
    """A panel for each θ, with the share of the cases that are right."""
    X, y = load("spiral_train.dat")
    networks = {
        f"{what}: {accuracy(X, y, theta):.1%} right": partial(probabilities, theta)
        for what, theta in thetas.items()
    }
    classes = ["arm 0", "arm 1", "arm 2"]
    save(decision_boundary(networks, X, y, classes=classes, title=title), out, name)


if __name__ == "__main__":
    with failures_told("prob2a"):
        main()
