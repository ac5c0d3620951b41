"""A network of dense layers with an optional softmax, in minibatches: rows are cases."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


VALUES = {
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(0, z),
    "linear": lambda z: z,
}
SLOPES = {
    "sigmoid": lambda z: sigmoid(z) * (1 - sigmoid(z)),
    "tanh": lambda z: 1 - np.tanh(z) ** 2,
    "relu": lambda z: (z > 0).astype(float),
    "linear": np.ones_like,
}


class Layer:
    """Units with their incoming weights W (inputs, units) and biases."""

    def __init__(self, W, b, activation):
        self.W, self.b, self.activation = W, b, activation

    def forward_pass(self, x):
        self.x = x
        self.z = x @ self.W + self.b
        return VALUES[self.activation](self.z)

    def backward_pass(self, J):
        delta = J * SLOPES[self.activation](self.z)
        self.J_W = self.x.T @ delta
        self.J_b = delta.sum(axis=0)
        return delta @ self.W.T


class Softmax:
    """No weights: the exponentials, divided by their sum in each case."""

    def forward_pass(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y = e / e.sum(axis=1, keepdims=True)
        return self.y

    def backward_pass(self, J):
        return self.y * (J - (J * self.y).sum(axis=1, keepdims=True))


class Network:
    """Layers, a loss (the mean over the cases), and a penalty on the weights."""

    def __init__(self, layers, loss, wrt="none", wreg=0.0):
        self.layers, self.loss, self.wrt, self.wreg = layers, loss, wrt, wreg

    @property
    def weighted(self):
        return [layer for layer in self.layers if isinstance(layer, Layer)]

    def forward_pass(self, x):
        for layer in self.layers:
            x = layer.forward_pass(x)
        return x

    def loss_of(self, y, t):
        mse = self.loss == "mse"
        data = ((y - t) ** 2).mean() if mse else -(t * np.log(y)).sum() / len(y)
        return data + self.wreg * sum(self._size(layer.W) for layer in self.weighted)

    def _size(self, W):
        if self.wrt == "L2":
            return (W**2).sum() / 2
        return np.abs(W).sum() if self.wrt == "L1" else 0.0

    def backward_pass(self, y, t):
        J = 2 * (y - t) / y.size if self.loss == "mse" else -t / y / len(y)
        for layer in reversed(self.layers):
            J = layer.backward_pass(J)
        for layer in self.weighted:
            if self.wrt == "L2":
                layer.J_W += self.wreg * layer.W
            elif self.wrt == "L1":
                layer.J_W += self.wreg * np.sign(layer.W)
