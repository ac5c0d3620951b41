"""`fit`: train a network on arrays, without a configuration.

It is what `chainrule.nn.network.Network.fit` calls.
"""

from __future__ import annotations

from dataclasses import fields
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.core.arrays import Array, as_numbers, weights_of_cases
from chainrule.core.errors import ConfigError, ShapeError, shown, unknown
from chainrule.core.files import reported
from chainrule.nn.losses import BinaryCrossEntropy
from chainrule.nn.network import Network
from chainrule.training.history import History
from chainrule.training.scores import CLASSES, VALUES, TargetKind
from chainrule.training.settings import Settings, with_batch_size
from chainrule.training.trainer import Part, Trainer

EPOCHS = 20
"""How many epochs `fit` trains for, if it is not told."""

_ANYTHING = "biufcUSOMm"
"""NumPy's letters of all kinds of arrays, of which some are refused later, with more advice."""

_KNOWN = [each.name for each in fields(Settings) if each.name != "checkpoint_every"]


def fit(
    network: Network,
    x: Any,
    y: Any,
    *,
    epochs: int = EPOCHS,
    validation: tuple[Any, ...] | None = None,
    weights: Any = None,
    folder: str | PathLike[str] | None = None,
    **settings: Any,
) -> History:
    """Train a network on arrays, from its parameters as they are.

    Args:
        network: what to train; its θ is changed in place.
        x: inputs as `Network.loss` takes them, (cases, input), images or sequences.
        y: targets as it takes them: class numbers (cases,), rows (cases, outputs) or values.
        epochs: how often training goes through the cases.
        validation: (x, y) or (x, y, weights) of cases to evaluate after each epoch.
        weights: how much each case counts, (cases,), of which only the ratios matter.
        folder: where the callbacks ``csv_log`` and ``tensorboard`` write; made if it is missing.
        settings: the others of `chainrule.training.Settings`, such as ``batch_size``,
            ``optimizer`` (by default ``adam``), ``schedule``, ``seed`` and ``engine``; in
            ``callbacks`` names, mappings of type and options, or `Callback` objects.

    Returns:
        The history: ``history["train_loss"]`` and, of validation cases, ``"validation_loss"``,
        with accuracy, or R², beside them.

    Raises:
        ConfigError: a setting is unknown or invalid.
        ShapeError: x, y or weights do not fit the network or each other, or are not finite.
        DivergenceError: a loss or gradient is no longer finite.

    Example:
        >>> from chainrule.nn import Dense, Softmax
        >>> network = Network([Dense(8, "tanh"), Dense(2), Softmax()], input=2, seed=1)
        >>> x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> history = fit(network, x, [0, 1, 1, 0], epochs=100, optimizer="adam")
        >>> len(history["train_loss"]), history["train_accuracy"][-1]
        (100, 1.0)
    """
    for name in settings:
        if name not in _KNOWN:
            known = ["validation", "weights", "folder", *_KNOWN]
            raise ConfigError(unknown("argument of fit", name, known))
    part = _part(network, x, y, weights)
    chosen = {"epochs": epochs, "optimizer": "adam", "health": False, **settings}
    named = Settings(**with_batch_size(chosen))
    nothing = Part(part.x[:0], part.t[:0])
    held_out = nothing if validation is None else _validation(network, validation)
    kind = kind_of_targets(network, part.t)
    files = None if folder is None else ()
    trainer = Trainer(network, part, held_out, named, kind=kind, files=files)
    trainer.folder = None if folder is None else _made(folder)
    return trainer.run()


def _made(folder: str | PathLike[str]) -> Path:
    """The path of a folder, which is made if it does not exist."""
    if not isinstance(folder, str | PathLike):
        raise ConfigError(f"folder is a path, found {shown(folder)}")
    path = Path(folder)
    with reported(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def _part(network: Network, x: Any, y: Any, weights: Any = None, *, of: str = "") -> Part:
    """Cases as a caller gives them, before the network prepares them."""
    t = as_numbers(y, f"{of}y", _ANYTHING)
    if t.dtype.kind not in "biufc":
        raise ShapeError(
            f"{of}y holds {t.dtype}, but a network is trained on numbers: class numbers 0, 1, ... "
            "or values; chainrule.Classifier takes labels of any type"
        )
    if len(network.layers[-1].output_shape) == 1:  # otherwise NaN stands for a step without one
        _require_finite(t, f"{of}y")
    inputs = _inputs(network, x, f"{of}x")
    return Part(inputs, t, None if weights is None else weights_of_cases(weights, len(inputs)))


def _inputs(network: Network, x: Any, name: str) -> Array:
    """The inputs as an array of finite numbers, except padding in sequences."""
    sequences = network.reads_sequences
    try:
        inputs = as_numbers(x, name, _ANYTHING)
    except ShapeError as error:
        if not sequences:
            raise
        raise ShapeError(f"{error}; shorter sequences are padded with NaN at their end") from None
    if inputs.dtype.kind not in "fc":
        return inputs
    if not sequences:
        _require_finite(inputs, name)
    elif inputs.size % network.input == 0:
        steps = inputs.reshape(-1, *network.input_shape)
        padded = np.isnan(steps).all(axis=2, keepdims=True)
        _require_finite(np.where(padded, 0, steps), name, " (padding is a step of NaN alone)")
    return inputs


def _require_finite(array: Array, name: str, but: str = "") -> None:
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return
    wrong = np.argwhere(~np.isfinite(array))
    place = ", ".join(map(str, wrong[0]))
    more = f", and {len(wrong) - 1:,} more are not finite" if len(wrong) > 1 else ""
    raise ShapeError(
        f"{name}[{place}] is {array[tuple(wrong[0])]}{more}; a network is trained on finite "
        f"numbers{but}: fill others in, or leave these cases out"
    )


def _validation(network: Network, given: Any) -> Part:
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ConfigError(
            f"validation is (x, y) or (x, y, weights) of cases held out, found {shown(given)}"
        )
    return _part(network, *given, of="validation ")


def kind_of_targets(network: Network, t: Array) -> TargetKind:
    """Whether targets are classes, labels of which a case may have several, or values.

    Args:
        network: with its loss, which decides.
        t: the targets as the network takes them.
    """
    loss = network.loss_function
    if loss.for_classes or network.layers[-1].gives_distribution:
        return CLASSES
    if not isinstance(loss, BinaryCrossEntropy):
        return VALUES
    several = t.ndim > 1 and t.shape[-1] > 1
    return TargetKind(multi_label=True) if several else CLASSES
