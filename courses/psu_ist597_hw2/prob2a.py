"""Problem 2a: one hidden relu layer on iris with minibatches; over-fitting and two remedies.

Run with: python3 prob2a.py [--out out]

Without a remedy the training loss goes on falling long after the validation loss has begun to
rise. A penalty keeps it down; early stopping ends in time and goes back to the best epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.terminal import failures_reported
from experiments import options
from iris import answer
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
    """Check the gradient on a minibatch, train in several ways, draw the losses."""
    answer(1, options(__doc__, words), "prob2a")


if __name__ == "__main__":
    with failures_reported("prob2a"):
        main()
