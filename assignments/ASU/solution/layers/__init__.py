from .cross_entropy import CrossEntropyLayer
from .full import FullLayer
from .relu import ReluLayer
from .sequential import Sequential
from .softmax import SoftMaxLayer

__all__ = ["CrossEntropyLayer", "FullLayer", "ReluLayer", "Sequential", "SoftMaxLayer"]
