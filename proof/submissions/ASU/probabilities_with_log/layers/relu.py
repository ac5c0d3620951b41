import numpy as np

class ReluLayer(object):
    def forward(self, x):
        self.x = x
        return np.maximum(x, np.zeros_like(x))

    def backward(self, y_grad):
        return y_grad * np.heaviside(self.x, 0)

    def update_param(self, lr):
        pass
