"""Problem 2b: two hidden relu layers on iris, compared with the one of problem 2a.

Run with: python3 prob2b.py [--out out]

Two layers learn the training cases faster and better, and over-fit more; the remedies of 2a help.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from experiments import options
from iris import PENALTY, answer, draw, print_fits, solve
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


def main(words: Sequence[str] | None = None) -> None:
    """What 2a does with one hidden layer, with two; then both side by side."""
    out = options(__doc__, words)
    two = [*answer(2, out, "prob2b").values()]
    both = {
        "one hidden layer (2a)": solve(1),
        "two hidden layers": two[0],
        f"one, λ = {PENALTY:g}": solve(1, reg=PENALTY),
        f"two, λ = {PENALTY:g}": two[1],
    }
    print_fits("One hidden layer and two", both)
    unpenalised = {what: both[what] for what in list(both)[:2]}
    draw(unpenalised, "Iris: one hidden layer and two", out, "prob2b_depths")


if __name__ == "__main__":
    with failures_reported("prob2b"):
        main()
