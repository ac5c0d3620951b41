import numpy as np

class Layer:
    """Basis: the subclasses give act and slope. Gradients are added up until clear()."""

    def __init__(self, w, b):
        self.w = np.asfortranarray(w)
        self.b = b
        self.clear()

    def clear(self):
        self.gw = np.zeros(self.w.shape, order='F')
        self.gb = np.zeros(self.b.shape)

    def forward_pass(self, x):
        self.x = x
        self.s = (self.w.T @ x.T).T + self.b
        self.y = self.act(self.s)
        return self.y

    def backward_pass(self, j):
        d = j * self.slope()
        for xc, dc in zip(self.x, d):
            self.gw += np.multiply.outer(xc, dc)
            self.gb += dc
        return (self.w @ d.T).T

class SigmoidLayer(Layer):
    def act(self, s):
        return np.reciprocal(1 + np.exp(-s))

    def slope(self):
        e = np.exp(-np.abs(self.s))
        return e / (1 + e) ** 2

class TanhLayer(Layer):
    def act(self, s):
        return np.tanh(s)

    def slope(self):
        return 1 - self.y * self.y

class ReluLayer(Layer):
    def act(self, s):
        return np.maximum(s, np.zeros_like(s))

    def slope(self):
        d = np.zeros_like(self.s)
        d[self.s > 0] = 1
        return d

class LinearLayer(Layer):
    def act(self, s):
        return s

    def slope(self):
        return 1

class Network:
    table = dict(sigmoid=SigmoidLayer, tanh=TanhLayer, relu=ReluLayer, linear=LinearLayer)

    def __init__(self, weights, biases, activations, softmax, loss, wrt='none', wreg=0, verbose=False):
        self.layers = [self.table[a](w, b) for w, b, a in zip(weights, biases, activations)]
        self.softmax, self.loss, self.wrt, self.wreg = softmax, loss, wrt, wreg
        self.verbose = verbose

    def forward_pass(self, x):
        for l in self.layers:
            x = l.forward_pass(x)
        if self.softmax:
            m = x.max(axis=1)
            x = np.exp((x.T - m - np.log(np.exp(x.T - m).sum(axis=0))).T)
        self.out = x
        return x

    def backward_pass(self, t):
        n = len(t)
        y = self.out
        if self.softmax and self.loss == 'cross_entropy':
            j = (y - t) / n
        else:
            if self.loss == 'mse':
                j = (y - t) * 2 / n
            else:
                j = -t / y / n
            if self.softmax:
                j = np.array([jc @ (np.diagflat(yc) - np.outer(yc, yc)) for jc, yc in zip(j, y)])
        for l in self.layers:
            l.clear()
        for l in self.layers[::-1]:
            j = l.backward_pass(j)
        for l in self.layers:
            if self.wrt == 'L1':
                l.gw += np.copysign(self.wreg, l.w) * (l.w != 0)
            elif self.wrt == 'L2':
                l.gw += self.wreg * l.w

    def value(self, t):
        if self.loss == 'mse':
            v = ((self.out - t) ** 2).sum() / len(t)
        else:
            v = sum(-np.log(self.out[c]) @ t[c] for c in range(len(t))) / len(t)
        ws = np.concatenate([l.w.ravel() for l in self.layers])
        if self.wrt == 'L1':
            v += self.wreg * np.abs(ws).sum()
        elif self.wrt == 'L2':
            v += self.wreg * ws.dot(ws) / 2
        if self.verbose:
            print('loss', v)
        return v
