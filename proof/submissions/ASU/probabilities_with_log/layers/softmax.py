import numpy as np

class Probabilities(np.ndarray):
    """probabilities that remember their logarithms (used by the cross-entropy)"""
    log = None

class SoftMaxLayer(object):
    def forward(self, x):
        s = x - x.max(axis=1, keepdims=True)
        log = s - np.log(np.exp(s).sum(axis=1, keepdims=True))
        z = np.exp(log).view(Probabilities)
        z.log = log
        self.z = np.asarray(z)
        return z

    def backward(self, y_grad):
        y_grad = np.asarray(y_grad)
        return self.z * (y_grad - (self.z * y_grad).sum(axis=1, keepdims=True))

    def update_param(self, lr):
        pass
