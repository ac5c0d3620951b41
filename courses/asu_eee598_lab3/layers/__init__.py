"""The layers of the lab: what `Sequential` stacks, each of which works alone as well."""

from .cross_entropy import CrossEntropyLayer
from .full import FullLayer
from .relu import ReluLayer
from .sequential import Sequential
from .softmax import SoftMaxLayer

__all__ = ["CrossEntropyLayer", "FullLayer", "ReluLayer", "Sequential", "SoftMaxLayer"]
