from __future__ import print_function
import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        out = x
        for layer in self.layers:
            out = layer.forward(out)
        if target is not None:
            out = self.loss.forward(out, target)
        return out

    def backward(self):
        g = self.loss.backward()
        for i in range(len(self.layers) - 1, -1, -1):
            g = self.layers[i].backward(g)
        return g

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        n_batches = int(np.ceil(x.shape[0] / float(batch_size)))
        loss = np.zeros((epochs, n_batches))
        for e in range(epochs):
            for k in range(n_batches):
                xb = x[k * batch_size:(k + 1) * batch_size, :]
                yb = y[k * batch_size:(k + 1) * batch_size, :]
                loss[e, k] = self.forward(xb, target=yb)
                self.backward()
                self.update_params(lr)
        return loss.mean(axis=1)

    def predict(self, x):
        return np.argmax(self.forward(x), axis=-1)
