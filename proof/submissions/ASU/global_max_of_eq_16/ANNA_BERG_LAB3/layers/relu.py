import numpy as np

class ReluLayer(object):
    def __init__(self):
        self.x = None

    def forward(self, x):
        self.x = np.array(x)
        y = np.array(x)
        y[y <= 0] = 0    # eq. 14
        return y

    def backward(self, y_grad):
        x_grad = np.array(y_grad)
        x_grad[self.x <= 0] = 0
        return x_grad

    def update_param(self, lr):
        pass  # no learnable parameters
