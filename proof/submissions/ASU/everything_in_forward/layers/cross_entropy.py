import numpy as np

class CrossEntropyLayer:
    def forward(self, x, t):
        n = len(x)
        loss = np.sum(np.where(t != 0, -t * np.log(np.where(t != 0, x, 1.0)), 0.0)) / n
        self.grad = np.where(t != 0, -t / (np.where(t != 0, x, 1.0) * n), 0.0)
        return loss

    def backward(self, y_grad=None):
        return self.grad

    def update_param(self, lr):
        pass
