import numpy as np
from .node import Node

class CrossEntropyLayer(Node):
    def run(self, x, t):
        n = len(x)
        yield -(t * np.log(x)).sum() / n
        while True:
            yield -t / x / n
