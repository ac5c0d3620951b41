from .core import Relu as ReluLayer
