"""What the homework's scripts share: their data, their options, training, pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import chainrule
from chainrule.data.files import read_cases
from chainrule.data.lookup import find_data
from chainrule.errors import DataError, Problem
from chainrule.plots.save import save_figure
from chainrule.scores import predicted_classes
from chainrule.training import Callback, Row, Trainer
from theta import Array, Theta, predict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).resolve().parent


def data_file(name: str) -> Path:
    """One of the homework's files, such as ``xor.dat``.

    Raises:
        DataError: it is in none of the places looked in.
    """
    return find_data(name, beside=HERE, within=("psu",))


def load(name: str) -> tuple[Array, Array]:
    """The cases X (N, D) of one of the homework's files, and their class numbers y (N,).

    Raises:
        DataError: the file is not there, or has no class number at a line's end.
    """
    path = data_file(name)
    cases = read_cases(path, label="last")
    if cases.labels is None or cases.labels.are_text or not cases.labels.look_like_classes:
        raise DataError(Problem("the last column holds class numbers", path))
    return cases.x, np.asarray(cases.labels.values).astype(int)


def options(
    description: str | None, words: Sequence[str] | None, *, pictures: bool = True
) -> Path:
    """The folder for pictures that a script's command line names.

    Args:
        description: of the script.
        words: of the command line; None for the program's own.
        pictures: whether the script draws any; otherwise it has no options.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if pictures:
        parser.add_argument("--out", type=Path, help="folder for the pictures")
    out: Path | None = getattr(parser.parse_args(words), "out", None)
    return HERE / "out" if out is None else out


def save(figure: Figure, out: Path, name: str) -> None:
    """Write a picture and say where it is; the folder is made where it is missing."""
    out.mkdir(parents=True, exist_ok=True)
    for path in save_figure(figure, out / f"{name}.png"):
        print(f"picture written to {path}")


def train(
    name: str,
    hidden: Sequence[int] = (),
    *,
    reg: float,
    epochs: int,
    rate: float,
    batch_size: int | str = "full",
    optimizer: str = "sgd",
    validation: str | None = None,
    standardize: bool = False,
    seed: int = 1,
    callbacks: Sequence[Callback] = (),
) -> chainrule.Run:
    """Train on one of the homework's files: softmax regression, or with hidden relu layers.

    Args:
        name: the file's.
        hidden: the units of each hidden layer; none for softmax regression.
        reg: of the homework's penalty.
        epochs: passes over the cases.
        rate: the learning rate.
        batch_size: cases a minibatch.
        optimizer: ``sgd``, ``adam``, ...
        validation: the file that is watched during training.
        standardize: scale the inputs to mean 0 and deviation 1.
        seed: of the first weights and of the order of the cases.
        callbacks: told what happens.

    Raises:
        DataError: a file is missing or damaged.
        DivergenceError: the loss is no longer finite.
    """
    data = {"file": str(data_file(name)), "split": [1, 0, 0], "standardize": standardize}
    if validation is not None:
        data["validation_file"] = str(data_file(validation))
    layers: list[Any] = [{"size": size, "activation": "relu", "weights": "he"} for size in hidden]
    classes = len(np.unique(load(name)[1]))
    config = {
        "network": {
            "loss": "cross_entropy",
            "learning_rate": rate,
            "penalty": {"type": "L2", "rate": reg},
            "layers": [*layers, {"size": classes, "weights": [-0.01, 0.01]}, "softmax"],
        },
        "data": data,
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            # Beside validation, the training loss is to be that of the same θ.
            "evaluate": "running" if validation is None else "full",
            "seed": seed,
        },
    }
    return chainrule.train(config, save=False, callbacks=callbacks)


def accuracy(X: npt.ArrayLike, y: npt.ArrayLike, theta: Theta) -> float:
    """The share of the cases whose class θ finds likeliest; of equals the smaller number."""
    return float(np.mean(predicted_classes(predict(X, theta)[1]) == np.asarray(y)))


class CrossEntropies(Callback):
    """Adds the columns ``train_cross_entropy`` and ``validation_cross_entropy`` to the history.

    The loss of the history holds the penalty; without it, curves at different penalties can be
    compared.
    """

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """See `Callback.on_epoch`."""
        penalty = trainer.network.penalty_loss()
        for part in ("train", "validation"):
            loss = row.get(f"{part}_loss")
            if loss is not None:
                row[f"{part}_cross_entropy"] = loss - penalty


class EarlyStopping(Callback):
    """Ends training when the validation loss has not fallen for a while, and goes back.

    The network is left with the θ at which the loss was lowest.

    Args:
        patience: how many epochs without a new lowest loss are waited for.

    Attributes:
        best_epoch: the epoch whose θ is kept.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best_epoch = 0
        self._lowest = np.inf
        self._theta: Array | None = None

    def on_epoch(self, trainer: Trainer, row: Row) -> None:
        """See `Callback.on_epoch`."""
        loss = row["validation_loss"]
        if loss is not None and loss < self._lowest:
            self._lowest, self.best_epoch = loss, trainer.epoch
            self._theta = trainer.network.theta.copy()
        trainer.stop = trainer.stop or trainer.epoch - self.best_epoch >= self.patience

    def on_end(self, trainer: Trainer) -> None:
        """See `Callback.on_end`."""
        if self._theta is not None:
            trainer.network.theta = self._theta
