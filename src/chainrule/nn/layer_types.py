"""All classes of layers; `LAYERS` is the table of those that a configuration may name."""

from collections.abc import Mapping

from chainrule.nn.images.conv2d import Conv2D
from chainrule.nn.images.locally_connected2d import LocallyConnected2D
from chainrule.nn.images.pooled import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from chainrule.nn.layers.base import Layer, arguments_of
from chainrule.nn.layers.dense import Dense
from chainrule.nn.layers.dropout import Dropout
from chainrule.nn.layers.embedding import Embedding
from chainrule.nn.layers.flatten import Flatten
from chainrule.nn.layers.join import Add, Concatenate, Join
from chainrule.nn.layers.normalization import BatchNorm, LayerNorm
from chainrule.nn.layers.softmax import Softmax
from chainrule.nn.sequences.gru import GRU
from chainrule.nn.sequences.lstm import LSTM
from chainrule.nn.sequences.recurrent import Recurrent

LAYERS: Mapping[str, type[Layer]] = {
    "dense": Dense,
    "softmax": Softmax,
    "embedding": Embedding,
    "recurrent": Recurrent,
    "lstm": LSTM,
    "gru": GRU,
    "conv2d": Conv2D,
    "locally_connected2d": LocallyConnected2D,
    "max_pool2d": MaxPool2D,
    "average_pool2d": AveragePool2D,
    "global_average_pool2d": GlobalAveragePool2D,
    "flatten": Flatten,
    "dropout": Dropout,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "add": Add,
    "concatenate": Concatenate,
}
"""The layers by the ``type`` of a configuration."""


__all__ = [
    "GRU",
    "LAYERS",
    "LSTM",
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
    "MaxPool2D",
    "Recurrent",
    "Softmax",
    "arguments_of",
]
