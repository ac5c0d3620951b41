"""The layers, one a file; `LAYERS` is the table of those a configuration may name."""

from collections.abc import Mapping

from chainrule.layers.base import Layer
from chainrule.layers.conv2d import Conv2D
from chainrule.layers.dense import Dense
from chainrule.layers.flatten import Flatten
from chainrule.layers.join import Add, Concatenate, Join
from chainrule.layers.locally_connected2d import LocallyConnected2D
from chainrule.layers.pooled import AveragePool2D, MaxPool2D
from chainrule.layers.recurrent import Recurrent
from chainrule.layers.softmax import Softmax

LAYERS: Mapping[str, type[Layer]] = {
    "dense": Dense,
    "softmax": Softmax,
    "recurrent": Recurrent,
    "conv2d": Conv2D,
    "locally_connected2d": LocallyConnected2D,
    "max_pool2d": MaxPool2D,
    "average_pool2d": AveragePool2D,
    "flatten": Flatten,
    "add": Add,
    "concatenate": Concatenate,
}
"""The layers by the ``type`` of a configuration."""

__all__ = [
    "LAYERS",
    "Add",
    "AveragePool2D",
    "Concatenate",
    "Conv2D",
    "Dense",
    "Flatten",
    "Join",
    "Layer",
    "LocallyConnected2D",
    "MaxPool2D",
    "Recurrent",
    "Softmax",
]
