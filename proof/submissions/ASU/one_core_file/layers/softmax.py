from .core import SoftMax as SoftMaxLayer
