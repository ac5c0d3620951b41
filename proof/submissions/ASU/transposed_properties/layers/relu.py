import numpy as np

class ReluLayer(object):
    def __init__(self):
        self.input = None

    def forward(self, x):
        self.input = x
        return np.where(x > 0, x, 0.)

    def backward(self, y_grad):
        return np.where(self.input > 0, y_grad, 0.)

    def update_param(self, lr):
        pass
