import numpy as np
from .node import Node

class FullLayer(Node):
    def __init__(self, n_i, n_o):
        self.W = np.random.normal(0, np.sqrt(2 / (n_i + n_o)), (n_o, n_i))
        self.b = np.zeros((1, n_o))

    def run(self, x):
        g = yield x @ self.W.T + self.b
        while True:
            self.W_grad = g.T @ x
            self.b_grad = g.sum(0, keepdims=True)
            g = yield g @ self.W

    def update_param(self, lr):
        self.W = self.W - lr * self.W_grad
        self.b = self.b - lr * self.b_grad
