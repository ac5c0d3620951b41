from .core import CrossEntropy as CrossEntropyLayer
