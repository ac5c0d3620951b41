import numpy as np

class CrossEntropyLayer(object):
    def __init__(self):
        self.z = None
        self.t = None

    def forward(self, x, t):
        self.z, self.t = x, t
        per_sample = [-np.dot(ti, np.log(zi)) for zi, ti in zip(x, t)]
        return np.mean(per_sample)

    def backward(self, y_grad=None):
        return np.negative(self.t) / (len(self.z) * self.z)

    def update_param(self, lr):
        pass
