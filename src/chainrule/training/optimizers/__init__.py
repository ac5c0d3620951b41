"""The optimisers: how a gradient changes θ.

An optimiser is bound to a θ, a gradient vector of the same layout, and the learning rates of
slices of θ. ``step()`` then changes θ in place, once per minibatch. The optimiser's state consists
of ``steps`` and of ``state``, named vectors of θ's length. The table `OPTIMIZERS` holds the
classes by name; the fields of a class are its options. L-BFGS, which asks for several gradients a
step, is a class of its own kind: see `LBFGS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chainrule.core.registry import from_table
from chainrule.training.optimizers.base import Optimizer, Rates, clip_norm, norm
from chainrule.training.optimizers.lbfgs import LBFGS
from chainrule.training.optimizers.rules import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Momentum,
    Nadam,
    RMSProp,
)

__all__ = [
    "LBFGS",
    "OPTIMIZERS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nadam",
    "Optimizer",
    "RMSProp",
    "Rates",
    "clip_norm",
    "norm",
    "optimizer",
]

OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "adagrad": AdaGrad,
    "rmsprop": RMSProp,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": Nadam,
    "lbfgs": LBFGS,
}
"""The optimisers by name."""


def optimizer(value: str | Mapping[str, Any] | Optimizer) -> Optimizer:
    """A new optimiser: by name, by ``type`` with its options, or with those of an object.

    Raises:
        ConfigError: the name or an option is unknown, or an option is out of its range.

    Example:
        >>> optimizer({"type": "momentum", "nesterov": True})
        Momentum(momentum=0.9, nesterov=True)
    """
    # An object is not bound itself: several trainings may be given the same one.
    return replace(from_table("optimizer", OPTIMIZERS, value, numbers=False))
