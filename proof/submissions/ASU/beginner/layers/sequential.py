import numpy as np

class Sequential(object):
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        inp = x
        for layer in self.layers:
            inp = layer.forward(inp)
        if target is None:
            return inp
        return self.loss.forward(inp, target)

    def backward(self):
        g = self.loss.backward()
        for layer in reversed(self.layers):
            g = layer.backward(g)
        return g

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)
        return None

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        avg = []
        for epoch in range(epochs):
            losses = []
            for i in range(0, x.shape[0], batch_size):
                x_batch = x[i:i+batch_size]
                y_batch = y[i:i+batch_size]
                loss = self.forward(x_batch, y_batch)
                self.backward()
                self.update_params(lr)
                losses.append(loss)
            avg.append(np.mean(losses))
        return avg

    def predict(self, x):
        probs = self.forward(x)
        return np.argmax(probs, axis=1)
