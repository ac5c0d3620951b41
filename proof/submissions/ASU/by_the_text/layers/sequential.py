import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        for layer in self.layers:
            x = layer.forward(x)
        if target is None:
            return x
        return self.loss.forward(x, target)

    def backward(self):
        grad = self.loss.backward()
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        losses = []
        for epoch in range(epochs):
            batch_losses = []
            for start in range(0, x.shape[0], batch_size):
                xb = x[start:start + batch_size]
                yb = y[start:start + batch_size]
                batch_losses.append(self.forward(xb, yb))
                self.backward()
                self.update_params(lr)
            losses.append(np.mean(batch_losses))
        return losses

    def predict(self, x):
        return np.argmax(self.forward(x), axis=1)
