"""What networks are made of: layers, activations, losses, penalties and their parameters.

    >>> from chainrule import nn
    >>> network = nn.Network([nn.Dense(4, "tanh"), nn.Dense(3), nn.Softmax()], input=2, seed=1)
    >>> network.forward_pass([[0.5, -1.0]]).shape
    (1, 3)

The names below are imported when they are first used, so that ``from chainrule import nn`` is
quick.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from chainrule.nn.activations import Activation
    from chainrule.nn.layer_types import (
        GRU,
        LSTM,
        Add,
        AveragePool2D,
        BatchNorm,
        Concatenate,
        Conv2D,
        Dense,
        Dropout,
        Embedding,
        Flatten,
        GlobalAveragePool2D,
        Join,
        Layer,
        LayerNorm,
        LocallyConnected2D,
        MaxPool2D,
        Recurrent,
        Softmax,
    )
    from chainrule.nn.losses import Loss
    from chainrule.nn.network import Network

_HOME = {"Activation": "activations", "Loss": "losses", "Network": "network"}
"""The module of each name that is no layer."""

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "AveragePool2D",
    "BatchNorm",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePool2D",
    "Join",
    "Layer",
    "LayerNorm",
    "LocallyConnected2D",
    "Loss",
    "MaxPool2D",
    "Network",
    "Recurrent",
    "Softmax",
]


def __getattr__(name: str) -> Any:
    """Import a public name, or a module of this folder, the first time it is used."""
    from importlib import import_module
    from importlib.util import find_spec

    if name in __all__:
        value = getattr(import_module(f"chainrule.nn.{_HOME.get(name, 'layer_types')}"), name)
        globals()[name] = value
        return value
    if find_spec(f"chainrule.nn.{name}") is None:
        from chainrule.core.errors import nearest

        guess = None if name.startswith("_") else nearest(name, __all__)
        hint = f"; did you mean {guess!r}?" if guess else ""
        raise AttributeError(f"module 'chainrule.nn' has no attribute {name!r}{hint}")
    return import_module(f"chainrule.nn.{name}")


def __dir__() -> list[str]:
    """The public names, for completion at a prompt."""
    return sorted(__all__)
