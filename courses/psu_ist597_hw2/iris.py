"""Problem 2 on iris: what 2a asks of one hidden layer and 2b of two.

The inputs are brought to mean 0 and deviation 1 by the training cases' numbers: as they are,
descent is slower, and over-fitting begins only after the epochs that are run here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.data.standardization import Standardization
from chainrule.plots.comparison import compare_histories
from chainrule.plots.learning_curve import learning_curve
from checking import check_gradient, starting_theta
from descent import Cases, Fit, first_theta, fit
from experiments import HIDDEN, load, print_table, save
from theta import create_mini_batch

REG, STEP_SIZE, BATCH, EPOCHS = 1e-3, 0.1, 10, 500
PENALTY, PATIENCE = 5e-3, 60
# What is changed, one at a time, of what was chosen in the end.
TRIED: dict[str, dict[str, Any]] = {
    "10 units a layer": {"units": 10},
    "step size 0.01": {"step_size": 0.01},
    "step size 0.3": {"step_size": 0.3},
    "all cases at once": {"batch_size": None},
    "inputs as they are": {"standardize": False},
    "λ = 0.001": {"reg": 1e-3},
    "λ = 0.03": {"reg": 3e-2},
}
COLUMNS = ["epoch", "training loss", "validation loss", "training acc.", "validation acc."]


def answer(depth: int, out: Path, name: str) -> dict[str, Fit]:
    """Everything that 2a and 2b share: the check, what was tried, over-fitting and two remedies.

    Args:
        depth: how many hidden layers, 1 or 2.
        out: folder for the pictures.
        name: what their names begin with.

    Returns:
        What was learnt without a remedy and with each.
    """
    layers = {1: "one hidden layer", 2: "two hidden layers"}[depth]
    print(f"Iris, {layers} of 6 units: the gradient on the first minibatch of {BATCH} cases")
    minibatch = create_mini_batch(*load("iris_train.dat"), 0, BATCH)
    check_gradient(*minibatch, starting_theta([4, *[6] * depth, 3], seed=1), REG)
    tried = {"as chosen": solve(depth)}
    tried |= {what: solve(depth, every=EPOCHS, **changed) for what, changed in TRIED.items()}
    setting = f"{HIDDEN} units a layer, step size {STEP_SIZE:g}, minibatches of {BATCH}"
    print_fits(f"Tried, one change at a time: {setting}, {EPOCHS} epochs", tried)
    fits = {
        "no remedy": tried["as chosen"],
        f"penalty λ = {PENALTY:g}": solve(depth, reg=PENALTY),
        f"early stopping (patience {PATIENCE})": solve(depth, patience=PATIENCE),
    }
    print_epochs(fits["no remedy"])
    print_fits("Over-fitting and two remedies", fits)
    title = f"Iris, {layers} of {HIDDEN} units, no remedy"
    save(learning_curve(fits["no remedy"].history, title=title), out, f"{name}_losses")
    draw(fits, f"Iris, {layers}: over-fitting and two remedies", out, f"{name}_remedies")
    return fits


def solve(
    depth: int,
    *,
    units: int = HIDDEN,
    standardize: bool = True,
    reg: float = 0.0,
    step_size: float = STEP_SIZE,
    batch_size: int | None = BATCH,
    patience: int | None = None,
    every: int = 1,
) -> Fit:
    """Train hidden layers on iris, watching the validation cases.

    Args:
        depth: how many hidden layers.
        units: of each.
        standardize: bring the inputs to mean 0 and deviation 1.
        reg: see `fit`, as the others.
        step_size: of the descent.
        batch_size: cases a minibatch.
        patience: of early stopping.
        every: how often losses are recorded.
    """
    (X, y), validation = iris(standardize=standardize)
    return fit(
        first_theta([4, *[units] * depth, 3]),
        X,
        y,
        reg=reg,
        step_size=step_size,
        epochs=EPOCHS,
        batch_size=batch_size,
        validation=validation,
        patience=patience,
        every=every,
    )


def iris(*, standardize: bool = True) -> tuple[Cases, Cases]:
    """The training cases and the validation cases."""
    (X, y), (X_valid, y_valid) = load("iris_train.dat"), load("iris_test.dat")
    if standardize:
        scaling = Standardization.fit(X)
        X, X_valid = scaling.apply(X), scaling.apply(X_valid)
    return (X, y), (X_valid, y_valid)


def print_fits(title: str, fits: Mapping[str, Fit]) -> None:
    """A row for each training: what was learnt in the end."""
    rows = [(what, *at_epoch(found, found.epoch)) for what, found in fits.items()]
    print_table(title, ["", *COLUMNS], rows)


def print_epochs(found: Fit) -> None:
    """A row for some epochs of a training, that of the lowest validation loss among them."""
    losses = found.history["validation_loss"]
    lowest = 1 + losses.index(min(losses))
    rows = [at_epoch(found, epoch) for epoch in sorted({1, 10, lowest, 200, EPOCHS})]
    title = f"More and more epochs, without a remedy (validation loss lowest in epoch {lowest})"
    print_table(title, COLUMNS, rows)


def at_epoch(found: Fit, epoch: int) -> tuple[str, ...]:
    """A row of `COLUMNS`: θ as it was after an epoch."""
    k = found.history["epoch"].index(epoch)
    row = {name: column[k] for name, column in found.history.items()}
    return (
        str(epoch),
        f"{row['train_loss']:.4f}",
        f"{row['validation_loss']:.4f}",
        f"{row['train_accuracy']:.1%}",
        f"{row['validation_accuracy']:.1%}",
    )


def draw(fits: Mapping[str, Fit], title: str, out: Path, name: str) -> None:
    """The losses of several trainings superimposed: training solid, validation dashed."""
    histories = {what: found.history for what, found in fits.items()}
    save(compare_histories(histories, column="loss", title=title), out, name)
