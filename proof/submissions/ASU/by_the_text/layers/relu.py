import numpy as np

class ReluLayer(object):
    def __init__(self):
        self.y = None

    def forward(self, x):
        self.y = np.maximum(0, x)
        return self.y

    def backward(self, y_grad):
        return y_grad * (self.y > 0)

    def update_param(self, lr):
        pass
