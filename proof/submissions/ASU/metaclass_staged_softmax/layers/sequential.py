import numpy as np
from .layer import Layer

class Sequential(Layer):
    """is a layer itself"""

    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        for layer in self.layers:
            x = layer(x)
        if target is not None:
            return self.loss(x, target)
        return x

    def backward(self, y_grad=None):
        g = self.loss.backward() if y_grad is None else y_grad
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    update_param = update_params

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        self.curve = []
        n = len(x)
        for epoch in range(epochs):
            starts = range(0, n, batch_size)
            self.curve.append(np.mean([self.step(x[s:s + batch_size], y[s:s + batch_size], lr) for s in starts]))
        return self.curve

    def step(self, x, y, lr):
        value = self.forward(x, y)
        self.backward()
        self.update_params(lr)
        return value

    def predict(self, x):
        return np.argmax(self(x), 1)
