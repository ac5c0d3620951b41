import numpy as np

def logistic(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500)))

class Link:
    """A layer that knows the next one. forward_pass goes down the chain to the loss and the
    gradient comes back as the value of the same recursion."""

    def __init__(self, w, b, act, nxt):
        self.w, self.b, self.act, self.nxt = w, b, act, nxt

    def forward_pass(self, x):
        self.x = x
        self.z = np.matmul(x, self.w) + self.b
        self.a = {'sigmoid': logistic, 'tanh': np.tanh, 'relu': lambda z: (np.abs(z) + z) * 0.5,
                  'linear': lambda z: z}[self.act](self.z)
        return self.nxt.forward_pass(self.a)

    def backward_pass(self, t):
        g = self.nxt.backward_pass(t)
        if self.act == 'sigmoid':
            g = g * self.a * (1 - self.a)
        elif self.act == 'tanh':
            g = g * (1 - np.square(self.a))
        elif self.act == 'relu':
            g = np.where(self.z >= 0, g, 0)
        self.gw = np.matmul(self.x.T, g)
        self.gb = np.ones(g.shape[0]) @ g
        return np.matmul(g, self.w.T)

    def penalty(self, wrt):
        own = {'L1': np.sum(np.abs(self.w)), 'L2': 0.5 * np.sum(self.w ** 2)}.get(wrt, 0.0)
        return own + self.nxt.penalty(wrt)

    def add_penalty(self, wrt, c):
        if wrt == 'L1':
            self.gw += c * np.sign(self.w)
        if wrt == 'L2':
            self.gw += c * self.w
        self.nxt.add_penalty(wrt, c)

    def collect(self):
        return [(self.gw, self.gb)] + self.nxt.collect()

class End:
    def __init__(self, softmax, loss):
        self.softmax, self.loss = softmax, loss

    def forward_pass(self, v):
        if self.softmax:
            v = np.exp(v - v.max(axis=1, keepdims=True))
            v = v / v.sum(axis=1, keepdims=True)
        self.v = v
        return v

    def value(self, t):
        if self.loss == 'mse':
            return np.square(self.v - t).mean(axis=1).sum()
        return -np.log((self.v ** t).prod(axis=1)).sum()

    def backward_pass(self, t):
        if self.loss == 'mse':
            g = 2 * (self.v - t) / t.shape[1]
            if self.softmax:
                s = self.v
                g = np.array([(np.diag(p) - p[:, None] * p) @ r for p, r in zip(s, g)])
            return g
        if self.softmax:
            return self.v - t          # softmax and cross entropy together
        return -t / self.v

    def penalty(self, wrt):
        return 0.0

    def add_penalty(self, wrt, c):
        pass

    def collect(self):
        return []

class Network:
    def __init__(self, weights, biases, activations, softmax, loss, wrt, wreg):
        self.end = End(softmax, loss)
        self.first = self.end
        for w, b, a in reversed(list(zip(weights, biases, activations))):
            self.first = Link(w, b, a, self.first)
        self.wrt, self.wreg = wrt, wreg

    def forward_pass(self, x):
        return self.first.forward_pass(x)

    def backward_pass(self, t):
        self.first.backward_pass(t)
        self.first.add_penalty(self.wrt, self.wreg)

    def loss(self, t):
        return self.end.value(t) + self.wreg * self.first.penalty(self.wrt)
