"""Problem 1c: softmax regression on iris, trained on minibatches.

Run with: python3 prob1c.py [--out out]
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.cli.failures import failures_told
from chainrule.plots.learning_curve import learning_curve
from checking import check_gradient, starting_theta
from experiments import accuracy, load, options, save, train
from theta import computeCost, computeGrad, computeNumGrad, create_mini_batch, predict, theta_of

__all__ = ["computeCost", "computeGrad", "computeNumGrad", "create_mini_batch", "main", "predict"]

REG = 1e-3
BATCH = 10


def main(words: Sequence[str] | None = None) -> None:
    """Check the gradient on a minibatch, train, draw both losses over the epochs."""
    out = options(__doc__, words)
    X, y = load("iris_train.dat")
    X_valid, y_valid = load("iris_test.dat")
    print(f"Softmax regression on iris: the gradient on the first minibatch of {BATCH} cases")
    check_gradient(*create_mini_batch(X, y, 0, BATCH), starting_theta([4, 3], seed=1), REG)
    run = train(
        "iris_train.dat",
        reg=REG,
        epochs=300,
        rate=0.02,
        batch_size=BATCH,
        validation="iris_test.dat",
    )
    theta = theta_of(run.network)
    print("\nafter 300 epochs        cost  accuracy")
    for name, cases, labels in (("training", X, y), ("validation", X_valid, y_valid)):
        cost, right = computeCost(cases, labels, theta, REG), accuracy(cases, labels, theta)
        print(f"  {name:<18}{cost:>8.4f}  {right:>8.1%}")
    figure = learning_curve(
        run.history, title=f"Softmax regression on iris, minibatches of {BATCH} cases"
    )
    save(figure, out, "prob1c_curves")


if __name__ == "__main__":
    with failures_told("prob1c"):
        main()
