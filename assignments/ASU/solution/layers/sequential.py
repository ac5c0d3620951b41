import numpy as np


class Sequential:
    """Layers one after the other, with a loss layer at the end."""

    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        for layer in self.layers:
            x = layer.forward(x)
        return x if target is None else self.loss.forward(x, target)

    def backward(self):
        grad = self.loss.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        history = []
        for _ in range(epochs):
            losses = []
            for start in range(0, len(x), batch_size):
                batch = slice(start, start + batch_size)
                losses.append(self.forward(x[batch], y[batch]))
                self.backward()
                self.update_params(lr)
            history.append(np.mean(losses))
        return history

    def predict(self, x):
        return self.forward(x).argmax(axis=1)
