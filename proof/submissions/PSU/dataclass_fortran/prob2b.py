from __future__ import annotations
from dataclasses import dataclass, field
from typing import Iterator
import numpy as np

@dataclass
class Dense:
    W: np.ndarray
    b: np.ndarray
    rectify: bool
    a: np.ndarray = field(init=False, repr=False, default=None)
    z: np.ndarray = field(init=False, repr=False, default=None)

    def __call__(self, a):
        # Fortran order inside: columns are units
        self.a = np.asfortranarray(a)
        self.z = np.asfortranarray(self.a @ self.W + self.b)
        return np.maximum(self.z, 0) if self.rectify else self.z

    def back(self, g):
        if self.rectify:
            g = g * (self.z > 0)
        # (g.T a).T is in F order
        return g @ self.W.T, (g.T @ self.a).T, g.sum(axis=0, keepdims=True)

@dataclass
class Mlp:
    layers: list[Dense]

    @classmethod
    def of(cls, theta) -> Mlp:
        last = len(theta) // 2 - 1
        return cls([Dense(theta[2 * i], theta[2 * i + 1], i < last) for i in range(last + 1)])

    def scores(self, X):
        for layer in self.layers:
            X = layer(X)
        return X

    def weights(self) -> Iterator[np.ndarray]:
        for layer in self.layers:
            yield layer.W

def _logp(f):
    f = f - f.max(axis=1, keepdims=True)
    return f - np.log(np.exp(f).sum(axis=1, keepdims=True))

def predict(X, theta):
    f = Mlp.of(theta).scores(X)
    return f, np.exp(_logp(f))

def computeCost(X, y, theta, reg):
    net = Mlp.of(theta)
    lp = _logp(net.scores(X))
    y = np.ravel(y).astype(int)
    return -np.trace(lp[:, y]) / len(y) + .5 * reg * sum(np.sum(W * W) for W in net.weights())

def computeGrad(X, y, theta, reg):
    net = Mlp.of(theta)
    lp = _logp(net.scores(X))
    y = np.ravel(y).astype(int)
    # gradient through log p = f - logsumexp(f):  d = u - softmax * (sum of u), with u = -onehot / N
    u = np.zeros_like(lp)
    u[np.arange(len(y)), y] = -1 / len(y)
    g = u - np.exp(lp) * u.sum(axis=1, keepdims=True)
    grads = []
    for layer in net.layers[::-1]:
        g, dW, db = layer.back(g)
        grads = [dW + reg * layer.W, db] + grads
    return tuple(grads)

def computeNumGrad(X, y, theta, reg):
    step = 2.0 ** -16
    nabla = []
    for k, p in enumerate(theta):
        d = np.zeros_like(p)
        for i, j in np.argwhere(np.ones_like(p)):
            t = [q.copy() for q in theta]
            t[k][i, j] += step
            plus = computeCost(X, y, t, reg)
            t[k][i, j] -= 2 * step
            minus = computeCost(X, y, t, reg)
            d[i, j] = (plus - minus) / (2 * step)
        nabla.append(d)
    return tuple(nabla)

def create_mini_batch(X, y, start, end):
    parts = np.split(np.arange(len(X)), [start, min(end, len(X))])
    return X[parts[1]], y[parts[1]]
