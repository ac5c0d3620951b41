import numpy as np


class FullLayer:
    """A fully connected layer: x Wᵀ + b."""

    def __init__(self, n_i, n_o):
        self.W = np.random.normal(0, np.sqrt(2 / (n_i + n_o)), (n_o, n_i))
        self.b = np.zeros((1, n_o))
        self.x = self.W_grad = self.b_grad = None

    def forward(self, x):
        self.x = x
        return x @ self.W.T + self.b

    def backward(self, y_grad):
        self.W_grad = y_grad.T @ self.x
        self.b_grad = y_grad.sum(axis=0, keepdims=True)
        return y_grad @ self.W

    def update_param(self, lr):
        self.W = self.W - lr * self.W_grad
        self.b = self.b - lr * self.b_grad
