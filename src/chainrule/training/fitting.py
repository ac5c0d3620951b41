"""`fit`: train a network on arrays, without a configuration.

It is what `chainrule.nn.network.Network.fit` calls.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from chainrule.core.arrays import Array
from chainrule.core.errors import ConfigError, ShapeError, shown, unknown
from chainrule.nn.losses import BinaryCrossEntropy
from chainrule.nn.network import Network
from chainrule.training.history import History
from chainrule.training.scores import CLASSES, VALUES, TargetKind
from chainrule.training.settings import Settings, with_batch_size
from chainrule.training.trainer import Part, Trainer

EPOCHS = 20
"""How many epochs `fit` trains for, if it is not told."""

_KNOWN = [each.name for each in fields(Settings) if each.name != "checkpoint_every"]


def fit(
    network: Network,
    x: Any,
    y: Any,
    *,
    epochs: int = EPOCHS,
    validation: tuple[Any, ...] | None = None,
    weights: Any = None,
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
        settings: the others of `chainrule.training.Settings`, such as ``batch_size``,
            ``optimizer`` (by default ``adam``), ``schedule``, ``seed`` and ``engine``; in
            ``callbacks`` names, mappings of type and options, or `Callback` objects.

    Returns:
        The history: ``history["train_loss"]`` and, of validation cases, ``"validation_loss"``,
        with accuracy, or R², beside them.

    Raises:
        ConfigError: a setting is unknown or invalid.
        ShapeError: x, y or weights do not fit the network or each other.
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
            known = ["validation", "weights", *_KNOWN]
            raise ConfigError(unknown("argument of fit", name, known))
    part = _part(x, y, weights)
    named = Settings(**with_batch_size({"epochs": epochs, "optimizer": "adam", **settings}))
    nothing = Part(part.x[:0], part.t[:0])
    held_out = nothing if validation is None else _validation(validation)
    kind = kind_of_targets(network, part.t)
    return Trainer(network, part, held_out, named, kind=kind).run()


def _part(x: Any, y: Any, weights: Any = None) -> Part:
    """Cases as a caller gives them, before the network prepares them."""
    t = np.asarray(y)
    if t.dtype.kind not in "biufc":
        raise ShapeError(
            f"y holds {t.dtype}, but a network is trained on numbers: class numbers 0, 1, ... or "
            "values; chainrule.Classifier takes labels of any type"
        )
    return Part(np.asarray(x), t, None if weights is None else np.asarray(weights))


def _validation(given: Any) -> Part:
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ConfigError(f"validation is (x, y) or (x, y, weights), found {shown(given)}")
    return _part(*given)


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
