import numpy as np

class ReluLayer(object):
    def __init__(self):
        self.x = None

    def forward(self, x):
        self.x = x
        y = np.zeros(x.shape)
        idx = np.where(x > 0)
        y[idx] = x[idx]
        return y

    def backward(self, y_grad):
        x_grad = np.zeros(self.x.shape)
        idx = np.where(self.x > 0)
        x_grad[idx] = y_grad[idx]
        return x_grad

    def update_param(self, lr):
        pass
