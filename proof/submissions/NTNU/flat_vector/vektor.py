import numpy as np

class Layer:
    """Weights and biases of all layers are views into one vector theta; gradients likewise."""

    def __init__(self, theta, grad, at, n_in, n_out, act):
        a, b = at, at + n_in * n_out
        self.w = theta[a:b].reshape(n_in, n_out)
        self.b = theta[b:b + n_out]
        self.gw = grad[a:b].reshape(n_in, n_out)
        self.gb = grad[b:b + n_out]
        self.end = b + n_out
        self.act = act

    def forward_pass(self, x):
        self.x = x
        y = x @ self.w + self.b
        if self.act == "relu":
            y[y < 0] = 0
        elif self.act == "sigmoid":
            np.negative(y, out=y)
            np.exp(y, out=y)
            y += 1
            np.reciprocal(y, out=y)
        elif self.act == "tanh":
            np.tanh(y, out=y)
        self.y = y
        return y

    def backward_pass(self, up):
        up = up.copy()
        if self.act == "relu":
            up[self.y == 0] = 0
        elif self.act == "sigmoid":
            up *= self.y
            up *= 1 - self.y
        elif self.act == "tanh":
            up *= 1 - self.y ** 2
        self.gw[:] = self.x.T @ up
        self.gb[:] = up.sum(axis=0)
        return up @ self.w.T

class Network:
    def __init__(self, weights, biases, activations, softmax, loss, wrt, wreg):
        total = sum(w.size for w in weights) + sum(b.size for b in biases)
        self.theta, self.grad = np.empty(total), np.empty(total)
        self.is_weight = np.zeros(total, dtype=bool)
        self.layers, at = [], 0
        for w, b, a in zip(weights, biases, activations):
            l = Layer(self.theta, self.grad, at, *w.shape, a)
            l.w[...] = w
            l.b[...] = b
            self.is_weight[at:at + w.size] = True
            at = l.end
            self.layers.append(l)
        self.softmax, self.loss, self.wrt, self.wreg = softmax, loss, wrt, wreg

    def forward_pass(self, x):
        for l in self.layers:
            x = l.forward_pass(x)
        if self.softmax:
            x = np.exp(x - x.max(axis=1, keepdims=True))
            x /= x.sum(axis=1, keepdims=True)
        return x

    def backward_pass(self, y, t):
        if self.loss == "mse":
            value = np.mean((y - t) ** 2) * len(y)
            up = (y - t) * (2 / y.shape[1])
        else:
            value = np.mean(-np.sum(t * np.log(y), axis=1)) * len(y)
            up = -t / y
        if self.softmax:
            k = y.shape[1]
            new = np.zeros_like(up)
            for i in range(k):
                for j in range(k):
                    new[:, j] += up[:, i] * y[:, i] * ((i == j) - y[:, j])
            up = new
        for l in self.layers[::-1]:
            up = l.backward_pass(up)
        w = self.theta[self.is_weight]
        if self.wrt == "L2":
            value += self.wreg / 2 * w @ w
            self.grad[self.is_weight] += self.wreg * w
        if self.wrt == "L1":
            value += self.wreg * np.abs(w).sum()
            self.grad[self.is_weight] += self.wreg * np.sign(w)
        return value
