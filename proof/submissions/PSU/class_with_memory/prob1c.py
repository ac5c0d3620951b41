import numpy as np

np.seterr(all='warn')

class Network:
    """One hidden layer. Remembers the last forward pass and makes it again if another one is asked for."""

    def __init__(self, theta):
        self.p = dict(zip(('W1', 'b1', 'W2', 'b2'), theta))
        self.seen = None

    def forward(self, X):
        if self.seen is X:
            return self.f
        self.X = X
        self.pre = X.dot(self.p['W1']) + self.p['b1']
        self.h = self.pre.clip(min=0)
        self.f = self.h.dot(self.p['W2']) + self.p['b2']
        self.seen = X
        return self.f

    @property
    def logp(self):
        s = self.f - np.amax(self.f, 1)[:, None]
        return s - np.log(np.exp(s).sum(1))[:, None]

    def nll(self, X, y):
        self.forward(X)
        return -self.logp[np.arange(y.size), y].sum() / y.size

    def penalty(self):
        return sum(np.linalg.norm(self.p[n]) ** 2 for n in ('W1', 'W2'))

    def backward(self, X, y):
        self.forward(X)
        d = np.exp(self.logp)
        d[np.arange(y.size), y] -= 1.
        d /= y.size
        g = {}
        g['W2'] = self.h.T.dot(d)
        g['b2'] = d.sum(0)[None, :]
        d = d.dot(self.p['W2'].T)
        d *= np.sign(self.h)
        g['W1'] = X.T.dot(d)
        g['b1'] = d.sum(0)[None, :]
        return g

def _labels(y):
    return np.asarray(y).reshape(-1).astype(int)

def predict(X, theta):
    net = Network(theta)
    scores = net.forward(X)
    return scores, np.exp(net.logp)

def computeCost(X, y, theta, reg):
    net = Network(theta)
    return net.nll(X, _labels(y)) + reg * net.penalty()

def computeGrad(X, y, theta, reg):
    net = Network(theta)
    g = net.backward(X, _labels(y))
    for n in ('W1', 'W2'):
        g[n] += 2 * reg * net.p[n]
    return tuple(g[n] for n in ('W1', 'b1', 'W2', 'b2'))

def computeNumGrad(X, y, theta, reg):
    eps = 1e-5
    work = [np.array(t, dtype=float) for t in theta]
    nabla = []
    for t in work:
        g = np.empty(t.shape)
        flat, gflat = t.reshape(-1), g.reshape(-1)
        for i in range(flat.size):
            keep = flat[i]
            flat[i] = keep + eps
            hi = computeCost(X, y, work, reg)
            flat[i] = keep - eps
            lo = computeCost(X, y, work, reg)
            flat[i] = keep
            gflat[i] = (hi - lo) / (2 * eps)
        nabla.append(g)
    return tuple(nabla)

def create_mini_batch(X, y, start, end):
    return X[start:end].copy(), y[start:end].copy()
