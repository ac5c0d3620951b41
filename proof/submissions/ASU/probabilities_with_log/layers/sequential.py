import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        for layer in self.layers:
            x = layer.forward(x)
        if target is None:
            return np.asarray(x)
        return self.loss.forward(x, target)

    def backward(self):
        grad = self.loss.backward()
        for layer in self.layers[::-1]:
            grad = layer.backward(grad)
        return grad

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        out = []
        for _ in range(epochs):
            losses = []
            for i in range(0, len(x), batch_size):
                losses.append(self.forward(x[i:i + batch_size], y[i:i + batch_size]))
                self.backward()
                self.update_params(lr)
            out.append(np.mean(losses))
        return out

    def predict(self, x):
        return np.argmax(self.forward(x), axis=1)
