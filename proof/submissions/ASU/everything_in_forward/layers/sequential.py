import numpy as np

class Sequential:
    def __init__(self, layers, loss):
        self.layers, self.loss = layers, loss
        self.n_updates = 0

    def forward(self, x, target=None):
        h = x
        for layer in self.layers:
            h = layer.forward(h)
        if target is None:
            return h
        return self.loss.forward(h, target)

    def backward(self):
        g = self.loss.backward()
        for layer in self.layers[-1::-1]:
            g = layer.backward(g)
        return g

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)
        self.n_updates += 1

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        if batch_size > len(x):
            batch_size = len(x)
        losses = []
        for epoch in range(epochs):
            sums = []
            for i in range(0, len(x), batch_size):
                loss = self.forward(x[i:i+batch_size], y[i:i+batch_size])
                self.backward()
                self.update_params(lr)
                sums.append(loss)
            losses.append(sum(sums)/len(sums))
        return losses

    def predict(self, x):
        return self.forward(x).argmax(axis=1)
