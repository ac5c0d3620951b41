"""Problem 2b: two hidden relu layers on iris with minibatches; over-fitting and two remedies.

Run with: python3 prob2b.py [--out out]

Without a penalty the training loss goes on falling long after the validation loss has begun to
rise. A penalty keeps it down; early stopping ends in time and goes back to the best epoch.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule import Run
from chainrule.cli.failures import failures_told
from chainrule.plots.comparison import compare_histories
from checking import check_gradient, starting_theta
from experiments import CrossEntropies, EarlyStopping, load, options, save, train
from theta import computeCost, computeGrad, computeNumGrad, create_mini_batch, predict, theta_of

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "main", "predict"]

REG = 1e-3
BATCH = 10
HIDDEN = (100, 100)
EPOCHS = 300
PENALTY = 1e-2
PATIENCE = 30


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient on a minibatch, train three times, draw all losses in one picture."""
    out = options(__doc__, words)
    X, y = load("iris_train.dat")
    print(f"Two hidden layers on iris: the gradient on the first minibatch of {BATCH} cases")
    small = starting_theta([4, 6, 5, 3], seed=1)
    check_gradient(*create_mini_batch(X, y, 0, BATCH), small, REG)
    stopping = EarlyStopping(PATIENCE)
    runs = {
        "no remedy": fit(0.0),
        f"penalty λ = {PENALTY:g}": fit(PENALTY),
        f"early stopping (patience {PATIENCE})": fit(0.0, stopping),
    }
    print(f"\nat the end          {'training':>10}{'validation':>12}  accuracies")
    for name, run in runs.items():
        report(name.partition(" (")[0], run)
    print(f"early stopping went back to epoch {stopping.best_epoch}")
    figure = compare_histories(
        {name: run.history for name, run in runs.items()},
        column="cross_entropy",
        title="Iris: over-fitting and two remedies",
    )
    save(figure, out, "prob2b_overfitting")


def fit(reg: float, *stopping: EarlyStopping) -> Run:
    """Train two hidden layers on iris, on inputs of mean 0 and deviation 1."""
    return train(
        "iris_train.dat",
        HIDDEN,
        reg=reg,
        epochs=EPOCHS,
        rate=0.1,
        batch_size=BATCH,
        validation="iris_test.dat",
        standardize=True,
        callbacks=[CrossEntropies(), *stopping],
    )


def report(name: str, run: Run) -> None:
    """Print the cross-entropies, without penalty, and the accuracies of what was learnt."""
    theta, costs, accuracies = theta_of(run.network), [], []
    for part, score in ((run.data.train, run.train), (run.data.validation, run.validation)):
        costs.append(computeCost(part.x, part.t, theta, reg=0.0))
        accuracies.append((score.accuracy if score else None) or 0.0)
    print(
        f"  {name:<18}{costs[0]:>10.4f}{costs[1]:>12.4f}  {accuracies[0]:.1%}, {accuracies[1]:.1%}"
    )


if __name__ == "__main__":
    with failures_told("prob2b"):
        main()
