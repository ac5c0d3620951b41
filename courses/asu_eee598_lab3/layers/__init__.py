"""The layers of the lab: what `Sequential` stacks, each of which works alone as well."""

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
