import numpy as np

class Sequential:
    def __init__(self, layers, loss):
        self.layers = layers
        self.loss = loss

    def forward(self, x, target=None):
        y = x
        for k in range(len(self.layers)):
            y = self.layers[k].forward(y)
        if target is not None:
            y = self.loss.forward(y, target)
        return y

    def backward(self):
        g = self.loss.backward()
        k = len(self.layers) - 1
        while k >= 0:
            g = self.layers[k].backward(g)
            k -= 1
        return g

    def update_params(self, lr):
        for k in range(len(self.layers)):
            self.layers[k].update_param(lr)

    def fit(self, x, y, epochs=10, lr=0.1, batch_size=128):
        n = len(x)
        history = []
        for e in range(epochs):
            total = 0
            count = 0
            i = 0
            while i < n:
                total += self.forward(x[i:i + batch_size], y[i:i + batch_size])
                self.backward()
                self.update_params(lr)
                count += 1
                i += batch_size
            history.append(total / count)
        return history

    def predict(self, x):
        p = self.forward(x)
        labels = []
        for i in range(len(p)):
            best = 0
            for j in range(1, len(p[i])):
                if p[i][j] > p[i][best]:
                    best = j
            labels.append(best)
        return np.array(labels)
