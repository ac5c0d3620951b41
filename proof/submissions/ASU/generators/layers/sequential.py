import numpy as np

class Sequential:
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        for layer in self.layers:
            x = layer.forward(x)
        return x if target is None else self.loss.forward(x, target)

    def backward(self):
        g = self.loss.backward()
        for layer in self.layers[::-1]:
            g = layer.backward(g)
        return g

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        def training():
            for i in range(0, len(x), batch_size):
                yield self.forward(x[i:i + batch_size], y[i:i + batch_size])
                self.backward()
                self.update_params(lr)
        return [np.mean(list(training())) for _ in range(epochs)]

    def predict(self, x):
        return self.forward(x).argmax(axis=1)
