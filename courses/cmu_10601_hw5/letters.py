"""The homework's data and network: letters in files, one hidden layer of sigmoids, softmax."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from chainrule.core.errors import ConfigError, DataError, Problem
from chainrule.data.dataset import Dataset
from chainrule.data.readers.encoding import encode_classes
from chainrule.data.tables.cases import cases_of_table
from chainrule.data.tables.reading import TableOptions, read_table
from chainrule.nn import Dense, Network, Softmax
from chainrule.training import Callback, History, Part, Settings, Trainer

CLASSES = tuple(str(label) for label in range(10))
"""There are always ten outputs, whichever labels occur."""

RANDOM, ZERO = 1, 2
"""The homework's flags for the first weights."""

WEIGHTS: dict[int, str | tuple[float, float]] = {RANDOM: (-0.1, 0.1), ZERO: "zeros"}


def read_letters(path: Path, features: int | None = None) -> Dataset:
    """A file of cases: the label first, then pixels from 0 to 1, separated by commas; no header.

    Args:
        path: the file.
        features: how many pixels a case must have, where that is known.

    Returns:
        x (cases, pixels) float64, t (cases,) class numbers.

    Raises:
        DataError: with line and column, for whatever is wrong with the file.
    """
    table = read_table(path, TableOptions(header=False))
    label, *inputs = table.columns
    cases = cases_of_table(replace(table, columns=(*inputs, label)))
    assert cases.labels is not None, "a text file is read with its labels"
    found = cases.x.shape[1]
    if features is not None and found != features:
        message = f"found {found} pixels a case, but the training data have {features}"
        raise DataError(Problem(message, path))
    return Dataset(cases.x, encode_classes([cases.labels], CLASSES)[0])


def letters_network(
    pixels: int, hidden_units: int, init_flag: int, learning_rate: float, *, seed: int = 0
) -> Network:
    """ŷ = softmax(σ(x W + b) V + c) with cross-entropy: what the homework trains.

    Args:
        pixels: the inputs of a case.
        hidden_units: sigmoid units.
        init_flag: 1 for weights uniform in [-0.1, 0.1], 2 for zeros; biases start at 0.
        learning_rate: of plain stochastic gradient descent.
        seed: of the first weights.

    Raises:
        ConfigError: an argument out of its range.
    """
    if init_flag not in WEIGHTS:
        raise ConfigError(f"init_flag is 1 (random) or 2 (zero), found {init_flag}")
    start = WEIGHTS[init_flag]
    return Network(
        [
            Dense(hidden_units, "sigmoid", weights=start, name="hidden"),
            Dense(len(CLASSES), "linear", weights=start, name="output"),
            Softmax(),
        ],
        input=pixels,
        loss="cross_entropy",
        learning_rate=learning_rate,
        seed=seed,
    )


def train_letters(
    network: Network,
    train: Dataset,
    validation: Dataset,
    epochs: int,
    *,
    callbacks: tuple[Callback, ...] = (),
) -> History:
    """One case at a time in the order of the file; both mean losses after each epoch.

    In compiled code at any size: there, units that start alike stay alike to the last bit, while
    NumPy's products round the last units of a row differently, which grows with the steps.

    Raises:
        DivergenceError: a loss is no longer finite.
    """
    settings = Settings(
        epochs=epochs, batch_size=1, shuffle=False, evaluate="full", engine="compiled"
    )
    return Trainer(
        network,
        Part(train.x, train.t),
        Part(validation.x, validation.t),
        settings,
        classes=True,
        callbacks=callbacks,
    ).run()
