from .full import FullLayer
from .relu import ReluLayer
from .softmax import SoftMaxLayer
from .cross_entropy import CrossEntropyLayer
from .sequential import Sequential
