import numpy as np

class Sequential(list):
    """the model is the list of its layers"""

    def __init__(self, layers, loss):
        super().__init__(layers)
        self.loss = loss

    @property
    def layers(self):
        return self

    def forward(self, x, target=None):
        for layer in self:
            x = layer.forward(x)
        return x if target is None else self.loss.forward(x, target)

    def backward(self):
        g = self.loss.backward()
        for layer in reversed(self):
            g = layer.backward(g)
            layer.update_later = True
        return g

    def update_params(self, lr):
        # the order does not matter
        for layer in reversed(self):
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        losses = []
        for n in range(epochs):
            k = 0
            epoch = []
            while k*batch_size < len(x):
                a, b = k*batch_size, (k + 1)*batch_size
                epoch.append(self.forward(x[a:b], y[a:b]))
                self.backward()
                self.update_params(lr)
                k += 1
            losses.append(np.mean(epoch))
        return losses

    def predict(self, x):
        out = self.forward(x)
        return np.argsort(-out, axis=1, kind='stable')[:, 0]
