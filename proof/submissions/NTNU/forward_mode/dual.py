"""Backward pass by blocks: besides the usual chain I keep for each layer the whole product of Jacobians
dLoss/d(sum of this layer), one row a case, made from the front in a loop over the layers above."""
import numpy as np

class Layer:
    def __init__(self, w, b, name):
        self.w, self.b, self.name = w, b, name

    def forward_pass(self, x):
        self.x = x
        z = x @ self.w + self.b
        y = {'sigmoid': lambda: 1 / (1 + np.exp(-z)), 'tanh': lambda: np.tanh(z),
             'relu': lambda: np.where(z > 0, z, 0.0), 'linear': lambda: z}[self.name]()
        self.slope = {'sigmoid': lambda: y * (1 - y), 'tanh': lambda: 1 - y ** 2,
                      'relu': lambda: np.where(z > 0, 1.0, 0.0), 'linear': lambda: np.ones_like(z)}[self.name]()
        return y

    def jacobian(self):
        """d outputs / d inputs, for each case: (cases, out, in)"""
        return self.slope[:, :, None] * self.w.T[None]

    def backward_pass(self, to_output):
        delta = to_output * self.slope
        return (delta[:, None, :] * self.x[:, :, None]).mean(axis=0), delta.mean(axis=0)

class Network:
    def __init__(self, layers, softmax, loss, wrt, wreg):
        self.layers, self.softmax, self.loss, self.wrt, self.wreg = layers, softmax, loss, wrt, wreg

    def forward_pass(self, x):
        for l in self.layers:
            x = l.forward_pass(x)
        if self.softmax:
            e = np.exp(x - x.max(axis=1, keepdims=True))
            x = e / e.sum(axis=1, keepdims=True)
        self.y = x
        return x

    def backward_pass(self, t):
        y = self.y
        g = 2 * (y - t) / y.shape[1] if self.loss == 'mse' else -t / y
        if self.softmax:
            S = y[:, :, None] * (np.eye(y.shape[1]) - y[:, None, :])
            g = np.matmul(g[:, None, :], S)[:, 0, :]
        gw, gb = [], []
        for k, l in enumerate(self.layers):
            row = g[:, None, :]
            for m in range(len(self.layers) - 1, k, -1):
                row = row @ self.layers[m].jacobian()
            a, b = l.backward_pass(row[:, 0, :])
            if self.wrt == 'L2':
                a = a + self.wreg * l.w
            elif self.wrt == 'L1':
                a = a + self.wreg * np.sign(l.w)
            gw.append(a)
            gb.append(b)
        return gw, gb

    def value(self, t):
        y = self.y
        v = ((y - t) ** 2).mean() if self.loss == 'mse' else np.mean([-(tc * np.log(yc)).sum() for tc, yc in zip(t, y)])
        for l in self.layers:
            v = v + self.wreg * {'none': 0, 'L1': np.abs(l.w).sum(), 'L2': (l.w ** 2).sum() / 2}[self.wrt]
        return v
