import numpy as np

class SoftMaxLayer(object):
    def __init__(self):
        self.output = None

    def forward(self, x):
        y = (x.T - x.max(axis=1))            # columns are samples from here on
        e = np.exp(y)
        self.output = (e / e.sum(axis=0)).T
        return self.output

    def backward(self, y_grad):
        z = self.output.T
        g = y_grad.T
        return (z * g - z * (z * g).sum(axis=0)).T

    def update_param(self, lr):
        pass
