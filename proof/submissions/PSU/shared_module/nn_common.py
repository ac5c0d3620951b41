"""Shared by prob1a.py, prob1c.py and prob2b.py, so that each is written and checked once."""
import numpy as np

def forward(X, theta):
    inputs, gates = [], []
    a = X
    L = len(theta) // 2
    for l in range(L):
        inputs.append(a)
        a = a @ theta[2 * l] + theta[2 * l + 1]
        if l + 1 < L:
            gates.append(a > 0)
            a = a * gates[-1]
    return a, inputs, gates

def softmax(f):
    e = np.exp(f - f.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)

def predict(X, theta):
    f = forward(X, theta)[0]
    return f, softmax(f)

def cost(X, y, theta, reg):
    f = forward(X, theta)[0]
    y = y.reshape(-1).astype(int)
    # log p_y = -log sum_j exp(f_j - f_y)
    data = np.logaddexp.reduce(f - f[np.arange(len(y)), y][:, None], axis=1).sum() / len(y)
    return data + sum(reg * np.sum(theta[k] ** 2) for k in range(0, len(theta), 2))

def grad(X, y, theta, reg):
    f, inputs, gates = forward(X, theta)
    y = y.reshape(-1).astype(int)
    d = softmax(f)
    d[np.arange(len(y)), y] -= 1
    d = d / len(y)
    out = [None] * len(theta)
    for l in range(len(theta) // 2 - 1, -1, -1):
        out[2 * l] = inputs[l].T @ d + 2 * reg * theta[2 * l]
        out[2 * l + 1] = d.sum(axis=0)[np.newaxis]
        if l:
            d = (d @ theta[2 * l].T) * gates[l - 1]
    return tuple(out)

def numgrad(X, y, theta, reg, eps=1e-5):
    theta = [t.copy() for t in theta]
    out = []
    for t in theta:
        g = np.zeros(t.shape)
        for idx in np.ndindex(t.shape):
            for sign in (1, -1):
                t[idx] += sign * eps
                g[idx] += sign * cost(X, y, theta, reg) / (2 * eps)
                t[idx] -= sign * eps
        out.append(g)
    return tuple(out)

def batch(X, y, start, end):
    return X[start:end], y[start:end]
