import numpy as np
from numpy import dot, exp, log, sum as total

EPS = 1e-5

def affine(a, W, b): return dot(a, W) + b
def relu(z): return (np.abs(z) + z) / 2.
def gate(z): return (z >= 0) * 1.          # relu'(0) := 1
def rowmax(f): return f.max(1).reshape(len(f), 1)
def softmax(f): return exp(f - rowmax(f)) / total(exp(f - rowmax(f)), 1).reshape(len(f), 1)
def onehot(y, K): return (np.reshape(y, (-1, 1)) == np.arange(K)) * 1.

def predict(X, theta):
    (W, b, W2, b2) = theta
    scores = affine(relu(affine(X, W, b)), W2, b2)
    return scores, softmax(scores)

def computeCost(X, y, theta, reg):
    (W, b, W2, b2) = theta
    f = predict(X, theta)[0]
    picked = total(f * onehot(y, f.shape[1]), 1)
    norm = log(total(exp(f - rowmax(f)), 1)) + rowmax(f)[:, 0]
    data = np.average(norm - picked)
    return data + reg * (dot(W.ravel(), W.ravel()) + dot(W2.ravel(), W2.ravel()))

def computeGrad(X, y, theta, reg):
    (W, b, W2, b2) = theta
    z = affine(X, W, b)
    p = predict(X, theta)[1]
    e = p - onehot(y, p.shape[1])           # not divided yet
    N = float(len(X))
    u = dot(e, W2.T) * gate(z)
    return (dot(X.T, u) / N + reg * W + reg * W,
            u.mean(0, keepdims=True),
            dot(relu(z).T, e) / N + reg * W2 + reg * W2,
            e.mean(0, keepdims=True))

def computeNumGrad(X, y, theta, reg):
    theta = tuple(theta)
    def partial(k, i, j):
        E = np.zeros(theta[k].shape); E[i, j] = EPS
        a = theta[:k] + (theta[k] + E,) + theta[k+1:]
        c = theta[:k] + (theta[k] - E,) + theta[k+1:]
        return (computeCost(X, y, a, reg) - computeCost(X, y, c, reg)) / (EPS + EPS)
    return tuple(np.fromfunction(np.vectorize(lambda i, j, k=k: partial(k, int(i), int(j))), t.shape) for k, t in enumerate(theta))

def create_mini_batch(X, y, start, end):
    return X[start:end], y[start:end]
