import numpy as np

class Sequential:
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def _through(self, x, layers):
        if not layers:
            return x
        return self._through(layers[0].forward(x), layers[1:])

    def _back(self, g, layers):
        return g if not layers else self._back(layers[-1].backward(g), layers[:-1])

    def forward(self, x, target=None):
        z = self._through(x, self.layers)
        if target is None:
            return z
        return self.loss.forward(z, target)

    def backward(self):
        return self._back(self.loss.backward(), self.layers)

    def update_params(self, lr):
        for l in self.layers:
            l.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        self.history = []
        cuts = list(range(batch_size, len(x), batch_size))
        for e in range(epochs):
            s = 0
            parts = list(zip(np.split(x, cuts), np.split(y, cuts)))
            for xb, yb in parts:
                s += self.forward(xb, yb)
                self.backward()
                self.update_params(lr)
            self.history.append(s / len(parts))
        return self

    def predict(self, x):
        return [int(np.argmax(row)) for row in self.forward(x)]
