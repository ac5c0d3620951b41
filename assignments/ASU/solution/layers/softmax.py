import numpy as np


class SoftMaxLayer:
    """Softmax of every row, and its Jacobian diag(z) − zᵀz row by row."""

    def __init__(self):
        self.z = None

    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.z = e / e.sum(axis=1, keepdims=True)
        return self.z

    def backward(self, y_grad):
        x_grad = np.zeros_like(self.z)
        for i, z in enumerate(self.z):
            jacobian = np.diag(z) - np.outer(z, z)
            x_grad[i] = y_grad[i] @ jacobian
        return x_grad

    def update_param(self, lr):
        pass
