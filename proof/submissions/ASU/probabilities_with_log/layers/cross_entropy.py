import numpy as np

class CrossEntropyLayer(object):
    def forward(self, x, t):
        # the exact logarithm if the softmax layer left one
        log = getattr(x, 'log', None)
        self.x = np.asarray(x)
        self.t = t
        if log is None or log.shape != self.x.shape:
            log = np.log(self.x)
        return float(-(t * log).sum() / len(self.x))

    def backward(self, y_grad=None):
        return -self.t / (self.x * len(self.x))

    def update_param(self, lr):
        pass
