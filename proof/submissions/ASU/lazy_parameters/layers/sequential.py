import numpy as np

class Sequential:
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss
        self.outputs = []

    def forward(self, x, target=None):
        self.outputs = [x]
        for layer in self.layers:
            self.outputs.append(layer.forward(self.outputs[-1]))
        if target is None:
            return self.outputs[-1]
        return self.loss.forward(self.outputs[-1], target)

    def backward(self):
        deltas = {len(self.layers): self.loss.backward()}
        for k in reversed(range(len(self.layers))):
            deltas[k] = self.layers[k].backward(deltas[k + 1])
        return deltas[0]

    def update_params(self, lr):
        for layer in self.layers:
            layer.update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        result = []
        for _ in range(epochs):
            order = np.arange(len(x))
            total, batches = 0.0, 0
            while order.size:
                now, order = order[:batch_size], order[batch_size:]
                total += self.forward(x[now], y[now])
                batches += 1
                self.backward()
                self.update_params(lr)
            result.append(total / batches)
        return result

    def predict(self, x):
        z = self.forward(x)
        return np.array([row.tolist().index(max(row)) for row in z])
