"""Every layer is an object with a generator inside: it takes an input, gives the output, then takes the
gradient and gives back the gradient for the layer before."""
import numpy as np

class Layer:
    def __init__(self, w, b, act):
        self.w, self.b, self.act = w, b, act

    def _life(self):
        x = yield
        z = x @ self.w + self.b
        if self.act == 'relu':
            y, d = np.fmax(z, 0), (z > 0) * 1.0
        elif self.act == 'tanh':
            y = np.tanh(z)
            d = 1 - y ** 2
        elif self.act == 'sigmoid':
            y = 0.5 + 0.5 * np.tanh(0.5 * z)
            d = y - y * y
        else:
            y, d = z, 1.0
        up = yield y
        delta = up * d
        self.gw, self.gb = x.T @ delta, delta.sum(axis=0)
        yield delta @ self.w.T

    def forward_pass(self, x):
        self.g = self._life()
        next(self.g)
        return self.g.send(x)

    def backward_pass(self, up):
        return self.g.send(up)

class LogSoftmax:
    """gives log-probabilities; the network exponentiates them only for its outputs"""

    def forward_pass(self, x):
        x = x - x.max(axis=1, keepdims=True)
        self.lp = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
        return self.lp

    def backward_pass(self, up):
        return up - np.exp(self.lp) * up.sum(axis=1, keepdims=True)

class Network:
    def __init__(self, weights, biases, activations, softmax, loss, wrt, wreg):
        self.dense = [Layer(*a) for a in zip(weights, biases, activations)]
        self.log = LogSoftmax() if softmax else None
        self.loss, self.wrt, self.wreg = loss, wrt, wreg

    def forward_pass(self, x):
        for l in self.dense:
            x = l.forward_pass(x)
        if self.log:
            self.lp = self.log.forward_pass(x)
            x = np.exp(self.lp)
        self.y = x
        return x

    def backward_pass(self, t):
        n, k = t.shape
        if self.loss == 'mse':
            value = ((self.y - t) ** 2).mean(axis=0).sum() / 2
            up = (self.y - t) / n
            if self.log:
                up = self.log.backward_pass(up * self.y)    # dy = y dlog(y)
        elif self.log:
            value = -np.vdot(t, self.lp) / n
            up = self.log.backward_pass(-t / n)
        else:
            value = -np.vdot(t, np.log(self.y)) / n
            up = -t / (n * self.y)
        for l in self.dense[::-1]:
            up = l.backward_pass(up)
        for l in self.dense:
            if self.wrt == 'L2':
                value += self.wreg * np.vdot(l.w, l.w) / 2
                l.gw += self.wreg * l.w
            if self.wrt == 'L1':
                s = np.sign(l.w)
                value += self.wreg * np.vdot(s, l.w)
                l.gw += self.wreg * s
        return value
