"""Problem 1d: one hidden relu layer on the spiral, its boundary beside that of problem 1b.

Run with: python3 prob1d.py [--out out]

Draws the boundary beside that of softmax regression, and at several penalties.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from chainrule.cli.terminal import failures_reported
from checking import check_gradient, starting_theta
from descent import accuracy, first_theta, fit
from experiments import ARMS, HIDDEN, draw_boundaries, load, options, print_table, save
from prob1b import softmax_regression
from theta import (
    Array,
    computeCost,
    computeGrad,
    computeNumGrad,
    create_mini_batch,
    predict,
    shuffle,
)

__all__ = [
    "computeCost",
    "computeGrad",
    "computeNumGrad",
    "create_mini_batch",
    "main",
    "predict",
    "shuffle",
]

REG, STEP_SIZE, EPOCHS = 1e-4, 1.0, 1000
PENALTIES = (0.0, REG, 1e-3, 3e-3, 1e-2, 1e-1)
# What is changed, one at a time, of what was chosen in the end.
TRIED: dict[str, dict[str, Any]] = {
    "as chosen": {},
    "3 hidden units": {"units": 3},
    "10 hidden units": {"units": 10},
    "30 hidden units": {"units": 30},
    "step size 0.01": {"step_size": 0.01},
    "step size 0.1": {"step_size": 0.1},
    "step size 10": {"step_size": 10.0},
    "100 epochs": {"epochs": 100},
    "300 epochs": {"epochs": 300},
}


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient, try settings one by one, draw the boundaries."""
    out = options(__doc__, words)
    X, y = load("spiral_train.dat")
    print("One hidden layer on the spiral, 6 units: the gradient against central differences")
    check_gradient(X, y, starting_theta([2, 6, 3], seed=1), REG)
    tried = {name: perceptron(**changed) for name, changed in TRIED.items()}
    title = f"{HIDDEN} hidden units, step size {STEP_SIZE:g}, {EPOCHS} epochs, λ = {REG:g}"
    print_results(f"Tried, one change at a time: {title}", tried)
    penalties = {f"λ = {reg:g}": perceptron(reg=reg) for reg in PENALTIES}
    print_results("The same at several penalties", penalties)
    both = {"softmax regression (1b)": softmax_regression().theta}
    both[f"{HIDDEN} hidden units"] = tried["as chosen"]
    title = "The spiral without and with a hidden layer"
    save(draw_boundaries(both, X, y, ARMS, title), out, "prob1d_boundaries")
    title = f"The spiral, {HIDDEN} hidden units, at several penalties λ"
    save(draw_boundaries(penalties, X, y, ARMS, title), out, "prob1d_penalties")


@cache
def perceptron(
    units: int = HIDDEN, step_size: float = STEP_SIZE, reg: float = REG, epochs: int = EPOCHS
) -> tuple[Array, ...]:
    """The θ that a hidden layer learns of the spiral."""
    X, y = load("spiral_train.dat")
    theta = first_theta([2, units, 3])
    return fit(theta, X, y, reg=reg, step_size=step_size, epochs=epochs, every=50).theta


def print_results(title: str, thetas: Mapping[str, tuple[Array, ...]]) -> None:
    """A line for each θ: the cross-entropy without the penalty, and the accuracy."""
    X, y = load("spiral_train.dat")
    rows = [
        (name, f"{computeCost(X, y, theta, reg=0.0):.4f}", f"{accuracy(X, y, theta):.1%}")
        for name, theta in thetas.items()
    ]
    print_table(title, ["", "cross-entropy", "accuracy"], rows)


if __name__ == "__main__":
    with failures_reported("prob1d"):
        main()
