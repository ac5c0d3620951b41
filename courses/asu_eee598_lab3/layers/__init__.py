"""The layers of the lab: what `Sequential` stacks, each of which works alone as well.

``import layers.FullLayer`` is as good as ``import layers``, as the lab writes it.
"""

import sys

from .conv import ConvLayer
from .cross_entropy import CrossEntropyLayer
from .flatten import FlattenLayer
from .full import FullLayer
from .maxpool import MaxPoolLayer
from .relu import ReluLayer
from .sequential import Sequential
from .softmax import SoftMaxLayer

__all__ = [
    "ConvLayer",
    "CrossEntropyLayer",
    "FlattenLayer",
    "FullLayer",
    "MaxPoolLayer",
    "ReluLayer",
    "Sequential",
    "SoftMaxLayer",
]

# An import statement takes what stands here under the dotted name, whatever it is.
sys.modules.update({f"{__name__}.{name}": globals()[name] for name in __all__})
