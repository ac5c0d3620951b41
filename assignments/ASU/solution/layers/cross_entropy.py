import numpy as np


class CrossEntropyLayer:
    """The mean cross-entropy of probabilities x with one-hot labels t."""

    def __init__(self):
        self.x = self.t = None

    def forward(self, x, t):
        self.x, self.t = x, t
        return -np.sum(t * np.log(x)) / len(x)

    def backward(self, y_grad=None):
        return -self.t / (len(self.x) * self.x)
