"""The layers, one a file; `LAYERS` is the table of those a configuration may name."""

from collections.abc import Mapping

from chainrule.layers.base import Layer
from chainrule.layers.dense import Dense
from chainrule.layers.join import Add, Concatenate, Join
from chainrule.layers.recurrent import Recurrent
from chainrule.layers.softmax import Softmax

LAYERS: Mapping[str, type[Layer]] = {
    "dense": Dense,
    "softmax": Softmax,
    "recurrent": Recurrent,
    "add": Add,
    "concatenate": Concatenate,
}
"""The layers by the ``type`` of a configuration."""

__all__ = ["LAYERS", "Add", "Concatenate", "Dense", "Join", "Layer", "Recurrent", "Softmax"]
